//! `get`: answer what is held for a server URL, or an identity token in its place. Never prompts, never changes what is
//! held, and waits for nobody where the answer is on disk.

use anyhow::{Error, Result, anyhow};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, expired_text};
use crate::command::obtain::Rooms;
use crate::command::obtain::refresh_token::{Login, refresh_token};
use crate::command::recorder::Activity;
use crate::credential::{Credential, IDENTITY_TOKEN_ACCOUNT, Kind, Profile};
use crate::protocol::docker;
use crate::registry::{Registry, ServerUrl};
use crate::secret::Secret;
use crate::settings::{HandOut, OnUnavailable, Settings};
use crate::store::{Slot, TokenServers};
use crate::token_cache::TokenCache;

/// What a caller is answered.
#[derive(Debug)]
pub enum Answer {
    /// The message with the credential, and its line end.
    Found(Secret),
    /// Nothing is held for this server.
    NotFound,
}

/// What only an identity token takes: no other answer is to wait for them.
#[derive(Clone, Copy)]
pub struct Lenders<'a> {
    /// What was had before.
    pub cache: &'a dyn Fn() -> TokenCache,
    /// What is recorded of registries.
    pub token_servers: &'a dyn Fn() -> TokenServers,
}

/// Looks up the server URL that a caller sent.
pub fn get(
    input: &[u8],
    profile: &Profile,
    credentials: Credentials<'_>,
    lenders: Lenders<'_>,
    now: OffsetDateTime,
) -> Result<Answer> {
    let asked = ServerUrl::read(input)?;
    let record = |action, slot: &Slot, account: Option<&str>| {
        credentials
            .recorder
            .record(Activity::of(action, slot, account), now);
    };
    let found = match credentials.find(asked.server(), profile) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Answer::NotFound),
        Err(error) => {
            let slot = Slot::new(asked.server().clone(), profile.clone());
            record(Action::Refusal, &slot, None);
            return unavailable(error.into(), credentials);
        }
    };
    // Of the slots that may answer for a path, the one that did.
    let slot = Slot::new(found.credential().server_url.server().clone(), profile.clone());
    if let Some(expired) = found.credential().expired(now) {
        record(Action::Refusal, &slot, Some(&found.credential().account));
        return unavailable(
            anyhow!(expired_text(&slot, found.credential(), expired)),
            credentials,
        );
    }
    let usable = match credentials.fetch(found.credential()) {
        Ok(Some(usable)) => usable,
        // Said by the helper that was asked; docker knows the words.
        Ok(None) => {
            record(Action::Refusal, &slot, Some(&found.credential().account));
            return Ok(Answer::NotFound);
        }
        Err(error) => {
            record(Action::Refusal, &slot, Some(&found.credential().account));
            return unavailable(error, credentials);
        }
    };
    let answer = match identified(&usable, credentials.settings) {
        Some(registry) => {
            let login = Login {
                registry,
                slot: &slot,
                credential: &usable,
            };
            let rooms = Rooms {
                credentials,
                cache: &(lenders.cache)(),
                token_servers: &(lenders.token_servers)(),
            };
            let refresh_token = refresh_token(login, rooms, now)
                .inspect_err(|_| record(Action::Refusal, &slot, Some(&usable.account)))?;
            docker::answer(&asked, IDENTITY_TOKEN_ACCOUNT, &refresh_token.token)?
        }
        None => docker::answer(&asked, &usable.account, &usable.secret.secret)?,
    };
    record(Action::HandOut, &slot, Some(&usable.account));
    found.mark_used(now);
    Ok(Answer::Found(answer))
}

/// Locked, damaged or expired is not absent: docker would go on without credentials and nobody would know why.
fn unavailable(error: Error, credentials: Credentials<'_>) -> Result<Answer> {
    match credentials.settings.on_unavailable {
        OnUnavailable::Error => Err(error),
        OnUnavailable::Miss => Ok(Answer::NotFound),
    }
}

/// The registry whose identity token is answered in place of this credential; `None` where the credential is the
/// answer, as one is that is an identity token already.
pub(crate) fn identified<'a, S>(credential: &'a Credential<S>, settings: &Settings) -> Option<&'a Registry> {
    let server = credential.server_url.server();
    if credential.kind == Kind::IdentityToken || settings.hand_out(server) == HandOut::Secret {
        return None;
    }
    server.registry()
}
