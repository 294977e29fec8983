//! Owner: whose tokens are meant. Knows nothing of who asks.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest name that is taken; Docker Hub has them shorter.
const MAX_BYTES: usize = 64;

/// Whose tokens are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The account that is signed in, and its personal access tokens.
    Account,
    /// An organization that it owns, and its organization access tokens.
    Organization(Organization),
}

impl Owner {
    /// Where the tokens are, below the API.
    pub(super) fn path(&self) -> Vec<&str> {
        match self {
            Self::Account => vec!["v2", "access-tokens"],
            Self::Organization(organization) => vec!["v2", "orgs", organization.as_str(), "access-tokens"],
        }
    }
}

/// The name of an organization. It can stand in the path of a URL and on a terminal as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Organization(String);

impl Organization {
    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Organization {
    type Err = InvalidOrganization;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidOrganization)
        }
    }
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no organization's name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "an organization's name is lower-case letters, digits, '-' or '_', as in https://hub.docker.com/u/NAME"
)]
pub struct InvalidOrganization;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_is_a_word_that_no_path_ends_at() {
        for name in ["acme", "a", "acme-2_x", &"x".repeat(64)] {
            assert_eq!(name.parse::<Organization>().unwrap().as_str(), name);
        }
        for name in [
            "",
            "Acme",
            ".",
            "..",
            "a/b",
            "a?b",
            "a#b",
            "a%2f",
            "a b",
            "caf\u{e9}",
            "a\n",
            &"x".repeat(65),
        ] {
            assert_eq!(name.parse::<Organization>(), Err(InvalidOrganization), "{name:?}");
        }
    }
}
