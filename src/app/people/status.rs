//! Serving `status`: what is to be shown, and whether in colours.

use anyhow::Result;

use super::super::Process;
use super::format_of;
use crate::cli::Status;
use crate::command::Report;
use crate::command::credentials::Credentials;
use crate::command::recorder::Recorder;
use crate::command::status;
use crate::files;
use crate::settings::{Settings, allows_colour};
use crate::store::CredentialStore;

/// Shows what is held.
pub(super) fn status(arguments: Status, store: &CredentialStore, process: &Process<'_>) -> Result<Report> {
    let Status { server, json } = arguments;
    let request = status::Request {
        server: server.map(|server| server.parse()).transpose()?,
        format: format_of(json),
        is_coloured: (process.is_stdout_terminal)() && allows_colour(process.variables),
    };
    let settings = Settings::load(files::user_id())?;
    let credentials = Credentials {
        store,
        settings: &settings,
        variables: process.variables,
        recorder: &Recorder::silent(),
    };
    status::status(&request, credentials, process.now)
}
