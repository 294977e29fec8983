//! Users of a token server, and what each may do.

use serde::Deserialize;

/// A name and one password of its, with what that password is good for.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct User {
    pub(super) name: String,
    pub(super) password: String,
    grants: Vec<Grant>,
}

impl User {
    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            grants: Vec::new(),
        }
    }

    pub(crate) fn may(mut self, actions: &[&str], repositories: &str) -> Self {
        self.grants.push(Grant {
            repositories: repositories.to_owned(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        });
        self
    }

    pub(super) fn is_allowed(&self, action: &str, repository: &str) -> bool {
        self.grants.iter().any(|grant| {
            covers(&grant.repositories, repository) && grant.actions.iter().any(|granted| granted == action)
        })
    }
}

/// What may be done to which repositories.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Grant {
    repositories: String,
    actions: Vec<String>,
}

/// A pattern is a repository, `namespace/*` or `*`.
pub(super) fn covers(pattern: &str, repository: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => repository.starts_with(prefix),
        None => repository == pattern,
    }
}
