//! The key in a keyring that answers, is locked, is killed, hangs, or is not there: what is stored stays as it is, each
//! answer comes in time and says which it was, and nothing but `unlock` raises a prompt.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use support::helper::{MISS, ask, found, message};
use support::home::{HELPER, Home};
use support::key::{files, forget, record, rested, source};
use support::keyring::{Bus, GnomeKeyring, Hanging, Silence, SilentBus};
use support::outcome::Outcome;
use support::peer;
use support::secret_service::{Answer, Refusal, SecretService};
use support::strace;

/// What a call may take: two seconds and a half, and a little for a machine that has much to do.
const LONGEST: Duration = Duration::from_secs(4);

/// What it may take where there is nothing to wait for. The figure is held in the benches.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Why a keyring that held the key does not give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Locked,
    /// The session began without a password.
    NeverUnlocked,
    /// Its files are gone, and nothing is in it, not even the login collection.
    Emptied,
    Killed,
    /// The daemon is stopped.
    Hanging,
    NoBus,
    Silent(Silence),
    /// Locked, and it answers each wish by a prompt that nobody sees.
    Prompting,
    /// It falls silent where this is called.
    SilentAt(&'static str),
    /// The item is deleted.
    Cleared,
    /// Another item is in its place.
    Spoilt,
}

impl Trouble {
    const ALL: [Self; 15] = [
        Self::Locked,
        Self::NeverUnlocked,
        Self::Emptied,
        Self::Killed,
        Self::Hanging,
        Self::NoBus,
        Self::Silent(Silence::FromTheFirstByte),
        Self::Silent(Silence::AfterTheHandshake),
        Self::Silent(Silence::NobodyConnects),
        Self::Prompting,
        Self::SilentAt("OpenSession"),
        Self::SilentAt("SearchItems"),
        Self::SilentAt("GetSecret"),
        Self::Cleared,
        Self::Spoilt,
    ];

    /// What a message says of it.
    fn word(self) -> &'static str {
        match self {
            Self::Locked | Self::NeverUnlocked | Self::Prompting => "it is locked; unlock it",
            Self::Killed => "no keyring runs in this session",
            Self::NoBus => "no session bus",
            Self::Hanging | Self::Silent(_) | Self::SilentAt(_) => "does not answer",
            Self::Emptied => "no default collection",
            Self::Cleared => "this one does not hold it",
            Self::Spoilt => "",
        }
    }

    /// Whether it is known at once, and not by waiting.
    fn is_seen(self) -> bool {
        !matches!(self, Self::Hanging | Self::Silent(_) | Self::SilentAt(_))
    }

    fn is_of_our_own(self) -> bool {
        matches!(
            self,
            Self::Prompting | Self::SilentAt(_) | Self::Cleared | Self::Spoilt
        )
    }
}

/// Plays it with each of them; those that are waited for all at one time.
fn each(troubles: &[Trouble], play: impl Fn(Trouble) + Sync) {
    let play = &play;
    thread::scope(|scope| {
        let (seen, waited_for): (Vec<Trouble>, Vec<_>) =
            troubles.iter().partition(|trouble| trouble.is_seen());
        for trouble in waited_for {
            scope.spawn(move || play(trouble));
        }
        for trouble in seen {
            play(trouble);
        }
    });
}

/// A home whose key is in a keyring, and what is behind its bus.
struct Desk {
    home: Home,
    hanging: Option<Hanging>,
    gnome: Option<GnomeKeyring>,
    own: Option<SecretService>,
    silent: Option<SilentBus>,
}

const STORED: [(&str, &str, &str); 2] = [("h", "u", "one"), ("registry.example:5000", "v", "two")];

impl Desk {
    /// `None` where there is no program for it.
    fn of(gnome: Option<GnomeKeyring>, own: Option<SecretService>, home: Home) -> Option<Self> {
        (gnome.is_some() || own.is_some()).then(|| Self {
            home,
            hanging: None,
            gnome,
            own,
            silent: None,
        })
    }

    fn gnome() -> Option<Self> {
        let home = Home::new();
        Self::of(GnomeKeyring::unlocked(&home), None, home)
    }

    fn own(answer: Answer) -> Option<Self> {
        let home = Home::new();
        Self::of(None, SecretService::start(&home, answer), home)
    }

    /// With two credentials, whose key is in the keyring and does not rest.
    fn filled(self) -> Self {
        for (server, user, secret) in STORED {
            ask(&self.home, "store", &message(server, user, secret)).is("", "", 0);
        }
        assert_eq!(source(&self.home), "keyring");
        forget(&self.home);
        self
    }

    /// The same, where then something is not as it was.
    fn in_trouble(trouble: Trouble) -> Option<Self> {
        let desk = if trouble.is_of_our_own() {
            Self::own(Answer::Never)
        } else {
            Self::gnome()
        };
        let mut desk = desk?.filled();
        desk.bring(trouble);
        Some(desk)
    }

    fn bring(&mut self, trouble: Trouble) {
        let home = &self.home;
        if let Some(gnome) = &mut self.gnome {
            match trouble {
                Trouble::Locked => gnome.lock(),
                Trouble::NeverUnlocked => gnome.restart_locked(home),
                Trouble::Emptied => gnome.restart_empty(home),
                Trouble::Killed => gnome.kill(),
                Trouble::Hanging => self.hanging = Some(gnome.hang()),
                Trouble::NoBus => gnome.end_bus(),
                Trouble::Silent(silence) => {
                    gnome.end_bus();
                    self.silent = Some(SilentBus::start(home, silence));
                }
                _ => panic!("{trouble:?}"),
            }
        }
        if let Some(own) = &self.own {
            match trouble {
                Trouble::Prompting => own.set_locked(true),
                Trouble::SilentAt(method) => own.fall_silent_at(method),
                Trouble::Cleared => own.clear(),
                Trouble::Spoilt => own.spoil(),
                _ => panic!("{trouble:?}"),
            }
        }
    }

    fn prompts(&self) -> usize {
        self.own.as_ref().map_or(0, SecretService::prompts)
    }
}

#[test]
fn the_first_store_takes_a_keyring_that_answers_and_writes_it_down() {
    let Some(desk) = Desk::gnome() else { return };
    let home = &desk.home;
    let gnome = desk.gnome.as_ref().unwrap();
    ask(home, "store", &message("h", "u", "one")).is("", "", 0);

    let record = record(home);
    assert_eq!(
        (record["format"].as_u64(), record["source"].as_str()),
        (Some(1), Some("keyring"))
    );
    assert_eq!(gnome.keys(), 1);
    ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
    forget(home);
    ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
    // The next one finds it chosen.
    ask(home, "store", &message("i", "u", "two")).is("", "", 0);
    assert_eq!((gnome.keys(), support::key::record(home)), (1, record));
    ask(home, "list", "").is("{\"h\":\"u\",\"i\":\"u\"}\n", "", 0);
}

#[test]
fn what_is_on_disk_opens_nothing_without_the_keyring() {
    let Some(desk) = Desk::gnome().map(Desk::filled) else {
        return;
    };
    let mut copy = Home::new();
    copy_files(&desk.home.data(), &copy.data());
    let answer = ask(&copy, "get", "h");
    is_refused(&answer, Trouble::NoBus);
    copy = Home::new();
    copy_files(&desk.home.path(), &copy.path());
    is_refused(&ask(&copy, "get", "h"), Trouble::NoBus);
}

#[test]
fn a_key_that_rests_is_had_without_a_bus() {
    let Some(mut desk) = Desk::gnome().map(Desk::filled) else {
        return;
    };
    let home = &desk.home;
    ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
    assert_eq!(rested(home).len(), 1, "{:?}", rested(home));
    if strace::is_there() {
        let trace = home.path().join("trace");
        let mut command = home.command("strace");
        command.args(["-f", "-qq", "-o"]).arg(&trace);
        let answer = Outcome::of(command.args([HELPER, "get"]), b"h");
        answer.is(&found("h", "u", "one"), "", 0);
        let trace = fs::read_to_string(trace).unwrap();
        for call in ["socket", "connect", "clone"] {
            assert!(!trace.contains(&format!("{call}(")), "{trace}");
        }
    }
    desk.gnome.as_mut().unwrap().end_bus();
    for (server, user, secret) in STORED {
        ask(home, "get", server).is(&found(server, user, secret), "", 0);
    }
    forget(home);
    is_refused(&ask(home, "get", "h"), Trouble::NoBus);
}

#[test]
fn a_keyring_that_gives_no_key_is_told_from_a_miss_in_time() {
    each(&Trouble::ALL, |trouble| {
        let Some(desk) = Desk::in_trouble(trouble) else {
            return;
        };
        let home = &desk.home;
        let before = files(&home.data());
        let begun = Instant::now();
        let answer = ask(home, "get", "h");
        let took = begun.elapsed();
        is_refused(&answer, trouble);
        assert!(took < LONGEST, "{trouble:?}: {took:?}");
        assert!(!trouble.is_seen() || took < AT_ONCE, "{trouble:?}: {took:?}");
        // What is not held is not held, whatever is with the key.
        ask(home, "get", "unknown").is(MISS, "", 1);
        assert_eq!(files(&home.data()), before, "{trouble:?}");
        assert_eq!(desk.prompts(), 0, "{trouble:?}");
    });
}

#[test]
fn a_list_leaves_out_what_a_keyring_keeps_closed_and_waits_once() {
    each(&Trouble::ALL, |trouble| {
        let Some(desk) = Desk::in_trouble(trouble) else {
            return;
        };
        let before = files(&desk.home.data());
        let begun = Instant::now();
        let answer = ask(&desk.home, "list", "");
        let took = begun.elapsed();
        assert_eq!(
            (answer.stdout.as_str(), answer.code),
            ("{}\n", Some(0)),
            "{trouble:?}"
        );
        assert!(took < LONGEST, "{trouble:?}: {took:?}");
        assert_eq!(files(&desk.home.data()), before, "{trouble:?}");
        assert_eq!(desk.prompts(), 0, "{trouble:?}");
    });
}

#[test]
fn a_store_that_has_no_key_changes_nothing_and_takes_no_other() {
    each(&Trouble::ALL, |trouble| {
        let Some(desk) = Desk::in_trouble(trouble) else {
            return;
        };
        let home = &desk.home;
        let before = files(&home.data());
        for server in ["h", "new.example"] {
            let begun = Instant::now();
            let answer = ask(home, "store", &message(server, "u", "three"));
            assert!(begun.elapsed() < LONGEST, "{trouble:?}: {:?}", begun.elapsed());
            is_refused(&answer, trouble);
        }
        assert_eq!(files(&home.data()), before, "{trouble:?}");
        assert_eq!(desk.prompts(), 0, "{trouble:?}");
    });
}

#[test]
fn an_erase_needs_no_key() {
    each(&Trouble::ALL, |trouble| {
        let Some(desk) = Desk::in_trouble(trouble) else {
            return;
        };
        let home = &desk.home;
        let begun = Instant::now();
        ask(home, "erase", "h").is("", "", 0);
        // Access tokens of that credential are looked for, by a name that the key gives.
        assert!(begun.elapsed() < LONGEST, "{trouble:?}: {:?}", begun.elapsed());
        ask(home, "get", "h").is(MISS, "", 1);
        assert_eq!(desk.prompts(), 0, "{trouble:?}");
        is_refused(&ask(home, "get", STORED[1].0), trouble);
    });
}

#[test]
fn what_was_closed_is_open_again_when_the_keyring_is() {
    let Some(mut desk) = Desk::gnome().map(Desk::filled) else {
        return;
    };
    let stored = |home: &Home| {
        for (server, user, secret) in STORED {
            ask(home, "get", server).is(&found(server, user, secret), "", 0);
        }
        forget(home);
    };
    desk.bring(Trouble::Locked);
    is_refused(&ask(&desk.home, "get", "h"), Trouble::Locked);
    desk.gnome.as_ref().unwrap().unlock();
    stored(&desk.home);
    desk.bring(Trouble::Killed);
    is_refused(&ask(&desk.home, "get", "h"), Trouble::Killed);
    desk.gnome.as_mut().unwrap().restart(&desk.home);
    stored(&desk.home);
    desk.bring(Trouble::Hanging);
    is_refused(&ask(&desk.home, "get", "h"), Trouble::Hanging);
    desk.hanging = None;
    stored(&desk.home);
}

#[test]
fn a_first_store_takes_a_key_file_where_no_keyring_answers_and_stays_with_it() {
    each(&Trouble::ALL, |trouble| {
        if matches!(trouble, Trouble::Cleared | Trouble::Spoilt) {
            return;
        }
        let desk = if trouble.is_of_our_own() {
            Desk::own(Answer::Never)
        } else {
            Desk::gnome()
        };
        let Some(mut desk) = desk else { return };
        desk.bring(trouble);
        let begun = Instant::now();
        ask(&desk.home, "store", &message("h", "u", "one")).is("", "", 0);
        let took = begun.elapsed();
        assert!(took < LONGEST, "{trouble:?}: {took:?}");
        assert!(!trouble.is_seen() || took < AT_ONCE, "{trouble:?}: {took:?}");
        assert_eq!(source(&desk.home), "key-file", "{trouble:?}");
        assert_eq!(desk.prompts(), 0, "{trouble:?}");
        ask(&desk.home, "get", "h").is(&found("h", "u", "one"), "", 0);
        // What was put there before it fell silent is written down, and removed when the key is moved.
        if let Some(own) = &desk.own {
            let is_noted = desk.home.data().join("key.moving").exists();
            assert!(own.items() == 0 || is_noted, "{trouble:?}");
            own.speak();
            run(&desk.home, &["key", "move", "--to", "key-file"]).succeeds();
            assert_eq!(own.items(), 0, "{trouble:?}");
        }

        // A keyring that is there by now is not taken by itself.
        desk.hanging = None;
        if let (Trouble::Locked, Some(gnome)) = (trouble, &desk.gnome) {
            gnome.unlock();
            ask(&desk.home, "store", &message("i", "u", "two")).is("", "", 0);
            assert_eq!((source(&desk.home), gnome.keys()), ("key-file".to_owned(), 0));
        }
    });
}

#[test]
fn a_bus_without_the_service_and_an_address_of_no_bus_are_no_keyring() {
    let home = Home::new();
    let Some(bus) = Bus::start(&home) else { return };
    let begun = Instant::now();
    ask(&home, "store", &message("h", "u", "one")).is("", "", 0);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(source(&home), "key-file");
    drop(bus);

    for address in [
        "",
        "disabled:",
        "nonsense",
        "unix:path=/nonexistent/bus",
        "unix:abstract=nobody-listens-here",
        "autolaunch:",
        "tcp:host=127.0.0.1,port=1",
        "unix:path=/dev/null",
    ] {
        let home = Home::new();
        let begun = Instant::now();
        let mut command = home.command(HELPER);
        command.arg("store").env("DBUS_SESSION_BUS_ADDRESS", address);
        Outcome::of(&mut command, message("h", "u", "one").as_bytes()).is("", "", 0);
        assert!(begun.elapsed() < AT_ONCE, "{address}: {:?}", begun.elapsed());
        assert_eq!(source(&home), "key-file", "{address}");
    }
}

#[test]
fn what_a_keyring_and_a_bus_refuse_with_is_told() {
    let Some(desk) = Desk::own(Answer::Never).map(Desk::filled) else {
        return;
    };
    let is_told = |outcome: &Outcome, what: &str| {
        let line = outcome.stdout.strip_prefix("the key is in the OS keyring, and ");
        assert!(
            line.is_some_and(|line| line.starts_with(what)),
            "{what}: {outcome:?}"
        );
    };
    let nobody = "no keyring runs in this session (org.freedesktop.secrets); start one\n";
    for (refusal, what) in [
        (
            Refusal::IsLocked,
            "it is locked; unlock it: docker-credential-scoped unlock\n",
        ),
        (Refusal::ServiceUnknown, nobody),
        (Refusal::NameHasNoOwner, nobody),
        (Refusal::SpawnChildExited, nobody),
        (Refusal::NoReply, "it failed: org.freedesktop.DBus.Error.NoReply"),
    ] {
        desk.own.as_ref().unwrap().refuse_to_search(refusal);
        is_told(&ask(&desk.home, "get", "h"), what);
    }

    let no_bus = "there is no session bus here to reach it by (DBUS_SESSION_BUS_ADDRESS); ";
    let ends_at_once = desk.home.directory().join("ends-at-once");
    let listener = UnixListener::bind(&ends_at_once).unwrap();
    let mut get = desk.home.command(HELPER);
    get.arg("get");
    get.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null");
    is_told(&Outcome::of(&mut get, b"h"), no_bus);
    get.env(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", ends_at_once.display()),
    );
    thread::scope(|scope| {
        scope.spawn(|| drop(listener.accept().unwrap()));
        is_told(&Outcome::of(&mut get, b"h"), "it failed: ");
    });
}

#[test]
fn a_bus_that_is_named_is_the_one_that_is_asked() {
    let Some(desk) = Desk::gnome() else { return };
    let bus = desk.gnome.as_ref().unwrap().bus().address();
    let elsewhere = Home::new();
    let mut command = elsewhere.command(HELPER);
    command.arg("store").env("DBUS_SESSION_BUS_ADDRESS", &bus);
    Outcome::of(&mut command, message("h", "u", "one").as_bytes()).is("", "", 0);
    assert_eq!(source(&elsewhere), "keyring");
    forget(&elsewhere);
    // Without the name, it is not there.
    is_refused(&ask(&elsewhere, "get", "h"), Trouble::NoBus);
}

#[test]
fn of_many_first_stores_at_one_time_one_makes_the_key() {
    let Some(desk) = Desk::gnome() else { return };
    let home = &desk.home;
    thread::scope(|scope| {
        for number in 0..12 {
            scope.spawn(move || {
                let server = format!("h{number}");
                ask(home, "store", &message(&server, "u", &server)).is("", "", 0);
            });
        }
    });
    forget(home);
    for number in 0..12 {
        let server = format!("h{number}");
        ask(home, "get", &server).is(&found(&server, "u", &server), "", 0);
    }
    assert_eq!(source(home), "keyring");
    let keys = desk.gnome.as_ref().unwrap().keys();
    assert_eq!(keys, 1, "who was late takes its own away");
    assert!(!home.data().join("key.moving").exists(), "nothing is left over");
}

#[test]
fn a_keyring_that_is_gone_at_logout_is_not_taken_for_a_key() {
    let Some(desk) = Desk::own(Answer::Never) else {
        return;
    };
    let own = desk.own.as_ref().unwrap();
    own.keep_in_memory_only();
    ask(&desk.home, "store", &message("h", "u", "one")).is("", "", 0);
    assert_eq!((source(&desk.home), own.items()), ("key-file".to_owned(), 0));
    let refused = run(&desk.home, &["key", "move", "--to", "keyring"]);
    assert!(
        refused.stderr.contains("it has no default collection"),
        "{refused:?}"
    );
    ask(&desk.home, "get", "h").is(&found("h", "u", "one"), "", 0);
}

#[test]
fn a_key_that_leaves_the_keyring_is_in_it_no_more() {
    let Some(desk) = Desk::own(Answer::Never).map(Desk::filled) else {
        return;
    };
    let (home, own) = (&desk.home, desk.own.as_ref().unwrap());
    assert_eq!(own.items(), 1);
    run(home, &["key", "move", "--to", "key-file"]).succeeds();
    assert_eq!((source(home), own.items()), ("key-file".to_owned(), 0));
    assert!(!home.data().join("key.moving").exists(), "nothing is left over");
    for (server, user, secret) in STORED {
        ask(home, "get", server).is(&found(server, user, secret), "", 0);
    }
}

#[test]
fn an_entry_that_this_keyring_does_not_show_is_not_taken_for_gone() {
    let Some(desk) = Desk::own(Answer::Never).map(Desk::filled) else {
        return;
    };
    let (home, own) = (&desk.home, desk.own.as_ref().unwrap());
    ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
    own.clear();
    let moved = run(home, &["key", "move", "--to", "key-file"]).succeeds();
    let still = "the OS keyring of another session or user may still hold the key";
    assert!(moved.stderr.contains(still), "{moved:?}");
    let journal = fs::read(home.data().join("key.moving")).unwrap();
    // And the next one that cannot see it either says nothing else.
    run(home, &["key", "move", "--to", "key-file"]).succeeds();
    assert_eq!(fs::read(home.data().join("key.moving")).unwrap(), journal);
}

#[test]
fn nobody_else_is_held_up_by_who_waits_for_a_keyring() {
    let Some(desk) = Desk::own(Answer::Never).map(Desk::filled) else {
        return;
    };
    let home = &desk.home;
    forget(home);
    desk.own.as_ref().unwrap().fall_silent_at("OpenSession");
    thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                let begun = Instant::now();
                let answer = ask(home, "store", &message(&format!("n{number}"), "u", "new"));
                is_refused(&answer, Trouble::SilentAt("OpenSession"));
                assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
            });
        }
        thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        ask(home, "erase", "h").is("", "", 0);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    });
}

#[test]
fn unlock_raises_the_prompt_that_get_does_not() {
    let Some(desk) = Desk::own(Answer::Unlocks).map(Desk::filled) else {
        return;
    };
    let (home, own) = (&desk.home, desk.own.as_ref().unwrap());
    own.set_locked(true);
    is_refused(&ask(home, "get", "h"), Trouble::Prompting);
    assert_eq!(own.prompts(), 0);
    run(home, &["unlock"]).succeeds();
    assert_eq!(own.prompts(), 1);
    ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);

    // It rests, whatever the keyring does now; until it does not.
    own.set_locked(true);
    ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
    run(home, &["lock"]).succeeds();
    assert_eq!(rested(home).len(), 0);
    is_refused(&ask(home, "get", "h"), Trouble::Prompting);
    assert_eq!(own.prompts(), 1);
}

#[test]
fn unlock_waits_at_a_prompt_longer_than_get_would() {
    let slow = Answer::UnlocksAfter(Duration::from_secs(4));
    let Some(desk) = Desk::own(slow).map(Desk::filled) else {
        return;
    };
    let own = desk.own.as_ref().unwrap();
    own.set_locked(true);
    let begun = Instant::now();
    run(&desk.home, &["unlock"]).succeeds();
    assert!(begun.elapsed() >= Duration::from_secs(4));
    ask(&desk.home, "get", "h").is(&found("h", "u", "one"), "", 0);
}

#[test]
fn a_prompt_that_is_closed_unlocks_nothing() {
    let Some(desk) = Desk::own(Answer::Dismisses).map(Desk::filled) else {
        return;
    };
    let (home, own) = (&desk.home, desk.own.as_ref().unwrap());
    own.set_locked(true);
    let before = files(&home.data());
    let answer = run(home, &["unlock"]);
    assert_eq!((answer.stdout.as_str(), answer.code), ("", Some(1)));
    one_line(&answer.stderr);
    assert_eq!((own.prompts(), rested(home).len()), (1, 0));
    assert_eq!(files(&home.data()), before);
    is_refused(&ask(home, "get", "h"), Trouble::Prompting);
}

#[test]
fn unlock_of_a_keyring_that_cannot_ask_ends_in_time() {
    each(&Trouble::ALL, |trouble| {
        if trouble == Trouble::Prompting {
            return;
        }
        let Some(desk) = Desk::in_trouble(trouble) else {
            return;
        };
        let begun = Instant::now();
        let answer = run(&desk.home, &["unlock"]);
        assert!(begun.elapsed() < LONGEST, "{trouble:?}: {:?}", begun.elapsed());
        assert_eq!(
            (answer.stdout.as_str(), answer.code),
            ("", Some(1)),
            "{trouble:?}"
        );
        one_line(&answer.stderr);
    });
}

/// Where the key may not rest: none of these is the person's alone.
#[derive(Clone, Copy, Debug)]
enum Runtime {
    NotNamed,
    Missing,
    Relative,
    OpenToOthers,
    Link,
    Foreign,
    LinkBelow,
    OpenToOthersBelow,
    ForeignBelow,
}

impl Runtime {
    /// Brings it into this state, and gives what to name it.
    fn of(self, home: &Home, rests: &Path) -> Option<PathBuf> {
        let open = |path: &Path| set_mode(path, 0o777);
        let good = home.runtime();
        let keys = rests.parent().unwrap();
        match self {
            Self::NotNamed => return None,
            Self::Missing => return Some(home.path().join("missing")),
            Self::Relative => {
                symlink(&good, home.path().join("relative")).unwrap();
                return Some(PathBuf::from("relative"));
            }
            Self::Link => {
                let link = home.path().join("link");
                symlink(&good, &link).unwrap();
                return Some(link);
            }
            Self::OpenToOthers => open(&good),
            Self::Foreign => chown(&good, Some(1), None).unwrap(),
            Self::LinkBelow => {
                let moved = home.path().join("moved");
                fs::rename(keys, &moved).unwrap();
                symlink(&moved, keys).unwrap();
            }
            Self::OpenToOthersBelow => open(keys),
            Self::ForeignBelow => chown(keys, Some(1), None).unwrap(),
        }
        Some(good)
    }

    fn needs_root(self) -> bool {
        matches!(self, Self::Foreign | Self::ForeignBelow)
    }
}

#[test]
fn a_runtime_directory_that_is_not_ours_alone_is_gone_without() {
    for runtime in [
        Runtime::NotNamed,
        Runtime::Missing,
        Runtime::Relative,
        Runtime::OpenToOthers,
        Runtime::Link,
        Runtime::Foreign,
        Runtime::LinkBelow,
        Runtime::OpenToOthersBelow,
        Runtime::ForeignBelow,
    ] {
        if runtime.needs_root() && !peer::root() {
            continue;
        }
        let Some(desk) = Desk::gnome().map(Desk::filled) else {
            return;
        };
        let (home, gnome) = (&desk.home, desk.gnome.as_ref().unwrap());
        // One that would do, with a key that rests there.
        ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
        let rests = rested(home).pop().expect("a key that rests");
        let directory = runtime.of(home, &rests);
        let get = |server: &str| {
            let mut command = home.command(HELPER);
            command
                .arg("get")
                .env("DBUS_SESSION_BUS_ADDRESS", gnome.bus().address())
                .env_remove("XDG_RUNTIME_DIR");
            if let Some(directory) = &directory {
                command.env("XDG_RUNTIME_DIR", directory);
            }
            Outcome::of(&mut command, server.as_bytes())
        };
        let before = directory
            .as_ref()
            .map(|directory| files(&home.path().join(directory)));
        // It works, by asking the keyring each time.
        for (server, user, secret) in STORED {
            get(server).is(&found(server, user, secret), "", 0);
        }
        // What lies there is not what is answered from.
        gnome.lock();
        let answer = get("h");
        assert!(!answer.has_succeeded(), "{runtime:?}: {answer:?}");
        is_refused(&answer, Trouble::Locked);
        let after = directory
            .as_ref()
            .map(|directory| files(&home.path().join(directory)));
        assert_eq!(after, before, "{runtime:?}: something was written there");
    }
}

type Spoil = fn(&Path);

/// What can be wrong with a key that rests, and how that comes about.
const SPOILT: [(&str, Spoil); 9] = [
    ("others can read it", |path| set_mode(path, 0o644)),
    ("others can write it", |path| set_mode(path, 0o622)),
    ("a link", |path| {
        let moved = path.with_extension("moved");
        fs::rename(path, &moved).unwrap();
        symlink(&moved, path).unwrap();
    }),
    ("somebody else's", |path| {
        if rustix::process::geteuid().is_root() {
            chown(path, Some(1), None).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }),
    ("another key", |path| rewrite(path, |bytes| bytes[0] ^= 1)),
    ("half of one", |path| rewrite(path, |bytes| bytes.truncate(20))),
    ("one and more", |path| {
        rewrite(path, |bytes| bytes.resize(1 << 20, 0));
    }),
    ("one whose time is over", |path| {
        let file = File::open(path).unwrap();
        let written = file.metadata().unwrap().created().unwrap();
        file.set_modified(written - Duration::from_secs(1)).unwrap();
    }),
    ("one of a time to come", |path| {
        rewrite(path, |bytes| {
            let since = u64::from_be_bytes(bytes[32..].try_into().unwrap()) + 3600;
            bytes[32..].copy_from_slice(&since.to_be_bytes());
        });
    }),
];

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Changes what is in it, and not until when it is good.
fn rewrite(path: &Path, change: fn(&mut Vec<u8>)) {
    let until = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(until)
        .unwrap();
}

#[test]
fn a_resting_key_that_others_can_reach_or_whose_time_is_over_is_not_used() {
    let Some(desk) = Desk::gnome().map(Desk::filled) else {
        return;
    };
    let home = &desk.home;
    let gnome = desk.gnome.as_ref().unwrap();
    for (what, spoil) in SPOILT {
        forget(home);
        ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
        spoil(&rested(home).pop().expect("a key that rests"));
        gnome.lock();
        let answer = ask(home, "get", "h");
        assert!(!answer.has_succeeded(), "{what}");
        is_refused(&answer, Trouble::Locked);
        gnome.unlock();
        // And does not stand in the way.
        ask(home, "get", "h").is(&found("h", "u", "one"), "", 0);
    }
}

#[test]
fn a_key_rests_privately_and_as_long_as_is_said() {
    let Some(desk) = Desk::gnome().map(Desk::filled) else {
        return;
    };
    let home = &desk.home;
    for (words, hours) in [(&["unlock"][..], 8.0), (&["unlock", "--for", "2h"], 2.0)] {
        forget(home);
        run(home, words).succeeds();
        let rests = rested(home).pop().expect("a key that rests");
        let file = fs::metadata(&rests).unwrap();
        assert_eq!((file.mode() & 0o7777, file.nlink(), file.len()), (0o600, 1, 40));
        for directory in rests.ancestors().skip(1).take(3) {
            let mode = fs::metadata(directory).unwrap().mode();
            assert_eq!(mode & 0o777, 0o700, "{directory:?}");
        }
        let left = file.modified().unwrap().elapsed().unwrap_err().duration();
        let hours_left = left.as_secs_f64() / 3600.0;
        assert!(
            (hours - 0.1..=hours).contains(&hours_left),
            "{words:?}: {hours_left}"
        );
    }
}

/// One safe line on stdout, with what is wrong in it, and nothing else; never the text of a miss.
#[track_caller]
fn is_refused(answer: &Outcome, trouble: Trouble) {
    assert_eq!(answer.code, Some(1), "{trouble:?}: {answer:?}");
    assert_eq!(answer.stderr, "", "{trouble:?}");
    one_line(&answer.stdout);
    assert!(!answer.stdout.contains("not found"), "{trouble:?}: {answer:?}");
    assert!(
        answer.stdout.contains(trouble.word()),
        "{trouble:?}: {}",
        answer.stdout
    );
    for (_, _, secret) in STORED {
        assert!(!answer.stdout.contains(&format!("\"{secret}\"")));
    }
}

#[track_caller]
fn one_line(text: &str) {
    assert!(text.ends_with('\n') && text.lines().count() == 1, "{text:?}");
    assert!(!text.contains(char::is_control) || text.trim_end().chars().all(|c| !c.is_control()));
}

fn run(home: &Home, words: &[&str]) -> Outcome {
    Outcome::of(home.command(HELPER).args(words), b"")
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
    let mut copy = Command::new("cp");
    copy.arg("-aT").arg(from).arg(to);
    Outcome::of(&mut copy, b"").succeeds();
}
