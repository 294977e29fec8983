//! `hub token create`: have a token made, and keep it at once.

use anyhow::{Result, anyhow, bail};
use time::OffsetDateTime;

use super::{called, kind, whose};
use crate::command::credentials::{Found, named, said_expiry};
use crate::command::hub::keep::{Kept, Place};
use crate::command::hub::{Desk, Manager};
use crate::command::{Report, printable};
use crate::credential::{Kind, Profile};
use crate::hub::{HubToken, NewToken, OrganizationScopes, Owner, Resource};

/// What is wanted.
#[derive(Debug)]
pub struct Request {
    /// Whose it is to be.
    pub owner: Owner,
    /// The label.
    pub label: String,
    /// The scopes of a personal token.
    pub scopes: Vec<String>,
    /// What an organization's token is to allow, as `acme/app:pull`.
    pub allow: Vec<String>,
    /// What it is to allow of the organization itself.
    pub allow_organization: Option<String>,
    /// What is written about an organization's token.
    pub description: Option<String>,
    /// Until when it is to be good.
    pub expires: Option<OffsetDateTime>,
    /// Where it is kept.
    pub profile: Profile,
    /// Who has it made.
    pub account: Option<String>,
    /// Whether it is to be printed, too.
    pub is_printed: bool,
}

/// Has a token made and keeps it.
pub fn create(request: &Request, desk: Desk<'_>) -> Result<Report> {
    let new = new_token(request)?;
    let place = Place::take(desk.slot(&request.profile), desk)?;
    if let Some(held) = place.held()? {
        bail!(
            "{} holds the {} of {} already; keep the new one elsewhere with --profile NAME{}",
            named(place.slot()),
            held.credential().kind.name(),
            held.credential().known_account().unwrap_or("somebody"),
            match held {
                Found::Declared(_) => ", or take that out of settings.json",
                Found::Stored(_) => ", or remove that first",
            }
        );
    }
    let manager = Manager::choose(request.account.as_deref(), desk)?;
    let credential_kind = match &request.owner {
        Owner::Account => Kind::PersonalAccessToken,
        Owner::Organization(_) => Kind::OrganizationAccessToken,
    };
    let (Kept { token, .. }, created) = place.make(&new, credential_kind, &|_| false, &manager)?;
    let sentence = format!(
        "Made the {} {} of {}: {}. It is kept for {}.",
        kind(&request.owner),
        called(&token),
        whose(&request.owner, &manager),
        may(&token),
        named(place.slot())
    );
    let mut report = Report::default();
    if request.is_printed {
        report.text = format!("{}\n", created.secret.expose());
        report.note(sentence);
    } else {
        report.say(sentence);
    }
    Ok(report)
}

fn new_token(request: &Request) -> Result<NewToken> {
    let Request {
        owner,
        label,
        scopes,
        allow,
        allow_organization,
        description,
        expires,
        ..
    } = request;
    Ok(match owner {
        Owner::Account => NewToken::personal(label, scopes.clone(), *expires)?,
        Owner::Organization(organization) => {
            let mut resources = allow
                .iter()
                .map(|text| text.parse::<Resource>().map_err(|why| anyhow!("--allow: {why}")))
                .collect::<Result<Vec<_>>>()?;
            if let Some(text) = allow_organization {
                let scopes: OrganizationScopes = text.parse().map_err(|why| anyhow!("--allow-org: {why}"))?;
                resources.push(Resource::of_organization(organization, scopes));
            }
            NewToken::of_organization(
                organization.clone(),
                label,
                description.as_deref(),
                resources,
                *expires,
            )?
        }
    })
}

/// What a token may do, and until when.
pub(super) fn may(token: &HubToken) -> String {
    let until = token.expires.map_or_else(
        || "no expiry".to_owned(),
        |expires| format!("until {}", said_expiry(expires)),
    );
    format!("{}, {until}", printable(&token.permissions.to_string()))
}
