//! `erase`: forget what is held for a server URL. Works whether or not it can be opened.

use anyhow::Result;

use crate::credential::Profile;
use crate::registry::ServerUrl;
use crate::store::{CredentialStore, Slot};

/// Empties this profile's slot for the server. An empty one is as good: `docker logout` erases each of four
/// spellings, and a helper that fails for one makes it warn (docker-credential-helpers#59).
pub fn erase(input: &[u8], profile: Profile, store: &CredentialStore) -> Result<()> {
    let asked = ServerUrl::read(input)?;
    store.remove(&Slot::new(asked.server().clone(), profile))?;
    Ok(())
}
