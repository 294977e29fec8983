//! Unlocking: an opened key is laid to rest for a time that a person says, or taken from there.

use std::sync::Arc;

use time::OffsetDateTime;

use super::error::KeyError;
use super::keyring::Patience;
use super::opening::open_keyring;
use super::record::{Elsewhere, Place, Record, path_in};
use super::resting;
use crate::files::PrivateDirectory;
use crate::seal::Key;
use crate::secret::Secret;
use crate::store::{CredentialStore, StoreError};

/// What opens the key.
#[derive(Clone, Copy, Debug)]
pub enum Unlocking<'a> {
    /// The passphrase.
    Passphrase(&'a Secret),
    /// The keyring, which may ask the person for what opens it.
    Prompting,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlocked {
    /// Until when the key rests; `None` where there is nowhere to rest, or no need.
    pub rests_until: Option<OffsetDateTime>,
}

impl CredentialStore {
    /// Opens the key as `get` does; says whether there is one.
    pub fn open_key(&self) -> Result<bool, StoreError> {
        match self.record()? {
            Some((root, _)) => Ok(self.keys.get(&root)?.is_some()),
            None => Ok(false),
        }
    }

    /// Opens the key with its passphrase, for this process alone: it does not rest.
    pub fn open_with_passphrase(&self, passphrase: &Secret) -> Result<(), StoreError> {
        if let Some((root, Record::Elsewhere(elsewhere))) = self.record()?
            && let Some(key) =
                open_with(Unlocking::Passphrase(passphrase), &elsewhere, &root).map_err(Arc::new)?
        {
            self.keys.remember(key);
        }
        Ok(())
    }

    /// Whether there is a runtime directory, where an opened key can rest.
    #[must_use]
    pub fn can_rest(&self) -> bool {
        self.keys.places().can_rest()
    }

    /// Opens the key with what a person gives, and lays it to rest for so long. What is open all the time only opens.
    pub fn unlock(&self, with: Unlocking<'_>, rest: time::Duration) -> Result<Unlocked, StoreError> {
        const AS_IT_IS: Unlocked = Unlocked { rests_until: None };
        let Some((root, record)) = self.record()? else {
            return Ok(AS_IT_IS);
        };
        let Record::Elsewhere(elsewhere) = &record else {
            return Ok(AS_IT_IS);
        };
        let Some(key) = open_with(with, elsewhere, &root).map_err(Arc::new)? else {
            self.keys.get(&root)?;
            return Ok(AS_IT_IS);
        };
        let rests_until = resting::rest(&key, &self.keys.places(), rest)?;
        self.keys.remember(key);
        Ok(Unlocked { rests_until })
    }

    /// Takes the opened key from where it rests; says whether one did. An error where that cannot be told.
    pub fn lock(&self) -> Result<bool, StoreError> {
        match self.record()? {
            Some((_, Record::Elsewhere(elsewhere))) => {
                let did_rest = resting::remove(&elsewhere.check, &self.keys.places())?;
                did_rest.ok_or_else(|| Arc::new(KeyError::RestUnknown).into())
            }
            Some((_, Record::Embedded(_))) | None => Ok(false),
        }
    }
}

/// The key; `None` where it is of no kind that has to be unlocked.
fn open_with(
    with: Unlocking<'_>,
    elsewhere: &Elsewhere,
    root: &PrivateDirectory,
) -> Result<Option<Key>, KeyError> {
    match (&elsewhere.place, with) {
        (Place::Keyring { id }, Unlocking::Prompting) => {
            open_keyring(elsewhere, id, Patience::prompting()).map(Some)
        }
        (Place::Passphrase(wrapped), Unlocking::Passphrase(passphrase)) => {
            let path = path_in(root);
            let key = wrapped.open(passphrase, &path)?;
            elsewhere.checked(key, || path.display().to_string()).map(Some)
        }
        (Place::Passphrase(_), Unlocking::Prompting) => Err(KeyError::PassphraseNeeded),
        (Place::Keyring { .. }, Unlocking::Passphrase(_)) => {
            Err(KeyError::TakesNoPassphrase(elsewhere.source()))
        }
        (Place::Environment | Place::KeyFile, _) => Ok(None),
    }
}
