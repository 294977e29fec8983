//! Bearer: the short-lived token that Docker Hub's API is asked with, and what it says of where it came from. Its
//! signature is Docker Hub's to check; what is read here saves a request that would be refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::credential::TokenId;
use crate::registry::{AccessToken, Claims, InvalidTokenResponse, TokenResponse};
use crate::secret::Secret;

/// How long a bearer lives, by the documentation (`AuthCreateTokenResponse`), where it does not say so itself.
const LIFE: Duration = Duration::minutes(10);

/// The claim under which Docker Hub says who it is (docker/cli `internal/oauth/jwt.go`, `DomainClaims`).
const CLAIM: &str = "https://hub.docker.com";

/// What a sign-in is asked for with, in a buffer that need not grow: a byte becomes at most six.
pub(super) fn request(identifier: &str, secret: &Secret) -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'a> {
        identifier: &'a str,
        secret: &'a str,
    }
    let length = 6 * (identifier.len() + secret.expose().len()) + 64;
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    // Texts can always be written, and to memory.
    let _ = serde_json::to_writer(
        &mut *body,
        &Body {
            identifier,
            secret: secret.expose(),
        },
    );
    body
}

/// Reads the answer to a sign-in.
pub(super) fn read(
    body: &[u8],
    asked_at: OffsetDateTime,
    server_time: Option<OffsetDateTime>,
) -> Result<AccessToken, InvalidTokenResponse> {
    let mut bearer = TokenResponse::read(body)?.access_token(None, asked_at, server_time)?;
    let says_when = Claims::read(&bearer.token).is_some_and(|claims| claims.expires.is_some());
    if !says_when {
        bearer.expires = asked_at.saturating_add(LIFE);
    }
    Ok(bearer)
}

/// What a bearer says of who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubClaims {
    /// The account.
    pub username: Option<String>,
    /// What it was made from, as `docker_pat|ID`.
    pub source: Option<String>,
}

impl HubClaims {
    /// Reads the claims; nothing is in those of a token that is opaque, or another's.
    #[must_use]
    pub fn read(bearer: &Secret) -> Self {
        #[derive(Deserialize)]
        struct Raw {
            username: Option<Value>,
            source: Option<Value>,
        }
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let claims: Option<Map<String, Value>> =
            jsonwebtoken::dangerous::insecure_decode_claims(bearer.expose()).ok();
        claims
            .and_then(|mut claims| Raw::deserialize(claims.remove(CLAIM)?).ok())
            .map_or_else(Self::default, |Raw { username, source }| Self {
                username: text(username),
                source: text(source),
            })
    }

    /// The personal access token that it was made from, if it was made from one and says which.
    #[must_use]
    pub fn personal_token(&self) -> Option<TokenId> {
        let (kind, id) = self.source.as_deref()?.split_once('|')?;
        id.parse().ok().filter(|_| kind == "docker_pat")
    }

    /// Whether Docker Hub would let it manage tokens, as far as it says: one that was made from a token is refused
    /// (docker/hub-feedback#2478), and need not be tried.
    pub fn may_manage(&self) -> Result<(), NotForManagement> {
        let kind = self.source.as_deref().unwrap_or_default();
        match kind.split('|').next() {
            Some("docker_pat") => Err(NotForManagement::PersonalToken),
            Some("docker_oat") => Err(NotForManagement::OrganizationToken),
            _ => Ok(()),
        }
    }
}

/// What a sign-in was made from that may not manage tokens.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotForManagement {
    /// An organization access token.
    #[error(
        "Docker Hub lets no organization access token manage tokens; sign in with docker login in a browser, or with a \
         password"
    )]
    OrganizationToken,
    /// A personal access token.
    #[error(
        "Docker Hub lets no personal access token manage tokens; sign in with docker login in a browser, or with a \
         password"
    )]
    PersonalToken,
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn jwt(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims))
    }

    fn claims(claims: &Value) -> HubClaims {
        HubClaims::read(&Secret::new(jwt(claims)))
    }

    #[test]
    fn a_sign_in_is_written_whole_into_a_buffer_that_does_not_grow() {
        let secret = Secret::new("\u{1}".repeat(1000));
        let body = request("an\"na", &secret);
        assert!(body.capacity() == 6 * 1005 + 64 && body.len() > 6000);
        let read: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read, json!({"identifier": "an\"na", "secret": secret.expose()}));
    }

    #[test]
    fn a_bearer_says_whose_it_is_and_what_it_was_made_from() {
        let of = |source: &str| claims(&json!({CLAIM: {"username": "anna", "source": source, "uuid": 7}}));
        assert_eq!(of("docker_pwd|1").username.as_deref(), Some("anna"));
        assert_eq!(of("docker_pwd|1").may_manage(), Ok(()));
        assert_eq!(of("").may_manage(), Ok(()));
        assert_eq!(
            of("docker_pat|b30bbf97").may_manage(),
            Err(NotForManagement::PersonalToken)
        );
        assert_eq!(
            of("docker_pat").may_manage(),
            Err(NotForManagement::PersonalToken)
        );
        assert_eq!(
            of("docker_oat|1").may_manage(),
            Err(NotForManagement::OrganizationToken)
        );
    }

    #[test]
    fn a_bearer_may_say_which_token_it_was_made_from() {
        let of = |source: &str| claims(&json!({CLAIM: {"source": source}})).personal_token();
        assert_eq!(of("docker_pat|b30bbf97-506c"), "b30bbf97-506c".parse().ok());
        for source in [
            "",
            "docker_pat",
            "docker_pat|",
            "docker_pat|../users",
            "docker_pat|a|b",
            "docker_oat|b30bbf97",
            "docker|b30bbf97",
        ] {
            assert_eq!(of(source), None, "{source}");
        }
    }

    #[test]
    fn what_says_nothing_may_be_tried() {
        for bearer in [
            jwt(&json!({})),
            jwt(&json!({CLAIM: "anna"})),
            jwt(&json!({CLAIM: null})),
            jwt(&json!({CLAIM: {"username": 1, "source": null}})),
            "opaque".to_owned(),
            String::new(),
        ] {
            let claims = HubClaims::read(&Secret::new(bearer));
            assert_eq!(claims, HubClaims::default());
            assert_eq!(claims.may_manage(), Ok(()));
        }
        // An odd source does not hide the name.
        let odd = claims(&json!({CLAIM: {"username": "anna", "source": ["docker_pat|1"]}}));
        assert_eq!(odd.username.as_deref(), Some("anna"));
    }

    #[test]
    fn a_bearer_lives_by_its_claims_or_ten_minutes() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let life = |token: &str| {
            let body = json!({"access_token": token}).to_string();
            read(body.as_bytes(), now, Some(now)).map(|bearer| (bearer.expires - now).whole_seconds())
        };
        assert_eq!(life("opaque"), Ok(600));
        assert_eq!(life(&jwt(&json!({"sub": "anna"}))), Ok(600));
        let (iat, exp) = (1_800_000_000, 1_800_000_300);
        assert_eq!(life(&jwt(&json!({"iat": iat, "exp": exp}))), Ok(300));
        assert_eq!(
            life(&jwt(&json!({"iat": iat - 400, "exp": iat - 100}))),
            Err(InvalidTokenResponse::Expired)
        );
        assert_eq!(life(""), Err(InvalidTokenResponse::NoToken));
    }
}
