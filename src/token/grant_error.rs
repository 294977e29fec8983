//! Grant error: why a token server did not take a grant, by the codes of RFC 6749 section 5.2. What is said of them
//! is written here: a server's own words are never repeated.

use serde::Deserialize;
use thiserror::Error;

/// Why a grant was not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantError {
    /// Not for this program.
    #[error("does not let this program ask (invalid_client); log in again with a password or token")]
    InvalidClient,
    /// The credential itself: used up, revoked, of somebody else or wrong.
    #[error("refused the credential (invalid_grant); log in again")]
    InvalidGrant,
    /// It speaks another dialect, or is something else.
    #[error(
        "does not understand the request (invalid_request); check that it is the registry's token server"
    )]
    InvalidRequest,
    /// More than the credential is good for, or no scope at all there.
    #[error("does not give that scope to this credential (invalid_scope); ask for less")]
    InvalidScope,
    /// Nothing that is registered.
    #[error("answered 400 and does not say why; if that stays so, log in again")]
    #[serde(skip)]
    Unnamed,
    /// Not for this program, in this way.
    #[error("does not let this program ask so (unauthorized_client); log in again with a password or token")]
    UnauthorizedClient,
    /// Another kind of credential is wanted.
    #[error("takes no such credential (unsupported_grant_type); log in again with one of another kind")]
    UnsupportedGrantType,
}

impl GrantError {
    /// The code in the body of an answer.
    pub(super) fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: GrantError,
        }
        serde_json::from_slice(body).map_or(Self::Unnamed, |Body { error }| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_registered_code_is_one() {
        for (body, error) in [
            (r#"{"error":"invalid_grant"}"#, GrantError::InvalidGrant),
            (
                r#"{"error_description":"x","error":"invalid_scope","error_uri":"y"}"#,
                GrantError::InvalidScope,
            ),
            (
                r#"{"error":"unauthorized_client"}"#,
                GrantError::UnauthorizedClient,
            ),
            (r#"{"error":"unnamed"}"#, GrantError::Unnamed),
            (r#"{"error":"INVALID_GRANT"}"#, GrantError::Unnamed),
            (r#"{"error":"invalid_grant "}"#, GrantError::Unnamed),
            (r#"{"error":{"code":"invalid_grant"}}"#, GrantError::Unnamed),
            (r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#, GrantError::Unnamed),
            (
                r#"{"error":"invalid_grant","error":"invalid_scope"}"#,
                GrantError::Unnamed,
            ),
            ("<html>", GrantError::Unnamed),
            ("", GrantError::Unnamed),
        ] {
            assert_eq!(GrantError::read(body.as_bytes()), error, "{body}");
        }
    }
}
