//! Every bit of every file that is written here turned, and each file cut short at every length: what cannot be read is
//! said to be damaged, or forgotten where it can be had again. Nobody is ever given another secret than was stored, or
//! told that nothing was, and nothing else is touched.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where it errs"
)]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use docker_credential_scoped::activity_log::{Action, ActivityLog, Event};
use docker_credential_scoped::credential::{KeptSecret, Profile};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::{Registry, ServerUrl};
use docker_credential_scoped::store::{CredentialStore, KEY_VARIABLE, KeyPlaces, Slot, TokenServers};
use docker_credential_scoped::token_cache::{TokenCache, make_key, read_key};
use serde_json::json;
use support::fixture::answer::Answer;
use support::helper::{Helper, MISS, ask, found, message};
use support::home::{HELPER, Home};
use support::key::{forget, rested};
use support::outcome::Outcome;
use support::rounds::rounds;
use support::scene::Scene;
use support::token_cache::{Place, Want, at};
use time::OffsetDateTime;

/// A file of at most so many bytes is turned bit by bit in the short rounds too; of a larger one every so many bits.
const SMALL: usize = 200;

/// What the file may become: cut to each length, and with each bit turned.
fn spoilt(file: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let stride = if file.len() <= SMALL || rounds(0, 1) == 1 {
        1
    } else {
        7
    };
    spoilt_every(file, stride)
}

fn spoilt_every(file: &[u8], stride: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let cut = (0..file.len())
        .step_by(stride)
        .map(|length| (format!("cut to {length}"), file[..length].to_vec()));
    let turned = (0..file.len() * 8).step_by(stride).map(|bit| {
        let mut turned = file.to_vec();
        turned[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), turned)
    });
    cut.chain(turned)
}

/// Writes each, and puts the file back with the time that it had.
fn each_of(path: &Path, mut look: impl FnMut(&str)) {
    let good = fs::read(path).expect("a file");
    let modified = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .expect("a time");
    let put = |bytes: &[u8]| {
        fs::write(path, bytes).expect("a file");
        File::open(path)
            .and_then(|file| file.set_modified(modified))
            .expect("a file");
    };
    let mut count = 0;
    for (what, bytes) in spoilt(&good) {
        put(&bytes);
        look(&what);
        // What is of no use may have been removed; what is left was not written to.
        assert!(
            fs::read(path).is_ok_and(|left| left == bytes) || !path.exists(),
            "{what}"
        );
        fs::remove_file(path)
            .or_else(|error| if path.exists() { Err(error) } else { Ok(()) })
            .expect("a file");
        let new = File::options()
            .write(true)
            .create_new(true)
            .open(path)
            .expect("a file");
        close(&new);
        put(&good);
        count += 1;
    }
    assert!(count >= 9 * good.len() / 7, "{count}");
}

fn close(file: &File) {
    use std::os::unix::fs::PermissionsExt as _;

    file.set_permissions(fs::Permissions::from_mode(0o600))
        .expect("a file of ours");
}

fn two() -> Home {
    let home = Home::new();
    for (server, secret) in [("h", "secret-of-h"), ("other", "secret-of-other")] {
        ask(&home, "store", &message(server, "u", secret)).is("", "", 0);
    }
    home
}

/// Where keys rest, for the test of this process.
static RUNTIME: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();

/// The key in the variable, for the test of this process.
static VARIABLE: OnceLock<String> = OnceLock::new();

fn store(home: &Home) -> CredentialStore {
    CredentialStore::at(Some(Location::new(home.data(), &home.path()))).with_key_places(KeyPlaces {
        key_file: || Ok(None),
        variable: &|name| {
            let set = VARIABLE.get().filter(|_| name == KEY_VARIABLE)?;
            Some(set.into())
        },
        runtime: || {
            let Some((runtime, home)) = RUNTIME.get() else {
                return Ok(None);
            };
            let runtime = Location::of_cache(runtime.clone(), home).open()?;
            Ok(runtime.map(|runtime| runtime.location_below(HELPER)))
        },
        session: || Ok(None),
        now: OffsetDateTime::now_utc(),
    })
}

/// The secret of a server; nothing is an answer of its own.
fn secret(home: &Home, server: &str) -> Result<Option<String>, String> {
    let url: ServerUrl = server.parse().expect("a server");
    let held = store(home).get(&Slot::new(url.server().clone(), Profile::default()));
    match held.map_err(|error| error.to_string())? {
        None => Ok(None),
        Some(held) => match held.credential.secret {
            KeptSecret::Here(secret) => Ok(Some(secret.expose().to_owned())),
            KeptSecret::Elsewhere(_) => Err("elsewhere".to_owned()),
        },
    }
}

/// It is the secret that was stored, or it is said why not.
#[track_caller]
fn is_right_or_an_error(home: &Home, server: &str, what: &str) {
    if let Ok(found) = secret(home, server) {
        assert_eq!(found, Some(format!("secret-of-{server}")), "{what}");
    }
}

#[test]
fn a_spoilt_slot_is_an_error_of_its_own_and_costs_no_other() {
    let home = two();
    each_of(&home.slots().join("h@default"), |what| {
        let why = secret(&home, "h").expect_err(what);
        assert!(
            why.contains("is damaged")
                || why.contains("newer version")
                || why.contains("not a file of this program"),
            "{what}: {why}"
        );
        assert_eq!(
            secret(&home, "other"),
            Ok(Some("secret-of-other".to_owned())),
            "{what}"
        );
    });
    assert_eq!(secret(&home, "h"), Ok(Some("secret-of-h".to_owned())));
}

#[test]
fn with_a_spoilt_key_nothing_is_absent_and_nothing_another() {
    let home = two();
    each_of(&home.data().join("key"), |what| {
        is_right_or_an_error(&home, "h", what);
        is_right_or_an_error(&home, "other", what);
    });
}

#[test]
fn with_a_spoilt_record_of_a_key_nothing_is_absent_and_nothing_another() {
    let home = two();
    let digits = fs::read_to_string(home.data().join("key")).expect("a key");
    let digits = VARIABLE.get_or_init(|| digits.trim().to_owned());
    let mut command = home.command(HELPER);
    command
        .args(["key", "move", "--to", "environment"])
        .env(KEY_VARIABLE, digits);
    Outcome::of(&mut command, b"").succeeds();
    assert_eq!(secret(&home, "h"), Ok(Some("secret-of-h".to_owned())));
    each_of(&home.data().join("key"), |what| {
        is_right_or_an_error(&home, "h", what);
    });
}

/// A home whose key is under a passphrase, and rests opened.
fn sealed() -> Home {
    let home = two();
    let mut command = home.command(HELPER);
    command.args(["key", "move", "--to", "passphrase"]);
    Outcome::of(&mut command, b"correct horse battery staple\n").succeeds();
    RUNTIME.get_or_init(|| (home.runtime(), home.path()));
    assert_eq!(secret(&home, "h"), Ok(Some("secret-of-h".to_owned())));
    home
}

#[test]
fn with_a_spoilt_record_of_a_passphrase_nothing_is_absent_and_nothing_another() {
    let home = sealed();
    each_of(&home.data().join("key"), |what| {
        is_right_or_an_error(&home, "h", what);
    });
}

#[test]
fn a_spoilt_key_that_rests_is_locked_and_never_another() {
    let home = sealed();
    let resting = rested(&home).pop().expect("a key that rests");
    each_of(&resting, |what| is_right_or_an_error(&home, "h", what));
    forget(&home);
    let why = secret(&home, "h").expect_err("locked");
    assert!(why.contains("locked"), "{why}");
}

#[test]
fn a_spoilt_token_is_none() {
    let place = Place::new();
    let want = Want::new("s", "a/b");
    want.obtain(&place.cache(), 0, "token");
    assert_eq!(want.look_up(&place.cache(), 0).as_deref(), Some("token"));
    let [entry] = place.entries().try_into().expect("one entry");
    each_of(&entry, |what| {
        assert_eq!(want.look_up(&place.cache(), 0), None, "{what}");
    });
    assert_eq!(want.look_up(&place.cache(), 0).as_deref(), Some("token"));
}

#[test]
fn with_a_spoilt_key_of_the_cache_every_token_is_none() {
    let place = Place::new();
    let location = || Location::of_cache(place.path(), Path::new("/nowhere"));
    make_key(&location()).expect("a key");
    let cache = || TokenCache::new(Some(location()), read_key(&location()));
    let want = Want::new("s", "a/b");
    want.obtain(&cache(), 0, "token");
    assert_eq!(want.look_up(&cache(), 0).as_deref(), Some("token"));
    each_of(&place.path().join("key"), |what| {
        assert_eq!(want.look_up(&cache(), 0), None, "{what}");
    });
    assert_eq!(want.look_up(&cache(), 0).as_deref(), Some("token"));
}

#[test]
fn a_spoilt_record_of_a_registry_is_an_error_or_read_and_never_absent() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t", "expires_in": 3600 })));
    scene.token(&["--pull", "a/b"]).succeeds();
    let path = support::scene::record(&scene.home, &scene.fixture.address());
    let url: ServerUrl = scene.fixture.address().parse().expect("a server");
    let registry: Registry = url.server().registry().expect("a registry").clone();
    each_of(&path, |what| {
        let records = TokenServers::at(Some(Location::new(scene.home.data(), &scene.home.path())));
        assert!(!matches!(records.get(&registry), Ok(None)), "{what}");
    });
}

#[test]
fn a_spoilt_line_of_the_log_costs_itself_and_one_beside_it_at_most() {
    let home = Home::new();
    let log = || ActivityLog::new(Some(Location::new(home.data(), &home.path())));
    let event = |number: i64| Event {
        time: docker_credential_scoped::command::rfc3339(at(number)),
        action: Action::HandOut,
        server: format!("host-{number}"),
        profile: "default".to_owned(),
        account: Some("u".to_owned()),
        scope: None,
        granted: None,
        caller: None,
    };
    for number in 0..4 {
        log().record(|| event(number));
    }
    let lines = |log: &ActivityLog| log.since(OffsetDateTime::UNIX_EPOCH).expect("a log");
    assert_eq!(lines(&log()), [0, 1, 2, 3].map(event));
    each_of(&home.data().join("activity.jsonl"), |what| {
        let read = lines(&log());
        let right = (0..4).filter(|number| read.contains(&event(*number))).count();
        assert!(what.starts_with("cut") || right >= 2, "{what}: {read:?}");
    });
}

#[test]
fn a_spoilt_record_of_what_was_configured_harms_no_configuration() {
    let home = Home::new();
    let config = home.write(".docker/config.json", "{\"auths\": {}, \"n\": 1e400}");
    let run = |words: &[&str]| Outcome::of(home.command(HELPER).args(words), b"");
    run(&["configure"]).succeeds();
    let set = fs::read_to_string(&config).expect("a configuration");
    let record = home.data().join("configured.json");
    let good = fs::read(&record).expect("a record");
    for (what, bytes) in spoilt_every(&good, if rounds(0, 1) == 1 { 3 } else { 41 }) {
        fs::write(&record, bytes).expect("a record");
        let undone = run(&["configure", "--undo"]);
        assert!(matches!(undone.code, Some(0 | 1)), "{what}: {undone:?}");
        let left = fs::read_to_string(&config).expect("a configuration");
        assert!(
            left.contains("\"auths\": {}") && left.contains("\"n\": 1e400"),
            "{what}: {left}"
        );
        fs::write(&config, &set).expect("a configuration");
    }
}

/// As processes, for what is between the reading and the answer.
#[test]
fn a_process_answers_as_the_rooms_do_whatever_file_is_spoilt() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t", "expires_in": 3600 }))).with_password();
    let (home, server) = (&scene.home, scene.fixture.address());
    ask(home, "store", &message("h", "u", "secret-of-h")).is("", "", 0);
    home.write(
        ".config/docker-credential-scoped/settings.json",
        "{\"activityLog\": true}",
    );
    scene.token(&["--pull", "a/b"]).is("t\n", "", 0);
    let mut left = std::collections::BTreeMap::new();
    for directory in [home.data(), home.runtime()] {
        left.extend(support::key::files(&directory));
    }
    assert!(left.len() >= 5, "{:?}", left.keys());
    let modified = SystemTime::now() + Duration::from_secs(3000);
    for (path, good) in left {
        for (what, bytes) in spoilt_every(&good, if rounds(0, 1) == 1 { 29 } else { good.len() * 2 + 1 }) {
            fs::write(&path, bytes).expect("a file");
            let what = format!("{}, {what}", path.display());
            let got = ask(home, "get", "h");
            assert!(
                got.stdout == found("h", "u", "secret-of-h") || got.code == Some(1),
                "{what}: {got:?}"
            );
            assert!(got.stdout != MISS && got.stderr.is_empty(), "{what}: {got:?}");
            let token = scene.token(&["--pull", "a/b"]);
            assert!(
                token.stdout == "t\n" || token.code == Some(1),
                "{what}: {token:?}"
            );
            let is_of_cache = path.starts_with(home.runtime());
            assert!(!is_of_cache || token.stdout == "t\n", "{what}: {token:?}");
            Helper::of(home).ask("list", "");
            if path.parent().is_some_and(Path::is_dir) {
                fs::write(&path, &good).expect("a file");
                if is_of_cache {
                    File::open(&path)
                        .and_then(|file| file.set_modified(modified))
                        .expect("a file");
                }
            }
        }
    }
    assert_eq!(
        scene.stored().as_deref(),
        Some(support::scene::PASSWORD),
        "{server}"
    );
}
