//! Refresh token (docker: identity token): what a token server gives in a password's place, and how long it may be
//! kept. For the token server only. Knows nothing of how it was asked for.

use time::{Duration, OffsetDateTime};

use crate::registry::{Claims, access_token};
use crate::secret::Secret;

/// No refresh token is kept longer than this. Most do not say how long they live, and docker does not tell its helper
/// that one was refused, so after a day at most a dead one is done with. Not less: each exchange leaves one more on
/// the server, and some servers let a new one take the place of the one an engine is using.
const LONGEST_REST: Duration = Duration::hours(24);

/// A refresh token, good for one subject and one audience.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// The token: visible ASCII.
    pub token: Secret,
    /// When it was asked for.
    pub issued: OffsetDateTime,
    /// From when on it is not to be handed out.
    pub expires: OffsetDateTime,
}

impl RefreshToken {
    /// One that a server has answered; `None` where it says itself that its life is over.
    ///
    /// That life is the claims' `exp` less `iat`, else what our own clock makes of `exp`. An opaque one says nothing.
    #[must_use]
    pub fn new(token: Secret, asked_at: OffsetDateTime) -> Option<Self> {
        let claims = Claims::read(&token).unwrap_or_default();
        let life = claims
            .expires
            .map(|expires| expires - claims.issued.unwrap_or(asked_at))
            .map_or(LONGEST_REST, |life| life.min(LONGEST_REST));
        life.is_positive().then(|| Self {
            token,
            issued: asked_at,
            expires: asked_at + life,
        })
    }

    /// Whether enough of its life is left to hand it out.
    #[must_use]
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        access_token::is_fresh(self.issued, self.expires, now)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::registry::claims::tests::token as unsigned;

    const NOW: i64 = 1_800_000_000;

    fn jwt(claims: &Value) -> String {
        unsigned(claims).expose().to_owned()
    }

    #[test]
    fn it_is_kept_as_long_as_it_says_and_a_day_at_most() {
        let day = 24 * 60 * 60;
        let table = [
            ("opaque".to_owned(), Some(day)),
            (jwt(&json!({})), Some(day)),
            (jwt(&json!({ "exp": NOW + 600 })), Some(600)),
            // Whose clock is an hour ahead of ours.
            (
                jwt(&json!({ "iat": NOW + 3600, "exp": NOW + 3600 + 600 })),
                Some(600),
            ),
            (jwt(&json!({ "iat": NOW, "exp": NOW + 365 * day })), Some(day)),
            (jwt(&json!({ "exp": NOW })), None),
            (jwt(&json!({ "iat": NOW, "exp": NOW - 1 })), None),
        ];
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        for (text, seconds) in table {
            let token = RefreshToken::new(Secret::new(text.clone()), now);
            let life = token.map(|token| (token.expires - token.issued).whole_seconds());
            assert_eq!(life, seconds, "{text}");
        }
    }

    #[test]
    fn it_is_handed_out_while_five_minutes_of_it_are_left() {
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        let token = RefreshToken::new(Secret::new("opaque".to_owned()), now).unwrap();
        let at = |seconds| token.is_fresh(now + Duration::seconds(seconds));
        let day = 24 * 60 * 60;
        assert!(at(0) && at(day - 300) && !at(day - 299) && !at(-1));
    }
}
