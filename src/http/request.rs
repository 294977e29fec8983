//! Request: what is asked, and how a credential is written into it. Knows nothing of who answers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderValue;
use url::{Url, form_urlencoded};
use zeroize::{Zeroize, Zeroizing};

use super::HttpError;
use crate::secret::Secret;

/// What is asked, of whom and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is done.
    pub method: Method<'a>,
    /// Where.
    pub url: &'a Url,
    /// Who asks.
    pub authorization: Authorization<'a>,
    /// Whether the URL may be one of plain http. Whoever sets it has judged that; the rest is for https only.
    pub allows_plain_http: bool,
}

/// What is done.
#[derive(Clone, Copy)]
pub enum Method<'a> {
    /// What is there is to go.
    Delete,
    /// Nothing is sent but the URL.
    Get,
    /// JSON is sent that changes what is there. It may hold a secret.
    PatchJson(&'a [u8]),
    /// Fields are sent, as a form on a web page does (RFC 6749 appendix B).
    PostForm(&'a [(&'a str, Field<'a>)]),
    /// JSON is sent. It may hold a secret.
    PostJson(&'a [u8]),
}

impl fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delete => "Delete",
            Self::Get => "Get",
            Self::PatchJson(_) => "PatchJson(redacted)",
            Self::PostForm(_) => "PostForm(redacted)",
            Self::PostJson(_) => "PostJson(redacted)",
        })
    }
}

/// The value of a field in a form.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// Anybody may see it.
    Text(&'a str),
    /// Only the server may see it.
    Secret(&'a Secret),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Authorization<'a> {
    /// Anybody.
    None,
    /// A user with a password (RFC 7617).
    Basic {
        /// The user.
        user: &'a str,
        /// The password, or a token in its place.
        password: &'a Secret,
    },
    /// Who has this token (RFC 6750).
    Bearer(&'a Secret),
}

impl Authorization<'_> {
    /// The header, wiped when the last of its users drops it. What could be read as something else is not sent: a
    /// token may come from a server that would like to write our next header (CVE-2024-52006 was of that kind).
    pub(super) fn header(self, server: &str) -> Result<Option<HeaderValue>, HttpError> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Basic { user, password } => {
                // RFC 7617 section 2: no colon in the user, no control characters in either.
                let text = Zeroizing::new(format!("{user}:{}", password.expose()));
                (!user.contains(':') && !text.contains(char::is_control))
                    .then(|| Zeroizing::new(STANDARD.encode(text.as_bytes())))
                    .map(|encoded| Zeroizing::new(format!("Basic {}", *encoded)))
            }
            Self::Bearer(token) => token
                .expose()
                .bytes()
                .all(|byte| byte.is_ascii_graphic())
                .then(|| Zeroizing::new(format!("Bearer {}", token.expose()))),
        };
        let mut value = text
            .and_then(|text| HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text))).ok())
            .ok_or_else(|| HttpError::Credential {
                server: server.to_owned(),
            })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// What is sent, wiped when the last reference to it is dropped.
struct Wiped<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize + AsRef<[u8]>> AsRef<[u8]> for Wiped<T> {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// JSON as it is sent, with its content type.
pub(super) fn json(text: &[u8]) -> (&'static str, Bytes) {
    let body = Wiped(Zeroizing::new(text.to_vec()));
    ("application/json", Bytes::from_owner(body))
}

/// The fields as they are sent, with their content type, in a buffer that need not grow: a byte becomes at most three.
pub(super) fn form(fields: &[(&str, Field<'_>)]) -> (&'static str, Bytes) {
    let expose = |field: &Field<'_>| match *field {
        Field::Text(text) => text.to_owned(),
        Field::Secret(secret) => secret.expose().to_owned(),
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, field)| (*name, Zeroizing::new(expose(field))))
        .collect();
    let length = fields
        .iter()
        .map(|(name, value)| 3 * (name.len() + value.len()) + 2)
        .sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for (name, value) in &fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        text.push('=');
        text.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }
    (
        "application/x-www-form-urlencoded",
        Bytes::from_owner(Wiped(text)),
    )
}
