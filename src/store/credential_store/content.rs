//! Content: what is in a slot's sealed file. Knows nothing of the seal, or of where the file is.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcDateTime};
use zeroize::Zeroizing;

use crate::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin, SecretReference, TokenId};
use crate::registry::ServerUrl;
use crate::seal::NoRandomBytes;
use crate::secret::Secret;

/// The content of a sealed file. A field more needs another format version: an older program that read past it
/// would hand out what a newer one had limited.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content<Text> {
    server_url: Text,
    account: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Text>,
    /// Where the secret is, if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<SecretReference>,
    kind: Kind,
    /// Docker Hub's name for the token, where it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_id: Option<TokenId>,
    /// What it may do, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    /// Seconds since 1970.
    created: i64,
    origin: Origin,
}

impl<'a> Content<&'a str> {
    pub(super) fn write(credential: &'a Credential) -> Result<Zeroizing<Vec<u8>>, NoRandomBytes> {
        let Credential {
            server_url,
            account,
            secret,
            kind,
            token_id,
            allowed,
            expires,
            created,
            origin,
        } = credential;
        let (secret, reference) = match secret {
            KeptSecret::Here(secret) => (Some(secret.expose()), None),
            KeptSecret::Elsewhere(reference) => (None, Some(reference.clone())),
        };
        let scopes = match allowed {
            AllowedScopes::Unknown => None,
            AllowedScopes::Known(scopes) => Some(scopes.iter().map(ToString::to_string).collect()),
        };
        // Room enough that it need not grow: growing leaves a copy behind that nobody wipes.
        let length = |scopes: &Vec<String>| scopes.iter().map(String::len).sum::<usize>();
        let others = scopes.as_ref().map_or(0, length);
        let room =
            400 + 2 * (server_url.as_str().len() + account.len() + secret.map_or(0, str::len) + others);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let content = Self {
            server_url: server_url.as_str(),
            account,
            secret,
            reference,
            kind: *kind,
            token_id: token_id.clone(),
            scopes,
            expires: expires.map(seconds),
            created: created.map_or(0, seconds),
            origin: *origin,
        };
        serde_json::to_writer(&mut *bytes, &content).map_err(|_| NoRandomBytes)?;
        Ok(bytes)
    }
}

/// As many as can be read again: another time zone may have a moment that UTC's calendar has no more.
fn seconds(moment: OffsetDateTime) -> i64 {
    let last = UtcDateTime::MAX.unix_timestamp();
    moment.unix_timestamp().min(last)
}

impl Content<String> {
    pub(super) fn read(bytes: &[u8]) -> Option<Credential> {
        let Self {
            server_url,
            account,
            secret,
            reference,
            kind,
            token_id,
            scopes,
            expires,
            created,
            origin,
        } = serde_json::from_slice(bytes).ok()?;
        let secret = match (secret, reference) {
            (Some(secret), None) => KeptSecret::Here(Secret::new(secret)),
            (None, Some(reference)) => KeptSecret::Elsewhere(reference),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        let allowed = match scopes {
            None => AllowedScopes::Unknown,
            Some(scopes) => scopes
                .iter()
                .map(|scope| scope.parse().ok())
                .collect::<Option<_>>()
                .map(AllowedScopes::Known)?,
        };
        let moment = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
        Some(Credential {
            server_url: ServerUrl::read(server_url.as_bytes()).ok()?,
            account,
            secret,
            kind,
            token_id,
            allowed,
            expires: match expires {
                None => None,
                Some(seconds) => Some(moment(seconds)?),
            },
            created: Some(moment(created)?),
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use time::UtcOffset;

    use super::*;

    const WRITTEN: &str = r#"{"server_url":"https://h/","account":"u","secret":"s","kind":"password","created":1700000000,"origin":"client"}"#;

    fn read(text: &str) -> Option<Credential> {
        Content::read(text.as_bytes())
    }

    #[test]
    fn what_is_written_of_a_credential_is_read_as_that_credential() {
        let full = WRITTEN.replace(
            r#""kind":"password""#,
            r#""kind":"session-token","token_id":"1-a","scopes":["repo:read","repository:a/*:pull"],"expires":1800000000"#,
        );
        let elsewhere = WRITTEN.replace(r#""secret":"s""#, r#""reference":{"env":"PAT"}"#);
        let nothing = WRITTEN.replace(r#""created""#, r#""scopes":[],"created""#);
        for text in [WRITTEN, &full, &elsewhere, &nothing] {
            let credential = read(text).unwrap();
            let bytes = Content::write(&credential).unwrap();
            assert_eq!(str::from_utf8(&bytes), Ok(text));
        }
        let credential = read(&full).unwrap();
        assert_eq!(credential.allowed.to_string(), "repo:read repository:a/*:pull");
        assert_eq!(
            credential.expires.map(OffsetDateTime::unix_timestamp),
            Some(1_800_000_000)
        );
        assert_eq!(read(WRITTEN).unwrap().allowed, AllowedScopes::Unknown);
        assert_eq!(read(&nothing).unwrap().allowed, AllowedScopes::from_iter([]));
    }

    #[test]
    fn a_moment_that_is_in_no_calendar_here_is_written_as_one_that_can_be_read() {
        let at_home = UtcDateTime::MAX.to_offset(UtcOffset::UTC);
        let further_west = at_home.replace_offset(UtcOffset::from_hms(-5, 0, 0).unwrap());
        let credential = Credential {
            expires: Some(further_west),
            created: Some(further_west),
            ..read(WRITTEN).unwrap()
        };
        let again = read(str::from_utf8(&Content::write(&credential).unwrap()).unwrap()).unwrap();
        assert_eq!(again.expires, Some(at_home.truncate_to_second()));
        assert_eq!(again.created, again.expires);
    }

    #[test]
    fn what_limits_a_credential_in_a_way_that_is_not_known_is_not_read_past() {
        let and = |field: &str| WRITTEN.replace(r#""created""#, &format!(r#"{field},"created""#));
        for text in [
            and(r#""only":"pull""#),
            and(r#""reference":{"env":"PAT"}"#),
            and(r#""reference":{"cloud":"x"}"#),
            and(r#""scopes":["repository:a:pull","?"]"#),
            and(r#""expires":9223372036854775807"#),
            and(r#""token_id":"../x""#),
            WRITTEN.replace(r#""secret":"s","#, ""),
            WRITTEN.replace("https://h/", "u@h"),
            WRITTEN.replace(r#""client""#, r#""stranger""#),
            WRITTEN.replace(r#""password""#, r#""key""#),
            format!("{WRITTEN}{WRITTEN}"),
            WRITTEN.trim_end_matches('}').to_owned(),
        ] {
            assert!(read(&text).is_none(), "{text}");
        }
    }
}
