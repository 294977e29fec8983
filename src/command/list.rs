//! `list`: say which server URLs would be answered, and with which account.

use anyhow::Result;

use crate::credential::{Credential, Profile};
use crate::protocol::docker;
use crate::registry::Server;
use crate::store::CredentialStore;

/// The listing of one profile.
///
/// docker asks `get` for every server listed, and one that fails costs it all of them (docker/cli#3716), so what
/// cannot be opened is left out. Prefixes are left out too: docker takes keys for hosts.
pub fn list(profile: &Profile, store: &CredentialStore) -> Result<String> {
    let mut credentials: Vec<Credential> = match store.entries() {
        Ok(entries) => entries
            .into_iter()
            .filter(|entry| entry.profile == *profile)
            .filter_map(|entry| entry.held.ok())
            .map(|held| held.credential)
            .filter(|credential| !matches!(credential.server_url.server(), Server::Prefix { .. }))
            .collect(),
        Err(_) => Vec::new(),
    };
    // docker-py reduces the keys to host names and lets the last one win: Docker Hub's own has to come after the
    // two tokens below it. `Server` sorts those first.
    credentials.sort_by(|one, other| one.server_url.server().cmp(other.server_url.server()));
    Ok(docker::listing(credentials.iter().map(|credential| {
        (credential.server_url.listed_as(), credential.account.as_str())
    }))?)
}
