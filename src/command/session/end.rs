//! `session end`: revoke a session's token, and remove it here.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::activity_log::Action;
use crate::command::credentials::{Found, named};
use crate::command::hub::held::remove_token;
use crate::command::hub::{Desk, Manager};
use crate::command::{Report, printable, profile_option, quoted};
use crate::credential::{Kind, Profile};
use crate::hub::{Owner, Revoked};

/// Ends the session that is kept for a profile. What cannot be revoked stays, so that it can be tried again.
pub fn end(profile: &Profile, desk: Desk<'_>) -> Result<Report> {
    let slot = desk.slot(profile);
    let credentials = desk.rooms.credentials;
    // Not while another is being started there.
    let _turn = credentials.store.turn(&slot, Instant::now())?;
    let held = credentials.get(&slot)?;
    let remove = format!(
        "docker-credential-scoped remove {}{}",
        quoted(&slot.server().to_string()),
        profile_option(profile)
    );
    let (account, id) = match held.as_ref().map(|found| (found, found.credential())) {
        None => {
            let mut report = Report::default();
            report.fail(format_args!("{}: no session is kept", named(&slot)));
            return Ok(report);
        }
        Some((Found::Stored(_), credential)) if credential.is_started_session() => {
            (&credential.account, credential.token_id.as_ref())
        }
        Some((Found::Stored(_), credential)) if credential.kind == Kind::SessionToken => bail!(
            "{}: docker's browser login made this one; log out with docker logout, and revoke it on Docker Hub's page",
            named(&slot)
        ),
        Some((Found::Stored(_), credential)) => bail!(
            "{} holds the {} of {}, and no session; {remove} forgets it",
            named(&slot),
            credential.kind.name(),
            printable(credential.known_account().unwrap_or("somebody"))
        ),
        Some((Found::Declared(_), _)) => bail!(
            "{}: what settings.json declares is no session; take it out there",
            named(&slot)
        ),
    };
    let Some(id) = id else {
        bail!("{}: no session is kept", named(&slot));
    };
    let revoked = Manager::choose(Some(account), desk)
        .and_then(|manager| match manager.revoke(&Owner::Account, id)? {
            // It is none of somebody else's, and may be there all the same.
            Revoked::WasGone if manager.account() != account => {
                bail!(
                    "{} manages tokens from here, and has none by that id",
                    manager.account()
                )
            }
            revoked => Ok(revoked),
        })
        .with_context(|| {
            format!(
                "{}: not revoked, and still kept ({remove} forgets it, and it stays good until it expires)",
                named(&slot)
            )
        })?;
    if revoked == Revoked::Now {
        desk.record(Action::Revoke, &slot, Some(account));
    }
    remove_token(&slot, id, desk)
        .with_context(|| format!("{}: revoked, and not removed; remove it: {remove}", named(&slot)))?;
    let mut report = Report::default();
    report.say(match revoked {
        Revoked::Now => format!(
            "Ended the session of {account}: revoked, and removed from {}.",
            named(&slot)
        ),
        Revoked::WasGone => format!(
            "Ended the session of {account}: Docker Hub had it no more; removed from {}.",
            named(&slot)
        ),
    });
    Ok(report)
}
