//! Key file: the key as 64 hexadecimal digits. Knows nothing of what it seals.
//!
//! The store's own is the embedded default, and works with nothing installed. It keeps the tokens out of what is
//! copied, printed or committed by accident; whoever can read both the key file and the slots can read the tokens.
//! settings.json may name another one: a mounted secret, or a credential that systemd hands to a service.

use std::fmt::Write as _;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::KeyError;
use super::places::KeyPlaces;
use super::record::NAME;
use crate::files::PrivateDirectory;
use crate::files::foreign::{self, ForeignFile};
use crate::seal::{KEY_BYTES, Key};

/// Digits and line end, and room for white space.
const MAX_BYTES: u64 = 256;

/// The key file that settings.json names.
pub(super) struct NamedKeyFile<'a> {
    pub(super) path: PathBuf,
    /// Whose files are ours: as those of this directory.
    root: &'a PrivateDirectory,
}

impl<'a> NamedKeyFile<'a> {
    /// The one that is named; `None` where that is the store's own. What is written there of where the key is would
    /// take the place of the key, and all else in the store's directory comes and goes.
    pub(super) fn of(places: &KeyPlaces, root: &'a PrivateDirectory) -> Result<Option<Self>, KeyError> {
        let Some(path) = (places.key_file)().map_err(KeyError::Settings)? else {
            return Ok(None);
        };
        let (target, directory) = (foreign::target_of(&path), foreign::target_of(root.path()));
        if target == directory.join(NAME) {
            return Ok(None);
        }
        if target.starts_with(&directory) {
            return Err(KeyError::KeyFileInStore { path });
        }
        Ok(Some(Self { path, root }))
    }

    /// The key, where there has to be one.
    pub(super) fn read_existing(&self) -> Result<Key, KeyError> {
        self.read()?.ok_or_else(|| KeyError::KeyFileMissing {
            path: self.path.clone(),
        })
    }

    /// The key; `None` when there is no file.
    pub(super) fn read(&self) -> Result<Option<Key>, KeyError> {
        let Some(ForeignFile { bytes, .. }) = foreign::read_small(&self.path, MAX_BYTES, self.root)? else {
            // No file can be made there: a link that leads nowhere, or no name of one.
            if foreign::is_there(&self.path) || !foreign::is_name_of_file(&self.path) {
                let path = self.path.clone();
                return Err(KeyError::KeyFileNoFile { path });
            }
            return Ok(None);
        };
        let bytes = Zeroizing::new(bytes);
        parse(bytes.trim_ascii())
            .map(Some)
            .ok_or_else(|| KeyError::NotAKey {
                place: self.path.display().to_string(),
            })
    }

    /// Makes the file, which is not there yet, for us alone. Whose the directory is to be that it is in, and who can
    /// reach it there, is for the person to say.
    pub(super) fn create(&self, key: &Key) -> Result<(), KeyError> {
        if let Some(directory) = self.path.parent().filter(|path| !foreign::is_there(path)) {
            return Err(KeyError::KeyFileNoDirectory {
                directory: directory.to_owned(),
            });
        }
        Ok(foreign::create_private(
            &self.path,
            line_of(key).as_bytes(),
            self.root,
        )?)
    }

    /// Whether others can read it.
    pub(super) fn is_open_to_others(&self) -> bool {
        foreign::read_small(&self.path, MAX_BYTES, self.root).is_ok_and(|file| {
            file.is_some_and(|file| {
                drop(Zeroizing::new(file.bytes));
                !file.is_closed_to_others
            })
        })
    }
}

/// The digits on a line.
pub(super) fn line_of(key: &Key) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    for byte in key.bytes() {
        // Writing to a String cannot fail.
        let _ = write!(line, "{byte:02x}");
    }
    line.push('\n');
    line
}

/// The key of these digits.
pub(super) fn parse(digits: &[u8]) -> Option<Key> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != KEY_BYTES {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = 16 * digit(*high)? + digit(*low)?;
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
        for (digits, byte) in [
            ("09", 0x09),
            ("af", 0xaf),
            ("AF", 0xaf),
            ("f0", 0xf0),
            ("Ea", 0xea),
        ] {
            let key = parse(digits.repeat(32).as_bytes()).unwrap();
            assert_eq!(*key.bytes(), [byte; 32], "{digits}");
        }
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

    #[test]
    fn what_is_written_of_a_key_is_read_as_that_key() {
        let key = Key::random().unwrap();
        let line = line_of(&key);
        assert_eq!(parse(line.trim_ascii().as_bytes()).unwrap().bytes(), key.bytes());
    }
}
