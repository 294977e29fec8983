//! Unreachable: the credentials that a change of helper leaves where nobody asks for them any more.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::client_config::{ConfigFile, Key};
use crate::command::configure::{Client, Request, helper_name};
use crate::command::{Report, import};
use crate::credential::{HelperName, InvalidHelperName};
use crate::registry::{Registry, Server, ServerUrl};
use crate::secret_source::{Depth, Helper, HelperError};

/// How long the helper that was used before may take to say what it holds. It is asked out of courtesy, and may ask
/// whoever configures us.
const LIMIT: Duration = Duration::from_secs(5);

/// Names what `keys` hide from the client, and gives what can be imported. `config` is the file before the change.
pub(super) fn name(
    config: &ConfigFile,
    keys: &[Key],
    path: &Path,
    source: import::Source,
    request: &Request,
    report: &mut Report,
) -> Vec<import::Request> {
    let mut offers = Vec::new();
    let mut offer = |source, registries| {
        offers.push(import::Request {
            source,
            registries,
            profile: request.profile.clone(),
            is_dry_run: false,
        });
    };
    let PlainText {
        whole,
        parts,
        is_importable,
    } = in_plain_text(config, request);
    let client = request.client.name();
    let shown = path.display();
    if !whole.is_empty() {
        report.note(format_args!(
            "In plain text in {shown}, where {client} does not look any more: {}",
            whole.join(", ")
        ));
    }
    if is_importable {
        offer(source, request.registries.clone());
    }
    if !parts.is_empty() {
        report.note(format_args!(
            "In {shown}, where {client} does not look any more, and not importable, since it asks helpers for \
             whole registries only: {}",
            parts.join(", ")
        ));
    }
    for (helper, registries) in replaced(config, keys, request) {
        match helper.parse::<HelperName>() {
            Ok(name) => match held(
                &Helper::new(name.clone(), Depth::default()).for_person(),
                &registries,
                config,
                request,
            ) {
                Ok(servers) if servers.is_empty() => {}
                Ok(servers) => {
                    report.note(format_args!(
                        "In docker-credential-{name}, which {client} does not ask any more: {}",
                        servers.join(", ")
                    ));
                    offer(import::Source::Helper(name), registries);
                }
                Err(error) => {
                    report.note(format_args!(
                        "{client} does not ask docker-credential-{name} any more, and what it holds is not known: {error}"
                    ));
                }
            },
            Err(InvalidHelperName::Ourselves) => {
                report.note(format_args!(
                    "{client} does not ask docker-credential-{helper} any more; what is stored in that profile \
                     stays there"
                ));
            }
            Err(InvalidHelperName::Characters) => {}
        }
    }
    offers
}

/// The entries that hold a login.
#[derive(Default)]
struct PlainText {
    /// For whole registries.
    whole: Vec<String>,
    /// For parts of registries, which podman does not ask helpers for.
    parts: Vec<String>,
    /// Whether the login of at least one of the former can be read.
    is_importable: bool,
}

fn in_plain_text(config: &ConfigFile, request: &Request) -> PlainText {
    let mut plain = PlainText::default();
    for (key, entry) in config.auths() {
        if matches!(entry.login, Ok(None)) {
            continue;
        }
        let url = key.parse::<ServerUrl>();
        let is_hidden = match &url {
            // docker has not read it before either where the registry has a helper of its own.
            Ok(url) if request.registries.is_empty() => !has_own_helper(config, url, request),
            Ok(url) => is_of_any(url.server(), &request.registries),
            Err(_) => request.registries.is_empty(),
        };
        let is_part = url.is_ok_and(|url| matches!(url.server(), Server::Prefix { .. }));
        match request.client {
            _ if !is_hidden => {}
            Client::Containers if is_part => plain.parts.push(key),
            // docker asks the helper of one registry for the whole of it only, and reads parts as it did before.
            Client::Docker if is_part && !request.registries.is_empty() => {}
            Client::Containers | Client::Docker => {
                plain.is_importable |= entry.login.is_ok();
                plain.whole.push(key);
            }
        }
    }
    plain
}

/// The helpers that stood where this one stands now, and for which registries; for none is for all.
fn replaced(config: &ConfigFile, keys: &[Key], request: &Request) -> BTreeMap<String, Vec<Registry>> {
    let ours = helper_name(&request.profile);
    let mut helpers: BTreeMap<String, Vec<Registry>> = BTreeMap::new();
    for key in keys {
        let helper = config.helper(key).or_else(|| match request.client {
            Client::Docker => config.helper(&Key::CredsStore),
            Client::Containers => None,
        });
        if let Some(helper) = helper.filter(|helper| *helper != ours) {
            let registries = helpers.entry(helper).or_default();
            match key {
                Key::CredHelpers(registry) => registries.extend(registry.parse::<Registry>()),
                Key::CredsStore => {}
            }
        }
    }
    helpers
}

/// What another helper lists and is not asked for any more.
fn held(
    helper: &Helper,
    registries: &[Registry],
    config: &ConfigFile,
    request: &Request,
) -> Result<Vec<String>, HelperError> {
    Ok(helper
        .list(LIMIT)?
        .into_keys()
        .filter(|key| match key.parse::<ServerUrl>() {
            Ok(url) if registries.is_empty() => !has_own_helper(config, &url, request),
            Ok(url) => is_of_any(url.server(), registries),
            Err(_) => registries.is_empty(),
        })
        .collect())
}

fn has_own_helper(config: &ConfigFile, url: &ServerUrl, request: &Request) -> bool {
    if request.client == Client::Containers {
        return false;
    }
    let ours = helper_name(&request.profile);
    match url.server() {
        Server::Registry(registry) => config
            .helper(&Key::CredHelpers(registry.docker_key().to_owned()))
            .is_some_and(|helper| helper != ours),
        Server::HubSession(_) | Server::Prefix { .. } | Server::UnknownScheme(_) => false,
    }
}

fn is_of_any(server: &Server, registries: &[Registry]) -> bool {
    registries.iter().any(|registry| server.is_of(registry))
}
