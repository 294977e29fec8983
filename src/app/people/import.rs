//! Serving `import`: from where, and into which profile.

use anyhow::Result;

use super::super::Process;
use super::super::locations::data_location;
use super::read_registries;
use crate::cli::Import;
use crate::command::Report;
use crate::command::import::{self, Source};
use crate::command::recorder::Recorder;
use crate::files;
use crate::settings::{self, Settings};
use crate::store::CredentialStore;

/// Takes credentials into the store.
pub(super) fn import(
    arguments: Import,
    program: &str,
    credentials: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let Import {
        from,
        registries,
        profile,
        dry_run,
    } = arguments;
    let request = import::Request {
        source: from.map_or(Ok(Source::Docker), |source| source.parse())?,
        registries: read_registries(&registries)?,
        profile: profile.map_or_else(|| settings::profile(program, process.variables), Ok)?,
        is_dry_run: dry_run,
    };
    let recorder = Recorder::new(&Settings::load(files::user_id())?, data_location);
    import::import(
        &request,
        process.variables,
        credentials,
        &recorder,
        data_location(),
        process.now,
    )
}
