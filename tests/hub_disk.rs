//! Making and rotating Docker Hub's tokens where the disk fails: what is kept afterwards works, or it is said what does
//! not, and no token is revoked that a slot may hold.
//!
//! strace makes one call fail, the first, then the second, and so on until none is left to fail.

#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use support::home::HELPER;
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;
use support::outcome::Outcome;
use support::strace;

const ROTATE: [&str; 4] = ["hub", "token", "rotate", "ci"];
const CREATE: [&str; 9] = [
    "hub",
    "token",
    "create",
    "--label",
    "ci",
    "--scope",
    "repo:read",
    "--profile",
    "ci",
];

/// Which call fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failing {
    /// Something is to be on disk, once.
    Sync,
    /// A slot is to be read, and cannot be from then on.
    Read,
}

struct Run {
    scene: HubScene,
    /// What was kept for the profile `ci` before.
    old: Option<String>,
    outcome: Outcome,
    said: String,
}

impl Run {
    /// The secret that is kept for a profile, and whether Docker Hub takes it.
    fn kept(&self, profile: &str) -> Option<bool> {
        let stored = self.scene.stored_in(profile)?;
        Some(self.scene.hub.is_good("anna", &stored.secret))
    }
}

/// Runs it once for each call that fails, until it succeeds; gives what came of each.
fn each_failure(failing: Failing, before: &[&[&str]], words: &[&str]) -> Vec<Run> {
    let mut runs = Vec::new();
    if !strace::is_there() {
        return runs;
    }
    for count in 1..60 {
        let scene = HubScene::new(Config::default());
        scene.log_in("anna", ANNA);
        // The bearer is remembered, and the key is there.
        scene.run(&["hub", "token", "list"]).succeeds();
        let slots = scene.home.data().join("slots");
        let names = || {
            let entries = std::fs::read_dir(&slots).expect("a directory");
            entries
                .map(|entry| entry.expect("an entry").path())
                .collect::<Vec<_>>()
        };
        let others = names();
        for words in before {
            scene.run(words).succeeds();
        }
        let old = scene.stored_in("ci").map(|stored| stored.secret);
        let mut command = scene.home.command("strace");
        command.args(["-f", "-qq", "-o", "/dev/null"]);
        match failing {
            Failing::Sync => command.args(["-e", &format!("inject=fsync:error=EIO:when={count}")]),
            Failing::Read => {
                let slot = names().into_iter().find(|path| !others.contains(path));
                command
                    .args(["-e", &format!("inject=?open,openat:error=EIO:when={count}+")])
                    .arg("-P")
                    .arg(slot.expect("a slot"))
            }
        };
        let outcome = Outcome::of(command.arg(HELPER).args(words), b"");
        let (is_done, said) = (outcome.has_succeeded(), scene.plain(&outcome.stderr));
        runs.push(Run {
            scene,
            old,
            outcome,
            said,
        });
        if is_done {
            break;
        }
    }
    assert!(runs.len() > 3, "some calls fail");
    assert!(runs.last().is_some_and(|run| run.outcome.has_succeeded()));
    runs
}

fn may_be_kept(runs: &[Run]) -> Vec<&Run> {
    let may_be: Vec<_> = runs
        .iter()
        .filter(|run| run.said.contains(" may be kept "))
        .collect();
    assert!(runs.is_empty() || !may_be.is_empty());
    may_be
}

#[test]
fn whatever_fails_a_rotation_leaves_a_token_that_works() {
    for failing in [Failing::Sync, Failing::Read] {
        let runs = each_failure(failing, &[&CREATE], &ROTATE);
        for run in &runs {
            assert_eq!(run.kept("ci"), Some(true), "{}", run.said);
        }
        for run in may_be_kept(&runs) {
            assert_eq!(run.scene.hub.tokens("anna").len(), 2, "{}", run.said);
            assert!(
                run.said.ends_with("; the new one, ID, may be kept all the same: both are left, it and the old one, ci (ID); docker-credential-scoped hub token list shows which is held here; revoke what is not: docker-credential-scoped hub token revoke ID\n"),
                "{}",
                run.said
            );
            // What is said is how it is.
            let list = run.scene.run(&["hub", "token", "list"]).succeeds().stdout;
            assert_eq!(
                list.lines().filter(|line| line.contains(" ci ")).count(),
                1,
                "{list}"
            );
        }
    }
}

#[test]
fn whatever_fails_when_the_old_one_is_gone_the_new_one_works_that_is_kept() {
    let first = [&ROTATE[..], &["--revoke-first"]].concat();
    for failing in [Failing::Sync, Failing::Read] {
        let runs = each_failure(failing, &[&CREATE], &first);
        for run in &runs {
            // Never one that was made and revoked again.
            let is_old = run.scene.stored_in("ci").map(|stored| stored.secret) == run.old;
            assert!(
                run.kept("ci") == Some(true) || is_old && !run.said.is_empty(),
                "{}",
                run.said
            );
        }
        for run in may_be_kept(&runs) {
            assert!(
                run.said
                    .contains("may be kept all the same: it is left; the old one, ci (ID), is revoked; ")
            );
        }
    }
}

#[test]
fn whatever_fails_a_token_that_was_made_and_kept_works() {
    let runs = each_failure(Failing::Sync, &[], &CREATE);
    for run in &runs {
        assert_ne!(run.kept("ci"), Some(false), "{}", run.said);
    }
    for run in may_be_kept(&runs) {
        assert_eq!(run.kept("ci"), Some(true), "{}", run.said);
        assert!(
            run.said.contains("the new token, ID, may be kept or not: "),
            "{}",
            run.said
        );
    }
}

#[test]
fn whatever_fails_a_session_that_is_kept_works() {
    let start = ["session", "start"];
    for failing in [Failing::Sync, Failing::Read] {
        let runs = each_failure(failing, &[&start], &start);
        for run in &runs {
            assert_eq!(run.kept("session"), Some(true), "{}", run.said);
        }
        for run in runs.iter().filter(|run| run.said.contains(" may be kept ")) {
            assert!(
                run.said
                    .contains("; neither it nor the one that was kept there, ID, is revoked; "),
                "{}",
                run.said
            );
        }
    }
}
