//! Any bytes as what the store has written down of its key, as a key that rests and as the journal of a move: an error, or
//! the one key that opens what is there; never another, and none of it is changed by looking.

#![no_main]

#[path = "private.rs"]
mod private;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::{fs, time::SystemTime};

use docker_credential_scoped::credential::Profile;
use docker_credential_scoped::files::Location;
use docker_credential_scoped::protocol::docker::StoreMessage;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::seal::{self, Key};
use docker_credential_scoped::store::{CredentialStore, KeyPlaces, Slot};
use libfuzzer_sys::fuzz_target;
use time::{Duration, OffsetDateTime};

const CONTENT: &str = r#"{"server_url":"h","account":"u","secret":"s","kind":"password","created":0,"origin":"client"}"#;

struct Place {
    root: PathBuf,
    rested: PathBuf,
    slot: Slot,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let message = StoreMessage::read(br#"{"ServerURL":"h","Username":"u","Secret":"s"}"#).expect("a message");
    let url: ServerUrl = message.server_url;
    let slot = Slot::new(url.server().clone(), Profile::default());
    let root = private::directory("key-record");
    let directory = private::location(&root).create().expect("a directory");
    let slots = directory.create_below("slots").expect("a directory");
    let staging = directory.create_below("staging").expect("a directory");
    let sealed = seal::seal(&Key::from_bytes([7; 32]), &slot.file_name(), CONTENT.as_bytes()).expect("random bytes");
    slots.replace(&slot.file_name(), &sealed, &staging).expect("a file");
    directory.replace("key", b"", &staging).expect("a file");
    directory.replace("key.moving", b"", &staging).expect("a file");
    let keys = runtime().create().and_then(|runtime| runtime.create_below("keys")).expect("a directory");
    let check = Key::from_bytes([7; 32]).fingerprint(&[b"key"]);
    let rested = keys.path().join(check.get(..32).unwrap_or(&check));
    keys.replace(rested.file_name().and_then(|name| name.to_str()).expect("a name"), b"", &staging).expect("a file");
    Place { root, rested, slot }
});

static RUNTIME: LazyLock<PathBuf> = LazyLock::new(|| private::directory("key-record-run"));

fn runtime() -> Location {
    private::location(&RUNTIME)
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
}

fuzz_target!(|bytes: &[u8]| {
    // A byte that is in no text between the three.
    let mut parts = bytes.splitn(3, |byte| *byte == 0xff);
    let [record, rested, journal] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let place = &*PLACE;
    let files = [
        (place.root.join("key"), record),
        (place.root.join("key.moving"), journal),
        (place.rested.clone(), rested),
    ];
    for (path, bytes) in &files {
        fs::write(path, bytes).expect("a file");
    }
    let until: SystemTime = (now() + Duration::HOUR).into();
    fs::File::options().write(true).open(&place.rested).and_then(|file| file.set_modified(until)).expect("a file");
    let places = KeyPlaces {
        key_file: || Ok(None),
        variable: &|_| None,
        runtime: || Ok(Some(runtime())),
        session: || Ok(None),
        now: now(),
    };
    let store = CredentialStore::at(Some(private::location(&place.root))).with_key_places(places).asking_nobody();
    let state = store.key_state();
    if let Ok(Some(state)) = &state {
        assert!(state.left_over.iter().all(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
    if let Ok(held) = store.get(&place.slot) {
        let held = held.expect("a slot");
        assert_eq!(held.credential.account, "u");
        // The key stands in one of the two.
        let is_embedded = record.trim_ascii().eq_ignore_ascii_case("07".repeat(32).as_bytes());
        assert!(is_embedded || rested.starts_with(&[7; 32]));
    }
    for (path, bytes) in &files[..2] {
        assert_eq!(fs::read(path).expect("a file"), *bytes);
    }
    if !place.rested.exists() {
        fs::write(&place.rested, b"").expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&place.rested, mode).expect("a file of ours");
    }
});
