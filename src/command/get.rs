//! `get`: answer what is held for a server URL, or an identity token in its place. Never prompts, never changes what is
//! held, and waits for nobody where the answer is on disk.

use anyhow::{Error, Result, anyhow};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, expired_text};
use crate::command::obtain::Rooms;
use crate::command::obtain::refresh_token::{Login, refresh_token};
use crate::credential::{Credential, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Profile};
use crate::protocol::docker;
use crate::registry::{Registry, Server, ServerUrl};
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
    // Made for who looks at it: most calls do not.
    let slot = |server: &Server| Slot::new(server.clone(), profile.clone());
    let record = |action, server: &Server, account: Option<&str>| {
        if credentials.recorder.is_wanted() {
            credentials.record(action, &slot(server), account, now);
        }
    };
    let found = match credentials.find(asked.server(), profile) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Answer::NotFound),
        Err(error) => {
            record(Action::Refusal, asked.server(), None);
            return unavailable(error.into(), credentials);
        }
    };
    let credential = found.credential();
    // Of the slots that may answer for a path, the one that did.
    let server = credential.server_url.server();
    let refused = || record(Action::Refusal, server, Some(&credential.account));
    let handed_out = |account: &str, answer: Secret| {
        record(Action::HandOut, server, Some(account));
        found.mark_used(now);
        Ok(Answer::Found(answer))
    };
    if let Some(expired) = credential.expired(now) {
        refused();
        return unavailable(
            anyhow!(expired_text(&slot(server), credential, expired)),
            credentials,
        );
    }
    if let KeptSecret::Here(secret) = &credential.secret
        && identified(credential, credentials.settings).is_none()
    {
        // Answered as it is kept, as most are: nothing of it need be copied for that.
        return handed_out(
            &credential.account,
            docker::answer(&asked, &credential.account, secret)?,
        );
    }
    let usable = match credentials.fetch(credential) {
        Ok(Some(usable)) => usable,
        // Said by the helper that was asked; docker knows the words.
        Ok(None) => {
            refused();
            return Ok(Answer::NotFound);
        }
        Err(error) => {
            refused();
            return unavailable(error, credentials);
        }
    };
    let answer = match identified(&usable, credentials.settings) {
        Some(registry) => {
            let login = Login {
                registry,
                slot: &slot(server),
                credential: &usable,
            };
            let rooms = Rooms {
                credentials,
                cache: &(lenders.cache)(),
                token_servers: &(lenders.token_servers)(),
            };
            let refresh_token = refresh_token(login, rooms, now)
                .inspect_err(|_| record(Action::Refusal, server, Some(&usable.account)))?;
            docker::answer(&asked, IDENTITY_TOKEN_ACCOUNT, &refresh_token.token)?
        }
        None => docker::answer(&asked, &usable.account, &usable.secret.secret)?,
    };
    handed_out(&usable.account, answer)
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
