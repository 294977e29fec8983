//! Tokens: a registry's challenge, its realm, and the exchange of a long-lived credential for a short-lived access
//! token. Speaks to registries and token servers; keeps nothing.

mod challenge;
mod exchange;
mod grant_error;
mod patience;

pub use challenge::{ContactError, ask_registry};
pub use exchange::{Credentials, Exchange, ExchangeError, Exchanged};
pub use grant_error::GrantError;
