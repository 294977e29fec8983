//! Content: what is in a slot's sealed file. Knows nothing of the seal, or of where the file is.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
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
            expires: expires.map(OffsetDateTime::unix_timestamp),
            created: created.map_or(0, OffsetDateTime::unix_timestamp),
            origin: *origin,
        };
        serde_json::to_writer(&mut *bytes, &content).map_err(|_| NoRandomBytes)?;
        Ok(bytes)
    }
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
