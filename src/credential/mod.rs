//! What is kept for a server. Pure: no file, environment, network, clock or standard stream.

mod allowed_scopes;
mod credential;
mod expiry;
mod profile;
mod secret_reference;
mod selection;
mod session_token;
mod token_id;

pub use allowed_scopes::{AllowedScope, AllowedScopes, Grant, HubScope, InvalidAllowedScope};
pub use credential::{
    Credential, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Origin, SecretAtHand, UsableCredential,
    holds_hub_token,
};
pub use expiry::{Expiry, ExpiryDate, InvalidExpiry, InvalidExpiryDate, last_day, read_moment};
pub use profile::{InvalidProfile, Profile};
pub use secret_reference::{HelperName, InvalidHelperName, InvalidSecretReference, SecretReference};
pub use selection::{Candidate, Verdict, select};
pub use session_token::{
    Clocks, InvalidSessionLabel, KEPT, Listed, Machine, PrunePlan, SESSION_PROFILE, SessionLabel,
    SessionToken, Source, is_browser_login, is_session, kind_of_stored, may_be_nameless,
};
pub use token_id::{InvalidTokenId, TokenId};
