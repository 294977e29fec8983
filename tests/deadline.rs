//! The process as a whole: whatever it waits for, and however many of them one after the other, it ends within 30 s, and
//! says in one line what it waited for last.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs::{self, DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use support::helper::{ask, message};
use support::home::{HELPER, Home};
use support::keyring::{Silence, SilentBus};

const LIMIT: Duration = Duration::from_secs(30);

/// What a machine that is busy with other tests may add.
const SLACK: Duration = Duration::from_secs(15);

/// When a caller that takes its time closes the helper's standard input.
const LATE: Duration = Duration::from_secs(28);

/// When there is too little of a call's time left to start a program in.
const TOO_LATE: Duration = Duration::from_millis(29_500);

/// By how much somebody holds out longer than the helper.
const LATER: Duration = Duration::from_secs(5);

/// How a call ended.
struct Ended {
    after: Duration,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// Within the time of the process and not before, with this line on stdout and nothing beside it.
    #[track_caller]
    fn says(&self, line: &str) {
        assert_eq!((self.stdout.as_str(), self.stderr.as_str()), (line, ""));
        self.is_late();
    }

    #[track_caller]
    fn is_late(&self) {
        assert_eq!(self.code, Some(1), "{}", self.stdout);
        assert!(self.after > LATE, "{:?}: {}", self.after, self.stdout);
        assert!(self.after < LIMIT + SLACK, "{:?}: {}", self.after, self.stdout);
    }
}

fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The end of a call whose input comes and is closed when `say` is done with it.
fn end(command: &mut Command, say: impl FnOnce(&mut dyn FnMut(&str)) + Send) -> Ended {
    let began = Instant::now();
    let mut child = start(command);
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        let said = scope.spawn(move || {
            // Who ended reads no more.
            say(&mut |text| drop(stdin.write_all(text.as_bytes())));
            drop(stdin);
        });
        let output = child.wait_with_output().unwrap();
        let after = began.elapsed();
        said.join().unwrap();
        Ended {
            after,
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    })
}

/// Says it, and closes the input when most of the time is over.
fn late(text: &str) -> impl FnOnce(&mut dyn FnMut(&str)) + Send {
    move |say| {
        say(text);
        thread::sleep(LATE);
    }
}

fn verb(home: &Home, verb: &str) -> Command {
    let mut command = home.command(HELPER);
    command.arg(verb);
    command
}

fn settings(home: &Home, settings: &serde_json::Value) {
    let path = ".config/docker-credential-scoped/settings.json";
    home.write(path, &settings.to_string());
}

/// A server that takes connections and says nothing, and a home in which an identity token of it is handed out.
fn silent_server() -> (TcpListener, Home, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let home = Home::new();
    ask(&home, "store", &message(&server, "u", "p")).succeeds();
    let registry =
        json!({ "handOut": "identity-token", "realm": format!("http://{server}/token"), "service": "s" });
    settings(&home, &json!({ "registries": { server.as_str(): registry } }));
    (listener, home, server)
}

/// The turns of the token cache, all held by somebody who does not go on.
fn hold_turns(home: &Home) -> Vec<File> {
    let cache = home.runtime().join("docker-credential-scoped");
    for directory in [cache.clone(), cache.join("locks")] {
        // It may be there already.
        let _ = DirBuilder::new().mode(0o700).create(directory);
    }
    let hold = |number| {
        let turn = File::create(cache.join("locks").join(format!("{number:02}"))).unwrap();
        turn.lock().unwrap();
        turn
    };
    (0..64).map(hold).collect()
}

fn a_caller_that_never_closes_its_pipe() {
    let said = "cannot read standard input: it was not closed in time\n";
    let home = Home::new();
    end(&mut verb(&home, "get"), |_| thread::sleep(LIMIT + LATER)).says(said);
}

fn a_caller_that_never_ends_its_message() {
    let said = "cannot read standard input: it was not closed in time\n";
    let home = Home::new();
    let drip = |say: &mut dyn FnMut(&str)| {
        for _ in 0..(LIMIT + LATER).as_secs() {
            say("h");
            thread::sleep(Duration::from_secs(1));
        }
    };
    end(&mut verb(&home, "store"), drip).says(said);
}

fn a_caller_that_does_not_read() {
    let home = Home::new();
    let credential = |number| {
        let server = format!("{number}-{}.example", "r".repeat(40));
        json!({ "server": server, "username": "u".repeat(60), "secret": { "command": ["true"] } })
    };
    let credentials: Vec<_> = (0..2_000).map(credential).collect();
    settings(&home, &json!({ "credentials": credentials }));
    let began = Instant::now();
    let mut child = start(&mut verb(&home, "list"));
    let code = child.wait().unwrap().code();
    let after = began.elapsed();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
    // As much as fits into a pipe, and not a word more that could be taken for part of it.
    assert!(stdout.starts_with('{') && !stdout.contains("waited") && !stdout.ends_with('\n'));
    Ended {
        after,
        code,
        stdout,
        stderr,
    }
    .is_late();
}

fn a_command_that_hangs_when_time_is_short() {
    let home = Home::new();
    let pid = home.path().join("pid");
    let script = format!("echo $$ >{}; exec sleep 600", pid.display());
    let secret = json!({ "command": ["sh", "-c", script] });
    let credential = json!({ "server": "h", "username": "u", "secret": secret });
    settings(&home, &json!({ "credentials": [credential] }));
    let ended = end(&mut verb(&home, "get"), late("h"));
    let why = ended
        .stdout
        .strip_prefix("command sh: did not answer within ")
        .unwrap();
    assert!(why.ends_with(" s and was ended\n"), "{why}");
    ended.is_late();
    let pid = fs::read_to_string(pid).unwrap();
    assert!(
        !fs::exists(format!("/proc/{}", pid.trim())).unwrap(),
        "it goes on"
    );
}

/// It is started only while there is time to end it. On a busy machine that time may be over before it is looked at.
fn a_command_that_comes_too_late() {
    let home = Home::new();
    let written = home.path().join("was-run");
    let secret = json!({ "command": ["touch", written.to_str().unwrap()] });
    let credential = json!({ "server": "h", "username": "u", "secret": secret });
    settings(&home, &json!({ "credentials": [credential] }));
    let ended = (0..4)
        .map(|_| {
            end(&mut verb(&home, "get"), |say| {
                say("h");
                thread::sleep(TOO_LATE);
            })
        })
        .find(|ended| !ended.stdout.starts_with("cannot read standard input: "))
        .unwrap();
    ended.says("command touch: was not run: all else took too long\n");
    assert!(!written.exists());
}

fn turns_whose_holders_do_not_go_on() {
    let (_server, home, name) = silent_server();
    let turns = hold_turns(&home);
    let ended = end(&mut verb(&home, "get"), late(&name));
    let start = format!(
        "not done within 30 s; it last waited for whoever has locked {}/docker-credential-scoped/locks/",
        home.runtime().display()
    );
    assert!(ended.stdout.starts_with(&start), "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 1);
    ended.is_late();
    drop(turns);
}

fn a_server_that_says_nothing() {
    let (_server, home, name) = silent_server();
    end(&mut verb(&home, "get"), late(&name))
        .says(&format!("not done within 30 s; it last waited for {name}\n"));
}

fn a_bus_that_says_nothing() {
    let home = Home::new();
    let _bus = SilentBus::start(&home, Silence::FromTheFirstByte);
    end(&mut verb(&home, "store"), |say| {
        say(&message("h", "u", "p"));
        thread::sleep(LATE + Duration::from_millis(500));
    })
    .says("not done within 30 s; it last waited for the OS keyring\n");
}

/// One after the other, each within its own limit.
fn a_command_turns_and_a_server() {
    let (_server, home, name) = silent_server();
    ask(&home, "erase", &name).succeeds();
    let registry = json!({ "realm": format!("http://{name}/token"), "service": "s" });
    let secret = json!({ "command": ["sh", "-c", "sleep 4; echo p"] });
    let credential = json!({ "server": name, "username": "u", "secret": secret });
    settings(
        &home,
        &json!({ "registries": { name.as_str(): registry }, "credentials": [credential] }),
    );
    let turns = hold_turns(&home);
    let began = Instant::now();
    let child = start(home.command(HELPER).args(["token", &name, "--pull", "a/b"]));
    let pid = Pid::from_child(&child);
    // Somebody's Ctrl-Z, for that all of them together do not take so long.
    thread::sleep(Duration::from_secs(2));
    kill_process(pid, Signal::STOP).unwrap();
    thread::sleep(Duration::from_secs(14));
    kill_process(pid, Signal::CONT).unwrap();
    let output = child.wait_with_output().unwrap();
    let line = format!("docker-credential-scoped: not done within 30 s; it last waited for {name}\n");
    assert_eq!(
        (output.stdout.as_slice(), output.status.code()),
        (b"".as_slice(), Some(1))
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
    assert!((LATE..LIMIT + SLACK).contains(&began.elapsed()));
    drop(turns);
}

/// Both that look at the clock have then slept for too long, and the program has not.
fn a_stop_while_a_command_hangs() {
    let home = Home::new();
    let written = home.path().join("pid");
    let command = format!("echo $$ >{}; exec sleep 90", written.display());
    let secret = json!({ "command": ["sh", "-c", command] });
    let credential = json!({ "server": "h", "username": "u", "secret": secret });
    settings(&home, &json!({ "credentials": [credential] }));
    let mut child = start(&mut verb(&home, "get"));
    let pid = Pid::from_child(&child);
    child.stdin.take().unwrap().write_all(b"h").unwrap();
    thread::sleep(Duration::from_secs(2));
    kill_process(pid, Signal::STOP).unwrap();
    thread::sleep(LIMIT);
    kill_process(pid, Signal::CONT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let program = fs::read_to_string(&written).unwrap().trim().parse().unwrap();
    assert!(
        test_kill_process(Pid::from_raw(program).unwrap()).is_err(),
        "it goes on"
    );
}

#[test]
fn whatever_is_waited_for_a_call_ends_within_30_seconds_with_one_line() {
    let rows: [fn(); 10] = [
        a_caller_that_never_closes_its_pipe,
        a_caller_that_never_ends_its_message,
        a_caller_that_does_not_read,
        a_command_that_hangs_when_time_is_short,
        a_command_that_comes_too_late,
        turns_whose_holders_do_not_go_on,
        a_server_that_says_nothing,
        a_bus_that_says_nothing,
        a_command_turns_and_a_server,
        a_stop_while_a_command_hangs,
    ];
    // At the same time, for each takes as long as a call may.
    thread::scope(|scope| {
        for row in rows {
            scope.spawn(row);
        }
    });
}
