//! The docker-credential-* protocol: verbs, messages and fixed texts. Knows nothing of what is kept, or where.
//!
//! Source: docker/docker-credential-helpers `credentials/credentials.go` and `error.go`; where clients differ
//! from it, the client is named.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use thiserror::Error;

use crate::registry::{InvalidServerUrl, ServerUrl};
use crate::secret::Secret;

/// What `get` says of a server we hold nothing for. Clients compare it byte for byte, one of them caches it
/// (testcontainers-java), so it is the same for every server.
pub const CREDENTIALS_NOT_FOUND: &str = "credentials not found in native keychain";

/// The most that is read of a `store` message. The largest secrets in use are tokens of some 8 KiB.
pub const MAX_STORE_BYTES: usize = 256 * 1024;

/// The first argument of a caller that speaks this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Print the credential for the server URL on stdin.
    Get,
    /// Keep the credential in the message on stdin.
    Store,
    /// Forget the credential for the server URL on stdin.
    Erase,
    /// Print server URL and account of all that is kept.
    List,
    /// Print name and version.
    Version,
}

impl Verb {
    /// The verb an argument names. The flags are the reference's own: `--version` and `-v`.
    #[must_use]
    pub fn parse(argument: &str) -> Option<Self> {
        match argument {
            "get" => Some(Self::Get),
            "store" => Some(Self::Store),
            "erase" => Some(Self::Erase),
            "list" => Some(Self::List),
            "version" | "--version" | "-v" => Some(Self::Version),
            _ => None,
        }
    }
}

/// What the reference prints for any number of arguments but one.
#[must_use]
pub fn usage(program: &str) -> String {
    format!("Usage: {program} <store|get|erase|list|version>")
}

/// What the reference prints for a verb it does not know.
#[must_use]
pub fn unknown_action(program: &str, argument: &str) -> String {
    format!("{program}: unknown action: {argument}")
}

/// The answer to `version`: name, package, version.
#[must_use]
pub fn version(program: &str) -> String {
    format!(
        "{program} ({}) v{}",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION")
    )
}

/// The answer to `get`: one JSON object on one line with its end, all three values strings, the server URL as it
/// was asked.
///
/// docker-py, oras and testcontainers-node parse the whole of stdout, so nothing may stand around it.
pub fn answer(asked: &ServerUrl, account: &str, secret: &Secret) -> Result<Secret, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(rename = "ServerURL")]
        server_url: &'a str,
        username: &'a str,
        secret: &'a str,
    }
    // Room enough that it need not grow, unless the secret is full of escapes: growing leaves a copy behind that
    // nobody wipes.
    let room = 64 + asked.as_str().len() + account.len() + secret.expose().len();
    let mut line = Vec::with_capacity(room);
    let answer = Answer {
        server_url: asked.as_str(),
        username: account,
        secret: secret.expose(),
    };
    serde_json::to_writer(&mut line, &answer)?;
    line.push(b'\n');
    String::from_utf8(line)
        .map(Secret::new)
        .map_err(serde::ser::Error::custom)
}

/// The answer to `list`: an object of accounts by server URL, `{}` when there is none.
///
/// In the order given, since docker-py lets the last entry of a host win.
pub fn listing<'a>(
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<String, serde_json::Error> {
    let mut serializer = serde_json::Serializer::new(Vec::new());
    serde::Serializer::collect_map(&mut serializer, entries)?;
    String::from_utf8(serializer.into_inner()).map_err(serde::ser::Error::custom)
}

/// What `store` is told.
#[derive(Debug)]
pub struct StoreMessage {
    /// The server the credential is for.
    pub server_url: ServerUrl,
    /// The account, `<token>` for an identity token.
    pub account: String,
    /// The secret; empty ones are allowed.
    pub secret: Secret,
}

impl StoreMessage {
    /// Reads the first JSON value of what a caller sent, as Go's decoder does: keys in any case, unknown keys
    /// and whatever follows the value ignored, `null` the same as absent, the last of two equal keys taken.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidStoreMessage> {
        if bytes.len() > MAX_STORE_BYTES {
            return Err(InvalidStoreMessage::TooLong);
        }
        if bytes.trim_ascii().is_empty() {
            return Err(InvalidServerUrl::Absent.into());
        }
        let Fields {
            server_url,
            username,
            secret,
        } = Fields::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).map_err(|error| {
            InvalidStoreMessage::Json {
                line: error.line(),
                column: error.column(),
                wanted: error.classify() == serde_json::error::Category::Data,
            }
        })?;
        let server_url = ServerUrl::read(server_url.as_bytes())?;
        if username.is_empty() {
            return Err(InvalidStoreMessage::NoUsername);
        }
        if username.chars().any(char::is_control) {
            return Err(InvalidStoreMessage::UsernameControlCharacter);
        }
        Ok(Self {
            server_url,
            account: username,
            secret,
        })
    }
}

/// Reads what another helper answered to `get`: account and secret; `None` where both are empty, which is how
/// docker-credential-env says that there is nothing.
pub fn read_answer(bytes: &[u8]) -> Result<Option<(String, Secret)>, UnknownAnswer> {
    let Fields {
        server_url: _,
        username,
        secret,
    } = Fields::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).map_err(|_| UnknownAnswer)?;
    Ok((!username.is_empty() || !secret.expose().is_empty()).then_some((username, secret)))
}

/// Reads what another helper answered to `list`: accounts by server URL. Go writes `null` for an empty map.
pub fn read_listing(bytes: &[u8]) -> Result<BTreeMap<String, String>, UnknownAnswer> {
    Option::<BTreeMap<String, String>>::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
        .map(Option::unwrap_or_default)
        .map_err(|_| UnknownAnswer)
}

/// Another helper's answer is not one of this protocol. The text never repeats it: it may hold a secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("gave an answer that is not one of the helper protocol")]
pub struct UnknownAnswer;

/// Why a `store` message was refused. Texts never repeat the input: it holds a secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidStoreMessage {
    /// Not JSON, or JSON of another shape.
    #[error(
        "store message: line {line} column {column}: {}",
        if *wanted { "ServerURL, Username and Secret of one object must be strings" } else { "is not JSON" }
    )]
    Json {
        /// Line of the place, from 1.
        line: usize,
        /// Column of the place, from 1.
        column: usize,
        /// Whether it was JSON, only not what is wanted.
        wanted: bool,
    },
    /// No account; docker compares this text.
    #[error("no credentials username")]
    NoUsername,
    /// The server URL is absent or not one.
    #[error(transparent)]
    ServerUrl(#[from] InvalidServerUrl),
    /// More than [`MAX_STORE_BYTES`].
    #[error("store message: is longer than 256 KiB")]
    TooLong,
    /// A line break, NUL or other control character in the account.
    #[error("Username: has a line break or control character inside")]
    UsernameControlCharacter,
}

/// The three fields as they came, before any of them is judged.
struct Fields {
    server_url: String,
    username: String,
    secret: Secret,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let (mut server_url, mut username, mut secret) = (None, None, None);
                while let Some(key) = map.next_key::<String>()? {
                    let field = match key.to_ascii_lowercase().as_str() {
                        "serverurl" => &mut server_url,
                        "username" => &mut username,
                        "secret" => {
                            secret = map.next_value::<Option<String>>()?.map(Secret::new).or(secret);
                            continue;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    // Go leaves a field as it was when it meets null.
                    if let Some(text) = map.next_value::<Option<String>>()? {
                        *field = Some(text);
                    }
                }
                Ok(Fields {
                    server_url: server_url.unwrap_or_default(),
                    username: username.unwrap_or_default(),
                    secret: secret.unwrap_or_else(|| Secret::new(String::new())),
                })
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Fields, E> {
                Err(E::custom("null is no message"))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests;
