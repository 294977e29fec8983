//! Killed or refused at any system call, `store` and `erase` leave the old credential or the new one: never
//! neither, never a claim that does not hold.
//!
//! strace kills the helper, or makes one call fail, at the first call, then at the second, and so on to the last.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::collections::BTreeMap;
use std::fs;

use support::helper::MISS;
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::strace;

const OLD: &str = "{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"old\"}\n";
const NEW: &str = "{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"new\"}\n";

#[test]
fn what_a_disk_says_it_has_and_has_not_is_not_taken_out_of_the_file_it_came_from() {
    if !strace::is_there() {
        return;
    }
    let home = Home::new();
    let config = "{\"auths\":{\"r.example\":{\"auth\":\"dTpwYXNz\"}}}";
    let file = home.write(".docker/config.json", config);
    // The key is there by then: this call is to put the slot in its place.
    let swallowed = "inject=renameat:retval=0:when=1";
    let outcome = strace::run_with(&home, swallowed, &["import"], b"");
    let left = format!(
        "r.example: left in {}: it could not be read back as it was stored; run docker-credential-scoped status\n",
        file.display()
    );
    assert!(outcome.stderr.starts_with(&left), "{outcome:?}");
    assert_eq!(outcome.code, Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), config);
    Outcome::of(home.command(HELPER).arg("import"), b"").succeeds();
    assert!(!fs::read_to_string(&file).unwrap().contains("dTpwYXNz"));
}

/// One change that is interrupted.
struct Change {
    verb: &'static str,
    input: &'static str,
    /// What `get` answers before, and after the change was made.
    before: &'static str,
    after: &'static str,
}

const FIRST_STORE: Change = Change {
    verb: "store",
    input: r#"{"ServerURL":"h","Username":"u","Secret":"new"}"#,
    before: MISS,
    after: NEW,
};
const REPLACEMENT: Change = Change {
    verb: "store",
    input: r#"{"ServerURL":"h","Username":"u","Secret":"new"}"#,
    before: OLD,
    after: NEW,
};
const ERASURE: Change = Change {
    verb: "erase",
    input: "h",
    before: OLD,
    after: MISS,
};
/// Changes nothing.
const LOOK: Change = Change {
    verb: "get",
    input: "h",
    before: OLD,
    after: OLD,
};

impl Change {
    fn home(&self) -> Home {
        let home = Home::new();
        // Beside it lies one that no change of `h` may touch.
        let other = br#"{"ServerURL":"other","Username":"u","Secret":"o"}"#;
        if self.before == OLD {
            Outcome::of(home.command(HELPER).arg("store"), other).is("", "", 0);
            let old = br#"{"ServerURL":"h","Username":"u","Secret":"old"}"#;
            Outcome::of(home.command(HELPER).arg("store"), old).is("", "", 0);
        }
        home
    }

    /// Runs it under strace with these options.
    fn run(&self, home: &Home, options: &[&str]) -> Outcome {
        let trace = home.path().join("trace");
        let mut command = home.command("strace");
        command
            .args(["-f", "-qq", "-o"])
            .arg(trace)
            .args(options)
            .args([HELPER, self.verb]);
        Outcome::of(&mut command, self.input.as_bytes())
    }

    /// Every system call it makes, each with how often it was made before: strace counts calls by their name.
    fn calls(&self) -> Vec<(String, usize)> {
        let home = self.home();
        self.run(&home, &[]).succeeds();
        let mut counts = BTreeMap::new();
        let trace = fs::read_to_string(home.path().join("trace")).unwrap();
        let calls: Vec<_> = trace
            .lines()
            .filter_map(|line| {
                let name = line.split_once(' ')?.1.trim_start().split_once('(')?.0.to_owned();
                let count = counts
                    .entry(name.clone())
                    .and_modify(|count| *count += 1)
                    .or_insert(1);
                Some((name, *count))
            })
            .filter(|(name, _)| !matches!(name.as_str(), "execve" | "exit_group"))
            .collect();
        assert!(calls.len() > 20, "{trace}");
        calls
    }

    /// What `get` answers afterwards is what it answered before or what was asked for; and the store goes on
    /// working.
    #[track_caller]
    fn is_whole_after(&self, home: &Home, what: &str) -> String {
        let answer = Outcome::of(home.command(HELPER).arg("get"), b"h").stdout;
        assert!(
            answer == self.before || answer == self.after,
            "{} and {what}: {answer}",
            self.verb
        );
        if self.before == OLD {
            let other = "{\"ServerURL\":\"other\",\"Username\":\"u\",\"Secret\":\"o\"}\n";
            Outcome::of(home.command(HELPER).arg("get"), b"other").is(other, "", 0);
        }
        let again = br#"{"ServerURL":"h","Username":"u","Secret":"again"}"#;
        Outcome::of(home.command(HELPER).arg("store"), again).is("", "", 0);
        let again = "{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"again\"}\n";
        Outcome::of(home.command(HELPER).arg("get"), b"h").is(again, "", 0);
        answer
    }

    fn survives_a_kill_at_every_call(&self) {
        if !strace::is_there() {
            return;
        }
        for (name, count) in self.calls() {
            let home = self.home();
            let killed = self.run(
                &home,
                &["-e", &format!("inject={name}:signal=SIGKILL:when={count}")],
            );
            killed.fails();
            self.is_whole_after(&home, &format!("kill at {name} {count}"));
        }
    }

    fn is_honest_about_every_failed_call(&self) {
        if !strace::is_there() {
            return;
        }
        let touches_files = |name: &str| {
            [
                "open", "read", "write", "fsync", "rename", "link", "mkdir", "stat", "getdents", "fcntl",
                "chmod",
            ]
            .iter()
            .any(|part| name.contains(part))
        };
        for (name, count) in self.calls().into_iter().filter(|(name, _)| touches_files(name)) {
            for error in ["ENOSPC", "EIO"] {
                let home = self.home();
                let outcome = self.run(
                    &home,
                    &["-e", &format!("inject={name}:error={error}:when={count}")],
                );
                let claimed = outcome.has_succeeded();
                let answer = self.is_whole_after(&home, &format!("{error} at {name} {count}"));
                assert!(
                    !claimed || answer == self.after,
                    "{}: claimed in spite of {error} at {name}",
                    self.verb
                );
            }
        }
    }
}

#[test]
fn a_first_store_killed_anywhere_leaves_nothing_or_the_credential() {
    FIRST_STORE.survives_a_kill_at_every_call();
}

#[test]
fn a_replacement_killed_anywhere_leaves_the_old_credential_or_the_new_one() {
    REPLACEMENT.survives_a_kill_at_every_call();
}

#[test]
fn an_erasure_killed_anywhere_leaves_the_credential_or_nothing() {
    ERASURE.survives_a_kill_at_every_call();
}

#[test]
fn a_first_store_never_claims_what_it_did_not_write() {
    FIRST_STORE.is_honest_about_every_failed_call();
}

#[test]
fn a_replacement_never_claims_what_it_did_not_write() {
    REPLACEMENT.is_honest_about_every_failed_call();
}

#[test]
fn an_erasure_never_claims_what_it_did_not_remove() {
    ERASURE.is_honest_about_every_failed_call();
}

#[test]
fn a_get_that_fails_anywhere_never_says_that_nothing_is_held() {
    if !strace::is_there() {
        return;
    }
    for (name, count) in LOOK.calls() {
        for error in ["EIO", "EACCES", "EMFILE", "ENOMEM"] {
            let home = LOOK.home();
            let inject = format!("inject={name}:error={error}:when={count}");
            let answer = LOOK.run(&home, &["-e", &inject]);
            assert_ne!(answer.stdout, MISS, "{error} at {name} {count}");
            assert!(
                answer.stdout == OLD || !answer.has_succeeded(),
                "{error} at {name} {count}: {}",
                answer.stdout
            );
        }
    }
}

#[test]
fn a_file_system_that_can_neither_link_nor_sync_a_directory_will_do() {
    if !strace::is_there() {
        return;
    }
    let home = FIRST_STORE.home();
    let inject = [
        "-e",
        "inject=renameat2:error=EINVAL",
        "-e",
        "inject=link,linkat:error=EPERM",
    ];
    FIRST_STORE.run(&home, &inject).is("", "", 0);
    FIRST_STORE.is_whole_after(&home, "without links");
    // The second fsync of a replacement is that of the directory.
    let home = REPLACEMENT.home();
    REPLACEMENT
        .run(&home, &["-e", "inject=fsync:error=EINVAL:when=2"])
        .is("", "", 0);
    assert_eq!(
        REPLACEMENT.is_whole_after(&home, "without a directory's fsync"),
        NEW
    );
}

#[test]
fn a_store_is_on_disk_before_it_is_claimed() {
    if !strace::is_there() {
        return;
    }
    let home = REPLACEMENT.home();
    REPLACEMENT
        .run(
            &home,
            &["-y", "-e", "trace=write,fsync,rename,renameat,renameat2"],
        )
        .is("", "", 0);
    let trace = fs::read_to_string(home.path().join("trace")).unwrap();
    let place = |what: &str| {
        trace
            .lines()
            .position(|line| what.split('*').all(|part| line.contains(part)))
            .unwrap_or_else(|| panic!("no {what} in {trace}"))
    };
    let order = [
        place("write(*/staging/"),
        place("fsync(*/staging/"),
        place("rename*/staging/*h@default"),
        place("fsync(*/slots>"),
    ];
    assert!(order.is_sorted(), "{trace}");
}
