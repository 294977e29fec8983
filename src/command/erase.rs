//! `erase`: forget what is held for a server URL. Works whether or not it can be opened.

use anyhow::Result;
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::Credentials;
use crate::command::forget_tokens;
use crate::command::recorder::Activity;
use crate::credential::Profile;
use crate::registry::ServerUrl;
use crate::store::Slot;
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
    // Of one that does not open nobody knows what it got; that stays sealed, and expires.
    let held = credentials.store.get(&slot).ok().flatten();
    if credentials.store.remove(&slot)? {
        let account = held.as_ref().map(|held| held.credential.account.as_str());
        credentials
            .recorder
            .record(Activity::of(Action::Erase, &slot, account), now);
    }
    if let Some(held) = held {
        forget_tokens(&slot, &held.credential, &caches());
    }
    // Only its owner takes it out of there; and to fail would not make docker ask him.
    Ok(credentials.declared(&slot).map(|declared| {
        forget_tokens(&slot, declared.credential(), &caches());
        format!("{} is declared in settings.json, and stays there", slot.server())
    }))
}
