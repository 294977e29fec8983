//! Obtain: an access token for a registry and a scope, from the cache or by an exchange. What `token` prints and what
//! `exec` hands to its command.

mod attempt;
mod cache_key;
mod choice;
mod contact;
mod ended;
pub(crate) mod proof;
pub mod refresh_token;
mod rotation;

use std::cell::{Cell, OnceCell};
use std::slice;
use std::time::Instant;

use anyhow::{Result, bail};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::Credentials;
use crate::command::recorder::{Activity, Recorder};
use crate::command::{forget_tokens_of, subject};
use crate::credential::{Credential, Kind, Profile, UsableCredential};
use crate::http::BUDGET;
use crate::registry::{AccessToken, Realm, Registry, ScopeSet, TokenServer};
use crate::store::{Slot, TokenServers};
use crate::token::{self as exchange, ExchangeError};
use crate::token_cache::{TokenCache, Unobtained};

use self::attempt::{Attempt, Outcome};
use self::cache_key::{CacheKey, why_unobtained};
use self::choice::{Unusable, fetch, whole};
use self::contact::{ensure_allowed, explain};
use self::ended::{explain_refusal, is_refused, word};
use self::rotation::{LoginChanged, is_renewed_since};

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
    // Who was refused is known once somebody was chosen, or could not be.
    let chosen = OnceCell::new();
    attempt(wanted, rooms, now, true, &chosen).inspect_err(|error| {
        let unusable = error
            .downcast_ref::<Unusable>()
            .map(|unusable| (unusable.slot.clone(), unusable.account.clone()));
        let (slot, account) = unusable
            .or(chosen.into_inner())
            .unwrap_or_else(|| (whole(wanted), None));
        let activity = Activity {
            scope: Some(&wanted.scope),
            ..Activity::of(Action::Refusal, &slot, account.as_deref())
        };
        rooms.credentials.recorder.record(activity, now);
    })
}

fn attempt(
    wanted: &Wanted,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
    may_repeat: bool,
    asked_as: &OnceCell<(Slot, Option<String>)>,
) -> Result<Obtained> {
    let registry = &wanted.registry;
    let own = rooms.credentials.settings.registry(registry);
    // First what needs nobody: where it ends there, the registry is not asked in vain.
    let chosen = choose(wanted, rooms.credentials, now)?;
    // What the requests of this call may still take together.
    let left = Cell::new(BUDGET);
    let own_token_server = find_token_server(wanted, &own, rooms, &left)?;
    ensure_allowed(&own_token_server, registry, &own)?;
    let is_own_audience = wanted.service.is_none() || wanted.service == own_token_server.service;
    let token_server = TokenServer {
        service: wanted.service.clone().or(own_token_server.service),
        ..own_token_server
    };
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
    let this = Attempt {
        wanted,
        rooms,
        own: &own,
        token_server: &token_server,
        slot: &slot,
        credential,
        key: CacheKey::new(&slot, registry, &token_server, &wanted.scope),
        left: &left,
        now,
    };
    let mut outcome = Outcome::default();
    let ticket = rooms.cache.ticket(this.key.asked_by(credential));
    let began = Instant::now();
    let exchange = || this.exchange(&mut outcome, began);
    let result = rooms.cache.obtain(&ticket, now, exchange, refusal);
    let used = this.used(&outcome);
    let access_token = match result {
        Ok(access_token) => access_token,
        Err(Unobtained::Failed(error)) => {
            let is_refused = is_refused(&error);
            if may_repeat
                && (error.is::<LoginChanged>() || is_refused && is_renewed_since(&slot, used, rooms))
            {
                return attempt(wanted, rooms, now, false, asked_as);
            }
            if is_refused {
                rooms
                    .cache
                    .refuse(this.key.asked_by(used), word(&error, &slot, used), now);
            }
            let error = explain_refusal(error, &slot, used);
            return Err(explain(error, wanted, &own, &token_server, left.get()));
        }
        Err(refused) => return Err(why_unobtained(refused)),
    };
    this.forget_what_is_gone(&outcome);
    if let Some((_, found)) = &chosen {
        found.mark_used(now);
    }
    Ok(Obtained {
        access_token,
        account: used.map(|credential| credential.account.clone()),
        warning: this.warning(&outcome),
        token_server,
        slot,
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

/// Who asks, as the token server is told.
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
