//! Keep: put a login into the store and read it back. Never in place of another.

use std::cell::RefCell;

use thiserror::Error;
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::client_config::Login;
use crate::command::recorder::{Activity, Recorder};
use crate::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin, Profile};
use crate::files::Location;
use crate::registry::ServerUrl;
use crate::secret::Secret;
use crate::store::{CredentialStore, Slot, StoreError};

/// Keeps logins in one profile.
pub(super) struct Keeper<'a> {
    pub(super) profile: &'a Profile,
    pub(super) store: &'a CredentialStore,
    pub(super) recorder: &'a Recorder,
    pub(super) now: OffsetDateTime,
    pub(super) is_dry_run: bool,
    /// Where the turn to change a file is had.
    pub(super) data: Option<Location>,
    /// What a dry run would have kept by now.
    pub(super) would: RefCell<Vec<(ServerUrl, String, Secret)>>,
}

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It was held before.
    Already,
    /// It is held now, and was read back.
    New,
    /// It would be held, were this not a dry run.
    Would,
}

/// Why a login is not held. The mend is part of the text.
#[derive(Debug, Error)]
pub(super) enum NotKept {
    #[error("another credential is stored for it (account {account}); erase that one first")]
    Conflict { account: String },
    #[error("it could not be read back as it was stored; run docker-credential-scoped status")]
    ReadBack,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Keeper<'_> {
    /// Puts a login into its slot, unless the slot holds another.
    pub(super) fn keep(&self, server_url: ServerUrl, login: &Login) -> Result<Kept, NotKept> {
        let slot = Slot::new(server_url.server().clone(), self.profile.clone());
        if self.is_dry_run {
            return match self.store.get(&slot)? {
                Some(held) => left_alone(&held.credential, login),
                None => self.would_keep(server_url, login),
            };
        }
        let credential = Credential {
            // A personal access token that docker's browser login got is not told from another here: nobody knows when
            // either was stored.
            kind: Kind::of(&login.account, &login.secret),
            token_id: None,
            account: login.account.clone(),
            secret: KeptSecret::Here(login.secret.clone()),
            allowed: AllowedScopes::Unknown,
            expires: None,
            created: Some(self.now),
            origin: Origin::Import,
            server_url,
        };
        // Who logs in meanwhile is not to find another login in place of his own.
        let put = self.store.change(&slot, self.now, |before| match before {
            Some(held) => Err(Unput(left_alone(held, login))),
            None => Ok(credential),
        });
        if let Err(Unput(why)) = put {
            return why;
        }
        let account = Some(login.account.as_str());
        self.recorder
            .record(Activity::of(Action::Import, &slot, account), self.now);
        match self.store.get(&slot)? {
            Some(held) if is_same(&held.credential, login) => Ok(Kept::New),
            Some(_) | None => Err(NotKept::ReadBack),
        }
    }

    fn would_keep(&self, server_url: ServerUrl, login: &Login) -> Result<Kept, NotKept> {
        let mut would = self.would.borrow_mut();
        match would.iter().find(|(other, ..)| *other == server_url) {
            Some((_, account, secret)) if *account == login.account && secret.is_same_as(&login.secret) => {
                Ok(Kept::Already)
            }
            Some((_, account, _)) => Err(NotKept::Conflict {
                account: account.clone(),
            }),
            None => {
                would.push((server_url, login.account.clone(), login.secret.clone()));
                Ok(Kept::Would)
            }
        }
    }
}

/// What became of a login where the slot holds something: for that it was not put there.
struct Unput(Result<Kept, NotKept>);

impl From<StoreError> for Unput {
    fn from(error: StoreError) -> Self {
        Self(Err(error.into()))
    }
}

fn left_alone(held: &Credential, login: &Login) -> Result<Kept, NotKept> {
    if is_same(held, login) {
        Ok(Kept::Already)
    } else {
        Err(NotKept::Conflict {
            account: held.account.clone(),
        })
    }
}

fn is_same(held: &Credential, login: &Login) -> bool {
    held.account == login.account && held.secret.is(&login.secret)
}
