//! A scope of a token request, read apart from the program under test so that each checks the other.

use std::fmt;

use serde_json::{Value, json};

/// `type:name:action[,action]`. The name may hold a host and a port, so the type ends at the first colon and the
/// actions start after the last one.
pub(super) struct Scope {
    resource_type: String,
    pub(super) name: String,
    actions: Vec<String>,
}

impl Scope {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (resource_type, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        Some(Self {
            resource_type: resource_type.to_owned(),
            name: name.to_owned(),
            actions: actions.split(',').map(str::to_owned).collect(),
        })
    }

    /// The scope with those of its actions only; nothing where none is left, or where it is not about a repository.
    pub(super) fn keep(&self, allowed: impl Fn(&str) -> bool) -> Option<Self> {
        let actions: Vec<_> = self
            .actions
            .iter()
            .filter(|action| allowed(action))
            .cloned()
            .collect();
        (self.resource_type == "repository" && !actions.is_empty()).then(|| Self {
            resource_type: self.resource_type.clone(),
            name: self.name.clone(),
            actions,
        })
    }

    /// An entry of the `access` claim.
    pub(super) fn to_claim(&self) -> Value {
        json!({ "type": self.resource_type, "name": self.name, "actions": self.actions })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.resource_type,
            self.name,
            self.actions.join(",")
        )
    }
}
