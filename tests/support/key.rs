//! Where a home's key is, as its files show it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::home::Home;

/// The record of where the key is; null where the key itself is in its place.
pub(crate) fn record(home: &Home) -> Value {
    serde_json::from_slice(&key(home)).unwrap_or_default()
}

/// The word for the kind of place the key is in.
pub(crate) fn source(home: &Home) -> String {
    let key = key(home);
    let digits = key.strip_suffix(b"\n").unwrap_or(&key);
    if digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit) {
        return "key-file".to_owned();
    }
    record(home)["source"].as_str().expect("a source").to_owned()
}

fn key(home: &Home) -> Vec<u8> {
    fs::read(home.data().join("key")).expect("a key, or where it is")
}

/// The keys that rest opened.
pub(crate) fn rested(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(resting_place(home)).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// Has no key rest any more, as after logging out.
pub(crate) fn forget(home: &Home) {
    let keys = resting_place(home);
    if keys.exists() {
        fs::remove_dir_all(keys).expect("a directory");
    }
}

/// Where opened keys rest.
pub(crate) fn resting_place(home: &Home) -> PathBuf {
    home.runtime().join("docker-credential-scoped/keys")
}

/// Every file below a directory, and what is in it; all but what is only locked.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("an entry").file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() && !directory.ends_with("locks") {
            found.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    found
}
