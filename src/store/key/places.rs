//! Key places: where else than in the store's directory the key may be, as the composition root knows it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use time::OffsetDateTime;

use crate::files::{FileError, Location};

/// The variable that can hold the key.
pub const KEY_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_KEY";

/// The places that are looked at beside the store's directory, each no sooner than it is needed.
#[derive(Clone, Copy)]
pub struct KeyPlaces {
    /// The key file that settings.json names; why it cannot be told, where it cannot.
    pub key_file: fn() -> Result<Option<PathBuf>, String>,
    /// The environment.
    pub variable: &'static (dyn Fn(&str) -> Option<OsString> + Sync),
    /// Where an opened key may rest; an error where that cannot be told.
    pub runtime: fn() -> Result<Option<Location>, FileError>,
    /// The same of the session that the system has made for this user, whatever this process was told. A key is only
    /// taken away there: a job without the session's variables locks what was opened in it.
    pub session: fn() -> Result<Option<Location>, FileError>,
    /// The time, as the call has it.
    pub now: OffsetDateTime,
}

impl KeyPlaces {
    /// Nothing is anywhere, for a store of which only its own key file is known.
    pub(super) fn nowhere() -> Self {
        Self {
            key_file: || Ok(None),
            variable: &|_| None,
            runtime: || Ok(None),
            session: || Ok(None),
            now: OffsetDateTime::UNIX_EPOCH,
        }
    }

    /// Whether there is a runtime directory, where an opened key can rest.
    pub(super) fn can_rest(&self) -> bool {
        matches!((self.runtime)(), Ok(Some(_)))
    }
}

impl fmt::Debug for KeyPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPlaces")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
