//! Allowed scopes: what a credential may do at most, as far as anybody said. Knows nothing of which one is chosen.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::registry::{InvalidScope, ScopePattern};

/// What a credential may do at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedScopes {
    /// Nobody said: it counts as the widest.
    #[default]
    Unknown,
    /// This and no more; nothing but who somebody is, where there is none.
    Known(BTreeSet<AllowedScope>),
}

impl AllowedScopes {
    /// What it may do in the grammar of scopes; `None` where nobody knows.
    #[must_use]
    pub fn grants(&self) -> Option<Vec<Grant>> {
        match self {
            Self::Unknown => None,
            Self::Known(scopes) => Some(scopes.iter().flat_map(AllowedScope::grants).collect()),
        }
    }
}

impl FromIterator<AllowedScope> for AllowedScopes {
    fn from_iter<Scopes: IntoIterator<Item = AllowedScope>>(scopes: Scopes) -> Self {
        Self::Known(scopes.into_iter().collect())
    }
}

/// The scopes as they are written, or that nobody knows.
impl fmt::Display for AllowedScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Known(scopes) if scopes.is_empty() => f.write_str("none"),
            Self::Known(scopes) => {
                for (place, scope) in scopes.iter().enumerate() {
                    write!(f, "{}{scope}", if place == 0 { "" } else { " " })?;
                }
                Ok(())
            }
        }
    }
}

/// One of the things a credential may do, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AllowedScope {
    /// One of the four scopes of Docker Hub's personal access tokens.
    Hub(HubScope),
    /// In the grammar of scopes, with `*` in the name; a resource of a Docker organization access token too.
    Pattern(ScopePattern),
}

impl AllowedScope {
    fn grants(&self) -> Vec<Grant> {
        match self {
            Self::Hub(scope) => scope.grants(),
            Self::Pattern(pattern) => vec![Grant::of(pattern.clone())],
        }
    }
}

impl FromStr for AllowedScope {
    type Err = InvalidAllowedScope;

    /// `repo:read`; `repository:acme/*:pull`; or as Docker Hub writes a resource of an organization access token,
    /// `acme/app:scope-image-pull,scope-image-push`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(scope) = HubScope::ALL.into_iter().find(|scope| scope.as_str() == text) {
            return Ok(Self::Hub(scope));
        }
        if text.starts_with("repo:") {
            return Err(InvalidAllowedScope::Hub);
        }
        let Some((name, scopes)) = text
            .split_once(':')
            .filter(|(_, rest)| rest.starts_with(OF_RESOURCE))
        else {
            return Ok(Self::Pattern(text.parse()?));
        };
        let actions = scopes
            .split(',')
            .map(|scope| scope.strip_prefix(OF_IMAGE).filter(|action| !action.is_empty()))
            .collect::<Option<Vec<_>>>()
            .ok_or(InvalidAllowedScope::Resource)?;
        Ok(Self::Pattern(ScopePattern::of_repository(
            name,
            &actions.join(","),
        )?))
    }
}

impl fmt::Display for AllowedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(scope) => f.write_str(scope.as_str()),
            Self::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

/// How Docker Hub begins the scopes of an organization access token's resources, and those of them that a registry
/// knows: `scope-image-pull`, `scope-image-push`, `scope-image-delete` (Docker Hub API, `OrgAccessTokenResource`).
const OF_RESOURCE: &str = "scope-";
const OF_IMAGE: &str = "scope-image-";

/// What a personal access token of Docker Hub may do, each with all that comes after it (Docker Hub API,
/// `createAccessTokenRequest.scopes`). None is limited to repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HubScope {
    /// Read, write and delete.
    Admin,
    /// Read and write.
    Write,
    /// Read.
    Read,
    /// Read what anybody may read.
    PublicRead,
}

impl HubScope {
    const ALL: [Self; 4] = [Self::Admin, Self::Write, Self::Read, Self::PublicRead];

    /// The scope as Docker Hub writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "repo:admin",
            Self::Write => "repo:write",
            Self::Read => "repo:read",
            Self::PublicRead => "repo:public_read",
        }
    }

    fn grants(self) -> Vec<Grant> {
        let of = |name, actions| ScopePattern::of_repository(name, actions).ok();
        let every = |actions| of("*", actions).map(Grant::of);
        let grants = match self {
            Self::Admin => [every("*"), None],
            Self::Write => [every("pull,push"), None],
            Self::Read => [every("pull"), None],
            // The one namespace that is all public: docker's official images.
            Self::PublicRead => [
                of("library/*", "pull").map(Grant::of),
                of("*", "pull").map(|pattern| Grant {
                    pattern,
                    only_public: true,
                }),
            ],
        };
        grants.into_iter().flatten().collect()
    }
}

/// What a credential may do, in the grammar of scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To what and which actions.
    pub pattern: ScopePattern,
    /// Whether only where anybody may; which repositories that are, only the registry knows.
    pub only_public: bool,
}

impl Grant {
    pub(super) fn of(pattern: ScopePattern) -> Self {
        Self {
            pattern,
            only_public: false,
        }
    }
}

/// Why a text says nothing that a credential may do.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidAllowedScope {
    /// Begins like a scope of Docker Hub and is none.
    #[error("scope: Docker Hub knows repo:admin, repo:write, repo:read and repo:public_read")]
    Hub,
    /// A resource of an organization access token with a scope that says nothing of images.
    #[error(
        "scope: of a resource, scope-image-pull, scope-image-push and scope-image-delete are for a registry; leave out the others"
    )]
    Resource,
    /// Not in the grammar of scopes.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Vec<String> {
        let scope: AllowedScope = text.parse().unwrap();
        scope
            .grants()
            .iter()
            .map(|Grant { pattern, only_public }| {
                format!("{pattern}{}", if *only_public { " if public" } else { "" })
            })
            .collect()
    }

    #[test]
    fn hub_scopes_and_resources_say_what_they_allow_of_a_repository() {
        assert_eq!(grants("repo:admin"), ["repository:*:*"]);
        assert_eq!(grants("repo:write"), ["repository:*:pull,push"]);
        assert_eq!(grants("repo:read"), ["repository:*:pull"]);
        assert_eq!(
            grants("repo:public_read"),
            ["repository:library/*:pull", "repository:*:pull if public"]
        );
        assert_eq!(
            grants("acme/app:scope-image-pull,scope-image-push"),
            ["repository:acme/app:pull,push"]
        );
        assert_eq!(grants("acme/*:scope-image-delete"), ["repository:acme/*:delete"]);
        assert_eq!(
            grants("repository:acme/*:push,pull"),
            ["repository:acme/*:pull,push"]
        );
    }

    #[test]
    fn what_says_nothing_of_a_registry_is_refused() {
        let table = [
            ("repo:delete", InvalidAllowedScope::Hub),
            ("repo:", InvalidAllowedScope::Hub),
            ("acme/app:scope-webhook-read", InvalidAllowedScope::Resource),
            ("acme/app:scope-image-", InvalidAllowedScope::Resource),
            ("acme/app:scope-image-pull,pull", InvalidAllowedScope::Resource),
            ("read", InvalidAllowedScope::Scope(InvalidScope::Shape)),
            (
                "repository:a b:pull",
                InvalidAllowedScope::Scope(InvalidScope::Name),
            ),
            ("", InvalidAllowedScope::Scope(InvalidScope::Shape)),
        ];
        for (text, why) in table {
            assert_eq!(text.parse::<AllowedScope>(), Err(why), "{text}");
        }
    }

    #[test]
    fn scopes_are_shown_as_they_are_written() {
        let scopes: AllowedScopes = ["repository:acme/*:push,pull", "repo:read"]
            .map(|text| text.parse().unwrap())
            .into_iter()
            .collect();
        assert_eq!(scopes.to_string(), "repo:read repository:acme/*:pull,push");
        assert_eq!(AllowedScopes::Unknown.to_string(), "unknown");
        assert_eq!(AllowedScopes::from_iter([]).to_string(), "none");
    }
}
