//! Killed or refused at any system call, a command leaves what was or what was asked for: never less, and never a claim
//! that does not hold. What it leaves lying about, the next one sweeps.
//!
//! strace kills the helper at each call that changes something, since what is between two of them leaves what a kill at
//! the next one leaves; and has each call fail that is about files, with each error that a system may have.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test stops where it errs")]

mod support;

use support::changes::{CHANGES, Change, Stage};
use support::outcome::Outcome;
use support::rounds::rounds;
use support::strace::{self, Call, ERRORS, calls, sample};

fn change(name: &str) -> &'static Change {
    let found = CHANGES.iter().find(|change| change.name == name);
    found.expect("a command that changes something")
}

fn traced(change: &Change, stage: &Stage, options: &[&str]) -> Outcome {
    let trace = stage.home().directory().join("trace");
    let trace = trace.to_str().expect("a path in UTF-8");
    change.run(
        stage,
        "strace",
        &[&["-f", "-y", "-qq", "-o", trace], options].concat(),
    )
}

/// Every call of it, and the stage as it was before.
fn calls_of(change: &Change) -> (Vec<Call>, Stage) {
    let stage = change.stage();
    let outcome = traced(change, &stage, &[]);
    let trace = std::fs::read_to_string(stage.home().directory().join("trace")).expect("a trace");
    let calls = calls(&trace);
    let outcome = outcome.succeeds();
    if let Err(why) = change.holds(&stage, &outcome) {
        panic!("{} that nobody disturbs: {why}", change.name);
    }
    (calls, change.reset(stage))
}

/// Runs it once for each of these, and tells what does not hold.
fn each(change: &Change, stage: Stage, injections: &[(String, bool)]) {
    let mut stage = Some(stage);
    let mut wrong = Vec::new();
    for (inject, has_to_succeed) in injections {
        let on = stage.take().expect("a stage");
        let outcome = traced(change, &on, &["-e", inject]);
        if let Err(why) = change.holds(&on, &outcome) {
            wrong.push(format!(
                "{inject}: {why}\n  it said {:?}",
                outcome.stdout + &outcome.stderr
            ));
        } else if *has_to_succeed && !outcome.has_succeeded() {
            wrong.push(format!(
                "{inject}: it could have done without\n  it said {:?}",
                outcome.stdout + &outcome.stderr
            ));
        }
        stage = Some(change.reset(on));
    }
    assert!(
        wrong.is_empty(),
        "{}: {} of {}\n{}",
        change.name,
        wrong.len(),
        injections.len(),
        wrong.join("\n")
    );
}

fn killed_anywhere(name: &str) {
    if !strace::is_there() {
        return;
    }
    let change = change(name);
    let (calls, stage) = calls_of(change);
    let points: Vec<_> = calls.iter().filter(|call| call.changes()).collect();
    let few = change.enough_of(12, &stage);
    let kills: Vec<_> = sample(points, rounds(few, u32::MAX))
        .into_iter()
        .map(|call| (call.inject("signal=SIGKILL"), false))
        .collect();
    each(change, stage, &kills);
}

fn refused_anywhere(name: &str) {
    if !strace::is_there() {
        return;
    }
    let change = change(name);
    let (calls, stage) = calls_of(change);
    let home = stage.home().directory().to_owned();
    let unneeded = change.can_do_without(stage.home());
    let mut failures = Vec::new();
    let of_files = calls.iter().filter(|call| call.is_of_files());
    for (number, call) in of_files.enumerate() {
        let can_do_without = unneeded.iter().any(|path| call.touches(path));
        for (place, error) in ERRORS.into_iter().enumerate() {
            // What is none of the home's, as the certificates of the system, fails in one way.
            if call.touches(&home) || place == number % ERRORS.len() {
                failures.push((call.inject(&format!("error={error}")), can_do_without));
            }
        }
    }
    let few = change.enough_of(20, &stage);
    each(change, stage, &sample(failures, rounds(few, u32::MAX)));
}

macro_rules! proofs {
    ($($name:ident: $command:literal),* $(,)?) => {
        $(
            mod $name {
                #[test]
                fn killed_anywhere_it_leaves_what_was_or_what_was_asked_for() {
                    super::killed_anywhere($command);
                }

                #[test]
                fn refused_anywhere_it_claims_nothing_that_is_not_so() {
                    super::refused_anywhere($command);
                }
            }
        )*

        #[test]
        fn every_command_that_changes_something_is_interrupted() {
            let named: Vec<_> = CHANGES.iter().map(|change| change.name).collect();
            assert_eq!(named, [$($command),*]);
        }
    };
}

proofs! {
    store: "store",
    erase: "erase",
    add: "add",
    remove: "remove",
    import: "import",
    configure: "configure",
    undo: "configure --undo",
    clear: "cache --clear",
    token: "token",
    exchange: "get that exchanges",
    unlock: "unlock",
    lock: "lock",
    session_start: "session start",
    session_end: "session end",
    prune: "prune",
    create: "hub token create",
    rotate: "hub token rotate",
    revoke: "hub token revoke",
}
