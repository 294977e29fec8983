//! Serving `token`: for which registry, and what the token is to allow.

use anyhow::{Context, Result, anyhow, bail};

use super::super::Process;
use super::{default_scope, named_profile, read_scopes, with_rooms};
use crate::cli::Token;
use crate::command::obtain::Wanted;
use crate::command::{Report, token};
use crate::deadline;
use crate::registry::{Registry, Scope};
use crate::settings;
use crate::store::CredentialStore;
use crate::token_cache;

/// Obtains a token and prints it.
pub(super) fn token(
    arguments: Token,
    program: &str,
    credentials: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let Token {
        server,
        scopes,
        pull,
        push,
        service,
        profile,
        trust_realm,
        output,
    } = arguments;
    deadline::begin(deadline::Stream::Stderr);
    let output = output.parse().map_err(|why| anyhow!("--output: {why}"))?;
    if service.as_deref() == Some("") {
        bail!("--service: is empty; name an audience, or leave it out for the registry's own");
    }
    let server = server
        .or_else(|| settings::default_server(process.variables))
        .context("no registry; name one, or set DOCKER_CREDENTIAL_SCOPED_SERVER")?;
    let registry: Registry = server.parse()?;
    let mut scope = read_scopes(&scopes)?;
    for repository in pull {
        scope.merge(Scope::pull(&repository, &registry)?);
    }
    for repository in push {
        scope.merge(Scope::push(&repository, &registry)?);
    }
    if scope.is_empty() {
        scope = default_scope(process.variables)?;
    }
    let wanted = Wanted {
        registry,
        scope,
        service,
        profile: named_profile(profile, program, process.variables)?,
        confirmed: trust_realm.map(|realm| realm.parse()).transpose()?,
    };
    with_rooms(credentials, token_cache::make_key, process.variables, |rooms| {
        token::token(&wanted, output, rooms, process.now)
    })
}
