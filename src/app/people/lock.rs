//! Serving `lock`: the key is locked whatever the settings say.

use anyhow::Result;

use super::key::refuse_misplaced;
use crate::cli::Lock;
use crate::command::Report;
use crate::command::key::lock;
use crate::files;
use crate::settings::Settings;
use crate::store::CredentialStore;

/// Has the key rest no more.
pub(super) fn lock(arguments: &Lock, store: &CredentialStore) -> Result<Report> {
    refuse_misplaced(
        "lock: takes nothing; others can see what is on a command line",
        &arguments.misplaced,
    )?;
    match Settings::load(files::user_id()) {
        Ok(_) => lock::lock(store),
        // What rests is not left open for a mistake in them.
        Err(error) => {
            let mut report = Report::default();
            if store.lock()? {
                report.say("Locked: the key rests no more.");
            }
            report.fail(error);
            Ok(report)
        }
    }
}
