//! The composition root: which protocol or command a call is for, and the one place where an error becomes an
//! answer.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::{Command, CommandLine, Status};
use crate::command::get::Answer;
use crate::command::status::Format;
use crate::command::{Report, erase, get, list, status, store};
use crate::protocol::docker::{self, MAX_STORE_BYTES, Verb};
use crate::registry::MAX_SERVER_URL_BYTES;
use crate::settings::{self, Settings, Variables};
use crate::store::CredentialStore;

const PROGRAM: &str = "docker-credential-scoped";

/// How much white space around a message is put up with: it counts for nothing, but it has to be read.
const MAX_WHITE_SPACE_BYTES: usize = 1024;

/// What the process was given.
pub struct Process<'a> {
    /// Program name and arguments.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub variables: Variables<'a>,
    /// The caller's message.
    pub stdin: &'a mut dyn Read,
    /// What the caller reads.
    pub stdout: &'a mut dyn Write,
    /// What a person reads.
    pub stderr: &'a mut dyn Write,
    /// The time, once for the whole call.
    pub now: OffsetDateTime,
}

/// Does what the arguments say, writes the answer and gives the exit code.
#[must_use]
pub fn run(process: Process<'_>) -> ExitCode {
    let Process {
        arguments,
        variables,
        stdin,
        stdout,
        stderr,
        now,
    } = process;
    let program = program_name(arguments.first());
    let words: Vec<_> = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy())
        .collect();
    let said = match words.as_slice() {
        [] => Said::failure(&docker::usage(&program)),
        [only] if let Some(verb) = Verb::parse(only) => answer(verb, &program, variables, stdin, now)
            .unwrap_or_else(|error| Said::failure(&format!("{error:#}"))),
        [verb, ..] if Verb::parse(verb).is_some() => Said::failure(&docker::usage(&program)),
        [argument, ..] if CommandLine::begins_with(argument) => serve(&arguments),
        [argument, ..] => Said::failure(&docker::unknown_action(&program, argument)),
    };
    let written = stdout
        .write_all(said.stdout.as_bytes())
        .and_then(|()| stdout.flush())
        .and_then(|()| stderr.write_all(said.stderr.as_bytes()));
    match written {
        Ok(()) => said.code,
        // A caller that cannot be answered must not be told that it was.
        Err(_) => ExitCode::FAILURE,
    }
}

/// All that is said at the end of a call.
struct Said {
    stdout: Zeroizing<String>,
    stderr: String,
    code: ExitCode,
}

impl Said {
    fn success(stdout: String) -> Self {
        Self {
            stdout: Zeroizing::new(stdout),
            stderr: String::new(),
            code: ExitCode::SUCCESS,
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
    let credentials = CredentialStore::at(settings::data_directory());
    let profile = || settings::profile(program, variables);
    match verb {
        Verb::Get => {
            let settings = Settings::load()?;
            let input = read_message(stdin, MAX_SERVER_URL_BYTES)?;
            Ok(
                match get::get(&input, &profile()?, &credentials, &settings, now)? {
                    Answer::Found(message) => Said::success(message.expose().to_owned() + "\n"),
                    Answer::NotFound => Said::failure(docker::CREDENTIALS_NOT_FOUND),
                },
            )
        }
        Verb::Store => {
            let input = read_message(stdin, MAX_STORE_BYTES)?;
            store::store(&input, profile()?, &credentials, now).map(|()| Said::success(String::new()))
        }
        Verb::Erase => {
            let input = read_message(stdin, MAX_SERVER_URL_BYTES)?;
            erase::erase(&input, profile()?, &credentials).map(|()| Said::success(String::new()))
        }
        Verb::List => {
            Settings::load()?;
            Ok(Said::success(list::list(&profile()?, &credentials)? + "\n"))
        }
        Verb::Version => Ok(Said::success(docker::version(program) + "\n")),
    }
}

/// Serves a person.
fn serve(arguments: &[OsString]) -> Said {
    let CommandLine { command } = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        // clap knows which of its messages are help and which are errors, and gives each its stream and code.
        Err(message) => {
            let text = message.to_string();
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
    let credentials = CredentialStore::at(settings::data_directory());
    let report = match command {
        Command::Status(Status { server, json }) => {
            let format = if json { Format::Json } else { Format::Table };
            status::status(server.as_ref(), format, &credentials)
        }
    };
    match report {
        Ok(Report {
            text,
            notes,
            is_incomplete,
        }) => Said {
            stderr: notes,
            code: if is_incomplete {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            },
            ..Said::success(text)
        },
        Err(error) => Said {
            stderr: format!("{PROGRAM}: {}", one_line(&format!("{error:#}"))),
            code: ExitCode::FAILURE,
            ..Said::success(String::new())
        },
    }
}

/// What the reference calls itself: the last component of the name it was started by.
fn program_name(argument: Option<&OsString>) -> String {
    let name = argument
        .and_then(|path| Path::new(path).file_name())
        .and_then(OsStr::to_str)
        .unwrap_or(PROGRAM);
    name.strip_suffix(std::env::consts::EXE_SUFFIX)
        .unwrap_or(name)
        .to_owned()
}

/// Reads a message with the white space around it, and of one that is too long just enough to tell.
fn read_message(stdin: &mut dyn Read, limit: usize) -> Result<Zeroizing<Vec<u8>>> {
    let most = limit + MAX_WHITE_SPACE_BYTES;
    let mut message = Zeroizing::new(Vec::with_capacity(1024));
    stdin
        .take(u64::try_from(most)? + 1)
        .read_to_end(&mut message)
        .context("cannot read standard input")?;
    ensure!(
        message.len() <= most,
        "standard input: is longer than {} KiB",
        limit / 1024
    );
    Ok(message)
}

/// The message on a line of its own, with control characters escaped: paths and program names can hold any.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len() + 1);
    for character in message.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}
