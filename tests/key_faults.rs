//! `key move`, killed or refused at any system call that changes something: the credentials open afterwards, from the old
//! home of the key or from the new one, and the next move leaves nothing of this one behind.
//!
//! strace kills the helper, or makes one call fail, at the first such call, then at the second, and so on to the last.
//! What is between two of them changes nothing: a kill there leaves what a kill at the next one leaves.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use support::helper::{ask, found, message};
use support::home::{HELPER, Home};
use support::key::{forget, source};
use support::keyring::GnomeKeyring;
use support::outcome::Outcome;
use support::strace;

/// What is stored, and has to be had afterwards.
const STORED: [(&str, &str, &str); 2] = [("h", "u", "one"), ("registry.example:5000", "v", "two")];

const PASSPHRASE: &[u8] = b"correct horse battery staple\n";

/// The calls by which files, and what a keyring holds, are changed.
const CHANGING: &str = "openat,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat,utimensat,sendmsg";

#[test]
fn a_key_that_another_process_makes_at_the_same_moment_is_not_replaced() {
    if !strace::is_there() {
        return;
    }
    let home = Home::new();
    let move_it = ["key", "move", "--to", "passphrase"];
    let taken = "inject=renameat2:error=EEXIST";
    strace::run_with(&home, taken, &move_it, PASSPHRASE).is(
        "",
        "docker-credential-scoped: another process made the key at the same moment; try again\n",
        1,
    );
    assert!(!home.data().join("key").exists());
    Outcome::of(home.command(HELPER).args(move_it), PASSPHRASE).succeeds();
}

/// One move that is interrupted.
struct Move {
    from: &'static str,
    to: &'static str,
    /// As it is before: data and runtime directory.
    before: Home,
    /// With the home in which its bus is.
    keyring: Option<(GnomeKeyring, Home)>,
}

impl Move {
    /// `None` where there is no program for it.
    fn between(from: &'static str, to: &'static str) -> Option<Self> {
        if !strace::is_there() {
            return None;
        }
        let mut keyring = None;
        if [from, to].contains(&"keyring") {
            let home = Home::new();
            keyring = Some((GnomeKeyring::unlocked(&home)?, home));
        }
        let before = Home::new();
        for (server, user, secret) in STORED {
            ask(&before, "store", &message(server, user, secret)).is("", "", 0);
        }
        assert_eq!(source(&before), "key-file");
        let scene = Self {
            from,
            to,
            before,
            keyring,
        };
        if from == "passphrase" {
            scene.to_place(&scene.before, from).succeeds();
        }
        Some(scene)
    }

    /// A home whose key is where the move begins.
    fn home(&self) -> Home {
        let home = Home::new();
        copy(&self.before.data(), &home.data());
        if self.from == "passphrase" {
            let ours = |home: &Home| home.runtime().join("docker-credential-scoped");
            copy(&ours(&self.before), &ours(&home));
        }
        if self.from == "keyring" {
            // An item of its own: what is moved from there is deleted there.
            self.to_place(&home, "keyring").succeeds();
        }
        assert_eq!(source(&home), self.from);
        home
    }

    fn command(&self, home: &Home, program: &str) -> Command {
        let mut command = home.command(program);
        if let Some((keyring, _)) = &self.keyring {
            command.env("DBUS_SESSION_BUS_ADDRESS", keyring.bus().address());
        }
        command
    }

    fn run(&self, home: &Home, words: &[&str], input: &[u8]) -> Outcome {
        Outcome::of(self.command(home, HELPER).args(words), input)
    }

    fn to_place(&self, home: &Home, place: &str) -> Outcome {
        self.run(home, &["key", "move", "--to", place], PASSPHRASE)
    }

    /// The move under strace.
    fn traced(&self, home: &Home, options: &[&str]) -> Outcome {
        let mut command = self.command(home, "strace");
        command
            .args(["-f", "-y", "-qq", "-o"])
            .arg(home.path().join("trace"))
            .args(options)
            .args([HELPER, "key", "move", "--to", self.to]);
        Outcome::of(&mut command, PASSPHRASE)
    }

    /// Each changing call, by its name and how many of that name the same thread made before: strace counts so.
    fn calls(&self) -> BTreeSet<(String, usize)> {
        let home = self.home();
        self.traced(&home, &["-e", &format!("trace={CHANGING}")])
            .succeeds();
        let trace = fs::read_to_string(home.path().join("trace")).unwrap();
        let mut counts = BTreeMap::new();
        let mut calls = BTreeSet::new();
        for line in trace.lines() {
            let (thread, call) = line.split_once(' ').expect("a thread and its call");
            let Some((name, arguments)) = call.trim_start().split_once('(') else {
                continue;
            };
            if !name.chars().all(|c| c.is_ascii_alphanumeric()) {
                continue;
            }
            let count = counts.entry((thread.to_owned(), name.to_owned())).or_insert(0);
            *count += 1;
            // What is only read changes nothing, and what wakes another thread neither.
            let is_changing = match name {
                "openat" => arguments.contains("O_CREAT"),
                "write" => !arguments.contains("anon_inode:"),
                _ => true,
            };
            if is_changing {
                calls.insert((name.to_owned(), *count));
            }
        }
        assert!(calls.len() > 5, "{trace}");
        self.is_whole_after(&home, "nothing", true);
        calls
    }

    /// The credentials open, with nothing that rests; and the next move leaves nothing but the key in its new home.
    #[track_caller]
    fn is_whole_after(&self, home: &Home, what: &str, claimed: bool) {
        let (from, to) = (self.from, self.to);
        let now = source(home);
        assert!(
            now == to || now == from && !claimed,
            "{from} to {to}, {what}: {now}"
        );
        forget(home);
        let opens = |when: &str| {
            for (server, user, secret) in STORED {
                let answer = self.asked(home, server);
                assert_eq!(
                    answer.stdout,
                    found(server, user, secret),
                    "{from} to {to}, {what}, {when}: {answer:?}"
                );
            }
        };
        if now == "passphrase" {
            self.run(home, &["unlock"], PASSPHRASE).succeeds();
        }
        opens("then");
        self.to_place(home, "key-file").succeeds();
        assert_eq!(source(home), "key-file", "{from} to {to}, {what}");
        forget(home);
        opens("after the next move");
        let left: Vec<_> = fs::read_dir(home.data())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !["key", "slots", "staging", "locks"].contains(&name.as_str()))
            .collect();
        assert_eq!(left, [""; 0], "{from} to {to}, {what}");
        if let Some((keyring, _)) = &self.keyring {
            assert_eq!(keyring.keys(), 0, "{from} to {to}, {what}: an item is left over");
        }
    }

    fn asked(&self, home: &Home, server: &str) -> Outcome {
        Outcome::of(self.command(home, HELPER).arg("get"), server.as_bytes())
    }

    fn survives_a_kill_anywhere(&self) {
        let calls = self.calls();
        let mut survived = 0;
        for (name, count) in &calls {
            let home = self.home();
            let inject = format!("inject={name}:signal=SIGKILL:when={count}");
            let claimed = self.traced(&home, &["-e", &inject]).has_succeeded();
            survived += usize::from(claimed);
            self.is_whole_after(&home, &format!("kill at {name} {count}"), claimed);
        }
        // How much the threads that speak to a bus have to say to each other is not the same in each run.
        assert!(
            survived * 10 <= calls.len(),
            "{survived} of {} ran on",
            calls.len()
        );
    }

    fn survives_a_failure_anywhere(&self) {
        for (name, count) in self.calls() {
            for error in errors_of(&name) {
                let home = self.home();
                let inject = format!("inject={name}:error={error}:when={count}");
                let claimed = self.traced(&home, &["-e", &inject]).has_succeeded();
                self.is_whole_after(&home, &format!("{error} at {name} {count}"), claimed);
            }
        }
    }

    /// From one call of a kind on, all of that kind fail: a disk that is full stays so.
    fn survives_a_failure_that_lasts(&self) {
        for (name, count) in self.calls() {
            let error = errors_of(&name)[0];
            let home = self.home();
            let inject = format!("inject={name}:error={error}:when={count}+");
            let claimed = self.traced(&home, &["-e", &inject]).has_succeeded();
            self.is_whole_after(&home, &format!("{error} from {name} {count} on"), claimed);
        }
    }
}

fn errors_of(call: &str) -> &'static [&'static str] {
    match call {
        "sendmsg" => &["EPIPE"],
        "write" | "pwrite64" | "fallocate" | "ftruncate" => &["ENOSPC", "EIO"],
        "fsync" | "fdatasync" => &["EIO"],
        _ => &["ENOSPC", "EROFS"],
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut copy = Command::new("cp");
    copy.arg("-aT").arg(from).arg(to);
    Outcome::of(&mut copy, b"").succeeds();
}

macro_rules! proofs {
    ($($name:ident: $from:literal to $to:literal),* $(,)?) => {$(
        mod $name {
            #[test]
            fn killed_anywhere_it_leaves_a_key_that_opens() {
                if let Some(scene) = super::Move::between($from, $to) {
                    scene.survives_a_kill_anywhere();
                }
            }

            #[test]
            fn refused_anywhere_it_leaves_a_key_that_opens_and_claims_nothing_else() {
                if let Some(scene) = super::Move::between($from, $to) {
                    scene.survives_a_failure_anywhere();
                }
            }

            #[test]
            fn refused_for_good_it_leaves_a_key_that_opens_and_claims_nothing_else() {
                if let Some(scene) = super::Move::between($from, $to) {
                    scene.survives_a_failure_that_lasts();
                }
            }
        }
    )*};
}

proofs! {
    from_key_file_to_passphrase: "key-file" to "passphrase",
    from_passphrase_to_key_file: "passphrase" to "key-file",
    from_key_file_to_keyring: "key-file" to "keyring",
    from_keyring_to_key_file: "keyring" to "key-file",
    from_keyring_to_passphrase: "keyring" to "passphrase",
    from_passphrase_to_keyring: "passphrase" to "keyring",
}
