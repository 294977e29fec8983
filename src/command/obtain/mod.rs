//! Obtain: an access token for a registry and a scope, from the cache or by an exchange. What `token` prints and what
//! `exec` hands to its command.

mod choice;
mod contact;
pub mod refresh_token;

use std::cell::{Cell, OnceCell};
use std::slice;
use std::time::Instant;

use anyhow::{Result, bail};
use thiserror::Error;
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::Credentials;
use crate::command::recorder::{Activity, Recorder};
use crate::command::{forget_tokens_of, rfc3339, subject};
use crate::credential::{Credential, KeptSecret, Kind, Profile, SecretAtHand, UsableCredential};
use crate::http::{BUDGET, Http};
use crate::registry::{AccessToken, Realm, Registry, ScopeSet, TokenServer};
use crate::secret::Secret;
use crate::store::{Held, Slot, StoreError, TokenServers};
use crate::token::{self as exchange, Exchange, ExchangeError, Exchanged};
use crate::token_cache::{self, Remembered, TokenCache, Unobtained};

use self::choice::{fetch, whole};
use self::contact::{explain, host};

pub(crate) use self::choice::{Judged, choose, concerns, judge, name};
pub(crate) use self::contact::{
    find_token_server, host as realm_host, is_service_unknown, known_token_server, trust,
};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The registry that is to take the token.
    pub registry: Registry,
    /// What it is to allow.
    pub scope: ScopeSet,
    /// Another audience than the registry's own, of the same token server.
    pub service: Option<String>,
    /// Whose credential is used; the one that may do least, where nobody says.
    pub profile: Option<Profile>,
    /// The realm that the user confirms for the registry.
    pub confirmed: Option<Realm>,
}

/// What is kept where.
#[derive(Clone, Copy)]
pub struct Rooms<'a> {
    /// The credentials.
    pub credentials: Credentials<'a>,
    /// What was had before.
    pub cache: &'a TokenCache,
    /// What is recorded of registries.
    pub token_servers: &'a TokenServers,
}

/// A token, and how it came about.
#[derive(Debug)]
pub struct Obtained {
    /// The token.
    pub access_token: AccessToken,
    /// Who gave it, and for whom it is.
    pub token_server: TokenServer,
    /// Whose slot it was had for.
    pub slot: Slot,
    /// The account it was had for; `None` for nobody.
    pub account: Option<String>,
    /// What the user has to know all the same.
    pub warning: Option<String>,
}

impl Obtained {
    /// Writes down whether it was handed out.
    pub fn record(&self, is_handed_out: bool, wanted: &Wanted, recorder: &Recorder, now: OffsetDateTime) {
        let action = if is_handed_out {
            Action::HandOut
        } else {
            Action::Refusal
        };
        let activity = Activity {
            scope: Some(&wanted.scope),
            granted: self.access_token.granted.as_ref(),
            ..Activity::of(action, &self.slot, self.account.as_deref())
        };
        recorder.record(activity, now);
    }
}

/// Obtains a token. That there is none is written down here; that it is handed out, by who does.
pub fn obtain(wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<Obtained> {
    // Who was refused is known once somebody was chosen.
    let chosen = OnceCell::new();
    attempt(wanted, rooms, now, true, &chosen).inspect_err(|_| {
        let (slot, account) = chosen.into_inner().unwrap_or_else(|| (whole(wanted), None));
        let activity = Activity {
            scope: Some(&wanted.scope),
            ..Activity::of(Action::Refusal, &slot, account.as_deref())
        };
        rooms.credentials.recorder.record(activity, now);
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one call from the question to the answer, in the order in which it happens"
)]
fn attempt(
    wanted: &Wanted,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
    may_repeat: bool,
    asked_as: &OnceCell<(Slot, Option<String>)>,
) -> Result<Obtained> {
    let registry = &wanted.registry;
    let own = rooms.credentials.settings.registry(registry);
    // What the requests of this call may still take together.
    let left = Cell::new(BUDGET);
    let own_token_server = find_token_server(wanted, &own, rooms, &left)?;
    if let Some(why) = own_token_server.refusal(registry, own.insecure) {
        bail!(
            "{}: tokens for {registry} are not asked for there: {why}",
            own_token_server.realm.origin()
        );
    }
    let is_own_audience = wanted.service.is_none() || wanted.service == own_token_server.service;
    let token_server = TokenServer {
        service: wanted.service.clone().or(own_token_server.service),
        ..own_token_server
    };
    let chosen = choose(wanted, rooms.credentials, now)?;
    if let Some((slot, found)) = &chosen
        && rooms.credentials.recorder.is_wanted()
    {
        // A second attempt finds the same one.
        let _ = asked_as.set((slot.clone(), Some(found.credential().account.clone())));
    }
    let fetched = chosen
        .as_ref()
        .map(|(slot, found)| fetch(slot, found, rooms.credentials))
        .transpose()?;
    let slot = chosen
        .as_ref()
        .map_or_else(|| whole(wanted), |(slot, _)| slot.clone());
    let credential = fetched.as_ref();
    if !is_own_audience && credential.is_some_and(|credential| credential.kind == Kind::IdentityToken) {
        // Refused here, or else the answer's rotated one would take its place and be good for nothing.
        bail!(
            "{registry}: a refresh token is stored, which is for the registry's own audience only; log in with a \
             password or token to ask for another"
        );
    }
    let (slot_name, registry_name, realm) = (
        slot.file_name(),
        registry.to_string(),
        token_server.realm.to_string(),
    );
    let anonymously = token_cache::Wanted {
        server: &registry_name,
        subject: None,
        realm: &realm,
        service: token_server.service.as_deref(),
        scope: &wanted.scope,
    };
    let ticket = rooms.cache.ticket(asked_by(credential, &slot_name, anonymously));
    let mut renewed_since = None;
    let mut rotated = None;
    let has_come = Cell::new(false);
    let began = Instant::now();
    let exchange = || {
        let mut credential = credential;
        let _turn;
        if let Some(first) = credential.filter(|credential| is_single_use(credential)) {
            _turn = rooms.credentials.store.turn(&slot)?;
            renewed_since = renewed(&slot, first, rooms)?;
            credential = renewed_since.as_ref().or(credential);
        }
        // It may have waited long for its turn.
        let now = now.saturating_add(began.elapsed().try_into().unwrap_or(time::Duration::ZERO));
        let cached = |wanted| rooms.cache.look_up(&rooms.cache.ticket(wanted), now);
        // Who had the turn before may have asked for the same.
        if credential.is_some_and(is_single_use)
            && let Some(Remembered::Token(token)) = cached(asked_by(credential, &slot_name, anonymously))
        {
            return Ok(token);
        }
        // A credential that is wrong is wrong for every scope.
        if let Some(word) = rooms
            .cache
            .refusal(asked_by(credential, &slot_name, anonymously), now)
        {
            bail!("{word}; not asked again for half a minute");
        }
        let exchange = Exchange {
            credentials: credential.map_or(exchange::Credentials::Anonymous, credentials),
            scope: &wanted.scope,
            token_server: &token_server,
            wants_refresh_token: false,
            allows_plain_http: token_server.realm.url().scheme() == "http",
        };
        let http = Http::new(
            trust(&[registry_name.clone(), host(&token_server.realm)], &own)?,
            Instant::now() + left.get(),
        );
        let exchanged = exchange.make(&http, now);
        left.set(http.remaining());
        let Exchanged {
            access_token,
            refresh_token,
        } = exchanged?;
        if let (Some(credential), Some(secret)) = (credential, refresh_token) {
            rotated = rotate(&slot, credential, secret, rooms, now);
        }
        let access_token = access_token?;
        has_come.set(true);
        let activity = Activity {
            scope: Some(&wanted.scope),
            granted: access_token.granted.as_ref(),
            ..Activity::of(
                Action::Exchange,
                &slot,
                credential.map(|credential| credential.account.as_str()),
            )
        };
        rooms.credentials.recorder.record(activity, now);
        let newest = match &rotated {
            None => renewed_since.as_ref(),
            Some(kept) => kept.as_ref().ok().and_then(Option::as_ref),
        };
        if newest.is_some() {
            // Who has the next turn is to find it.
            let ticket = rooms.cache.ticket(asked_by(newest, &slot_name, anonymously));
            rooms.cache.put(&ticket, &access_token, now);
        }
        Ok(access_token)
    };
    let result = rooms.cache.obtain(&ticket, now, exchange, refusal);
    let (first, credential) = (credential, renewed_since.as_ref().or(credential));
    let access_token = match result {
        Ok(access_token) => access_token,
        Err(Unobtained::Refused { word, until }) => {
            bail!("{word}; not asked again before {}", rfc3339(until))
        }
        Err(Unobtained::Failed(error)) => {
            if may_repeat && error.is::<LoginChanged>() {
                return attempt(wanted, rooms, now, false, asked_as);
            }
            if let Some(ExchangeError::Refused {
                status: 400 | 401, ..
            }) = error.downcast_ref()
            {
                if may_repeat && is_renewed_since(&slot, credential, rooms) {
                    return attempt(wanted, rooms, now, false, asked_as);
                }
                let refused = asked_by(credential, &slot_name, anonymously);
                rooms.cache.refuse(refused, error.to_string(), now);
            }
            return Err(explain(error, wanted, &own, &token_server, left.get()));
        }
    };
    // What was had with a used one is found by nobody any more, and goes.
    let used = [
        first.filter(|_| renewed_since.is_some()),
        credential.filter(|_| rotated.is_some()),
    ];
    for used in used.into_iter().flatten() {
        forget_tokens_of(&subject(&slot_name, used), slice::from_ref(rooms.cache));
    }
    if has_come.get() {
        let newest = rotated.as_ref().and_then(|kept| kept.as_ref().ok()?.as_ref());
        forget_if_gone(&slot, newest.or(credential), rooms);
    }
    let warning = rotated.and_then(Result::err).map(|error| {
        format!(
            "warning: the new refresh token for {registry} was not kept, and the old one may be used up: {error}"
        )
    });
    if let Some((_, found)) = &chosen {
        found.mark_used(now);
    }
    Ok(Obtained {
        access_token,
        token_server,
        slot,
        account: credential.map(|credential| credential.account.clone()),
        warning,
    })
}

/// What is wanted of the cache, by whoever has this credential.
fn asked_by<'a>(
    credential: Option<&'a UsableCredential>,
    slot_name: &'a str,
    wanted: token_cache::Wanted<'a>,
) -> token_cache::Wanted<'a> {
    token_cache::Wanted {
        subject: credential.map(|credential| subject(slot_name, credential)),
        ..wanted
    }
}

/// Whether it may be used up by its first use. One that is kept elsewhere cannot be replaced by the next.
fn is_single_use(credential: &UsableCredential) -> bool {
    credential.kind == Kind::IdentityToken && credential.secret.reference.is_none()
}

/// The refresh token that the slot holds by now, where it is another one than was read at first.
fn renewed(slot: &Slot, first: &UsableCredential, rooms: Rooms<'_>) -> Result<Option<UsableCredential>> {
    match rooms.credentials.store.get(slot)? {
        Some(Held { credential, .. }) if credential.kind == Kind::IdentityToken => {
            if credential.secret.is(&first.secret.secret) {
                return Ok(None);
            }
            Ok(rooms.credentials.fetch(&credential)?)
        }
        Some(_) | None => Err(LoginChanged.into()),
    }
}

/// Somebody has logged out, or in with a password, while the turn was waited for.
#[derive(Debug, Error)]
#[error("the login was changed meanwhile; try again")]
struct LoginChanged;

/// Whether the slot holds another refresh token by now: another process has used this one, and got a new one for it.
fn is_renewed_since(slot: &Slot, used: Option<&UsableCredential>, rooms: Rooms<'_>) -> bool {
    used.is_some_and(|used| {
        let held = || rooms.credentials.store.get(slot).ok().flatten();
        is_single_use(used) && held().is_some_and(|held| !held.credential.secret.is(&used.secret.secret))
    })
}

/// The word by which a refused credential is remembered for a while, so that it is not hammered.
fn refusal(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref() {
        // What is wrong for every scope is remembered for all of them, by `attempt`.
        Some(refused @ ExchangeError::Refused { status: 403, .. }) => Some(refused.to_string()),
        Some(_) | None => None,
    }
}

/// Keeps a refresh token in place of the one that was used, if it is another and that one is still there. Nothing
/// where it was the same; what came of it otherwise.
fn rotate(
    slot: &Slot,
    used: &UsableCredential,
    secret: Secret,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
) -> Option<Result<Option<UsableCredential>, NotKept>> {
    if used.kind != Kind::IdentityToken || secret.is_same_as(&used.secret.secret) {
        return None;
    }
    if let Some(place) = &used.secret.reference {
        return Some(Err(NotKept::Elsewhere(place.clone())));
    }
    let kept = |secret: &Secret| used.with_secret(KeptSecret::Here(secret.clone()));
    let is_kept = rooms
        .credentials
        .store
        .renew(slot, &kept(&used.secret.secret), &kept(&secret), now);
    let reference = None;
    let renewed = used.with_secret(SecretAtHand { secret, reference });
    Some(
        is_kept
            .map(|is_kept| is_kept.then_some(renewed))
            .map_err(NotKept::from),
    )
}

/// Forgets what has just come for a credential that is held no more: who logged out, or in anew, while it was asked for
/// has forgotten only what was there.
fn forget_if_gone(slot: &Slot, used: Option<&UsableCredential>, rooms: Rooms<'_>) {
    // What cannot be opened now may be there all the same.
    if let (Some(used), Ok(found)) = (used, rooms.credentials.get(slot))
        && found.is_none_or(|found| !is_of(used, found.credential()))
    {
        forget_tokens_of(&subject(&slot.file_name(), used), slice::from_ref(rooms.cache));
    }
}

/// Whether this is what was fetched for what is held.
fn is_of(used: &UsableCredential, held: &Credential) -> bool {
    match held.secret.reference() {
        None => held.account == used.account && held.secret.is(&used.secret.secret),
        reference => reference == used.secret.reference,
    }
}

/// Why a new refresh token is lost.
#[derive(Debug, Error)]
enum NotKept {
    /// It would have to be put where the old one was fetched from.
    #[error("only its owner can put it where the old one is kept, {0}")]
    Elsewhere(String),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn credentials(credential: &UsableCredential) -> exchange::Credentials<'_> {
    let secret = &credential.secret.secret;
    match credential.kind {
        Kind::IdentityToken => exchange::Credentials::RefreshToken(secret),
        Kind::OrganizationAccessToken | Kind::Password | Kind::PersonalAccessToken | Kind::SessionToken => {
            exchange::Credentials::Password {
                account: &credential.account,
                password: secret,
            }
        }
    }
}
