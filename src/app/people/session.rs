//! Serving `session`: what its options say.

use anyhow::{Context, Result};

use super::super::Process;
use super::hub::with_desk;
use super::{format_of, named_profile};
use crate::cli::{Session, SessionCommand, SessionEnd, SessionList, SessionStart};
use crate::command::Report;
use crate::command::add::read_expiry;
use crate::command::session::{end, list, start, this_machine};
use crate::credential::{Profile, SESSION_PROFILE};
use crate::settings::Variables;
use crate::store::CredentialStore;

/// Does what is asked of a session.
pub(super) fn session(
    arguments: Session,
    program: &str,
    store: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    match arguments.command {
        SessionCommand::End(SessionEnd { profile }) => {
            let profile = session_profile(profile, program, process.variables)?;
            with_desk(store, process, |desk| end::end(&profile, desk))
        }
        SessionCommand::List(SessionList { account, json }) => with_desk(store, process, |desk| {
            list::list(account.as_deref(), format_of(json), desk)
        }),
        SessionCommand::Start(SessionStart {
            scopes,
            expires,
            profile,
            account,
        }) => {
            let request = start::Request {
                scopes,
                expires: read_expiry(&expires, process.now)?
                    .context("--expires: a session ends; name a time to come, as 8h")?,
                profile: session_profile(profile, program, process.variables)?,
                account,
                machine: this_machine(process.variables)?,
            };
            with_desk(store, process, |desk| start::start(request, desk))
        }
    }
}

/// The profile that is named, or that of sessions.
fn session_profile(argument: Option<Profile>, program: &str, variables: Variables<'_>) -> Result<Profile> {
    match named_profile(argument, program, variables)? {
        Some(profile) => Ok(profile),
        None => Ok(SESSION_PROFILE.parse()?),
    }
}
