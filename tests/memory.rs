//! Answers that would fill the memory: whoever sends them, registry, token server or Docker Hub, the process says one
//! line in time and has not grown.

mod support;

use std::thread;
use std::time::Duration;

use serde_json::json;
use support::bounds::{Bounded, MOST_RESIDENT};
use support::fixture::answer::jwt;
use support::helper::Helper;
use support::home::Home;
use support::hub_scene::ACCESS_TOKEN;
use support::listener::{Connection, Listener};
use support::scene::{PASSWORD, REFRESH, is_refused, set};
use time::OffsetDateTime;

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";

/// What a call may take, and a little for a machine that has many to do.
const LONGEST: Duration = Duration::from_secs(12);

#[derive(Clone, Copy, Debug)]
enum Flow {
    FirstContact,
    Get,
    Post,
    HubSignIn,
    HubList,
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
            let calls: Vec<_> = [
                Flow::FirstContact,
                Flow::Get,
                Flow::Post,
                Flow::HubSignIn,
                Flow::HubList,
            ]
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

/// Makes a call, which is to fail, and gives the most memory in KiB that it was seen to have.
fn ask(flow: Flow, server: &Listener, name: &str) -> u64 {
    let home = Home::new();
    let address = server.authority();
    let keep = |key: &str, user: &str, secret: &str| Helper::of(&home).store(key, user, secret);
    let api = format!("http://{address}");
    match flow {
        Flow::FirstContact | Flow::Get | Flow::HubSignIn => keep(&address, "user", PASSWORD),
        Flow::Post => keep(&address, "<token>", REFRESH),
        Flow::HubList => {
            let end = OffsetDateTime::now_utc().unix_timestamp() + 3600;
            let claims = json!({ "aud": api, "exp": end, "https://hub.docker.com": { "username": "user" } });
            keep(ACCESS_TOKEN, "user", &jwt(&claims));
        }
    }
    let token: &[&str] = &["token", &address, "--pull", "a/b"];
    let arguments = match flow {
        Flow::FirstContact => token,
        Flow::Get | Flow::Post => {
            let realm = format!("{api}/token");
            set(&home, &address, &json!({ "realm": realm, "service": "registry" }));
            token
        }
        Flow::HubSignIn | Flow::HubList => {
            let settings = json!({ "hub": { "api": api, "registry": address } });
            home.write(SETTINGS, &settings.to_string());
            &["hub", "token", "list"]
        }
    };
    let Bounded {
        outcome,
        took,
        resident,
    } = Bounded::of(&home, arguments, "");
    assert!(took < LONGEST, "{name}, {flow:?}: took {took:?}");
    assert!(
        is_refused(&outcome).contains(&address),
        "{name}, {flow:?}: {outcome:?}"
    );
    resident
}
