//! `erase`: forget what is held for a server URL. Works whether or not it can be opened.

use anyhow::Result;

use crate::command::forget_tokens;
use crate::credential::Profile;
use crate::registry::ServerUrl;
use crate::store::{CredentialStore, Slot};
use crate::token_cache::TokenCache;

/// Empties this profile's slot for the server. An empty one is as good: `docker logout` erases each of four
/// spellings, and a helper that fails for one makes it warn (docker-credential-helpers#59).
pub fn erase(
    input: &[u8],
    profile: Profile,
    store: &CredentialStore,
    caches: &dyn Fn() -> Vec<TokenCache>,
) -> Result<()> {
    let asked = ServerUrl::read(input)?;
    let slot = Slot::new(asked.server().clone(), profile);
    // Of one that does not open nobody knows what it got; that stays sealed, and expires.
    let held = store.get(&slot).ok().flatten();
    store.remove(&slot)?;
    if let Some(held) = held {
        forget_tokens(&slot, &held.credential, &caches());
    }
    Ok(())
}
