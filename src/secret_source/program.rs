//! Program: another program that is run for what it prints, within a time and a length. Knows nothing of what the answer
//! means.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use super::depth::Depth;
use super::output::Output;
use crate::deadline;
use crate::protocol::docker;

/// How often a program is looked at until it ends.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(1);

/// How long it has to be quiet after the program's end where something that it started keeps its output open. That may
/// write the rest, as a pipeline's last part does which the shell does not wait for; an agent keeps it open for days and
/// writes nothing.
const QUIET: Duration = Duration::from_millis(100);

/// How long a program is waited for that is ended.
const END_WITHIN: Duration = Duration::from_millis(500);

/// What of the process's own time is left for ending a program.
const RESERVE: Duration = Duration::from_secs(1);

/// What opens all that is stored is not for a program that is asked for one secret.
const KEY_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_KEY";

/// Why there is no answer. Texts never repeat what the program said: it may hold a secret.
#[derive(Debug, Error)]
pub(super) enum Problem {
    #[error("failed ({0}); run it yourself to see why")]
    Failed(String),
    #[error("cannot be run: it is not on PATH")]
    NotInstalled,
    #[error("cannot be run: {0}")]
    NotStarted(io::Error),
    #[error("did not answer within {} s and was ended", (.0.as_secs_f32() * 10.0).ceil() / 10.0)]
    TimedOut(Duration),
    #[error("was not run: all else took too long")]
    NoTime,
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
    /// stopped, and ended with its time. Ctrl-C ends us, our time with us, and not the program: one that was stopped
    /// is ended by the system, one that speaks by there being nobody to hear it, and one that hangs silently goes on.
    /// To pass signals on would be to catch them, and `exec` passes them on to its command.
    Client,
    /// A person who has asked for it and may be asked in turn, at the terminal that it then shares with us. Ctrl-C ends
    /// it with us; its limit ends it alone.
    Person,
}

/// What is ended where a program has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// It, and all that it has started.
    Group,
    /// It alone.
    Program,
}

/// Runs a program, which is ended when it takes longer than `limit`: nobody waits for a prompt that nobody sees.
pub(super) fn run(
    command: &mut Command,
    input: Option<&str>,
    depth: Depth,
    audience: Audience,
    limit: Duration,
) -> Result<Answer, Problem> {
    // While there is time for it, for nobody else would end what hangs.
    let limit = deadline::left().map_or(limit, |left| left.saturating_sub(RESERVE).min(limit));
    if limit.is_zero() {
        return Err(Problem::NoTime);
    }
    deadline::will_wait_for(&command.get_program().to_string_lossy());
    let until = Instant::now() + limit;
    // Where one of us runs us, we and what we start are in the group that it has made, and ended with that: a group
    // within the group would outlive it.
    let extent = if audience == Audience::Client && depth.is_outermost() {
        Extent::Group
    } else {
        Extent::Program
    };
    #[cfg(unix)]
    if extent == Extent::Group {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    #[cfg(unix)]
    heed_ends().map_err(Problem::NotStarted)?;
    let mut child = depth
        .deeper(command)
        .env_remove(KEY_VARIABLE)
        .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Problem::NotInstalled,
            _ => Problem::NotStarted(error),
        })?;
    match converse(&mut child, input.unwrap_or_default(), until, limit) {
        Ok(stdout) => {
            let status = child.wait().map_err(Problem::NotStarted)?;
            Ok(Answer {
                succeeded: status.success(),
                status: status.to_string(),
                stdout,
            })
        }
        Err(problem) => {
            end(&mut child, extent);
            Err(problem)
        }
    }
}

/// What it says until it ends. Its end is looked at and left to be asked for: until then its number is not another's,
/// and it can be ended by it with all that it has started.
fn converse(
    child: &mut Child,
    input: &str,
    until: Instant,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    if let Some(mut stdin) = child.stdin.take() {
        // A server URL fits into a pipe, and a helper need not read what it does not use.
        let _ = stdin.write_all(input.as_bytes());
    }
    let stdout = child.stdout.take().ok_or(Problem::Unknown)?;
    let mut output = Output::of(stdout).map_err(Problem::NotStarted)?;
    let mut quiet_since = None;
    loop {
        // Looked at before it is heard: all that it wrote is in the pipe then, if it has ended.
        let has_ended = quiet_since.is_some() || has_ended(child).map_err(Problem::NotStarted)?;
        // Looked at before it is heard, too: however late it is, what is in the pipe counts.
        let now = Instant::now();
        let is_quiet = !output.hear()?;
        if has_ended && output.is_all() {
            return Ok(output.joined());
        }
        match quiet_since {
            Some(since) if is_quiet && now - since >= QUIET => return Ok(output.joined()),
            Some(_) if is_quiet => {}
            Some(_) | None => quiet_since = has_ended.then_some(now),
        }
        if now >= until && (quiet_since.is_none() || !is_quiet) {
            return Err(Problem::TimedOut(limit));
        }
        thread::sleep(LOOK_AGAIN_AFTER);
    }
}

/// Has the system tell us how programs end. It tells nobody who ignores `SIGCHLD`, which whoever started us may have
/// left to us.
#[cfg(unix)]
fn heed_ends() -> io::Result<()> {
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicBool;

    static IS_HEEDED: OnceLock<()> = OnceLock::new();
    // That there is a handler is enough: nobody looks at what it says.
    static HAS_COME: AtomicBool = AtomicBool::new(false);
    if IS_HEEDED.get().is_none() {
        signal_hook::flag::register(signal_hook::consts::SIGCHLD, &HAS_COME)?;
        let _ = IS_HEEDED.set(());
    }
    Ok(())
}

/// Whether it has ended, which is still to be asked for.
#[cfg(unix)]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(Pid::from_child(child)), options))?;
    Ok(ended.is_some())
}

#[cfg(windows)]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

/// Ends it, and what is in its group where that is its own. It may have ended by itself since.
fn end(child: &mut Child, extent: Extent) {
    // What is not known to be ours any more is left alone: its number may be another's.
    if has_ended(child).is_err() {
        return;
    }
    #[cfg(unix)]
    if extent == Extent::Group {
        use rustix::process::{Pid, Signal, kill_process_group};

        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    }
    #[cfg(windows)]
    let _ = extent;
    // By itself, too: it may have left the group.
    let _ = child.kill();
    let begun = Instant::now();
    while matches!(has_ended(child), Ok(false)) {
        // Who is another user by now, as sudo is, or is held up by a disk, does not end. Nobody waits for it.
        if begun.elapsed() >= END_WITHIN {
            return;
        }
        thread::sleep(LOOK_AGAIN_AFTER);
    }
    let _ = child.try_wait();
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn ask(script: &str, limit: Duration) -> Result<(bool, String), String> {
        run(
            Command::new("sh").args(["-c", script]),
            Some("h"),
            Depth::default(),
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
        // The shell does not wait for what it writes into.
        assert_eq!(
            ask("{ sleep 0.02; echo no; } & exit 0", limit),
            Ok((true, "no\n".into()))
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
}
