//! Key file: the key as 64 hexadecimal digits on a line of a private file. Knows nothing of what it seals.
//!
//! The embedded default: works with nothing installed. It keeps the tokens out of what is copied, printed or
//! committed by accident; whoever can read both the key file and the slots can read the tokens.

use std::fmt::Write as _;
use std::path::PathBuf;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::{FileError, PrivateDirectory};
use crate::seal::{KEY_BYTES, Key, NoRandomBytes};

const NAME: &str = "key";

/// Digits and line end, and room to tell a file that is longer.
const MAX_BYTES: u64 = 256;

/// The key's file in the store's directory.
#[derive(Debug)]
pub(in crate::store) struct KeyFile<'a> {
    directory: &'a PrivateDirectory,
}

impl<'a> KeyFile<'a> {
    /// The key file of this directory.
    pub(in crate::store) fn of(directory: &'a PrivateDirectory) -> Self {
        Self { directory }
    }

    /// The key; `None` when there is no file.
    pub(in crate::store) fn read(&self) -> Result<Option<Key>, KeyError> {
        let Some(file) = self.directory.read(NAME, MAX_BYTES)? else {
            return Ok(None);
        };
        let digits = Zeroizing::new(file.bytes);
        if !file.is_closed_to_others {
            return Err(KeyError::OpenToOthers { path: self.path() });
        }
        parse(digits.strip_suffix(b"\n").unwrap_or(&digits))
            .map(Some)
            .ok_or_else(|| KeyError::Damaged { path: self.path() })
    }

    /// The key, where there has to be one.
    pub(in crate::store) fn read_existing(&self) -> Result<Key, KeyError> {
        self.read()?.ok_or_else(|| self.missing())
    }

    /// Makes a random key and its file; where another process was faster, takes that one's.
    pub(in crate::store) fn create(&self, staging: &PrivateDirectory) -> Result<Key, KeyError> {
        let key = Key::random()?;
        let mut line = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
        for byte in key.bytes() {
            // Writing to a String cannot fail.
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        if self.directory.create_new(NAME, line.as_bytes(), staging)? {
            return Ok(key);
        }
        self.read_existing()
    }

    /// What there is to say where there is no file and has to be one.
    pub(in crate::store) fn missing(&self) -> KeyError {
        KeyError::Missing { path: self.path() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(NAME)
    }
}

/// Why there is no key to seal or open with.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not 64 hexadecimal digits.
    #[error("{}: is not a key (64 hexadecimal digits); restore it, or remove it and slots/ beside it and log in again", path.display())]
    Damaged {
        /// The key file.
        path: PathBuf,
    },
    /// The file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There are sealed slots and no key.
    #[error("{}: the key is missing, and credentials are sealed with it; restore it, or remove slots/ beside it and log in again", path.display())]
    Missing {
        /// The key file.
        path: PathBuf,
    },
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] NoRandomBytes),
    /// Others can read or write the key file.
    #[error("{}: the key is open to other users; close it with chmod go-rwx", path.display())]
    OpenToOthers {
        /// The key file.
        path: PathBuf,
    },
}

fn parse(digits: &[u8]) -> Option<Key> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != KEY_BYTES {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(Key::from_bytes(*bytes))
}

/// By hand: this runs 64 times for every `get`, and `char::to_digit` takes any base.
fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let digits = "00ff".repeat(16);
        assert_eq!(parse(digits.as_bytes()).unwrap().bytes()[..2], [0x00, 0xff]);
        assert!(parse(digits.to_uppercase().as_bytes()).is_some());
        for bad in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(65),
            &"g".repeat(64),
            &"+f".repeat(32),
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
