//! Token of Docker Hub: what it tells of one, personal or an organization's. Never the secret, which it tells once.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::OffsetDateTime;

use crate::credential::{Source, TokenId, read_moment};
use crate::hub::{Permissions, Resource};

/// A token as Docker Hub tells of it. Its texts are Docker Hub's and may hold any character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubToken {
    /// What it goes by there.
    pub id: TokenId,
    /// What somebody called it.
    pub label: String,
    /// What it may do.
    pub permissions: Permissions,
    /// What somebody wrote about it; organizations' tokens have that.
    pub description: Option<String>,
    /// Who made it; of organizations' tokens that is not told.
    pub source: Source,
    /// When it was made.
    pub created: Option<OffsetDateTime>,
    /// When it was last used, as far as Docker Hub has noticed.
    pub last_used: Option<OffsetDateTime>,
    /// Whether that is so: else it tells when in a way that cannot be read here, and the token may be in use.
    pub is_use_told: bool,
    /// From when on it is not taken.
    pub expires: Option<OffsetDateTime>,
    /// Whether that is so: else it tells when in a way that cannot be read here, and the token ends some time.
    pub is_end_told: bool,
    /// Whether it is taken at all.
    pub is_active: bool,
}

impl HubToken {
    /// Reads a token by itself; `None` where it is none.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Wire>(body).ok()?.token()
    }

    /// Reads one that was just made, and whether it says until when it is good, be it for ever: else that is as it was
    /// asked for.
    pub(super) fn read_new(body: &[u8]) -> Option<(Self, bool)> {
        let wire = serde_json::from_slice::<Wire>(body).ok()?;
        let says_when = wire.expires_at.is_some();
        Some((wire.token()?, says_when))
    }

    /// Whether it is known when it was made, and when it was used if it was: else it stands in no order with others.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.created.is_some() && self.is_use_told
    }
}

/// A token in JSON, in both of its forms: what is odd there is as good as absent, but where that would be less than it
/// may do, longer ago than it was used, or a life without an end. What is the secret in an answer to the making of one is
/// passed over.
#[derive(Deserialize)]
pub(super) struct Wire {
    uuid: Option<Value>,
    id: Option<Value>,
    token_label: Option<Value>,
    label: Option<Value>,
    scopes: Option<Value>,
    resources: Option<Value>,
    description: Option<Value>,
    generated_by: Option<Value>,
    created_at: Option<Value>,
    last_used: Option<Value>,
    last_used_at: Option<Value>,
    #[serde(default, deserialize_with = "even_null")]
    expires_at: Option<Value>,
    is_active: Option<Value>,
}

impl Wire {
    /// `None` where it has no id that could be asked for.
    pub(super) fn token(self) -> Option<HubToken> {
        let permissions = match (self.resources, self.scopes) {
            (Some(Value::Array(resources)), _) => {
                all(resources.iter().map(Resource::read)).map_or(Permissions::Untold, Permissions::Resources)
            }
            (None, Some(Value::Array(scopes))) => {
                all(scopes.into_iter().map(scope)).map_or(Permissions::Untold, Permissions::Scopes)
            }
            _ => Permissions::Untold,
        };
        let (last_used, is_use_told) = when(self.last_used.or(self.last_used_at)).told();
        let (expires, is_end_told) = when(self.expires_at).told();
        Some(HubToken {
            id: text(self.uuid.or(self.id))?.parse().ok()?,
            label: text(self.token_label.or(self.label)).unwrap_or_default(),
            permissions,
            description: text(self.description),
            source: Source::read(self.generated_by.as_ref().and_then(Value::as_str)),
            created: when(self.created_at).told().0,
            last_used,
            is_use_told,
            expires,
            is_end_told,
            is_active: self.is_active.as_ref().and_then(Value::as_bool).unwrap_or(true),
        })
    }
}

/// Empty text counts as absent: servers in Go write a field they do not use.
fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// All of them, or nothing: what cannot be read may be the most of it.
fn all<T>(each: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    each.collect()
}

fn scope(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A moment as it is told.
enum When {
    /// Not at all, or that there is none.
    Never,
    At(OffsetDateTime),
    /// In a way that cannot be read.
    Odd,
}

impl When {
    /// The moment, and whether that it is so can be read.
    fn told(self) -> (Option<OffsetDateTime>, bool) {
        match self {
            Self::Never => (None, true),
            Self::At(moment) => (Some(moment), true),
            Self::Odd => (None, false),
        }
    }
}

fn when(value: Option<Value>) -> When {
    match value {
        None | Some(Value::Null) => When::Never,
        Some(Value::String(text)) if text.is_empty() => When::Never,
        Some(Value::String(text)) => match read_moment(&text) {
            // Servers in Go write the year 1 where they mean no time.
            Some(moment) if moment.year() <= 1 => When::Never,
            Some(moment) => When::At(moment),
            None => When::Odd,
        },
        Some(_) => When::Odd,
    }
}

/// Reads null as a value, and not as nothing.
fn even_null<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests;
