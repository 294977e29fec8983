//! Management: an account that manages tokens from here, and the calls that are made as that account.

use std::cell::RefCell;

use anyhow::{Error, Result, anyhow};
use thiserror::Error;
use time::OffsetDateTime;

use super::Desk;
use super::candidate::{Candidate, Holding, Means, candidates, choose, fetch_password};
use crate::command::{forget_tokens_of, rfc3339, subject};
use crate::credential::{Clocks, TokenId, UsableCredential};
use crate::hub::{Change, Created, Hub, HubClaims, HubError, HubToken, NewToken, Owner, Revoked};
use crate::registry::{AccessToken, Claims, ScopeSet};
use crate::secret::Secret;
use crate::store::Slot;
use crate::token_cache::{Unobtained, Wanted};

/// An account that manages tokens from here, signed in.
pub struct Manager<'a> {
    desk: Desk<'a>,
    hub: Hub<'a>,
    account: String,
    slot: Slot,
    means: Means,
    credential: UsableCredential,
    bearer: RefCell<Bearer>,
}

struct Bearer {
    secret: Secret,
    /// Until when.
    expires: Option<OffsetDateTime>,
}

/// Why somebody who might is not signed in.
#[derive(Debug, Error)]
pub enum Unsigned {
    /// Docker Hub says so, or does not answer.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// It said so a moment ago.
    #[error("{word}; not asked again before {}", rfc3339(*until))]
    Refused {
        /// Its words.
        word: String,
        /// Until when it is not asked.
        until: OffsetDateTime,
    },
    /// It is known without asking.
    #[error("{0}")]
    Unable(String),
}

impl Unsigned {
    /// Whether it would be the same with whatever else is kept.
    fn is_everybodys(&self) -> bool {
        matches!(
            self,
            Self::Hub(
                HubError::Answer { .. } | HubError::Busy { .. } | HubError::Http(_) | HubError::Status { .. }
            )
        )
    }
}

impl<'a> Manager<'a> {
    /// Signs in as this account, or as the one that manages tokens from here. Docker's own sign-in is used before a
    /// password, and another where one is refused.
    pub fn choose(account: Option<&str>, desk: Desk<'a>) -> Result<Self> {
        let candidates = candidates(desk)?;
        let account = match (choose(&candidates, account, desk), account) {
            (Ok(account), _) => account.to_owned(),
            (Err(error), Some(account)) => return Self::by_address(account, candidates, desk)?.ok_or(error),
            (Err(error), None) => return Err(error),
        };
        let mut first = None;
        for candidate in candidates {
            if candidate.account.as_deref() != Some(account.as_str()) || candidate.able.is_err() {
                continue;
            }
            match Self::sign_in(candidate, desk) {
                Ok(manager) => return Ok(manager),
                Err(error) if error.is_everybodys() => return Err(error.into()),
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.map_or_else(
            || anyhow!("{account} cannot manage tokens from here"),
            Error::from,
        ))
    }

    /// Signs in as this account with what is kept for somebody's address: whose that is, only Docker Hub knows.
    fn by_address(account: &str, candidates: Vec<Candidate>, desk: Desk<'a>) -> Result<Option<Self>> {
        for candidate in candidates.into_iter().filter(Candidate::is_by_address) {
            match Self::sign_in(candidate, desk) {
                Ok(manager) if manager.account() == account => return Ok(Some(manager)),
                Err(error) if error.is_everybodys() => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Signs in with what a candidate has.
    pub fn sign_in(candidate: Candidate, desk: Desk<'a>) -> Result<Self, Unsigned> {
        let Candidate {
            slot,
            account,
            means,
            able,
        } = candidate;
        let credential = match able.map_err(Unsigned::Unable)? {
            Holding::AtHand(usable) => usable,
            Holding::ToFetch(credential) => {
                fetch_password(&slot, &credential, desk).map_err(|(_, why)| Unsigned::Unable(why))?
            }
        };
        let hub = desk.reach.hub();
        let bearer = match means {
            Means::Password => ask(&hub, &slot, &credential, desk)?,
            Means::BrowserLogin | Means::Other(_) => Bearer {
                secret: credential.secret.secret.clone(),
                expires: Claims::read(&credential.secret.secret).and_then(|claims| claims.expires),
            },
        };
        let claims = HubClaims::read(&bearer.secret);
        claims
            .may_manage()
            .map_err(|why| Unsigned::Hub(HubError::FromToken(why)))?;
        Ok(Self {
            desk,
            hub,
            // Who signs in with an address is somebody all the same, and tokens log in by that name.
            account: claims.username.or(account).unwrap_or_default(),
            slot,
            means,
            credential,
            bearer: RefCell::new(bearer),
        })
    }

    /// The account's name at Docker Hub.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Until when it can go on: docker's own sign-in ends, and a password signs in again.
    #[must_use]
    pub fn until(&self) -> Option<OffsetDateTime> {
        match self.means {
            Means::BrowserLogin => self.bearer.borrow().expires,
            Means::Password | Means::Other(_) => None,
        }
    }

    /// How Docker Hub's clock and ours stand to each other.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        self.desk.clocks(self.hub.heard())
    }

    /// Which of Docker Hub's tokens one is, as signing in with it tells; `None` where that does not.
    pub fn identify(&self, account: &str, token: &Secret) -> Result<Option<TokenId>, HubError> {
        let bearer = self.hub.sign_in(account, token, self.desk.now)?;
        Ok(HubClaims::read(&bearer.token).personal_token())
    }

    /// All tokens of an owner. After each page, who waits hears how many were read.
    pub fn tokens(&self, owner: &Owner) -> Result<Vec<HubToken>, HubError> {
        let progress = self.desk.progress;
        self.call(|hub, bearer| hub.tokens(bearer, owner, &mut |read, of| progress(read, of)))
    }

    /// One token; `None` where there is none by that id.
    pub fn token(&self, owner: &Owner, id: &TokenId) -> Result<Option<HubToken>, HubError> {
        self.call(|hub, bearer| hub.token(bearer, owner, id))
    }

    /// Makes a token.
    pub fn create(&self, new: &NewToken) -> Result<Created, HubError> {
        self.call(|hub, bearer| hub.create(bearer, new))
    }

    /// Changes a token; `None` where there is none by that id.
    pub fn update(&self, owner: &Owner, id: &TokenId, change: &Change) -> Result<Option<HubToken>, HubError> {
        self.call(|hub, bearer| hub.update(bearer, owner, id, change))
    }

    /// Revokes a token.
    pub fn revoke(&self, owner: &Owner, id: &TokenId) -> Result<Revoked, HubError> {
        self.call(|hub, bearer| hub.revoke(bearer, owner, id))
    }

    /// Does it; and once more where a bearer that was remembered is not taken any more, with a new one. What was
    /// refused so was not done.
    fn call<T>(&self, call: impl Fn(&Hub<'a>, &Secret) -> Result<T, HubError>) -> Result<T, HubError> {
        let secret = self.bearer.borrow().secret.clone();
        match call(&self.hub, &secret) {
            Err(HubError::Unauthorized { .. }) if self.means == Means::Password => {
                let name = self.slot.file_name();
                forget_tokens_of(
                    &subject(&name, &self.credential),
                    std::slice::from_ref(self.desk.rooms.cache),
                );
                match ask(&self.hub, &self.slot, &self.credential, self.desk) {
                    Ok(bearer) => {
                        let secret = bearer.secret.clone();
                        self.bearer.replace(bearer);
                        call(&self.hub, &secret)
                    }
                    Err(Unsigned::Hub(error)) => Err(error),
                    // Somebody else's, a moment ago: this one was not taken either.
                    Err(_) => call(&self.hub, &secret),
                }
                .map_err(|error| match error {
                    HubError::Unauthorized { server, .. } => HubError::Unauthorized { server, is_new: true },
                    error => error,
                })
            }
            result => result,
        }
    }
}

/// A bearer for a password: the one that is remembered, or a new one.
fn ask(
    hub: &Hub<'_>,
    slot: &Slot,
    credential: &UsableCredential,
    desk: Desk<'_>,
) -> Result<Bearer, Unsigned> {
    let (name, server) = (slot.file_name(), desk.registry().to_string());
    let (api, scope) = (&desk.reach.settings().api, ScopeSet::default());
    let wanted = Wanted {
        server: &server,
        subject: Some(subject(&name, credential)),
        // No realm is there: what is had from one is no bearer, and the other way round.
        realm: api.as_str(),
        service: None,
        scope: &scope,
    };
    let cache = desk.rooms.cache;
    let result = cache.obtain(
        &cache.ticket(wanted),
        desk.now,
        || hub.sign_in(&credential.account, &credential.secret.secret, desk.now),
        |error: &HubError| {
            matches!(error, HubError::SignIn { .. } | HubError::SecondFactor { .. })
                .then(|| error.to_string())
        },
    );
    match result {
        Ok(AccessToken { token, expires, .. }) => Ok(Bearer {
            secret: token,
            expires: Some(expires),
        }),
        Err(Unobtained::Failed(error)) => Err(error.into()),
        Err(Unobtained::Refused { word, until }) => Err(Unsigned::Refused { word, until }),
    }
}
