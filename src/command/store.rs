//! `store`: keep the credential a caller sends.

use anyhow::{Result, bail};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, Found, expired_text};
use crate::command::forget_tokens;
use crate::command::get::{Lenders, identified};
use crate::command::obtain::Rooms;
use crate::command::obtain::refresh_token::{Login, remembered};
use crate::command::recorder::Activity;
use crate::credential::{
    AllowedScopes, Credential, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Origin, Profile, is_browser_login,
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
    let found = credentials.get(&slot)?;
    if let Some(found) = &found
        && let Some(expired) = found.credential().expired(now)
        && is_same(found, &account, &secret, credentials)
    {
        // It would be kept as what it is, and not be answered: whoever logs in with it is to hear of that now.
        bail!(expired_text(&slot, found.credential(), expired));
    }
    if let Some(found) = found
        && is_answer_of(&found, &slot, &account, &secret, credentials, lenders, now)
    {
        found.mark_used(now);
        forget_tokens(&slot, found.credential(), &caches());
        return Ok(());
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
        let account = Some(credential.account.as_str());
        credentials
            .recorder
            .record(Activity::of(Action::Store, &slot, account), now);
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

/// Whether this is the account and the secret of what was found, wherever that is kept.
fn is_same(found: &Found, account: &str, secret: &Secret, credentials: Credentials<'_>) -> bool {
    credentials.fetch(found.credential()).is_ok_and(|usable| {
        usable.is_some_and(|usable| usable.account == account && usable.secret.secret.is_same_as(secret))
    })
}

/// Whether `get` answers this for what was found, though it is not what is stored.
fn is_answer_of(
    found: &Found,
    slot: &Slot,
    account: &str,
    secret: &Secret,
    credentials: Credentials<'_>,
    lenders: Lenders<'_>,
    now: OffsetDateTime,
) -> bool {
    let credential = found.credential();
    let identified = identified(credential, credentials.settings);
    let is_kept_here = matches!(credential.secret, KeptSecret::Here(_));
    if is_kept_here && (identified.is_none() || account != IDENTITY_TOKEN_ACCOUNT) {
        return false;
    }
    // Where it cannot be fetched now, the caller has it from somewhere else.
    let Ok(Some(usable)) = credentials.fetch(credential) else {
        return false;
    };
    if !is_kept_here && usable.account == account && usable.secret.secret.is_same_as(secret) {
        return true;
    }
    let Some(registry) = identified.filter(|_| account == IDENTITY_TOKEN_ACCOUNT) else {
        return false;
    };
    let login = Login {
        registry,
        slot,
        credential: &usable,
    };
    let rooms = Rooms {
        credentials,
        cache: &(lenders.cache)(),
        token_servers: &(lenders.token_servers)(),
    };
    remembered(login, rooms, now).is_some_and(|token| token.token.is_same_as(secret))
}
