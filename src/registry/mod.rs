//! The registry's nouns. Pure: no file, environment, network, clock or standard stream.

mod registry;
mod scope;
mod server_url;

pub use registry::{InvalidRegistry, Registry};
pub use scope::{InvalidScope, Resource, Scope, ScopeSet};
pub use server_url::{HubSessionToken, InvalidServerUrl, MAX_SERVER_URL_BYTES, Server, ServerUrl};
