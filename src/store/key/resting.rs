//! Resting: an opened key in a private file of the runtime directory, for a time. It is in memory there, and gone with
//! the session.
//!
//! The file has the name of what the key is known by: the key, and since when it rests. Its modification time is until
//! when.

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::places::KeyPlaces;
use super::record::{check_of, is_id};
use crate::files::{FileError, Location, PrivateDirectory, PrivateFile};
use crate::seal::{KEY_BYTES, Key};

const DIRECTORY: &str = "keys";

/// Where a key is written before it rests, apart from all else that is written: what was killed meanwhile has left it
/// there, and `lock` takes all of it away.
const STAGING: &str = "new-keys";

const FILE_BYTES: u64 = 40;

/// How far a clock may have been put back. By more than that, and how long the key has rested is not known.
const CLOCK_SLACK: time::Duration = time::Duration::minutes(1);

/// How long a key rests at most. What says more was not laid down by us.
const LONGEST: time::Duration = time::Duration::days(30);

/// A key that rests, and until when.
pub(super) struct Rested {
    pub(super) key: Key,
    pub(super) until: OffsetDateTime,
}

/// What is found where a key rests.
enum Found {
    Rested(Rested),
    /// What is not to be there any more.
    Unfit,
    /// Nothing, or it cannot be told.
    Nothing,
}

/// The key that is known by this, if it rests and may still. What may not is removed.
pub(super) fn read(check: &str, places: &KeyPlaces) -> Option<Rested> {
    let keys = (places.runtime)()
        .ok()??
        .open()
        .ok()??
        .open_below(DIRECTORY)
        .ok()??;
    match find(check, &keys, places.now) {
        Found::Rested(rested) => Some(rested),
        Found::Unfit => {
            // What cannot be removed is not used all the same.
            let _ = keys.remove(check);
            None
        }
        Found::Nothing => None,
    }
}

fn find(check: &str, keys: &PrivateDirectory, now: OffsetDateTime) -> Found {
    match keys.read(check, FILE_BYTES) {
        Ok(Some(PrivateFile {
            bytes,
            modified,
            is_closed_to_others,
            ..
        })) => {
            let bytes = Zeroizing::new(bytes);
            match read_content(&bytes, modified, check, now) {
                Some(rested) if is_closed_to_others => Found::Rested(rested),
                Some(_) | None => Found::Unfit,
            }
        }
        Err(FileError::Unfit { .. }) => Found::Unfit,
        // The system may have no room for one more open file at the moment.
        Ok(None) | Err(FileError::Io { .. }) => Found::Nothing,
    }
}

/// The key, if it is the one that is known by this, and its time has begun and is not over.
fn read_content(bytes: &[u8], until: OffsetDateTime, check: &str, now: OffsetDateTime) -> Option<Rested> {
    let (key, since) = bytes.split_first_chunk::<KEY_BYTES>()?;
    let since = i64::from_be_bytes(since.try_into().ok()?);
    let since = OffsetDateTime::from_unix_timestamp(since).ok()?;
    let key = Key::from_bytes(*key);
    let is_good = now.checked_add(CLOCK_SLACK)? >= since
        && now < until
        && until - since <= LONGEST
        && check_of(&key) == check;
    is_good.then_some(Rested { key, until })
}

/// Lays a key to rest; `None` where there is no runtime directory.
pub(super) fn rest(
    key: &Key,
    places: &KeyPlaces,
    duration: time::Duration,
) -> Result<Option<OffsetDateTime>, FileError> {
    let Some(location) = (places.runtime)()? else {
        return Ok(None);
    };
    let runtime = location.create()?;
    let keys = runtime.create_below(DIRECTORY)?;
    let staging = runtime.create_below(STAGING)?;
    let now = places.now.unix_timestamp();
    let bytes = content_of(key, now);
    // In whole seconds, as a person is told it and every file system keeps it.
    let until = now.saturating_add(duration.whole_seconds());
    let until = OffsetDateTime::from_unix_timestamp(until).unwrap_or(places.now);
    let check = check_of(key);
    keys.replace_dated(&check, &bytes, until, &staging)?;
    staging.sweep(places.now);
    sweep(&keys, &check, places.now);
    Ok(Some(until))
}

fn content_of(key: &Key, since: i64) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + size_of::<i64>()));
    bytes.extend_from_slice(key.bytes());
    bytes.extend_from_slice(&since.to_be_bytes());
    bytes
}

/// Removes what rests of other keys and has done so for its time.
fn sweep(keys: &PrivateDirectory, check: &str, now: OffsetDateTime) {
    for name in keys.names().unwrap_or_default() {
        if let Some(name) = name.to_str()
            && is_id(name)
            && name != check
            && keys.modified(name).is_some_and(|until| until <= now)
        {
            // Another process may have been faster.
            let _ = keys.remove(name);
        }
    }
}

/// Takes the key that is known by this from wherever it rests; says whether one did, or `None` where it is not known
/// where one would.
pub(super) fn remove(check: &str, places: &KeyPlaces) -> Result<Option<bool>, FileError> {
    // Where one place cannot be looked at, the other is cleared all the same.
    let found = [(places.runtime)(), (places.session)()].map(|location| {
        location.and_then(|location| location.map(|location| remove_at(&location, check)).transpose())
    });
    let mut did_rest = None;
    for found in found {
        did_rest = did_rest.max(found?);
    }
    Ok(did_rest)
}

fn remove_at(location: &Location, check: &str) -> Result<bool, FileError> {
    let Some(runtime) = location.open()? else {
        return Ok(false);
    };
    let did_rest = runtime.remove_in(DIRECTORY, check);
    // A key that was just being laid down is one that does not rest, too.
    runtime.remove_below(STAGING)?;
    did_rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_rests_from_when_it_was_laid_down_until_its_time_is_over() {
        let key = Key::from_bytes([7; 32]);
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let (content, check) = (content_of(&key, 1_000), check_of(&key));
        let rests = |now| {
            read_content(&content, at(2_000), &check, at(now))
                .is_some_and(|rested| rested.key.bytes() == key.bytes() && rested.until == at(2_000))
        };
        assert!(rests(1_000) && rests(1_999));
        assert!(!rests(2_000) && !rests(9_000), "its time is over");
        assert!(rests(940), "a clock is put right by seconds");
        assert!(!rests(939), "how long it has rested is not known");
        let month = 1_000 + 30 * 24 * 60 * 60;
        let rests_until = |until| read_content(&content, at(until), &check, at(1_000)).is_some();
        assert!(rests_until(month) && !rests_until(month + 1));
    }

    #[test]
    fn what_is_cut_short_or_another_key_does_not_rest() {
        let key = Key::from_bytes([7; 32]);
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let (content, check) = (content_of(&key, 0), check_of(&key));
        let rests = |content: &[u8], check: &str| read_content(content, at(9), check, at(1)).is_some();
        assert!(rests(&content, &check));
        assert!(!rests(&content, &check_of(&Key::from_bytes([8; 32]))));
        for length in 0..content.len() {
            assert!(!rests(&content[..length], &check), "{length}");
        }
        assert!(!rests(&[&content[..], b"x"].concat(), &check));
    }
}
