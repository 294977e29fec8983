//! A token of Docker Hub: what is known of it, and what it may do at the registry.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::token_server::User;

/// What may be done with everything: `*` is how older registries ask for a deletion.
pub(super) const ALL: &[&str] = &["pull", "push", "delete", "*"];

/// A personal token or an organization token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: String,
    /// The account or the organization.
    pub(crate) owner: String,
    /// The account that made it.
    pub(crate) creator: String,
    pub(crate) label: String,
    /// Of an organization token.
    pub(crate) description: String,
    pub(crate) reach: Reach,
    /// `generated_by` of a personal token. An organization's tokens are all `manual`.
    pub(crate) source: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) last_used: Option<OffsetDateTime>,
    pub(crate) expires: Option<OffsetDateTime>,
    pub(crate) is_active: bool,
    pub(crate) secret: String,
}

/// How far a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A personal token: as far as its account, limited by these scopes.
    Personal(Vec<String>),
    /// An organization token: these resources.
    Organization(Vec<Resource>),
}

/// A resource of an organization token, as it is written in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// `TYPE_REPO` or `TYPE_ORG`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) scopes: Vec<String>,
}

impl Token {
    pub(super) fn is_personal(&self) -> bool {
        matches!(self.reach, Reach::Personal(_))
    }

    pub(super) fn is_manual(&self) -> bool {
        self.source == "manual"
    }

    /// Whether it opens anything at that time.
    pub(super) fn is_good(&self, now: OffsetDateTime) -> bool {
        self.is_active && self.expires.is_none_or(|expires| now < expires)
    }

    /// The least recently used comes first; one that was never used counts from its creation.
    pub(super) fn recency(&self) -> (OffsetDateTime, OffsetDateTime, &str) {
        let used = self.last_used.unwrap_or(self.created).max(self.created);
        (used, self.created, &self.id)
    }

    /// What the authorization server lets its bearer do. `namespaces` are those its owner may do everything in.
    pub(super) fn user(&self, namespaces: &[String]) -> User {
        let user = User::new(&self.owner, &self.secret);
        match &self.reach {
            Reach::Personal(scopes) => {
                let actions = personal_actions(scopes);
                namespaces
                    .iter()
                    .fold(user, |user, name| user.may(actions, &format!("{name}/*")))
            }
            Reach::Organization(resources) => resources
                .iter()
                .filter(|resource| resource.kind == "TYPE_REPO")
                .fold(user, |user, resource| {
                    let actions: Vec<_> = resource
                        .scopes
                        .iter()
                        .flat_map(|scope| repository_actions(scope))
                        .copied()
                        .collect();
                    user.may(&actions, &resource.path)
                }),
        }
    }
}

/// Each scope includes those below it. The lowest is for what anybody may pull, and adds nothing here.
fn personal_actions(scopes: &[String]) -> &'static [&'static str] {
    let has = |scope: &str| scopes.iter().any(|held| held == scope);
    if has("repo:admin") {
        ALL
    } else if has("repo:write") {
        &["pull", "push"]
    } else if has("repo:read") {
        &["pull"]
    } else {
        &[]
    }
}

/// Each scope of an organization token is for itself alone; those that are not about images open no registry.
fn repository_actions(scope: &str) -> &'static [&'static str] {
    match scope {
        "scope-image-pull" | "repo-pull" => &["pull"],
        "scope-image-push" | "repo-push" => &["push"],
        "scope-image-delete" => &["delete", "*"],
        _ => &[],
    }
}
