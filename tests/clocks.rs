//! Every command under a clock that is years, days or hours off, against servers whose clocks are right: each ends well
//! or says what is wrong, nobody panics, nothing is revoked or lost for the clock's sake, and a key rests no longer than
//! was said.

mod support;

use std::thread;

use serde_json::{Value, json};
use support::fixture::answer::Answer;
use support::helper::{Helper, found};
use support::home::{HELPER, Home};
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;
use support::outcome::Outcome;
use support::peer;
use support::scene::{PASSWORD, Scene, set};
use support::sessions::{ago, hold, session_of};

/// How far a clock is off, as faketime(1) reads it.
const OFFSETS: [&str; 6] = ["-10y", "-1d", "-1h", "+1h", "+1d", "+10y"];

/// A run under such a clock. A panic is no answer.
#[track_caller]
fn run(home: &Home, offset: &str, words: &[&str], input: &str) -> Outcome {
    let mut command = home.command("faketime");
    command
        // The files were there before the clock was set, and their times are what they are.
        .env("NO_FAKE_STAT", "1")
        .args(["--exclude-monotonic", "-f", offset, HELPER])
        .args(words);
    let outcome = Outcome::of(&mut command, input.as_bytes());
    assert!(matches!(outcome.code, Some(0 | 1)), "{offset}: {outcome:?}");
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(
        !told.contains("internal error") && !told.contains("panicked"),
        "{offset}: {told}"
    );
    outcome
}

fn at_each(play: impl Fn(&str) + Sync) {
    if !peer::can("faketime", &["-f", "+1d", "true"]) {
        return;
    }
    thread::scope(|scope| {
        for offset in OFFSETS {
            let play = &play;
            scope.spawn(move || play(offset));
        }
    });
}

#[test]
fn what_is_stored_is_answered_and_shown_whatever_the_clock_says() {
    at_each(|offset| {
        let home = Home::new();
        Helper::of(&home).store("h.example", "u", PASSWORD);
        for words in [
            &["status"][..],
            &["status", "--json"],
            &["list"],
            &["explain", "h.example"],
            &["doctor"],
            &["key", "status"],
            &["cache"],
            &["log"],
            &["configure", "--dry-run"],
        ] {
            run(&home, offset, words, "");
        }
        run(&home, offset, &["get"], "h.example").is(&found("h.example", "u", PASSWORD), "", 0);
        // What ends by the clock ends by the clock, and is not lost.
        let words = ["add", "h.example", "--expires", "12h"];
        Outcome::of(home.command(HELPER).args(words), b"").succeeds();
        let is_over = matches!(offset, "+1d" | "+10y");
        let answer = run(&home, offset, &["get"], "h.example");
        assert_eq!(answer.has_succeeded(), !is_over, "{offset}: {answer:?}");
        assert!(!answer.stdout.contains("not found"), "{offset}: {answer:?}");
        assert_eq!(Helper::of(&home).get("h.example").unwrap().secret, PASSWORD);
    });
}

#[test]
fn an_identity_token_costs_one_exchange_more_each_time_the_clock_is_set() {
    at_each(|offset| {
        let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t", "refresh_token": "handed-out" })))
            .with_password();
        let address = scene.fixture.address();
        let realm = format!("http://{address}/token");
        set(
            &scene.home,
            &address,
            &json!({ "handOut": "identity-token", "realm": realm, "service": "registry" }),
        );
        for (clock, most) in [("+0", 1), (offset, 2), (offset, 2), ("+0", 3)] {
            let answer = run(&scene.home, clock, &["get"], &address);
            answer.is(&found(&address, "<token>", "handed-out"), "", 0);
            assert!(
                scene.asked().len() <= most,
                "{clock} of {offset}: {}",
                scene.asked().len()
            );
        }
    });
}

#[test]
fn sessions_are_pruned_as_docker_hub_dates_them_whatever_the_clock_says() {
    at_each(|offset| {
        let scene = HubScene::new(Config::default());
        scene.log_in("anna", ANNA);
        let tokens: Vec<_> = (1..=7)
            .map(|number| {
                let used = ago(60 * number);
                let token = session_of(&scene, "laptop", &format!("p{number}"), used);
                hold(
                    &scene.home,
                    &scene.registry(),
                    &format!("p{number}"),
                    &token,
                    used,
                );
                token
            })
            .collect();
        let manual = scene
            .hub
            .generate("anna", "manual", "by hand", ago(100_000), None);
        run(&scene.home, offset, &["session", "list"], "").succeeds();
        let listed = run(&scene.home, offset, &["session", "list", "--json"], "").succeeds();
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 7, "{offset}");
        run(&scene.home, offset, &["prune", "--dry-run"], "").succeeds();
        assert_eq!(scene.hub.tokens("anna").len(), 8, "{offset}");
        run(&scene.home, offset, &["prune"], "").succeeds();
        let left: Vec<_> = scene
            .hub
            .tokens("anna")
            .into_iter()
            .map(|token| token.id)
            .collect();
        assert!(left.contains(&manual.id), "{offset}");
        let kept = tokens.iter().filter(|token| left.contains(&token.id));
        let kept: Vec<_> = kept.map(|token| token.label.as_str()).collect();
        let wanted: Vec<_> = tokens.iter().take(5).map(|token| token.label.as_str()).collect();
        assert_eq!(kept, wanted, "{offset}");
    });
}

#[test]
fn a_key_rests_no_longer_than_was_said_whatever_the_clock_says() {
    at_each(|offset| {
        let home = Home::new();
        Helper::of(&home).store("h.example", "u", PASSWORD);
        let passphrase = "the passphrase\n";
        Outcome::of(
            home.command(HELPER).args(["key", "move", "--to", "passphrase"]),
            passphrase.as_bytes(),
        )
        .succeeds();
        Outcome::of(
            home.command(HELPER).args(["unlock", "--for", "2h"]),
            passphrase.as_bytes(),
        )
        .succeeds();
        run(&home, offset, &["key", "status"], "");
        let answer = run(&home, offset, &["get"], "h.example");
        // Two hours from now are over then; and before now, they would be more than two.
        let rests = offset == "+1h";
        assert_eq!(answer.has_succeeded(), rests, "{offset}: {answer:?}");
        assert!(!answer.stdout.contains("not found"), "{offset}: {answer:?}");
        // Opened under that clock, it rests under that clock.
        run(&home, offset, &["unlock", "--for", "2h"], passphrase).succeeds();
        run(&home, offset, &["get"], "h.example").is(&found("h.example", "u", PASSWORD), "", 0);
    });
}
