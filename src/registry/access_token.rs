//! Access token: what a token server answers, and how long it is good for. Knows nothing of how it was asked.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::registry::{Claims, ScopeSet};
use crate::secret::Secret;

/// What the specification says of an answer that names no time (`docs/content/spec/auth/token.md`, `expires_in`).
const DEFAULT_LIFE: Duration = Duration::minutes(1);

/// No token is kept longer than this, whatever it says: clocks jump.
const LONGEST_LIFE: Duration = Duration::hours(24);

/// What is to be left of a token when it is handed out: buildkit keeps a credential for 4 min 50 s
/// (`authprovider.go`, `ExpireCachedAuth`), an engine for a whole pull.
const LEAST_LEFT: Duration = Duration::minutes(5);

/// A token a registry takes as a bearer (docker: registry token).
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token: visible ASCII, as a header can carry it.
    pub token: Secret,
    /// What it allows, where it says so itself or the server did.
    pub granted: Option<ScopeSet>,
    /// When it was asked for.
    pub issued: OffsetDateTime,
    /// From when on it is not to be used.
    pub expires: OffsetDateTime,
}

impl AccessToken {
    /// Whether enough of its life is left to hand it out: the lesser of five minutes and half of it.
    #[must_use]
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        is_fresh(self.issued, self.expires, now)
    }

    /// The last moment at which it can be handed out.
    #[must_use]
    pub fn fresh_until(&self) -> OffsetDateTime {
        fresh_until(self.issued, self.expires)
    }
}

/// Whether enough is left at `now` of a life between these moments.
pub(super) fn is_fresh(issued: OffsetDateTime, expires: OffsetDateTime, now: OffsetDateTime) -> bool {
    // One from the future was written before the clock was put back; nobody knows what is left of it.
    issued <= now && now <= fresh_until(issued, expires) && now < expires
}

fn fresh_until(issued: OffsetDateTime, expires: OffsetDateTime) -> OffsetDateTime {
    let life = expires - issued;
    expires - LEAST_LEFT.min(life / 2)
}

/// What a token server answered.
#[derive(Debug)]
pub struct TokenResponse {
    token: Secret,
    expires_in: Option<Duration>,
    issued_at: Option<OffsetDateTime>,
    granted: Option<ScopeSet>,
    /// A refresh token, in place of the one that was used if one was. For the token server only.
    pub refresh_token: Option<Secret>,
}

impl TokenResponse {
    /// Reads the body of an answer, leniently where servers differ: `token`, `access_token` or both, times as
    /// numbers or text, odd times counted as absent.
    pub fn read(body: &[u8]) -> Result<Self, InvalidTokenResponse> {
        let Raw {
            token,
            access_token,
            expires_in,
            issued_at,
            refresh_token,
            scope,
        } = serde_json::from_slice(body).map_err(|_| InvalidTokenResponse::Json)?;
        let token = match (secret(token), secret(access_token)) {
            (None, None) => return Err(InvalidTokenResponse::NoToken),
            (Some(token), Some(access_token)) if !token.is_same_as(&access_token) => {
                return Err(InvalidTokenResponse::TwoTokens);
            }
            (Some(token), _) | (None, Some(token)) => token,
        };
        let refresh_token = secret(refresh_token);
        // What goes into a header or a form: a token with a line break would write further headers.
        let is_visible = |secret: &Secret| secret.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !is_visible(&token) || !refresh_token.as_ref().is_none_or(is_visible) {
            return Err(InvalidTokenResponse::NotVisible);
        }
        Ok(Self {
            token,
            expires_in: expires_in.as_ref().and_then(seconds),
            issued_at: issued_at
                .as_ref()
                .and_then(Value::as_str)
                .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok()),
            granted: scope
                .as_ref()
                .and_then(Value::as_str)
                // Empty text counts as absent, here as elsewhere.
                .filter(|scope| !scope.trim().is_empty())
                .and_then(|scope| scope.parse().ok()),
            refresh_token,
        })
    }

    /// The access token, checked against what it was asked for.
    ///
    /// Its life is the least of what speaks of it: `expires_in`, the claims' `exp` less `iat`, and, where the
    /// server's clock is known from its `Date`, what by that clock is left; one minute where nothing speaks. It
    /// counts from the start of the request on our own clock, and is never raised.
    pub fn access_token(
        self,
        service: Option<&str>,
        asked_at: OffsetDateTime,
        server_time: Option<OffsetDateTime>,
    ) -> Result<AccessToken, InvalidTokenResponse> {
        let claims = Claims::read(&self.token).unwrap_or_default();
        if let Some(service) = service
            && !claims.is_for(service)
        {
            return Err(InvalidTokenResponse::OtherAudience);
        }
        let by_server = |end: OffsetDateTime| server_time.map(|server_time| end - server_time);
        let lives = [
            self.expires_in,
            claims
                .expires
                .zip(claims.issued)
                .map(|(expires, issued)| expires - issued),
            claims.expires.and_then(by_server),
            self.issued_at
                .zip(self.expires_in)
                // A server may name the last moment that there is.
                .and_then(|(issued, life)| issued.checked_add(life))
                .and_then(by_server)
                // Servers in Go write the year 1 where they mean nothing.
                .filter(|left| left.is_positive()),
        ];
        let life = lives
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(DEFAULT_LIFE)
            .min(LONGEST_LIFE);
        if !life.is_positive() {
            return Err(InvalidTokenResponse::Expired);
        }
        Ok(AccessToken {
            granted: claims.access.or(self.granted),
            issued: asked_at,
            expires: asked_at + life,
            token: self.token,
        })
    }
}

/// Why an answer holds no token we could use. Texts never repeat it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidTokenResponse {
    /// Its life was over before it was here.
    #[error("answered a token that has expired")]
    Expired,
    /// HTML of a proxy or an error page, most often.
    #[error("answered something that is not JSON")]
    Json,
    /// Neither `token` nor `access_token`.
    #[error("answered without a token")]
    NoToken,
    /// The token, or the refresh token, cannot stand in a header.
    #[error("answered a token with characters that no token has")]
    NotVisible,
    /// The token is for another service than the one it was asked for.
    #[error("answered a token for another audience than was asked for")]
    OtherAudience,
    /// `token` and `access_token` differ, and the specification wants them equal.
    #[error("answered two different tokens")]
    TwoTokens,
}

#[derive(Deserialize)]
struct Raw {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<Value>,
    issued_at: Option<Value>,
    refresh_token: Option<String>,
    scope: Option<Value>,
}

/// Empty text counts as absent: servers in Go write a field they do not use.
fn secret(text: Option<String>) -> Option<Secret> {
    let text = Zeroizing::new(text?);
    (!text.is_empty()).then(|| Secret::new(text.as_str().to_owned()))
}

/// Seconds as a number or as text; nothing where it is none, or not in the future.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (seconds.is_finite() && seconds >= 1.0)
        .then(|| Duration::seconds_f64(seconds.min(LONGEST_LIFE.as_seconds_f64())))
}

#[cfg(test)]
mod tests;
