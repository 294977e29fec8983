//! `erase`: forget what is held for a server URL. Works whether or not it can be opened.

use anyhow::Result;
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::Credentials;
use crate::command::forget_tokens;
use crate::credential::Profile;
use crate::registry::ServerUrl;
use crate::store::{Slot, StoreError};
use crate::token_cache::TokenCache;

/// Empties this profile's slot for the server, and says where another credential is declared for it. An empty one is as
/// good: `docker logout` erases each of four spellings, and a helper that fails for one makes it warn
/// (docker-credential-helpers#59).
pub fn erase(
    input: &[u8],
    profile: Profile,
    credentials: Credentials<'_>,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<Option<String>> {
    let asked = ServerUrl::read(input)?;
    let slot = Slot::new(asked.server().clone(), profile);
    let emptied = empty(&slot, Action::Erase, credentials, caches, now)?;
    // Only its owner takes it out of there; and to fail would not make docker ask him.
    Ok(emptied
        .is_declared
        .then(|| format!("{} is declared in settings.json, and stays there", slot.server())))
}

/// What there was in a slot that is empty now.
pub(crate) struct Emptied {
    /// Whether anything was stored.
    pub(crate) was_stored: bool,
    /// Whether another credential is declared for it, which stays.
    pub(crate) is_declared: bool,
}

/// Empties a slot, and forgets the tokens of what was in it or is declared for it.
pub(crate) fn empty(
    slot: &Slot,
    action: Action,
    credentials: Credentials<'_>,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<Emptied, StoreError> {
    // Of one that does not open nobody knows what it got; that stays sealed, and expires.
    let held = credentials.store.get(slot).ok().flatten();
    let was_stored = credentials.store.remove(slot)?;
    if was_stored {
        let account = held.as_ref().map(|held| held.credential.account.as_str());
        credentials.record(action, slot, account, now);
    }
    if let Some(held) = held {
        forget_tokens(slot, &held.credential, &caches());
    }
    let declared = credentials.declared(slot);
    if let Some(declared) = &declared {
        forget_tokens(slot, declared.credential(), &caches());
    }
    Ok(Emptied {
        was_stored,
        is_declared: declared.is_some(),
    })
}
