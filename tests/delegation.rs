//! Secrets that another helper keeps, which is a real one: docker-credential-pass and docker-credential-secretservice.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use support::helper::{Credential, Helper, MISS};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::peer;
use support::scene::PASSWORD;

/// A keyring or a password store of its own, ended when dropped.
struct Keeper {
    home: Home,
    program: &'static str,
    /// How it is reached.
    variables: Vec<(&'static str, String)>,
    processes: Vec<Child>,
}

impl Keeper {
    /// A pass with a key that asks for no passphrase.
    fn pass() -> Option<Self> {
        if !peer::present(&["docker-credential-pass", "pass", "gpg", "gpgconf"]) {
            return None;
        }
        let keeper = Self::of("docker-credential-pass");
        fs::create_dir(keeper.home.path().join(".gnupg")).unwrap();
        let mut gpg = keeper.command("gpg");
        gpg.args([
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ])
        .args(["--quick-generate-key", "test", "default", "default", "never"]);
        Outcome::of(&mut gpg, b"").succeeds();
        Outcome::of(keeper.command("pass").args(["init", "test"]), b"").succeeds();
        Some(keeper)
    }

    /// A gnome-keyring that is unlocked, behind a session bus of its own.
    fn secret_service() -> Option<Self> {
        let programs = [
            "docker-credential-secretservice",
            "gnome-keyring-daemon",
            "dbus-daemon",
            "setpriv",
        ];
        if !peer::present(&programs) {
            return None;
        }
        let mut keeper = Self::of("docker-credential-secretservice");
        let mut bus = keeper.daemon(
            &["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            b"",
        );
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        keeper.processes.push(bus);
        keeper
            .variables
            .push(("DBUS_SESSION_BUS_ADDRESS", address.trim().to_owned()));
        let keyring = keeper.daemon(
            &[
                "gnome-keyring-daemon",
                "--foreground",
                "--unlock",
                "--components=secrets",
            ],
            b"password",
        );
        keeper.processes.push(keyring);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !keeper.ask(keeper.program, "list", "unused").has_succeeded() {
            assert!(Instant::now() < deadline, "the keyring does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Some(keeper)
    }

    fn of(program: &'static str) -> Self {
        Self {
            home: Home::new(),
            program,
            variables: Vec::new(),
            processes: Vec::new(),
        }
    }

    fn daemon(&self, words: &[&str], input: &[u8]) -> Child {
        let mut child = self
            .command("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(program);
        command.envs(self.variables.iter().cloned());
        command
    }

    fn ask(&self, program: &str, verb: &str, input: &str) -> Outcome {
        Outcome::of(self.command(program).arg(verb), input.as_bytes())
    }

    /// Asked as it is, and through us.
    fn delegates(&self) {
        let name = self.program.strip_prefix("docker-credential-").unwrap();
        let message = |server: &str| {
            json!({ "ServerURL": server, "Username": "robot", "Secret": PASSWORD }).to_string()
        };
        for server in ["quay.io", "ghcr.io"] {
            self.ask(self.program, "store", &message(server)).succeeds();
        }
        let secret = json!({ "helper": name });
        let settings = json!({ "credentials": [
            { "server": "quay.io", "secret": secret },
            { "server": "ghcr.io/acme", "secret": secret },
            { "server": "absent.example", "secret": secret },
        ] });
        self.home.write(
            ".config/docker-credential-scoped/settings.json",
            &settings.to_string(),
        );

        for server in ["quay.io", "ghcr.io/acme/app"] {
            let outcome = self.ask(HELPER, "get", server).succeeds();
            let found: Credential = serde_json::from_str(&outcome.stdout).unwrap();
            assert_eq!(
                (found.username.as_str(), found.secret.as_str()),
                ("robot", PASSWORD)
            );
            assert_eq!(outcome.stderr, "");
        }
        self.ask(HELPER, "get", "absent.example").is(MISS, "", 1);
        let stored = self.ask(HELPER, "get", "quay.io").stdout;
        self.ask(HELPER, "store", &stored).is("", "", 0);
        self.ask(HELPER, "erase", "quay.io").is(
            "",
            "quay.io is declared in settings.json, and stays there\n",
            0,
        );
        assert!(!self.home.slots().exists(), "nothing is stored here");
        let theirs = self.ask(self.program, "get", "quay.io").succeeds();
        assert!(theirs.stdout.contains(PASSWORD), "they keep theirs");

        // What is erased there is a miss here, word for word.
        self.ask(self.program, "erase", "quay.io").succeeds();
        self.ask(HELPER, "get", "quay.io").is(MISS, "", 1);
        assert!(self.home.files_with("robot", PASSWORD).is_empty());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        if self.home.path().join(".gnupg").exists() {
            let _ = self.command("gpgconf").args(["--kill", "all"]).status();
        }
    }
}

#[test]
fn pass_is_asked_for_what_it_keeps() {
    if let Some(keeper) = Keeper::pass() {
        keeper.delegates();
        // A command is the other way to it.
        let mut insert = keeper.command("pass");
        insert.args(["insert", "--echo", "ci/quay"]);
        Outcome::of(&mut insert, b"of-pass\n").succeeds();
        let settings = json!({ "credentials": [
            { "server": "quay.io", "username": "ci", "secret": { "command": ["pass", "show", "ci/quay"] } },
        ] });
        keeper.home.write(
            ".config/docker-credential-scoped/settings.json",
            &settings.to_string(),
        );
        let found = Helper::of(&keeper.home).get("quay.io").unwrap();
        assert_eq!(
            (found.username.as_str(), found.secret.as_str()),
            ("ci", "of-pass")
        );
    }
}

#[test]
fn a_secret_service_is_asked_for_what_it_keeps() {
    if let Some(keeper) = Keeper::secret_service() {
        keeper.delegates();
    }
}

#[test]
fn a_keyring_that_nobody_can_reach_is_named() {
    let Some(mut keeper) = Keeper::secret_service() else {
        return;
    };
    let settings =
        json!({ "credentials": [{ "server": "quay.io", "secret": { "helper": "secretservice" } }] });
    keeper.home.write(
        ".config/docker-credential-scoped/settings.json",
        &settings.to_string(),
    );
    keeper.variables.clear();
    keeper
        .variables
        .push(("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere".to_owned()));
    keeper.ask(HELPER, "get", "quay.io").is(
        "docker-credential-secretservice get failed (exit status: 1); run it yourself to see why\n",
        "",
        1,
    );
}
