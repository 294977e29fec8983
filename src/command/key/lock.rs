//! `lock`: the key rests no more.

use anyhow::Result;

use super::{NO_KEY, whereabouts};
use crate::command::Report;
use crate::store::{CredentialStore, KeySource};

/// Has the key rest no more.
pub fn lock(store: &CredentialStore) -> Result<Report> {
    let mut report = Report::default();
    let Some(state) = store.key_state()? else {
        report.say(NO_KEY);
        return Ok(report);
    };
    if matches!(state.source, KeySource::Environment | KeySource::KeyFile) {
        report.fail(format_args!(
            "the key is in {}, where it cannot be locked; move it where it can: docker-credential-scoped key move --to \
             keyring, or --to passphrase",
            whereabouts(&state)
        ));
        return Ok(report);
    }
    let locked = if store.lock()? {
        "Locked: the key rests no more"
    } else {
        "The key does not rest, and there is nothing to lock"
    };
    report.say(if state.source == KeySource::Keyring {
        format!("{locked}; the OS keyring gives it out without a question while that is open itself.")
    } else {
        format!("{locked}; docker-credential-scoped unlock opens it.")
    });
    Ok(report)
}
