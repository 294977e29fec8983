//! `hub token`: personal access tokens, and those of an organization.

pub mod create;
pub mod list;
pub mod revoke;
pub mod rotate;
pub mod update;

use anyhow::{Error, Result, anyhow};

use super::keep::organization_option;
use super::{HeldTokens, Manager};
use crate::command::printable;
use crate::credential::TokenId;
use crate::hub::{HubToken, Owner};

/// The tokens that are meant: of the organization that is named, or of the account.
pub fn owner(organization: Option<&str>) -> Result<Owner> {
    organization.map_or(Ok(Owner::Account), |name| {
        name.parse()
            .map(Owner::Organization)
            .map_err(|why| anyhow!("--org: {why}"))
    })
}

/// What the tokens of an owner are called.
fn kind(owner: &Owner) -> &'static str {
    match owner {
        Owner::Account => "personal access token",
        Owner::Organization(_) => "organization access token",
    }
}

/// Whose they are.
fn whose<'a>(owner: &'a Owner, manager: &'a Manager<'_>) -> &'a str {
    match owner {
        Owner::Account => manager.account(),
        Owner::Organization(organization) => organization.as_str(),
    }
}

/// A token as a person knows it, with what it goes by.
fn called(token: &HubToken) -> String {
    match token.label.as_str() {
        "" => token.id.to_string(),
        label => format!("{} ({})", printable(label), token.id),
    }
}

/// The id that a text surely is, and no label: a UUID.
fn uuid(text: &str) -> Option<TokenId> {
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    text.parse().ok().filter(|_| is_uuid)
}

/// The token that is named. Of several with one label it is the one that this machine holds, where that is wanted.
fn find(text: &str, owner: &Owner, held: Option<&HeldTokens>, manager: &Manager<'_>) -> Result<HubToken> {
    if let Some(id) = uuid(text)
        && let Some(token) = manager.token(owner, &id)?
    {
        return Ok(token);
    }
    let tokens = manager.tokens(owner)?;
    let found = choose(text, &tokens, held).map_err(|why| why.explained(text, owner, manager))?;
    match owner {
        Owner::Account => Ok(found.clone()),
        // Lists do not tell what an organization's token is for.
        Owner::Organization(_) => Ok(manager.token(owner, &found.id)?.unwrap_or_else(|| found.clone())),
    }
}

/// Why no token is meant.
#[derive(Debug, PartialEq, Eq)]
enum Unfound {
    None,
    Several(Vec<String>),
}

impl Unfound {
    fn explained(self, text: &str, owner: &Owner, manager: &Manager<'_>) -> Error {
        let (kind, whose, text) = (kind(owner), whose(owner, manager), printable(text));
        match self {
            Self::None => anyhow!(
                "{whose} has no {kind} with the id or label {text}; docker-credential-scoped hub token list{} shows them",
                organization_option(owner)
            ),
            Self::Several(ids) => anyhow!(
                "{} {kind}s of {whose} have the label {text}; name one by its id: {}",
                ids.len(),
                ids.join(", ")
            ),
        }
    }
}

fn choose<'a>(
    text: &str,
    tokens: &'a [HubToken],
    held: Option<&HeldTokens>,
) -> Result<&'a HubToken, Unfound> {
    if let Some(token) = tokens.iter().find(|token| token.id.as_str() == text) {
        return Ok(token);
    }
    let labelled: Vec<_> = tokens.iter().filter(|token| token.label == text).collect();
    let is_held = |token: &&HubToken| held.is_some_and(|held| held.of(&token.id).next().is_some());
    let here: Vec<_> = labelled.iter().copied().filter(is_held).collect();
    match (labelled.as_slice(), here.as_slice()) {
        ([only], _) | (_, [only]) => Ok(only),
        ([], _) => Err(Unfound::None),
        _ => Err(Unfound::Several(
            labelled.iter().map(|token| token.id.to_string()).collect(),
        )),
    }
}
