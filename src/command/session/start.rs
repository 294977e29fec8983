//! `session start`: have a token made that ends by itself, and keep it for a profile.

use anyhow::{Result, bail};
use time::OffsetDateTime;

use super::sessions::{Sessions, Which};
use crate::activity_log::Action;
use crate::command::credentials::{Found, named};
use crate::command::hub::keep::{Kept, Place};
use crate::command::hub::{Desk, Manager};
use crate::command::prune::{Unpruned, prune_one};
use crate::command::{Report, printable, profile_option, quoted, rfc3339};
use crate::credential::{Credential, KEPT, Kind, Machine, Profile, PrunePlan, SessionLabel, TokenId};
use crate::hub::{NewToken, Owner, Revoked};
use crate::store::Slot;

/// What is wanted.
#[derive(Debug)]
pub struct Request {
    /// What it is to allow, as `repo:read`.
    pub scopes: Vec<String>,
    /// When it ends.
    pub expires: OffsetDateTime,
    /// Where it is kept.
    pub profile: Profile,
    /// Whose it is to be.
    pub account: Option<String>,
    /// Where it is started.
    pub machine: Machine,
}

/// Has a token made, keeps it, and ends the session that was there before and those that are too many.
pub fn start(request: Request, desk: Desk<'_>) -> Result<Report> {
    let Request {
        scopes,
        expires,
        profile,
        account,
        machine,
    } = request;
    let label = SessionLabel { machine, profile };
    let new = NewToken::session(&label, scopes, expires)?;
    let place = Place::take(desk.slot(&label.profile), desk)?;
    let before = place.held()?;
    if let Some(found) = &before {
        check(found, place.slot())?;
    }
    let manager = Manager::choose(account.as_deref(), desk)?;
    if let Some(found) = &before {
        let of = &found.credential().account;
        if of != manager.account() {
            bail!(
                "{} holds a session of {}, and {} cannot end that; end it first: docker-credential-scoped session \
                 end --profile {}, or start this one elsewhere with --profile NAME",
                named(place.slot()),
                printable(of),
                manager.account(),
                label.profile
            );
        }
    }
    let may_replace = |held: &Credential| held.is_started_session() && held.account == manager.account();
    let (Kept { token, replaced, .. }, _) = place.make(&new, Kind::SessionToken, &may_replace, &manager)?;

    let mut report = Report::default();
    report.say(format_args!(
        "Started a session of {}: {}, until {}. It is kept for {}.",
        manager.account(),
        token.permissions,
        rfc3339(token.expires.unwrap_or(expires)),
        named(place.slot())
    ));
    report.say(handed_out(&label.profile));
    if let Some(id) = replaced.and_then(|before| before.token_id) {
        match manager.revoke(&Owner::Account, &id) {
            Ok(Revoked::Now) => {
                desk.record(Action::Revoke, place.slot(), Some(manager.account()));
                report.say("The session that was kept there is revoked.");
            }
            Ok(Revoked::WasGone) => {}
            Err(error) => report.note(format_args!(
                "the session that was kept there is not revoked: {error}; revoke it: docker-credential-scoped hub \
                 token revoke {id}"
            )),
        }
    }
    // The session was started whatever comes of the others.
    if let Err(error) = prune_started(&token.id, &manager, desk, &mut report) {
        report.note(format_args!(
            "the sessions that are kept here are not pruned: {error:#}; prune them: docker-credential-scoped prune"
        ));
    }
    Ok(report)
}

/// Nothing is lost that was kept there: only a session that was started makes room for another.
fn check(found: &Found, slot: &Slot) -> Result<()> {
    let credential = found.credential();
    let is_stored = matches!(found, Found::Stored(_));
    if is_stored && credential.is_started_session() {
        return Ok(());
    }
    let mend = if is_stored {
        format!(
            "or remove that first: docker-credential-scoped remove {}{}",
            quoted(&slot.server().to_string()),
            profile_option(slot.profile())
        )
    } else {
        "or take that out of settings.json".to_owned()
    };
    bail!(
        "{} holds the {} of {} already; keep the session elsewhere with --profile NAME, {mend}",
        named(slot),
        credential.kind.name(),
        printable(credential.known_account().unwrap_or("somebody"))
    )
}

/// How clients come to it.
fn handed_out(profile: &Profile) -> String {
    let name = if profile.is_default() {
        "scoped".to_owned()
    } else {
        format!("scoped-{profile}")
    };
    format!(
        "Clients are given it whose configuration says \"credsStore\": \"{name}\"; docker's is made to by \
         docker-credential-scoped configure{}.",
        profile_option(profile)
    )
}

/// Prunes what was started here and is kept, and never the one that was just made.
fn prune_started(
    just_made: &TokenId,
    manager: &Manager<'_>,
    desk: Desk<'_>,
    report: &mut Report,
) -> Result<()> {
    let mut sessions = Sessions::read(Which::Started, manager, desk)?;
    let tokens = std::mem::take(&mut sessions.tokens);
    for line in &sessions.left {
        report.note(line);
    }
    for token in PrunePlan::new(tokens, KEPT, Some(just_made), sessions.now).pruned {
        match prune_one(&token, &sessions, manager, desk) {
            Ok(line) => report.say(format_args!("Pruned {line}")),
            Err(Unpruned { line, is_last }) => {
                report.note(line);
                if is_last {
                    break;
                }
            }
        }
    }
    Ok(())
}
