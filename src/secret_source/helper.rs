//! Helper: another credential helper, asked as docker asks it. Only ever `list` and `get`: nothing changes in it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::protocol::docker::{self, CREDENTIALS_NOT_FOUND};
use crate::secret::Secret;

/// The most that is read of an answer: far more than a person's logins.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How often a helper that has answered is looked at until it ends.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Another helper, by the name that a configuration gives it: what follows `docker-credential-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    name: String,
}

impl Helper {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Accounts by server URL.
    pub fn list(&self, limit: Duration) -> Result<BTreeMap<String, String>, HelperError> {
        // The word is what docker's client writes (docker-credential-helpers `client.List`).
        let answer = self.ask("list", "unused", limit)?;
        docker::read_listing(&answer.stdout)
            .ok()
            .filter(|_| answer.succeeded)
            .ok_or_else(|| self.error("list", answer.problem()))
    }

    /// Account and secret for a server URL, which are absent at times for what was listed.
    pub fn get(&self, server_url: &str, limit: Duration) -> Result<Option<(String, Secret)>, HelperError> {
        let answer = self.ask("get", server_url, limit)?;
        if !answer.succeeded && answer.stdout.trim_ascii() == CREDENTIALS_NOT_FOUND.as_bytes() {
            return Ok(None);
        }
        if answer.succeeded
            && let Ok(found) = docker::read_answer(&answer.stdout)
        {
            return Ok(found);
        }
        Err(self.error("get", answer.problem()))
    }

    fn ask(&self, verb: &'static str, input: &str, limit: Duration) -> Result<Answer, HelperError> {
        run(
            Command::new(format!("docker-credential-{}", self.name)).arg(verb),
            input,
            limit,
        )
        .map_err(|problem| self.error(verb, problem))
    }

    fn error(&self, verb: &'static str, problem: Problem) -> HelperError {
        HelperError {
            program: self.to_string(),
            verb,
            problem,
        }
    }
}

/// The program's name.
impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker-credential-{}", self.name)
    }
}

impl FromStr for Helper {
    type Err = InvalidHelperName;

    /// A name that stays below `docker-credential-`: no path, no option, nothing for a terminal to act on.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || !text.chars().all(is_allowed) {
            return Err(InvalidHelperName::Characters);
        }
        if text == "scoped" || text.starts_with("scoped-") {
            return Err(InvalidHelperName::Ourselves);
        }
        Ok(Self {
            name: text.to_owned(),
        })
    }
}

/// Why a text names no other helper.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidHelperName {
    /// Empty, or a character that no helper's name has.
    #[error("helper: a name is what follows docker-credential-: letters, digits, '-', '_' or '.'")]
    Characters,
    /// This program.
    #[error("helper: that is this helper itself")]
    Ourselves,
}

/// A helper did not answer. Texts never repeat what it said: it may hold a secret.
#[derive(Debug, Error)]
#[error("{program} {verb} {problem}")]
pub struct HelperError {
    program: String,
    verb: &'static str,
    problem: Problem,
}

impl HelperError {
    /// Whether it took too long: it would the next time too.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.problem, Problem::TimedOut(_))
    }
}

#[derive(Debug, Error)]
enum Problem {
    #[error("failed ({0}); run it yourself to see why")]
    Failed(String),
    #[error("cannot be run: it is not on PATH")]
    NotInstalled,
    #[error("cannot be run: {0}")]
    NotStarted(io::Error),
    #[error("did not answer within {} s and was ended", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("gave more than 1 MiB")]
    TooLong,
    #[error("{}", docker::UnknownAnswer)]
    Unknown,
}

struct Answer {
    succeeded: bool,
    status: String,
    stdout: Zeroizing<Vec<u8>>,
}

impl Answer {
    fn problem(self) -> Problem {
        if self.succeeded {
            Problem::Unknown
        } else {
            Problem::Failed(self.status)
        }
    }
}

/// Runs a helper, which is ended when it takes longer than `limit`: nobody waits for a prompt that nobody sees.
fn run(command: &mut Command, input: &str, limit: Duration) -> Result<Answer, Problem> {
    let deadline = Instant::now() + limit;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Problem::NotInstalled,
            _ => Problem::NotStarted(error),
        })?;
    let result = converse(&mut child, input, deadline, limit);
    if result.is_err() {
        // It may have ended by itself since.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn converse(child: &mut Child, input: &str, deadline: Instant, limit: Duration) -> Result<Answer, Problem> {
    if let Some(mut stdin) = child.stdin.take() {
        // A server URL fits into a pipe, and a helper need not read what it does not use.
        let _ = stdin.write_all(input.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // On its own thread, which is left behind where a child of the helper keeps the pipe open.
        thread::spawn(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            let most = u64::try_from(MAX_ANSWER_BYTES + 1).unwrap_or(u64::MAX);
            let read = stdout.take(most).read_to_end(&mut bytes);
            // Nobody listens any more when it took too long.
            let _ = sender.send(read.map(|_| bytes));
        });
    }
    let stdout = match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(stdout)) if stdout.len() <= MAX_ANSWER_BYTES => stdout,
        Ok(Ok(_)) => return Err(Problem::TooLong),
        Ok(Err(error)) => return Err(Problem::NotStarted(error)),
        Err(RecvTimeoutError::Timeout) => return Err(Problem::TimedOut(limit)),
        Err(RecvTimeoutError::Disconnected) => return Err(Problem::Unknown),
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Ok(Answer {
                    succeeded: status.success(),
                    status: status.to_string(),
                    stdout,
                });
            }
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN_AFTER),
            Ok(None) => return Err(Problem::TimedOut(limit)),
            Err(error) => return Err(Problem::NotStarted(error)),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn ask(script: &str, limit: Duration) -> Result<(bool, String), String> {
        run(Command::new("sh").args(["-c", script]), "h", limit)
            .map(|answer| {
                let text = String::from_utf8(answer.stdout.to_vec()).unwrap();
                (answer.succeeded, text)
            })
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_helper_is_given_its_input_and_heard_on_stdout_only() {
        let limit = Duration::from_secs(30);
        assert_eq!(ask("cat; echo canary >&2", limit), Ok((true, "h".into())));
        assert_eq!(ask("echo no; exit 1", limit), Ok((false, "no\n".into())));
    }

    #[test]
    fn a_helper_that_hangs_is_ended() {
        let begun = Instant::now();
        let limit = Duration::from_millis(200);
        let ended = Err("did not answer within 0.2 s and was ended".to_owned());
        assert_eq!(ask("sleep 60", limit), ended);
        assert_eq!(ask("echo x; exec >&-; sleep 60", limit), ended);
        assert_eq!(ask("sleep 60 & sleep 60", limit), ended);
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_helper_that_never_ends_its_answer_is_cut_off() {
        assert_eq!(
            ask("yes", Duration::from_secs(30)),
            Err("gave more than 1 MiB".into())
        );
    }

    #[test]
    fn a_name_is_no_path_and_not_our_own() {
        for name in ["pass", "ecr-login", "osxkeychain", "desktop.exe"] {
            assert_eq!(
                name.parse::<Helper>().unwrap().to_string(),
                format!("docker-credential-{name}")
            );
        }
        for name in ["", "a/b", "../x", "a b", "a\n"] {
            assert_eq!(name.parse::<Helper>(), Err(InvalidHelperName::Characters));
        }
        for name in ["scoped", "scoped-ci"] {
            assert_eq!(name.parse::<Helper>(), Err(InvalidHelperName::Ourselves));
        }
    }

    #[test]
    fn a_helper_that_is_not_there_is_named() {
        let helper: Helper = "not-installed-anywhere".parse().unwrap();
        assert_eq!(
            helper.list(Duration::from_secs(1)).unwrap_err().to_string(),
            "docker-credential-not-installed-anywhere list cannot be run: it is not on PATH"
        );
    }
}
