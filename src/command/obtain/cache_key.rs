//! Cache key: what a request is known by in the token cache, and what is said of a refusal that is found there.

use anyhow::{Error, Result, anyhow};
use thiserror::Error as ThisError;
use time::OffsetDateTime;

use crate::command::{rfc3339, subject};
use crate::credential::UsableCredential;
use crate::registry::{Registry, ScopeSet, TokenServer};
use crate::store::Slot;
use crate::token_cache::{TokenCache, Unobtained, Wanted};

/// What is asked of a token server, whoever asks.
pub(super) struct CacheKey<'a> {
    pub(super) slot: String,
    registry: String,
    realm: String,
    service: Option<&'a str>,
    scope: &'a ScopeSet,
}

impl<'a> CacheKey<'a> {
    pub(super) fn new(
        slot: &Slot,
        registry: &Registry,
        token_server: &'a TokenServer,
        scope: &'a ScopeSet,
    ) -> Self {
        Self {
            slot: slot.file_name(),
            registry: registry.to_string(),
            realm: token_server.realm.to_string(),
            service: token_server.service.as_deref(),
            scope,
        }
    }

    /// What is wanted of the cache by whoever has this credential.
    pub(super) fn asked_by<'s>(&'s self, credential: Option<&'s UsableCredential>) -> Wanted<'s> {
        Wanted {
            server: &self.registry,
            subject: credential.map(|credential| subject(&self.slot, credential)),
            realm: &self.realm,
            service: self.service,
            scope: self.scope,
        }
    }
}

/// The token server refused the credential itself, a moment ago.
#[derive(Debug, ThisError)]
#[error("{word}; not asked again for half a minute")]
pub(super) struct RefusedBefore {
    word: String,
}

/// A credential that is wrong is wrong for every scope, and not shown again so soon.
pub(super) fn ensure_not_refused(cache: &TokenCache, wanted: Wanted<'_>, now: OffsetDateTime) -> Result<()> {
    match cache.refusal(wanted, now) {
        Some(word) => Err(RefusedBefore { word }.into()),
        None => Ok(()),
    }
}

/// What is said of a refusal that was remembered; what just failed says it itself.
pub(super) fn why_unobtained(unobtained: Unobtained<Error>) -> Error {
    match unobtained {
        Unobtained::Failed(error) => error,
        Unobtained::Refused { word, until } => anyhow!("{word}; not asked again before {}", rfc3339(until)),
    }
}
