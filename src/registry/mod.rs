//! The registry's nouns. Pure: no file, environment, network, clock or standard stream.

mod access_token;
mod challenge;
mod claims;
mod image;
mod realm;
mod refresh_token;
mod registry;
mod scope;
mod server_url;
mod token_server;

pub use access_token::{AccessToken, InvalidTokenResponse, TokenResponse};
pub use challenge::{BearerChallenge, Challenge, InvalidChallenge};
pub use claims::Claims;
pub use image::{Image, InvalidImage};
pub use realm::{InvalidRealm, Judgement, Realm, RefusedRealm};
pub use refresh_token::RefreshToken;
pub use registry::{InvalidRegistry, Registry};
pub use scope::{InvalidScope, Resource, Scope, ScopePattern, ScopeSet};
pub use server_url::{HubSessionToken, InvalidServerUrl, MAX_SERVER_URL_BYTES, Server, ServerUrl};
pub use token_server::TokenServer;
