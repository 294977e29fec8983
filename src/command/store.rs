//! `store`: keep the credential a caller sends.

use anyhow::Result;
use time::OffsetDateTime;

use crate::command::forget_tokens;
use crate::credential::{Credential, Kind, Origin, Profile};
use crate::protocol::docker::StoreMessage;
use crate::store::{CredentialStore, Put, Slot};
use crate::token_cache::TokenCache;

/// Keeps what the message says in this profile's slot for its server.
pub fn store(
    input: &[u8],
    profile: Profile,
    store: &CredentialStore,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<()> {
    let StoreMessage {
        server_url,
        account,
        secret,
    } = StoreMessage::read(input)?;
    let slot = Slot::new(server_url.server().clone(), profile);
    let kind = Kind::of(&account, &secret);
    let credential = Credential {
        server_url,
        account,
        secret,
        kind,
        created: now,
        origin: Origin::Client,
    };
    match store.put(&slot, &credential, now)? {
        // What the other one got is not for this one, and nobody asks for it any more.
        Put::Replaced(replaced) => forget_tokens(&slot, &replaced, &caches()),
        // Who logs in again may have put right on the server what was refused a moment ago.
        Put::Unchanged => forget_tokens(&slot, &credential, &caches()),
        Put::New => {}
    }
    Ok(())
}
