//! Serving who runs `explain`.

use anyhow::{Context, Result, bail};

use super::super::Process;
use super::super::locations::{data_location, token_cache};
use super::{default_scope, named_profile, read_scopes};
use crate::cli::Explain;
use crate::command::Report;
use crate::command::credentials::Credentials;
use crate::command::explain;
use crate::command::obtain::{Rooms, Wanted};
use crate::command::recorder::Recorder;
use crate::files;
use crate::registry::{Scope, Server, ServerUrl};
use crate::settings::Settings;
use crate::store::{CredentialStore, TokenServers};
use crate::token_cache;

/// Says what would be done.
pub(super) fn explain(
    arguments: Explain,
    program: &str,
    store: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let Explain {
        server,
        scopes,
        profile,
    } = arguments;
    let asked: ServerUrl = server.parse()?;
    let (registry, path) = match asked.server() {
        Server::Registry(registry) => (registry, None),
        Server::Prefix { registry, path } => (registry, Some(path)),
        Server::HubSession(_) | Server::UnknownScheme(_) => {
            bail!(
                "server URL: is no registry's, so that no token is ever asked for; write HOST or HOST/REPOSITORY"
            )
        }
    };
    let mut scope = read_scopes(&scopes).context("--scope")?;
    if scope.is_empty() {
        if let Some(path) = path {
            scope.merge(Scope::pull(path, registry)?);
        } else {
            scope = default_scope(process.variables)?;
        }
    }
    let wanted = Wanted {
        registry: registry.clone(),
        scope,
        service: None,
        profile: named_profile(profile, program, process.variables)?,
        confirmed: None,
    };
    let settings = Settings::load(files::user_id())?;
    let rooms = Rooms {
        credentials: Credentials {
            store,
            settings: &settings,
            variables: process.variables,
            recorder: &Recorder::silent(),
        },
        // Made by nobody: a key that is not there has sealed nothing.
        cache: &token_cache(store, token_cache::read_key),
        token_servers: &TokenServers::at(data_location()),
    };
    explain::explain(&asked, &wanted, rooms, process.now)
}
