//! The key that all is sealed with, and the places it can live in.

mod key_file;
mod moving;
mod places;
mod source;
mod state;
mod unlocking;

pub use key_file::KeyError;
pub(super) use key_file::KeyFile;
pub use moving::{Home, Moved};
pub use places::{KEY_VARIABLE, KeyPlaces};
pub use source::{KeySource, UnknownSource};
pub use state::KeyState;
pub use unlocking::{Unlocked, Unlocking};
