//! Token of Docker Hub: what it tells of one, personal or an organization's. Never the secret, which it tells once.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::credential::{Source, TokenId};
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
    /// Whether it is taken at all.
    pub is_active: bool,
}

impl HubToken {
    /// Reads a token by itself; `None` where it is none.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
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
/// may do, or longer ago than it was used. What is the secret in an answer
/// to the making of one is passed over.
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
        let (last_used, is_use_told) = match when(self.last_used.or(self.last_used_at)) {
            When::Never => (None, true),
            When::At(moment) => (Some(moment), true),
            When::Odd => (None, false),
        };
        Some(HubToken {
            id: text(self.uuid.or(self.id))?.parse().ok()?,
            label: text(self.token_label.or(self.label)).unwrap_or_default(),
            permissions,
            description: text(self.description),
            source: Source::read(self.generated_by.as_ref().and_then(Value::as_str)),
            created: when(self.created_at).moment(),
            last_used,
            is_use_told,
            expires: when(self.expires_at).moment(),
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
    fn moment(self) -> Option<OffsetDateTime> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Never | Self::Odd => None,
        }
    }
}

fn when(value: Option<Value>) -> When {
    match value {
        None | Some(Value::Null) => When::Never,
        Some(Value::String(text)) if text.is_empty() => When::Never,
        Some(Value::String(text)) => match OffsetDateTime::parse(&text, &Rfc3339) {
            // Servers in Go write the year 1 where they mean no time.
            Ok(moment) if moment.year() <= 1 => When::Never,
            Ok(moment) => When::At(moment),
            Err(_) => When::Odd,
        },
        Some(_) => When::Odd,
    }
}

/// Reads null as a value, and not as nothing.
fn even_null<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(entry: &Value) -> Option<HubToken> {
        HubToken::read(entry.to_string().as_bytes())
    }

    #[test]
    fn a_personal_token_is_read_as_documented() {
        let token = read(&json!({
            "uuid": "b30bbf97-506c-4ecd-aabc-842f3cb484fb", "client_id": "HUB", "creator_ip": "127.0.0.1",
            "creator_ua": "some user agent", "created_at": "2021-07-20T12:00:00.000000Z", "last_used": null,
            "generated_by": "manual", "is_active": true, "token": "", "token_label": "My read only token",
            "scopes": ["repo:read", "repo:new"], "expires_at": "2021-10-28T18:30:19.520861Z"
        }))
        .unwrap();
        assert_eq!(token.id.as_str(), "b30bbf97-506c-4ecd-aabc-842f3cb484fb");
        assert_eq!(token.label, "My read only token");
        assert_eq!(token.permissions.to_string(), "repo:read repo:new");
        assert_eq!(token.source, Source::Manual);
        assert_eq!(token.created.unwrap().unix_timestamp(), 1_626_782_400);
        assert_eq!(token.last_used, None);
        assert!(token.expires.is_some() && token.is_active);
    }

    #[test]
    fn an_organizations_token_is_read_with_or_without_its_resources() {
        let mut entry = json!({
            "id": "a7a5ef25-8889-43a0-8cc7-f2a94268e861", "label": "ci", "created_by": "johndoe", "is_active": false,
            "created_at": "2022-05-20T00:54:18Z", "expires_at": null, "last_used_at": "2022-06-15T12:30:45Z",
            "description": "robots"
        });
        let token = read(&entry).unwrap();
        assert_eq!(token.permissions, Permissions::Untold);
        assert_eq!(
            (token.source, token.expires, token.is_active),
            (Source::Untold, None, false)
        );
        assert_eq!(token.last_used.unwrap().unix_timestamp(), 1_655_296_245);
        assert_eq!(token.description.as_deref(), Some("robots"));
        entry["resources"] =
            json!([{"type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"], "new": 1}]);
        assert_eq!(read(&entry).unwrap().permissions.to_string(), "acme/app:pull");
    }

    #[test]
    fn what_is_odd_is_as_good_as_absent() {
        let token = read(&json!({
            "id": 7, "label": null, "created_at": "0001-01-01T00:00:00Z", "last_used": null, "expires_at": 5,
            "generated_by": 5, "is_active": "yes", "description": []
        }))
        .unwrap();
        assert_eq!((token.id.as_str(), token.label.as_str()), ("7", ""));
        assert_eq!(token.permissions, Permissions::Untold);
        assert_eq!(
            (token.created, token.last_used, token.expires),
            (None, None, None)
        );
        assert_eq!(
            (token.source, token.description, token.is_active),
            (Source::Untold, None, true)
        );
        let source = read(&json!({"uuid": "a", "generated_by": "docker desktop"}))
            .unwrap()
            .source;
        assert_eq!(source, Source::Other("docker desktop".into()));
    }

    #[test]
    fn permissions_of_which_a_part_cannot_be_read_are_untold_and_not_narrower() {
        let resource = json!({"type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"]});
        for rest in [
            json!({"scopes": ["repo:read", null]}),
            json!({"scopes": ["repo:read", 1]}),
            json!({"scopes": ["repo:read", ""]}),
            json!({"scopes": ["repo:read", {}]}),
            json!({"scopes": "repo:read"}),
            json!({"scopes": null}),
            json!({"scopes": ["repo:read"], "resources": {}}),
            json!({"resources": [resource, 1]}),
            json!({"resources": [resource, {"type": "TYPE_REPO", "path": "acme/app"}]}),
            json!({"resources": [resource, {"type": "TYPE_REPO", "path": "acme/app", "scopes": null}]}),
            json!({"resources": [resource, {"type": "TYPE_REPO", "path": "acme/app", "scopes": ["a", 1]}]}),
            json!({"resources": [resource, {"path": "acme/app", "scopes": ["a"]}]}),
        ] {
            let mut entry = rest.clone();
            entry["uuid"] = json!("a");
            assert_eq!(read(&entry).unwrap().permissions, Permissions::Untold, "{rest}");
        }
        let token = read(&json!({"uuid": "a", "scopes": ["repo:read"], "resources": null})).unwrap();
        assert_eq!(token.permissions.to_string(), "repo:read");
    }

    #[test]
    fn a_token_is_dated_where_all_that_is_told_of_its_times_can_be_read() {
        let made = "2026-11-22T08:00:00Z";
        for (entry, is_dated) in [
            (json!({"created_at": made}), true),
            (json!({"created_at": made, "last_used": null}), true),
            (json!({"created_at": made, "last_used": ""}), true),
            (
                json!({"created_at": made, "last_used": "0001-01-01T00:00:00Z"}),
                true,
            ),
            (json!({"created_at": made, "last_used_at": made}), true),
            (json!({"created_at": made, "last_used": "yesterday"}), false),
            (json!({"created_at": made, "last_used_at": 1_800_000_000}), false),
            (json!({"created_at": made, "last_used": "2026-11-22"}), false),
            (json!({"created_at": null, "last_used": made}), false),
            (json!({"created_at": "yesterday"}), false),
            (json!({}), false),
        ] {
            let mut of = entry.clone();
            of["uuid"] = json!("a");
            let token = read(&of).unwrap();
            assert_eq!(token.is_dated(), is_dated, "{entry}");
            assert!(token.is_use_told || token.last_used.is_none(), "{entry}");
        }
    }

    #[test]
    fn what_has_no_id_that_could_be_asked_for_is_no_token() {
        for entry in [
            json!({}),
            json!({"uuid": ""}),
            json!({"uuid": "../users"}),
            json!({"uuid": ["a"]}),
            json!([]),
            json!("a"),
        ] {
            assert_eq!(read(&entry), None, "{entry}");
        }
    }
}
