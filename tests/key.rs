//! `key`, `unlock` and `lock` as processes, with the key in a file, in the environment or under a passphrase: exact
//! streams and exit codes of each, and of whatever somebody may write wrongly.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops where it errs, and writes files plainly"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use docker_credential_scoped::files::Location;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::store::{CredentialStore, Unlocking};
use serde_json::{Value, json};
use support::helper::{Helper, MISS, found};
use support::home::{HELPER, Home};
use support::key::rested;
use support::outcome::Outcome;
use support::terminal;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";
const VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_KEY";
const PASSPHRASE: &str = "correct horse battery";
const NO_REST: &str = "the key cannot rest opened, and docker is refused: there is no runtime directory that is yours \
                       alone; set XDG_RUNTIME_DIR to one, or take the passphrase back: docker-credential-scoped key move \
                       --to key-file\n";
const NO_KEY: &str = "There is no key yet; the first credential that is stored makes one.\n";

/// A home in which one credential is stored.
fn stored() -> Home {
    let home = Home::new();
    Helper::of(&home).store("h", "u", "s");
    home
}

/// The same, with the key under the passphrase, and opened.
fn sealed() -> Home {
    let home = stored();
    run(&home, &["key", "move", "--to", "passphrase"], PASSPHRASE).succeeds();
    home
}

/// The same, and locked.
fn locked() -> Home {
    let home = sealed();
    run(&home, &["lock"], "").succeeds();
    home
}

fn run(home: &Home, words: &[&str], input: &str) -> Outcome {
    Outcome::of(home.command(HELPER).args(words), input.as_bytes())
}

/// The same with the key's variable set.
fn run_with(home: &Home, key: &str, words: &[&str], input: &str) -> Outcome {
    Outcome::of(
        home.command(HELPER).args(words).env(VARIABLE, key),
        input.as_bytes(),
    )
}

fn get(home: &Home) -> Outcome {
    run(home, &["get"], "h")
}

#[track_caller]
fn opens(home: &Home) {
    get(home).is(&found("h", "u", "s"), "", 0);
}

/// What a command for people says of an error.
fn error(text: &str) -> String {
    format!("docker-credential-scoped: {text}\n")
}

fn key_path(home: &Home) -> String {
    home.data().join("key").display().to_string()
}

/// The digits in the key file.
fn digits(home: &Home) -> String {
    fs::read_to_string(home.data().join("key"))
        .unwrap()
        .trim()
        .to_owned()
}

/// What `key status --json` says.
fn state(home: &Home) -> Value {
    let said = run(home, &["key", "status", "--json"], "").succeeds();
    assert_eq!(said.stderr, "");
    serde_json::from_str(&said.stdout).unwrap()
}

/// Until when the key rests.
fn rests_until(home: &Home) -> Option<String> {
    state(home)["restsUntil"].as_str().map(str::to_owned)
}

/// That the key rests for about so long from now.
#[track_caller]
fn rests_for(home: &Home, expected: Duration) {
    let until = OffsetDateTime::parse(&rests_until(home).unwrap(), &Rfc3339).unwrap();
    let off = until - OffsetDateTime::now_utc() - expected;
    assert!(off.abs() < Duration::MINUTE, "{until}");
}

/// What is said of the locked key.
const LOCKED: &str = "the key is locked with a passphrase; unlock it: docker-credential-scoped unlock";

/// What is said of another passphrase.
fn wrong(home: &Home) -> String {
    error(&format!(
        "that is not the passphrase that the key is sealed with (or {} is damaged); try again with the right one, or restore \
         that file",
        key_path(home)
    ))
}

fn declare_key_file(home: &Home, content: Option<&str>) -> String {
    let path = home.directory().join("mounted");
    if let Some(content) = content {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    home.write(SETTINGS, &json!({ "keyFile": path }).to_string());
    path.display().to_string()
}

#[test]
fn where_nothing_is_stored_there_is_no_key() {
    let home = Home::new();
    run(&home, &["key", "status"], "").is(NO_KEY, "", 0);
    assert_eq!(
        state(&home),
        json!({ "source": null, "place": null, "restsUntil": null, "isMoving": false })
    );
    run(&home, &["unlock"], "").is(NO_KEY, "", 0);
    run(&home, &["lock"], "").is(NO_KEY, "", 0);
    run(&home, &["status"], "").is("Nothing is stored.\n", "", 0);
    assert!(!home.data().exists());
}

#[test]
fn a_key_in_its_file_is_told_and_needs_no_unlocking() {
    let home = stored();
    let path = key_path(&home);
    run(&home, &["key", "status"], "").is(
        &format!(
            "source  key-file\nplace   {path}\nopened  whenever it is needed; it cannot be locked there\n"
        ),
        "",
        0,
    );
    assert_eq!(
        state(&home),
        json!({ "source": "key-file", "place": path, "restsUntil": null, "isMoving": false })
    );
    run(&home, &["unlock"], "").is(
        &format!("The key is in the key file {path}: nothing needs unlocking.\n"),
        "",
        0,
    );
    run(&home, &["lock"], "").is(
        "",
        &format!(
            "the key is in the key file {path}, where it cannot be locked; move it where it can: \
             docker-credential-scoped key move --to keyring, or --to passphrase\n"
        ),
        1,
    );
    let told = run(&home, &["status"], "").succeeds().stdout;
    assert_eq!(
        told.lines().last().unwrap(),
        format!("The key is in the key file {path}.")
    );
    // Who asks for one registry is told of it alone.
    let told = run(&home, &["status", "h"], "").succeeds().stdout;
    assert!(!told.contains("The key"), "{told}");
    opens(&home);
}

#[test]
fn a_key_under_a_passphrase_is_locked_and_unlocked() {
    let home = stored();
    let path = key_path(&home);
    let before = digits(&home);
    run(&home, &["key", "move", "--to", "passphrase"], PASSPHRASE).is(
        &format!(
            "Moved the key from key-file to passphrase: it is in {path}, sealed with a passphrase; 1 credential opens with \
             it.\n"
        ),
        "",
        0,
    );
    opens(&home);
    rests_for(&home, Duration::hours(8));
    let until = rests_until(&home).unwrap();
    run(&home, &["key", "status"], "").is(
        &format!(
            "source  passphrase\nplace   {path}\nopened  until {until}; docker-credential-scoped lock ends that\n"
        ),
        "",
        0,
    );
    let told = run(&home, &["status"], "").succeeds().stdout;
    assert_eq!(
        told.lines().last().unwrap(),
        format!("The key is in {path}, sealed with a passphrase; it rests opened until {until}.")
    );
    run(&home, &["lock"], "").is(
        "Locked: the key rests no more; docker-credential-scoped unlock opens it.\n",
        "",
        0,
    );
    run(&home, &["lock"], "").is(
        "The key does not rest, and there is nothing to lock; docker-credential-scoped unlock opens it.\n",
        "",
        0,
    );
    run(&home, &["key", "status"], "").is(
        &format!(
            "source  passphrase\nplace   {path}\nopened  no; docker-credential-scoped unlock opens it\n"
        ),
        "",
        0,
    );
    get(&home).is(&format!("{LOCKED}\n"), "", 1);
    run(&home, &["unlock"], "another passphrase\n").is("", &wrong(&home), 1);
    get(&home).is(&format!("{LOCKED}\n"), "", 1);
    let said = run(&home, &["unlock", "--for", "2d"], &format!("{PASSPHRASE}\n"));
    let until = rests_until(&home).unwrap();
    said.is(
        &format!("Unlocked: the key rests opened until {until}; docker-credential-scoped lock ends that.\n"),
        "",
        0,
    );
    rests_for(&home, Duration::days(2));
    opens(&home);
    // Neither can be read anywhere but where the key rests, in bytes.
    assert!(home.files_with("u", PASSPHRASE).is_empty());
    assert!(home.files_with("u", &before).is_empty());
    run(&home, &["key", "move", "--to", "key-file"], "left unread").is(
        &format!(
            "Moved the key from passphrase to key-file: it is in the key file {path}; 1 credential opens with it.\n"
        ),
        "",
        0,
    );
    assert_eq!((digits(&home), rests_until(&home)), (before, None));
    opens(&home);
}

#[test]
fn what_a_killed_unlock_left_is_locked_away_too() {
    let home = locked();
    run(&home, &["unlock"], PASSPHRASE).succeeds();
    let ours = home.runtime().join("docker-credential-scoped");
    let rested = fs::read_dir(ours.join("keys"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let left = ours.join("new-keys/.new-as-killed");
    fs::rename(rested, &left).unwrap();
    run(&home, &["lock"], "").succeeds();
    assert!(!left.exists(), "the key itself");
}

#[test]
fn lock_says_where_it_cannot_look() {
    let home = sealed();
    let circle = home.path().join("circle");
    symlink(&circle, &circle).unwrap();
    let inside = circle.join("runtime");
    let locked = Outcome::of(
        home.command(HELPER).arg("lock").env("XDG_RUNTIME_DIR", &inside),
        b"",
    );
    let said = format!(
        "docker-credential-scoped: cannot look at {}: Too many levels of symbolic links (os error 40)\n",
        inside.display()
    );
    locked.is("", &said, 1);
}

#[test]
fn what_is_locked_is_no_miss_and_can_be_logged_out_of() {
    let home = locked();
    get(&home).is(&format!("{LOCKED}\n"), "", 1);
    run(&home, &["get"], "other").is(MISS, "", 1);
    // docker asks for all of them and fails for all where one does.
    run(&home, &["list"], "").is("{}\n", "", 0);
    let message = support::helper::message("other", "u", "s");
    run(&home, &["store"], &message).is(&format!("{LOCKED}\n"), "", 1);
    // Said once, however many credentials there are.
    let told = run(&home, &["status"], "").succeeds().stdout;
    assert_eq!(told.matches(LOCKED).count(), 1, "{told}");
    run(&home, &["erase"], "h").is("", "", 0);
    run(&home, &["unlock"], PASSPHRASE).succeeds();
    get(&home).is(MISS, "", 1);
}

#[test]
fn a_passphrase_is_typed_and_a_new_one_twice() {
    if !terminal::has_terminals() {
        return;
    }
    let home = stored();
    let typed = |lines: &str, words: &[&str]| terminal::typed(&home, lines, &[&[HELPER], words].concat());
    let to_passphrase = ["key", "move", "--to", "passphrase"];
    typed("typed-one\ntyped-two\n", &to_passphrase).is(
        &format!(
            "New passphrase: \nThe same again: \n{}",
            error("passphrase: that was another one; nothing was changed")
        ),
        "",
        1,
    );
    typed("short\n", &to_passphrase).is(
        &format!(
            "New passphrase: \n{}",
            error("passphrase: has less than 8 characters; take a longer one")
        ),
        "",
        1,
    );
    typed("\n", &to_passphrase).is(
        &format!("New passphrase: \n{}", error("passphrase: holds nothing")),
        "",
        1,
    );
    assert_eq!(state(&home)["source"], "key-file");
    let said = typed("typed-one\ntyped-one\n", &to_passphrase).succeeds().stdout;
    assert!(
        said.starts_with("New passphrase: \nThe same again: \nMoved the key from key-file to passphrase: "),
        "{said}"
    );
    run(&home, &["lock"], "").succeeds();
    let said = typed("typed-one\n", &["unlock"]).succeeds().stdout;
    assert!(said.starts_with("Passphrase: \nUnlocked: "), "{said}");
    // Whoever finds it open does not change it.
    let wrong = wrong(&home);
    typed("typed-two\n", &to_passphrase).is(&format!("Passphrase: \n{wrong}"), "", 1);
    typed("typed-one\ntyped-two\ntyped-two\n", &to_passphrase).is(
        "Passphrase: \nNew passphrase: \nThe same again: \nThe passphrase is another one now; 1 credential opens with \
         it.\n",
        "",
        0,
    );
    run(&home, &["lock"], "").succeeds();
    typed("typed-one\n", &["unlock"]).is(&format!("Passphrase: \n{wrong}"), "", 1);
    typed("typed-two\n", &["unlock"]).succeeds();
    opens(&home);
}

#[test]
fn ctrl_c_at_a_prompt_leaves_the_terminal_as_it_was() {
    if !terminal::has_terminals() {
        return;
    }
    let home = locked();
    // A prompt that reads each character reads this one too; a signal from elsewhere it never sees.
    for (how, typed) in [
        ("$0 unlock", "\u{3}"),
        ("(sleep 1; kill -TERM $$) & exec $0 unlock", ""),
    ] {
        let script = format!("trap : INT; sh -c '{how}' {HELPER}; echo code $?; stty -a");
        let seen = terminal::typed(&home, typed, &["sh", "-c", &script]).stdout;
        assert!(
            seen.contains(" echo ") && seen.contains(" icanon ") && !seen.contains("-isig"),
            "{seen}"
        );
        assert!(
            seen.contains("Passphrase: ") && !seen.contains("code 0"),
            "{seen}"
        );
        assert!(!seen.contains("cannot be asked"), "{seen}");
    }
}

#[test]
fn a_passphrase_is_changed_with_two_lines() {
    let home = sealed();
    let change = |input: &str| run(&home, &["key", "move", "--to", "passphrase"], input);
    let two = error("standard input: give the present passphrase on one line, and the new one on the next");
    for input in ["", "\n", PASSPHRASE, &format!("{PASSPHRASE}\n")] {
        change(input).is("", &two, 1);
    }
    for (input, why) in [
        (
            format!("{PASSPHRASE}\nshort\n"),
            "passphrase: has less than 8 characters; take a longer one",
        ),
        (format!("{PASSPHRASE}\n\n"), "standard input: holds nothing"),
        (
            format!("{PASSPHRASE}\na new passphrase\nthird\n"),
            "standard input: holds more than one line, where the secret is to stand alone",
        ),
    ] {
        change(&input).is("", &error(why), 1);
    }
    change("another passphrase\na new passphrase\n").is("", &wrong(&home), 1);
    change(&format!("{PASSPHRASE}\na new passphrase\n")).is(
        "The passphrase is another one now; 1 credential opens with it.\n",
        "",
        0,
    );
    opens(&home);
    run(&home, &["lock"], "").succeeds();
    run(&home, &["unlock"], PASSPHRASE).fails();
    run(&home, &["unlock"], "a new passphrase").succeeds();
    opens(&home);
}

#[test]
fn a_locked_key_is_moved_with_its_passphrase() {
    let home = locked();
    let to_file = ["key", "move", "--to", "key-file"];
    run(&home, &to_file, "").is("", &error("standard input: holds nothing"), 1);
    run(&home, &to_file, "another passphrase").is("", &wrong(&home), 1);
    assert_eq!(rests_until(&home), None);
    // A move that fails leaves nothing open that was locked, with the right passphrase too.
    run(&home, &["key", "move", "--to", "environment"], PASSPHRASE).fails();
    run(&home, &["key", "move", "--to", "keyring"], PASSPHRASE).fails();
    assert_eq!(rests_until(&home), None);
    get(&home).is(&format!("{LOCKED}\n"), "", 1);
    run(&home, &to_file, PASSPHRASE).succeeds();
    opens(&home);
}

#[test]
fn a_passphrase_that_will_not_do_is_refused_and_nothing_changes() {
    let home = stored();
    let long = "x".repeat(64 * 1024 + 1);
    for (input, why) in [
        ("", "standard input: holds nothing"),
        ("\n", "standard input: holds nothing"),
        (
            "seven77\n",
            "passphrase: has less than 8 characters; take a longer one",
        ),
        (
            "two lines\nof text\n",
            "standard input: holds more than one line, where the secret is to stand alone",
        ),
        (
            "a\u{7}control character",
            "standard input: holds a control character or is not UTF-8",
        ),
        (&long, "standard input: holds more than 64 KiB"),
    ] {
        run(&home, &["key", "move", "--to", "passphrase"], input).is("", &error(why), 1);
    }
    assert_eq!(state(&home)["source"], "key-file");
    // Eight characters may be more bytes, and blanks belong to it.
    run(
        &home,
        &["key", "move", "--to", "passphrase"],
        " \u{e4}\u{f6}\u{fc}\u{df}\u{2603}. \r\n",
    )
    .succeeds();
    run(&home, &["lock"], "").succeeds();
    run(&home, &["unlock"], "\u{e4}\u{f6}\u{fc}\u{df}\u{2603}.").fails();
    run(&home, &["unlock"], " \u{e4}\u{f6}\u{fc}\u{df}\u{2603}. ").succeeds();
}

#[test]
fn what_is_written_wrongly_is_refused_and_not_repeated() {
    let home = stored();
    let secret = "hunter2-canary";
    let usage = |words: &[&str]| {
        let said = run(&home, words, "");
        assert!(
            !said.stdout.contains(secret) && !said.stderr.contains(secret),
            "{said:?}"
        );
        said
    };
    let sources = error("--to: is keyring, key-file, environment or passphrase");
    let beside = |command: &str, option: &str| {
        error(&format!(
            "{command}: takes nothing beside {option}; a passphrase goes to standard input"
        ))
    };
    let (moving, unlocking) = (beside("key move", "--to"), beside("unlock", "--for"));
    let locking = error("lock: takes nothing; others can see what is on a command line");
    let status = error("key status: takes nothing beside --json; others can see what is on a command line");
    let key = error("key: takes move or status; see docker-credential-scoped key --help");
    let length = error("--for: write a length as in 8h, 30min or 2d, of 30d at most");
    for (words, said) in [
        (vec!["key", "move", "--to", secret], &sources),
        (vec!["key", "move", "--to", "Keyring"], &sources),
        (vec!["key", "move", "--to", ""], &sources),
        (vec!["key", "move", "--to", "passphrase", secret], &moving),
        (vec!["key", "move", "--to", "keyring", "key-file"], &moving),
        (vec!["key", "status", secret], &status),
        (vec!["key", "status", "--json", secret], &status),
        (vec!["key", secret], &key),
        (vec!["key", secret, "--to", "keyring"], &key),
        (vec!["key", "burn"], &key),
        (vec!["lock", secret], &locking),
        (vec!["lock", "--", secret], &locking),
        (vec!["unlock", secret], &unlocking),
        (vec!["unlock", "--", secret], &unlocking),
        (vec!["unlock", "--for", secret], &length),
        (vec!["unlock", "--for", "31d"], &length),
        (vec!["unlock", "--for", "0h"], &length),
        (vec!["unlock", "--for", "8"], &length),
        (vec!["unlock", "--for", "2027-01-31"], &length),
        (vec!["unlock", "--for", ""], &length),
    ] {
        usage(&words).is("", said, 1);
    }
    for (words, said) in [
        (vec!["key"], "Usage: docker-credential-scoped key <COMMAND>"),
        (vec!["key", "move"], "--to <SOURCE>"),
        (
            vec!["key", "move", "--to"],
            "a value is required for '--to <SOURCE>'",
        ),
        (vec!["key", "status", "--yaml"], "unexpected argument '--yaml'"),
        (
            vec!["unlock", "--for"],
            "a value is required for '--for <LENGTH>'",
        ),
        (
            vec!["unlock", "--passphrase=hunter2-canary"],
            "unexpected argument '--passphrase'",
        ),
        (vec!["lock", "--all"], "unexpected argument '--all'"),
    ] {
        let outcome = usage(&words);
        assert_eq!(
            (outcome.stdout.as_str(), outcome.code),
            ("", Some(2)),
            "{outcome:?}"
        );
        assert!(outcome.stderr.contains(said), "{outcome:?}");
    }
    assert_eq!(state(&home)["source"], "key-file");
    opens(&home);
}

#[test]
fn settings_that_cannot_be_read_move_no_key() {
    let home = stored();
    let before = fs::read(home.data().join("key")).unwrap();
    let path = home.write(SETTINGS, "{ \"keyFile\": \"relative\" }");
    for words in [
        ["key", "move", "--to", "key-file"].as_slice(),
        &["key", "move", "--to", "passphrase"],
        &["key", "status"],
        &["unlock"],
    ] {
        let said = run(&home, words, PASSPHRASE);
        assert!(
            said.stderr
                .starts_with(&format!("docker-credential-scoped: {}", path.display()))
                && said.stderr.contains("keyFile: is not an absolute path"),
            "{said:?}"
        );
        said.fails();
    }
    assert_eq!(fs::read(home.data().join("key")).unwrap(), before);
    fs::remove_file(path).unwrap();
    opens(&home);
}

#[test]
fn settings_that_cannot_be_read_leave_no_key_open_that_is_locked() {
    let home = sealed();
    let path = home.write(SETTINGS, "{ \"keyFile\": \"relative\" }");
    let said = run(&home, &["lock"], "");
    assert!(
        said.stderr.contains("keyFile: is not an absolute path"),
        "{said:?}"
    );
    assert_eq!(
        (said.stdout.as_str(), said.code),
        ("Locked: the key rests no more.\n", Some(1))
    );
    fs::remove_file(path).unwrap();
    get(&home).is(&format!("{LOCKED}\n"), "", 1);
}

#[test]
fn a_key_goes_into_the_environment_when_it_is_there_already() {
    let home = stored();
    let key = digits(&home);
    let to_environment = ["key", "move", "--to", "environment"];
    let not_set = error(&format!(
        "{VARIABLE} is not set, and has to hold the key before it can live there; key move --to key-file makes a file whose \
         line is the key"
    ));
    run(&home, &to_environment, "").is("", &not_set, 1);
    run_with(&home, "", &to_environment, "").is("", &not_set, 1);
    let no_key = error(&format!(
        "{VARIABLE}: is not a key (64 hexadecimal digits); put the key back"
    ));
    run_with(&home, "no key", &to_environment, "").is("", &no_key, 1);
    let another = "00".repeat(32);
    let is_another = format!(
        "{VARIABLE}: is another key than the one the credentials here are sealed with; put that one back"
    );
    run_with(&home, &another, &to_environment, "").is("", &error(&is_another), 1);
    opens(&home);
    run_with(&home, &format!(" {key}\n"), &to_environment, "").is(
        &format!(
            "Moved the key from key-file to environment: it is in the environment variable {VARIABLE}; 1 credential opens \
             with it.\n"
        ),
        "",
        0,
    );
    run_with(&home, &key, &["get"], "h").is(&found("h", "u", "s"), "", 0);
    assert!(home.files_with("u", &key).is_empty());
    run_with(&home, &key, &["key", "status"], "").is(
        &format!("source  environment\nplace   {VARIABLE}\nopened  whenever it is needed; it cannot be locked there\n"),
        "",
        0,
    );
    run(&home, &["unlock"], "").is(
        &format!("The key is in the environment variable {VARIABLE}: nothing needs unlocking.\n"),
        "",
        0,
    );
    get(&home).is(
        &format!("the key is in the environment, and {VARIABLE} is not set; set it\n"),
        "",
        1,
    );
    run_with(&home, &another, &["get"], "h").is(&format!("{is_another}\n"), "", 1);
    run(&home, &["lock"], "").is(
        "",
        &format!(
            "the key is in the environment variable {VARIABLE}, where it cannot be locked; move it where it can: \
             docker-credential-scoped key move --to keyring, or --to passphrase\n"
        ),
        1,
    );
    // The way back, with what cannot be taken away from here.
    run_with(&home, &key, &["key", "move", "--to", "key-file"], "").is(
        &format!(
            "Moved the key from environment to key-file: it is in the key file {}; 1 credential opens with it.\n",
            key_path(&home)
        ),
        &format!("{VARIABLE} still holds the key; take it out where it is set\n"),
        0,
    );
    opens(&home);
}

#[test]
fn a_key_goes_into_the_file_that_the_settings_name() {
    let home = stored();
    let key = digits(&home);
    let path = declare_key_file(&home, Some(&"00".repeat(32)));
    let to_file = ["key", "move", "--to", "key-file"];
    let occupied = format!(
        "{path}: holds another key than the one the credentials here are sealed with, and is left as it is; name another, \
         or move it away"
    );
    run(&home, &to_file, "").is("", &error(&occupied), 1);
    fs::remove_file(&path).unwrap();
    run(&home, &to_file, "").is(
        &format!("The key is in the key file {path}; 1 credential opens with it.\n"),
        "",
        0,
    );
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), key);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    opens(&home);
    assert_eq!(state(&home)["place"], json!(path));
    // A file that somebody has mounted is his to take away.
    let to_passphrase = ["key", "move", "--to", "passphrase"];
    run(&home, &to_passphrase, PASSPHRASE).is(
        &format!(
            "Moved the key from key-file to passphrase: it is in {}, sealed with a passphrase; 1 credential opens with \
             it.\n",
            key_path(&home)
        ),
        &format!("{path} still holds the key; remove it, and keyFile from settings.json\n"),
        0,
    );
    run(&home, &to_file, "").succeeds();
    // What is not there is said, and not made anew.
    fs::remove_file(&path).unwrap();
    let missing = format!("{path}: the key file that settings.json names is not there; bring it back\n");
    get(&home).is(&missing, "", 1);
    fs::write(&path, format!(" {key} \n\n")).unwrap();
    opens(&home);
    fs::write(&path, "00".repeat(32)).unwrap();
    let is_another = format!(
        "{path}: is another key than the one the credentials here are sealed with; put that one back\n"
    );
    get(&home).is(&is_another, "", 1);
    home.write(SETTINGS, "{}");
    let unnamed = "the key is in the key file of settings.json, which names none; put keyFile back into it\n";
    get(&home).is(unnamed, "", 1);
}

#[test]
fn the_first_credential_takes_the_key_that_somebody_has_set() {
    let key = "0123456789abcdef".repeat(4);
    let home = Home::new();
    let path = declare_key_file(&home, Some(&key));
    Helper::of(&home).store("h", "u", "s");
    assert_eq!(
        state(&home),
        json!({ "source": "key-file", "place": path, "restsUntil": null, "isMoving": false })
    );
    assert!(
        !fs::read_to_string(home.data().join("key"))
            .unwrap()
            .contains(&key)
    );
    opens(&home);
    let home = Home::new();
    run_with(&home, &key, &["store"], &support::helper::message("h", "u", "s")).succeeds();
    assert_eq!(state(&home)["source"], "environment");
    run_with(&home, &key, &["get"], "h").is(&found("h", "u", "s"), "", 0);
}

/// Writes down that the key is elsewhere.
fn record(home: &Home, record: &Value) {
    let path = home.data().join("key");
    fs::write(&path, format!("{record}\n")).unwrap();
}

#[test]
fn a_key_in_a_keyring_that_nobody_can_reach_is_told_and_not_lost() {
    let home = stored();
    let key = digits(&home);
    let (id, check) = ("0".repeat(32), "1".repeat(32));
    record(
        &home,
        &json!({ "format": 1, "source": "keyring", "id": id, "check": check }),
    );
    run(&home, &["key", "status"], "").is(
        "source  keyring\nplace   the OS keyring\nopened  no; the next that needs it asks the OS keyring, and \
         docker-credential-scoped unlock may have that ask you\n",
        "",
        0,
    );
    run(&home, &["lock"], "").is(
        "The key does not rest, and there is nothing to lock; the OS keyring gives it out without a question while that \
         is open itself.\n",
        "",
        0,
    );
    let unreached = "the key is in the OS keyring, and there is no session bus here to reach it by \
                     (DBUS_SESSION_BUS_ADDRESS); try again in the session that it belongs to";
    run(&home, &["unlock"], "").is("", &error(unreached), 1);
    for source in ["key-file", "keyring"] {
        run(&home, &["key", "move", "--to", source], "").is("", &error(unreached), 1);
    }
    let to_passphrase = ["key", "move", "--to", "passphrase"];
    run(&home, &to_passphrase, PASSPHRASE).is("", &error(unreached), 1);
    if terminal::has_terminals() {
        // Nobody is asked in vain.
        let words = [[HELPER].as_slice(), &to_passphrase].concat();
        terminal::typed(&home, "", &words).is(&error(unreached), "", 1);
    }
    get(&home).is(&format!("{unreached}\n"), "", 1);
    run(&home, &["status"], "").is(
        &format!(
            "SERVER  PROFILE  ACCOUNT  KIND              HANDS OUT  LAST USED  EXPIRES  SECRET  ALLOWED\n\
             h       default  -        cannot be opened  -          -          -        -       -\n{unreached}\n\
             The key is in the OS keyring.\n"
        ),
        "",
        0,
    );
    fs::write(home.data().join("key"), key).unwrap();
    opens(&home);
}

/// Who unlocks has looked before where the key is, and it was under a passphrase then.
#[test]
fn a_key_that_goes_into_the_keyring_while_its_passphrase_is_typed_is_told() {
    let home = stored();
    let (id, check) = ("0".repeat(32), "1".repeat(32));
    record(
        &home,
        &json!({ "format": 1, "source": "keyring", "id": id, "check": check }),
    );
    let store = CredentialStore::at(Some(Location::new(home.data(), &home.path())));
    let passphrase = Secret::new(PASSPHRASE.to_owned());
    let refused = store.unlock(Unlocking::Passphrase(&passphrase), Duration::HOUR);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the key is in the keyring, and no passphrase opens it there; unlock it without one"
    );
}

#[test]
fn no_keyring_takes_a_key_where_there_is_none() {
    let home = stored();
    run(&home, &["key", "move", "--to", "keyring"], "").is(
        "",
        &error(
            "the OS keyring cannot be given the key: there is no session bus here to reach it by \
             (DBUS_SESSION_BUS_ADDRESS); try again in the session that it belongs to",
        ),
        1,
    );
    assert_eq!(state(&home)["isMoving"], json!(false));
    opens(&home);
}

#[test]
fn what_an_interrupted_move_may_have_left_is_said() {
    let home = stored();
    let journal = home.data().join("key.moving");
    let id = "0".repeat(32);
    fs::write(&journal, format!("{id}\n")).unwrap();
    fs::set_permissions(&journal, Permissions::from_mode(0o600)).unwrap();
    let what = format!(
        "the OS keyring may still hold a key that is not used any more (service docker-credential-scoped, username {id})"
    );
    let mend = "the next key move tries to remove it, as docker-credential-scoped key move --to key-file";
    let said = run(&home, &["key", "status"], "").succeeds();
    assert_eq!(said.stderr, format!("{what}; {mend}\n"));
    let said = run(&home, &["key", "status", "--json"], "").succeeds();
    let shown: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(shown["isMoving"], json!(true));
    let said = run(&home, &["doctor"], "").stdout;
    assert!(
        said.contains(&format!("\nnote   {what}\n       mend: {mend}\n")),
        "{said}"
    );
    opens(&home);
    // What a move that runs now is busy with is not left over yet.
    let locks = home.data().join("locks");
    if !locks.exists() {
        fs::create_dir(&locks).unwrap();
        fs::set_permissions(&locks, Permissions::from_mode(0o700)).unwrap();
    }
    let turn = fs::File::create(locks.join("key")).unwrap();
    turn.lock().unwrap();
    assert_eq!(run(&home, &["key", "status"], "").succeeds().stderr, "");
    drop(turn);
    assert_ne!(run(&home, &["key", "status"], "").succeeds().stderr, "");
    // The one that is in use is not left over, whatever is written down.
    record(
        &home,
        &json!({ "format": 1, "source": "keyring", "id": id, "check": "1".repeat(32) }),
    );
    assert_eq!(run(&home, &["key", "status"], "").succeeds().stderr, "");
}

#[test]
fn what_a_newer_version_wrote_of_the_key_is_left_as_it_is() {
    let home = stored();
    let path = key_path(&home);
    let far_more = "1".repeat(60_000);
    let written = json!({ "format": 2, "source": "moon", "check": far_more });
    record(&home, &written);
    let newer = format!("{path}: was written by a newer version of this program; update this one");
    for words in [
        ["key", "status"].as_slice(),
        &["unlock"],
        &["lock"],
        &["key", "move", "--to", "key-file"],
        &["key", "move", "--to", "passphrase"],
    ] {
        run(&home, words, PASSPHRASE).is("", &error(&newer), 1);
    }
    get(&home).is(&format!("{newer}\n"), "", 1);
    let message = support::helper::message("other", "u", "s");
    run(&home, &["store"], &message).is(&format!("{newer}\n"), "", 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{written}\n"));
}

#[test]
fn what_did_not_open_before_is_said_and_stops_no_move() {
    let home = stored();
    Helper::of(&home).store("damaged", "u", "s");
    home.damage("damaged");
    let said = run(&home, &["key", "move", "--to", "passphrase"], PASSPHRASE);
    assert!(
        said.stdout.ends_with("; 1 credential opens with it.\n"),
        "{said:?}"
    );
    let slot = home.slots().join("damaged@default");
    assert!(
        said.stderr.starts_with(&format!(
            "damaged: did not open before, and does not now: {}: ",
            slot.display()
        )),
        "{said:?}"
    );
    said.succeeds();
    opens(&home);
}

#[test]
fn a_first_key_can_be_made_where_it_is_wanted() {
    let home = Home::new();
    run(&home, &["key", "move", "--to", "passphrase"], PASSPHRASE).is(
        &format!(
            "Made a key: it is in {}, sealed with a passphrase; nothing is sealed with it yet.\n",
            key_path(&home)
        ),
        "",
        0,
    );
    Helper::of(&home).store("h", "u", "s");
    run(&home, &["lock"], "").succeeds();
    get(&home).is(&format!("{LOCKED}\n"), "", 1);
    run(&home, &["unlock"], PASSPHRASE).succeeds();
    opens(&home);
}

#[test]
fn without_a_runtime_directory_no_key_goes_under_a_passphrase() {
    let home = stored();
    let refused = error(
        "a passphrase is of no use here: there is no runtime directory that is yours alone, where the key could rest \
         opened; set XDG_RUNTIME_DIR to one, or move the key to keyring, key-file or environment",
    );
    let words = ["key", "move", "--to", "passphrase"];
    let mut moving = home.command(HELPER);
    moving.args(words).env_remove("XDG_RUNTIME_DIR");
    Outcome::of(&mut moving, PASSPHRASE.as_bytes()).is("", &refused, 1);
    if terminal::has_terminals() {
        // Nobody is asked in vain.
        let words = [["env", "--unset=XDG_RUNTIME_DIR", HELPER].as_slice(), &words].concat();
        terminal::typed(&home, "", &words).is(&refused, "", 1);
    }
    assert_eq!(state(&home)["source"], "key-file");
    opens(&home);
}

#[test]
fn without_a_runtime_directory_a_passphrase_is_of_no_use_and_can_be_taken_back() {
    let home = locked();
    let run = |words: &[&str], input: &str| {
        let mut command = home.command(HELPER);
        command.args(words).env_remove("XDG_RUNTIME_DIR");
        Outcome::of(&mut command, input.as_bytes())
    };
    run(&["unlock"], PASSPHRASE).is("", NO_REST, 1);
    let no_use = "the key is locked with a passphrase, and there is no runtime directory that is yours alone, where it \
                  could rest opened; set XDG_RUNTIME_DIR to one, or take the passphrase back: docker-credential-scoped \
                  key move --to key-file";
    run(&["get"], "h").is(&format!("{no_use}\n"), "", 1);
    let said = run(&["doctor"], "").stdout;
    let (what, mend) = no_use.rsplit_once("; ").unwrap();
    assert!(
        said.contains(what) && said.contains(mend) && !said.contains("unlock"),
        "{said}"
    );
    run(&["key", "status"], "").is(
        &format!(
            "source  passphrase\nplace   {}\nopened  no; {NO_REST}",
            key_path(&home)
        ),
        "",
        0,
    );
    run(&["key", "move", "--to", "key-file"], PASSPHRASE).succeeds();
    run(&["get"], "h").is(&found("h", "u", "s"), "", 0);
}

#[test]
fn the_key_is_kept_from_the_commands_that_are_run() {
    let home = Home::new();
    let key = "0123456789abcdef".repeat(4);
    let print = home.write("print", "#!/bin/sh\nenv >env\necho secret\n");
    fs::set_permissions(&print, Permissions::from_mode(0o755)).unwrap();
    run_with(
        &home,
        &key,
        &[
            "add",
            "h",
            "--username",
            "u",
            "--from",
            "command",
            "--",
            print.to_str().unwrap(),
        ],
        "",
    )
    .succeeds();
    run_with(&home, &key, &["get"], "h").is(&found("h", "u", "secret"), "", 0);
    let environment = fs::read_to_string(home.path().join("env")).unwrap();
    assert!(
        environment.contains("HOME=") && !environment.contains(&key),
        "{environment}"
    );
}

#[test]
fn another_passphrase_is_no_reason_to_rest_longer() {
    let home = locked();
    run(&home, &["unlock", "--for", "30min"], PASSPHRASE).succeeds();
    let both = format!("{PASSPHRASE}\nanother passphrase");
    run(&home, &["key", "move", "--to", "passphrase"], &both).succeeds();
    rests_for(&home, Duration::minutes(30));
    run(&home, &["lock"], "").succeeds();
    run(&home, &["unlock"], "another passphrase").succeeds();
    rests_for(&home, Duration::hours(8));
}

#[test]
fn a_key_is_locked_even_where_others_can_look() {
    let home = sealed();
    let keys = home.runtime().join("docker-credential-scoped/keys");
    fs::set_permissions(&keys, Permissions::from_mode(0o755)).unwrap();
    let told = run(&home, &["lock"], "");
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.stderr.contains(&keys.display().to_string()), "{told:?}");
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 0);
}

#[test]
fn a_key_that_others_could_read_or_write_where_it_rests_is_not_used_and_removed() {
    for mode in [0o640, 0o604, 0o620, 0o602] {
        let home = sealed();
        let keys = home.runtime().join("docker-credential-scoped/keys");
        let rested = fs::read_dir(&keys).unwrap().next().unwrap().unwrap().path();
        opens(&home);
        fs::set_permissions(&rested, Permissions::from_mode(mode)).unwrap();
        assert_eq!(get(&home).code, Some(1), "{mode:o}");
        assert!(!rested.exists(), "{mode:o}");
    }
}

#[test]
fn where_a_key_would_rest_is_not_known_without_a_runtime_directory() {
    let user = rustix::process::geteuid().as_raw();
    if fs::exists(format!("/run/user/{user}")).unwrap() {
        return;
    }
    let home = sealed();
    let mut command = home.command(HELPER);
    let told = Outcome::of(command.arg("lock").env_remove("XDG_RUNTIME_DIR"), b"");
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(
        told.stderr.contains("cannot be told whether the key rests"),
        "{told:?}"
    );
    opens(&home);
}

#[test]
fn a_key_whose_time_is_over_is_removed_when_another_rests() {
    let home = sealed();
    let keys = home.runtime().join("docker-credential-scoped/keys");
    let old = keys.join("0123456789abcdef".repeat(2));
    fs::write(&old, "x").unwrap();
    let file = fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    run(&home, &["unlock"], PASSPHRASE).succeeds();
    assert!(!old.exists());
    opens(&home);
}

#[test]
fn a_key_that_is_open_all_the_time_rests_nowhere_any_more() {
    let home = sealed();
    assert_eq!(rested(&home).len(), 1);
    run(&home, &["key", "move", "--to", "key-file"], "").succeeds();
    assert!(rested(&home).is_empty());
    opens(&home);
}

#[test]
fn a_move_leaves_nothing_of_the_key_that_a_killed_process_staged() {
    let home = stored();
    let staged = home.data().join("staging/new-x");
    fs::write(&staged, digits(&home) + "\n").unwrap();
    let other = home.data().join("staging/new-y");
    fs::write(&other, "a slot that is being written").unwrap();
    run(&home, &["key", "move", "--to", "passphrase"], PASSPHRASE).succeeds();
    assert!(!staged.exists() && other.exists());
}
