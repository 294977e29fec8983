//! Program: another program that is run for what it prints, within a time and a length. Knows nothing of what the answer
//! means.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::protocol::docker;

/// The most that is read of an answer: far more than a person's logins.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How much is heard at a time: a login fits into it.
const PIECE_BYTES: usize = 4096;

/// How often a program is looked at until it ends.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// How long what a program has said may take to arrive after its end, where something that it has started keeps its
/// output open: an agent goes on for days.
const GRACE: Duration = Duration::from_millis(100);

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

/// Who a program is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// A client that waits for an answer, and may have no terminal. The program has a group of its own, by which it can
    /// be ended with all that it has started. That puts it into the background of a terminal: who asks there is
    /// stopped, and ended with its time. Ctrl-C reaches us and not the program, which ends when it says what nobody
    /// hears any more, and at once where it was stopped.
    Client,
    /// A person who has asked for it and may be asked in turn, at the terminal that it then shares with us. Ctrl-C ends
    /// it with us; its limit ends it alone.
    Person,
}

/// Runs a program, which is ended when it takes longer than `limit`: nobody waits for a prompt that nobody sees.
pub(super) fn run(
    command: &mut Command,
    input: Option<&str>,
    audience: Audience,
    limit: Duration,
) -> Result<Answer, Problem> {
    let deadline = Instant::now() + limit;
    #[cfg(unix)]
    if audience == Audience::Client {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
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
        end(&mut child, audience);
    }
    let status = child.wait().map_err(Problem::NotStarted)?;
    result.map(|stdout| Answer {
        succeeded: status.success(),
        status: status.to_string(),
        stdout,
    })
}

/// What it says until it ends, or until it has said all and ended. Its end is looked at and left to be asked for: until
/// then its number is not another's, and it can be ended by it with all that it has started.
fn converse(
    child: &mut Child,
    input: &str,
    deadline: Instant,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    if let Some(mut stdin) = child.stdin.take() {
        // A server URL fits into a pipe, and a helper need not read what it does not use.
        let _ = stdin.write_all(input.as_bytes());
    }
    let heard = child.stdout.take().map(listen).ok_or(Problem::Unknown)?;
    let mut pieces = Vec::new();
    let mut length = 0;
    let mut is_all = false;
    let mut enough = None;
    loop {
        if is_all {
            thread::sleep(LOOK_AGAIN_AFTER);
        } else {
            match heard.recv_timeout(LOOK_AGAIN_AFTER) {
                Ok(Ok(piece)) => {
                    length += piece.len();
                    pieces.push(piece);
                }
                Ok(Err(error)) => return Err(Problem::NotStarted(error)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => is_all = true,
            }
        }
        if length > MAX_ANSWER_BYTES {
            return Err(Problem::TooLong);
        }
        let now = Instant::now();
        if enough.is_none() && has_ended(child).map_err(Problem::NotStarted)? {
            enough = Some(now + GRACE);
        }
        match enough {
            Some(enough) if is_all || now >= enough => return Ok(joined(&pieces, length)),
            None if now >= deadline => return Err(Problem::TimedOut(limit)),
            Some(_) | None => {}
        }
    }
}

/// What comes, piece by piece, up to one more byte than may. On its own thread, which is left behind where something
/// that the program has started keeps the pipe open.
fn listen(stdout: ChildStdout) -> Receiver<io::Result<Zeroizing<Vec<u8>>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let most = u64::try_from(MAX_ANSWER_BYTES + 1).unwrap_or(u64::MAX);
        let mut stdout = stdout.take(most);
        loop {
            let mut piece = Zeroizing::new(vec![0; PIECE_BYTES]);
            let said = match stdout.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    piece.truncate(count);
                    Ok(piece)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            // Nobody listens any more when it took too long.
            if sender.send(said).is_err() {
                break;
            }
        }
    });
    receiver
}

/// In one piece that never grew: growing leaves a copy behind that nobody wipes.
fn joined(pieces: &[Zeroizing<Vec<u8>>], length: usize) -> Zeroizing<Vec<u8>> {
    let mut all = Zeroizing::new(Vec::with_capacity(length));
    for piece in pieces {
        all.extend_from_slice(piece);
    }
    all
}

/// Whether it has ended, which is still to be asked for.
#[cfg(unix)]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(Pid::from_child(child)), options))?;
    Ok(ended.is_some())
}

#[cfg(not(unix))]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

/// Ends it, and what is in its group where that is its own. It may have ended by itself since.
fn end(child: &mut Child, audience: Audience) {
    let _ = match audience {
        #[cfg(unix)]
        Audience::Client => {
            use rustix::process::{Pid, Signal, kill_process_group};

            kill_process_group(Pid::from_child(child), Signal::KILL).map_err(io::Error::from)
        }
        #[cfg(not(unix))]
        Audience::Client => child.kill(),
        Audience::Person => child.kill(),
    };
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn ask(script: &str, limit: Duration) -> Result<(bool, String), String> {
        run(
            Command::new("sh").args(["-c", script]),
            Some("h"),
            Audience::Client,
            limit,
        )
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
    fn what_comes_before_the_end_is_heard_though_its_output_is_kept_open() {
        let begun = Instant::now();
        let limit = Duration::from_secs(30);
        assert_eq!(ask("sleep 60 & echo no", limit), Ok((true, "no\n".into())));
        assert_eq!(ask("sleep 60 & exit 1", limit), Ok((false, String::new())));
        assert_eq!(
            ask("head -c 1000000 /dev/zero | tr '\\0' x; sleep 60 &", limit),
            Ok((true, "x".repeat(1_000_000)))
        );
        assert!(begun.elapsed() < Duration::from_secs(20));
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
        let answer = run(
            Depth(2).deeper(&mut command),
            None,
            Audience::Client,
            Duration::from_secs(30),
        )
        .unwrap();
        assert_eq!(answer.stdout.as_slice(), b"3");
    }
}
