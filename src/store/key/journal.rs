//! Journal: the entries of the keyring that may be left over. An entry is written down here before it is made, and its
//! key lives there only once the record says so; who is ended in between leaves one that nobody would ever find.

use std::path::PathBuf;
use std::time::Duration;

use super::error::KeyError;
use super::keyring::{self, KeyringProblem, Patience};
use super::record::{Place, Record, is_id, new_id};
use crate::files::{FileError, Lock, PrivateDirectory};
use crate::seal::Key;

const NAME: &str = "key.moving";
const MAX_BYTES: u64 = 16 * 1024;

/// A move takes milliseconds, but where a person is asked; who moves the key at that time is told so.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// An entry that may be left over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    id: String,
    /// Whether it was the key's home. Where it is not found then, it is in another keyring, and not gone.
    is_old_home: bool,
}

/// What stands behind the id of an old home.
const OLD_HOME: &str = " old";

impl Left {
    fn read(line: &str) -> Option<Self> {
        let old = line.strip_suffix(OLD_HOME);
        let id = old.unwrap_or(line);
        is_id(id).then(|| Self {
            id: id.to_owned(),
            is_old_home: old.is_some(),
        })
    }

    fn line(&self) -> String {
        let old = if self.is_old_home { OLD_HOME } else { "" };
        format!("{}{old}\n", self.id)
    }
}

/// Waits for the turn to write into it, which lasts until what is written down is settled: what one process is about to
/// use is not left over, and another would remove it. `None` where nobody can be waited for, or `is_settled` says that
/// there is nothing to wait for any more.
pub(super) fn turn(
    root: &PrivateDirectory,
    patience: Duration,
    is_settled: impl FnMut() -> bool,
) -> Result<Option<Lock>, FileError> {
    Ok(root.create_below("locks")?.lock("key", patience, is_settled))
}

/// Makes an entry for a key, and gives its id, which stays written down until it is settled.
pub(super) fn put_entry(
    key: &Key,
    patience: Patience,
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
) -> Result<String, KeyError> {
    let id = new_id()?;
    add(root, staging, &id, false)?;
    let Err(problem) = keyring::put(&id, key, patience) else {
        return Ok(id);
    };
    // It may be there all the same. Who does not answer now does not answer this either, and it stays written down.
    let is_gone = match problem {
        KeyringProblem::NoBus | KeyringProblem::NoService => true,
        KeyringProblem::Silent | KeyringProblem::Prompt => false,
        _ => keyring::remove(&id, Patience::quiet()).is_ok(),
    };
    if is_gone {
        let _ = settle(root, staging, &[&id]);
    }
    Err(KeyError::KeyringTakesNone(problem))
}

/// What may be left over. What is no id is none.
fn read(root: &PrivateDirectory) -> Result<Vec<Left>, FileError> {
    let Some(file) = root.read(NAME, MAX_BYTES)? else {
        return Ok(Vec::new());
    };
    let lines = file.bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| str::from_utf8(line).ok())
        .filter_map(Left::read)
        .collect())
}

/// The ids of the entries that may be left over; none where that cannot be told. The one in use is not, nor what
/// somebody is busy with now.
pub(super) fn left_over(root: &PrivateDirectory, record: &Record) -> Vec<String> {
    let all = read(root).unwrap_or_default();
    let ids: Vec<_> = all
        .into_iter()
        .map(|left| left.id)
        .filter(|id| !is_in_use(record, id))
        .collect();
    if !ids.is_empty() && is_turn_taken(root) {
        return Vec::new();
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

/// Where it is written down.
pub(super) fn path_in(root: &PrivateDirectory) -> PathBuf {
    root.path().join(NAME)
}

/// Writes down that this may be left over, too.
pub(super) fn add(
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
    id: &str,
    is_old_home: bool,
) -> Result<(), FileError> {
    let mut all = read(root)?;
    all.retain(|left| left.id != id);
    all.push(Left {
        id: id.to_owned(),
        is_old_home,
    });
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
    all.retain(|left| !ids.contains(&left.id.as_str()));
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
    let patience = Patience::quiet();
    for Left { id, is_old_home } in read(root)? {
        let is_settled = record.is_some_and(|record| is_in_use(record, &id))
            || if is_old_home {
                remove_old_home(&id, patience, root, staging)? == Ok(true)
            } else {
                keyring::remove(&id, patience).is_ok()
            };
        if is_settled {
            settle(root, staging, &[&id])?;
        }
    }
    Ok(())
}

/// Removes an entry that was the key's home from the keyring; says whether there was one. That it is in this keyring is
/// written down first: who is ended in between could else not tell that it is gone from that it is in another.
pub(super) fn remove_old_home(
    id: &str,
    patience: Patience,
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
) -> Result<Result<bool, KeyringProblem>, FileError> {
    let is_here = keyring::is_there(id, patience);
    if is_here != Ok(true) {
        return Ok(is_here);
    }
    add(root, staging, id, false)?;
    let removed = keyring::remove(id, patience);
    if removed.is_err() {
        add(root, staging, id, true)?;
    }
    Ok(removed)
}

fn is_in_use(record: &Record, id: &str) -> bool {
    match record {
        Record::Elsewhere(elsewhere) => {
            matches!(&elsewhere.place, Place::Keyring { id: used } if used == id)
        }
        Record::Embedded(_) => false,
    }
}

fn write(root: &PrivateDirectory, staging: &PrivateDirectory, all: &[Left]) -> Result<(), FileError> {
    if all.is_empty() {
        return root.remove(NAME).map(drop);
    }
    let text: String = all.iter().map(Left::line).collect();
    root.replace(NAME, text.as_bytes(), staging)
}

#[cfg(test)]
mod tests {
    use super::super::record::Elsewhere;
    use super::*;

    #[test]
    fn what_is_written_of_an_entry_is_read_as_that_entry_and_nothing_else_is_one() {
        let id = "09af".repeat(8);
        for is_old_home in [false, true] {
            let left = Left {
                id: id.clone(),
                is_old_home,
            };
            assert_eq!(left.line().strip_suffix('\n').and_then(Left::read), Some(left));
        }
        for line in [
            "",
            " old",
            &"0".repeat(31),
            &format!("{id} new"),
            &format!("{id} old old"),
            &"../a".repeat(8),
        ] {
            assert_eq!(Left::read(line), None, "{line}");
        }
    }

    #[test]
    fn an_entry_is_in_use_where_the_record_names_it() {
        let (key, id) = (Key::from_bytes([7; 32]), "0".repeat(32));
        let of = |place| Record::Elsewhere(Elsewhere::of(&key, place));
        let keyring = of(Place::Keyring { id: id.clone() });
        assert!(is_in_use(&keyring, &id) && !is_in_use(&keyring, &"1".repeat(32)));
        for record in [
            of(Place::Environment),
            of(Place::KeyFile),
            Record::Embedded(key.clone()),
        ] {
            assert!(!is_in_use(&record, &id));
        }
    }
}
