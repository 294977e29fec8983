//! Token servers that fail, on GET and on POST: each call ends in time, after three attempts at most, with one safe
//! line that holds nothing of the answer, and with nothing changed of what is stored.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

#[path = "support/fault_rows.rs"]
mod fault_rows;

use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use fault_rows::{Row, SPOILT, rows};
use support::fixture::answer::Answer;
use support::fixture::request::Request;
use support::fixture::{Fixture, Log, accept, serve};
use support::helper::Helper;
use support::home::{Home, contents};
use support::scene::{PASSWORD, Scene, is_refused, set, token};

/// What a call may take, and a little for a machine that has a hundred of them to do.
const LONGEST: Duration = Duration::from_secs(12);

/// How many calls are made at a time: most of those that last only wait.
const AT_A_TIME: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    Get,
    Post,
}

#[test]
fn whatever_a_token_server_answers_a_call_ends_in_time_with_one_safe_line() {
    let mut calls: Vec<(Row, Flow)> = [Flow::Get, Flow::Post]
        .into_iter()
        .flat_map(|flow| rows().into_iter().map(move |row| (row, flow)))
        .collect();
    assert!(calls.len() >= 90, "{}", calls.len());
    // What lasts begins first: calls are taken from the end.
    calls.sort_by_key(|(row, _)| row.lasts);
    let calls = Mutex::new(calls);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some((row, flow)) = calls.lock().unwrap().pop() else {
                        return;
                    };
                    let name = row.name.clone();
                    let done = thread::scope(|one| one.spawn(|| play(row, flow)).join());
                    if let Err(panic) = done {
                        let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        wrong.lock().unwrap().push(format!("{flow:?} {name}: {why}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn get_and_post_share_the_attempts() {
    for (statuses, attempts) in [
        (vec![503, 503, 405, 200], 3),
        (vec![405, 503, 503, 200], 3),
        (vec![503, 405, 503, 200], 3),
    ] {
        let given = Mutex::new(statuses.clone());
        let scene = Scene::usual(move |_| Answer::page(given.lock().unwrap().remove(0))).with_password();
        is_refused(&scene.token(&["--pull", "team/app"]));
        assert_eq!(scene.asked().len(), attempts, "{statuses:?}");
    }
}

#[test]
fn a_registry_that_fails_at_first_contact_is_told_from_one_that_asks_for_nothing() {
    for (answer, says) in [
        (Answer::page(403), "answered 403"),
        (Answer::page(429), "answered 429"),
        (Answer::page(500), "answered 500"),
        (Answer::page(503), "answered 503"),
        (Answer::page(200), "asks for no token"),
        (Answer::page(404), "asks for no token"),
        (Answer::page(401), "asks for no token"),
        (
            Answer::new(307, "").with("Location", "https://second.example/v2/"),
            "redirects to second.example",
        ),
        (Answer::raw("SSH-2.0-body-of-the-answer\r\n\r\n"), "no HTTP"),
        (Answer::page(304), "answered 304"),
        (Answer::endless(Duration::ZERO), "asks for no token"),
        (
            Answer::challenge(&[format!("Bearer realm=\"{}\"", "x".repeat(9000))]),
            "longer than 8 KiB",
        ),
        (
            Answer::challenge(&[format!("Bearer realm=\"https://h/{}\"", "x".repeat(3000))]),
            "longer than 2 KiB",
        ),
        (
            Answer::challenge(&["Bearer realm=\"https://h/\u{1b}[2J\"".to_owned()]),
            "",
        ),
    ] {
        let registry = Fixture::start(move |_| answer.clone());
        let home = Home::new();
        Helper::of(&home).store(&registry.address(), "user", PASSWORD);
        let before = contents(&home.data());
        let outcome = token(&home, &registry.address(), &["--pull", "team/app"]);
        assert!(is_refused(&outcome).contains(says), "{outcome:?}");
        assert!(!outcome.stderr.contains(SPOILT));
        assert_eq!(registry.requests().len(), 1, "{says}");
        assert!(!registry.requests().iter().any(|request| request.shows(PASSWORD)));
        assert!(
            contents(&home.data()) == before,
            "{says}: what is stored was changed"
        );
    }
}

#[test]
fn a_registry_that_says_nothing_is_waited_for_no_longer_than_the_others() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let begun = Instant::now();
    let outcome = token(&Home::new(), &address, &["--pull", "team/app"]);
    assert!(
        is_refused(&outcome).contains("did not answer in time"),
        "{outcome:?}"
    );
    assert!(begun.elapsed() < LONGEST);
}

#[test]
fn a_slow_registry_and_a_slow_token_server_are_waited_for_no_longer_than_one() {
    let slow = Fixture::start(|request| {
        thread::sleep(Duration::from_secs(6));
        match request.path.as_str() {
            "/v2/" => Answer::challenge(&[format!("Bearer realm=\"http://{}/token\"", request.host())]),
            _ => Answer::page(404),
        }
    });
    let begun = Instant::now();
    let outcome = token(&Home::new(), &slow.address(), &["--pull", "team/app"]);
    assert!(
        is_refused(&outcome).contains("did not answer in time"),
        "{outcome:?}"
    );
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
}

#[test]
fn a_registry_of_plain_http_that_waits_for_the_end_of_tls_is_found_all_the_same() {
    let log = Log::default();
    let (address, _) = accept({
        let log = log.clone();
        move |stream| {
            let mut first = [0];
            let is_tls = stream.peek(&mut first).is_ok() && first == [0x16];
            if is_tls {
                thread::sleep(LONGEST);
                return;
            }
            let answer = |request: &Request| match request.path.as_str() {
                "/v2/" => Answer::challenge(&[format!("Bearer realm=\"http://{}/token\"", request.host())]),
                _ => Answer::json(&json!({ "token": "opaque" })),
            };
            serve(stream, &answer, &log);
        }
    });
    let outcome = token(&Home::new(), &address.to_string(), &["--pull", "team/app"]).succeeds();
    assert_eq!((outcome.stdout.as_str(), log.requests().len()), ("opaque\n", 2));
}

fn play(row: Row, flow: Flow) {
    let Row {
        name,
        answer,
        attempts,
        says,
        lasts,
    } = row;
    let second = Fixture::start(|_| Answer::json(&json!({ "token": "of-the-second" })));
    let scene = Scene::usual({
        let second = format!("http://{}", second.address());
        move |request| {
            let here = format!("http://{}", request.host());
            answer.clone().filled("{here}", &here).filled("{second}", &second)
        }
    });
    let scene = match flow {
        Flow::Get => scene.with_password(),
        Flow::Post => scene.with_refresh_token(),
    };
    let address = scene.fixture.address();
    let realm = format!("http://{address}/token");
    set(
        &scene.home,
        &address,
        &json!({ "realm": realm, "service": "registry" }),
    );
    let before = contents(&scene.home.data());

    let begun = Instant::now();
    let outcome = scene.token(&["--pull", "team/app"]);
    let took = begun.elapsed();

    let line = is_refused(&outcome);
    assert!(took < LONGEST, "{name}: took {took:?}");
    assert!(lasts || took < Duration::from_secs(9), "{name}: took {took:?}");
    assert!(!line.contains(SPOILT), "{name}: tells of the answer: {line}");
    assert!(line.contains(&address), "{name}: does not say who: {line}");
    let says = match (flow, says) {
        (Flow::Get, (get, _)) => get,
        (Flow::Post, (_, post)) => post,
    };
    assert!(line.contains(says), "{name}: {line}");

    let mut asked = scene.asked();
    // The password grant, where GET is not served, is asked for in another way and not once more.
    if flow == Flow::Get && name == "405" {
        assert_eq!(asked.pop().unwrap().method, "POST");
    }
    // A refresh token may be good for one use: it is not shown twice where it may have been taken the first time.
    let attempts = match (flow, name.as_str()) {
        (Flow::Post, "500" | "502" | "504") => 1,
        _ => attempts,
    };
    assert_eq!(asked.len(), attempts, "{name}: attempts");
    let method = match flow {
        Flow::Get => "GET",
        Flow::Post => "POST",
    };
    assert!(asked.iter().all(|request| request.method == method), "{name}");
    // A registry that is asked where its tokens are by now is asked by nobody in particular.
    for request in scene.fixture.requests() {
        assert!(
            request.path != "/v2/" || request.header("authorization").is_none(),
            "{name}"
        );
    }
    assert_eq!(second.requests(), [], "{name}: the second server was asked");
    assert!(
        contents(&scene.home.data()) == before,
        "{name}: what is stored was changed"
    );
}
