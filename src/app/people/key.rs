//! Serving `key`: what its options say, and where passphrases come from.

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

use super::super::{Process, read_message};
use super::format_of;
use crate::cli::{Key, KeyCommand, KeyMove, KeyStatus};
use crate::command::Report;
use crate::command::key::passphrase::{MAX_SECRET_BYTES, Passphrases};
use crate::command::key::{r#move, status};
use crate::files;
use crate::settings::Settings;
use crate::store::CredentialStore;

/// Does what is asked of the key.
pub(super) fn key(arguments: Key, store: &CredentialStore, process: &mut Process<'_>) -> Result<Report> {
    match arguments.command {
        KeyCommand::Move(KeyMove { to, misplaced }) => {
            refuse_misplaced(
                "key move: takes nothing beside --to; a passphrase goes to standard input",
                &misplaced,
            )?;
            // Not repeated: somebody may write a passphrase in its place.
            let to = to.parse().context("--to")?;
            // They name the key file, and what cannot be read names none.
            Settings::load(files::user_id())?;
            with_passphrases(process, |passphrases| r#move::move_key(to, passphrases, store))
        }
        KeyCommand::Status(KeyStatus { json, misplaced }) => {
            refuse_misplaced(
                "key status: takes nothing beside --json; others can see what is on a command line",
                &misplaced,
            )?;
            Settings::load(files::user_id())?;
            status::status(format_of(json), store)
        }
        KeyCommand::Misplaced(_) => {
            bail!("key: takes move or status; see docker-credential-scoped key --help")
        }
    }
}

/// Does what takes passphrases: typed at a terminal, else from standard input.
pub(super) fn with_passphrases<Done>(
    process: &mut Process<'_>,
    work: impl FnOnce(Passphrases<'_>) -> Result<Done>,
) -> Result<Done> {
    let Process {
        stdin,
        is_stdin_terminal,
        prompt,
        ..
    } = process;
    if is_stdin_terminal() {
        work(Passphrases::Typed(prompt))
    } else {
        work(Passphrases::Piped(&mut || read_message(*stdin, MAX_SECRET_BYTES)))
    }
}

/// A word too many may be a passphrase, and is not repeated.
pub(super) fn refuse_misplaced(refusal: &'static str, words: &[OsString]) -> Result<()> {
    if !words.is_empty() {
        bail!(refusal);
    }
    Ok(())
}
