//! First: the key of a store that has none yet, and the place that is chosen for it. It is chosen once, and written down.

use std::time::Duration;

use super::environment;
use super::error::KeyError;
use super::journal;
use super::key_file::NamedKeyFile;
use super::keyring::{self, Patience};
use super::opening::{Keys, REST};
use super::places::KeyPlaces;
use super::record::{Elsewhere, Place, Record, check_of};
use super::resting;
use crate::files::PrivateDirectory;
use crate::seal::Key;

/// What an entry takes that is not slow. One that is begun later is of no use, and might be made all the same.
const ENTRY_TIME: Duration = Duration::from_millis(500);

impl Keys {
    /// Makes the key, unless another process is faster; it is then that one's.
    pub(in crate::store) fn make(
        &self,
        root: &PrivateDirectory,
        staging: &PrivateDirectory,
    ) -> Result<(), KeyError> {
        let said = match &self.places {
            Some(places) => said(places, root)?,
            None => None,
        };
        let record = if let Some(record) = said {
            record
        } else {
            if let Some(places) = &self.places {
                let patience = Patience::quiet();
                if keyring::is_ready(patience).is_ok()
                    && self.make_in_keyring(places, patience, root, staging)?
                {
                    return Ok(());
                }
            }
            Record::Embedded(Key::random()?)
        };
        record.create_in(root, staging).map(drop)
    }

    /// Says whether there is a key now. To wait for one's turn and for the keyring is one time.
    fn make_in_keyring(
        &self,
        places: &KeyPlaces,
        patience: Patience,
        root: &PrivateDirectory,
        staging: &PrivateDirectory,
    ) -> Result<bool, KeyError> {
        let is_made = || Record::read(root).is_ok_and(|record| record.is_some());
        let turn = journal::turn(root, patience.left(), is_made)?;
        if is_made() {
            return Ok(true);
        }
        if patience.left() < ENTRY_TIME {
            return Err(KeyError::Moving);
        }
        if turn.is_none() {
            // Locks do not work here, and without one another process might remove the entry.
            return Ok(false);
        }
        let key = Key::random()?;
        let id = match journal::put_entry(&key, patience, root, staging) {
            Ok(id) => id,
            Err(KeyError::KeyringTakesNone(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        // Where it cannot rest, the next time takes longer.
        let _ = resting::rest(&key, places, REST);
        let record = Record::Elsewhere(Elsewhere::of(&key, Place::Keyring { id: id.clone() }));
        let is_ours = record.create_in(root, staging)?;
        if is_ours {
            self.remember(key);
        } else {
            let _ = resting::remove(&check_of(&key), places);
        }
        if is_ours || keyring::remove(&id, patience).is_ok() {
            // An entry that is in use is not removed, whatever is written down of it.
            let _ = journal::settle(root, staging, &[&id]);
        }
        Ok(true)
    }
}

/// The key where somebody has said that it is. Who has said so has meant it: nothing else is taken in its place.
fn said(places: &KeyPlaces, root: &PrivateDirectory) -> Result<Option<Record>, KeyError> {
    let at = |key: &Key, place| Some(Record::Elsewhere(Elsewhere::of(key, place)));
    if let Some(file) = NamedKeyFile::of(places, root)? {
        let key = file.read()?.ok_or_else(|| KeyError::KeyFileNotMade {
            path: file.path.clone(),
        })?;
        return Ok(at(&key, Place::KeyFile));
    }
    Ok(environment::read(places)?.and_then(|key| at(&key, Place::Environment)))
}
