//! Management: who may manage tokens from here, and the calls made as that account.
//!
//! That is what docker's browser login stored while it is fresh, or a password. docker's refresh token is left alone: it
//! may be good for a single use, and docker would be logged out. A bearer made from a token is refused by Docker Hub.

use std::cell::RefCell;
use std::collections::BTreeSet;

use anyhow::{Error, Result, anyhow, bail};
use thiserror::Error;
use time::{Duration, OffsetDateTime};

use super::Desk;
use crate::command::credentials::{Found, expired_text, named};
use crate::command::{forget_tokens_of, quoted, rfc3339, subject};
use crate::credential::{Credential, KeptSecret, Kind, SecretReference, TokenId, UsableCredential};
use crate::hub::{
    Change, Created, Hub, HubClaims, HubError, HubToken, NewToken, NotForManagement, Owner, Revoked,
};
use crate::registry::{AccessToken, Claims, HubSessionToken, ScopeSet, Server};
use crate::secret::Secret;
use crate::store::Slot;
use crate::token_cache::{Unobtained, Wanted};

/// What has to be left of docker's own sign-in for another command to begin with it.
const LEAST_LEFT: Duration = Duration::minutes(1);

/// How somebody would manage tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Means {
    /// What docker's browser login stored for that.
    BrowserLogin,
    /// A password.
    Password,
    /// Something that manages nothing.
    Other(&'static str),
}

impl Means {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BrowserLogin => "docker login in a browser",
            Self::Password => "password",
            Self::Other(name) => name,
        }
    }
}

/// What is held that might manage tokens.
#[derive(Debug)]
pub struct Candidate {
    /// Where it is held.
    pub slot: Slot,
    /// Whose it is; `None` where that cannot be told.
    pub account: Option<String>,
    /// What it is.
    pub means: Means,
    /// What it is used with, or why it manages nothing, with the mend.
    able: Result<Proof, String>,
}

/// What somebody signs in with.
#[derive(Debug)]
enum Proof {
    /// The secret is here.
    AtHand(UsableCredential),
    /// A program has it, which is run for who is chosen: it may ask somebody something.
    ToFetch(Credential),
}

impl Candidate {
    /// Why it manages nothing, as far as that is known without asking.
    #[must_use]
    pub fn unable(&self) -> Option<&str> {
        self.able.as_ref().err().map(String::as_str)
    }
}

/// All that is held, of every profile, that might manage tokens or is taken for it. Docker's browser login comes first,
/// then passwords, then what manages nothing; within each the default profile.
pub fn candidates(desk: Desk<'_>) -> Result<Vec<Candidate>> {
    let credentials = desk.rooms.credentials;
    let mut all = Vec::new();
    let browser = Server::HubSession(HubSessionToken::Access);
    let entries = credentials.store.entries()?;
    for declared in credentials.declared_beside(&entries) {
        if *declared.server.server() == browser {
            let slot = Slot::new(browser.clone(), declared.profile.clone());
            all.push(browser_login(slot, &Found::Declared(declared.credential()), desk));
        }
    }
    for entry in entries {
        if entry.server == browser.to_string() {
            let slot = Slot::new(browser.clone(), entry.profile);
            all.push(match entry.held {
                Ok(held) => browser_login(slot, &Found::Stored(held), desk),
                Err(error) => unopened(slot, Means::BrowserLogin, &error.into()),
            });
        }
    }
    for (slot, found) in credentials.of_registry(desk.registry())? {
        all.push(match found {
            Ok(found) => login(slot, &found, desk),
            Err(error) => unopened(slot, Means::Other("unknown"), &error.into()),
        });
    }
    all.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(all)
}

fn order(candidate: &Candidate) -> (Means, bool, &Slot) {
    let slot = &candidate.slot;
    (candidate.means, !slot.profile().is_default(), slot)
}

fn unopened(slot: Slot, means: Means, error: &Error) -> Candidate {
    Candidate {
        slot,
        account: None,
        means,
        able: Err(format!("{error:#}")),
    }
}

/// What docker's browser login stored: it is sent to the API that it says it is for, and to nobody else.
fn browser_login(slot: Slot, found: &Found, desk: Desk<'_>) -> Candidate {
    let credential = found.credential();
    let fetched = fetch(&slot, credential, desk);
    let claims = fetched
        .as_ref()
        .ok()
        .map(|usable| HubClaims::read(&usable.secret.secret))
        .unwrap_or_default();
    Candidate {
        account: claims
            .username
            .clone()
            .or_else(|| credential.known_account().map(str::to_owned)),
        means: Means::BrowserLogin,
        able: fetched.and_then(|usable| {
            check_browser_login(&usable.secret.secret, &claims, desk)?;
            Ok(Proof::AtHand(usable))
        }),
        slot,
    }
}

fn check_browser_login(token: &Secret, claims: &HubClaims, desk: Desk<'_>) -> Result<(), String> {
    let api = desk.reach.settings().api.origin().ascii_serialization();
    let Some(Claims {
        audience, expires, ..
    }) = Claims::read(token)
    else {
        return Err(
            "does not say what it is for, and is sent nowhere; sign in again: docker login".to_owned(),
        );
    };
    if !audience.iter().any(|one| one.trim_end_matches('/') == api) {
        return Err(format!(
            "is not for {api}, and is not sent there; keep a password"
        ));
    }
    let Some(expires) = expires else {
        return Err("does not say until when it is good; sign in again: docker login".to_owned());
    };
    if expires <= desk.now {
        return Err(format!(
            "expired {}; sign in again: docker login",
            rfc3339(expires)
        ));
    }
    if expires - desk.now < LEAST_LEFT {
        return Err(format!(
            "expires {}; sign in again: docker login",
            rfc3339(expires)
        ));
    }
    claims.may_manage().map_err(|why| why.to_string())
}

/// What logs in to the registry: of all that does, a password manages tokens, too.
fn login(slot: Slot, found: &Found, desk: Desk<'_>) -> Candidate {
    let credential = found.credential();
    let known = credential.known_account().map(str::to_owned);
    if let Some((means, why)) = manages_nothing(credential.kind) {
        return Candidate {
            slot,
            account: known,
            means,
            able: Err(why),
        };
    }
    let is_programs = matches!(
        credential.secret,
        KeptSecret::Elsewhere(SecretReference::Command(_) | SecretReference::Helper(_))
    );
    if is_programs && known.is_some() && credential.expired(desk.now).is_none() {
        return Candidate {
            slot,
            account: known,
            means: Means::Password,
            able: Ok(Proof::ToFetch(credential.clone())),
        };
    }
    // What it is may be known once it is fetched, and whose.
    match fetch_password(&slot, credential, desk) {
        Ok(usable) => Candidate {
            slot,
            account: usable.known_account().map(str::to_owned),
            means: Means::Password,
            able: Ok(Proof::AtHand(usable)),
        },
        Err((means, why)) => Candidate {
            slot,
            account: known,
            means,
            able: Err(why),
        },
    }
}

/// What is a password once it is fetched; or what it is, and why it manages nothing.
fn fetch_password(
    slot: &Slot,
    credential: &Credential,
    desk: Desk<'_>,
) -> Result<UsableCredential, (Means, String)> {
    let usable = fetch(slot, credential, desk).map_err(|why| (Means::Password, why))?;
    match manages_nothing(usable.kind) {
        Some(nothing) => Err(nothing),
        None => Ok(usable),
    }
}

fn manages_nothing(kind: Kind) -> Option<(Means, String)> {
    let why = match kind {
        Kind::Password => return None,
        Kind::IdentityToken => {
            "it logs in to the registry and manages no tokens; sign in with docker login in a \
                                browser, or with a password"
                .to_owned()
        }
        Kind::OrganizationAccessToken => NotForManagement::OrganizationToken.to_string(),
        Kind::PersonalAccessToken | Kind::SessionToken => NotForManagement::PersonalToken.to_string(),
    };
    Some((Means::Other(kind.name()), why))
}

fn fetch(slot: &Slot, credential: &Credential, desk: Desk<'_>) -> Result<UsableCredential, String> {
    if let Some(expired) = credential.expired(desk.now) {
        return Err(expired_text(slot, credential, expired));
    }
    match desk.rooms.credentials.fetch(credential) {
        Ok(Some(usable)) => Ok(usable),
        Ok(None) => Err("there is none by now where it is kept".to_owned()),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// The account that manages tokens from here: the only one, the one that is named, or the default profile's.
pub fn choose<'a>(candidates: &'a [Candidate], account: Option<&str>, desk: Desk<'_>) -> Result<&'a str> {
    let able = |is_wanted: &dyn Fn(&Candidate) -> bool| -> BTreeSet<&'a str> {
        candidates
            .iter()
            .filter(|candidate| candidate.able.is_ok() && is_wanted(candidate))
            .filter_map(|candidate| candidate.account.as_deref())
            .collect()
    };
    let is_wanted =
        |candidate: &Candidate| account.is_none_or(|account| candidate.account.as_deref() == Some(account));
    let all = able(&is_wanted);
    let of_default = able(&|candidate| is_wanted(candidate) && candidate.slot.profile().is_default());
    let only = |accounts: &BTreeSet<&'a str>| match accounts.len() {
        1 => accounts.first().copied(),
        _ => None,
    };
    if let Some(account) = only(&all).or_else(|| only(&of_default)) {
        return Ok(account);
    }
    if !all.is_empty() {
        let names: Vec<_> = all.into_iter().collect();
        bail!(
            "several accounts can manage tokens from here, {}; name one with --account",
            names.join(", ")
        );
    }
    let unable: Vec<_> = candidates
        .iter()
        .filter(|candidate| is_wanted(candidate))
        .filter_map(|candidate| Some((candidate, candidate.unable()?)))
        .collect();
    match (unable.as_slice(), account) {
        ([(candidate, why)], _) => bail!("{}", cannot(candidate, why)),
        ([], None) => bail!("nobody can manage tokens from here; {}", how_to_sign_in(desk)),
        ([], Some(account)) => bail!(
            "{account} cannot manage tokens from here: nothing is held for it; {}",
            how_to_sign_in(desk)
        ),
        (_, None) => {
            bail!("nobody can manage tokens from here; docker-credential-scoped hub status says why")
        }
        (_, Some(account)) => {
            bail!("{account} cannot manage tokens from here; docker-credential-scoped hub status says why")
        }
    }
}

/// Why a candidate manages nothing, with what it is.
fn cannot(candidate: &Candidate, why: &str) -> String {
    let of = candidate
        .account
        .as_deref()
        .map_or_else(String::new, |account| format!(" of {account}"));
    format!(
        "{} cannot manage tokens: the {}{of}: {why}",
        named(&candidate.slot),
        candidate.means.name()
    )
}

/// What there is to do where nothing is held that manages tokens.
#[must_use]
pub fn how_to_sign_in(desk: Desk<'_>) -> String {
    let server = quoted(&desk.registry().to_string());
    format!(
        "sign in with docker login in a browser, or keep a password: docker-credential-scoped add {server} --username \
         NAME --profile NAME"
    )
}

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

impl<'a> Manager<'a> {
    /// Signs in as this account, or as the one that manages tokens from here. Docker's own sign-in is used before a
    /// password, and another where one is refused.
    pub fn choose(account: Option<&str>, desk: Desk<'a>) -> Result<Self> {
        let candidates = candidates(desk)?;
        let account = choose(&candidates, account, desk)?.to_owned();
        let mut first = None;
        for candidate in candidates {
            if candidate.account.as_deref() != Some(account.as_str()) || candidate.able.is_err() {
                continue;
            }
            match Self::sign_in(candidate, desk) {
                Ok(manager) => return Ok(manager),
                Err(Unsigned::Hub(
                    error @ (HubError::Answer { .. }
                    | HubError::Busy { .. }
                    | HubError::Http(_)
                    | HubError::Status { .. }),
                )) => return Err(error.into()),
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

    /// Signs in with what a candidate has.
    pub fn sign_in(candidate: Candidate, desk: Desk<'a>) -> Result<Self, Unsigned> {
        let Candidate {
            slot,
            account,
            means,
            able,
        } = candidate;
        let credential = match able.map_err(Unsigned::Unable)? {
            Proof::AtHand(usable) => usable,
            Proof::ToFetch(credential) => {
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
