//! Files as version 0.1.0 writes them, which each later version has to read; and files as a newer one might write them,
//! which are left as they are.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test stops where it errs"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use docker_credential_scoped::activity_log::{Action, ActivityLog};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::seal::{self, Key};
use docker_credential_scoped::store::TokenServers;
use docker_credential_scoped::token_cache::{TokenCache, read_key};
use support::helper::{Helper, ask, found, message};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::token_cache::Want;
use time::OffsetDateTime;

const SERVER: &str = "registry.example.com";
const SECRET: &str = "secret-of-0.1.0";
const PASSPHRASE: &[u8] = b"correct horse battery staple\n";
const NEWER: &str = "was written by a newer version of this program; update this one";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0")
}

/// A home with what was written then, closed to others again: git does not keep that.
fn home() -> Home {
    let home = Home::new();
    lay_out("data", &home.data());
    home
}

fn lay_out(part: &str, to: &Path) {
    fs::create_dir_all(to.parent().expect("a directory above")).expect("a directory");
    let mut copy = Command::new("cp");
    copy.arg("-rT").arg(fixture().join(part)).arg(to);
    Outcome::of(&mut copy, b"").succeeds();
    close(to);
}

fn close(path: &Path) {
    let is_directory = path.is_dir();
    fs::set_permissions(
        path,
        Permissions::from_mode(if is_directory { 0o700 } else { 0o600 }),
    )
    .expect("a file of ours");
    if is_directory {
        for entry in fs::read_dir(path).expect("a directory") {
            close(&entry.expect("an entry").path());
        }
    }
}

/// Puts another record of where the key is in place of the key.
fn with_key(home: &Home, record: &str) -> String {
    let key = fs::read_to_string(home.data().join("key")).expect("a key");
    let record = fs::read(fixture().join("keys").join(record)).expect("a record");
    fs::write(home.data().join("key"), record).expect("a key");
    key.trim().to_owned()
}

#[track_caller]
fn opens(home: &Home) {
    ask(home, "get", SERVER).is(&found(SERVER, "anna", SECRET), "", 0);
}

#[test]
fn slots_and_their_key_are_read() {
    let home = home();
    opens(&home);
    home.link_helper("docker-credential-scoped-ci");
    let held = Helper::for_profile(&home, "ci")
        .get("ghcr.io/acme")
        .expect("a credential");
    assert_eq!(
        (held.username.as_str(), held.secret.as_str()),
        ("bot", "ghp_of-0.1.0")
    );
    let status = Outcome::of(home.command(HELPER).arg("status"), b"")
        .succeeds()
        .stdout;
    for part in ["ghcr.io/acme", "repository:acme/*:pull", "2099-01-01", SERVER] {
        assert!(status.contains(part), "{part}: {status}");
    }
    // And replaced, as what is written now.
    ask(&home, "store", &message(SERVER, "anna", "new")).is("", "", 0);
    ask(&home, "get", SERVER).is(&found(SERVER, "anna", "new"), "", 0);
}

#[test]
fn each_record_of_a_key_is_read() {
    let home = home();
    let digits = with_key(&home, "environment");
    let get = |key: &str| {
        let mut command = home.command(HELPER);
        command.arg("get").env("DOCKER_CREDENTIAL_SCOPED_KEY", key);
        Outcome::of(&mut command, SERVER.as_bytes())
    };
    get(&digits).is(&found(SERVER, "anna", SECRET), "", 0);
    get("").fails();
    with_key(&home, "passphrase");
    Outcome::of(home.command(HELPER).arg("unlock"), PASSPHRASE).succeeds();
    opens(&home);
    with_key(&home, "key-file");
    let file = home.path().join("named");
    fs::write(&file, digits + "\n").expect("a key file");
    close(&file);
    let settings = serde_json::json!({ "keyFile": file });
    home.write(
        ".config/docker-credential-scoped/settings.json",
        &settings.to_string(),
    );
    opens(&home);
}

#[test]
fn a_token_and_the_key_of_its_cache_are_read() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("cache");
    lay_out("cache", &path);
    let location = || Location::of_cache(path.clone(), Path::new("/nowhere"));
    let cache = TokenCache::new(Some(location()), read_key(&location()));
    assert_eq!(
        Want::new("s", "a/b").look_up(&cache, 10).as_deref(),
        Some("token-of-0.1.0")
    );
}

#[test]
fn what_is_recorded_of_a_registry_and_what_was_done_is_read() {
    let home = home();
    let location = || Some(Location::new(home.data(), &home.path()));
    let url: ServerUrl = SERVER.parse().expect("a server");
    let recorded = TokenServers::at(location()).get(url.server().registry().expect("a registry"));
    let recorded = recorded.expect("a record").expect("a record");
    let recorded = serde_json::to_value(recorded).expect("JSON");
    let expected = serde_json::json!({ "realm": "https://auth.example.com/token", "service": SERVER });
    assert_eq!(recorded, expected);
    let events = ActivityLog::new(location())
        .since(OffsetDateTime::UNIX_EPOCH)
        .expect("a log");
    let actions: Vec<_> = events
        .iter()
        .map(|event| (event.action, event.server.as_str()))
        .collect();
    assert_eq!(actions, [(Action::Store, SERVER), (Action::Add, "ghcr.io/acme")]);
}

#[test]
fn what_was_configured_is_undone() {
    let home = home();
    let config = home.write(
        ".docker/config.json",
        "{\n\t\"auths\": {},\n\t\"credsStore\": \"scoped\"\n}",
    );
    let record = home.data().join("configured.json");
    let text = fs::read_to_string(&record).expect("a record");
    assert!(text.contains("/home/of-0.1.0/"), "{text}");
    fs::write(
        &record,
        text.replace("/home/of-0.1.0", home.path().to_str().expect("UTF-8")),
    )
    .expect("a record");
    Outcome::of(home.command(HELPER).args(["configure", "--undo"]), b"").succeeds();
    let left = fs::read_to_string(config).expect("a configuration");
    assert_eq!(left, "{\n\t\"auths\": {},\n\t\"credsStore\": \"desktop\"\n}");
}

/// Changes the file, and what is held for the server is then refused for this reason, and the file left alone.
#[track_caller]
fn is_left_alone(home: &Home, file: &Path, bytes: &[u8], why: &str) {
    fs::write(file, bytes).expect("a file");
    for (verb, input) in [
        ("get", SERVER.to_owned()),
        ("store", message(SERVER, "anna", "new")),
    ] {
        let outcome = ask(home, verb, &input).fails();
        assert!(outcome.stdout.contains(why), "{outcome:?}");
    }
    assert!(
        fs::read(file).is_ok_and(|left| left == bytes),
        "{}",
        file.display()
    );
}

#[test]
fn a_slot_that_a_newer_version_wrote_is_refused_and_left() {
    let home = home();
    let slot = home.slots().join("registry.example.com@default");
    let good = fs::read(&slot).expect("a slot");
    let newer = [b"docker-credential-scoped 2\n", good.get(27..).expect("a slot")].concat();
    is_left_alone(&home, &slot, &newer, NEWER);
    // One that opens and says more than is understood, too: it may be a limit.
    let key = fs::read_to_string(home.data().join("key")).expect("a key");
    let digits = |number: usize| key.get(2 * number..2 * number + 2).expect("digits");
    let key = Key::from_bytes(std::array::from_fn(|number| {
        u8::from_str_radix(digits(number), 16).expect("a digit")
    }));
    let content = seal::open(&key, "registry.example.com@default", &good).expect("content");
    let content = String::from_utf8(content.to_vec()).expect("a text");
    let more = content.replacen('{', "{\"only_from\":\"10.0.0.0/8\",", 1);
    let newer = seal::seal(&key, "registry.example.com@default", more.as_bytes()).expect("a slot");
    is_left_alone(&home, &slot, &newer, NEWER);
    fs::write(&slot, good).expect("a slot");
    opens(&home);
}

#[test]
fn a_record_of_a_key_that_a_newer_version_wrote_is_refused_and_left() {
    let home = home();
    let (key, record) = (home.data().join("key"), fixture().join("keys/passphrase"));
    let record = fs::read_to_string(record).expect("a record");
    for newer in [
        record.replace("\"format\":1", "\"format\":2"),
        record.replace("\"source\":\"passphrase\"", "\"source\":\"tpm\""),
        record.replacen('{', "{\"pepper\":\"x\",", 1),
    ] {
        assert_ne!(newer, record);
        is_left_alone(&home, &key, newer.as_bytes(), "newer version");
    }
}

#[test]
fn a_token_that_a_newer_version_kept_is_ignored_and_replaced() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("cache");
    lay_out("cache", &path);
    let location = || Location::of_cache(path.clone(), Path::new("/nowhere"));
    let cache = || TokenCache::new(Some(location()), read_key(&location()));
    let entry = support::token_cache::files_below(&path.join("tokens"))
        .pop()
        .expect("an entry");
    let good = fs::read(&entry).expect("an entry");
    let newer = [b"docker-credential-scoped 2\n", good.get(27..).expect("an entry")].concat();
    fs::write(&entry, newer).expect("an entry");
    let want = Want::new("s", "a/b");
    assert_eq!(want.look_up(&cache(), 10), None);
    assert_eq!(want.obtain(&cache(), 10, "another"), ("another".to_owned(), true));
    assert_eq!(want.look_up(&cache(), 10).as_deref(), Some("another"));
}
