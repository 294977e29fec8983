//! Serving a person: what clap read into what a command takes, and the streams for those that speak meanwhile.

mod add;
mod cache;
mod configure;
mod doctor;
mod exec;
mod explain;
mod hub;
mod import;
mod inspect;
mod key;
mod lock;
mod log;
mod prune;
mod remove;
mod session;
mod status;
mod token;
mod unlock;

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::locations::{credential_store, data_location, token_cache};
use super::{Process, Said, one_line};
use crate::cli::{Command, CommandLine};
use crate::command::credentials::Credentials;
use crate::command::obtain::Rooms;
use crate::command::recorder::Recorder;
use crate::command::status::Format;
use crate::credential::Profile;
use crate::files::{self, Location};
use crate::registry::{InvalidScope, Registry, ScopeSet};
use crate::seal::Key;
use crate::settings::{self, Settings, Variables};
use crate::store::{CredentialStore, TokenServers};

/// Serves a person.
pub(super) fn serve(program: &str, process: &mut Process<'_>) -> Said {
    let CommandLine { command } = match CommandLine::read(&process.arguments) {
        Ok(command_line) => command_line,
        // clap knows which of its messages are help and which are errors, and gives each its stream and code.
        Err(message) => {
            let text = message.to_string().lines().map(one_line).collect();
            let (stdout, stderr) = if message.use_stderr() {
                (String::new(), text)
            } else {
                (text, String::new())
            };
            let is_exec = process.arguments.get(1).is_some_and(|command| command == "exec");
            let code = match u8::try_from(message.exit_code()) {
                // 2 is for its command to end with.
                Ok(code) if code != 0 && is_exec => ExitCode::from(exec::NOT_RUN),
                Ok(code) => ExitCode::from(code),
                Err(_) => ExitCode::FAILURE,
            };
            return Said {
                stderr,
                code,
                ..Said::success(stdout)
            };
        }
    };
    let credentials = credential_store(process.variables, process.now);
    let report = match command {
        Command::Add(arguments) => add::add(arguments, program, &credentials, process),
        Command::Cache(arguments) => cache::cache(arguments, &credentials, process.now),
        Command::Configure(arguments) => configure::configure(arguments, program, &credentials, process),
        Command::Doctor => Ok(doctor::doctor(&credentials, process.variables, process.now)),
        Command::Exec(arguments) => return exec::exec(arguments, program, process),
        Command::Explain(arguments) => explain::explain(arguments, program, &credentials, process),
        Command::Hub(arguments) => hub::hub(arguments, program, &credentials, process),
        Command::Import(arguments) => import::import(arguments, program, &credentials, process),
        Command::Inspect(arguments) => inspect::inspect(arguments, process),
        Command::Key(arguments) => key::key(arguments, &credentials, process),
        Command::Lock(arguments) => lock::lock(&arguments, &credentials),
        Command::Log(arguments) => log::log(&arguments, process.now),
        Command::Prune(arguments) => prune::prune(arguments, &credentials, process),
        Command::Remove(arguments) => remove::remove(arguments, program, &credentials, process),
        Command::Session(arguments) => session::session(arguments, program, &credentials, process),
        Command::Status(arguments) => status::status(arguments, &credentials, process),
        Command::Token(arguments) => token::token(arguments, program, &credentials, process),
        Command::Unlock(arguments) => unlock::unlock(arguments, &credentials, process),
    };
    report.map_or_else(|error| Said::error(&error, ExitCode::FAILURE), Said::from)
}

/// The profile that the command line, the program's name or the environment names, if any does.
fn named_profile(
    argument: Option<Profile>,
    program: &str,
    variables: Variables<'_>,
) -> Result<Option<Profile>> {
    Ok(match argument {
        Some(profile) => Some(profile),
        None => settings::named_profile(program, variables)?,
    })
}

fn format_of(json: bool) -> Format {
    if json { Format::Json } else { Format::Table }
}

fn read_registries(texts: &[String]) -> Result<Vec<Registry>> {
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}

fn read_scopes(texts: &[String]) -> Result<ScopeSet, InvalidScope> {
    let mut scopes = ScopeSet::default();
    for text in texts {
        scopes.extend(text.parse::<ScopeSet>()?.iter());
    }
    Ok(scopes)
}

/// What is asked for where nobody says it.
fn default_scope(variables: Variables<'_>) -> Result<ScopeSet> {
    settings::default_scope(variables).map_or_else(
        || Ok(ScopeSet::default()),
        |text| text.parse().context("DOCKER_CREDENTIAL_SCOPED_SCOPE"),
    )
}

/// Does what takes tokens, with what they are obtained from as the settings have it now.
fn with_rooms<Done>(
    credentials: &CredentialStore,
    own_key: fn(&Location) -> Option<Key>,
    variables: Variables<'_>,
    work: impl FnOnce(Rooms<'_>) -> Result<Done>,
) -> Result<Done> {
    let settings = Settings::load(files::user_id())?;
    work(Rooms {
        credentials: Credentials {
            store: credentials,
            settings: &settings,
            recorder: &Recorder::new(&settings, data_location),
            variables,
        },
        cache: &token_cache(credentials, own_key),
        token_servers: &TokenServers::at(data_location()),
    })
}
