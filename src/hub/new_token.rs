//! New token: what is asked of Docker Hub, checked before it is. Knows nothing of what a token is for here.

use serde_json::{Map, Value, json};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::hub::{Organization, Owner, Permissions, Resource, ResourceKind};

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
        let is_scope = |scope: &String| {
            !scope.is_empty() && scope.len() <= 64 && scope.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if scopes.is_empty() || !scopes.iter().all(is_scope) {
            return Err(InvalidNewToken::Scopes);
        }
        Ok(Self {
            owner: Owner::Account,
            label: check_label(label)?,
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
            label: check_label(label)?,
            description: description.map(str::to_owned),
            permissions: Permissions::Resources(resources),
            expires,
        })
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
            label: label.map(check_label).transpose()?,
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
    /// None, or what is none.
    #[error("scope: write repo:public_read, repo:read, repo:write or repo:admin")]
    Scopes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_token_is_asked_for_as_documented() {
        let expires = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let new = NewToken::personal(" ci ", vec!["repo:read".into()], Some(expires)).unwrap();
        assert_eq!(
            new.body(),
            br#"{"expires_at":"2027-01-15T08:00:00Z","scopes":["repo:read"],"token_label":"ci"}"#
        );
        let forever = NewToken::personal("ci", vec!["repo:read".into()], None).unwrap();
        assert_eq!(forever.body(), br#"{"scopes":["repo:read"],"token_label":"ci"}"#);
    }

    #[test]
    fn an_organizations_token_is_asked_for_as_documented() {
        let of = |description| {
            NewToken::of_organization(
                "acme".parse().unwrap(),
                "ci",
                description,
                vec!["acme/app:pull".parse().unwrap()],
                None,
            )
            .unwrap()
            .body()
        };
        assert_eq!(
            of(Some("for the robots")),
            br#"{"description":"for the robots","label":"ci","resources":[{"path":"acme/app","scopes":["scope-image-pull"],"type":"TYPE_REPO"}]}"#
        );
        assert_eq!(
            of(Some(" ")),
            br#"{"label":"ci","resources":[{"path":"acme/app","scopes":["scope-image-pull"],"type":"TYPE_REPO"}]}"#
        );
    }

    #[test]
    fn what_docker_hub_would_refuse_is_not_asked() {
        let personal = |label: &str, scopes: &[&str]| {
            NewToken::personal(label, scopes.iter().map(ToString::to_string).collect(), None).map(drop)
        };
        for label in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(101)] {
            assert_eq!(
                personal(label, &["repo:read"]),
                Err(InvalidNewToken::Label),
                "{label:?}"
            );
        }
        assert_eq!(personal(&"\u{e9}".repeat(100), &["repo:read"]), Ok(()));
        for scopes in [&[][..], &[""], &["repo read"]] {
            assert_eq!(personal("ci", scopes), Err(InvalidNewToken::Scopes), "{scopes:?}");
        }
        let organization = |description: Option<&str>, count: usize| {
            let resources = (0..count).map(|number| format!("acme/app{number}:pull").parse().unwrap());
            NewToken::of_organization(
                "acme".parse().unwrap(),
                "ci",
                description,
                resources.collect(),
                None,
            )
            .map(drop)
        };
        assert_eq!(organization(None, 0), Err(InvalidNewToken::NoResources));
        assert_eq!(organization(None, 50), Ok(()));
        assert_eq!(organization(None, 51), Err(InvalidNewToken::Repositories));
        assert_eq!(
            organization(Some(&"x".repeat(201)), 1),
            Err(InvalidNewToken::Description)
        );
        assert_eq!(Change::new(None, None), Err(InvalidNewToken::NoChange));
        assert_eq!(Change::new(Some(""), Some(true)), Err(InvalidNewToken::Label));
    }

    #[test]
    fn a_change_says_only_what_changes() {
        let organization = Owner::Organization("acme".parse().unwrap());
        let change = Change::new(Some("new"), None).unwrap();
        assert_eq!(change.body(&Owner::Account), br#"{"token_label":"new"}"#);
        assert_eq!(change.body(&organization), br#"{"label":"new"}"#);
        let change = Change::new(None, Some(false)).unwrap();
        assert_eq!(change.body(&organization), br#"{"is_active":false}"#);
    }
}
