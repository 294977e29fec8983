//! Serving who runs `doctor`.

use time::OffsetDateTime;

use super::super::locations::{cache_location, data_location, usable_runtime_location};
use crate::command::Report;
use crate::command::credentials::Credentials;
use crate::command::doctor::{self, Patient};
use crate::command::recorder::Recorder;
use crate::files;
use crate::settings::{Settings, Variables};
use crate::store::{CredentialStore, TokenServers};

/// Looks at everything. Settings that cannot be read are one of the things it says.
pub(super) fn doctor(store: &CredentialStore, variables: Variables<'_>, now: OffsetDateTime) -> Report {
    let (settings, settings_error) = match Settings::load(files::user_id()) {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::default(), Some(error)),
    };
    let data = data_location();
    let caches: Vec<_> = [usable_runtime_location(), cache_location()]
        .into_iter()
        .flatten()
        .collect();
    let patient = Patient {
        credentials: Credentials {
            store,
            settings: &settings,
            variables,
            recorder: &Recorder::silent(),
        },
        settings_error: settings_error.as_ref(),
        token_servers: &TokenServers::at(data_location()),
        data: data.as_ref(),
        caches: &caches,
    };
    doctor::doctor(patient, now)
}
