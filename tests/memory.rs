//! Answers that would fill the memory: whoever sends them, the `token` process says one line in time and has not
//! grown.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use support::helper::Helper;
use support::home::{HELPER, Home};
use support::listener::{Connection, Listener};
use support::outcome::Outcome;
use support::scene::{PASSWORD, REFRESH, is_refused, set};

/// What a call may take, and a little for a machine that has many to do.
const LONGEST: Duration = Duration::from_secs(12);

/// What the process may take of the system for its data, in KiB: more, and it is refused it and aborts.
const MOST_DATA: u64 = 24 * 1024;

/// What of it may be in memory at any moment, its code included.
const MOST_RESIDENT: u64 = 24 * 1024;

#[derive(Clone, Copy, Debug)]
enum Flow {
    FirstContact,
    Get,
    Post,
}

/// An answer without an end: how it begins, and what comes again and again.
const ENDLESS: &[(&str, &str, &str)] = &[
    (
        "a body",
        "HTTP/1.1 200 X\r\n\r\n",
        "{\"token\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    (
        "a body that is refused",
        "HTTP/1.1 401 X\r\n\r\n",
        "[[[[[[[[[[[[[[[[",
    ),
    (
        "a body of a length",
        "HTTP/1.1 200 X\r\nContent-Length: 1099511627776\r\n\r\n",
        "[[[[[[[[[[[[[[[[",
    ),
    (
        "chunks",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        "10\r\n{\"token\": \"aaaaa\r\n",
    ),
    (
        "one chunk",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
        "aaaaaaaaaaaaaaaa",
    ),
    (
        "the size of a chunk",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        "aaaaaaaaaaaaaaaa",
    ),
    (
        "trailers",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        "X-Word: aaaaaaaaaaaaaaaa\r\n",
    ),
    ("headers", "HTTP/1.1 200 X\r\n", "X-Word: aaaaaaaaaaaaaaaa\r\n"),
    ("a header", "HTTP/1.1 200 X\r\nX-Word: ", "aaaaaaaaaaaaaaaa"),
    ("the name of a header", "HTTP/1.1 200 X\r\n", "X-Word-"),
    (
        "a challenge",
        "HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer realm=\"",
        "aaaaaaaaaaaaaaaa",
    ),
    (
        "challenges",
        "HTTP/1.1 401 X\r\n",
        "WWW-Authenticate: Bearer realm=\"https://h/\"\r\n",
    ),
    ("a status", "HTTP/1.1 200 ", "aaaaaaaaaaaaaaaa"),
    ("interim answers", "", "HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n"),
];

#[test]
fn no_answer_without_an_end_fills_the_memory_or_the_time() {
    let mut most = 0;
    for (name, begins, again) in ENDLESS {
        thread::scope(|scope| {
            let calls: Vec<_> = [Flow::FirstContact, Flow::Get, Flow::Post]
                .into_iter()
                .map(|flow| {
                    scope.spawn(move || {
                        let server = Listener::plain(move |connection| pour(connection, begins, again));
                        let resident = ask(flow, &server, name);
                        assert!(resident < MOST_RESIDENT, "{name}, {flow:?}: {resident} KiB");
                        resident
                    })
                })
                .collect();
            for call in calls {
                most = most.max(call.join().unwrap());
            }
        });
    }
    // Or else nothing was measured.
    assert!(most > 1024, "{most} KiB");
}

/// Sends as much as is taken, in pieces as large as a server's.
fn pour(mut connection: Connection, begins: &str, again: &str) {
    // A registry of this machine is asked over TLS first.
    let first = connection.read();
    if !first.starts_with(b"GET ") && !first.starts_with(b"POST ") {
        return;
    }
    let piece = again.repeat(64 * 1024 / again.len());
    let mut is_taken = connection.send(begins).is_ok();
    while is_taken {
        is_taken = connection.send(&piece).is_ok();
    }
}

/// Calls `token`, which is to fail, and gives the most memory in KiB that it was seen to have.
fn ask(flow: Flow, server: &Listener, name: &str) -> u64 {
    let home = Home::new();
    let address = server.authority();
    let (user, secret) = match flow {
        Flow::FirstContact | Flow::Get => ("user", PASSWORD),
        Flow::Post => ("<token>", REFRESH),
    };
    Helper::of(&home).store(&address, user, secret);
    if !matches!(flow, Flow::FirstContact) {
        let realm = format!("http://{address}/token");
        set(&home, &address, &json!({ "realm": realm, "service": "registry" }));
    }
    let mut command = home.command("sh");
    command
        .args(["-c", &format!("ulimit -d {MOST_DATA}; exec \"$@\"")])
        .args(["sh", HELPER, "token", &address, "--pull", "a/b"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    // Until it has ended: then there is no such line any more.
    while let Some(resident) = fs::read_to_string(&status).ok().as_deref().and_then(peak) {
        most = most.max(resident);
        thread::sleep(Duration::from_millis(1));
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    let outcome = Outcome::from_output(&command, &child.wait_with_output().unwrap());
    let took = begun.elapsed();
    assert!(took < LONGEST, "{name}, {flow:?}: took {took:?}");
    assert!(
        is_refused(&outcome).contains(&address),
        "{name}, {flow:?}: {outcome:?}"
    );
    most
}

/// The line `VmHWM:     4096 kB` (`proc_pid_status(5)`).
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
