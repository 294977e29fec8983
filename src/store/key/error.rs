//! Key error: why there is no key to seal or open with, and the mend. Never a word of the key.

use std::path::PathBuf;

use thiserror::Error;

use super::keyring::KeyringProblem;
use super::places::{KEY_VARIABLE, KeyPlaces};
use super::source::KeySource;
use crate::files::FileError;
use crate::seal::NoRandomBytes;

/// Why there is no key to seal or open with.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The home that is asked for holds a key that opens nothing here.
    #[error(
        "{place}: holds another key than the one the credentials here are sealed with, and is left as it is; name another, or move it away"
    )]
    Occupied {
        /// The place.
        place: String,
    },
    /// Neither 64 hexadecimal digits nor a record of where the key is.
    #[error("{}: is not a key (64 hexadecimal digits); restore it, or remove it and slots/ beside it and log in again", path.display())]
    Damaged {
        /// The key file.
        path: PathBuf,
    },
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key is in a file that settings.json names, and none is named.
    #[error("the key is in the key file of settings.json, which names none; put keyFile back into it")]
    KeyFileNotNamed,
    /// The file that settings.json names is one that the store makes, or may.
    #[error("keyFile: {} is in the store's own directory; name a file elsewhere, or take keyFile out", path.display())]
    KeyFileInStore {
        /// The file.
        path: PathBuf,
    },
    /// The file that settings.json names cannot be made where it is named.
    #[error("keyFile: there is no directory {}; make it, for you alone, or name a file elsewhere", directory.display())]
    KeyFileNoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// What settings.json names can be no file.
    #[error("keyFile: {} leads to no file; name a file in keyFile", path.display())]
    KeyFileNoFile {
        /// What is named.
        path: PathBuf,
    },
    /// The file that settings.json names is not there.
    #[error("{}: the key file that settings.json names is not there; bring it back", path.display())]
    KeyFileMissing {
        /// The file.
        path: PathBuf,
    },
    /// The same, before there was ever a key.
    #[error("{}: the key file that settings.json names is not there; bring it, or have one made: docker-credential-scoped key move --to key-file", path.display())]
    KeyFileNotMade {
        /// The file.
        path: PathBuf,
    },
    /// The keyring does not give the key.
    #[error("the key is in the OS keyring, and {0}")]
    Keyring(KeyringProblem),
    /// The keyring does not take the key.
    #[error("the OS keyring cannot be given the key: {0}")]
    KeyringTakesNone(KeyringProblem),
    /// There are sealed slots and no key.
    #[error("{}: the key is missing, and credentials are sealed with it; restore it, or remove slots/ beside it and log in again", path.display())]
    Missing {
        /// The key file.
        path: PathBuf,
    },
    /// It is another key than a moment ago.
    #[error("the key was changed meanwhile; try again")]
    Changed,
    /// Another process is about to give the key another home.
    #[error("another process moves the key; try again when it is done")]
    Moving,
    /// What is written down of where the key is was written by a later version.
    #[error("{}: was written by a newer version of this program; update this one", path.display())]
    NewerFormat {
        /// The key file.
        path: PathBuf,
    },
    /// Not 64 hexadecimal digits.
    #[error("{place}: is not a key (64 hexadecimal digits); put the key back")]
    NotAKey {
        /// The place.
        place: String,
    },
    /// The variable is to hold the key, and does not.
    #[error(
        "{KEY_VARIABLE} is not set, and has to hold the key before it can live there; key move --to key-file makes a file whose line is the key"
    )]
    NotInEnvironment,
    /// Others can read or write the key file.
    #[error("{}: the key is open to other users; close it with chmod go-rwx", path.display())]
    OpenToOthers {
        /// The key file.
        path: PathBuf,
    },
    /// A key, and not the one that is written down.
    #[error("{place}: is another key than the one the credentials here are sealed with; put that one back")]
    Other {
        /// The place.
        place: String,
    },
    /// The key is sealed with a passphrase, and does not rest.
    #[error("the key is locked with a passphrase; unlock it: docker-credential-scoped unlock")]
    PassphraseNeeded,
    /// The same, and nothing that opens it would last.
    #[error(
        "the key is locked with a passphrase, and there is no runtime directory that is yours alone, where it could rest opened; set XDG_RUNTIME_DIR to one, or take the passphrase back: docker-credential-scoped key move --to key-file"
    )]
    PassphraseOfNoUse,
    /// The system has no room to work the passphrase out in.
    #[error("the passphrase takes {} MiB of memory to try, and the system does not give that much; try again when more is free", kibibytes / 1024)]
    NoMemory {
        /// How much it takes.
        kibibytes: u32,
    },
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] NoRandomBytes),
    /// Nobody knows where an opened key would rest.
    #[error(
        "there is no runtime directory here that is yours alone, so it cannot be told whether the key rests opened; set XDG_RUNTIME_DIR to the one that it was unlocked with"
    )]
    RestUnknown,
    /// What settings.json says cannot be told.
    #[error("{0}")]
    Settings(String),
    /// A passphrase was given for a key that none opens.
    #[error("the key is in the {0}, and no passphrase opens it there; unlock it without one")]
    TakesNoPassphrase(KeySource),
    /// Each of the homes was tried, and the other process was faster each time.
    #[error("another process made the key at the same moment; try again")]
    Overtaken,
    /// The variable holds the key, and is not set.
    #[error("the key is in the environment, and {KEY_VARIABLE} is not set; set it")]
    VariableMissing,
    /// The passphrase is another one, or the file was changed.
    #[error("that is not the passphrase that the key is sealed with (or {} is damaged); try again with the right one, or restore that file", path.display())]
    WrongPassphrase {
        /// The key file.
        path: PathBuf,
    },
}

impl KeyError {
    /// Where an unlocked key rests nowhere, to unlock it is no mend.
    pub(super) fn passphrase_needed(places: &KeyPlaces) -> Self {
        if places.can_rest() {
            Self::PassphraseNeeded
        } else {
            Self::PassphraseOfNoUse
        }
    }
}
