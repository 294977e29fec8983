//! The memory of a process that holds a secret: no core dump is written of it, and it is open to nobody but root.

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use support::canaries::files_with;
use support::helper::message;
use support::home::{HELPER, Home};
use support::peer;

const PASSWORD: &str = "canary-of-a-stored-password";

/// How long a process has to begin and to read what it was sent.
const WHILE: Duration = Duration::from_millis(700);

#[test]
fn no_core_is_written_of_who_holds_a_secret_and_no_other_process_looks_into_its_memory() {
    let home = Home::new();
    let wait = |program: &str, arguments: &[&str]| {
        let mut command = home.command("sh");
        command
            .args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh", program])
            .args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // What is written to it is in its memory, and it waits for more.
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(message("h.example", "u", PASSWORD).as_bytes())
            .unwrap();
        thread::sleep(WHILE);
        (child, stdin)
    };
    let is_dumped = |program: &str, arguments: &[&str]| {
        let (mut child, stdin) = wait(program, arguments);
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-ABRT", &id])
                .status()
                .unwrap()
                .success()
        );
        drop(stdin);
        child.wait().unwrap().core_dumped()
    };
    assert!(!is_dumped(HELPER, &["store"]));
    let stray = files_with(home.directory(), PASSWORD);
    assert!(stray.is_empty(), "{stray:?}");
    // Or else nothing is proved by there being none.
    if !is_dumped("cat", &[]) && !peer::skip("nobody's core is dumped here") {
        return;
    }
    // Who may not be dumped belongs to root in /proc, whosever it is (proc(5)).
    if !peer::root() {
        return;
    }
    let home = Home::new();
    let helper = home.open_to_all();
    let owner_of = |program: &str| {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            program,
            "store",
        ]);
        command
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        thread::sleep(WHILE);
        let owner = fs::metadata(format!("/proc/{}/mem", child.id())).unwrap().uid();
        drop(child.stdin.take());
        child.wait().unwrap();
        owner
    };
    assert_eq!(owner_of(helper.to_str().unwrap()), 0);
}
