//! Two jobs of one user, each with a profile of its own: in thousands of operations that run into each other neither is
//! given anything of the other's, and of a job that has ended nothing is left.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::thread;

use serde_json::Value;
use support::canaries::files_with;
use support::fixture::answer::Answer;
use support::helper::{Credential, message};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::rounds::rounds;
use support::scene::Scene;

/// A job: its profile, which is its account's name too, and what it may pull.
struct Job<'a> {
    scene: &'a Scene,
    profile: &'static str,
    /// How often it has changed its secret.
    version: u32,
    /// What it chooses by, the same in each run.
    dice: u32,
}

impl<'a> Job<'a> {
    fn new(scene: &'a Scene, profile: &'static str, dice: u32) -> Self {
        let mut job = Self {
            scene,
            profile,
            version: 0,
            dice,
        };
        job.log_in();
        job
    }

    fn secret(&self) -> String {
        format!("secret-of-{}-{}.", self.profile, self.version)
    }

    fn run(&self, words: &[&str], input: &str) -> Outcome {
        let mut command = self.scene.home.command(HELPER);
        command
            .args(words)
            .env("DOCKER_CREDENTIAL_SCOPED_PROFILE", self.profile);
        Outcome::of(&mut command, input.as_bytes())
    }

    /// With a secret that was not there before.
    fn log_in(&mut self) {
        self.version += 1;
        let input = message(&self.scene.fixture.address(), self.profile, &self.secret());
        self.run(&["store"], &input).is("", "", 0);
    }

    fn choose(&mut self, of: u32) -> u32 {
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.dice >> 16) % of
    }

    /// One operation, whose answer has to be this job's own.
    fn step(&mut self) {
        let server = self.scene.fixture.address();
        match self.choose(12) {
            0 => self.log_in(),
            1 => {
                self.run(&["erase"], &server).is("", "", 0);
                self.run(&["get"], &server)
                    .is("credentials not found in native keychain\n", "", 1);
                self.log_in();
            }
            2 => {
                let listed: Value = serde_json::from_str(&self.run(&["list"], "").succeeds().stdout).unwrap();
                let accounts: Vec<_> = listed.as_object().unwrap().values().collect();
                assert_eq!(accounts, [self.profile]);
            }
            3..=6 => {
                let answer = self.run(&["get"], &server).succeeds().stdout;
                let found: Credential = serde_json::from_str(&answer).unwrap();
                assert_eq!(
                    (found.username, found.secret),
                    (self.profile.to_owned(), self.secret())
                );
            }
            _ => {
                // Eight scopes, and the same ones for both.
                let repository = format!("team/{}", self.choose(8));
                let token = self.run(&["token", &server, "--pull", &repository], "");
                token.is(&format!("of-{}:{}\n", self.profile, self.secret()), "", 0);
            }
        }
    }
}

/// A token server whose tokens tell whom they were given to, and for which secret.
fn scene() -> Scene {
    Scene::usual(|request| match request.login() {
        Some((user, secret)) => Answer::json(&serde_json::json!({ "token": format!("of-{user}:{secret}") })),
        None => Answer::page(401),
    })
}

#[test]
fn two_jobs_of_one_user_are_given_nothing_of_each_others_and_leave_nothing() {
    let scene = scene();
    let mut jobs = [Job::new(&scene, "job-one", 1), Job::new(&scene, "job-two", 2)];
    let steps = rounds(150, 5000);
    thread::scope(|scope| {
        for job in &mut jobs {
            scope.spawn(move || (0..steps).for_each(|_| job.step()));
        }
    });
    let [one, two] = jobs;
    assert!(names(&scene.home).iter().any(|name| name.ends_with("@job-one")));
    assert!(two.remembers("job-one"), "there is something to be forgotten");

    one.run(&["remove", "--profile", "job-one"], "").succeeds();
    assert!(
        !names(&scene.home).iter().any(|name| name.contains("job-one")),
        "{:?}",
        names(&scene.home)
    );
    assert!(!two.remembers("job-one"));
    let server = scene.fixture.address();
    one.run(&["get"], &server)
        .is("credentials not found in native keychain\n", "", 1);
    one.run(&["list"], "").is("{}\n", "", 0);
    for secret in ["secret-of-job-one", "of-job-one:"] {
        assert!(files_with(scene.home.directory(), secret).is_empty(), "{secret}");
    }
    // The other has all it had.
    let asked = scene.asked().len();
    two.run(&["get"], &server).succeeds();
    assert!(two.remembers("job-two"));
    assert_eq!(scene.asked().len(), asked);
    two.run(&["remove", "--profile", "job-two"], "").succeeds();
    let left: Vec<_> = names(&scene.home)
        .into_iter()
        .filter(|name| is_of_somebody(name))
        .collect();
    assert_eq!(left, [""; 0]);
}

impl Job<'_> {
    /// Whether a token of that account is in the cache.
    fn remembers(&self, account: &str) -> bool {
        let entries: Value =
            serde_json::from_str(&self.run(&["cache", "--json"], "").succeeds().stdout).unwrap();
        entries
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry.get("account").is_some_and(|of| of == account))
    }
}

/// Slots and cached tokens: all but the key, where tokens are had, locks and what links to the helper.
fn is_of_somebody(name: &str) -> bool {
    ["/slots/", "/tokens/"].iter().any(|room| name.contains(room))
}

/// The names of all files.
fn names(home: &Home) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![home.directory().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.to_str().unwrap().to_owned());
            if path.is_dir() {
                directories.push(path);
            }
        }
    }
    found
}
