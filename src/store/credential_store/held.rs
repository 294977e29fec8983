//! Held: a credential as the store holds it, with its file. Knows nothing of which slots there are.

use time::OffsetDateTime;

use super::StoreError;
use super::content::Content;
use crate::credential::Credential;
use crate::files::{PrivateDirectory, PrivateFile};
use crate::seal::{self, Key, Unopened};

/// How far behind the recorded last use may lag. A build asks for the same credential dozens of times, and each
/// time recorded is a write.
const LAST_USE_GRANULARITY: time::Duration = time::Duration::minutes(1);

/// A credential that is held.
#[derive(Debug)]
pub struct Held {
    /// The credential.
    pub credential: Credential,
    /// When it was last handed out or stored, to the minute; 1970 where the file's time is none.
    pub last_used: OffsetDateTime,
    file: PrivateFile,
}

impl Held {
    pub(super) fn open(
        key: &Key,
        slots: &PrivateDirectory,
        name: &str,
        file: PrivateFile,
    ) -> Result<Self, StoreError> {
        let unopened = |why| StoreError::Slot {
            path: slots.path().join(name),
            why,
        };
        let content = seal::open(key, name, &file.bytes).map_err(unopened)?;
        // It opened, so we wrote it; what we cannot read is then from a version that writes more.
        let credential = Content::read(&content).ok_or_else(|| unopened(Unopened::NewerFormat))?;
        Ok(Self {
            credential,
            last_used: file.modified,
            file,
        })
    }

    /// Records that it was handed out now.
    pub fn mark_used(&self, now: OffsetDateTime) {
        // A time in the future, from a clock that was wrong, is put right too.
        if (now - self.last_used).abs() >= LAST_USE_GRANULARITY {
            self.file.touch(now);
        }
    }
}
