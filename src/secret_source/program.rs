//! Program: another program that is run for what it prints, within a time and a length. Knows nothing of what the answer
//! means.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::protocol::docker;

/// The most that is read of an answer: far more than a person's logins.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How often a helper that has answered is looked at until it ends.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// How many of us there may be in a row, each asked by another program that the one before has run. Nobody means to
/// have more than one below another; who goes round in a circle is to notice.
const DEEPEST: u8 = 4;

const DEPTH_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_DEPTH";

/// How many of us there are in a row, this one included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth(u8);

impl Depth {
    /// As the one before has left it in the environment.
    pub fn read(variables: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, TooDeep> {
        let depth = match variables(DEPTH_VARIABLE) {
            None => 0,
            // What is none of our numbers is nobody's: it is not started from again.
            Some(text) => text
                .to_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or(DEEPEST),
        };
        if depth < DEEPEST {
            Ok(Self(depth))
        } else {
            Err(TooDeep)
        }
    }

    /// Leaves it to a program that may ask us again.
    pub(super) fn deeper(self, command: &mut Command) -> &mut Command {
        command.env(DEPTH_VARIABLE, self.0.saturating_add(1).to_string())
    }
}

/// Programs ask each other in a circle.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a secret's program asks this helper again, which runs a program again, and so on; break the circle")]
pub struct TooDeep;

/// Why there is no answer. Texts never repeat what the program said: it may hold a secret.
#[derive(Debug, Error)]
pub(super) enum Problem {
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

/// What a program said and how it ended.
pub(super) struct Answer {
    pub(super) succeeded: bool,
    status: String,
    pub(super) stdout: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// What is wrong with it where it is of no use.
    pub(super) fn problem(self) -> Problem {
        if self.succeeded {
            Problem::Unknown
        } else {
            Problem::Failed(self.status)
        }
    }
}

/// Runs a program, which is ended when it takes longer than `limit`: nobody waits for a prompt that nobody sees.
pub(super) fn run(command: &mut Command, input: Option<&str>, limit: Duration) -> Result<Answer, Problem> {
    let deadline = Instant::now() + limit;
    let mut child = command
        .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Problem::NotInstalled,
            _ => Problem::NotStarted(error),
        })?;
    let result = converse(&mut child, input.unwrap_or_default(), deadline, limit);
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
        run(Command::new("sh").args(["-c", script]), Some("h"), limit)
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
    fn a_circle_of_programs_comes_to_an_end() {
        let at = |text: &'static str| Depth::read(&move |name| (name == DEPTH_VARIABLE).then(|| text.into()));
        assert_eq!(Depth::read(&|_| None), Ok(Depth(0)));
        assert_eq!(at("3"), Ok(Depth(3)));
        for text in ["4", "255", "256", "-1", "", "x"] {
            assert_eq!(at(text), Err(TooDeep), "{text}");
        }
        let mut command = Command::new("sh");
        command.args(["-c", &format!("printf %s \"${DEPTH_VARIABLE}\"")]);
        let answer = run(Depth(2).deeper(&mut command), None, Duration::from_secs(30)).unwrap();
        assert_eq!(answer.stdout.as_slice(), b"3");
    }
}
