//! Resource: what an organization access token is for, and what of it may be done, in Docker Hub's own words. Knows
//! nothing of registries' scopes.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::hub::Organization;

/// What pulling, pushing and deleting are called where a resource is an image: people write the short form.
const IMAGE_ACTIONS: [&str; 3] = ["pull", "push", "delete"];

/// What stands before them.
const IMAGE_SCOPE: &str = "scope-image-";

/// What an organization access token is for, and what of it may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its name, as `acme/app`.
    pub path: String,
    /// What may be done, as Docker Hub writes it: `scope-image-pull`.
    pub scopes: Vec<String>,
}

/// What a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// An organization itself.
    Organization,
    /// What a later Docker Hub may have.
    Other(String),
    /// A repository, or several.
    Repository,
}

impl Resource {
    /// What is to be allowed of an organization itself.
    #[must_use]
    pub fn of_organization(organization: &Organization, scopes: OrganizationScopes) -> Self {
        Self {
            kind: ResourceKind::Organization,
            path: organization.to_string(),
            scopes: scopes.0,
        }
    }

    /// `None` where a part of it cannot be read: without that it would be less.
    pub(super) fn read(entry: &Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(rename = "type")]
            kind: String,
            path: String,
            scopes: Vec<String>,
        }
        let Raw { kind, path, scopes } = Raw::deserialize(entry).ok()?;
        Some(Self {
            kind: match kind.as_str() {
                "TYPE_ORG" => ResourceKind::Organization,
                "TYPE_REPO" => ResourceKind::Repository,
                _ => ResourceKind::Other(kind),
            },
            path,
            scopes,
        })
    }

    pub(super) fn write(&self) -> Value {
        let kind = match &self.kind {
            ResourceKind::Organization => "TYPE_ORG",
            ResourceKind::Other(kind) => kind,
            ResourceKind::Repository => "TYPE_REPO",
        };
        json!({ "type": kind, "path": self.path, "scopes": self.scopes })
    }
}

impl FromStr for Resource {
    type Err = InvalidResource;

    /// `acme/app:pull,push`, `acme/*:pull`, `acme/app:scope-tag-read`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, actions) = text.split_once(':').ok_or(InvalidResource::NoActions)?;
        let path = name.strip_prefix("docker.io/").unwrap_or(name);
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || matches!(byte, b'-' | b'_' | b'.' | b'*')
                })
        };
        if path.split('/').count() != 2 || path.len() > 255 || !path.split('/').all(is_word) {
            return Err(InvalidResource::Repository);
        }
        let scope = |action: &str| match action {
            action if IMAGE_ACTIONS.contains(&action) => Ok(format!("{IMAGE_SCOPE}{action}")),
            action if is_scope(action) => Ok(action.to_owned()),
            _ => Err(InvalidResource::Action),
        };
        Ok(Self {
            kind: ResourceKind::Repository,
            path: path.to_owned(),
            scopes: distinct(actions, scope)?,
        })
    }
}

impl fmt::Display for Resource {
    /// As people write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, path, scopes } = self;
        let scopes: Vec<_> = scopes
            .iter()
            .map(|scope| match (kind, scope.strip_prefix(IMAGE_SCOPE)) {
                (ResourceKind::Repository, Some(action)) if IMAGE_ACTIONS.contains(&action) => action,
                _ => scope,
            })
            .collect();
        write!(f, "{path}:{}", scopes.join(","))
    }
}

/// What may be done with an organization itself, as people write it: `scope-member-read,scope-group-read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationScopes(Vec<String>);

impl FromStr for OrganizationScopes {
    type Err = InvalidResource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scope = |action: &str| {
            is_scope(action)
                .then(|| action.to_owned())
                .ok_or(InvalidResource::OrganizationScope)
        };
        distinct(text, scope).map(Self)
    }
}

/// Docker Hub has more of them from time to time: any is let through that looks like one.
fn is_scope(text: &str) -> bool {
    text.len() <= 64
        && text.strip_prefix("scope-").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        })
}

/// What is between the commas, each once.
fn distinct(
    text: &str,
    read: impl Fn(&str) -> Result<String, InvalidResource>,
) -> Result<Vec<String>, InvalidResource> {
    let mut scopes = Vec::new();
    for action in text.split(',') {
        let scope = read(action)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Why a text names nothing that could be allowed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidResource {
    /// An action that is none.
    #[error("an action is pull, push, delete, or one of Docker Hub's own as in scope-tag-read")]
    Action,
    /// There is no colon.
    #[error("write what is allowed behind a colon, as in acme/app:pull,push")]
    NoActions,
    /// Something that is no scope of an organization.
    #[error(
        "what is allowed of an organization is written as Docker Hub does, as in scope-member-read,scope-group-read"
    )]
    OrganizationScope,
    /// The name is none.
    #[error("a repository is written as in acme/app, or acme/* for all of them")]
    Repository,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_written_short_and_sent_long() {
        let table = [
            (
                "acme/app:pull",
                "acme/app",
                &["scope-image-pull"][..],
                "acme/app:pull",
            ),
            (
                "docker.io/acme/app:push,pull,push",
                "acme/app",
                &["scope-image-push", "scope-image-pull"],
                "acme/app:push,pull",
            ),
            (
                "acme/*:delete",
                "acme/*",
                &["scope-image-delete"],
                "acme/*:delete",
            ),
            (
                "acme/app:scope-image-pull,scope-tag-read",
                "acme/app",
                &["scope-image-pull", "scope-tag-read"],
                "acme/app:pull,scope-tag-read",
            ),
        ];
        for (text, path, scopes, shown) in table {
            let resource: Resource = text.parse().unwrap();
            assert_eq!(
                (resource.path.as_str(), resource.scopes.as_slice()),
                (
                    path,
                    scopes
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .as_slice()
                )
            );
            assert_eq!(resource.kind, ResourceKind::Repository);
            assert_eq!(resource.to_string(), shown);
            assert_eq!(Resource::read(&resource.write()), Some(resource));
        }
    }

    #[test]
    fn what_could_not_be_allowed_is_refused_with_what_is_wrong() {
        let table = [
            ("acme/app", InvalidResource::NoActions),
            ("app:pull", InvalidResource::Repository),
            ("quay.io/acme/app:pull", InvalidResource::Repository),
            ("/app:pull", InvalidResource::Repository),
            ("Acme/app:pull", InvalidResource::Repository),
            ("acme/a b:pull", InvalidResource::Repository),
            ("acme/app:", InvalidResource::Action),
            ("acme/app:pull,", InvalidResource::Action),
            ("acme/app:Pull", InvalidResource::Action),
            ("acme/app:*", InvalidResource::Action),
            ("acme/app:scope-", InvalidResource::Action),
            ("acme/app:scope-image-pull\n", InvalidResource::Action),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Resource>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn an_organization_has_scopes_of_its_own() {
        let scopes: OrganizationScopes = "scope-member-read,scope-group-read".parse().unwrap();
        let resource = Resource::of_organization(&"acme".parse().unwrap(), scopes);
        assert_eq!(resource.to_string(), "acme:scope-member-read,scope-group-read");
        assert_eq!(
            resource.write(),
            json!({"type": "TYPE_ORG", "path": "acme", "scopes": ["scope-member-read", "scope-group-read"]})
        );
        for text in ["", "pull", "member-read", "scope-member-read,"] {
            assert_eq!(
                text.parse::<OrganizationScopes>(),
                Err(InvalidResource::OrganizationScope),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_later_docker_hub_says_is_kept() {
        let entry = json!({"type": "TYPE_TEAM", "path": "acme/x", "scopes": ["repo-pull", "new"], "more": 1});
        let resource = Resource::read(&entry).unwrap();
        assert_eq!(resource.kind, ResourceKind::Other("TYPE_TEAM".into()));
        assert_eq!(resource.to_string(), "acme/x:repo-pull,new");
    }
}
