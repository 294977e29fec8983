//! The composition root: which protocol or command a call is for, and the one place where an error becomes an
//! answer.

mod locations;
mod people;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::CommandLine;
use crate::command::credentials::Credentials;
use crate::command::get::{Answer, Lenders};
use crate::command::recorder::Recorder;
use crate::command::{Report, erase, get, list, printable, store};
use crate::credential::holds_hub_token;
use crate::deadline;
use crate::files;
use crate::protocol::docker::{self, MAX_STORE_BYTES, Verb};
use crate::registry::MAX_SERVER_URL_BYTES;
use crate::secret::Secret;
use crate::settings::{self, Settings, Variables};
use crate::store::TokenServers;
use crate::token_cache;

use self::locations::{credential_store, data_location, token_cache, token_caches};
use self::people::serve;

const PROGRAM: &str = "docker-credential-scoped";

/// How much white space around a message is put up with: it counts for nothing, but it has to be read.
const MAX_WHITE_SPACE_BYTES: usize = 1024;

/// What any pipe takes though nobody reads it: a page.
const PIPE_BYTES: usize = 4096;

/// What the process was given.
pub struct Process<'a> {
    /// Program name and arguments.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub variables: Variables<'static>,
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
    /// Whether stdin is a terminal, so that no message comes from there.
    pub is_stdin_terminal: &'a dyn Fn() -> bool,
    /// Whether stdout is one, which colours can be seen on.
    pub is_stdout_terminal: &'a dyn Fn() -> bool,
    /// Whether stderr is one, where somebody who waits can see how far it is.
    pub is_stderr_terminal: &'a dyn Fn() -> bool,
    /// Asks a person for what is not to be shown.
    pub prompt: &'a dyn Fn(&str) -> io::Result<Zeroizing<String>>,
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
            deadline::begin(deadline::Stream::Stdout);
            answer(verb, &program, process.variables, process.stdin, process.now)
                .unwrap_or_else(|error| Said::failure(&format!("{error:#}")))
        }
        [argument, ..] if CommandLine::begins_with(argument) => serve(&program, &mut process),
        // A secret that somebody wrote there is not repeated.
        [unknown] if !holds_hub_token(unknown) => Said::no_verb(&docker::unknown_action(&program, unknown)),
        _ => Said::no_verb(&docker::usage(&program)),
    };
    deadline::answer();
    match said.write(process.stdout, process.stderr) {
        Ok(()) => said.code,
        // A caller that cannot be answered must not be told that it was. Who has gone wants no word of it.
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                let said = one_line(&format!("{PROGRAM}: the answer cannot be written: {error}"));
                let _ = process.stderr.write_all(said.as_bytes());
            }
            ExitCode::FAILURE
        }
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
        if self.stdout.expose().len() > PIPE_BYTES {
            deadline::will_wait_for(&"somebody to read its answer");
        }
        let answered = stdout
            .write_all(self.stdout.expose().as_bytes())
            .and_then(|()| stdout.flush());
        stderr.write_all(self.stderr.as_bytes()).and(answered)
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

    /// No client asks for what is no verb: a person does, whom the reference's words leave without a word of the rest.
    fn no_verb(message: &str) -> Self {
        Self {
            stderr: one_line(&format!("{PROGRAM} --help names the commands for people")),
            ..Self::failure(message)
        }
    }
}

/// Answers a caller that speaks the helper protocol.
fn answer(
    verb: Verb,
    program: &str,
    variables: Variables<'static>,
    stdin: &mut dyn Read,
    now: OffsetDateTime,
) -> Result<Said> {
    let stored = credential_store(variables, now);
    let stored = match verb {
        // What cannot be forgotten without the key stays sealed, and expires.
        Verb::Erase => stored.asking_nobody(),
        Verb::Get | Verb::List | Verb::Store | Verb::Version => stored,
    };
    let profile = || settings::profile(program, variables);
    // Of a credential that is declared there may be no key to remember with yet.
    let cache = || token_cache(&stored, token_cache::make_key);
    let caches = || token_caches(&stored);
    let token_servers = || TokenServers::at(data_location());
    let lenders = Lenders {
        cache: &cache,
        token_servers: &token_servers,
    };
    let settings = match verb {
        Verb::Version => Settings::default(),
        // Logging out works whatever is wrong.
        Verb::Erase => Settings::load(files::user_id()).unwrap_or_default(),
        Verb::Get | Verb::List | Verb::Store => Settings::load(files::user_id())?,
    };
    let credentials = Credentials {
        store: &stored,
        settings: &settings,
        recorder: &Recorder::new(&settings, data_location),
        variables,
    };
    match verb {
        Verb::Get => {
            let input = read_message(stdin, MAX_SERVER_URL_BYTES)?;
            let answer = get::get(&input, &profile()?, credentials, lenders, now)?;
            Ok(match answer {
                Answer::Found(message) => Said {
                    stdout: message,
                    ..Said::success(String::new())
                },
                Answer::NotFound => Said::failure(docker::CREDENTIALS_NOT_FOUND),
            })
        }
        Verb::Store => {
            let input = read_message(stdin, MAX_STORE_BYTES)?;
            store::store(&input, profile()?, credentials, lenders, &caches, now)
                .map(|()| Said::success(String::new()))
        }
        Verb::Erase => {
            let input = read_message(stdin, MAX_SERVER_URL_BYTES)?;
            let note = erase::erase(&input, profile()?, credentials, &caches, now)?;
            Ok(Said {
                stderr: note.map_or_else(String::new, |note| one_line(&note)),
                ..Said::success(String::new())
            })
        }
        Verb::List => Ok(Said::success(
            list::list(&profile()?, credentials, &token_servers, now)? + "\n",
        )),
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
    let mut message = Zeroizing::new(Vec::with_capacity(128));
    let mut part = Zeroizing::new([0; 128]);
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
