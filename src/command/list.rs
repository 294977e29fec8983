//! `list`: say which server URLs would be answered, and with which account.

use anyhow::Result;
use time::OffsetDateTime;

use crate::command::credentials::Credentials;
use crate::command::get::identified;
use crate::command::obtain::known_token_server;
use crate::credential::{Credential, IDENTITY_TOKEN_ACCOUNT, Profile};
use crate::protocol::docker;
use crate::registry::Server;
use crate::settings::{DeclaredCredential, OnUnavailable};
use crate::store::TokenServers;

/// The listing of one profile.
///
/// docker asks `get` for every server listed, and one that fails costs it all of them (docker/cli#3716), so what
/// cannot be opened, has expired or is not where it is kept is left out, and so is what an identity token is wanted for
/// of nobody knows whom. Prefixes are left out too: docker takes keys for hosts.
///
/// So is all that is stored while the key is locked: a `list` that fails costs `docker build` and compose every registry,
/// those of other helpers and public images too, where one that leaves out costs only what is locked. Whoever then asks
/// for one of them by `get` is told why.
///
/// The account is the one that `get` would answer, `<token>` for an identity token: clients only show it, or choose
/// by it whose credential they ask for, and whoever did by the stored account would be given something else.
pub fn list(
    profile: &Profile,
    all: Credentials<'_>,
    token_servers: &dyn Fn() -> TokenServers,
    now: OffsetDateTime,
) -> Result<String> {
    let settings = all.settings;
    let entries = match (all.store.entries(), settings.on_unavailable) {
        (Ok(entries), _) => entries,
        // Not what is sealed but the store itself: nobody knows what there is to leave out. What `get` says of that,
        // `list` says too.
        (Err(error), OnUnavailable::Error) => return Err(error.into()),
        (Err(_), OnUnavailable::Miss) => Vec::new(),
    };
    let mut credentials: Vec<Credential> = all
        .declared_beside(&entries)
        .filter(|declared| declared.profile == *profile)
        .map(DeclaredCredential::credential)
        .collect();
    let stored = entries.into_iter().filter(|entry| entry.profile == *profile);
    credentials.extend(
        stored
            .filter_map(|entry| entry.held.ok())
            .map(|held| held.credential),
    );
    credentials.retain(|credential| {
        !matches!(credential.server_url.server(), Server::Prefix { .. })
            && credential.expired(now).is_none()
            && !all.is_out_of_reach(credential)
    });
    // docker-py reduces the keys to host names and lets the last one win: Docker Hub's own has to come after the
    // two tokens below it. `Server` sorts those first.
    credentials.sort_by(|one, other| one.server_url.server().cmp(other.server_url.server()));
    Ok(docker::listing(credentials.iter().filter_map(|credential| {
        let account = match identified(credential, settings) {
            Some(registry) => {
                known_token_server(registry, &settings.registry(registry), &token_servers()).ok()??;
                IDENTITY_TOKEN_ACCOUNT
            }
            None => &credential.account,
        };
        Some((credential.server_url.listed_as(), account))
    }))?)
}
