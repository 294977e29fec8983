//! Token of Docker Hub: what it tells of one, personal or an organization's. Never the secret, which it tells once.

use serde::Deserialize;
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
}

/// A token in JSON, in both of its forms: what is odd there is as good as absent. What is the secret in an answer
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
    expires_at: Option<Value>,
    is_active: Option<Value>,
}

impl Wire {
    /// `None` where it has no id that could be asked for.
    pub(super) fn token(self) -> Option<HubToken> {
        let permissions = match (self.resources, self.scopes) {
            (Some(Value::Array(resources)), _) => {
                Permissions::Resources(resources.iter().filter_map(Resource::read).collect())
            }
            (_, Some(Value::Array(scopes))) => {
                Permissions::Scopes(scopes.into_iter().filter_map(|scope| text(Some(scope))).collect())
            }
            _ => Permissions::Untold,
        };
        Some(HubToken {
            id: text(self.uuid.or(self.id))?.parse().ok()?,
            label: text(self.token_label.or(self.label)).unwrap_or_default(),
            permissions,
            description: text(self.description),
            source: Source::read(self.generated_by.as_ref().and_then(Value::as_str)),
            created: moment(self.created_at),
            last_used: moment(self.last_used.or(self.last_used_at)),
            expires: moment(self.expires_at),
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

fn moment(value: Option<Value>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&text(value)?, &Rfc3339)
        .ok()
        // And the year 1 where they mean no time.
        .filter(|moment| moment.year() > 1)
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
            json!([{"type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"]}, 1]);
        assert_eq!(read(&entry).unwrap().permissions.to_string(), "acme/app:pull");
    }

    #[test]
    fn what_is_odd_is_as_good_as_absent() {
        let token = read(&json!({
            "id": 7, "label": null, "scopes": [1, null, "repo:read", {}], "created_at": "0001-01-01T00:00:00Z",
            "last_used": "yesterday", "expires_at": 5, "generated_by": 5, "is_active": "yes", "description": []
        }))
        .unwrap();
        assert_eq!((token.id.as_str(), token.label.as_str()), ("7", ""));
        assert_eq!(token.permissions.to_string(), "1 repo:read");
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
