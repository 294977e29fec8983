//! Journal: the entries of the keyring that may be left over. An entry is written down here before it is made, and its
//! key lives there only once the record says so; who is ended in between leaves one that nobody would ever find.

use std::time::Duration;

use super::keyring::{self, Patience};
use super::record::{Place, Record, is_id};
use crate::files::{FileError, Lock, PrivateDirectory};

const NAME: &str = "key.moving";
const MAX_BYTES: u64 = 16 * 1024;

/// A move takes milliseconds, but where a person is asked; who moves the key at that time is told so.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for the turn to write into it, which lasts until what is written down is settled: what one process is about to
/// use is not left over, and another would remove it. `None` where nobody can be waited for, or `is_settled` says that
/// there is nothing to wait for any more.
pub(super) fn turn(
    root: &PrivateDirectory,
    is_settled: impl FnMut() -> bool,
) -> Result<Option<Lock>, FileError> {
    Ok(root.create_below("locks")?.lock("key", PATIENCE, is_settled))
}

/// The ids of the entries. What is no id is none.
pub(super) fn read(root: &PrivateDirectory) -> Result<Vec<String>, FileError> {
    let Some(file) = root.read(NAME, MAX_BYTES)? else {
        return Ok(Vec::new());
    };
    let lines = file.bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| str::from_utf8(line).ok())
        .filter(|line| is_id(line))
        .map(str::to_owned)
        .collect())
}

/// The ids of the entries that may be left over; none where that cannot be told. The one in use is not, nor what
/// somebody is busy with now.
pub(super) fn left_over(root: &PrivateDirectory, record: &Record) -> Vec<String> {
    let mut ids = read(root).unwrap_or_default();
    ids.retain(|id| !is_in_use(record, id));
    if !ids.is_empty() && is_turn_taken(root) {
        ids.clear();
    }
    ids
}

/// Whether another process has its turn now. Where locks do not work nobody knows.
fn is_turn_taken(root: &PrivateDirectory) -> bool {
    let Ok(Some(locks)) = root.open_below("locks") else {
        return false;
    };
    let mut is_taken = false;
    drop(locks.lock("key", Duration::ZERO, || {
        is_taken = true;
        true
    }));
    is_taken
}

/// Whether anything may be left over.
pub(super) fn is_there(root: &PrivateDirectory) -> bool {
    root.modified(NAME).is_some()
}

/// Writes down that these may be left over, too.
pub(super) fn add(
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
    ids: &[&str],
) -> Result<(), FileError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut all = read(root)?;
    for id in ids {
        if !all.iter().any(|known| known == id) {
            all.push((*id).to_owned());
        }
    }
    write(root, staging, &all)
}

/// These are not left over.
pub(super) fn settle(
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
    ids: &[&str],
) -> Result<(), FileError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut all = read(root)?;
    all.retain(|known| !ids.contains(&known.as_str()));
    write(root, staging, &all)
}

/// Removes what is left over from the keyring. What cannot be removed now stays written down.
pub(super) fn sweep(
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
    record: Option<&Record>,
) -> Result<(), FileError> {
    if !is_there(root) {
        return Ok(());
    }
    let mut all = read(root)?;
    let patience = Patience::quiet();
    all.retain(|id| {
        if record.is_some_and(|record| is_in_use(record, id)) {
            return false;
        }
        keyring::remove(id, patience).is_err()
    });
    write(root, staging, &all)
}

fn is_in_use(record: &Record, id: &str) -> bool {
    match record {
        Record::Elsewhere(elsewhere) => {
            matches!(&elsewhere.place, Place::Keyring { id: used } if used == id)
        }
        Record::Embedded(_) => false,
    }
}

fn write(root: &PrivateDirectory, staging: &PrivateDirectory, ids: &[String]) -> Result<(), FileError> {
    if ids.is_empty() {
        return root.remove(NAME).map(drop);
    }
    root.replace(NAME, (ids.join("\n") + "\n").as_bytes(), staging)
}
