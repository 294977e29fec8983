//! Unlocking: an opened key is laid to rest for a time that a person says, or taken from there.

use time::OffsetDateTime;

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
        todo!()
    }

    /// Opens the key with what a person gives, and lays it to rest for so long.
    pub fn unlock(&self, with: Unlocking<'_>, rest: time::Duration) -> Result<Unlocked, StoreError> {
        let _ = (with, rest);
        todo!()
    }

    /// Takes the opened key from where it rests; says whether one did.
    pub fn lock(&self) -> Result<bool, StoreError> {
        todo!()
    }
}
