//! The composition root: which protocol or command a call is for, and the one place where an error becomes an
//! answer.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::{self, Command, CommandLine, Configure, Exec, Import, Inspect, Status};
use crate::command::configure::{Client, Configured};
use crate::command::exec::NotRun;
use crate::command::get::Answer;
use crate::command::import::Source;
use crate::command::inspect::{MAX_TOKEN_BYTES, Required};
use crate::command::obtain::{Rooms, Wanted, obtain};
use crate::command::status::Format;
use crate::command::{
    Report, cache, configure, erase, exec, get, import, inspect, list, printable, status, store, token,
};
use crate::files::{self, Location};
use crate::protocol::docker::{self, MAX_STORE_BYTES, Verb};
use crate::registry::{Image, MAX_SERVER_URL_BYTES, Registry, Scope, ScopeSet, Server, ServerUrl};
use crate::secret::Secret;
use crate::settings::{self, Settings, Variables};
use crate::store::{CredentialStore, Slot, TokenServers};
use crate::token_cache::{self, TokenCache};

const PROGRAM: &str = "docker-credential-scoped";

/// The exit code of `exec` where it is us who failed: what env(1) and docker use, and commands seldom do.
const EXEC_FAILED: u8 = 125;

/// How much white space around a message is put up with: it counts for nothing, but it has to be read.
const MAX_WHITE_SPACE_BYTES: usize = 1024;

/// What the process was given.
pub struct Process<'a> {
    /// Program name and arguments.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub variables: Variables<'a>,
    /// The names of all that is set in it.
    pub variable_names: &'a dyn Fn() -> Vec<OsString>,
    /// The caller's message.
    pub stdin: &'a mut dyn Read,
    /// What the caller reads.
    pub stdout: &'a mut dyn Write,
    /// What a person reads.
    pub stderr: &'a mut dyn Write,
    /// Whether a person reads there and can answer on stdin.
    pub is_interactive: &'a dyn Fn() -> bool,
    /// The time, once for the whole call.
    pub now: OffsetDateTime,
    /// The time at any moment, for what goes on longer than a call.
    pub clock: fn() -> OffsetDateTime,
}

/// Does what the arguments say, writes the answer and gives the exit code.
#[must_use]
pub fn run(mut process: Process<'_>) -> ExitCode {
    let program = program_name(process.arguments.first());
    let words: Vec<_> = process
        .arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let said = match words.as_slice() {
        [only] if let Some(verb) = Verb::parse(only) => {
            answer(verb, &program, process.variables, process.stdin, process.now)
                .unwrap_or_else(|error| Said::failure(&format!("{error:#}")))
        }
        [argument, ..] if CommandLine::begins_with(argument) => serve(&program, &mut process),
        [unknown] => Said::failure(&docker::unknown_action(&program, unknown)),
        [] | [_, _, ..] => Said::failure(&docker::usage(&program)),
    };
    match said.write(process.stdout, process.stderr) {
        Ok(()) => said.code,
        // A caller that cannot be answered must not be told that it was.
        Err(_) => ExitCode::FAILURE,
    }
}

/// What is said in a call.
struct Said {
    stdout: Secret,
    stderr: String,
    code: ExitCode,
}

impl Said {
    fn success(stdout: String) -> Self {
        Self {
            stdout: Secret::new(stdout),
            stderr: String::new(),
            code: ExitCode::SUCCESS,
        }
    }

    fn write(&self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> io::Result<()> {
        stdout.write_all(self.stdout.expose().as_bytes())?;
        stdout.flush()?;
        stderr.write_all(self.stderr.as_bytes())
    }

    /// What a person reads of a failed command.
    fn error(error: &anyhow::Error, code: ExitCode) -> Self {
        Self {
            stderr: format!("{PROGRAM}: {}", one_line(&format!("{error:#}"))),
            code,
            ..Self::success(String::new())
        }
    }

    /// What docker shows of a failed call is what stands on stdout: one line, safe for a terminal.
    fn failure(message: &str) -> Self {
        Self {
            code: ExitCode::FAILURE,
            ..Self::success(one_line(message))
        }
    }
}

/// Answers a caller that speaks the helper protocol.
fn answer(
    verb: Verb,
    program: &str,
    variables: Variables<'_>,
    stdin: &mut dyn Read,
    now: OffsetDateTime,
) -> Result<Said> {
    let credentials = CredentialStore::at(data_location());
    let profile = || settings::profile(program, variables);
    let cache = || token_cache(&credentials);
    match verb {
        Verb::Get => {
            let settings = Settings::load()?;
            let input = read_message(stdin, MAX_SERVER_URL_BYTES)?;
            Ok(
                match get::get(&input, &profile()?, &credentials, &settings, now)? {
                    Answer::Found(message) => Said {
                        stdout: message,
                        ..Said::success(String::new())
                    },
                    Answer::NotFound => Said::failure(docker::CREDENTIALS_NOT_FOUND),
                },
            )
        }
        Verb::Store => {
            let input = read_message(stdin, MAX_STORE_BYTES)?;
            store::store(&input, profile()?, &credentials, &cache, now).map(|()| Said::success(String::new()))
        }
        Verb::Erase => {
            let input = read_message(stdin, MAX_SERVER_URL_BYTES)?;
            erase::erase(&input, profile()?, &credentials, &cache).map(|()| Said::success(String::new()))
        }
        Verb::List => {
            let settings = Settings::load()?;
            Ok(Said::success(
                list::list(&profile()?, &credentials, &settings)? + "\n",
            ))
        }
        Verb::Version => Ok(Said::success(docker::version(program) + "\n")),
    }
}

impl From<Report> for Said {
    fn from(report: Report) -> Self {
        let Report {
            text,
            notes,
            is_incomplete,
        } = report;
        Self {
            stderr: notes,
            code: if is_incomplete {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            },
            ..Self::success(text)
        }
    }
}

/// Serves a person.
fn serve(program: &str, process: &mut Process<'_>) -> Said {
    let CommandLine { command } = match CommandLine::try_parse_from(&process.arguments) {
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
        Command::Cache(arguments) => cache(arguments, &credentials, process.now),
        Command::Configure(Configure { undo, dry_run, .. }) if undo => {
            configure::undo(data_location(), dry_run)
        }
        Command::Configure(arguments) => configure(arguments, program, &credentials, process),
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
        Command::Status(Status { server, json }) => {
            let format = format_of(json);
            let server = server.map(|server| server.parse::<ServerUrl>()).transpose();
            server
                .map_err(anyhow::Error::from)
                .and_then(|server| status::status(server.as_ref(), format, &credentials))
        }
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
    for offer in offers {
        let imported = import::import(offer, process.variables, credentials, process.now)?;
        report.text += &imported.text;
        report.notes += &imported.notes;
        report.is_incomplete |= imported.is_incomplete;
    }
    Ok(configured.report)
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
    import::import(&request, process.variables, credentials, process.now)
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
        profile: profile.map_or_else(|| settings::profile(program, process.variables), Ok)?,
        confirmed: trust_realm.map(|realm| realm.parse()).transpose()?,
    };
    let settings = Settings::load()?;
    let rooms = Rooms {
        credentials,
        cache: &token_cache(credentials),
        token_servers: &TokenServers::at(data_location()),
        settings: &settings,
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
    for name in pull {
        let Image { registry, repository } = name.parse().context("--pull")?;
        let scope = Scope::pull(&repository, &registry).context("--pull")?;
        scopes_of.entry(registry).or_default().merge(scope);
    }
    for name in push {
        let Image { registry, repository } = name.parse().context("--push")?;
        let scope = Scope::push(&repository, &registry).context("--push")?;
        scopes_of.entry(registry).or_default().merge(scope);
    }
    let mut scope = ScopeSet::default();
    for text in scopes {
        scope.extend(text.parse::<ScopeSet>().context("--scope")?.iter());
    }
    // What a job says itself takes the place of its defaults, and is not added to them.
    let names_server = server.is_some();
    if scope.is_empty()
        && (names_server || scopes_of.is_empty())
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
    let profile = profile.map_or_else(|| settings::profile(program, process.variables), Ok)?;
    let wanted = scopes_of.into_iter().map(|(registry, scope)| Wanted {
        registry,
        scope,
        service: None,
        profile: profile.clone(),
        confirmed: None,
    });
    let request = exec::Request {
        command,
        wanted: wanted.collect(),
        locations: run_locations(),
        variable_names: (process.variable_names)(),
    };
    let credentials = CredentialStore::at(data_location());
    let token_servers = TokenServers::at(data_location());
    let settings = Settings::load()?;
    let obtain: exec::Obtain = Arc::new(move |wanted, now| {
        let rooms = Rooms {
            credentials: &credentials,
            cache: &token_cache(&credentials),
            token_servers: &token_servers,
            settings: &settings,
        };
        obtain(wanted, rooms, now).map_err(|error| {
            let server = Server::Registry(wanted.registry.clone());
            match credentials.get(&Slot::new(server, wanted.profile.clone())) {
                // As nobody it was refused, and how is told as if somebody had been.
                Ok(None) => error.context(format!(
                    "nothing is stored for {0} (docker login {0}), and everybody is refused",
                    wanted.registry
                )),
                Ok(Some(_)) | Err(_) => error,
            }
        })
    });
    exec::exec(request, &obtain, process.variables, process.stderr, process.clock)
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
    let cache = token_cache(credentials);
    if clear {
        Ok(cache::clear(registry.as_ref(), &cache))
    } else {
        cache::list(registry.as_ref(), json, &cache, now)
    }
}

/// Where access tokens are kept until they expire, and the key they are sealed with: one derived from the store's
/// where there is one, else a random one beside them, which is kept in memory only: in the runtime directory.
fn token_cache(credentials: &CredentialStore) -> TokenCache {
    let runtime = runtime_location();
    let key = match credentials.subkey("access tokens") {
        Ok(Some(key)) => Some(key),
        Ok(None) => runtime.as_ref().and_then(token_cache::make_key),
        // What cannot be opened now is not replaced by something else: without a cache it works, only slower.
        Err(_) => None,
    };
    TokenCache::new(runtime.or_else(cache_location), key)
}

/// Where directories are made that are gone when the command is, the best place first: one in memory; one that the
/// system cleans; and, should somebody else have taken our name there, one of our own.
fn run_locations() -> Vec<Location> {
    // Root's home need not be known for root to be root; who owns no home trusts himself alone.
    let home = settings::home_directory().unwrap_or_default();
    let temporary = settings::temporary_directory(files::user_id());
    let temporary = temporary
        .is_absolute()
        .then(|| Location::of_cache(temporary, &home));
    [runtime_location(), temporary, cache_location()]
        .into_iter()
        .flatten()
        .collect()
}

/// Our place in the runtime directory. The system makes that; where it does not, or it is not ours alone, another is
/// used.
fn runtime_location() -> Option<Location> {
    let (runtime, home) = (settings::runtime_directory()?, settings::home_directory()?);
    let path = runtime.join(PROGRAM);
    let found = Location::new(runtime, &home).open();
    found
        .is_ok_and(|found| found.is_some())
        .then(|| Location::of_cache(path, &home))
}

fn cache_location() -> Option<Location> {
    Some(Location::of_cache(
        settings::cache_directory()?,
        &settings::home_directory()?,
    ))
}

fn read_registries(texts: &[String]) -> Result<Vec<Registry>> {
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}

/// Where this program keeps its data.
fn data_location() -> Option<Location> {
    Some(Location::of_cache(
        settings::data_directory()?,
        &settings::home_directory()?,
    ))
}

/// What the reference calls itself: the last component of the name it was started by.
fn program_name(argument: Option<&OsString>) -> String {
    let name = argument
        .and_then(|path| Path::new(path).file_name())
        .map_or(PROGRAM.into(), OsStr::to_string_lossy);
    name.strip_suffix(std::env::consts::EXE_SUFFIX)
        .unwrap_or(&name)
        .to_owned()
}

/// Reads a message with the white space around it, and of one that is too long just enough to tell.
fn read_message(stdin: &mut dyn Read, limit: usize) -> Result<Zeroizing<Vec<u8>>> {
    let most = limit + MAX_WHITE_SPACE_BYTES;
    let mut message = Zeroizing::new(Vec::with_capacity(1024));
    let mut part = Zeroizing::new([0; 1024]);
    while message.len() <= most {
        let length = match stdin.read(part.as_mut_slice()) {
            Ok(0) => return Ok(message),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("cannot read standard input"),
        };
        if message.capacity() - message.len() < length {
            // Grown here, and not by itself, so that what is left behind is wiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (message.len() + length)));
            larger.extend_from_slice(&message);
            message = larger;
        }
        message.extend_from_slice(part.get(..length).unwrap_or_default());
    }
    bail!("standard input: is longer than {} KiB", limit / 1024)
}

/// The message on a line of its own.
fn one_line(message: &str) -> String {
    printable(message) + "\n"
}
