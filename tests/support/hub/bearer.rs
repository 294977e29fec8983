//! The bearer tokens of Docker Hub's API: what each was made from, and how it reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::super::fixture::answer::jwt;

/// What a bearer was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Password,
    BrowserLogin,
    PersonalToken(String),
    OrganizationToken(String),
}

/// A bearer that was given out.
#[derive(Clone)]
pub(super) struct Bearer {
    /// The account, or the organization of an organization token.
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) expires: OffsetDateTime,
}

impl Bearer {
    pub(super) fn new(name: &str, origin: Origin, now: OffsetDateTime) -> Self {
        // Ten minutes are documented for the API's own. The browser login says its own in `expires_in`.
        let life = match origin {
            Origin::BrowserLogin => Duration::hours(1),
            _ => Duration::minutes(10),
        };
        Self {
            name: name.to_owned(),
            origin,
            expires: now + life,
        }
    }

    /// A JWT. Nobody but Docker Hub verifies it, so it is known again by its whole text and not signed.
    pub(super) fn encode(&self, api: &str, now: OffsetDateTime) -> String {
        let person = format!("uuid-of-{}", self.name);
        let (issuer, source) = match &self.origin {
            Origin::Password => ("https://api.docker.com/", format!("docker|{person}")),
            Origin::BrowserLogin => ("https://login.docker.com/", format!("docker|{person}")),
            Origin::PersonalToken(id) => ("https://api.docker.com/", format!("docker_pat|{id}")),
            Origin::OrganizationToken(id) => ("https://api.docker.com/", format!("docker_oat|{id}")),
        };
        jwt(&json!({
            "iss": issuer,
            "sub": person,
            "aud": [api, "https://api.docker.com"],
            "iat": now.unix_timestamp(),
            "exp": self.expires.unix_timestamp(),
            "https://hub.docker.com": {
                "uuid": person,
                "email": format!("{}@example.com", self.name),
                "username": self.name,
                "source": source,
                "session_id": random(),
            },
        }))
    }
}

/// 160 random bits in the characters of Docker Hub's own secrets.
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<20>())
}

/// A random UUID (RFC 9562, version 4).
pub(super) fn uuid() -> String {
    let mut bits = u128::from_be_bytes(random_bytes());
    bits &= !(0xf << 76 | 0b11 << 62);
    bits |= 0x4 << 76 | 0b10 << 62;
    let part = |shift: u32, digits: u32| bits >> shift & ((1 << (4 * digits)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    )
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}
