//! Environment: the key in a variable, as a continuous integration service hands secrets to its jobs.

use zeroize::Zeroizing;

use super::error::KeyError;
use super::key_file;
use super::places::{KEY_VARIABLE, KeyPlaces};
use crate::seal::Key;

/// The key; `None` where the variable is not set, or to nothing.
pub(super) fn read(places: &KeyPlaces) -> Result<Option<Key>, KeyError> {
    let Some(text) = (places.variable)(KEY_VARIABLE) else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(text.into_encoded_bytes());
    let digits = bytes.trim_ascii();
    if digits.is_empty() {
        return Ok(None);
    }
    key_file::parse(digits)
        .map(Some)
        .ok_or_else(|| KeyError::NotAKey {
            place: KEY_VARIABLE.to_owned(),
        })
}
