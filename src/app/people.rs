//! Serving a person: what clap read into what a command takes, and the streams for those that speak meanwhile.

mod add;
mod doctor;
mod explain;
mod log;
mod remove;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use time::OffsetDateTime;

use super::locations::{data_location, run_locations, token_cache, token_caches};
use super::{Process, Said, one_line, read_message};
use crate::cli::{self, Command, CommandLine, Configure, Exec, Import, Inspect};
use crate::command::configure::{Client, Configured};
use crate::command::credentials::Credentials;
use crate::command::exec::NotRun;
use crate::command::import::Source;
use crate::command::inspect::{MAX_TOKEN_BYTES, Required};
use crate::command::obtain::{Rooms, Wanted, obtain};
use crate::command::recorder::Recorder;
use crate::command::status::Format;
use crate::command::{Report, cache, configure, exec, import, inspect, token};
use crate::credential::{Kind, Profile};
use crate::files;
use crate::registry::{Image, Registry, Scope, ScopeSet};
use crate::settings::{self, Settings, Variables};
use crate::store::{CredentialStore, Held, Slot, StoreError, TokenServers};
use crate::token_cache;

/// The exit code of `exec` where it is us who failed: what env(1) and docker use, and commands seldom do.
const EXEC_FAILED: u8 = 125;

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
            let code = u8::try_from(message.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
            return Said {
                stderr,
                code,
                ..Said::success(stdout)
            };
        }
    };
    let credentials = CredentialStore::at(data_location());
    let report = match command {
        Command::Add(arguments) => add::add(arguments, program, &credentials, process),
        Command::Cache(arguments) => cache(arguments, &credentials, process.now),
        Command::Configure(Configure { undo, dry_run, .. }) if undo => {
            configure::undo(data_location(), dry_run)
        }
        Command::Configure(arguments) if arguments.hand_out.is_some() => {
            hand_out(arguments, program, &credentials, process)
        }
        Command::Configure(arguments) => configure(arguments, program, &credentials, process),
        Command::Doctor => Ok(doctor::doctor(&credentials, process.variables, process.now)),
        Command::Explain(arguments) => explain::explain(arguments, program, &credentials, process),
        Command::Import(arguments) => import(arguments, program, &credentials, process),
        Command::Exec(arguments) => {
            return exec(arguments, program, process).map_or_else(
                |error| {
                    let code = error.downcast_ref().map_or(EXEC_FAILED, NotRun::code);
                    Said::error(&error, ExitCode::from(code))
                },
                |code| Said {
                    code: ExitCode::from(code),
                    ..Said::success(String::new())
                },
            );
        }
        Command::Token(arguments) => token(arguments, program, &credentials, process),
        Command::Inspect(arguments) => inspect(arguments, process),
        Command::Log(arguments) => log::log(&arguments, process.now),
        Command::Remove(arguments) => remove::remove(arguments, program, &credentials, process),
        Command::Status(arguments) => status::status(arguments, &credentials, process),
    };
    report.map_or_else(|error| Said::error(&error, ExitCode::FAILURE), Said::from)
}

/// Configures a client; where a person is there, asks whether what could be imported then should be.
fn configure(
    arguments: Configure,
    program: &str,
    credentials: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    let Configure {
        registries,
        profile,
        podman,
        hand_out: _,
        dry_run,
        undo: _,
    } = arguments;
    let request = configure::Request {
        registries: read_registries(&registries)?,
        // The variable is not asked: it reaches the helper by itself, and a link for it would outlive it.
        profile: profile.map_or_else(|| settings::profile(program, &|_| None), Ok)?,
        client: if podman {
            Client::Containers
        } else {
            Client::Docker
        },
        is_dry_run: dry_run,
    };
    let mut configured = configure::configure(&request, data_location(), process.variables)?;
    let commands = configured.commands();
    let Configured { report, offers } = &mut configured;
    if offers.is_empty() || dry_run || !(process.is_interactive)() {
        report.notes += &commands;
        return Ok(configured.report);
    }
    Said::from(std::mem::take(report)).write(process.stdout, process.stderr)?;
    if !is_agreed("Import them now? [y/N] ", process.stdin, process.stderr)? {
        report.notes = commands;
        return Ok(configured.report);
    }
    let recorder = Recorder::new(&Settings::load(files::user_id())?, data_location);
    for offer in offers {
        let imported = import::import(offer, process.variables, credentials, &recorder, process.now)?;
        report.text += &imported.text;
        report.notes += &imported.notes;
        report.is_incomplete |= imported.is_incomplete;
    }
    Ok(configured.report)
}

/// Says in settings.json what is to be handed out for registries.
fn hand_out(
    arguments: Configure,
    program: &str,
    credentials: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let Configure {
        registries,
        profile,
        hand_out,
        ..
    } = arguments;
    let hand_out = hand_out
        .unwrap_or_default()
        .parse()
        .map_err(|why| anyhow!("--hand-out: {why}"))?;
    let registries = read_registries(&registries)?;
    let profile = profile.map_or_else(|| settings::profile(program, process.variables), Ok)?;
    let settings = Settings::load(files::user_id())?;
    let rooms = Rooms {
        credentials: Credentials {
            store: credentials,
            settings: &settings,
            recorder: &Recorder::new(&settings, data_location),
            variables: process.variables,
        },
        cache: &token_cache(credentials, token_cache::read_key),
        token_servers: &TokenServers::at(data_location()),
    };
    configure::hand_out(
        &registries,
        hand_out,
        &profile,
        rooms,
        data_location().as_ref(),
        process.now,
    )
}

fn import(
    arguments: Import,
    program: &str,
    credentials: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let Import {
        from,
        registries,
        profile,
        dry_run,
    } = arguments;
    let request = import::Request {
        source: from.map_or(Ok(Source::Docker), |source| source.parse())?,
        registries: read_registries(&registries)?,
        profile: profile.map_or_else(|| settings::profile(program, process.variables), Ok)?,
        is_dry_run: dry_run,
    };
    let recorder = Recorder::new(&Settings::load(files::user_id())?, data_location);
    import::import(&request, process.variables, credentials, &recorder, process.now)
}

/// Obtains a token and prints it.
fn token(
    arguments: cli::Token,
    program: &str,
    credentials: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let cli::Token {
        server,
        scopes,
        pull,
        push,
        service,
        profile,
        trust_realm,
        output,
    } = arguments;
    let output = output.parse().map_err(|why| anyhow!("--output: {why}"))?;
    if service.as_deref() == Some("") {
        bail!("--service: is empty; name an audience, or leave it out for the registry's own");
    }
    let server = server
        .or_else(|| settings::default_server(process.variables))
        .context("no registry; name one, or set DOCKER_CREDENTIAL_SCOPED_SERVER")?;
    let registry: Registry = server.parse()?;
    let mut scope = ScopeSet::default();
    for text in scopes {
        scope.extend(text.parse::<ScopeSet>()?.iter());
    }
    for repository in pull {
        scope.merge(Scope::pull(&repository, &registry)?);
    }
    for repository in push {
        scope.merge(Scope::push(&repository, &registry)?);
    }
    if scope.is_empty()
        && let Some(text) = settings::default_scope(process.variables)
    {
        scope = text.parse().context("DOCKER_CREDENTIAL_SCOPED_SCOPE")?;
    }
    let wanted = Wanted {
        registry,
        scope,
        service,
        profile: named_profile(profile, program, process.variables)?,
        confirmed: trust_realm.map(|realm| realm.parse()).transpose()?,
    };
    let settings = Settings::load(files::user_id())?;
    let rooms = Rooms {
        credentials: Credentials {
            store: credentials,
            settings: &settings,
            recorder: &Recorder::new(&settings, data_location),
            variables: process.variables,
        },
        cache: &token_cache(credentials, token_cache::make_key),
        token_servers: &TokenServers::at(data_location()),
    };
    token::token(&wanted, output, rooms, process.now)
}

/// Runs a command with tokens for what is named, and gives its exit code.
fn exec(arguments: Exec, program: &str, process: &mut Process<'_>) -> Result<u8> {
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
    let mut scope = ScopeSet::default();
    for text in scopes {
        scope.extend(text.parse::<ScopeSet>().context("--scope")?.iter());
    }
    // What a job says itself takes the place of its defaults, and is not added to them.
    let names_server = server.is_some();
    if scope.is_empty()
        && scopes_of.is_empty()
        && let Some(text) = settings::default_scope(process.variables)
    {
        scope = text.parse().context("DOCKER_CREDENTIAL_SCOPED_SCOPE")?;
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
    let request = exec::Request {
        command,
        wanted: wanted.collect(),
        spellings,
        locations: run_locations(),
        variable_names: (process.variable_names)(),
        is_used_up,
        secret_variables: secret_variables(&settings, variables)?,
    };
    let recorder = Recorder::new(&settings, data_location);
    let obtain: exec::Obtain = Arc::new(move |wanted, now| {
        // Anew each time: while the command runs, somebody may log out and in.
        let store = CredentialStore::at(data_location());
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
fn is_used_up(wanted: &Wanted) -> bool {
    let is_one = |(slot, held): &(Slot, Result<Held, StoreError>)| {
        wanted
            .profile
            .as_ref()
            .is_none_or(|profile| profile == slot.profile())
            && held
                .as_ref()
                .is_ok_and(|held| held.credential.kind == Kind::IdentityToken)
    };
    CredentialStore::at(data_location())
        .of_registry(&wanted.registry, Vec::new)
        .is_ok_and(|all| all.iter().any(is_one))
}

/// The names of the variables that hold credentials' secrets.
fn secret_variables(settings: &Settings, variables: Variables<'_>) -> Result<BTreeSet<String>> {
    let credentials = Credentials {
        store: &CredentialStore::at(data_location()),
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

fn inspect(arguments: Inspect, process: &mut Process<'_>) -> Result<Report> {
    let Inspect {
        service,
        require,
        json,
        misplaced,
    } = arguments;
    if !misplaced.is_empty() {
        bail!("inspect: reads the token from standard input; others can see what is on a command line");
    }
    let scopes = require
        .iter()
        .map(|scope| scope.parse::<Scope>())
        .collect::<Result<_, _>>()
        .context("--require")?;
    let input = read_message(process.stdin, MAX_TOKEN_BYTES)?;
    inspect::inspect(
        &input,
        &Required { service, scopes },
        format_of(json),
        process.now,
    )
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

/// Puts a question to a person; anything but a yes is a no.
fn is_agreed(question: &str, stdin: &mut dyn Read, stderr: &mut dyn Write) -> io::Result<bool> {
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    // What cannot be read is no yes.
    let _ = BufReader::new(stdin).read_line(&mut answer);
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Shows what is remembered, or forgets it.
fn cache(arguments: cli::Cache, credentials: &CredentialStore, now: OffsetDateTime) -> Result<Report> {
    let cli::Cache { server, clear, json } = arguments;
    let registry = server.map(|server| server.parse::<Registry>()).transpose()?;
    let caches = token_caches(credentials);
    if clear {
        Ok(cache::clear(registry.as_ref(), &caches, now))
    } else {
        cache::list(registry.as_ref(), json, &caches, now)
    }
}

fn read_registries(texts: &[String]) -> Result<Vec<Registry>> {
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}
