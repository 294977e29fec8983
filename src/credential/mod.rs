//! What is kept for a server. Pure: no file, environment, network, clock or standard stream.

mod allowed_scopes;
mod credential;
mod profile;
mod selection;

pub use allowed_scopes::{AllowedScope, AllowedScopes, Grant, HubScope, InvalidAllowedScope};
pub use credential::{Credential, Kind, Origin};
pub use profile::{InvalidProfile, Profile};
pub use selection::{Candidate, Verdict, select};
