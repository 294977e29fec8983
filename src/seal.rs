//! Seal: the key, and what a sealed file looks like outside. The only file that imports the cipher; knows nothing of
//! what the content means, or where key and file are.
//!
//! `docker-credential-scoped 1\n`, a 24-byte nonce, then the content under XChaCha20-Poly1305. The first line and
//! the file's name are bound in as associated data: a sealed file moved to another slot's name does not open.
//! Nonces are random; 24 bytes are long enough for that (draft-irtf-cfrg-xchacha section 3.1).

use std::fmt;

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput, Update};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use thiserror::Error;
use zeroize::Zeroizing;

/// How long a key is: what XChaCha20-Poly1305 takes.
pub const KEY_BYTES: usize = 32;

const PROGRAM: &[u8] = b"docker-credential-scoped ";
const FIRST_LINE: &[u8] = b"docker-credential-scoped 1\n";
const NONCE_BYTES: usize = 24;

/// A random key, or one derived from it. Wiped on drop; `Debug` tells nothing.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// A new one.
    pub fn random() -> Result<Self, NoRandomBytes> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| NoRandomBytes)?;
        Ok(Self(bytes))
    }

    /// The key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for where the key is kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// A key for one purpose, from which this one cannot be told.
    #[must_use]
    pub fn subkey(&self, purpose: &str) -> Self {
        Self(self.mac(b"subkey", &[purpose.as_bytes()]))
    }

    /// A name for what the parts say, the same for the same parts, from which without the key nothing can be told.
    #[must_use]
    pub fn fingerprint(&self, parts: &[&[u8]]) -> String {
        let digit = |value: u8| {
            char::from(if value < 10 {
                b'0' + value
            } else {
                b'a' - 10 + value
            })
        };
        let mut text = String::with_capacity(2 * KEY_BYTES);
        // By hand: formatting takes as long as the hash, and each cached answer needs two of these.
        for byte in *self.mac(b"fingerprint", parts) {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 0xf));
        }
        text
    }

    /// `BLAKE2b` with this key (RFC 7693) over the parts, each with its length before it; what it is for is its
    /// personalization. A quarter of the instructions of HMAC with SHA-256, which a cached token would be half of.
    fn mac(&self, personalization: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
        let Ok(mut mac) =
            Blake2bMac::<U32>::new_with_salt_and_personal(Some(self.0.as_slice()), &[], personalization)
        else {
            unreachable!("BLAKE2b takes keys of up to 64 bytes, and personalizations of up to 16")
        };
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        Zeroizing::new(mac.finalize_fixed().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// Seals `content` for the file called `name`.
pub fn seal(key: &Key, name: &str, content: &[u8]) -> Result<Vec<u8>, NoRandomBytes> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| NoRandomBytes)?;
    let sealed = cipher(key)
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: content,
                aad: &associated_data(name),
            },
        )
        // The cipher takes 256 GiB; what is sealed here was read under a cap.
        .map_err(|_| NoRandomBytes)?;
    Ok([FIRST_LINE, &nonce, &sealed].concat())
}

/// Opens a file called `name`.
pub fn open(key: &Key, name: &str, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let (nonce, sealed) = split(file)?;
    cipher(key)
        .decrypt(
            &XNonce::from(nonce),
            Payload {
                msg: sealed,
                aad: &associated_data(name),
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| Unopened::Damaged)
}

/// The system gave no random bytes, so nothing can be sealed.
#[derive(Clone, Copy, Debug, Error)]
#[error("nothing can be sealed: the system gives no random bytes")]
pub struct NoRandomBytes;

/// Why a sealed file could not be opened.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unopened {
    /// Changed since it was sealed, cut short, moved from another slot, or sealed with another key.
    #[error("is damaged or sealed with another key; log out of that registry and in again")]
    Damaged,
    /// Not written by this program.
    #[error("is not a file of this program; move it away")]
    Foreign,
    /// Written by a later version in a format this one does not know.
    #[error("was written by a newer version of this program; update this one")]
    NewerFormat,
}

fn split(file: &[u8]) -> Result<([u8; NONCE_BYTES], &[u8]), Unopened> {
    let Some(rest) = file.strip_prefix(FIRST_LINE) else {
        return Err(match file.strip_prefix(PROGRAM) {
            Some([b'1', ..] | []) => Unopened::Damaged,
            Some(_) => Unopened::NewerFormat,
            // A file cut short within its first line is ours all the same.
            None if FIRST_LINE.starts_with(file) => Unopened::Damaged,
            None => Unopened::Foreign,
        });
    };
    rest.split_first_chunk()
        .map(|(nonce, sealed)| (*nonce, sealed))
        .ok_or(Unopened::Damaged)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

fn associated_data(name: &str) -> Vec<u8> {
    [FIRST_LINE, name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::from_bytes([byte; 32])
    }

    #[test]
    fn what_is_sealed_opens_again_under_its_own_name_and_key_only() {
        let file = seal(&key(1), "h@default", b"content").unwrap();
        assert_eq!(*open(&key(1), "h@default", &file).unwrap(), b"content");
        assert_eq!(open(&key(2), "h@default", &file), Err(Unopened::Damaged));
        assert_eq!(open(&key(1), "other@default", &file), Err(Unopened::Damaged));
        assert!(!file.windows(7).any(|window| window == b"content"));
    }

    #[test]
    fn subkeys_and_fingerprints_depend_on_key_and_all_that_goes_in() {
        let subkeys = [key(1).subkey("a"), key(1).subkey("b"), key(2).subkey("a"), key(1)];
        let prints: std::collections::BTreeSet<_> = subkeys
            .iter()
            .flat_map(|key| {
                [&[b"ab".as_slice(), b"c"][..], &[b"a", b"bc"], &[b"abc"]].map(|parts| key.fingerprint(parts))
            })
            .collect();
        assert_eq!(prints.len(), 12, "no two are alike, wherever the parts are cut");
        assert_eq!(key(1).fingerprint(&[b"x"]), key(1).fingerprint(&[b"x"]));
        // What Python's hashlib says.
        assert_eq!(
            key(1).fingerprint(&[b"x"]),
            "0db72535690c04459a44eb7e5e084f51b1fda980189bdbe63203809623cb5c1a"
        );
        assert_eq!(format!("{:?}", key(7)), "Key(redacted)");
    }

    #[test]
    fn sealing_twice_gives_two_files() {
        assert_ne!(
            seal(&key(1), "h", b"c").unwrap(),
            seal(&key(1), "h", b"c").unwrap()
        );
    }

    #[test]
    fn no_flipped_bit_and_no_cut_is_ever_taken_for_the_content() {
        let file = seal(&key(1), "h", b"content").unwrap();
        for length in 0..file.len() {
            assert_eq!(
                open(&key(1), "h", &file[..length]),
                Err(Unopened::Damaged),
                "cut to {length}"
            );
        }
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key(1), "h", &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn foreign_and_newer_files_are_told_apart() {
        assert_eq!(open(&key(1), "h", b"{\"auths\":{}}"), Err(Unopened::Foreign));
        assert_eq!(
            open(&key(1), "h", b"docker-credential-scoped 2\n..."),
            Err(Unopened::NewerFormat)
        );
        assert_eq!(
            open(&key(1), "h", b"docker-credential-scoped 1"),
            Err(Unopened::Damaged)
        );
    }
}
