//! Declared credential: one that settings.json names, with its secret kept elsewhere. A runner needs nothing stored then.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::value;
use serde::de::{Error as _, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::credential::{
    AllowedScope, AllowedScopes, Credential, ExpiryDate, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Origin,
    Profile, SecretReference,
};
use crate::registry::ServerUrl;

/// A credential that is declared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "an object with `server` and `secret`"
)]
pub struct DeclaredCredential {
    /// The registry, or the part of it, that it is for.
    #[serde(deserialize_with = "parsed")]
    pub server: ServerUrl,
    /// The profile that it is had under.
    #[serde(default, deserialize_with = "parsed")]
    pub profile: Profile,
    /// The account; a helper names its own.
    #[serde(default)]
    pub username: Option<Username>,
    /// What kind of secret it is; else what account and text tell.
    #[serde(default, deserialize_with = "kind")]
    pub kind: Option<Kind>,
    /// Where the secret is.
    pub secret: SecretReference,
    /// What it may do.
    #[serde(default)]
    pub scopes: Option<Scopes>,
    /// When it ends to be good for anything.
    #[serde(default)]
    pub expires: Option<ExpiryDate>,
}

impl DeclaredCredential {
    /// The credential, its secret where it is.
    #[must_use]
    pub fn credential(&self) -> Credential {
        let Self {
            server,
            profile: _,
            username,
            kind,
            secret,
            scopes,
            expires,
        } = self;
        let account = username
            .as_ref()
            .map_or_else(String::new, |Username(name)| name.clone());
        Credential {
            server_url: server.clone(),
            kind: kind.unwrap_or_else(|| Kind::of_account(&account)),
            token_id: None,
            account,
            secret: KeptSecret::Elsewhere(secret.clone()),
            allowed: scopes.as_ref().map_or(AllowedScopes::Unknown, |Scopes(scopes)| {
                AllowedScopes::Known(scopes.clone())
            }),
            expires: expires.map(|ExpiryDate(moment)| moment),
            created: None,
            origin: Origin::Declared,
        }
    }
}

/// What it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(pub BTreeSet<AllowedScope>);

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let scopes = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        scopes.map(Self).map_err(D::Error::custom)
    }
}

/// An account's name: not empty, nothing in it that a terminal would act on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Username(pub String);

impl TryFrom<String> for Username {
    type Error = InvalidUsername;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() || text.chars().any(char::is_control) {
            Err(InvalidUsername)
        } else {
            Ok(Self(text))
        }
    }
}

/// The text is no account's name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("username: is empty or has a control character")]
pub struct InvalidUsername;

/// The declared credentials: each with an account, and no two in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<DeclaredCredential>")]
pub struct DeclaredCredentials(Vec<DeclaredCredential>);

impl DeclaredCredentials {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &DeclaredCredential> {
        self.0.iter()
    }
}

impl TryFrom<Vec<DeclaredCredential>> for DeclaredCredentials {
    type Error = InvalidDeclaration;

    fn try_from(declared: Vec<DeclaredCredential>) -> Result<Self, Self::Error> {
        let mut places = BTreeSet::new();
        for DeclaredCredential {
            server,
            profile,
            username,
            kind,
            secret,
            ..
        } in &declared
        {
            let place = |why| InvalidDeclaration {
                server: server.server().to_string(),
                profile: profile.clone(),
                why,
            };
            if username.is_none() && !matches!(secret, SecretReference::Helper(_)) {
                return Err(place(Reason::NoUsername));
            }
            let is_token_account = username
                .as_ref()
                .is_some_and(|Username(name)| name == IDENTITY_TOKEN_ACCOUNT);
            if username.is_some()
                && kind.is_some_and(|kind| (kind == Kind::IdentityToken) != is_token_account)
            {
                return Err(place(Reason::Kind));
            }
            if *kind == Some(Kind::SessionToken) {
                return Err(place(Reason::SessionToken));
            }
            if !places.insert((server.server().clone(), profile.clone())) {
                return Err(place(Reason::Twice));
            }
        }
        Ok(Self(declared))
    }
}

/// Why declarations do not hold together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("credentials: {server}, profile {profile}: {why}")]
pub struct InvalidDeclaration {
    server: String,
    profile: Profile,
    why: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Kind,
    NoUsername,
    SessionToken,
    Twice,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind identity-token and the username <token> go together",
            Self::NoUsername => "has no username, which only a helper knows by itself",
            Self::SessionToken => {
                "a session token is made by this program, and kept here; write personal-access-token"
            }
            Self::Twice => "is declared twice; leave one",
        })
    }
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let kind = text.map(|text| Kind::deserialize(text.into_deserializer()));
    // Not repeated: somebody may write a token in its place.
    kind.transpose().map_err(|_: value::Error| {
        D::Error::custom("is password, personal-access-token, organization-access-token or identity-token")
    })
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}
