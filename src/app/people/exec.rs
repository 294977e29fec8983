//! Serving `exec`: what the command is to be given tokens for, and with what they are renewed while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::super::locations::{credential_store, data_location, run_locations, token_cache};
use super::super::{Process, Said};
use super::{default_scope, named_profile, read_scopes};
use crate::cli::Exec;
use crate::command::credentials::Credentials;
use crate::command::exec::{self, NotRun};
use crate::command::obtain::{Rooms, Wanted, obtain};
use crate::command::recorder::Recorder;
use crate::credential::Kind;
use crate::files;
use crate::registry::{Image, Registry, Scope, ScopeSet};
use crate::settings::{self, Settings, Variables};
use crate::store::{CredentialStore, Held, Slot, StoreError, TokenServers};
use crate::token_cache;

/// The exit code where it is us who failed: what env(1) and docker use, and commands seldom do.
pub(super) const NOT_RUN: u8 = 125;

/// Runs a command with tokens for what is named.
pub(super) fn exec(arguments: Exec, program: &str, process: &mut Process<'_>) -> Said {
    run(arguments, program, process).map_or_else(
        |error| {
            let code = error.downcast_ref().map_or(NOT_RUN, NotRun::code);
            Said::error(&error, ExitCode::from(code))
        },
        |code| Said {
            code: ExitCode::from(code),
            ..Said::success(String::new())
        },
    )
}

/// Runs the command, and gives its exit code.
fn run(arguments: Exec, program: &str, process: &mut Process<'_>) -> Result<u8> {
    let Exec {
        pull,
        push,
        server,
        scopes,
        profile,
        command,
    } = arguments;
    let mut scopes_of = BTreeMap::<Registry, ScopeSet>::new();
    let mut spellings = exec::Spellings::new();
    let pulled = pull.into_iter().map(|name| ("--pull", name));
    let pushed = push.into_iter().map(|name| ("--push", name));
    for (option, name) in pulled.chain(pushed) {
        let Image {
            registry,
            spelling,
            repository,
        } = name.parse().context(option)?;
        let scope = if option == "--push" {
            Scope::push(&repository, &registry)
        } else {
            Scope::pull(&repository, &registry)
        };
        spellings.entry(registry.clone()).or_default().extend(spelling);
        scopes_of
            .entry(registry)
            .or_default()
            .merge(scope.context(option)?);
    }
    let mut scope = read_scopes(&scopes).context("--scope")?;
    // What a job says itself takes the place of its defaults, and is not added to them.
    let names_server = server.is_some();
    if scope.is_empty() && scopes_of.is_empty() {
        scope = default_scope(process.variables)?;
    }
    if !scope.is_empty() {
        let registry = server
            .or_else(|| settings::default_server(process.variables))
            .context(
                "no registry for the scope; name one with --server, or set DOCKER_CREDENTIAL_SCOPED_SERVER",
            )?;
        scopes_of
            .entry(registry.parse()?)
            .or_default()
            .extend(scope.iter());
    } else if names_server {
        bail!("--server: no scope; name one with --scope, or set DOCKER_CREDENTIAL_SCOPED_SCOPE");
    }
    if scopes_of.is_empty() {
        bail!("no image and no scope; say what the command is to be given, with --pull, --push or --scope");
    }
    let variables = process.variables;
    let profile = named_profile(profile, program, variables)?;
    let wanted = scopes_of.into_iter().map(|(registry, scope)| Wanted {
        registry,
        scope,
        service: None,
        profile: profile.clone(),
        confirmed: None,
    });
    let token_servers = TokenServers::at(data_location());
    let settings = Settings::load(files::user_id())?;
    let open_store = |now| credential_store(variables, now);
    let request = exec::Request {
        command,
        wanted: wanted.collect(),
        spellings,
        locations: run_locations(),
        variable_names: (process.variable_names)(),
        is_used_up: &|wanted| is_used_up(wanted, &open_store((process.clock)())),
        secret_variables: secret_variables(&settings, &open_store(process.now), variables)?,
    };
    let recorder = Recorder::new(&settings, data_location);
    let obtain: exec::Obtain = Arc::new(move |wanted, now| {
        // Anew each time: while the command runs, somebody may log out and in.
        let store = open_store(now);
        let credentials = Credentials {
            store: &store,
            settings: &settings,
            recorder: &recorder,
            variables,
        };
        let rooms = Rooms {
            credentials,
            cache: &token_cache(&store, token_cache::make_key),
            token_servers: &token_servers,
        };
        obtain(wanted, rooms, now)
            .inspect(|obtained| exec::record(wanted, obtained, &recorder, now))
            .map_err(|error| refused_as_nobody(error, wanted, credentials))
    });
    exec::exec(request, &obtain, process.variables, process.stderr, process.clock)
}

/// Whether a refresh token is held for it now, that a renewal may be using up.
fn is_used_up(wanted: &Wanted, store: &CredentialStore) -> bool {
    let is_one = |(slot, held): &(Slot, Result<Held, StoreError>)| {
        wanted
            .profile
            .as_ref()
            .is_none_or(|profile| profile == slot.profile())
            && held
                .as_ref()
                .is_ok_and(|held| held.credential.kind == Kind::IdentityToken)
    };
    store
        .of_registry(&wanted.registry, Vec::new)
        .is_ok_and(|all| all.iter().any(is_one))
}

/// The names of the variables that hold credentials' secrets.
fn secret_variables(
    settings: &Settings,
    store: &CredentialStore,
    variables: Variables<'_>,
) -> Result<BTreeSet<String>> {
    let credentials = Credentials {
        store,
        settings,
        variables,
        recorder: &Recorder::silent(),
    };
    credentials
        .variables_with_secrets()
        .context("which variables hold secrets is not known, and the command would be given them")
}

/// As nobody it was refused, and how is told as if somebody had been.
fn refused_as_nobody(error: anyhow::Error, wanted: &Wanted, credentials: Credentials<'_>) -> anyhow::Error {
    match credentials.of_registry(&wanted.registry, &wanted.scope) {
        Ok(held) if held.is_empty() => error.context(format!(
            "nothing is stored for {0} (docker login {0}), and everybody is refused",
            wanted.registry
        )),
        Ok(_) | Err(_) => error,
    }
}
