//! Auth entry: what an entry of `auths` holds for a server. Knows nothing of the file around it.

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::client_config::json_text::{self, Field};
use crate::secret::Secret;

/// The account docker gives a helper for an identity token (docker/cli `native_store.go`, `tokenUsername`).
const TOKEN_ACCOUNT: &str = "<token>";

/// Go's `base64.StdEncoding`: padded, and not strict about the bits that the padding leaves over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// What an entry holds.
#[derive(Debug)]
pub struct AuthEntry {
    /// What can be logged in with; `None` in the marks that docker leaves for its helpers.
    pub login: Result<Option<Login>, UndecodableEntry>,
    /// Whether a short-lived token for the registry itself stands there.
    pub has_registry_token: bool,
}

/// An account and its secret.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account, `<token>` for an identity token.
    pub account: String,
    /// The password or token.
    pub secret: Secret,
}

impl Login {
    /// Whether both are the same account with the same secret.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.account == other.account && self.secret.is_same_as(&other.secret)
    }
}

impl AuthEntry {
    /// The fields that a login is in.
    pub(super) const LOGIN_FIELDS: [&'static str; 4] = ["auth", "username", "password", "identitytoken"];

    /// Reads an entry as docker/cli does (`configfile.LoadFromReader`): `auth`, where there is one, stands over
    /// `username` and `password`.
    pub(super) fn read(text: &str) -> Self {
        let Ok(fields) = json_text::fields(text) else {
            return Self {
                login: if text == "null" {
                    Ok(None)
                } else {
                    Err(UndecodableEntry::NotStrings)
                },
                has_registry_token: false,
            };
        };
        Self {
            login: login(&fields),
            has_registry_token: string(&fields, "registrytoken")
                .is_ok_and(|token| token.is_some_and(|token| !token.is_empty())),
        }
    }
}

/// Why a login could not be read. Texts never repeat the entry: it holds a secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UndecodableEntry {
    /// `auth` is no base64, or not that of `user:password`.
    #[error("its \"auth\" is not base64 of user:password")]
    Auth,
    /// The account has a line break or another control character.
    #[error("its account has a control character")]
    ControlCharacter,
    /// An account, but neither password nor token.
    #[error("it has an account and no secret")]
    NoSecret,
    /// A secret, but no account.
    #[error("it has a secret and no account")]
    NoAccount,
    /// A field that should be a string is none, or stands there twice.
    #[error("its fields are not strings, or one is there twice")]
    NotStrings,
    /// A password and an identity token.
    #[error("it has a password and an identity token, and a helper keeps one of them; remove the other")]
    TwoSecrets,
}

fn login(fields: &[Field<'_>]) -> Result<Option<Login>, UndecodableEntry> {
    let mut username = string(fields, "username")?.unwrap_or_default();
    let mut password = string(fields, "password")?.unwrap_or_default();
    let auth = string(fields, "auth")?.unwrap_or_default();
    let token = string(fields, "identitytoken")?.unwrap_or_default();
    if !auth.is_empty() {
        (username, password) = decode(&auth)?;
    }
    if !token.is_empty() {
        // Beside an identity token docker writes the account with an empty password.
        return if password.is_empty() {
            Ok(Some(Login {
                account: TOKEN_ACCOUNT.to_owned(),
                secret: Secret::new(token.to_string()),
            }))
        } else {
            Err(UndecodableEntry::TwoSecrets)
        };
    }
    match (username.is_empty(), password.is_empty()) {
        (true, true) => Ok(None),
        (true, false) => Err(UndecodableEntry::NoAccount),
        (false, true) => Err(UndecodableEntry::NoSecret),
        (false, false) if username.chars().any(char::is_control) => Err(UndecodableEntry::ControlCharacter),
        (false, false) => Ok(Some(Login {
            account: username.to_string(),
            secret: Secret::new(password.to_string()),
        })),
    }
}

/// docker/cli `configfile.decodeAuth`: up to the first colon the account; NULs around the password are dropped.
fn decode(auth: &str) -> Result<(Zeroizing<String>, Zeroizing<String>), UndecodableEntry> {
    // Go's decoder passes over line ends.
    let auth = Zeroizing::new(auth.replace(['\r', '\n'], ""));
    let bytes = BASE64
        .decode(auth.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| UndecodableEntry::Auth)?;
    let text = str::from_utf8(&bytes).map_err(|_| UndecodableEntry::Auth)?;
    let (username, password) = text
        .split_once(':')
        .filter(|(username, _)| !username.is_empty())
        .ok_or(UndecodableEntry::Auth)?;
    Ok((
        Zeroizing::new(username.to_owned()),
        Zeroizing::new(password.trim_matches('\0').to_owned()),
    ))
}

/// A string field, by its name in any case, as Go finds it; `null` is absent.
fn string(fields: &[Field<'_>], name: &str) -> Result<Option<Zeroizing<String>>, UndecodableEntry> {
    let mut found = fields
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(field), None) => serde_json::from_str::<Option<String>>(field.value)
            .map(|text| text.map(Zeroizing::new))
            .map_err(|_| UndecodableEntry::NotStrings),
        (Some(_), Some(_)) => Err(UndecodableEntry::NotStrings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(String, String)>, UndecodableEntry> {
        let login = AuthEntry::read(text).login?;
        Ok(login.map(|login| (login.account, login.secret.expose().to_owned())))
    }

    #[test]
    fn an_entry_is_read_as_docker_reads_it() {
        let table = [
            (r#"{"auth":"dTpw"}"#, "u", "p", "base64 of u:p"),
            (
                r#"{"Auth":"dTpw","username":"x","password":"y"}"#,
                "u",
                "p",
                "auth stands over the rest",
            ),
            (r#"{"auth":"dTpwOnE="}"#, "u", "p:q", "only the first colon parts"),
            (r#"{"auth":"dTpwAAA="}"#, "u", "p", "NULs at the end are padding"),
            (r#"{"auth":"dT\npw"}"#, "u", "p", "line ends inside"),
            (r#"{"auth":"dTpwOnF="}"#, "u", "p:q", "bits beyond the last byte"),
            (
                r#"{"username":"u","password":"p","email":"e"}"#,
                "u",
                "p",
                "two fields",
            ),
            (r#"{"identitytoken":"t"}"#, "<token>", "t", "identity token"),
            (
                r#"{"auth":"dTo=","identitytoken":"t"}"#,
                "<token>",
                "t",
                "with its account",
            ),
            (
                r#"{"auth":null,"identitytoken":"t","registrytoken":"r"}"#,
                "<token>",
                "t",
                "null is absent",
            ),
        ];
        for (text, account, secret, why) in table {
            assert_eq!(
                read(text),
                Ok(Some((account.to_owned(), secret.to_owned()))),
                "{why}"
            );
        }
        for text in [
            "{}",
            "null",
            r#"{"auth":""}"#,
            r#"{"email":"e"}"#,
            r#"{"registrytoken":"r"}"#,
        ] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
        assert!(AuthEntry::read(r#"{"registrytoken":"r"}"#).has_registry_token);
        assert!(!AuthEntry::read(r#"{"registrytoken":""}"#).has_registry_token);
    }

    #[test]
    fn what_docker_could_not_log_in_with_is_refused_by_its_kind() {
        let table = [
            (r#"{"auth":"!!!"}"#, UndecodableEntry::Auth),
            (r#"{"auth":"dTpwOnE"}"#, UndecodableEntry::Auth),
            (r#"{"auth":"dXA="}"#, UndecodableEntry::Auth),
            (r#"{"auth":"OnA="}"#, UndecodableEntry::Auth),
            (r#"{"auth":"dTr/"}"#, UndecodableEntry::Auth),
            (r#"{"auth":"dTo="}"#, UndecodableEntry::NoSecret),
            (r#"{"auth":"dQo6cA=="}"#, UndecodableEntry::ControlCharacter),
            (r#"{"password":"p"}"#, UndecodableEntry::NoAccount),
            (
                r#"{"auth":"dTpw","identitytoken":"t"}"#,
                UndecodableEntry::TwoSecrets,
            ),
            (r#"{"auth":7}"#, UndecodableEntry::NotStrings),
            (r#"{"auth":"dTpw","AUTH":"dTpw"}"#, UndecodableEntry::NotStrings),
            (r#""dTpw""#, UndecodableEntry::NotStrings),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }
}
