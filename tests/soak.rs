//! Many gets over many slots, while secrets are replaced and tokens expire: each is answered, with what is stored then;
//! and what is kept of them does not grow.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::json;
use support::disk::Dice;
use support::fixture::answer::Answer;
use support::fixture::request::Request;
use support::helper::{ask, found, message};
use support::rounds::rounds;
use support::scene::Scene;
use support::token_cache::files_below;

const SLOTS: usize = 200;

/// So many at a time, each with slots of its own.
const WORKERS: usize = 4;

/// How long a token lives, of which half is used.
const LIFE: u64 = 6;

/// What is stored for a slot, by how often it was replaced.
fn secret(slot: usize, version: usize) -> String {
    format!("secret-{slot}-{version}")
}

/// The token server knows the secret by the token that it gives.
fn serve(request: &Request) -> Answer {
    let (user, secret) = request.login().expect("a user and a secret");
    let token = format!("token-of-{user}-{secret}");
    Answer::json(&json!({ "token": token, "expires_in": LIFE }))
}

#[test]
fn gets_without_end_are_answered_and_nothing_grows() {
    let scene = Scene::usual(serve);
    let registry = scene.fixture.address();
    let cached = scene.home.runtime().join("docker-credential-scoped");
    let gets = usize::try_from(rounds(5_000, 100_000)).expect("a count") / WORKERS;
    let wrong = Mutex::new(Vec::new());
    let most = Mutex::new(0);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (scene, registry, cached, wrong, most) = (&scene, &registry, &cached, &wrong, &most);
            scope.spawn(move || {
                let mut dice = Dice::new(worker as u64 + 1);
                let mut versions = [0; SLOTS];
                for number in 0..gets {
                    let place = usize::try_from(dice.below((SLOTS / WORKERS) as u64)).expect("a place");
                    let slot = place * WORKERS + worker;
                    let server = format!("{registry}/r{slot}");
                    let user = format!("u{slot}");
                    if versions[slot] == 0 || dice.below(50) == 0 {
                        versions[slot] += 1;
                        let login = message(&server, &user, &secret(slot, versions[slot]));
                        ask(&scene.home, "store", &login).is("", "", 0);
                    }
                    let secret = secret(slot, versions[slot]);
                    let (got, expected) = if dice.below(10) == 0 {
                        let got = scene.token(&["--pull", &format!("r{slot}/app")]);
                        (got, format!("token-of-{user}-{secret}\n"))
                    } else {
                        (ask(&scene.home, "get", &server), found(&server, &user, &secret))
                    };
                    if got.stdout != expected || !got.stderr.is_empty() || got.code != Some(0) {
                        wrong.lock().expect("a list").push(format!("{got:?}"));
                    }
                    if number % 100 == 0 {
                        let count = files_below(&cached.join("tokens")).len();
                        let mut most = most.lock().expect("a count");
                        *most = count.max(*most);
                    }
                }
            });
        }
    });
    assert_eq!(wrong.into_inner().expect("a list"), [""; 0]);
    // One token of each slot, and those that are being replaced.
    let most = most.into_inner().expect("a count");
    assert!((1..=SLOTS + WORKERS).contains(&most), "{most}");
    assert!(files_below(&cached.join("locks")).len() <= 64);
    for staging in [cached.join("staging"), scene.home.data().join("staging")] {
        let left = files_below(&staging);
        assert!(left.iter().all(|path| path.ends_with("lock")), "{left:?}");
    }
    assert_eq!(files_below(&scene.home.slots()).len(), SLOTS);
    // Once all have expired, the next exchange leaves its own.
    thread::sleep(Duration::from_secs(LIFE + 1));
    scene.token(&["--pull", "r0/app"]).succeeds();
    assert_eq!(files_below(&cached.join("tokens")).len(), 1);
}
