//! Whenever the power is cut: what `store`, `add`, `erase` and `key move` have claimed is so, and what they were about to
//! do is done or not. Replayed on a model of a disk from the calls that the helper made, as strace recorded them.
#![cfg(target_os = "linux")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where it errs"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use docker_credential_scoped::credential::{KeptSecret, Profile};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::store::{CredentialStore, KEY_VARIABLE, KeyPlaces, Slot};
use support::disk::{Dice, RECORDED, Recording, Step};
use support::helper::message;
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::rounds::rounds;
use support::strace;
use time::OffsetDateTime;

const SERVERS: [&str; 3] = ["a.example", "b.example:5000", "c.example/team"];

/// The key that the environment has, where it is to have one.
const DIGITS: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// A history of one home: what was done to its disk, and what each command was to come to.
struct History {
    recording: Recording,
    commands: Vec<Option<(usize, Option<String>)>>,
    has_variable: bool,
}

impl History {
    /// So many commands, as the dice say.
    fn record(seed: u64, count: usize) -> Self {
        let mut dice = Dice::new(seed);
        let home = Home::new();
        let root = home.path();
        let mut history = Self {
            recording: Recording::new(&root),
            commands: Vec::new(),
            has_variable: seed.is_multiple_of(2),
        };
        for number in 0..count {
            let place = usize::try_from(dice.below(3)).expect("a place");
            let (server, secret) = (SERVERS[place], format!("secret-{seed}-{number}"));
            let scope = "repository:a/b:pull";
            let (words, input, comes_to) = match dice.below(6) {
                0..3 => (
                    vec!["store"],
                    message(server, "u", &secret),
                    Some((place, Some(secret))),
                ),
                3 => (
                    vec![
                        "add",
                        server,
                        "--username",
                        "u",
                        "--scope",
                        scope,
                        "--from",
                        "stdin",
                    ],
                    format!("{secret}\n"),
                    Some((place, Some(secret))),
                ),
                4 => (vec!["erase"], server.to_owned(), Some((place, None))),
                _ if history.has_variable && number > 0 => {
                    let to = if dice.below(2) == 0 {
                        "key-file"
                    } else {
                        "environment"
                    };
                    (vec!["key", "move", "--to", to], String::new(), None)
                }
                _ => (
                    vec!["store"],
                    message(server, "u", &secret),
                    Some((place, Some(secret))),
                ),
            };
            let trace = home.directory().join("trace");
            let mut command = home.command("strace");
            command.args(["-f", "-qq", "-xx", "-s", "100000", "-e", RECORDED, "-o"]);
            command.arg(&trace).arg(HELPER).args(words);
            if history.has_variable {
                command.env(KEY_VARIABLE, DIGITS);
            }
            let outcome = Outcome::of(&mut command, input.as_bytes());
            // Where there is no key yet none is moved, and where nothing is held nothing is erased.
            history
                .commands
                .push(comes_to.filter(|_| outcome.has_succeeded()));
            history
                .recording
                .add(number, &fs::read_to_string(&trace).expect("a trace"));
        }
        history
    }

    /// What is lost where the power is cut after so many steps.
    fn lost(&self, after: usize, dice: &mut Dice) -> Vec<String> {
        let left = tempfile::tempdir().expect("a directory");
        self.recording.cut(after, left.path(), dice);
        // What was claimed last of each slot, and what was about to become of it.
        let mut expected: BTreeMap<usize, Vec<Option<&str>>> =
            (0..3).map(|place| (place, vec![None])).collect();
        for step in &self.recording.steps[..after] {
            let (Step::Begins(number) | Step::IsDone(number)) = step else {
                continue;
            };
            if let Some((place, secret)) = &self.commands[*number] {
                let expected = expected.get_mut(place).expect("a slot");
                if matches!(step, Step::IsDone(_)) {
                    expected.clear();
                }
                expected.push(secret.as_deref());
            }
        }
        let store = self.store(left.path());
        let mut lost = Vec::new();
        for (place, expected) in expected {
            let url: ServerUrl = SERVERS[place].parse().expect("a server");
            let found = match store.get(&Slot::new(url.server().clone(), Profile::default())) {
                Ok(None) => Ok(None),
                Ok(Some(held)) => match held.credential.secret {
                    KeptSecret::Here(secret) => Ok(Some(secret.expose().to_owned())),
                    KeptSecret::Elsewhere(_) => Err("elsewhere".to_owned()),
                },
                Err(error) => Err(error.to_string()),
            };
            if !found
                .as_ref()
                .is_ok_and(|found| expected.contains(&found.as_deref()))
            {
                lost.push(format!(
                    "cut after {after} steps: {found:?}, and not one of {expected:?}"
                ));
            }
        }
        lost
    }

    fn store(&self, home: &Path) -> CredentialStore {
        let data = home.join(".local/share/docker-credential-scoped");
        let store = CredentialStore::at(Some(Location::new(data, home)));
        if !self.has_variable {
            return store;
        }
        store.with_key_places(KeyPlaces {
            key_file: || Ok(None),
            variable: &|name| (name == KEY_VARIABLE).then(|| DIGITS.into()),
            runtime: || Ok(None),
            session: || Ok(None),
            now: OffsetDateTime::UNIX_EPOCH,
        })
    }

    /// All that is lost in so many cuts, each at another moment and with another luck.
    fn cut(&self, cuts: u32, dice: &mut Dice) -> Vec<String> {
        let steps = self.recording.steps.len();
        let moment = |dice: &mut Dice| usize::try_from(dice.below(steps as u64 + 1)).expect("a step");
        (0..cuts).flat_map(|_| self.lost(moment(dice), dice)).collect()
    }
}

fn histories() -> impl Iterator<Item = History> {
    let is_there = strace::is_there();
    let count = if is_there { u64::from(rounds(6, 200)) } else { 0 };
    (0..count).map(|seed| History::record(seed, 12))
}

#[test]
fn no_cut_of_the_power_loses_what_was_claimed() {
    let mut dice = Dice::new(1);
    for history in histories() {
        let lost = history.cut(rounds(200, 100), &mut dice);
        assert!(lost.is_empty(), "{}", lost.join("\n"));
    }
}

#[test]
fn every_step_of_a_first_store_can_be_the_last() {
    let mut dice = Dice::new(2);
    for history in histories().take(2) {
        for after in 0..=history.recording.steps.len() {
            for _ in 0..4 {
                assert_eq!(history.lost(after, &mut dice), [""; 0]);
            }
        }
    }
}

/// The model is one on which something can be lost.
#[test]
fn a_sync_that_is_left_out_loses_what_was_claimed() {
    for is_left_out in [
        |step: &Step| matches!(step, Step::SyncFile { .. }),
        |step: &Step| matches!(step, Step::SyncDirectory { .. }),
        |step: &Step| matches!(step, Step::SyncDirectory { path } if path.ends_with("slots")),
        |step: &Step| matches!(step, Step::SyncDirectory { path } if path.ends_with("docker-credential-scoped")),
    ] {
        for mut history in histories().take(2) {
            history.recording.steps.retain(|step| !is_left_out(step));
            assert!(!history.cut(200, &mut Dice::new(3)).is_empty());
        }
    }
}
