//! Serving `prune`: what its options say, and the stream for what is done meanwhile.

use anyhow::{Context, Result};

use super::super::{Process, one_line};
use super::hub::with_desk_aloud;
use crate::cli::Prune;
use crate::command::{Report, prune};
use crate::store::CredentialStore;

/// Prunes session tokens.
pub(super) fn prune(arguments: Prune, store: &CredentialStore, process: &mut Process<'_>) -> Result<Report> {
    let Prune {
        keep,
        dry_run,
        account,
        all_auto,
    } = arguments;
    let request = prune::Request {
        keep,
        is_dry_run: dry_run,
        account,
        is_all_automatic: all_auto,
    };
    with_desk_aloud(store, process, |desk, stdout| {
        let mut say = |line: &str| {
            stdout
                .write_all(one_line(line).as_bytes())
                .context("cannot write to standard output")
        };
        prune::prune(&request, desk, &mut say)
    })
}
