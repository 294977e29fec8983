//! The credentials store: sealed files on disk, one a slot, and the key they are sealed with.

mod credential_store;
mod key;
mod seal;
mod slot;

pub use credential_store::{CredentialStore, Entry, Held, Put, StoreError};
pub use key::KeyError;
pub use seal::{CannotSeal, Unopened};
pub use slot::Slot;
