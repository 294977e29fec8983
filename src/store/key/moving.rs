//! Moving: the key gets another home. Only what is written down of where it is changes, never the key.

use super::source::KeySource;
use crate::secret::Secret;
use crate::store::{CredentialStore, Entry, StoreError};

/// Where the key is to live.
#[derive(Clone, Copy, Debug)]
pub enum Home<'a> {
    /// The variable, which has to hold it already.
    Environment,
    /// The key file that settings.json names, else the store's own.
    KeyFile,
    /// The keyring of the operating system.
    Keyring,
    /// The store's directory, sealed with a key that this passphrase gives.
    Passphrase(&'a Secret),
}

/// What came of it.
#[derive(Debug)]
pub struct Moved {
    /// Where it was; `None` where there was no key yet and one was made.
    pub from: Option<KeySource>,
    /// Where it is.
    pub to: KeySource,
    /// How many slots it opens.
    pub opened: usize,
    /// The slots that do not open, and did not before.
    pub unopened: Vec<Entry>,
    /// What still holds the key and could not be dropped, with the mend.
    pub left: Option<String>,
}

impl CredentialStore {
    /// Gives the key another home. It has to open first, as for `get` or by [`unlock`](Self::unlock).
    pub fn move_key(&self, to: Home<'_>) -> Result<Moved, StoreError> {
        let _ = to;
        todo!()
    }
}
