//! Clocks that are wrong: that of a process which asks for tokens, set to another year, day or hour, and that of the
//! token server. There is a token each time, nothing is used past its life, and one exchange more is all it costs.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::fixture::answer::{Answer, jwt};
use support::home::HELPER;
use support::outcome::Outcome;
use support::peer;
use support::scene::Scene;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// How far a clock is off, as faketime(1) reads it.
const OFFSETS: [&str; 6] = ["-10y", "-1d", "-1h", "+1h", "+1d", "+10y"];

const DAY: i64 = 24 * 60 * 60;

/// Somebody who asks, and a token server whose clock is off by so many seconds. Its tokens live so long, each is
/// another one, and it tells of its clock in each answer or not at all.
fn scene(skew: i64, life: i64, tells_date: bool) -> Scene {
    let count = AtomicUsize::new(0);
    Scene::usual(move |_| {
        let now = OffsetDateTime::now_utc() + time::Duration::seconds(skew);
        let claims = json!({
            "iat": now.unix_timestamp(),
            "nbf": now.unix_timestamp(),
            "exp": now.unix_timestamp() + life,
            "jti": count.fetch_add(1, Ordering::Relaxed).to_string(),
        });
        let answer = Answer::json(&json!({
            "token": jwt(&claims),
            "expires_in": life,
            "issued_at": now.format(&Rfc3339).unwrap(),
        }));
        if tells_date {
            let date = now.truncate_to_second().format(&Rfc2822).unwrap();
            answer.with("Date", &date.replace("+0000", "GMT"))
        } else {
            answer
        }
    })
    .with_password()
}

/// The token that a process with such a clock prints, and the life in seconds that it tells of it.
#[track_caller]
fn token(scene: &Scene, offset: &str) -> (String, i64) {
    let mut command = scene.home.command("faketime");
    command
        // The files were there before the clock was set, and their times are what they are. What passes passes.
        .env("NO_FAKE_STAT", "1")
        .args(["--exclude-monotonic", "-f", offset, HELPER, "token"])
        .args([&scene.fixture.address(), "--pull", "a/b", "--output", "json"]);
    let outcome = Outcome::of(&mut command, b"").succeeds();
    assert_eq!(outcome.stderr, "", "{offset}");
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap();
    let moment = |name: &str| OffsetDateTime::parse(text(name), &Rfc3339).unwrap();
    let life = (moment("expires") - moment("issued")).whole_seconds();
    (text("token").to_owned(), life)
}

fn faketime_is_there() -> bool {
    peer::can("faketime", &["-f", "+1d", "true"])
}

#[test]
fn a_clock_that_is_set_costs_one_exchange_each_time() {
    if !faketime_is_there() {
        return;
    }
    let servers = [(0, true), (-DAY, true), (DAY, true), (-DAY, false), (DAY, false)];
    thread::scope(|scope| {
        for offset in OFFSETS {
            scope.spawn(move || servers.map(|(skew, tells_date)| set_and_set_back(offset, skew, tells_date)));
        }
    });
}

fn set_and_set_back(offset: &str, skew: i64, tells_date: bool) {
    let scene = scene(skew, 300, tells_date);
    let mut last = (String::new(), 0);
    for (clock, exchanges) in [("+0", 1), (offset, 2), (offset, 2), ("+0", 3), ("+0", 3)] {
        let (token, life) = token(&scene, clock);
        let case = format!("{offset}, server {skew}, Date {tells_date}, at {clock}");
        // A second is lost where the date is rounded.
        assert!((299..=300).contains(&life), "{case}: {life}");
        assert_eq!(scene.asked().len(), exchanges, "{case}");
        assert_eq!(token != last.0, exchanges != last.1, "{case}");
        last = (token, exchanges);
    }
}

#[test]
fn no_token_is_used_past_its_life_whatever_the_clock_says_by_then() {
    if !faketime_is_there() {
        return;
    }
    thread::scope(|scope| {
        for offset in OFFSETS.into_iter().chain(["-1m", "-12s", "+0", "+1m"]) {
            for skew in [-DAY, 0, DAY] {
                scope.spawn(move || {
                    let scene = scene(skew, 2, true);
                    let (first, _) = token(&scene, "+0");
                    thread::sleep(Duration::from_millis(2500));
                    let (second, _) = token(&scene, offset);
                    assert_ne!(first, second, "{offset}, server {skew}");
                    assert_eq!(scene.asked().len(), 2, "{offset}, server {skew}");
                });
            }
        }
    });
}
