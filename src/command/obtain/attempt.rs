//! Attempt: an exchange with the credential that was chosen, and what it changes of what is held. A refresh token that
//! may be good for a single use is used in its turn.

use std::cell::Cell;
use std::slice;
use std::time::{Duration, Instant};

use anyhow::Result;
use time::OffsetDateTime;

use super::cache_key::{CacheKey, ensure_not_refused};
use super::contact::send;
use super::rotation::{Rotated, is_single_use, renewed, rotate};
use super::{Rooms, Wanted, credentials, forget_if_gone};
use crate::activity_log::Action;
use crate::command::recorder::Activity;
use crate::command::{forget_tokens_of, subject};
use crate::credential::UsableCredential;
use crate::registry::{AccessToken, TokenServer};
use crate::settings::RegistrySettings;
use crate::store::Slot;
use crate::token::{Credentials, Exchange, Exchanged};
use crate::token_cache::Remembered;

/// What is asked, of whom and by whom.
pub(super) struct Attempt<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) rooms: Rooms<'a>,
    pub(super) own: &'a RegistrySettings,
    pub(super) token_server: &'a TokenServer,
    pub(super) slot: &'a Slot,
    /// What the slot held at first; `None` for nobody's.
    pub(super) credential: Option<&'a UsableCredential>,
    pub(super) key: CacheKey<'a>,
    /// What the requests may still take together.
    pub(super) left: &'a Cell<Duration>,
    pub(super) now: OffsetDateTime,
}

/// What came of it for the credential, with an access token or without.
#[derive(Default)]
pub(super) struct Outcome {
    /// The refresh token that was used, where another was held by its turn than at first.
    renewed_since: Option<UsableCredential>,
    /// What became of the one that came in its place.
    rotated: Option<Rotated>,
    /// Whether the token server gave an access token, and not who had the turn before.
    has_come: bool,
}

impl Outcome {
    /// The refresh token that is held by now, where it is another than at first.
    fn newest(&self) -> Option<&UsableCredential> {
        match &self.rotated {
            None => self.renewed_since.as_ref(),
            Some(kept) => kept.as_ref().ok()?.as_ref(),
        }
    }
}

impl Attempt<'_> {
    /// Makes the exchange. `began` is when the turn for it was first waited for.
    pub(super) fn exchange(&self, outcome: &mut Outcome, began: Instant) -> Result<AccessToken> {
        let Self { rooms, slot, key, .. } = self;
        let _turn;
        if let Some(first) = self.credential.filter(|credential| is_single_use(credential)) {
            _turn = rooms.credentials.store.turn(slot, began)?;
            outcome.renewed_since = renewed(slot, first, *rooms)?;
        }
        let credential = outcome.renewed_since.as_ref().or(self.credential);
        // It may have waited long for its turn.
        let waited = began.elapsed().try_into().unwrap_or(time::Duration::ZERO);
        let now = self.now.saturating_add(waited);
        // Who had the turn before may have asked for the same.
        if credential.is_some_and(is_single_use)
            && let ticket = rooms.cache.ticket(key.asked_by(credential))
            && let Some(Remembered::Token(token)) = rooms.cache.look_up(&ticket, now)
        {
            return Ok(token);
        }
        ensure_not_refused(rooms.cache, key.asked_by(credential), now)?;
        let exchange = Exchange {
            credentials: credential.map_or(Credentials::Anonymous, credentials),
            scope: &self.wanted.scope,
            token_server: self.token_server,
            wants_refresh_token: false,
            allows_plain_http: self.token_server.realm.url().scheme() == "http",
        };
        let Exchanged {
            access_token,
            refresh_token,
        } = send(&exchange, &self.wanted.registry, self.own, self.left, now)?;
        if let (Some(credential), Some(secret)) = (credential, refresh_token) {
            outcome.rotated = rotate(slot, credential, secret, *rooms, now);
        }
        let access_token = access_token?;
        outcome.has_come = true;
        let account = credential.map(|credential| credential.account.as_str());
        let activity = Activity {
            scope: Some(&self.wanted.scope),
            granted: access_token.granted.as_ref(),
            ..Activity::of(Action::Exchange, slot, account)
        };
        rooms.credentials.recorder.record(activity, now);
        if let newest @ Some(_) = outcome.newest() {
            // Who has the next turn is to find it.
            let ticket = rooms.cache.ticket(key.asked_by(newest));
            rooms.cache.put(&ticket, &access_token, now);
        }
        Ok(access_token)
    }

    /// The credential that was used.
    pub(super) fn used<'s>(&'s self, outcome: &'s Outcome) -> Option<&'s UsableCredential> {
        outcome.renewed_since.as_ref().or(self.credential)
    }

    /// Forgets what was had with a credential that is held no more.
    pub(super) fn forget_what_is_gone(&self, outcome: &Outcome) {
        let used = self.used(outcome);
        // What was had with a used one is found by nobody any more, and goes.
        let used_up = [
            self.credential.filter(|_| outcome.renewed_since.is_some()),
            used.filter(|_| outcome.rotated.is_some()),
        ];
        for credential in used_up.into_iter().flatten() {
            let subject = subject(&self.key.slot, credential);
            forget_tokens_of(&subject, slice::from_ref(self.rooms.cache));
        }
        if outcome.has_come {
            forget_if_gone(self.slot, outcome.newest().or(used), self.rooms);
        }
    }

    /// What the user has to know of the refresh token that came.
    pub(super) fn warning(&self, outcome: &Outcome) -> Option<String> {
        let error = outcome.rotated.as_ref()?.as_ref().err()?;
        let registry = &self.wanted.registry;
        Some(format!(
            "warning: the new refresh token for {registry} was not kept, and the old one may be used up: {error}"
        ))
    }
}
