//! The places the store's key can live in, a file a place.

mod key_file;

pub use key_file::KeyError;
pub(super) use key_file::KeyFile;
