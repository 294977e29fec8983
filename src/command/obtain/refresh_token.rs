//! Refresh token: what is handed out in place of a stored secret (docker: identity token), from the cache or by an
//! exchange. It goes to the token server, and to a client that will send it nowhere else.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use thiserror::Error;
use time::OffsetDateTime;

use super::cache_key::{CacheKey, ensure_not_refused, why_unobtained};
use super::contact::{ensure_allowed, known_token_server, send};
use super::ended::explain_refusal;
use super::{Rooms, credentials, forget_if_gone};
use crate::activity_log::Action;
use crate::command::quoted;
use crate::command::recorder::Activity;
use crate::credential::UsableCredential;
use crate::http::BUDGET;
use crate::registry::{RefreshToken, Registry, ScopeSet, TokenServer};
use crate::store::Slot;
use crate::token::{Credentials, Exchange, ExchangeError, Exchanged, GrantError};
use crate::token_cache::Remembered;

/// A credential, and the registry it is for.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The registry.
    pub registry: &'a Registry,
    /// Where the credential is.
    pub slot: &'a Slot,
    /// The credential: no refresh token itself.
    pub credential: &'a UsableCredential,
}

/// The server takes the credential, and has nothing to give that could be handed out in its place.
#[derive(Debug, Error)]
#[error("{server} issued no refresh token")]
struct NotIssued {
    server: String,
}

/// The refresh token that `get` answers. Never asks the registry where tokens come from: docker is waiting, and nobody
/// is there to judge the answer.
pub fn refresh_token(login: Login<'_>, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<RefreshToken> {
    let registry = login.registry;
    let own = rooms.credentials.settings.registry(registry);
    let name = quoted(&registry.to_string());
    let token_server = known_token_server(registry, &own, rooms.token_servers)?.with_context(|| {
        format!(
            "{registry}: no identity token to hand out: where its tokens come from is not known yet; run \
             docker-credential-scoped configure --registry {name} --hand-out identity-token"
        )
    })?;
    obtain(login, &token_server, rooms, &Cell::new(BUDGET), now).map_err(|error| {
        let error = explain_refusal(error, login.slot, Some(login.credential));
        anyhow!(
            "{registry}: no identity token to hand out: {error:#}; to have the stored secret handed out, run \
             docker-credential-scoped configure --registry {name} --hand-out secret"
        )
    })
}

/// The one that `get` answered last, if it still would.
#[must_use]
pub fn remembered(login: Login<'_>, rooms: Rooms<'_>, now: OffsetDateTime) -> Option<RefreshToken> {
    let own = rooms.credentials.settings.registry(login.registry);
    let token_server = known_token_server(login.registry, &own, rooms.token_servers).ok()??;
    let no_scope = ScopeSet::default();
    let key = CacheKey::new(login.slot, login.registry, &token_server, &no_scope);
    let ticket = rooms.cache.refresh_ticket(key.asked_by(Some(login.credential)));
    match rooms.cache.look_up(&ticket, now)? {
        Remembered::RefreshToken(token) => Some(token),
        Remembered::Token(_) | Remembered::Refusal { .. } => None,
    }
}

/// The same from a token server that was found, within what time is `left`.
pub(crate) fn obtain(
    login: Login<'_>,
    token_server: &TokenServer,
    rooms: Rooms<'_>,
    left: &Cell<Duration>,
    now: OffsetDateTime,
) -> Result<RefreshToken> {
    let Login {
        registry,
        slot,
        credential,
    } = login;
    let own = rooms.credentials.settings.registry(registry);
    ensure_allowed(token_server, registry, &own)?;
    let no_scope = ScopeSet::default();
    let key = CacheKey::new(slot, registry, token_server, &no_scope);
    let wanted = key.asked_by(Some(credential));
    let has_come = Cell::new(false);
    let exchange = || {
        ensure_not_refused(rooms.cache, wanted, now)?;
        let exchanged = exchange(
            credentials(credential),
            true,
            login,
            token_server,
            rooms,
            left,
            now,
        )?;
        has_come.set(true);
        exchanged
            .refresh_token
            // A server that gives back what it was shown would have us hand out the password.
            .filter(|token| !token.shows(&credential.secret.secret))
            .and_then(|token| RefreshToken::new(token, now))
            .ok_or_else(|| {
                let server = token_server.realm.origin();
                NotIssued { server }.into()
            })
    };
    let result = rooms
        .cache
        .obtain(&rooms.cache.refresh_ticket(wanted), now, exchange, refusal);
    if has_come.get() {
        forget_if_gone(slot, Some(credential), rooms);
    }
    result.map_err(why_unobtained)
}

/// Uses a refresh token twice, as clients will: not every server that issues them takes them, and one that takes each
/// only once would leave all but the first client with a dead one.
pub(crate) fn prove(
    token: &RefreshToken,
    login: Login<'_>,
    token_server: &TokenServer,
    rooms: Rooms<'_>,
    left: &Cell<Duration>,
    now: OffsetDateTime,
) -> Result<()> {
    let server = token_server.realm.origin();
    let only_once = || {
        anyhow!(
            "{server} takes a refresh token only once, so that one handed out would serve no second command"
        )
    };
    let used = Credentials::RefreshToken(&token.token);
    let using = || exchange(used, false, login, token_server, rooms, left, now);
    match using() {
        Ok(Exchanged {
            refresh_token: Some(other),
            ..
        }) if !other.is_same_as(&token.token) => Err(only_once()),
        Ok(_) => match using() {
            Ok(_) => Ok(()),
            // It had just been taken.
            Err(error) if matches!(error.downcast_ref(), Some(ExchangeError::Refused { .. })) => {
                Err(only_once())
            }
            Err(error) => Err(error),
        },
        Err(error) => match error.downcast_ref() {
            // It took the token, and has nothing for who asks for no scope.
            Some(ExchangeError::Declined {
                why: GrantError::InvalidRequest | GrantError::InvalidScope,
                ..
            }) => Ok(()),
            Some(ExchangeError::NoOAuth { .. }) => {
                bail!("{server} issues refresh tokens and takes none")
            }
            Some(ExchangeError::Refused { status, .. }) => {
                bail!("{server} refused the refresh token that it had just issued ({status})")
            }
            Some(_) | None => Err(error),
        },
    }
}

fn exchange(
    credentials: Credentials<'_>,
    wants_refresh_token: bool,
    login: Login<'_>,
    token_server: &TokenServer,
    rooms: Rooms<'_>,
    left: &Cell<Duration>,
    now: OffsetDateTime,
) -> Result<Exchanged> {
    let registry = login.registry;
    let exchange = Exchange {
        credentials,
        // What it may do is for the client to ask, and for each of its commands anew.
        scope: &ScopeSet::default(),
        token_server,
        wants_refresh_token,
        allows_plain_http: token_server.realm.url().scheme() == "http",
    };
    let own = rooms.credentials.settings.registry(registry);
    let exchanged = send(&exchange, registry, &own, left, now)?;
    let account = Some(login.credential.account.as_str());
    rooms
        .credentials
        .recorder
        .record(Activity::of(Action::Exchange, login.slot, account), now);
    Ok(exchanged)
}

/// The word by which it is remembered for a while that there is none, so that a build does not ask for each image.
fn refusal(error: &anyhow::Error) -> Option<String> {
    let is_remembered =
        error.is::<NotIssued>() || matches!(error.downcast_ref(), Some(ExchangeError::Refused { .. }));
    is_remembered.then(|| error.to_string())
}
