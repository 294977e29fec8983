//! Key: a random one for the cache where no credential is stored and so no key is. Knows nothing of what is sealed.
//!
//! It lies in the runtime directory beside what it seals and keeps nothing from who can read that; it keeps the
//! tokens out of what is copied, printed or searched, and is gone with the directory when the user logs out.

use zeroize::Zeroizing;

use crate::files::{Location, PrivateDirectory};
use crate::seal::{KEY_BYTES, Key};

const NAME: &str = "key";

/// The key in this directory; `None` when there is none.
#[must_use]
pub fn read_key(location: &Location) -> Option<Key> {
    read(&location.open().ok()??)
}

/// The key in this directory, made when there is none; `None` when none can be kept there.
#[must_use]
pub fn make_key(location: &Location) -> Option<Key> {
    if let Some(key) = read_key(location) {
        return Some(key);
    }
    let directory = location.create().ok()?;
    let staging = directory.create_below("staging").ok()?;
    let key = Key::random().ok()?;
    if directory.create_new(NAME, key.bytes(), &staging).ok()? {
        return Some(key);
    }
    // Another process was faster, or what is there is no key: then nothing it sealed can be opened any more, and
    // the tokens are asked for again.
    read(&directory).or_else(|| {
        directory.replace(NAME, key.bytes(), &staging).ok()?;
        Some(key)
    })
}

fn read(directory: &PrivateDirectory) -> Option<Key> {
    let file = directory.read(NAME, KEY_BYTES as u64).ok()??;
    let bytes = Zeroizing::new(file.bytes);
    // One that others could read or write is none.
    if !file.is_closed_to_others {
        return None;
    }
    let bytes = Zeroizing::new(<[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok()?);
    Some(Key::from_bytes(*bytes))
}
