//! Credentials: what is held, in the store or by declaration, and each one's secret when it is needed.

use anyhow::Result;
use time::OffsetDateTime;

use crate::command::recorder::Recorder;
use crate::command::{quoted, rfc3339};
use crate::credential::{
    Credential, KeptSecret, Kind, Profile, SecretAtHand, SecretReference, UsableCredential,
};
use crate::registry::{Registry, Server};
use crate::secret_source::{Depth, Helper, LIMIT, from_command, from_environment, from_file};
use crate::settings::{Settings, Variables};
use crate::store::{CredentialStore, Held, Slot, StoreError};

/// What is held, and where secrets are found that are kept elsewhere.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// What is stored.
    pub store: &'a CredentialStore,
    /// What is declared.
    pub settings: &'a Settings,
    /// Where it is written down what is done with them.
    pub recorder: &'a Recorder,
    /// Where secrets may be.
    pub variables: Variables<'a>,
}

/// A credential that was found.
#[derive(Debug)]
pub enum Found {
    /// In settings.json.
    Declared(Box<Credential>),
    /// In the store.
    Stored(Held),
}

impl Found {
    /// The credential.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        match self {
            Self::Declared(credential) => credential,
            Self::Stored(held) => &held.credential,
        }
    }

    /// Records that it was handed out now, where there is a place for that.
    pub fn mark_used(&self, now: OffsetDateTime) {
        match self {
            Self::Declared(_) => {}
            Self::Stored(held) => held.mark_used(now),
        }
    }
}

impl Credentials<'_> {
    /// What is in a slot. What is stored stands over what is declared.
    pub fn get(&self, slot: &Slot) -> Result<Option<Found>, StoreError> {
        Ok(self
            .store
            .get(slot)?
            .map(Found::Stored)
            .or_else(|| self.declared(slot)))
    }

    /// What answers a request for `server`: its slot, or the longest prefix of it that has one.
    pub fn find(&self, server: &Server, profile: &Profile) -> Result<Option<Found>, StoreError> {
        if self.settings.credentials.is_empty() {
            return Ok(self.store.find(server, profile)?.map(Found::Stored));
        }
        for candidate in server.answered_by() {
            if let Some(found) = self.get(&Slot::new(candidate, profile.clone()))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// All that is held for a registry or a part of it, of all profiles.
    pub fn of_registry(
        &self,
        registry: &Registry,
    ) -> Result<Vec<(Slot, Result<Found, StoreError>)>, StoreError> {
        let mut all: Vec<_> = self
            .store
            .of_registry(registry)?
            .into_iter()
            .map(|(slot, held)| (slot, held.map(Found::Stored)))
            .collect();
        for declared in self.settings.credentials.iter() {
            let server = declared.server.server();
            let slot = Slot::new(server.clone(), declared.profile.clone());
            let is_part = server.registry() == Some(registry);
            if is_part && !all.iter().any(|(stored, _)| *stored == slot) {
                all.push((slot, Ok(Found::Declared(Box::new(declared.credential())))));
            }
        }
        Ok(all)
    }

    /// The credential with its secret at hand; `None` where another helper has none for it.
    pub fn fetch(&self, credential: &Credential) -> Result<Option<UsableCredential>> {
        let reference = match &credential.secret {
            KeptSecret::Here(secret) => {
                return Ok(Some(credential.with_secret(SecretAtHand {
                    secret: secret.clone(),
                    reference: None,
                })));
            }
            KeptSecret::Elsewhere(reference) => reference,
        };
        let (account, secret) = match reference {
            SecretReference::Environment(name) => (None, from_environment(name, self.variables)?),
            SecretReference::File(path) => (None, from_file(path)?),
            SecretReference::Command(words) => (None, from_command(words, Depth::read(self.variables)?)?),
            SecretReference::Helper(name) => {
                let helper = Helper::new(name.clone(), Depth::read(self.variables)?);
                let server = match credential.server_url.server() {
                    // Helpers know registries, and nothing below them.
                    Server::Prefix { registry, .. } => registry.docker_key(),
                    Server::HubSession(_) | Server::Registry(_) | Server::UnknownScheme(_) => {
                        credential.server_url.listed_as()
                    }
                };
                match helper.get(server, LIMIT)? {
                    Some((account, secret)) => (Some(account), secret),
                    None => return Ok(None),
                }
            }
        };
        let mut fetched = credential.with_secret(SecretAtHand {
            secret,
            reference: credential.secret.reference(),
        });
        if fetched.account.is_empty()
            && let Some(account) = account
        {
            fetched.account = account;
        }
        if fetched.kind == Kind::Password {
            fetched.kind = Kind::of(&fetched.account, &fetched.secret.secret);
        }
        Ok(Some(fetched))
    }

    /// What settings.json declares for a slot.
    #[must_use]
    pub fn declared(&self, slot: &Slot) -> Option<Found> {
        self.settings
            .credentials
            .iter()
            .find(|declared| declared.server.server() == slot.server() && declared.profile == *slot.profile())
            .map(|declared| Found::Declared(Box::new(declared.credential())))
    }
}

/// What is said of a credential that has expired, with the mend.
#[must_use]
pub fn expired_text(slot: &Slot, credential: &Credential, expired: OffsetDateTime) -> String {
    let (server, profile) = (slot.server(), slot.profile());
    let of = if profile.is_default() {
        String::new()
    } else {
        format!(" --profile {profile}")
    };
    format!(
        "{server}: the credential of {} expired {}; replace it: docker-credential-scoped add {}{of}",
        credential.account,
        rfc3339(expired),
        quoted(&server.to_string()),
    )
}
