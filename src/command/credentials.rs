//! Credentials: what is held, in the store or by declaration, and each one's secret when it is needed.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use time::{Duration, OffsetDateTime};

use crate::activity_log::Action;
use crate::command::recorder::{Activity, Recorder};
use crate::command::{printable, profile_option, quoted, rfc3339};
use crate::credential::{
    Credential, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Origin, Profile, SESSION_PROFILE, SecretAtHand,
    SecretReference, UsableCredential, last_day,
};
use crate::registry::{Registry, ScopeSet, Server};
use crate::seal::Unopened;
use crate::secret_source::{Depth, Helper, LIMIT, from_command, from_environment, from_file};
use crate::settings::{DeclaredCredential, Settings, Variables};
use crate::store::{CredentialStore, Entry, Held, Opened, Slot, StoreError};

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
    Declared(Credential),
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

    /// All that is held for a registry or a part of it, of all profiles; what does not open if its file's name can be
    /// read, or it may answer for what is in `scope`.
    pub fn of_registry(
        &self,
        registry: &Registry,
        scope: &ScopeSet,
    ) -> Result<Vec<Opened<Found>>, StoreError> {
        let asked = || {
            let below = scope.iter().flat_map(|scope| {
                let whole = Server::Prefix {
                    registry: registry.clone(),
                    path: scope.resource().name().to_owned(),
                };
                whole.answered_by().collect::<Vec<_>>()
            });
            below.chain([Server::Registry(registry.clone())]).collect()
        };
        let mut all: Vec<_> = self
            .store
            .of_registry(registry, asked)?
            .into_iter()
            .map(|(slot, held)| (slot, held.map(Found::Stored)))
            .collect();
        for declared in self.settings.credentials.iter() {
            let server = declared.server.server();
            let slot = Slot::new(server.clone(), declared.profile.clone());
            let is_part = server.registry() == Some(registry);
            if is_part && !all.iter().any(|(stored, _)| *stored == slot) {
                all.push((slot, Ok(Found::Declared(declared.credential()))));
            }
        }
        Ok(all)
    }

    /// Writes down what was done with one as a whole.
    pub fn record(&self, action: Action, slot: &Slot, account: Option<&str>, now: OffsetDateTime) {
        self.recorder.record(Activity::of(action, slot, account), now);
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
                    // Helpers know registries, by the keys that docker stores them under, and nothing below them.
                    Server::Prefix { registry, .. } | Server::Registry(registry) => registry.docker_key(),
                    Server::HubSession(_) | Server::UnknownScheme(_) => credential.server_url.listed_as(),
                };
                match helper.get(server, LIMIT)? {
                    Some((_, secret)) if secret.expose().is_empty() => {
                        bail!("{helper} get gave an empty secret")
                    }
                    Some((account, _)) if account.is_empty() || account.chars().any(char::is_control) => {
                        bail!("{helper} get gave an account that is empty or has a control character")
                    }
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
        let is_token_account = fetched.account == IDENTITY_TOKEN_ACCOUNT;
        if fetched.kind == Kind::Password || is_token_account {
            fetched.kind = Kind::of(&fetched.account, &fetched.secret.secret);
        }
        if fetched.kind == Kind::IdentityToken && !is_token_account {
            // A client would take it for a password, and send it to the registry.
            bail!(
                "{}: an identity token has the account {IDENTITY_TOKEN_ACCOUNT}, not {}",
                credential.server_url.server(),
                fetched.account
            );
        }
        Ok(Some(fetched))
    }

    /// Whether its secret is surely not to be had now. Programs are not run to find out: who lists would wait for all
    /// of them, and for a prompt of each.
    #[must_use]
    pub fn is_out_of_reach(&self, credential: &Credential) -> bool {
        match &credential.secret {
            KeptSecret::Elsewhere(SecretReference::Environment(_) | SecretReference::File(_)) => {
                self.fetch(credential).is_err()
            }
            KeptSecret::Elsewhere(SecretReference::Command(_) | SecretReference::Helper(_))
            | KeptSecret::Here(_) => false,
        }
    }

    /// The variables of the environment that hold secrets. An error where the store does not open: it may name some.
    /// A slot that is damaged names none any more.
    pub fn variables_with_secrets(&self) -> Result<BTreeSet<String>, StoreError> {
        let declared = self.settings.credentials.iter();
        let declared = declared.map(|declared| declared.credential().secret);
        let mut stored = Vec::new();
        for entry in self.store.entries()? {
            match entry.held {
                Ok(held) => stored.push(held.credential.secret),
                Err(StoreError::Slot { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(declared
            .chain(stored)
            .filter_map(|secret| match secret {
                KeptSecret::Elsewhere(SecretReference::Environment(name)) => Some(name),
                KeptSecret::Elsewhere(_) | KeptSecret::Here(_) => None,
            })
            .collect())
    }

    /// What settings.json declares and is not among these stored ones: those stand over it, whether they open or not.
    pub fn declared_beside<'a>(
        &'a self,
        stored: &'a [Entry],
    ) -> impl Iterator<Item = &'a DeclaredCredential> + use<'a> {
        self.settings.credentials.iter().filter(|declared| {
            let server = declared.server.server().to_string();
            let is_its = |entry: &Entry| entry.profile == declared.profile && entry.server == server;
            !stored.iter().any(is_its)
        })
    }

    /// What settings.json declares for a slot.
    #[must_use]
    pub fn declared(&self, slot: &Slot) -> Option<Found> {
        self.settings
            .credentials
            .iter()
            .find(|declared| declared.server.server() == slot.server() && declared.profile == *slot.profile())
            .map(|declared| Found::Declared(declared.credential()))
    }
}

/// How long before it expires a credential is warned of: a week has a day on which somebody has time.
pub const SOON: Duration = Duration::days(7);

/// What is said of a credential that has expired, with the mend.
#[must_use]
pub fn expired_text(slot: &Slot, credential: &Credential, expired: OffsetDateTime) -> String {
    let mend = mend(slot, credential);
    format!(
        "{} expired {}; {mend}",
        of_whom(slot, credential),
        said_expiry(expired)
    )
}

/// When a credential expires, as that was said: a day as a day.
#[must_use]
pub fn said_expiry(expires: OffsetDateTime) -> String {
    last_day(expires).map_or_else(|| rfc3339(expires), |day| day.to_string())
}

/// What is said of one that expires soon, with the mend; nothing of one that does not.
#[must_use]
pub fn expiring_text(slot: &Slot, credential: &Credential, now: OffsetDateTime) -> Option<String> {
    let expires = credential.expires?;
    if expires <= now {
        return Some(expired_text(slot, credential, expires));
    }
    (expires - now <= SOON).then(|| {
        format!(
            "{} expires {}, in {}; {}",
            of_whom(slot, credential),
            said_expiry(expires),
            time_left(expires, now),
            mend(slot, credential)
        )
    })
}

/// How long it is until then.
#[must_use]
pub fn time_left(expires: OffsetDateTime, now: OffsetDateTime) -> String {
    let (count, unit) = units_left(expires, now);
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How many days it is until then, or hours on the last one; what has begun counts.
#[must_use]
pub fn units_left(expires: OffsetDateTime, now: OffsetDateTime) -> (i64, &'static str) {
    let left = (expires - now).max(Duration::ZERO);
    let (unit, name) = if left > Duration::DAY {
        (Duration::DAY, "day")
    } else {
        (Duration::HOUR, "hour")
    };
    let count = (left.whole_seconds() + unit.whole_seconds() - 1) / unit.whole_seconds();
    (count, name)
}

/// A slot as a person names it.
#[must_use]
pub fn named(slot: &Slot) -> String {
    let (server, profile) = (printable(&slot.server().to_string()), slot.profile());
    if profile.is_default() {
        server
    } else {
        format!("{server}, profile {profile}")
    }
}

/// Where the secret is kept.
#[must_use]
pub fn place(secret: &KeptSecret) -> String {
    match secret {
        KeptSecret::Here(_) => "here".to_owned(),
        KeptSecret::Elsewhere(reference) => reference.to_string(),
    }
}

fn of_whom(slot: &Slot, credential: &Credential) -> String {
    // A helper names its own, and only when it is asked.
    let account = credential
        .known_account()
        .map_or_else(String::new, |account| format!(" of {account}"));
    format!("{}: the credential{account}", slot.server())
}

/// What is said of a slot that does not open, with the mend.
#[must_use]
pub fn unopened_text(slot: &Slot, error: &StoreError) -> String {
    let text = error.to_string();
    match (error, removal(slot), text.rsplit_once("; ")) {
        (
            StoreError::Slot {
                why: Unopened::Damaged,
                ..
            },
            Some(removal),
            Some((what, _)),
        ) => format!("{what}; {removal}, or name another with --profile"),
        _ => text,
    }
}

/// What empties a slot that does not open; `None` where docker's own logout does.
#[must_use]
pub fn removal(slot: &Slot) -> Option<String> {
    let is_dockers = slot.profile().is_default() && !matches!(slot.server(), Server::Prefix { .. });
    (!is_dockers).then(|| {
        format!(
            "docker-credential-scoped remove {}{}",
            quoted(&slot.server().to_string()),
            profile_option(slot.profile())
        )
    })
}

/// What helps where one has expired, or does soon.
#[must_use]
pub fn mend(slot: &Slot, credential: &Credential) -> String {
    if credential.origin == Origin::Declared {
        return "renew it, and say in settings.json until when it is good".to_owned();
    }
    if let Some(mend) = session_mend(slot, credential) {
        return mend;
    }
    if let Some(id) = &credential.token_id {
        let organization = match credential.kind {
            Kind::OrganizationAccessToken => format!(" --org {}", quoted(&credential.account)),
            _ => String::new(),
        };
        return format!("renew it: docker-credential-scoped hub token rotate {id}{organization}");
    }
    let add = format!(
        "docker-credential-scoped add {}{}",
        quoted(&slot.server().to_string()),
        profile_option(slot.profile())
    );
    match credential.secret {
        KeptSecret::Here(_) => format!("replace it: {add}"),
        KeptSecret::Elsewhere(_) => format!("renew it, and say until when it is good: {add} --expires WHEN"),
    }
}

/// What helps where a session token is good no more; nothing of what is none.
#[must_use]
pub fn session_mend<Secret>(slot: &Slot, credential: &Credential<Secret>) -> Option<String> {
    let profile = slot.profile();
    match (credential.kind, credential.is_started_session()) {
        (Kind::SessionToken, false) => Some("log in again: docker login".to_owned()),
        (Kind::SessionToken, true) if profile.as_str() == SESSION_PROFILE => {
            Some("start another session: docker-credential-scoped session start".to_owned())
        }
        (Kind::SessionToken, true) => Some(format!(
            "start another session: docker-credential-scoped session start --profile {profile}"
        )),
        _ => None,
    }
}
