//! First: the key of a store that has none yet, and the place that is chosen for it. It is chosen once, and written down.

use super::environment;
use super::error::KeyError;
use super::journal;
use super::key_file::NamedKeyFile;
use super::keyring::{self, KeyringProblem, Patience};
use super::opening::{Keys, REST};
use super::places::KeyPlaces;
use super::record::{Elsewhere, NAME, Place, Record, new_id};
use super::resting;
use crate::files::PrivateDirectory;
use crate::seal::Key;

impl Keys {
    /// Makes the key, unless another process is faster; it is then that one's.
    pub(in crate::store) fn make(
        &self,
        root: &PrivateDirectory,
        staging: &PrivateDirectory,
    ) -> Result<(), KeyError> {
        let Some(places) = &self.places else {
            return write_down(&Record::Embedded(Key::random()?), root, staging).map(drop);
        };
        // Who has said where the key is has meant it: nothing else is taken in its place.
        if let Some(file) = NamedKeyFile::of(places, root) {
            let key = file.read()?.ok_or_else(|| KeyError::KeyFileNotMade {
                path: file.path.clone(),
            })?;
            let record = Record::Elsewhere(Elsewhere::of(&key, Place::KeyFile));
            return write_down(&record, root, staging).map(drop);
        }
        if let Some(key) = environment::read(places)? {
            let record = Record::Elsewhere(Elsewhere::of(&key, Place::Environment));
            return write_down(&record, root, staging).map(drop);
        }
        let patience = Patience::quiet();
        if keyring::is_ready(patience).is_ok() && self.make_in_keyring(places, patience, root, staging)? {
            return Ok(());
        }
        write_down(&Record::Embedded(Key::random()?), root, staging).map(drop)
    }

    /// Says whether there is a key now.
    fn make_in_keyring(
        &self,
        places: &KeyPlaces,
        patience: Patience,
        root: &PrivateDirectory,
        staging: &PrivateDirectory,
    ) -> Result<bool, KeyError> {
        let is_made = || Record::read(root).is_ok_and(|record| record.is_some());
        let Some(_turn) = journal::turn(root, is_made)? else {
            return Ok(false);
        };
        if is_made() {
            return Ok(true);
        }
        let Some((key, id)) = make_entry(patience, root, staging)? else {
            return Ok(false);
        };
        let record = Record::Elsewhere(Elsewhere::of(&key, Place::Keyring { id: id.clone() }));
        let is_ours = write_down(&record, root, staging)?;
        if is_ours {
            // Where it cannot rest, the next time takes longer.
            let _ = resting::rest(&key, places, REST);
            self.remember(key);
        }
        if is_ours || keyring::remove(&id, patience).is_ok() {
            // An entry that is in use is not removed, whatever is written down of it.
            let _ = journal::settle(root, staging, &[&id]);
        }
        Ok(true)
    }
}

/// An entry of the keyring with a new key; `None` where it could not be made after all.
fn make_entry(
    patience: Patience,
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
) -> Result<Option<(Key, String)>, KeyError> {
    let (key, id) = (Key::random()?, new_id()?);
    journal::add(root, staging, &[&id])?;
    let Err(problem) = keyring::put(&id, &key, patience) else {
        return Ok(Some((key, id)));
    };
    // It may be there all the same, and holds a key that nothing is sealed with. Who does not answer now does not answer
    // this either, and it stays written down.
    if problem != KeyringProblem::Silent && keyring::remove(&id, patience).is_ok() {
        let _ = journal::settle(root, staging, &[&id]);
    }
    Ok(None)
}

/// Says whether this is what is written down now: another process may have been faster.
fn write_down(
    record: &Record,
    root: &PrivateDirectory,
    staging: &PrivateDirectory,
) -> Result<bool, KeyError> {
    Ok(root.create_new(NAME, record.line()?.as_bytes(), staging)?)
}
