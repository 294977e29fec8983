//! Serving `cache`: of which registry, and from every place where tokens may be.

use anyhow::Result;
use time::OffsetDateTime;

use super::super::locations::token_caches;
use crate::cli::Cache;
use crate::command::{Report, cache};
use crate::registry::Registry;
use crate::store::CredentialStore;

/// Shows what is remembered, or forgets it.
pub(super) fn cache(arguments: Cache, credentials: &CredentialStore, now: OffsetDateTime) -> Result<Report> {
    let Cache { server, clear, json } = arguments;
    let registry = server.map(|server| server.parse::<Registry>()).transpose()?;
    let caches = token_caches(credentials);
    if clear {
        Ok(cache::clear(registry.as_ref(), &caches, now))
    } else {
        cache::list(registry.as_ref(), json, &caches, now)
    }
}
