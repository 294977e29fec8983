//! Opening: the key of a store, had once from where it is and then remembered.

use std::sync::{Arc, OnceLock};

use super::environment;
use super::error::KeyError;
use super::key_file::NamedKeyFile;
use super::keyring::{self, KeyringProblem, Patience};
use super::places::{KEY_VARIABLE, KeyPlaces};
use super::record::{Elsewhere, Place, Record, path_in};
use super::resting;
use crate::files::PrivateDirectory;
use crate::seal::Key;

/// How long a key rests that was opened by the way. A working day; who wants another time unlocks it for that.
pub(super) const REST: time::Duration = time::Duration::hours(8);

/// How often a key may be moved while it is opened.
const MOVES: u8 = 2;

/// The key of a store.
#[derive(Debug, Default)]
pub(in crate::store) struct Keys {
    /// `None` where only the store's own key file is known.
    pub(super) places: Option<KeyPlaces>,
    /// Whether the keyring is left alone.
    pub(in crate::store) asks_nobody: bool,
    key: OnceLock<Key>,
    /// Why it did not open: a keyring that is hung costs its time once.
    failure: OnceLock<Arc<KeyError>>,
}

impl Keys {
    /// The same, which may be elsewhere.
    pub(in crate::store) fn with_places(places: KeyPlaces) -> Self {
        Self {
            places: Some(places),
            ..Self::default()
        }
    }

    /// The key; `None` where there is none yet.
    pub(in crate::store) fn get(&self, root: &PrivateDirectory) -> Result<Option<&Key>, Arc<KeyError>> {
        if self.key.get().is_none() {
            if let Some(failure) = self.failure.get() {
                return Err(Arc::clone(failure));
            }
            match Record::read(root).map_err(Arc::new)? {
                None => {}
                Some(Record::Embedded(key)) => self.remember(key),
                Some(Record::Elsewhere(elsewhere)) => match self.open_or_follow(elsewhere, root) {
                    Ok(key) => self.remember(key),
                    Err(error) => return Err(Arc::clone(self.failure.get_or_init(|| Arc::new(error)))),
                },
            }
        }
        Ok(self.key.get())
    }

    /// The key, where there has to be one.
    pub(in crate::store) fn existing(&self, root: &PrivateDirectory) -> Result<&Key, Arc<KeyError>> {
        self.get(root)?
            .ok_or_else(|| Arc::new(KeyError::Missing { path: path_in(root) }))
    }

    /// Where another thread was faster, it has opened the same.
    pub(super) fn remember(&self, key: Key) {
        let _ = self.key.set(key);
    }

    pub(super) fn places(&self) -> KeyPlaces {
        self.places.unwrap_or_else(KeyPlaces::nowhere)
    }

    /// Opens the key, and where that fails since it has been moved meanwhile, where it is now: who moves it drops its
    /// old home once the new one is written down. All of it has one time.
    pub(super) fn open_or_follow(
        &self,
        mut elsewhere: Elsewhere,
        root: &PrivateDirectory,
    ) -> Result<Key, KeyError> {
        let patience = Patience::quiet();
        let mut moves = 0;
        loop {
            let error = match self.open(&elsewhere, root, patience) {
                Ok(key) => return Ok(key),
                Err(error) => error,
            };
            match Record::read(root) {
                Ok(Some(Record::Embedded(key))) => return Ok(key),
                Ok(Some(Record::Elsewhere(now))) if now != elsewhere && moves < MOVES => elsewhere = now,
                Ok(_) | Err(_) => return Err(error),
            }
            moves += 1;
        }
    }

    /// Opens the key as `get` may: without a prompt, and within a short time.
    fn open(
        &self,
        elsewhere: &Elsewhere,
        root: &PrivateDirectory,
        patience: Patience,
    ) -> Result<Key, KeyError> {
        let places = self.places();
        match &elsewhere.place {
            Place::Environment => elsewhere.checked(
                environment::read(&places)?.ok_or(KeyError::VariableMissing)?,
                || KEY_VARIABLE.to_owned(),
            ),
            Place::KeyFile => {
                let file = NamedKeyFile::of(&places, root)?.ok_or(KeyError::KeyFileNotNamed)?;
                elsewhere.checked(file.read_existing()?, || file.path.display().to_string())
            }
            Place::Keyring { id } => {
                if let Some(rested) = resting::read(&elsewhere.check, &places) {
                    return Ok(rested.key);
                }
                if self.asks_nobody {
                    return Err(KeyError::Keyring(KeyringProblem::NotAsked));
                }
                let key = open_keyring(elsewhere, id, patience)?;
                // Where it cannot rest, the next time takes longer.
                let _ = resting::rest(&key, &places, REST);
                Ok(key)
            }
            Place::Passphrase(_) => resting::read(&elsewhere.check, &places)
                .map(|rested| rested.key)
                .ok_or_else(|| KeyError::passphrase_needed(&places)),
        }
    }
}

/// The key as the keyring has it.
pub(super) fn open_keyring(elsewhere: &Elsewhere, id: &str, patience: Patience) -> Result<Key, KeyError> {
    let key = keyring::read(id, patience).map_err(KeyError::Keyring)?;
    elsewhere.checked(key, || "the OS keyring".to_owned())
}
