//! The helper within bounds: what it came to, how long it took, and how large it was.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::home::{HELPER, Home};
use super::outcome::Outcome;

/// What the process may take of the system for its data, in KiB: more, and it is refused it and aborts.
const MOST_DATA: u64 = 24 * 1024;

/// What of it may be in memory at any moment, its code included, in KiB.
pub(crate) const MOST_RESIDENT: u64 = 24 * 1024;

/// A run that has ended.
pub(crate) struct Bounded {
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// The most memory in KiB that it was seen to have.
    pub(crate) resident: u64,
}

impl Bounded {
    /// The helper with these arguments. It reads this input.
    pub(crate) fn of(home: &Home, arguments: &[&str], input: &str) -> Self {
        use std::io::Write as _;

        let mut command = home.command("sh");
        command
            .args(["-c", &format!("ulimit -d {MOST_DATA}; exec \"$@\""), "sh", HELPER])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().expect("a shell");
        // What is not read is no failure of the program.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let status = format!("/proc/{}/status", child.id());
        let mut resident = 0;
        // Until it has ended: then there is no such line any more.
        while let Some(now) = fs::read_to_string(&status).ok().as_deref().and_then(peak) {
            resident = resident.max(now);
            thread::sleep(Duration::from_millis(1));
            if child.try_wait().expect("a child").is_some() {
                break;
            }
        }
        let output = child.wait_with_output().expect("a child to wait for");
        Self {
            took: begun.elapsed(),
            outcome: Outcome::from_output(&command, &output),
            resident,
        }
    }
}

/// The line `VmHWM:     4096 kB` (`proc_pid_status(5)`).
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
