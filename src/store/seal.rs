//! Seal: what a slot's file looks like outside. The only file that imports the cipher; knows nothing of what the
//! content means.
//!
//! `docker-credential-scoped 1\n`, a 24-byte nonce, then the content under XChaCha20-Poly1305. The first line and
//! the file's name are bound in as associated data: a sealed file moved to another slot's name does not open.
//! Nonces are random; 24 bytes are long enough for that (draft-irtf-cfrg-xchacha section 3.1).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::store::key::Key;

const PROGRAM: &[u8] = b"docker-credential-scoped ";
const FIRST_LINE: &[u8] = b"docker-credential-scoped 1\n";
const NONCE_BYTES: usize = 24;

/// Seals `content` for the file called `name`.
pub(super) fn seal(key: &Key, name: &str, content: &[u8]) -> Result<Vec<u8>, CannotSeal> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| CannotSeal)?;
    let sealed = cipher(key)
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: content,
                aad: &associated_data(name),
            },
        )
        .map_err(|_| CannotSeal)?;
    Ok([FIRST_LINE, &nonce, &sealed].concat())
}

/// Opens a file called `name`.
pub(super) fn open(key: &Key, name: &str, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
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

/// The system gave no random bytes. (The cipher refuses contents of 256 GiB, too.)
#[derive(Clone, Copy, Debug, Error)]
#[error("the credential cannot be sealed: the system gives no random bytes")]
pub struct CannotSeal;

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
