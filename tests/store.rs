//! The store under bad conditions: files that are not what they should be, homes that cannot be written, and
//! many processes at once. What is held and cannot be opened is never called absent, and never overwritten.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test damages files by hand and stops where it errs"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use docker_credential_scoped::credential::{KeptSecret, Profile};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::store::{CredentialStore, Slot};
use serde_json::{Value, json};
use support::helper::{MISS, ask, found, message};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::peer;

const DATA: &str = ".local/share/docker-credential-scoped";

fn store(home: &Home, server: &str, secret: &str) {
    ask(home, "store", &message(server, "u", secret)).is("", "", 0);
}

/// A home with `h` and `other` stored, and the path of `h`'s file.
fn home_with_two() -> (Home, String) {
    let home = Home::new();
    store(&home, "h", "s");
    store(&home, "other", "o");
    let slot = home.slots().join("h@default");
    (home, slot.to_str().unwrap().to_owned())
}

/// `h` cannot be opened for this reason; that is said, it costs `other` nothing, nothing is overwritten, and
/// logging out and in again mends it.
#[track_caller]
fn only_h_is_unavailable(home: &Home, slot: &str, why: &str) {
    let answer = format!("{slot}: {why}\n");
    let before = fs::read(slot).ok();
    ask(home, "get", "h").is(&answer, "", 1);
    ask(home, "store", &message("h", "u", "new")).is(&answer, "", 1);
    assert_eq!(fs::read(slot).ok(), before, "an unreadable slot is left as it is");
    ask(home, "list", "").is("{\"other\":\"u\"}\n", "", 0);
    ask(home, "get", "other").is(&found("other", "u", "o"), "", 0);
    let status = ask(home, "status", "").succeeds().stdout;
    assert!(
        status.contains("cannot be opened") && status.contains(why),
        "{status}"
    );
    ask(home, "erase", "h").is("", "", 0);
    ask(home, "get", "h").is(MISS, "", 1);
    store(home, "h", "again");
    ask(home, "get", "h").is(&found("h", "u", "again"), "", 0);
}

#[test]
fn a_damaged_slot_costs_only_itself() {
    let damage: [fn(&mut Vec<u8>); 4] = [
        |bytes| *bytes.last_mut().unwrap() ^= 1,
        |bytes| bytes[30] ^= 0x80,
        |bytes| bytes.truncate(40),
        Vec::clear,
    ];
    for change in damage {
        let (home, slot) = home_with_two();
        let mut bytes = fs::read(&slot).unwrap();
        change(&mut bytes);
        fs::write(&slot, bytes).unwrap();
        let why = "is damaged or sealed with another key; log out of that registry and in again";
        only_h_is_unavailable(&home, &slot, why);
    }
}

#[test]
fn a_slot_moved_to_another_servers_name_does_not_open() {
    let (home, slot) = home_with_two();
    fs::copy(home.slots().join("other@default"), &slot).unwrap();
    let why = "is damaged or sealed with another key; log out of that registry and in again";
    only_h_is_unavailable(&home, &slot, why);
}

#[test]
fn a_foreign_or_newer_file_costs_only_itself() {
    let (home, slot) = home_with_two();
    fs::write(&slot, "notes").unwrap();
    only_h_is_unavailable(&home, &slot, "is not a file of this program; move it away");
    fs::write(&slot, "docker-credential-scoped 2\nwhatever comes").unwrap();
    only_h_is_unavailable(
        &home,
        &slot,
        "was written by a newer version of this program; update this one",
    );
}

#[test]
fn a_link_or_pipe_in_the_place_of_a_slot_is_not_followed_or_waited_for() {
    let (home, slot) = home_with_two();
    fs::remove_file(&slot).unwrap();
    let status = Command::new("mkfifo").arg(&slot).status().unwrap();
    assert!(status.success());
    ask(&home, "get", "h").is(&format!("{slot}: is not a regular file; move it away\n"), "", 1);
    fs::remove_file(&slot).unwrap();
    symlink(home.slots().join("other@default"), &slot).unwrap();
    let answer = ask(&home, "get", "h").fails();
    assert!(
        answer.stdout.starts_with(&format!("cannot open {slot}: ")),
        "{}",
        answer.stdout
    );
    ask(&home, "get", "other").is(&found("other", "u", "o"), "", 0);
    ask(&home, "list", "").is("{\"other\":\"u\"}\n", "", 0);
}

#[test]
fn files_that_are_no_slots_are_passed_over() {
    let (home, _) = home_with_two();
    fs::write(home.slots().join(".DS_Store"), "x").unwrap();
    fs::write(home.slots().join("README"), "x").unwrap();
    ask(&home, "list", "").is("{\"h\":\"u\",\"other\":\"u\"}\n", "", 0);
}

#[test]
fn a_lost_key_is_an_error_and_never_replaced_by_another() {
    let (home, _) = home_with_two();
    let key = home.path().join(DATA).join("key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let missing = format!(
        "{}: the key is missing, and credentials are sealed with it; restore it, or remove slots/ beside it and log in again\n",
        key.display()
    );
    ask(&home, "get", "h").is(&missing, "", 1);
    ask(&home, "store", &message("third", "u", "s")).is(&missing, "", 1);
    ask(&home, "list", "").is("{}\n", "", 0);
    ask(&home, "get", "absent").is(MISS, "", 1);
    assert!(!key.exists());
    fs::write(&key, b"short").unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let damaged = format!(
        "{}: is not a key (64 hexadecimal digits); restore it, or remove it and slots/ beside it and log in again\n",
        key.display()
    );
    ask(&home, "get", "h").is(&damaged, "", 1);
    fs::write(&key, kept).unwrap();
    ask(&home, "get", "h").is(&found("h", "u", "s"), "", 0);
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    let open = format!(
        "{}: the key is open to other users; close it with chmod go-rwx\n",
        key.display()
    );
    ask(&home, "get", "h").is(&open, "", 1);
    ask(&home, "erase", "h").is("", "", 0);
    ask(&home, "get", "h").is(MISS, "", 1);
}

#[test]
fn a_store_remembers_what_it_opened_and_looks_again_for_what_it_could_not() {
    let home = Home::new();
    let open = || CredentialStore::at(Some(Location::new(home.data(), &home.path())));
    let slot = |server: &str| {
        Slot::new(
            server.parse::<ServerUrl>().unwrap().server().clone(),
            Profile::default(),
        )
    };
    let secret = |store: &CredentialStore, server: &str| {
        let held = store.get(&slot(server)).map_err(|error| error.to_string())?;
        Ok::<_, String>(held.map(|held| match held.credential.secret {
            KeptSecret::Here(secret) => secret.expose().to_owned(),
            KeptSecret::Elsewhere(reference) => panic!("kept in {reference}"),
        }))
    };
    let one = open();
    assert_eq!(secret(&one, "h"), Ok(None));
    store(&home, "h", "s");
    assert_eq!(secret(&one, "h"), Ok(Some("s".to_owned())), "made since");
    store(&home, "h", "t");
    assert_eq!(secret(&one, "h"), Ok(Some("t".to_owned())), "slots are read anew");

    let key = home.data().join("key");
    let kept = fs::read(&key).unwrap();
    home.damage_key();
    let other = open();
    for _ in 0..2 {
        assert!(secret(&other, "h").unwrap_err().contains("is not a key"));
        assert!(other.subkey("x").is_err());
        assert_eq!(secret(&other, "absent"), Ok(None), "a miss needs no key");
    }
    fs::remove_file(&key).unwrap();
    assert!(secret(&other, "h").unwrap_err().contains("the key is missing"));
    assert!(other.subkey("x").unwrap().is_none());
    fs::write(&key, kept).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(secret(&other, "h"), Ok(Some("t".to_owned())), "mended since");
    assert_eq!(secret(&one, "h"), Ok(Some("t".to_owned())));
}

#[test]
fn a_directory_that_is_open_to_others_or_a_link_is_refused() {
    let (home, _) = home_with_two();
    let data = home.path().join(DATA);
    for (directory, mode) in [(data.clone(), 0o755), (home.slots(), 0o770)] {
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        let answer = format!(
            "{}: is open to other users (mode {mode:04o}); close it with chmod go-rwx\n",
            directory.display()
        );
        ask(&home, "get", "h").is(&answer, "", 1);
        ask(&home, "store", &message("h", "u", "new")).is(&answer, "", 1);
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    }
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&data, &elsewhere).unwrap();
    symlink(&elsewhere, &data).unwrap();
    let answer = format!(
        "{}: is not a directory (links are not followed); move it away\n",
        data.display()
    );
    for verb in ["get", "list"] {
        ask(&home, verb, "h").is(&answer, "", 1);
    }
    home.write(
        ".config/docker-credential-scoped/settings.json",
        r#"{"onUnavailable": "miss"}"#,
    );
    ask(&home, "get", "h").is(MISS, "", 1);
    ask(&home, "list", "").is("{}\n", "", 0);
}

#[test]
fn everything_is_private_from_the_start_whatever_the_umask() {
    for umask in ["000", "077"] {
        let home = Home::new();
        let mut shell = home.command("sh");
        shell.args(["-c", &format!("umask {umask}; exec {HELPER} store")]);
        Outcome::of(&mut shell, message("h", "u", "s").as_bytes()).is("", "", 0);
        let data = home.path().join(DATA);
        for (path, mode) in [
            (data.clone(), 0o700),
            (data.join("slots"), 0o700),
            (data.join("staging"), 0o700),
            (data.join("key"), 0o600),
            (data.join("slots/h@default"), 0o600),
        ] {
            assert_eq!(
                fs::metadata(&path).unwrap().mode() & 0o7777,
                mode,
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn what_a_killed_process_left_is_swept_after_an_hour() {
    let (home, _) = home_with_two();
    let staging = home.path().join(DATA).join("staging");
    fs::write(staging.join("new-old"), "x").unwrap();
    fs::write(staging.join("new-fresh"), "x").unwrap();
    let touched = Command::new("touch")
        .args(["-d", "2 hours ago"])
        .arg(staging.join("new-old"))
        .status()
        .unwrap();
    assert!(touched.success());
    store(&home, "h", "changed");
    assert!(!staging.join("new-old").exists());
    assert!(
        staging.join("new-fresh").exists(),
        "another process may be writing it"
    );
}

#[test]
fn the_same_value_again_changes_nothing_but_the_last_use() {
    let (home, slot) = home_with_two();
    let file = || (fs::metadata(&slot).unwrap().ino(), fs::read(&slot).unwrap());
    let before = file();
    let touched = Command::new("touch")
        .args(["-d", "2020-01-01"])
        .arg(&slot)
        .status()
        .unwrap();
    assert!(touched.success());
    store(&home, "h", "s");
    assert_eq!(file(), before, "neither written again nor sealed again");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(fs::metadata(&slot).unwrap().mtime().unsigned_abs() + 60 > now);
    store(&home, "h", "t");
    assert_ne!(file(), before);
    ask(&home, "get", "h").is(&found("h", "u", "t"), "", 0);
}

#[test]
fn the_last_use_is_written_at_most_once_a_minute() {
    let (home, slot) = home_with_two();
    let modified = || fs::metadata(&slot).unwrap().modified().unwrap();
    let stored = modified();
    ask(&home, "get", "h").succeeds();
    assert_eq!(modified(), stored);
    for day in ["2020-01-01", "2090-01-01"] {
        let touched = Command::new("touch")
            .args(["-d", day])
            .arg(&slot)
            .status()
            .unwrap();
        assert!(touched.success());
        ask(&home, "get", "h").succeeds();
        assert!(modified() >= stored, "{day}");
        assert!(modified().elapsed().unwrap().as_secs() < 60, "{day}");
    }
}

#[test]
fn on_unavailable_miss_makes_a_damaged_slot_a_miss() {
    let (home, slot) = home_with_two();
    fs::write(&slot, "notes").unwrap();
    home.write(
        ".config/docker-credential-scoped/settings.json",
        r#"{"onUnavailable": "miss"}"#,
    );
    ask(&home, "get", "h").is(MISS, "", 1);
    ask(&home, "get", "other").is(&found("other", "u", "o"), "", 0);
}

#[test]
fn nothing_is_handed_out_under_settings_that_cannot_be_read() {
    let (home, _) = home_with_two();
    let settings = home.write(
        ".config/docker-credential-scoped/settings.json",
        "{\n  \"onUnavailble\": \"miss\"\n}",
    );
    let answer = format!(
        "{}: unknown field `onUnavailble`, expected one of `activityLog`, `onUnavailable`, `credentials`, `hub`, `keyFile`, `registries` at line 2 column 16\n",
        settings.display()
    );
    for verb in ["get", "list"] {
        ask(&home, verb, "h").is(&answer, "", 1);
    }
    let message = r#"{"ServerURL":"h","Username":"u","Secret":"s"}"#;
    ask(&home, "store", message).is(&answer, "", 1);
    ask(&home, "erase", "h").is("", "", 0);
}

#[test]
fn a_home_that_is_missing_or_no_directory_holds_nothing() {
    let home = Home::new();
    for (variable, value) in [("HOME", "/dev/null"), ("HOME", "/nonexistent/home")] {
        let command = |verb: &str| {
            let mut command = home.command(HELPER);
            command
                .arg(verb)
                .env_remove("XDG_DATA_HOME")
                .env_remove("XDG_CONFIG_HOME")
                .env(variable, value);
            command
        };
        Outcome::of(&mut command("get"), b"h").is(MISS, "", 1);
        Outcome::of(&mut command("list"), b"").is("{}\n", "", 0);
        Outcome::of(&mut command("erase"), b"h").is("", "", 0);
    }
    let mut command = home.command(HELPER);
    command.arg("store").env("XDG_DATA_HOME", "/dev/null/data");
    let answer = Outcome::of(&mut command, message("h", "u", "s").as_bytes()).fails();
    assert!(
        answer.stdout.starts_with("cannot create /dev/null/data/"),
        "{}",
        answer.stdout
    );
}

/// Runs a script in a mount namespace of its own, where `$1` is the home's data directory and `$2` the helper.
fn in_namespace(home: &Home, script: &str, input: &str) -> Option<Outcome> {
    if !peer::can("unshare", &["-Urm", "true"]) {
        return None;
    }
    let mut command = home.command("unshare");
    command
        .args(["-Urm", "sh", "-ec", script, "sh"])
        .arg(home.path().join(".local/share"))
        .arg(HELPER);
    Some(Outcome::of(&mut command, input.as_bytes()))
}

#[test]
fn a_read_only_home_still_answers_and_never_claims_a_store() {
    let (home, _) = home_with_two();
    let remount = "mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"; exec \"$2\" ";
    let Some(answer) = in_namespace(&home, &format!("{remount} get"), "h") else {
        return;
    };
    answer.is(&found("h", "u", "s"), "", 0);
    let erased = in_namespace(&home, &format!("{remount} erase"), "absent").unwrap();
    erased.is("", "", 0);
    for (verb, input) in [
        ("store", message("h", "u", "new")),
        ("store", message("third", "u", "s")),
        ("erase", "h".into()),
    ] {
        let answer = in_namespace(&home, &format!("{remount} {verb}"), &input)
            .unwrap()
            .fails();
        assert!(answer.stdout.contains("ead-only file"), "{}", answer.stdout);
    }
    ask(&home, "get", "h").is(&found("h", "u", "s"), "", 0);
}

#[test]
fn a_full_disk_keeps_the_old_credential_and_says_so() {
    let home = Home::new();
    fs::create_dir_all(home.path().join(".local/share")).unwrap();
    let script = "mount -t tmpfs -o size=64k,mode=700 none \"$1\"
        printf '%s' '{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"old\"}' | \"$2\" store
        dd if=/dev/zero of=\"$1/fill\" bs=1k status=none 2>/dev/null || true
        if printf '%s' '{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"new\"}' | \"$2\" store; then echo stored; fi
        printf h | \"$2\" get; ls -A \"$1/docker-credential-scoped/staging\"";
    let Some(answer) = in_namespace(&home, script, "") else {
        return;
    };
    let slot = home.slots().join("h@default");
    let full = format!(
        "cannot write {}: No space left on device (os error 28)\n",
        slot.display()
    );
    answer.is(&(full + &found("h", "u", "old")), "", 0);
}

#[test]
fn another_users_store_is_refused_and_roots_visit_leaves_nothing_of_roots() {
    if !peer::root() {
        return;
    }
    let nobody = 65534;
    let give = |path: &Path| chown(path, Some(nobody), Some(nobody)).unwrap();
    // `sudo docker login` runs as root in the user's home.
    let home = Home::new();
    give(&home.path());
    store(&home, "h", "s");
    let data = home.path().join(DATA);
    let all = [
        data.clone(),
        data.join("key"),
        home.slots(),
        home.slots().join("h@default"),
        data.join("staging"),
    ];
    for path in all {
        assert_eq!(fs::metadata(&path).unwrap().uid(), nobody, "{}", path.display());
    }
    // As that user, with root's files.
    let helper = home.open_to_all();
    chown(home.slots().join("h@default"), Some(0), Some(0)).unwrap();
    fs::set_permissions(home.slots().join("h@default"), Permissions::from_mode(0o644)).unwrap();
    let mut command = home.command("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(helper)
        .arg("get");
    let answer = format!(
        "{}: belongs to another user; chown it to yourself or move it away\n",
        home.slots().join("h@default").display()
    );
    Outcome::of(&mut command, b"h").is(&answer, "", 1);
}

#[test]
fn sixty_four_processes_at_once_lose_and_tear_nothing() {
    let home = Home::new();
    let secret = |number: usize| format!("{number}-").repeat(500);
    thread::scope(|scope| {
        for number in 0..64 {
            let home = &home;
            scope.spawn(move || {
                let own = format!("own-{number}.example");
                // All make the key, all write the shared slot, every fourth erases it.
                store(home, &own, &secret(number));
                store(home, "shared.example", &secret(number));
                if number % 4 == 0 {
                    ask(home, "erase", "shared.example").is("", "", 0);
                }
                let answer = ask(home, "get", "shared.example");
                if answer.stdout != MISS {
                    let answer: Value = serde_json::from_str(&answer.succeeds().stdout).unwrap();
                    let got = answer["Secret"].as_str().unwrap();
                    assert!((0..64).any(|number| got == secret(number)), "torn: {got}");
                }
                ask(home, "get", &own).is(&found(&own, "u", &secret(number)), "", 0);
                if number % 2 == 0 {
                    ask(home, "erase", &own).is("", "", 0);
                }
            });
        }
    });
    let listed: Value = serde_json::from_str(&ask(&home, "list", "").succeeds().stdout).unwrap();
    let left = (0..64)
        .filter(|number| listed.get(format!("own-{number}.example")).is_some())
        .collect::<Vec<_>>();
    assert_eq!(left, (0..64).filter(|number| number % 2 == 1).collect::<Vec<_>>());
    assert_eq!(
        fs::read_dir(home.path().join(DATA).join("staging"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_file_time_that_no_calendar_has_costs_nothing() {
    // A file system with 64-bit times, where there is one.
    let memory = Path::new("/dev/shm");
    let elsewhere = tempfile::tempdir_in(if memory.is_dir() {
        memory
    } else {
        Path::new("/tmp")
    })
    .unwrap();
    let home = Home::new();
    let data = elsewhere.path().join("data");
    let run = |verb: &str, input: &str| {
        let mut command = home.command(HELPER);
        Outcome::of(command.arg(verb).env("XDG_DATA_HOME", &data), input.as_bytes())
    };
    run("store", &message("h", "u", "s")).is("", "", 0);
    let below = data.join("docker-credential-scoped");
    fs::write(below.join("staging/new-odd"), "x").unwrap();
    for time in ["@999999999999", "@-99999999999"] {
        for file in ["slots/h@default", "staging/new-odd"] {
            // The file may be gone: an odd time is a long time ago.
            let _ = Command::new("touch")
                .args(["--no-create", "-d", time])
                .arg(below.join(file))
                .status();
        }
        run("status", "").succeeds();
        run("list", "").is("{\"h\":\"u\"}\n", "", 0);
        run("get", "h").is(&found("h", "u", "s"), "", 0);
        run("store", &message("other", "u", "s")).is("", "", 0);
        run("erase", "other").is("", "", 0);
    }
}

#[test]
fn root_does_not_take_over_a_store_that_a_stranger_laid_out() {
    if !peer::root() {
        return;
    }
    // A home that all can write to, as HOME=/tmp of a service is; not its owner makes the directories.
    let home = Home::new();
    home.open_to_all();
    let data = home.path().join(DATA);
    fs::create_dir_all(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    chown(&data, Some(65534), Some(65534)).unwrap();
    let answer = format!(
        "{}: belongs to another user; chown it to yourself or move it away\n",
        data.display()
    );
    ask(&home, "store", &message("h", "u", "s")).is(&answer, "", 1);
    ask(&home, "get", "h").is(&answer, "", 1);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}

#[test]
fn settings_that_are_a_pipe_or_open_to_all_are_refused_and_not_waited_for() {
    let (home, _) = home_with_two();
    let settings = home.write(".config/docker-credential-scoped/settings.json", "{}");
    fs::set_permissions(&settings, Permissions::from_mode(0o666)).unwrap();
    let refused = |why: &str| format!("cannot read {}: {why}\n", settings.display());
    ask(&home, "get", "h").is(
        &refused("any user of this machine can write it; chmod o-w"),
        "",
        1,
    );
    fs::remove_file(&settings).unwrap();
    assert!(Command::new("mkfifo").arg(&settings).status().unwrap().success());
    ask(&home, "get", "h").is(&refused("is not a regular file"), "", 1);
}

#[test]
fn settings_that_others_could_have_written_are_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (home, _) = home_with_two();
    let settings = home.write(".config/docker-credential-scoped/settings.json", "{}");
    let helper = home.open_to_all();
    let found = (found("h", "u", "s"), 0);
    let refused = |why: &str| (format!("cannot read {}: {why}\n", settings.display()), 1);
    let foreign = "belongs to another user; chown it to yourself";
    let group = "a group of users can write it; chmod g-w";
    for (user, owner, mode, (answer, code)) in [
        (0, (0, 0), 0o600, found.clone()),
        (0, (0, 0), 0o664, found.clone()),
        (0, (0, 100), 0o644, found.clone()),
        (0, (0, 100), 0o664, refused(group)),
        (0, (4242, 4242), 0o644, refused(foreign)),
        (4242, (4242, 4242), 0o664, found.clone()),
        (4242, (4242, 100), 0o644, found.clone()),
        (4242, (4242, 100), 0o664, refused(group)),
        // What the machine's owner wrote, for everybody.
        (4242, (0, 0), 0o644, found.clone()),
        (4242, (4243, 4243), 0o644, refused(foreign)),
        // Root in the home of another, as `sudo docker` is.
        (0, (4242, 4242), 0o644, found.clone()),
    ] {
        let whose = if user == 0 && owner.0 == 4242 && code == 0 {
            4242
        } else {
            user
        };
        give(&home, whose);
        chown(&settings, Some(owner.0), Some(owner.1)).unwrap();
        fs::set_permissions(&settings, Permissions::from_mode(mode)).unwrap();
        let mut command = home.command(helper.to_str().unwrap());
        command.arg("get").uid(user);
        Outcome::of(&mut command, b"h").is(&answer, "", code);
    }
}

/// Gives a home, and all that is in it, to a user.
fn give(home: &Home, user: u32) {
    let given = Command::new("chown")
        .args(["--recursive", &format!("{user}:{user}")])
        .arg(home.path())
        .status()
        .unwrap();
    assert!(given.success());
}

#[test]
fn a_relative_home_is_none() {
    let home = Home::new();
    let run = |verb: &str, input: &str| {
        let mut command = home.command(HELPER);
        command
            .arg(verb)
            .env("HOME", ".")
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME");
        Outcome::of(&mut command, input.as_bytes())
    };
    let none = "no home directory to keep credentials in; set HOME or XDG_DATA_HOME\n";
    run("store", &message("h", "u", "s")).is(none, "", 1);
    run("get", "h").is(MISS, "", 1);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_very_long_server_is_kept_and_shown_like_any_other() {
    let home = Home::new();
    let long = format!("hh/{}", "A".repeat(200));
    store(&home, &long, "s");
    ask(&home, "get", &long).is(&found(&long, "u", "s"), "", 0);
    ask(&home, "get", &format!("{long}/more")).is(&found(&format!("{long}/more"), "u", "s"), "", 0);
    let status = Outcome::of(home.command(HELPER).args(["status", &long]), b"").succeeds();
    assert!(status.stdout.contains(&long), "{}", status.stdout);
    fs::remove_file(home.path().join(DATA).join("key")).unwrap();
    ask(&home, "store", &message("other", "u", "s")).fails();
}

#[test]
fn status_shows_nothing_that_a_terminal_would_act_on() {
    let home = Home::new();
    let message = json!({ "ServerURL": "h", "Username": "a\u{202e}b", "Secret": "s" });
    ask(&home, "store", &message.to_string()).is("", "", 0);
    fs::write(home.slots().join("x\u{1b}[2J\n@default"), "x").unwrap();
    let status = ask(&home, "status", "").succeeds().stdout;
    assert!(
        status.contains("a\\u{202e}b") && status.contains("x\\u{1b}[2J\\n"),
        "{status}"
    );
    assert!(!status.contains(['\u{1b}', '\u{202e}']), "{status}");
    let refused = Outcome::of(
        home.command(HELPER).args(["status", "https://u:canary@h\u{1b}"]),
        b"",
    );
    let said = "docker-credential-scoped: server URL: has a blank, line break or control character inside; give one server URL on one line\n";
    refused.is("", said, 1);
    let refused = Outcome::of(home.command(HELPER).args(["status", "https://u:canary@h"]), b"");
    refused.is(
        "",
        "docker-credential-scoped: server URL: has user information before '@'; give the host only\n",
        1,
    );
}
