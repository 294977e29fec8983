//! Candidate: what is held that might manage tokens, and whether it can as far as that is known without asking anybody.
//!
//! That is what docker's browser login stored while it is fresh, or a password. docker's refresh token is left alone: it
//! may be good for a single use, and docker would be logged out. A bearer made from a token is refused by Docker Hub.

use std::collections::BTreeSet;

use anyhow::{Error, Result, bail};
use time::Duration;

use super::Desk;
use crate::command::credentials::{Found, expired_text, named};
use crate::command::{quoted, rfc3339};
use crate::credential::{Credential, KeptSecret, Kind, SecretReference, UsableCredential};
use crate::hub::{HubClaims, NotForManagement};
use crate::registry::{Claims, HubSessionToken, ScopeSet, Server};
use crate::secret::Secret;
use crate::store::Slot;

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
    pub(super) able: Result<Holding, String>,
}

/// What somebody signs in with.
#[derive(Debug)]
pub(super) enum Holding {
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

    /// Whether somebody may sign in with it by an address, which is not the account's name.
    #[must_use]
    pub fn is_by_address(&self) -> bool {
        self.able.is_ok() && self.account.as_ref().is_some_and(|name| name.contains('@'))
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
    for (slot, found) in credentials.of_registry(desk.registry(), &ScopeSet::default())? {
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
            Ok(Holding::AtHand(usable))
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
            "it does not say what it is for, and is sent nowhere; sign in again: docker login".to_owned(),
        );
    };
    if !audience.iter().any(|one| one.trim_end_matches('/') == api) {
        return Err(format!(
            "it is not for {api}, and is not sent there; keep a password"
        ));
    }
    let Some(expires) = expires else {
        return Err("it does not say until when it is good; sign in again: docker login".to_owned());
    };
    if expires <= desk.now {
        return Err(format!(
            "it expired {}; sign in again: docker login",
            rfc3339(expires)
        ));
    }
    if expires - desk.now < LEAST_LEFT {
        return Err(format!(
            "it expires {}; sign in again: docker login",
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
            able: Ok(Holding::ToFetch(credential.clone())),
        };
    }
    // What it is may be known once it is fetched, and whose.
    match fetch_password(&slot, credential, desk) {
        Ok(usable) => Candidate {
            slot,
            account: usable.known_account().map(str::to_owned),
            means: Means::Password,
            able: Ok(Holding::AtHand(usable)),
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
pub(super) fn fetch_password(
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
            "it logs in to the registry and manages no tokens; sign in with docker login in a browser, or with a \
             password"
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
    let who = account.map_or_else(|| "nobody can".to_owned(), |account| format!("{account} cannot"));
    match unable.as_slice() {
        [] if account.is_some() => bail!(
            "{who} manage tokens from here: nothing is held for it; {}",
            how_to_sign_in(desk)
        ),
        [] => bail!("{who} manage tokens from here; {}", how_to_sign_in(desk)),
        [(candidate, why)] => bail!(
            "{who} manage tokens from here: {}, {}: {why}",
            named(&candidate.slot),
            candidate.means.name()
        ),
        _ => bail!("{who} manage tokens from here; docker-credential-scoped hub status says why"),
    }
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
