//! Many processes of the helper that want tokens at one moment, with nothing in the cache: one exchange for each scope,
//! and the same answer for all.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::collections::BTreeSet;
use std::io;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use support::fixture::answer::Answer;
use support::home::HELPER;
use support::outcome::Outcome;
use support::peer;
use support::rounds::rounds;
use support::scene::Scene;

/// How many there are.
const CROWD: usize = 200;

/// A token server that takes its time, and whose tokens are all different.
fn scene() -> Scene {
    let count = AtomicUsize::new(0);
    Scene::usual(move |request| {
        thread::sleep(Duration::from_millis(300));
        let number = count.fetch_add(1, Ordering::Relaxed);
        let scope = request.value("scope").unwrap_or_default();
        Answer::json(&json!({ "token": format!("{number}/{scope}") }))
    })
    .with_password()
}

/// How long who waits for another's exchange has patience: on a machine where all of it takes longer, some exchange
/// themselves, as they should.
const PATIENCE: Duration = Duration::from_secs(5);

/// A crowd that was done within that time, and what it was answered.
fn quick_crowd(scopes: usize) -> Option<(Scene, BTreeSet<(usize, String)>)> {
    for _ in 0..10 {
        let scene = scene();
        let (answers, took) = crowd(&scene, scopes);
        if took < PATIENCE {
            let answers = answers
                .into_iter()
                .map(|(scope, outcome)| (scope, outcome.succeeds()));
            let answers = answers.map(|(scope, Outcome { stdout, stderr, .. })| (scope, stdout + &stderr));
            return Some((scene, answers.collect()));
        }
    }
    peer::skip("the machine is too slow to tell");
    None
}

/// What the processes answer that ask for so many scopes between them, all of them at once; and how long that took.
fn crowd(scene: &Scene, scopes: usize) -> (Vec<(usize, Outcome)>, Duration) {
    let (wait, start) = io::pipe().unwrap();
    let children: Vec<_> = (0..CROWD)
        .map(|number| {
            let mut command = scene.home.command("sh");
            // All begin when the last has been started.
            command
                .args(["-c", "read line; exec \"$@\"", "sh", HELPER, "token"])
                .args([
                    &scene.fixture.address(),
                    "--pull",
                    &format!("team/{}", number % scopes),
                ])
                .stdin(wait.try_clone().unwrap())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let child = command.spawn().unwrap();
            (number % scopes, command, child)
        })
        .collect();
    let begun = Instant::now();
    drop(start);
    let answer = |(scope, command, child): (usize, _, std::process::Child)| {
        (
            scope,
            Outcome::from_output(&command, &child.wait_with_output().unwrap()),
        )
    };
    let answers = children.into_iter().map(answer).collect();
    (answers, begun.elapsed())
}

#[test]
fn two_hundred_who_ask_for_one_token_make_one_exchange() {
    for _ in 0..rounds(1, 50) {
        let Some((scene, answers)) = quick_crowd(1) else {
            return;
        };
        assert_eq!(scene.asked().len(), 1);
        assert_eq!(
            answers,
            BTreeSet::from([(0, "0/repository:team/0:pull\n".to_owned())])
        );
    }
}

#[test]
fn twenty_five_each_who_ask_for_eight_tokens_make_eight_exchanges() {
    for _ in 0..rounds(1, 50) {
        let Some((scene, answers)) = quick_crowd(8) else {
            return;
        };
        assert_eq!(scene.asked().len(), 8);
        assert_eq!(answers.len(), 8, "{answers:?}");
        for (scope, token) in answers {
            assert!(
                token.ends_with(&format!("/repository:team/{scope}:pull\n")),
                "{token}"
            );
        }
    }
}
