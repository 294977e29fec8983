//! Credential: an account's secret for a server, with what is known of it. Knows nothing of where it is kept.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::credential::{AllowedScopes, SecretReference, TokenId};
use crate::registry::ServerUrl;
use crate::secret::Secret;

/// What a slot holds. `S` is its secret: [as it is kept](KeptSecret), or [at hand](SecretAtHand).
#[derive(Clone, Debug)]
pub struct Credential<S = KeptSecret> {
    /// The server URL in the spelling it was last stored under; `list` repeats it.
    pub server_url: ServerUrl,
    /// The account: docker's `Username`, `<token>` for an identity token. Empty where only another helper knows it.
    pub account: String,
    /// The password or token.
    pub secret: S,
    /// What kind of secret it is.
    pub kind: Kind,
    /// Docker Hub's name for this token, where it was recorded. Another secret has another.
    pub token_id: Option<TokenId>,
    /// What it may do.
    pub allowed: AllowedScopes,
    /// When it ends to be good for anything.
    pub expires: Option<OffsetDateTime>,
    /// When this secret was first stored; nobody knows of one that is declared.
    pub created: Option<OffsetDateTime>,
    /// Who put it here.
    pub origin: Origin,
}

impl<S> Credential<S> {
    /// Whether it is the token of a session that this program started: docker's own is what docker stored.
    #[must_use]
    pub fn is_started_session(&self) -> bool {
        self.kind == Kind::SessionToken && self.token_id.is_some() && self.origin != Origin::Client
    }

    /// The same with its secret as it was found.
    #[must_use]
    pub fn with_secret<T>(&self, secret: T) -> Credential<T> {
        let Self {
            server_url,
            account,
            secret: _,
            kind,
            token_id,
            allowed,
            expires,
            created,
            origin,
        } = self;
        Credential {
            server_url: server_url.clone(),
            account: account.clone(),
            secret,
            kind: *kind,
            token_id: token_id.clone(),
            allowed: allowed.clone(),
            expires: *expires,
            created: *created,
            origin: *origin,
        }
    }

    /// The account; `None` where only another helper knows it.
    #[must_use]
    pub fn known_account(&self) -> Option<&str> {
        Some(self.account.as_str()).filter(|account| !account.is_empty())
    }

    /// When it expired, if it has.
    #[must_use]
    pub fn expired(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.expires.filter(|expires| *expires <= now)
    }
}

/// A secret as it is kept.
#[derive(Clone, Debug)]
pub enum KeptSecret {
    /// Here, sealed with what is known of it.
    Here(Secret),
    /// Elsewhere.
    Elsewhere(SecretReference),
}

impl KeptSecret {
    /// Where it is, in JSON, if it is not here.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        match self {
            Self::Here(_) => None,
            // There is nothing in it that JSON could not write.
            Self::Elsewhere(reference) => Some(serde_json::to_string(reference).unwrap_or_default()),
        }
    }

    /// Whether both are one secret, kept here, or one place.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Here(one), Self::Here(other)) => one.is_same_as(other),
            (Self::Elsewhere(one), Self::Elsewhere(other)) => one == other,
            (Self::Here(_), Self::Elsewhere(_)) | (Self::Elsewhere(_), Self::Here(_)) => false,
        }
    }

    /// Whether this is that secret, and it is kept here.
    #[must_use]
    pub fn is(&self, secret: &Secret) -> bool {
        match self {
            Self::Here(own) => own.is_same_as(secret),
            Self::Elsewhere(_) => false,
        }
    }
}

/// A secret that can be used.
#[derive(Clone, Debug)]
pub struct SecretAtHand {
    /// The password or token.
    pub secret: Secret,
    /// Where it was fetched from, in JSON, if it is not kept here.
    pub reference: Option<String>,
}

/// A credential that can be used.
pub type UsableCredential = Credential<SecretAtHand>;

/// What a secret is, as far as account and text tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A refresh token that docker calls an identity token; its account is written `<token>`.
    IdentityToken,
    /// A Docker organization access token.
    OrganizationAccessToken,
    /// A password, or a token whose text does not tell what it is.
    Password,
    /// A Docker personal access token.
    PersonalAccessToken,
    /// A Docker personal access token that was made for a session, by docker's browser login or by this program.
    SessionToken,
}

/// The account by which docker knows an identity token (docker/cli `native_store.go`, `tokenUsername`).
pub const IDENTITY_TOKEN_ACCOUNT: &str = "<token>";

/// What Docker Hub's personal access tokens begin with.
const PERSONAL_PREFIX: &str = "dckr_pat_";
/// What its organization access tokens begin with.
const ORGANIZATION_PREFIX: &str = "dckr_oat_";

/// Whether a text has the secret of one of Docker Hub's tokens in it.
#[must_use]
pub fn holds_hub_token(text: &str) -> bool {
    [PERSONAL_PREFIX, ORGANIZATION_PREFIX]
        .iter()
        .any(|prefix| text.contains(prefix))
}

impl Kind {
    /// Tells the kind by the account docker uses for identity tokens and by the prefixes Docker Hub gives its
    /// tokens.
    #[must_use]
    pub fn of(account: &str, secret: &Secret) -> Self {
        let text = secret.expose();
        if account == IDENTITY_TOKEN_ACCOUNT {
            Self::IdentityToken
        } else if text.starts_with(PERSONAL_PREFIX) {
            Self::PersonalAccessToken
        } else if text.starts_with(ORGANIZATION_PREFIX) {
            Self::OrganizationAccessToken
        } else {
            Self::Password
        }
    }

    /// Tells the kind of one whose secret is kept elsewhere by the account alone.
    #[must_use]
    pub fn of_account(account: &str) -> Self {
        if account == IDENTITY_TOKEN_ACCOUNT {
            Self::IdentityToken
        } else {
            Self::Password
        }
    }

    /// The kind in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IdentityToken => "identity token",
            Self::OrganizationAccessToken => "organization access token",
            Self::Password => "password",
            Self::PersonalAccessToken => "personal access token",
            Self::SessionToken => "session token",
        }
    }
}

/// Who put a credential into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Its owner, through `add`.
    Add,
    /// A client through the protocol's `store`, as `docker login` does.
    Client,
    /// settings.json declares it.
    Declared,
    /// Docker Hub made it, and this program asked for it.
    Hub,
    /// `import`, from a config.json or another helper.
    Import,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_by_account_and_prefix() {
        let table = [
            ("<token>", "eyJ", Kind::IdentityToken),
            ("<token>", "dckr_pat_x", Kind::IdentityToken),
            ("u", "dckr_pat_x", Kind::PersonalAccessToken),
            ("acme", "dckr_oat_x", Kind::OrganizationAccessToken),
            ("u", "DCKR_PAT_x", Kind::Password),
            ("u", "", Kind::Password),
        ];
        for (account, secret, kind) in table {
            assert_eq!(
                Kind::of(account, &Secret::new(secret.into())),
                kind,
                "{account} {secret}"
            );
        }
    }

    fn credential(secret: KeptSecret) -> Credential {
        Credential {
            server_url: "h".parse().unwrap(),
            account: "u".to_owned(),
            secret,
            kind: Kind::SessionToken,
            token_id: Some("3f0e1a52-77f5-4a5c-9d3c-0f6f0b8f2c11".parse().unwrap()),
            allowed: AllowedScopes::Unknown,
            expires: None,
            created: None,
            origin: Origin::Hub,
        }
    }

    fn here(text: &str) -> KeptSecret {
        KeptSecret::Here(Secret::new(text.to_owned()))
    }

    fn elsewhere(variable: &str) -> KeptSecret {
        KeptSecret::Elsewhere(format!("env:{variable}").parse().unwrap())
    }

    #[test]
    fn a_session_that_this_program_started_has_a_known_token_and_is_not_dockers() {
        let started = credential(here("s"));
        assert!(started.is_started_session());
        for other in [
            Credential {
                kind: Kind::PersonalAccessToken,
                ..started.clone()
            },
            Credential {
                token_id: None,
                ..started.clone()
            },
            Credential {
                origin: Origin::Client,
                ..started.clone()
            },
        ] {
            assert!(!other.is_started_session(), "{other:?}");
        }
    }

    #[test]
    fn an_empty_account_is_one_that_only_another_helper_knows() {
        let mut credential = credential(here("s"));
        assert_eq!(credential.known_account(), Some("u"));
        credential.account.clear();
        assert_eq!(credential.known_account(), None);
    }

    #[test]
    fn a_credential_has_expired_from_the_moment_that_it_names() {
        let end = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let second = time::Duration::SECOND;
        let mut credential = credential(here("s"));
        assert_eq!(credential.expired(end), None, "it names none");
        credential.expires = Some(end);
        assert_eq!(credential.expired(end - second), None);
        assert_eq!(credential.expired(end), Some(end));
        assert_eq!(credential.expired(end + second), Some(end));
    }

    #[test]
    fn two_secrets_are_one_where_text_or_place_is() {
        let kept = [here("A"), here("B"), elsewhere("A"), elsewhere("B")];
        for (place, one) in kept.iter().enumerate() {
            for (other_place, other) in kept.iter().enumerate() {
                assert_eq!(one.is_same_as(other), place == other_place, "{one:?} {other:?}");
            }
        }
        let secret = Secret::new("A".to_owned());
        assert_eq!(kept.map(|kept| kept.is(&secret)), [true, false, false, false]);
    }

    #[test]
    fn a_secret_that_is_elsewhere_says_where_in_json() {
        assert_eq!(here("s").reference(), None);
        assert_eq!(elsewhere("PAT").reference().as_deref(), Some(r#"{"env":"PAT"}"#));
    }

    #[test]
    fn a_text_that_holds_a_token_of_docker_hub_is_told() {
        for text in ["dckr_pat_x", "the token dckr_oat_x"] {
            assert!(holds_hub_token(text), "{text}");
        }
        for text in ["", "dckr_", "DCKR_PAT_x"] {
            assert!(!holds_hub_token(text), "{text}");
        }
    }

    #[test]
    fn the_account_alone_tells_an_identity_token() {
        assert_eq!(Kind::of_account("<token>"), Kind::IdentityToken);
        for account in ["", "u", "token"] {
            assert_eq!(Kind::of_account(account), Kind::Password, "{account}");
        }
    }

    #[test]
    fn each_kind_has_its_own_words() {
        let table = [
            (Kind::IdentityToken, "identity token"),
            (Kind::OrganizationAccessToken, "organization access token"),
            (Kind::Password, "password"),
            (Kind::PersonalAccessToken, "personal access token"),
            (Kind::SessionToken, "session token"),
        ];
        for (kind, words) in table {
            assert_eq!(kind.name(), words);
        }
    }
}
