//! Token id: the name by which Docker Hub knows a token. Not the token, and no secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A UUID has 36.
const MAX_ID_BYTES: usize = 64;

/// A personal access token's UUID, or an organization access token's id.
///
/// Of letters, digits, `-` and `_` only: it stands in the path of a URL, and is shown on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

impl TokenId {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TokenId {
    type Error = InvalidTokenId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidTokenId)
        }
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<TokenId> for String {
    fn from(TokenId(text): TokenId) -> Self {
        text
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not one that Docker Hub names a token by.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a token's id is 1 to 64 letters, digits, '-' or '_'")]
pub struct InvalidTokenId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_may_stand_in_a_path_and_on_a_terminal() {
        for text in [
            "b30bbf97-506c-4ecd-aabc-842f3cb484fb",
            "a7a5ef25-8889-43a0-8cc7-f2a94268e861",
            "01JABC_x",
            "0",
            &"x".repeat(64),
        ] {
            let id: TokenId = text.parse().unwrap();
            assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<TokenId>(&json).unwrap(), id);
        }
        for text in [
            "",
            ".",
            "..",
            "a/b",
            "a?b",
            "a#b",
            "a%2fb",
            "a b",
            "a\n",
            "a\u{1b}[31m",
            "caf\u{e9}",
            &"x".repeat(65),
        ] {
            assert_eq!(text.parse::<TokenId>(), Err(InvalidTokenId), "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<TokenId>(&json).is_err(), "{text:?}");
        }
    }
}
