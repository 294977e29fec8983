//! `hub token revoke`: end a token at Docker Hub, and remove it here.

use anyhow::Result;

use super::{called, check_name, choose, uuid};
use crate::activity_log::Action;
use crate::command::Report;
use crate::command::credentials::named;
use crate::command::hub::held::remove_token;
use crate::command::hub::keep::organization_option;
use crate::command::hub::{Desk, HeldTokens, Manager};
use crate::credential::{Profile, TokenId};
use crate::hub::{HubToken, Owner, Revoked};
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
    let owner = &request.owner;
    let mut report = Report::default();
    let mut listed = None;
    for text in &request.tokens {
        let found = match uuid(text) {
            // One that is gone is in no list, and as good as revoked.
            Some(id) => Ok((id, text.clone())),
            None => named_in(text, owner, &mut listed, &manager),
        };
        let (id, called) = match found {
            Ok(found) => found,
            Err(error) => {
                report.fail(format_args!("{text}: not revoked: {error:#}"));
                continue;
            }
        };
        if let Err(error) = revoke_one(&id, &called, owner, &manager, desk, &mut report) {
            report.fail(format_args!(
                "{called}: not revoked: {error:#}; once more: docker-credential-scoped hub token revoke {id}{}",
                organization_option(owner)
            ));
        }
    }
    Ok(report)
}

/// The token in the list, which is had once for all of them.
fn named_in(
    text: &str,
    owner: &Owner,
    listed: &mut Option<Vec<HubToken>>,
    manager: &Manager<'_>,
) -> Result<(TokenId, String)> {
    let tokens = match listed {
        Some(tokens) => tokens,
        None => listed.insert(manager.tokens(owner)?),
    };
    let token = choose(text, tokens, None).map_err(|why| why.explained(text, owner, manager))?;
    Ok((token.id.clone(), called(token)))
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
