//! New token: what is asked of Docker Hub, checked before it is. Knows nothing of what a token is for here.

use serde_json::{Map, Value, json};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::credential::SessionLabel;
use crate::hub::{HubToken, Organization, Owner, Permissions, Resource, ResourceKind};

/// The longest label (docker/docs `latest.yaml`, `createAccessTokenRequest`).
const MAX_LABEL: usize = 100;

/// The longest description (docker/docs `organization-access-tokens.md`).
const MAX_DESCRIPTION: usize = 200;

/// The most repositories that one token can be for (docker/docs `organization-access-tokens.md`).
const MAX_REPOSITORIES: usize = 50;

/// A token that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    pub(super) owner: Owner,
    pub(super) label: String,
    pub(super) description: Option<String>,
    pub(super) permissions: Permissions,
    pub(super) expires: Option<OffsetDateTime>,
}

impl NewToken {
    /// A personal access token of the account that is signed in, with scopes as `repo:read`.
    pub fn personal(
        label: &str,
        scopes: Vec<String>,
        expires: Option<OffsetDateTime>,
    ) -> Result<Self, InvalidNewToken> {
        Self::of_account(check_free_label(label)?, scopes, expires)
    }

    /// The token of a session, which ends. Only those have such labels: whatever has one is pruned.
    pub fn session(
        label: &SessionLabel,
        scopes: Vec<String>,
        expires: OffsetDateTime,
    ) -> Result<Self, InvalidNewToken> {
        Self::of_account(label.to_string(), scopes, Some(expires))
    }

    fn of_account(
        label: String,
        scopes: Vec<String>,
        expires: Option<OffsetDateTime>,
    ) -> Result<Self, InvalidNewToken> {
        let is_scope = |scope: &String| {
            !scope.is_empty() && scope.len() <= 64 && scope.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if scopes.is_empty() || !scopes.iter().all(is_scope) {
            return Err(InvalidNewToken::Scopes);
        }
        Ok(Self {
            owner: Owner::Account,
            label,
            description: None,
            permissions: Permissions::Scopes(scopes),
            expires,
        })
    }

    /// An organization access token.
    pub fn of_organization(
        organization: Organization,
        label: &str,
        description: Option<&str>,
        resources: Vec<Resource>,
        expires: Option<OffsetDateTime>,
    ) -> Result<Self, InvalidNewToken> {
        let label = check_free_label(label)?;
        Self::of_owner(organization, label, description, resources, expires)
    }

    fn of_owner(
        organization: Organization,
        label: String,
        description: Option<&str>,
        resources: Vec<Resource>,
        expires: Option<OffsetDateTime>,
    ) -> Result<Self, InvalidNewToken> {
        let description = description.map(str::trim).filter(|text| !text.is_empty());
        if description
            .is_some_and(|text| text.chars().count() > MAX_DESCRIPTION || text.contains(char::is_control))
        {
            return Err(InvalidNewToken::Description);
        }
        if resources.is_empty() || resources.iter().any(|resource| resource.scopes.is_empty()) {
            return Err(InvalidNewToken::NoResources);
        }
        let is_repository = |resource: &&Resource| resource.kind == ResourceKind::Repository;
        if resources.iter().filter(is_repository).count() > MAX_REPOSITORIES {
            return Err(InvalidNewToken::Repositories);
        }
        Ok(Self {
            owner: Owner::Organization(organization),
            label,
            description: description.map(str::to_owned),
            permissions: Permissions::Resources(resources),
            expires,
        })
    }

    /// One that may do the same as another of this owner, for a secret in place of the other's, be that a session's. Of
    /// an organization's token its resources have to be known, which lists do not tell.
    pub fn like(
        token: &HubToken,
        owner: &Owner,
        label: &str,
        expires: Option<OffsetDateTime>,
    ) -> Result<Self, InvalidNewToken> {
        let (label, description) = (check_label(label)?, token.description.as_deref());
        match (owner, &token.permissions) {
            (Owner::Account, Permissions::Scopes(scopes)) => Self::of_account(label, scopes.clone(), expires),
            (Owner::Organization(organization), Permissions::Resources(resources)) => Self::of_owner(
                organization.clone(),
                label,
                description,
                resources.clone(),
                expires,
            ),
            (Owner::Account | Owner::Organization(_), _) => Err(InvalidNewToken::Untold),
        }
    }

    /// Whose it will be.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let Self {
            owner,
            label,
            description,
            permissions,
            expires,
        } = self;
        let mut body = Map::new();
        let label_name = match owner {
            Owner::Account => "token_label",
            Owner::Organization(_) => "label",
        };
        body.insert(label_name.to_owned(), json!(label));
        match permissions {
            Permissions::Scopes(scopes) => {
                body.insert("scopes".to_owned(), json!(scopes));
            }
            Permissions::Resources(resources) => {
                let resources: Vec<Value> = resources.iter().map(Resource::write).collect();
                body.insert("resources".to_owned(), resources.into());
            }
            Permissions::Untold => {}
        }
        if let Some(description) = description {
            body.insert("description".to_owned(), json!(description));
        }
        // What is absent never expires.
        if let Some(expires) = expires.and_then(|expires| expires.format(&Rfc3339).ok()) {
            body.insert("expires_at".to_owned(), json!(expires));
        }
        Value::Object(body).to_string().into_bytes()
    }
}

/// What is to be changed of a token. Docker Hub changes neither its scopes nor its expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    label: Option<String>,
    is_active: Option<bool>,
}

impl Change {
    /// Another label, or whether it is taken anywhere.
    pub fn new(label: Option<&str>, is_active: Option<bool>) -> Result<Self, InvalidNewToken> {
        if label.is_none() && is_active.is_none() {
            return Err(InvalidNewToken::NoChange);
        }
        Ok(Self {
            label: label.map(check_free_label).transpose()?,
            is_active,
        })
    }

    pub(super) fn body(&self, owner: &Owner) -> Vec<u8> {
        let mut body = Map::new();
        if let Some(label) = &self.label {
            let name = match owner {
                Owner::Account => "token_label",
                Owner::Organization(_) => "label",
            };
            body.insert(name.to_owned(), json!(label));
        }
        if let Some(is_active) = self.is_active {
            body.insert("is_active".to_owned(), json!(is_active));
        }
        Value::Object(body).to_string().into_bytes()
    }
}

fn check_label(label: &str) -> Result<String, InvalidNewToken> {
    let label = label.trim();
    if (1..=MAX_LABEL).contains(&label.chars().count()) && !label.contains(char::is_control) {
        Ok(label.to_owned())
    } else {
        Err(InvalidNewToken::Label)
    }
}

/// A label that people give: what has a session's is pruned one day.
fn check_free_label(label: &str) -> Result<String, InvalidNewToken> {
    let label = check_label(label)?;
    if SessionLabel::is_reserved(&label) {
        Err(InvalidNewToken::Reserved)
    } else {
        Ok(label)
    }
}

/// Why Docker Hub need not be asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidNewToken {
    /// Too long, or with control characters.
    #[error("description: write at most 200 characters, and no control characters")]
    Description,
    /// None, too long, or with control characters.
    #[error("label: write 1 to 100 characters, and no control characters")]
    Label,
    /// Nothing is to be changed.
    #[error("nothing to change: say a new label, or whether the token is to be active")]
    NoChange,
    /// It could do nothing.
    #[error(
        "an organization access token has to be for something: allow it one repository at least, as in acme/app:pull"
    )]
    NoResources,
    /// Too many.
    #[error("an organization access token can be for 50 repositories at most; write acme/* for all of them")]
    Repositories,
    /// One that only sessions have.
    #[error(
        "--label: is what session tokens are called, docker-credential-scoped session start makes them; write another"
    )]
    Reserved,
    /// None, or what is none.
    #[error("scope: write repo:public_read, repo:read, repo:write or repo:admin")]
    Scopes,
    /// Docker Hub does not tell what the token may do, or not in a way that is understood here.
    #[error(
        "what the token may do is not told, or not in a way that is understood here; make another by hand with \
         docker-credential-scoped hub token create"
    )]
    Untold,
}

#[cfg(test)]
mod tests;
