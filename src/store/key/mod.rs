//! The one key all slots are sealed with, and the places it can live in, a file a place.

mod key_file;

pub use key_file::KeyError;
pub(super) use key_file::KeyFile;

use zeroize::Zeroizing;

/// How long the key is: what XChaCha20-Poly1305 takes.
const KEY_BYTES: usize = 32;

/// The random key of a store. Wiped on drop; no `Debug`.
pub(super) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// The key of these bytes.
    pub(super) fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the cipher.
    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}
