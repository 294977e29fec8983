//! Writer: how a slot's file is sealed and written. Knows nothing of which slot it is to be.

use time::OffsetDateTime;

use super::content::Content;
use super::{MAX_SLOT_BYTES, StoreError};
use crate::credential::Credential;
use crate::files::{FileError, PrivateDirectory};
use crate::seal::{self, Key};

/// More than a token takes, with what is known of it: what a disk has to have room for.
const PROBE_BYTES: usize = 8 * 1024;

/// What writing a slot takes.
pub(super) struct Writer<'a> {
    pub(super) slots: PrivateDirectory,
    pub(super) staging: PrivateDirectory,
    pub(super) key: &'a Key,
}

impl Writer<'_> {
    pub(super) fn write(&self, name: &str, credential: &Credential) -> Result<(), StoreError> {
        let sealed = self.seal(name, credential)?;
        Ok(self.slots.replace(name, &sealed, &self.staging)?)
    }

    /// The same, as it was last used then.
    pub(super) fn write_dated(
        &self,
        name: &str,
        credential: &Credential,
        last_used: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let sealed = self.seal(name, credential)?;
        Ok(self
            .slots
            .replace_dated(name, &sealed, last_used, &self.staging)?)
    }

    fn seal(&self, name: &str, credential: &Credential) -> Result<Vec<u8>, StoreError> {
        let content = Content::write(credential)?;
        let sealed = seal::seal(self.key, name, &content)?;
        // What could not be read again is not put in the place of what can.
        if sealed.len() as u64 > MAX_SLOT_BYTES {
            return Err(StoreError::TooLarge);
        }
        Ok(sealed)
    }

    /// Writes a file as a slot is written, and removes it.
    pub(super) fn probe(&self) -> Result<(), FileError> {
        // No slot's name, so that nobody looks into it.
        const NAME: &str = "probe";
        self.slots.replace(NAME, &[0; PROBE_BYTES], &self.staging)?;
        self.slots.remove(NAME).map(drop)
    }
}
