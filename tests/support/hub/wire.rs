//! Tokens as they are written in JSON, and what a request to make or change one has to say.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::refusal::Refusal;
use super::token::{Reach, Resource, Token};

/// The scopes of a personal token, and no others.
const SCOPES: &[&str] = &["repo:admin", "repo:write", "repo:read", "repo:public_read"];

/// The longest label and description, in characters.
const MAX_LABEL: usize = 100;
const MAX_DESCRIPTION: usize = 200;

/// The most repositories one organization token is for.
const MAX_REPOSITORIES: usize = 50;

/// What somebody signs in with.
#[derive(Deserialize)]
pub(super) struct SignIn {
    pub(super) identifier: String,
    pub(super) secret: String,
}

/// A personal token to be made.
#[derive(Deserialize)]
pub(super) struct NewPersonalToken {
    token_label: String,
    scopes: Vec<String>,
    expires_at: Option<String>,
}

/// An organization token to be made.
#[derive(Deserialize)]
pub(super) struct NewOrganizationToken {
    label: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    resources: Vec<Resource>,
    expires_at: Option<String>,
}

/// What of a personal token is to be changed. Nothing else can be; whether the rest is refused or passed over is not
/// documented: refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonalChange {
    token_label: Option<String>,
    is_active: Option<bool>,
}

/// What of an organization token is to be changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationChange {
    label: Option<String>,
    description: Option<String>,
    resources: Option<Vec<Resource>>,
    is_active: Option<bool>,
}

/// A new token, as it was asked for and found in order.
pub(super) struct Wanted {
    pub(super) label: String,
    pub(super) description: String,
    pub(super) reach: Reach,
    pub(super) expires: Option<OffsetDateTime>,
}

/// The body of a request.
pub(super) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Refusal> {
    serde_json::from_str(body).map_err(|error| Refusal::invalid("body", &error.to_string()))
}

impl NewPersonalToken {
    pub(super) fn check(self, now: OffsetDateTime) -> Result<Wanted, Refusal> {
        is_label("token_label", &self.token_label)?;
        let is_known = |scope: &String| SCOPES.contains(&scope.as_str());
        if self.scopes.is_empty() || !self.scopes.iter().all(is_known) {
            return Err(Refusal::invalid("scopes", "must be scopes of a personal token"));
        }
        Ok(Wanted {
            label: self.token_label,
            description: String::new(),
            reach: Reach::Personal(self.scopes),
            expires: expiry(self.expires_at.as_deref(), now)?,
        })
    }
}

impl NewOrganizationToken {
    pub(super) fn check(self, organization: &str, now: OffsetDateTime) -> Result<Wanted, Refusal> {
        is_label("label", &self.label)?;
        is_description(&self.description)?;
        are_resources(&self.resources, organization)?;
        Ok(Wanted {
            label: self.label,
            description: self.description,
            reach: Reach::Organization(self.resources),
            expires: expiry(self.expires_at.as_deref(), now)?,
        })
    }
}

impl PersonalChange {
    pub(super) fn apply(self, token: &mut Token) -> Result<(), Refusal> {
        if let Some(label) = &self.token_label {
            is_label("token_label", label)?;
        }
        token.label = self.token_label.unwrap_or_else(|| token.label.clone());
        token.is_active = self.is_active.unwrap_or(token.is_active);
        Ok(())
    }
}

impl OrganizationChange {
    pub(super) fn apply(self, token: &mut Token) -> Result<(), Refusal> {
        if let Some(label) = &self.label {
            is_label("label", label)?;
        }
        if let Some(description) = &self.description {
            is_description(description)?;
        }
        if let Some(resources) = self.resources {
            are_resources(&resources, &token.owner)?;
            token.reach = Reach::Organization(resources);
        }
        token.label = self.label.unwrap_or_else(|| token.label.clone());
        token.description = self.description.unwrap_or_else(|| token.description.clone());
        token.is_active = self.is_active.unwrap_or(token.is_active);
        Ok(())
    }
}

fn is_label(field: &str, label: &str) -> Result<(), Refusal> {
    if (1..=MAX_LABEL).contains(&label.chars().count()) {
        return Ok(());
    }
    Err(Refusal::invalid(field, "must have 1 to 100 characters"))
}

fn is_description(description: &str) -> Result<(), Refusal> {
    if description.chars().count() <= MAX_DESCRIPTION {
        return Ok(());
    }
    Err(Refusal::invalid(
        "description",
        "must have at most 200 characters",
    ))
}

/// One at least; each of the organization, and with scopes.
fn are_resources(resources: &[Resource], organization: &str) -> Result<(), Refusal> {
    let refused = |text| Err(Refusal::invalid("resources", text));
    if resources.is_empty() {
        return refused("must name a resource");
    }
    let repositories = resources
        .iter()
        .filter(|resource| resource.kind == "TYPE_REPO")
        .count();
    if repositories > MAX_REPOSITORIES {
        return refused("must name at most 50 repositories");
    }
    for resource in resources {
        let is_ours = match resource.kind.as_str() {
            "TYPE_REPO" => resource
                .path
                .strip_prefix(organization)
                .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')),
            "TYPE_ORG" => resource.path == organization,
            _ => return refused("must be of TYPE_REPO or TYPE_ORG"),
        };
        if !is_ours {
            return refused("must be of the organization");
        }
        if resource.scopes.is_empty() {
            return refused("must have scopes");
        }
    }
    Ok(())
}

/// Some time to come, or never.
fn expiry(text: Option<&str>, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, Refusal> {
    let Some(text) = text else {
        return Ok(None);
    };
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .filter(|expires| *expires > now)
        .map(Some)
        .ok_or_else(|| Refusal::invalid("expires_at", "must be a date to come"))
}

/// A personal token; its secret is shown when it is made, and never again.
pub(super) fn personal_token(token: &Token, secret: &str) -> Value {
    let Reach::Personal(scopes) = &token.reach else {
        panic!("an organization's token among personal ones");
    };
    json!({
        "uuid": token.id,
        "client_id": "HUB",
        "creator_ip": "127.0.0.1",
        "creator_ua": "some user agent",
        "created_at": precise(token.created),
        "last_used": token.last_used.map(precise),
        "generated_by": token.source,
        "is_active": token.is_active,
        "token": secret,
        "token_label": token.label,
        "scopes": scopes,
        "expires_at": token.expires.map(precise),
    })
}

/// An organization token as it is listed. Its description is nowhere among what is documented to be answered.
pub(super) fn organization_token(token: &Token) -> Value {
    json!({
        "id": token.id,
        "label": token.label,
        "created_by": token.creator,
        "is_active": token.is_active,
        "created_at": to_the_second(token.created),
        "expires_at": token.expires.map(to_the_second),
        "last_used_at": token.last_used.map(to_the_second),
    })
}

/// The same by itself, with what it is for.
pub(super) fn organization_token_in_full(token: &Token) -> Value {
    let Reach::Organization(resources) = &token.reach else {
        panic!("a personal token among an organization's");
    };
    let mut value = organization_token(token);
    value["resources"] = json!(resources);
    value
}

/// `2021-07-20T12:00:00.000000Z`
fn precise(time: OffsetDateTime) -> String {
    let second = to_the_second(time);
    format!("{}.{:06}Z", second.trim_end_matches('Z'), time.microsecond())
}

/// `2022-05-20T00:54:18Z`
fn to_the_second(time: OffsetDateTime) -> String {
    let time = time.to_utc().replace_nanosecond(0).expect("a nanosecond");
    time.format(&Rfc3339).expect("a time of this era")
}
