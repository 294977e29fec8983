//! The key that all is sealed with, and the places it can live in.

mod environment;
mod error;
mod first;
mod journal;
mod key_file;
mod keyring;
mod moving;
mod opening;
mod passphrase;
mod places;
mod record;
mod resting;
mod source;
mod state;
mod unlocking;

pub use error::KeyError;
pub use keyring::KeyringProblem;
pub use moving::{Home, Moved};
pub(super) use opening::Keys;
pub use places::{KEY_VARIABLE, KeyPlaces};
pub use source::{KeySource, UnknownSource};
pub use state::KeyState;
pub use unlocking::{Unlocked, Unlocking};
