//! Passphrase: the key, sealed with another that a passphrase gives. That takes time and memory on purpose, so that
//! who has the file cannot try many.

use std::ops::RangeInclusive;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::KeyError;
use crate::seal::{self, KEY_BYTES, Key, NoRandomBytes};
use crate::secret::Secret;

/// RFC 9106 section 4, the second recommended option, for where memory is not plentiful.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
const SALT_BYTES: usize = 16;

/// The most that is tried of what a file says.
const MAX_MEMORY: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 16;

/// How much memory is gone through at most, in KiB: a minute of it.
const MAX_WORK: u64 = 4 * 1024 * 1024;

/// What RFC 9106 asks for at least, and more than anybody takes.
const SALT_LENGTHS: RangeInclusive<usize> = 8..=64;

/// What is bound into the seal.
const NAME: &str = "key";

/// A sealed key, and how the passphrase gives the key to it (argon2id; memory in KiB; bytes in base64, as they are
/// written down: a `get` whose key rests has no need of them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: String,
    pub(super) sealed: String,
}

impl Wrapped {
    /// The same, if it can be tried at all.
    pub(super) fn bounded(self) -> Option<Self> {
        let is_bounded = self.memory <= MAX_MEMORY
            && self.passes <= MAX_PASSES
            && self.lanes <= MAX_LANES
            && u64::from(self.memory) * u64::from(self.passes) <= MAX_WORK;
        (is_bounded && self.params().is_some()).then_some(self)
    }

    /// Seals a key.
    pub(super) fn seal(key: &Key, passphrase: &Secret) -> Result<Self, KeyError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| NoRandomBytes)?;
        let mut wrapped = Self {
            memory: MEMORY,
            passes: PASSES,
            lanes: LANES,
            salt: STANDARD.encode(salt),
            sealed: String::new(),
        };
        let sealed = seal::seal(&wrapped.derive(passphrase, &salt)?, NAME, key.bytes())?;
        wrapped.sealed = STANDARD.encode(sealed);
        Ok(wrapped)
    }

    /// The key that is sealed in the record at `path`.
    pub(super) fn open(&self, passphrase: &Secret, path: &Path) -> Result<Key, KeyError> {
        let wrong = || KeyError::WrongPassphrase {
            path: path.to_owned(),
        };
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| wrong());
        let (salt, sealed) = (decode(&self.salt)?, decode(&self.sealed)?);
        if !SALT_LENGTHS.contains(&salt.len()) {
            return Err(KeyError::Damaged {
                path: path.to_owned(),
            });
        }
        let bytes = seal::open(&self.derive(passphrase, &salt)?, NAME, &sealed).map_err(|_| wrong())?;
        let bytes: &[u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| wrong())?;
        Ok(Key::from_bytes(*bytes))
    }

    fn derive(&self, passphrase: &Secret, salt: &[u8]) -> Result<Key, KeyError> {
        let no_memory = || KeyError::NoMemory {
            kibibytes: self.memory,
        };
        let params = self.params().ok_or_else(no_memory)?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), salt, bytes.as_mut_slice())
            .map_err(|_| no_memory())?;
        Ok(Key::from_bytes(*bytes))
    }

    fn params(&self) -> Option<Params> {
        Params::new(self.memory, self.passes, self.lanes, Some(KEY_BYTES)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passphrase_opens_and_no_other() {
        let key = Key::from_bytes([7; 32]);
        let secret = |text: &str| Secret::new(text.to_owned());
        let wrapped = Wrapped::seal(&key, &secret("correct horse")).unwrap();
        let open = |text| wrapped.open(&secret(text), Path::new("/d/key"));
        assert_eq!(open("correct horse").unwrap().bytes(), key.bytes());
        assert_eq!(
            open("correct horsf").unwrap_err().to_string(),
            "that is not the passphrase that the key is sealed with (or /d/key is damaged); try again with the right one, or restore that \
             file"
        );
        let sealed = STANDARD.decode(&wrapped.sealed).unwrap();
        assert!(!sealed.windows(8).any(|window| window == [7; 8]));
    }

    #[test]
    fn a_salt_of_no_use_is_damage() {
        let secret = Secret::new("correct horse".to_owned());
        for length in [0, 7, 65] {
            let wrapped = Wrapped {
                salt: STANDARD.encode(vec![1; length]),
                ..Wrapped::seal(&Key::from_bytes([7; 32]), &secret).unwrap()
            };
            let error = wrapped.open(&secret, Path::new("/d/key")).unwrap_err();
            assert!(matches!(error, KeyError::Damaged { .. }), "{length}: {error}");
        }
    }

    /// RFC 9106 section 5.3 has a secret and associated data; this is the reference implementation's own vector.
    #[test]
    fn what_a_passphrase_gives_is_what_others_make_of_it() {
        let wrapped = Wrapped {
            memory: 65536,
            passes: 2,
            lanes: 1,
            salt: String::new(),
            sealed: String::new(),
        };
        let key = wrapped
            .derive(&Secret::new("password".to_owned()), b"somesalt")
            .unwrap();
        assert_eq!(
            key.bytes()[..8],
            [0x09, 0x31, 0x61, 0x15, 0xd5, 0xcf, 0x24, 0xed],
            "phc-winner-argon2, src/test.c"
        );
    }
}
