//! Serving `add`: what its options say, and where the secret comes from.

use anyhow::{Context, Result, bail};

use super::super::locations::{data_location, token_caches};
use super::super::{Process, read_message};
use crate::cli::Add;
use crate::command::Report;
use crate::command::add::{self, Given, MAX_SECRET_BYTES, read_expiry, read_kind, read_scopes};
use crate::command::credentials::Credentials;
use crate::command::recorder::Recorder;
use crate::credential::SecretReference;
use crate::files;
use crate::settings::{self, Settings};
use crate::store::CredentialStore;

/// Keeps a credential.
pub(super) fn add(
    arguments: Add,
    program: &str,
    store: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    let Add {
        server,
        profile,
        username,
        kind,
        scopes,
        expires,
        from,
        misplaced,
        command,
    } = arguments;
    if !misplaced.is_empty() {
        bail!("add: reads the secret from standard input; others can see what is on a command line");
    }
    let reference = match from.as_deref() {
        Some("command") => Some(SecretReference::of_command(command)),
        Some("stdin") if command.is_empty() => None,
        Some(_) | None if !command.is_empty() => {
            bail!("add: what stands behind -- is a program and its arguments, with --from command")
        }
        from => from.map(str::parse),
    };
    let request = add::Request {
        server_url: server.parse()?,
        profile: profile.map_or_else(|| settings::profile(program, process.variables), Ok)?,
        account: username,
        kind: kind.as_deref().map(read_kind).transpose()?,
        allowed: read_scopes(&scopes)?,
        expires: expires
            .map(|expires| read_expiry(&expires, process.now))
            .transpose()?,
        reference: reference.transpose().context("--from")?,
        is_secret_given: from.as_deref() == Some("stdin"),
    };
    let settings = Settings::load(files::user_id())?;
    let credentials = Credentials {
        store,
        settings: &settings,
        variables: process.variables,
        recorder: &Recorder::new(&settings, data_location),
    };
    let Process {
        stdin,
        is_stdin_terminal,
        prompt,
        now,
        ..
    } = process;
    let mut ask = |question: &str| {
        Ok(if is_stdin_terminal() {
            Given::Typed(prompt(question).context("the secret cannot be asked for")?)
        } else {
            Given::Piped(read_message(*stdin, MAX_SECRET_BYTES)?)
        })
    };
    add::add(request, &mut ask, credentials, &|| token_caches(store), *now)
}
