//! Key source: what kind of place the store's key lives in. Knows nothing of how it is had from there.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The variable [`KEY_VARIABLE`](super::KEY_VARIABLE).
    Environment,
    /// The store's own key file, or the one that settings.json names.
    KeyFile,
    /// The keyring of the operating system.
    Keyring,
    /// The store's directory, where it lies sealed with a key that a passphrase gives.
    Passphrase,
}

impl KeySource {
    const ALL: [Self; 4] = [Self::Environment, Self::KeyFile, Self::Keyring, Self::Passphrase];

    /// The word for it, on the command line and in the record.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::KeyFile => "key-file",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for KeySource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|source| source.word() == text)
            .ok_or(UnknownSource)
    }
}

/// No kind of place.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("is keyring, key-file, environment or passphrase")]
pub struct UnknownSource;
