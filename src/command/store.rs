//! `store`: keep the credential a caller sends.

use anyhow::{Result, bail};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, expired_text};
use crate::command::forget_tokens;
use crate::command::get::{Lenders, identified};
use crate::command::obtain::Rooms;
use crate::command::obtain::refresh_token::{Login, remembered};
use crate::credential::{
    AllowedScopes, Credential, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Origin, Profile, UsableCredential,
    is_browser_login,
};
use crate::protocol::docker::StoreMessage;
use crate::registry::{HubSessionToken, Server};
use crate::secret::Secret;
use crate::store::{Put, Slot};
use crate::token_cache::TokenCache;

/// Keeps what the message says in this profile's slot for its server.
///
/// `docker login` stores again what `get` has just answered. What was fetched from elsewhere, or exchanged for what is
/// stored, is not put in its place then: the next `get` answers the same.
pub fn store(
    input: &[u8],
    profile: Profile,
    credentials: Credentials<'_>,
    lenders: Lenders<'_>,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<()> {
    let StoreMessage {
        server_url,
        account,
        secret,
    } = StoreMessage::read(input)?;
    let slot = Slot::new(server_url.server().clone(), profile);
    if let Some(found) = credentials.get(&slot)?
        // Where it cannot be fetched now, the caller has it from somewhere else.
        && let Ok(Some(usable)) = credentials.fetch(found.credential())
    {
        let is_same = usable.account == account && usable.secret.secret.is_same_as(&secret);
        if is_same && let Some(expired) = usable.expired(now) {
            // It would be kept as what it is, and not be answered: whoever logs in with it is to hear of that now.
            bail!(expired_text(&slot, found.credential(), expired));
        }
        let is_fetched = usable.secret.reference.is_some();
        if (is_same && is_fetched)
            || (account == IDENTITY_TOKEN_ACCOUNT
                && is_lent(&slot, &usable, &secret, credentials, lenders, now))
        {
            found.mark_used(now);
            forget_tokens(&slot, found.credential(), &caches());
            return Ok(());
        }
    }
    let kind = match Kind::of(&account, &secret) {
        Kind::PersonalAccessToken if is_of_browser_login(&slot, &account, credentials, now) => {
            Kind::SessionToken
        }
        kind => kind,
    };
    let credential = Credential {
        server_url,
        kind,
        token_id: None,
        account,
        secret: KeptSecret::Here(secret),
        allowed: AllowedScopes::Unknown,
        expires: None,
        created: Some(now),
        origin: Origin::Client,
    };
    let put = credentials.store.put(&slot, &credential, now)?;
    if !matches!(put, Put::Unchanged) {
        credentials.record(Action::Store, &slot, Some(&credential.account), now);
    }
    match put {
        // What the other one got is not for this one, and nobody asks for it any more.
        Put::Replaced(replaced) => forget_tokens(&slot, &replaced, &caches()),
        // Who logs in again may have put right on the server what was refused a moment ago.
        Put::Unchanged => forget_tokens(&slot, &credential, &caches()),
        Put::New => {}
    }
    Ok(())
}

/// Whether a personal access token is what docker's browser login had made for it: a moment ago docker stored the access
/// token that it was made with. One that was imported, or added, may have been there for long.
fn is_of_browser_login(
    slot: &Slot,
    account: &str,
    credentials: Credentials<'_>,
    now: OffsetDateTime,
) -> bool {
    if *slot.server() != Server::Registry(credentials.settings.hub().registry) {
        return false;
    }
    let beside = Slot::new(
        Server::HubSession(HubSessionToken::Access),
        slot.profile().clone(),
    );
    // What cannot be opened tells nothing.
    let held = credentials.store.get(&beside).ok().flatten();
    held.is_some_and(|held| {
        let access_token = held.credential;
        access_token.origin == Origin::Client
            && access_token
                .created
                .is_some_and(|created| is_browser_login(account, now, &access_token.account, created))
    })
}

/// Whether `get` answers this in place of what is held.
fn is_lent(
    slot: &Slot,
    held: &UsableCredential,
    secret: &Secret,
    credentials: Credentials<'_>,
    lenders: Lenders<'_>,
    now: OffsetDateTime,
) -> bool {
    let Some(registry) = identified(held, credentials.settings) else {
        return false;
    };
    let login = Login {
        registry,
        slot,
        credential: held,
    };
    let rooms = Rooms {
        credentials,
        cache: &(lenders.cache)(),
        token_servers: &(lenders.token_servers)(),
    };
    remembered(login, rooms, now).is_some_and(|token| token.token.is_same_as(secret))
}
