//! Key state: what can be told of the key without opening it.

use time::OffsetDateTime;

use super::source::KeySource;
use crate::store::{CredentialStore, StoreError};

/// Where the key is, and whether it rests opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The kind of place.
    pub source: KeySource,
    /// The place, for a person.
    pub place: String,
    /// Until when an opened key rests in the runtime directory.
    pub rests_until: Option<OffsetDateTime>,
    /// Whether a move was interrupted, so that an entry of the keyring may be left over.
    pub is_moving: bool,
}

impl CredentialStore {
    /// Where the key is; `None` where nothing was ever stored. Opens nothing and asks nobody.
    pub fn key_state(&self) -> Result<Option<KeyState>, StoreError> {
        todo!()
    }
}
