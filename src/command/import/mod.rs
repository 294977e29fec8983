//! `import`: take credentials from a config.json, or from another helper, into the store.

mod file;
mod helper;
mod keep;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use time::OffsetDateTime;

use crate::command::recorder::Recorder;
use crate::command::{Report, profile_option, quoted};
use crate::credential::{HelperName, InvalidHelperName, Profile};
use crate::files::Location;
use crate::registry::Registry;
use crate::secret_source::{Depth, Helper};
use crate::settings::{self, Variables};
use crate::store::CredentialStore;

use self::keep::{Keeper, Kept};

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct Request {
    /// From where.
    pub source: Source,
    /// Only what belongs to these, if there are any.
    pub registries: Vec<Registry>,
    /// Into which profile.
    pub profile: Profile,
    /// Whether it is only to be said what would be done.
    pub is_dry_run: bool,
}

/// Where credentials are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// docker's config.json.
    Docker,
    /// A file of the same format.
    File(PathBuf),
    /// Another helper, which is left as it is.
    Helper(HelperName),
}

impl FromStr for Source {
    type Err = InvalidHelperName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("helper:") {
            Some(name) => name.parse().map(Self::Helper),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl Request {
    /// The command that does this.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = "docker-credential-scoped import".to_owned();
        // Writing to a String cannot fail.
        let _ = match &self.source {
            Source::Docker => Ok(()),
            Source::File(path) => write!(command, " --from {}", quoted(&path.to_string_lossy())),
            Source::Helper(helper) => write!(command, " --from helper:{helper}"),
        };
        for registry in &self.registries {
            let _ = write!(command, " --registry {registry}");
        }
        command + &profile_option(&self.profile)
    }
}

/// Imports what was asked for; what could not be is left where it is, and named.
pub fn import(
    request: &Request,
    variables: Variables<'_>,
    store: &CredentialStore,
    recorder: &Recorder,
    data: Option<Location>,
    now: OffsetDateTime,
) -> Result<Report> {
    let keeper = Keeper {
        profile: &request.profile,
        store,
        recorder,
        now,
        is_dry_run: request.is_dry_run,
        data,
        would: RefCell::default(),
    };
    match &request.source {
        Source::Docker => {
            let path = settings::docker_config_file(variables).context("no home directory; set HOME")?;
            file::import(&path, request, variables, &keeper)
        }
        Source::File(path) => file::import(path, request, variables, &keeper),
        Source::Helper(name) => {
            let helper = Helper::new(name.clone(), Depth::default()).for_person();
            Ok(helper::import(&helper, request, &keeper))
        }
    }
}

/// What is said of a credential that is held now.
fn sentence(key: &str, account: &str, kept: Kept) -> String {
    match kept {
        Kept::Already => format!("{key}: was stored already, account {account}"),
        Kept::New => format!("{key}: imported, account {account}"),
        Kept::Would => format!("{key}: would be imported, account {account}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_file_or_a_helper() {
        assert_eq!("config.json".parse(), Ok(Source::File("config.json".into())));
        assert_eq!("helper:pass".parse(), Ok(Source::Helper("pass".parse().unwrap())));
        assert_eq!(
            "helper:scoped".parse::<Source>(),
            Err(InvalidHelperName::Ourselves)
        );
    }

    #[test]
    fn the_command_can_be_pasted_into_a_shell() {
        let mut request = Request {
            source: Source::Docker,
            registries: Vec::new(),
            profile: Profile::default(),
            is_dry_run: false,
        };
        assert_eq!(request.command(), "docker-credential-scoped import");
        request.source = Source::File("/it's here/auth.json".into());
        request.registries = vec!["docker.io".parse().unwrap()];
        request.profile = "ci".parse().unwrap();
        assert_eq!(
            request.command(),
            r"docker-credential-scoped import --from '/it'\''s here/auth.json' --registry docker.io --profile ci"
        );
    }
}
