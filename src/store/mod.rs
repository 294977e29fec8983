//! The credentials store: sealed files on disk, one a slot, and the key they are sealed with.

mod credential_store;
mod key;
mod slot;
mod token_servers;
mod turn;

pub use credential_store::{CredentialStore, Entry, Held, Opened, Put, StoreError};
pub use key::{
    Home, KEY_VARIABLE, KeyError, KeyPlaces, KeySource, KeyState, KeyringProblem, Moved, UnknownSource,
    Unlocked, Unlocking,
};
pub use slot::Slot;
pub use token_servers::{TokenServers, TokenServersError};
