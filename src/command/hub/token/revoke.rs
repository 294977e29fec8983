//! `hub token revoke`: end a token at Docker Hub, and remove it here.

use anyhow::{Result, bail};

use super::{called, choose, uuid, whose};
use crate::activity_log::Action;
use crate::command::credentials::named;
use crate::command::hub::held::remove_token;
use crate::command::hub::keep::organization_option;
use crate::command::hub::{Desk, HeldTokens, Manager};
use crate::command::{Report, printable, quoted};
use crate::credential::{Credential, Kind, Profile, TokenId};
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
    let manager = Manager::choose(request.account.as_deref(), desk)?;
    let owner = &request.owner;
    let mut report = Report::default();
    let mut listed = None;
    for text in &request.tokens {
        let found = match uuid(text) {
            // One that is gone is in no list, and as good as revoked.
            Some(id) => check_owner(&id, owner, &manager, desk).map(|is_theirs| Meant {
                id,
                called: text.clone(),
                is_theirs,
            }),
            None => named_in(text, owner, &mut listed, &manager),
        };
        let meant = match found {
            Ok(found) => found,
            Err(error) => {
                report.fail(format_args!("{text}: not revoked: {error:#}"));
                continue;
            }
        };
        if let Err(error) = revoke_one(&meant, owner, &manager, desk, &mut report) {
            let Meant { id, called, .. } = &meant;
            report.fail(format_args!(
                "{called}: not revoked: {error:#}; once more: docker-credential-scoped hub token revoke {id}{}",
                organization_option(owner)
            ));
        }
    }
    Ok(report)
}

/// A token that is to be revoked.
struct Meant {
    id: TokenId,
    called: String,
    /// Whether it surely is one of the owner's, or was.
    is_theirs: bool,
}

/// Says whether a token that is named by its id is known as one of this owner's: what is held here tells, or else Docker
/// Hub. To have none by an id of somebody else's does not mean that it is gone.
fn check_owner(id: &TokenId, owner: &Owner, manager: &Manager<'_>, desk: Desk<'_>) -> Result<bool> {
    let held = HeldTokens::read(desk)?;
    let mut credentials = held.of(id).map(|(slot, held)| (slot, &held.credential));
    let Some((slot, other)) = credentials.find(|(_, credential)| !is_of(credential, owner, manager)) else {
        return Ok(held.of(id).next().is_some());
    };
    if manager.token(owner, id)?.is_some() {
        return Ok(true);
    }
    let of = other.known_account().unwrap_or("somebody");
    let option = match other.kind {
        Kind::OrganizationAccessToken => "--org",
        _ => "--account",
    };
    bail!(
        "{} holds it as the {} of {}; say so with {option} {}",
        named(slot),
        other.kind.name(),
        printable(of),
        quoted(of)
    )
}

fn is_of(credential: &Credential, owner: &Owner, manager: &Manager<'_>) -> bool {
    match owner {
        Owner::Account => {
            matches!(credential.kind, Kind::PersonalAccessToken | Kind::SessionToken)
                && credential.account == manager.account()
        }
        Owner::Organization(organization) => {
            credential.kind == Kind::OrganizationAccessToken && credential.account == organization.as_str()
        }
    }
}

/// The token in the list, which is had once for all of them.
fn named_in(
    text: &str,
    owner: &Owner,
    listed: &mut Option<Vec<HubToken>>,
    manager: &Manager<'_>,
) -> Result<Meant> {
    let tokens = match listed {
        Some(tokens) => tokens,
        None => listed.insert(manager.tokens(owner)?),
    };
    let token = choose(text, tokens, None).map_err(|why| why.explained(text, owner, manager))?;
    Ok(Meant {
        id: token.id.clone(),
        called: called(token),
        is_theirs: true,
    })
}

fn revoke_one(
    Meant {
        id,
        called,
        is_theirs,
    }: &Meant,
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
        Revoked::WasGone if *is_theirs => "was gone already",
        Revoked::WasGone => {
            report.say(format_args!(
                "{called}: was gone already, or is none of {}",
                whose(owner, manager)
            ));
            return Ok(());
        }
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
