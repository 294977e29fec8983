//! Key state: what can be told of the key without opening it.

use std::sync::Arc;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::environment;
use super::error::KeyError;
use super::journal;
use super::key_file::{self, NamedKeyFile};
use super::places::{KEY_VARIABLE, KeyPlaces};
use super::record::{Elsewhere, Place, Record, path_in};
use super::resting;
use super::source::KeySource;
use crate::files::{Location, PrivateDirectory, foreign};
use crate::store::{CredentialStore, StoreError};

/// Where the key is, and whether it rests opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The kind of place.
    pub source: KeySource,
    /// The place, for a person; `None` where it is the key file of settings.json, which names none.
    pub place: Option<String>,
    /// Until when an opened key rests in the runtime directory.
    pub rests_until: Option<OffsetDateTime>,
    /// Whether a move was interrupted, so that an entry of the keyring may be left over.
    pub is_moving: bool,
    /// Whether others can read the key file that settings.json names.
    pub is_open_to_others: bool,
    /// The entries of the keyring that may hold a key that is not used any more.
    pub left_over: Vec<String>,
}

impl CredentialStore {
    /// Where the key is; `None` where nothing was ever stored. Opens nothing and asks nobody.
    pub fn key_state(&self) -> Result<Option<KeyState>, StoreError> {
        let Some((root, record)) = self.record()? else {
            return Ok(None);
        };
        let places = self.keys.places();
        let named = || NamedKeyFile::of(&places, &root).map_err(Arc::new);
        let (rests_until, is_open_to_others) = match &record {
            Record::Elsewhere(elsewhere) => match &elsewhere.place {
                Place::Keyring { .. } | Place::Passphrase(_) => {
                    let rested = resting::read(&elsewhere.check, &places);
                    (rested.map(|rested| rested.until), false)
                }
                Place::KeyFile => (None, named()?.is_some_and(|file| file.is_open_to_others())),
                Place::Environment => (None, false),
            },
            Record::Embedded(_) => (None, false),
        };
        Ok(Some(KeyState {
            source: record.source(),
            place: place_of(&record, &root, &places).map_err(Arc::new)?,
            rests_until,
            is_moving: journal::is_there(&root),
            is_open_to_others,
            left_over: journal::left_over(&root, &record),
        }))
    }

    /// Whether the first credential could be sealed with what somebody has set for a key. Makes nothing.
    pub fn try_first_key(&self) -> Result<(), StoreError> {
        if self.record()?.is_some() {
            return Ok(());
        }
        let root = self.location.as_ref().map(Location::open).transpose()?.flatten();
        Ok(try_set(&self.keys.places(), root.as_ref()).map_err(Arc::new)?)
    }

    /// What is written down of where the key is, and the store's directory; `None` where there is none.
    pub(super) fn record(&self) -> Result<Option<(PrivateDirectory, Record)>, StoreError> {
        let Some(location) = &self.location else {
            return Ok(None);
        };
        let Some(root) = location.open()? else {
            return Ok(None);
        };
        let record = Record::read(&root).map_err(Arc::new)?;
        if record.is_none() && self.has_slots()? {
            let missing = KeyError::Missing { path: path_in(&root) };
            return Err(Arc::new(missing).into());
        }
        Ok(record.map(|record| (root, record)))
    }
}

/// Whether there is a key in what is set, and in nothing else where something is.
fn try_set(places: &KeyPlaces, root: Option<&PrivateDirectory>) -> Result<(), KeyError> {
    let Some(path) = (places.key_file)().map_err(KeyError::Settings)? else {
        return environment::read(places).map(drop);
    };
    let is_there = match root {
        Some(root) => match NamedKeyFile::of(places, root)? {
            Some(file) => file.read()?.is_some(),
            None => return environment::read(places).map(drop),
        },
        // Nobody knows yet whose files are ours; but whether it holds a key can be told.
        None => match foreign::read(&path)?.map(Zeroizing::new) {
            Some(bytes) if key_file::parse(bytes.trim_ascii()).is_none() => {
                let place = path.display().to_string();
                return Err(KeyError::NotAKey { place });
            }
            bytes => bytes.is_some(),
        },
    };
    if is_there {
        Ok(())
    } else {
        Err(KeyError::KeyFileNotMade { path })
    }
}

/// The place, for a person.
fn place_of(
    record: &Record,
    root: &PrivateDirectory,
    places: &KeyPlaces,
) -> Result<Option<String>, KeyError> {
    let own = || path_in(root).display().to_string();
    Ok(Some(match record {
        Record::Embedded(_) => own(),
        Record::Elsewhere(Elsewhere { place, .. }) => match place {
            Place::Environment => KEY_VARIABLE.to_owned(),
            Place::KeyFile => match NamedKeyFile::of(places, root)? {
                Some(file) => file.path.display().to_string(),
                None => return Ok(None),
            },
            Place::Keyring { .. } => "the OS keyring".to_owned(),
            Place::Passphrase(_) => own(),
        },
    }))
}
