//! `list`: say which server URLs would be answered, and with which account.

use anyhow::Result;

use crate::credential::{Credential, Profile};
use crate::protocol::docker;
use crate::registry::Server;
use crate::settings::{OnUnavailable, Settings};
use crate::store::CredentialStore;

/// The listing of one profile.
///
/// docker asks `get` for every server listed, and one that fails costs it all of them (docker/cli#3716), so what
/// cannot be opened is left out. Prefixes are left out too: docker takes keys for hosts.
pub fn list(profile: &Profile, store: &CredentialStore, settings: &Settings) -> Result<String> {
    let entries = match (store.entries(), settings.on_unavailable) {
        (Ok(entries), _) => entries,
        // Not one credential but the store itself: what `get` says of that, `list` says too.
        (Err(error), OnUnavailable::Error) => return Err(error.into()),
        (Err(_), OnUnavailable::Miss) => Vec::new(),
    };
    let mut credentials: Vec<Credential> = entries
        .into_iter()
        .filter(|entry| entry.profile == *profile)
        .filter_map(|entry| entry.held.ok())
        .map(|held| held.credential)
        .filter(|credential| !matches!(credential.server_url.server(), Server::Prefix { .. }))
        .collect();
    // docker-py reduces the keys to host names and lets the last one win: Docker Hub's own has to come after the
    // two tokens below it. `Server` sorts those first.
    credentials.sort_by(|one, other| one.server_url.server().cmp(other.server_url.server()));
    Ok(docker::listing(credentials.iter().map(|credential| {
        (credential.server_url.listed_as(), credential.account.as_str())
    }))?)
}
