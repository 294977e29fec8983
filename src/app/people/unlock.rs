//! Serving `unlock`: for how long, and where the passphrase comes from.

use anyhow::Result;

use super::super::Process;
use super::key::{refuse_misplaced, with_passphrases};
use crate::cli::Unlock;
use crate::command::Report;
use crate::command::key::unlock;
use crate::files;
use crate::settings::Settings;
use crate::store::CredentialStore;

/// Opens the key for a while.
pub(super) fn unlock(
    arguments: Unlock,
    store: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    let Unlock { rest, misplaced } = arguments;
    refuse_misplaced(
        "unlock: takes nothing beside --for; a passphrase goes to standard input",
        &misplaced,
    )?;
    let rest = unlock::read_rest(&rest)?;
    // They name the key file, and what cannot be read names none.
    Settings::load(files::user_id())?;
    with_passphrases(process, |passphrases| unlock::unlock(rest, passphrases, store))
}
