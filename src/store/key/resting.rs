//! Resting: an opened key in a private file of the runtime directory, for a time. It is in memory there, and gone with
//! the session.
//!
//! The file has the name of what the key is known by: the key, and since when it rests. Its modification time is until
//! when.

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::places::KeyPlaces;
use super::record::check_of;
use crate::files::{FileError, PrivateDirectory};
use crate::seal::{KEY_BYTES, Key};

const DIRECTORY: &str = "keys";
const FILE_BYTES: u64 = 40;

/// How far a clock may have been put back. By more than that, and how long the key has rested is not known.
const CLOCK_SLACK: time::Duration = time::Duration::minutes(1);

/// A key that rests, and until when.
pub(super) struct Rested {
    pub(super) key: Key,
    pub(super) until: OffsetDateTime,
}

/// The key that is known by this, if it rests and may still. What may not is removed.
pub(super) fn read(check: &str, places: &KeyPlaces) -> Option<Rested> {
    let keys = (places.runtime)()?.open().ok()??.open_below(DIRECTORY).ok()??;
    let rested = read_in(&keys, check, places.now);
    if let Some(None) = rested {
        // What cannot be removed is not used all the same.
        let _ = keys.remove(check);
    }
    rested.flatten()
}

/// `None` where there is no file, and none in it where it is not to be used.
fn read_in(keys: &PrivateDirectory, check: &str, now: OffsetDateTime) -> Option<Option<Rested>> {
    let file = match keys.read(check, FILE_BYTES) {
        Ok(file) => file?,
        Err(_) => return Some(None),
    };
    let bytes = Zeroizing::new(file.bytes);
    let rested = || {
        let (key, since) = bytes.split_first_chunk::<KEY_BYTES>()?;
        let since = i64::from_be_bytes(since.try_into().ok()?);
        let since = OffsetDateTime::from_unix_timestamp(since).ok()?;
        let until = file.modified;
        let key = Key::from_bytes(*key);
        let is_good = file.is_closed_to_others
            && now.checked_add(CLOCK_SLACK)? >= since
            && now < until
            && check_of(&key) == check;
        is_good.then_some(Rested { key, until })
    };
    Some(rested())
}

/// Lays a key to rest; `None` where there is no runtime directory.
pub(super) fn rest(
    key: &Key,
    places: &KeyPlaces,
    duration: time::Duration,
) -> Result<Option<OffsetDateTime>, FileError> {
    let Some(location) = (places.runtime)() else {
        return Ok(None);
    };
    let runtime = location.create()?;
    let keys = runtime.create_below(DIRECTORY)?;
    let staging = runtime.create_below("staging")?;
    let now = places.now.unix_timestamp();
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + size_of::<i64>()));
    bytes.extend_from_slice(key.bytes());
    bytes.extend_from_slice(&now.to_be_bytes());
    // In whole seconds, as a person is told it and every file system keeps it.
    let until = now.saturating_add(duration.whole_seconds());
    let until = OffsetDateTime::from_unix_timestamp(until).unwrap_or(places.now);
    keys.replace_dated(&check_of(key), &bytes, until, &staging)?;
    Ok(Some(until))
}

/// Takes the key that is known by this from where it rests; says whether one did.
pub(super) fn remove(check: &str, places: &KeyPlaces) -> Result<bool, FileError> {
    let Some(runtime) = (places.runtime)()
        .map(|location| location.open())
        .transpose()?
        .flatten()
    else {
        return Ok(false);
    };
    match runtime.open_below(DIRECTORY)? {
        Some(keys) => keys.remove(check),
        None => Ok(false),
    }
}
