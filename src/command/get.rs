//! `get`: answer what is held for a server URL. Never prompts, never waits, never changes what is held.

use anyhow::Result;
use time::OffsetDateTime;

use crate::credential::Profile;
use crate::protocol::docker;
use crate::registry::ServerUrl;
use crate::secret::Secret;
use crate::settings::{OnUnavailable, Settings};
use crate::store::CredentialStore;

/// What a caller is answered.
#[derive(Debug)]
pub enum Answer {
    /// The message with the credential, and its line end.
    Found(Secret),
    /// Nothing is held for this server.
    NotFound,
}

/// Looks up the server URL that a caller sent.
pub fn get(
    input: &[u8],
    profile: &Profile,
    store: &CredentialStore,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Answer> {
    let asked = ServerUrl::read(input)?;
    match store.find(asked.server(), profile) {
        Ok(Some(held)) => {
            let answer = docker::answer(&asked, &held.credential.account, &held.credential.secret)?;
            held.mark_used(now);
            Ok(Answer::Found(answer))
        }
        Ok(None) => Ok(Answer::NotFound),
        // Locked or damaged is not absent: docker would go on without credentials and nobody would know why.
        Err(error) => match settings.on_unavailable {
            OnUnavailable::Error => Err(error.into()),
            OnUnavailable::Miss => Ok(Answer::NotFound),
        },
    }
}
