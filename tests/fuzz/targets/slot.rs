//! Any bytes as a file of the store, and any content in one that is sealed as it should be: an error, or a credential that
//! is kept and read again as it is; never another one, and what does not open is never overwritten.

#![no_main]

#[path = "private.rs"]
mod private;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use docker_credential_scoped::credential::{Credential, Profile};
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::seal::{self, Key};
use docker_credential_scoped::store::{CredentialStore, Put, Slot};
use libfuzzer_sys::fuzz_target;
use time::OffsetDateTime;

struct Place {
    root: PathBuf,
    file: PathBuf,
    slot: Slot,
    other: Slot,
}

fn slot(server: &str) -> Slot {
    let url: ServerUrl = server.parse().expect("a server");
    Slot::new(url.server().clone(), Profile::default())
}

fn key() -> Key {
    Key::from_bytes([7; 32])
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let root = private::directory("slot");
    let directory = private::location(&root).create().expect("a directory");
    let slots = directory.create_below("slots").expect("a directory");
    let staging = directory.create_below("staging").expect("a directory");
    let digits: String = key().bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    directory.replace("key", format!("{digits}\n").as_bytes(), &staging).expect("a key");
    let slot = slot("h");
    slots.replace(&slot.file_name(), b"", &staging).expect("a file");
    let file = slots.path().join(slot.file_name());
    Place { root, file, slot, other: self::slot("other") }
});

fn same(one: &Credential, other: &Credential) -> bool {
    one.server_url.as_str() == other.server_url.as_str()
        && one.account == other.account
        && one.secret.is_same_as(&other.secret)
        && (one.kind, &one.token_id, &one.allowed) == (other.kind, &other.token_id, &other.allowed)
        && (one.expires, one.created, one.origin) == (other.expires, other.created, other.origin)
}

fuzz_target!(|content: &[u8]| {
    let Place { root, file, slot, other } = &*PLACE;
    let store = || CredentialStore::at(Some(private::location(root)));
    // Nobody without the key makes a file that opens.
    fs::write(file, content).expect("a file");
    assert!(store().get(slot).is_err());

    let sealed = seal::seal(&key(), &slot.file_name(), content).expect("random bytes");
    fs::write(file, &sealed).expect("a file");
    let store = store();
    let Ok(held) = store.get(slot) else {
        assert!(store.entries().is_ok_and(|all| all.iter().all(|entry| entry.held.is_err())));
        return;
    };
    let credential = held.expect("a file").credential;
    // In another slot it opens no more than anything else.
    let elsewhere = file.with_file_name(other.file_name());
    fs::copy(file, &elsewhere).expect("a file");
    assert!(store.get(other).is_err());
    fs::remove_file(&elsewhere).expect("a file");
    assert!(matches!(store.put(other, &credential, now()), Ok(Put::New)));
    let again = store.get(other).expect("what was kept").expect("what was kept").credential;
    assert!(same(&credential, &again));
    assert!(store.remove(other).is_ok_and(|removed| removed));
});
