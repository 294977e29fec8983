//! `configure`: make docker, or podman, skopeo and buildah, ask this helper, or put back what was changed for it; and
//! say what they are handed out.

mod containers;
mod hand_out;
mod helper_keys;
mod journal;
mod profile_link;
mod search_path;
mod undo;
mod unreachable;

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::client_config::{ConfigFile, Key};
use crate::command::turn::{CONFIGURATION, turn};
use crate::command::{Report, import};
use crate::credential::Profile;
use crate::files::Location;
use crate::registry::Registry;
use crate::settings::{self, Variables};

use self::journal::Journal;

pub use self::containers::{drop_in_paths, lines_of_helpers, lists_of_helpers};
pub use self::hand_out::hand_out;
pub use self::search_path::way_onto_path;
pub use self::undo::undo;

/// What stands before a report of changes that are not made.
const DRY_RUN: &str = "Dry run, nothing is changed. Without --dry-run:";

/// What is to be configured.
#[derive(Clone, Debug)]
pub struct Request {
    /// Only these, if there are any.
    pub registries: Vec<Registry>,
    /// Whose credentials are to be handed out.
    pub profile: Profile,
    /// Who is to ask for them.
    pub client: Client,
    /// Whether it is only to be said what would be done.
    pub is_dry_run: bool,
}

/// Who reads the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// podman, skopeo and buildah, which share theirs.
    Containers,
    /// docker, and all that read its config.json.
    Docker,
}

impl Client {
    /// The client as the beginning of a sentence in the singular.
    fn name(self) -> &'static str {
        match self {
            Self::Containers => "podman",
            Self::Docker => "docker",
        }
    }
}

/// What was configured, and what could be imported now.
#[derive(Debug)]
pub struct Configured {
    /// What was changed.
    pub report: Report,
    /// The credentials that are not asked for any more, or that lie in plain text.
    pub offers: Vec<import::Request>,
}

impl Configured {
    /// The commands that import what is offered, a line each.
    #[must_use]
    pub fn commands(&self) -> String {
        self.offers.iter().fold(String::new(), |mut text, offer| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "To import them, run: {}", offer.command());
            text
        })
    }
}

/// What a configuration calls this helper: the part of the program's name after `docker-credential-`.
#[must_use]
pub fn helper_name(profile: &Profile) -> String {
    if profile.is_default() {
        "scoped".to_owned()
    } else {
        format!("scoped-{profile}")
    }
}

/// The program's name for a profile.
#[must_use]
pub fn program(profile: &Profile) -> String {
    format!("docker-credential-{}", helper_name(profile))
}

/// Changes the configuration, and says what was changed and what follows from it.
pub fn configure(request: &Request, data: Option<Location>, variables: Variables<'_>) -> Result<Configured> {
    let mut report = Report::default();
    if request.is_dry_run {
        report.say(DRY_RUN);
    }
    let executable = settings::executable().context("cannot find the file of this program")?;
    let _turn = (!request.is_dry_run).then(|| turn(CONFIGURATION, data.as_ref()));
    let mut journal = Journal::open(data)?;
    let program = program(&request.profile);
    let link = if request.profile.is_default() {
        None
    } else {
        profile_link::make(
            &program,
            &executable,
            request,
            variables,
            &mut journal,
            &mut report,
        )?
    };
    let client = request.client.name();
    if let Some(warning) = search_path::warning(&program, client, &executable, link.as_deref(), variables) {
        report.note(warning);
    }
    let offers = match request.client {
        Client::Containers => containers::configure(request, variables, &mut journal, &mut report)?,
        Client::Docker => docker(request, variables, &mut journal, &mut report)?,
    };
    Ok(Configured { report, offers })
}

fn docker(
    request: &Request,
    variables: Variables<'_>,
    journal: &mut Journal,
    report: &mut Report,
) -> Result<Vec<import::Request>> {
    let path = settings::docker_config_file(variables)
        .context("no home directory; set HOME, or DOCKER_CONFIG to the directory of config.json")?;
    let keys: Vec<_> = if request.registries.is_empty() {
        vec![Key::CredsStore]
    } else {
        let key = |registry: &Registry| Key::CredHelpers(registry.docker_key().to_owned());
        request.registries.iter().map(key).collect()
    };
    let before = helper_keys::set(&path, &keys, request, journal, report)?;
    let offers = unreachable::name(&before, &keys, &path, import::Source::Docker, request, report);
    if request.registries.is_empty() {
        note_overriding_helpers(&before, &helper_name(&request.profile), report);
    } else if before.helper(&Key::CredsStore).is_none() {
        // With credHelpers in the file, docker does not look for a store of the system's any more either
        // (docker/cli `LoadDefaultConfigFile`, `ContainsAuth`).
        report.note("note: without credsStore, docker keeps logins to all other registries in plain text");
    }
    if settings::is_docker_auth_config_set(variables) {
        report.note(
            "warning: DOCKER_AUTH_CONFIG is set, and docker takes what is in it before it asks a helper; unset it",
        );
    }
    Ok(offers)
}

/// A registry's own helper stands over credsStore.
fn note_overriding_helpers(config: &ConfigFile, ours: &str, report: &mut Report) {
    for (registry, helper) in config.cred_helpers() {
        if helper == ours {
            continue;
        }
        let does = if helper.is_empty() {
            format!("keeping logins to {registry} in plain text in this file")
        } else {
            format!("sending {registry} to docker-credential-{helper}")
        };
        report.note(format_args!(
            "note: credHelpers goes on {does}; to change that, name it with --registry"
        ));
    }
}
