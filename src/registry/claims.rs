//! Claims: what a registry token says of itself. Its signature is for the registry to check, not for us: claims are
//! shown, compared and counted by, and trusted for nothing else.

use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::registry::{Scope, ScopeSet};
use crate::secret::Secret;

/// The claims of a JWT as registries use them (distribution `docs/content/spec/auth/jwt.md`, RFC 7519 section 4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it is about; empty for nobody.
    pub subject: Option<String>,
    /// Whom it is for: the service of each registry that may take it.
    pub audience: Vec<String>,
    /// When it was issued.
    pub issued: Option<OffsetDateTime>,
    /// Before when it is not valid.
    pub not_before: Option<OffsetDateTime>,
    /// From when on it is not valid any more.
    pub expires: Option<OffsetDateTime>,
    /// What it allows; `None` where it does not say.
    pub access: Option<ScopeSet>,
}

impl Claims {
    /// Reads the claims of a token; `None` of one that is opaque. Not all tokens are JWTs (GHCR's are not), and the
    /// specification does not ask it.
    #[must_use]
    pub fn read(token: &Secret) -> Option<Self> {
        let claims: Map<String, Value> =
            jsonwebtoken::dangerous::insecure_decode_claims(token.expose()).ok()?;
        // Each by itself: one odd claim must not hide whom the token is for, or that it allows nothing.
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let time = |name: &str| claims.get(name).and_then(Value::as_f64).and_then(moment);
        Some(Self {
            issuer: text("iss"),
            subject: text("sub"),
            audience: claims
                .get("aud")
                .filter(|audience| !audience.is_null())
                .map_or_else(Vec::new, audiences),
            issued: time("iat"),
            not_before: time("nbf"),
            expires: time("exp"),
            access: claims
                .get("access")
                .filter(|access| !access.is_null())
                .map(|access| {
                    access
                        .as_array()
                        .into_iter()
                        .flatten()
                        // One that allows nothing, or that no registry would take, allows nothing.
                        .filter_map(|entry| {
                            let Access {
                                kind,
                                class,
                                name,
                                actions,
                            } = Access::deserialize(entry).ok()?;
                            Scope::of_claim(&kind, class.as_deref(), &name, &actions).ok()
                        })
                        .collect()
                }),
        })
    }

    /// Whether it is for this service. A token that names no audience is for whoever takes it.
    #[must_use]
    pub fn is_for(&self, service: &str) -> bool {
        self.audience.is_empty()
            || self
                .audience
                .iter()
                .any(|audience| !audience.is_empty() && audience == service)
    }
}

/// RFC 7519 section 4.1.3: an array of texts, or "in the special case when the JWT has one audience" a text. What is
/// neither is an audience that nobody is.
fn audiences(claim: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match claim {
        Value::Array(several) if !several.is_empty() => several.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

#[derive(Deserialize)]
struct Access {
    #[serde(rename = "type")]
    kind: String,
    class: Option<String>,
    name: String,
    actions: Vec<String>,
}

/// A `NumericDate`: seconds since 1970, of which fractions are allowed (RFC 7519 section 2).
fn moment(seconds: f64) -> Option<OffsetDateTime> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is no time is refused by the next call"
    )]
    OffsetDateTime::from_unix_timestamp(seconds as i64).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    /// A JWT of these claims that nobody signed.
    pub(in crate::registry) fn token(claims: &Value) -> Secret {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        Secret::new(format!(
            "{}.{}.c2ln",
            part(&json!({"alg": "PS999", "typ": "JWT"})),
            part(claims)
        ))
    }

    #[test]
    fn claims_are_read_whatever_the_algorithm() {
        let claims = Claims::read(&token(&json!({
            "iss": "auth.example", "sub": "alice", "aud": "registry.example", "iat": 1_700_000_000, "exp": 1_700_000_300.5,
            "access": [
                {"type": "repository", "class": "", "name": "a/b", "actions": ["push", "pull"]},
                {"type": "repository", "class": "plugin", "name": "p", "actions": ["pull"]},
                {"type": "repository", "name": "nothing", "actions": []},
                {"type": "repository", "name": "null", "actions": null}
            ]
        })))
        .unwrap();
        assert_eq!(claims.subject.as_deref(), Some("alice"));
        assert_eq!(claims.expires.unwrap().unix_timestamp(), 1_700_000_300);
        assert_eq!(
            claims.access.as_ref().unwrap().to_string(),
            "repository:a/b:pull,push repository(plugin):p:pull"
        );
        assert!(claims.is_for("registry.example") && !claims.is_for("other.example"));
    }

    #[test]
    fn an_audience_may_be_one_several_or_none() {
        let of = |claims: Value| Claims::read(&token(&claims)).unwrap();
        assert!(of(json!({"aud": ["a", "b"]})).is_for("b"));
        assert!(!of(json!({"aud": ["a", "b"]})).is_for("c"));
        assert!(of(json!({})).is_for("anything"));
        assert!(of(json!({"aud": null})).is_for("anything"));
        // Who is named is nobody, which is another thing than that nobody is named.
        for nobody in [
            json!([]),
            json!([[]]),
            json!(""),
            json!([""]),
            json!(7),
            json!({}),
        ] {
            let claims = of(json!({"aud": nobody}));
            assert!(!claims.is_for("anything") && !claims.is_for(""), "{nobody}");
        }
        assert_eq!(of(json!({})).access, None);
    }

    #[test]
    fn what_is_no_jwt_is_opaque() {
        for text in ["", "djE6c2NvcGU=", "a.b.c", "a.b", "\u{0}"] {
            assert_eq!(Claims::read(&Secret::new(text.into())), None, "{text}");
        }
        assert_eq!(Claims::read(&token(&json!(["exp"]))), None);
    }
}
