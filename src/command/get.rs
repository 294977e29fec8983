//! `get`: answer what is held for a server URL, or an identity token in its place. Never prompts, never changes what is
//! held, and waits for nobody where the answer is on disk.

use anyhow::Result;
use time::OffsetDateTime;

use crate::command::obtain::Rooms;
use crate::command::obtain::refresh_token::{Login, refresh_token};
use crate::credential::{Credential, IDENTITY_TOKEN_ACCOUNT, Kind, Profile};
use crate::protocol::docker;
use crate::registry::{Registry, ServerUrl};
use crate::secret::Secret;
use crate::settings::{HandOut, OnUnavailable, Settings};
use crate::store::{CredentialStore, Slot, TokenServers};
use crate::token_cache::TokenCache;

/// What a caller is answered.
#[derive(Debug)]
pub enum Answer {
    /// The message with the credential, and its line end.
    Found(Secret),
    /// Nothing is held for this server.
    NotFound,
}

/// Looks up the server URL that a caller sent. The cache and the record of token servers are opened for an identity
/// token only: no other answer is to wait for them.
pub fn get(
    input: &[u8],
    profile: &Profile,
    store: &CredentialStore,
    cache: &dyn Fn() -> TokenCache,
    token_servers: &dyn Fn() -> TokenServers,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Answer> {
    let asked = ServerUrl::read(input)?;
    match store.find(asked.server(), profile) {
        Ok(Some(held)) => {
            let credential = &held.credential;
            let answer = match identified(credential, settings) {
                Some(registry) => {
                    // Of the two slots that may answer for a path, the one that did.
                    let slot = Slot::new(credential.server_url.server().clone(), profile.clone());
                    let login = Login {
                        registry,
                        slot: &slot,
                        credential,
                    };
                    let rooms = Rooms {
                        credentials: store,
                        cache: &cache(),
                        token_servers: &token_servers(),
                        settings,
                    };
                    let refresh_token = refresh_token(login, rooms, now)?;
                    docker::answer(&asked, IDENTITY_TOKEN_ACCOUNT, &refresh_token.token)?
                }
                None => docker::answer(&asked, &credential.account, &credential.secret)?,
            };
            held.mark_used(now);
            Ok(Answer::Found(answer))
        }
        Ok(None) => Ok(Answer::NotFound),
        // Locked or damaged is not absent: docker would go on without credentials and nobody would know why.
        Err(error) => match settings.on_unavailable {
            OnUnavailable::Error => Err(error.into()),
            OnUnavailable::Miss => Ok(Answer::NotFound),
        },
    }
}

/// The registry whose identity token is answered in place of this credential; `None` where the credential is the
/// answer, as one is that is an identity token already.
pub(crate) fn identified<'a>(credential: &'a Credential, settings: &Settings) -> Option<&'a Registry> {
    let server = credential.server_url.server();
    if credential.kind == Kind::IdentityToken || settings.hand_out(server) == HandOut::Secret {
        return None;
    }
    server.registry()
}
