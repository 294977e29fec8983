//! Record: what the file `key` in the store's directory says of where the key is. Either it is the key, or one line of
//! JSON that names the place. Every change of home is one replacement of this file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::key_file;
use super::passphrase::Wrapped;
use super::source::KeySource;
use crate::files::PrivateDirectory;
use crate::seal::{Key, NoRandomBytes};

pub(super) const NAME: &str = "key";

/// More than the longest record takes, and far more than that: what a newer version writes is told as that.
const MAX_BYTES: u64 = 64 * 1024;

const FORMAT: u64 = 1;

/// How much of a fingerprint is kept: nobody meets two keys with the same.
const CHECK_DIGITS: usize = 32;

/// Where the key is.
#[derive(Debug)]
pub(super) enum Record {
    /// Here.
    Embedded(Key),
    /// Elsewhere.
    Elsewhere(Elsewhere),
}

/// A place that is not this file, and by what the key is known that is found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) check: String,
    pub(super) place: Place,
}

/// A place that is not this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Environment,
    KeyFile,
    Keyring { id: String },
    Passphrase(Wrapped),
}

impl Elsewhere {
    pub(super) fn of(key: &Key, place: Place) -> Self {
        Self {
            check: check_of(key),
            place,
        }
    }

    pub(super) fn source(&self) -> KeySource {
        match self.place {
            Place::Environment => KeySource::Environment,
            Place::KeyFile => KeySource::KeyFile,
            Place::Keyring { .. } => KeySource::Keyring,
            Place::Passphrase(_) => KeySource::Passphrase,
        }
    }

    /// The key, if it is the one that is meant.
    pub(super) fn checked(&self, key: Key, place: impl FnOnce() -> String) -> Result<Key, KeyError> {
        if check_of(&key) == self.check {
            Ok(key)
        } else {
            Err(KeyError::Other { place: place() })
        }
    }
}

impl Record {
    pub(super) fn source(&self) -> KeySource {
        match self {
            Self::Embedded(_) => KeySource::KeyFile,
            Self::Elsewhere(elsewhere) => elsewhere.source(),
        }
    }

    /// What the file says; `None` when there is none.
    pub(super) fn read(directory: &PrivateDirectory) -> Result<Option<Self>, KeyError> {
        let Some(file) = directory.read(NAME, MAX_BYTES)? else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(file.bytes);
        let path = || path_in(directory);
        if !file.is_closed_to_others {
            return Err(KeyError::OpenToOthers { path: path() });
        }
        if bytes.first() == Some(&b'{') {
            return match parse(&bytes) {
                Ok(elsewhere) => Ok(Some(Self::Elsewhere(elsewhere))),
                Err(Unread::Damaged) => Err(KeyError::Damaged { path: path() }),
                Err(Unread::Newer) => Err(KeyError::NewerFormat { path: path() }),
            };
        }
        key_file::parse(bytes.strip_suffix(b"\n").unwrap_or(&bytes))
            .map(|key| Some(Self::Embedded(key)))
            .ok_or_else(|| KeyError::Damaged { path: path() })
    }

    /// Whether this is the key that it says where it is.
    pub(super) fn is_of(&self, key: &Key) -> bool {
        match self {
            Self::Embedded(own) => own.bytes() == key.bytes(),
            Self::Elsewhere(elsewhere) => elsewhere.check == check_of(key),
        }
    }

    /// Writes it down where nothing is yet. Says whether this is what is written down now: another process may have
    /// been faster.
    pub(super) fn create_in(
        &self,
        root: &PrivateDirectory,
        staging: &PrivateDirectory,
    ) -> Result<bool, KeyError> {
        Ok(root.create_new(NAME, self.line()?.as_bytes(), staging)?)
    }

    /// The text of the file.
    pub(super) fn line(&self) -> Result<Zeroizing<String>, NoRandomBytes> {
        match self {
            Self::Embedded(key) => Ok(key_file::line_of(key)),
            Self::Elsewhere(elsewhere) => write(elsewhere),
        }
    }
}

/// Where the file is.
pub(super) fn path_in(directory: &PrivateDirectory) -> PathBuf {
    directory.path().join(NAME)
}

/// By what a key is known, from which it cannot be told.
pub(super) fn check_of(key: &Key) -> String {
    let mut check = key.fingerprint(&[b"key"]);
    check.truncate(CHECK_DIGITS);
    check
}

/// Random, and safe in a file's name.
pub(super) fn new_id() -> Result<String, NoRandomBytes> {
    // Of a key that is used for nothing else nothing can be told.
    Ok(check_of(&Key::random()?))
}

pub(super) fn is_id(text: &str) -> bool {
    text.len() == CHECK_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

enum Unread {
    Damaged,
    Newer,
}

/// All that this version writes.
const FIELDS: [&str; 9] = [
    "format", "source", "id", "check", "memory", "passes", "lanes", "salt", "sealed",
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    format: u64,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    check: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lanes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

fn parse(bytes: &[u8]) -> Result<Elsewhere, Unread> {
    // As it is nearly always; what is more is looked at for whether a newer version wrote it.
    let line: Line = serde_json::from_slice(bytes).map_err(|_| why_unread(bytes))?;
    let source: KeySource = line.source.parse().map_err(|_| Unread::Newer)?;
    if line.format != FORMAT {
        return Err(Unread::Newer);
    }
    let check = line.check;
    let place = match source {
        KeySource::Environment => Some(Place::Environment),
        KeySource::KeyFile => Some(Place::KeyFile),
        KeySource::Keyring => line.id.filter(|id| is_id(id)).map(|id| Place::Keyring { id }),
        KeySource::Passphrase => (|| {
            Wrapped {
                memory: line.memory?,
                passes: line.passes?,
                lanes: line.lanes?,
                salt: line.salt?,
                sealed: line.sealed?,
            }
            .bounded()
        })()
        .map(Place::Passphrase),
    };
    match place {
        Some(place) if is_id(&check) => Ok(Elsewhere { check, place }),
        Some(_) | None => Err(Unread::Damaged),
    }
}

/// Why what is there is no line of ours.
fn why_unread(bytes: &[u8]) -> Unread {
    let Ok(line) = serde_json::from_slice::<Map<String, Value>>(bytes) else {
        return Unread::Damaged;
    };
    // What every version writes, in whatever way.
    let Some(format) = line.get("format") else {
        return Unread::Damaged;
    };
    let is_known = |source: &str| source.parse::<KeySource>().is_ok();
    let is_newer = format.as_u64() != Some(FORMAT)
        || line
            .get("source")
            .and_then(Value::as_str)
            .is_some_and(|source| !is_known(source))
        || line.keys().any(|field| !FIELDS.contains(&field.as_str()));
    if is_newer { Unread::Newer } else { Unread::Damaged }
}

fn write(elsewhere: &Elsewhere) -> Result<Zeroizing<String>, NoRandomBytes> {
    let mut line = Line {
        format: FORMAT,
        source: elsewhere.source().word().to_owned(),
        id: None,
        check: elsewhere.check.clone(),
        memory: None,
        passes: None,
        lanes: None,
        salt: None,
        sealed: None,
    };
    match &elsewhere.place {
        Place::Environment | Place::KeyFile => {}
        Place::Keyring { id } => line.id = Some(id.clone()),
        Place::Passphrase(wrapped) => {
            line.memory = Some(wrapped.memory);
            line.passes = Some(wrapped.passes);
            line.lanes = Some(wrapped.lanes);
            line.salt = Some(wrapped.salt.clone());
            line.sealed = Some(wrapped.sealed.clone());
        }
    }
    let mut text = serde_json::to_string(&line).map_err(|_| NoRandomBytes)?;
    text.push('\n');
    Ok(Zeroizing::new(text))
}

#[cfg(test)]
mod tests;
