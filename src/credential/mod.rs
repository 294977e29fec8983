//! What is kept for a server. Pure: no file, environment, network, clock or standard stream.

mod credential;
mod profile;

pub use credential::{Credential, IDENTITY_TOKEN_ACCOUNT, Kind, Origin};
pub use profile::{InvalidProfile, Profile};
