//! Credential: an account's secret for a server, with what is known of it. Knows nothing of where it is kept.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::registry::ServerUrl;
use crate::secret::Secret;

/// What a slot holds.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The server URL in the spelling it was last stored under; `list` repeats it.
    pub server_url: ServerUrl,
    /// The account: docker's `Username`, `<token>` for an identity token.
    pub account: String,
    /// The password or token.
    pub secret: Secret,
    /// What kind of secret it is.
    pub kind: Kind,
    /// When this secret was first stored.
    pub created: OffsetDateTime,
    /// Who put it here.
    pub origin: Origin,
}

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
}

/// The account by which docker knows an identity token (docker/cli `native_store.go`, `tokenUsername`).
pub const IDENTITY_TOKEN_ACCOUNT: &str = "<token>";

impl Kind {
    /// Tells the kind by the account docker uses for identity tokens and by the prefixes Docker Hub gives its
    /// tokens.
    #[must_use]
    pub fn of(account: &str, secret: &Secret) -> Self {
        let text = secret.expose();
        if account == IDENTITY_TOKEN_ACCOUNT {
            Self::IdentityToken
        } else if text.starts_with("dckr_pat_") {
            Self::PersonalAccessToken
        } else if text.starts_with("dckr_oat_") {
            Self::OrganizationAccessToken
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
        }
    }
}

/// Who put a credential into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A client through the protocol's `store`, as `docker login` does.
    Client,
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
}
