//! Serving `remove`: a slot, or a profile.

use anyhow::{Context, Result};

use super::super::Process;
use super::super::locations::{data_location, token_caches};
use crate::cli::Remove;
use crate::command::credentials::Credentials;
use crate::command::recorder::Recorder;
use crate::command::{Report, remove};
use crate::files;
use crate::settings::{self, Settings};
use crate::store::CredentialStore;

/// Forgets what is kept.
pub(super) fn remove(
    arguments: Remove,
    program: &str,
    store: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let Remove { server, profile } = arguments;
    // To forget works whatever is wrong.
    let settings = Settings::load(files::user_id()).unwrap_or_default();
    let credentials = Credentials {
        store,
        settings: &settings,
        variables: process.variables,
        recorder: &Recorder::new(&settings, data_location),
    };
    let caches = || token_caches(store);
    let Some(server) = server else {
        let profile = profile.context("remove: name a server, or the profile of a job that ends")?;
        return remove::remove_profile(&profile, credentials, &caches, process.now);
    };
    let profile = profile.map_or_else(|| settings::profile(program, process.variables), Ok)?;
    remove::remove(&server.parse()?, profile, credentials, &caches, process.now)
}
