//! Permissions: what a token of Docker Hub may do, in its own words.

use std::fmt;

use crate::hub::Resource;

/// What a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// A personal access token: the same in every repository of the account, as `repo:read`.
    Scopes(Vec<String>),
    /// An organization access token: something of each of these.
    Resources(Vec<Resource>),
    /// Not said: lists of organization access tokens leave it out.
    Untold,
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scopes(scopes) => f.write_str(&scopes.join(" ")),
            Self::Resources(resources) => {
                let texts: Vec<_> = resources.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(" "))
            }
            Self::Untold => Ok(()),
        }
    }
}
