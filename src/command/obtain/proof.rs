//! Proof: whether a registry's token server takes a credential, before anybody relies on it. Remembers nothing.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use super::contact::{ensure_allowed, find_token_server, send};
use super::{Rooms, Wanted, credentials};
use crate::activity_log::Action;
use crate::command::recorder::Activity;
use crate::credential::UsableCredential;
use crate::http::BUDGET;
use crate::registry::{Registry, ScopeSet, TokenServer};
use crate::store::Slot;
use crate::token::{Exchange, ExchangeError};

/// What is waited between attempts: a token that was just made may not be known everywhere yet.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// The token server of a registry, as for any token.
pub(crate) fn token_server(registry: &Registry, rooms: Rooms<'_>) -> Result<TokenServer> {
    let own = rooms.credentials.settings.registry(registry);
    let wanted = Wanted {
        registry: registry.clone(),
        scope: ScopeSet::default(),
        service: None,
        profile: None,
        confirmed: None,
    };
    let found = find_token_server(&wanted, &own, rooms, &Cell::new(BUDGET))?;
    ensure_allowed(&found, registry, &own)?;
    Ok(found)
}

/// Has the token server exchange a credential for a token that allows nothing; several times, if it does not take it.
/// `slot` is where the credential is to be kept.
pub(crate) fn prove(
    credential: &UsableCredential,
    slot: &Slot,
    registry: &Registry,
    token_server: &TokenServer,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
) -> Result<()> {
    let own = rooms.credentials.settings.registry(registry);
    let exchange = Exchange {
        credentials: credentials(credential),
        scope: &ScopeSet::default(),
        token_server,
        wants_refresh_token: false,
        allows_plain_http: token_server.realm.url().scheme() == "http",
    };
    let mut pauses = PAUSES.into_iter();
    loop {
        let attempt = send(&exchange, registry, &own, &Cell::new(BUDGET), now)
            .and_then(|exchanged| Ok(exchanged.access_token.map(drop)?));
        match attempt {
            Err(error)
                if matches!(error.downcast_ref(), Some(ExchangeError::Refused { .. }))
                    && let Some(pause) = pauses.next() =>
            {
                thread::sleep(pause);
            }
            Ok(()) => {
                let activity = Activity::of(Action::Exchange, slot, credential.known_account());
                rooms.credentials.recorder.record(activity, now);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}
