//! `hub token revoke`: end a token at Docker Hub, and remove it here.

use anyhow::Result;

use super::{called, check_name, find, uuid};
use crate::activity_log::Action;
use crate::command::credentials::named;
use crate::command::hub::held::remove_token;
use crate::command::hub::keep::organization_option;
use crate::command::hub::{Desk, HeldTokens, Manager};
use crate::command::{Report, quoted};
use crate::credential::{Profile, TokenId};
use crate::hub::{Owner, Revoked};
use crate::store::Slot;

/// What is to be revoked.
#[derive(Debug)]
pub struct Request {
    /// Whose tokens.
    pub owner: Owner,
    /// The tokens, by id or label.
    pub tokens: Vec<String>,
    /// Who revokes them.
    pub account: Option<String>,
}

/// Revokes one after the other. What cannot be revoked is said, and the others go on.
pub fn revoke(request: &Request, desk: Desk<'_>) -> Result<Report> {
    for token in &request.tokens {
        check_name(token)?;
    }
    let manager = Manager::choose(request.account.as_deref(), desk)?;
    let mut report = Report::default();
    for text in &request.tokens {
        let named = match uuid(text) {
            // One that is gone is found nowhere, and is as good as revoked.
            Some(id) => Ok((id, text.clone())),
            None => {
                find(text, &request.owner, None, &manager).map(|token| (token.id.clone(), called(&token)))
            }
        };
        let done = named
            .and_then(|(id, called)| revoke_one(&id, &called, &request.owner, &manager, desk, &mut report));
        if let Err(error) = done {
            report.fail(format_args!(
                "{}: not revoked: {error:#}; once more: docker-credential-scoped hub token revoke {}{}",
                text,
                quoted(text),
                organization_option(&request.owner)
            ));
        }
    }
    Ok(report)
}

fn revoke_one(
    id: &TokenId,
    called: &str,
    owner: &Owner,
    manager: &Manager<'_>,
    desk: Desk<'_>,
    report: &mut Report,
) -> Result<()> {
    let held = HeldTokens::read(desk)?;
    let slots: Vec<Slot> = held.of(id).map(|(slot, _)| slot.clone()).collect();
    let what = match manager.revoke(owner, id)? {
        Revoked::Now => {
            let of = slots.first().cloned();
            let slot = of.unwrap_or_else(|| desk.slot(&Profile::default()));
            desk.record(Action::Revoke, &slot, Some(manager.account()));
            "revoked"
        }
        Revoked::WasGone => "was gone already",
    };
    let mut removed = Vec::new();
    for slot in &slots {
        match remove_token(slot, id, desk) {
            Ok(true) => removed.push(named(slot)),
            Ok(false) => {}
            Err(error) => report.fail(format_args!(
                "{}: it is good for nothing any more, and could not be removed: {error:#}",
                named(slot)
            )),
        }
    }
    let here = match removed.as_slice() {
        [] => String::new(),
        removed => format!("; removed here: {}", removed.join("; ")),
    };
    report.say(format_args!("{called}: {what}{here}"));
    Ok(())
}
