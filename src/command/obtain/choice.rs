//! Choice: which credential a token is asked for with.

use std::cmp::Reverse;

use anyhow::{Result, anyhow, bail};
use thiserror::Error;
use time::OffsetDateTime;

use super::Wanted;
use crate::command::credentials::{Credentials, Found, expired_text, mend, said_expiry, unopened_text};
use crate::credential::{Candidate, Profile, UsableCredential, Verdict, select};
use crate::registry::{ScopeSet, Server};
use crate::store::{Slot, StoreError};

/// The slot whose credential is used, and what is in it; `None` for nobody's.
///
/// In a profile that is named it is the longest prefix that all of the request lies in, else the registry's: whoever
/// names one has chosen, and what it may do the registry says. Without a name it is the one that may do least of those
/// that cover the request; without a scope either, the default profile's, as docker's own login has it.
pub(crate) fn choose(
    wanted: &Wanted,
    credentials: Credentials<'_>,
    now: OffsetDateTime,
) -> Result<Option<(Slot, Found)>> {
    let chosen = match &wanted.profile {
        Some(profile) => in_profile(profile, wanted, credentials)?,
        None if wanted.scope.is_empty() => in_profile(&Profile::default(), wanted, credentials)?,
        None => return least(wanted, credentials, now),
    };
    if let Some((slot, found)) = &chosen
        && let Some(expired) = found.credential().expired(now)
    {
        bail!(Unusable {
            slot: slot.clone(),
            account: Some(found.credential().account.clone()),
            why: expired_text(slot, found.credential(), expired),
        });
    }
    Ok(chosen)
}

/// The one credential that would be used cannot be.
#[derive(Debug, Error)]
#[error("{why}")]
pub(super) struct Unusable {
    /// Where it is.
    pub(super) slot: Slot,
    /// Whose it is, where that can be told.
    pub(super) account: Option<String>,
    why: String,
}

impl Unusable {
    fn unopened(slot: Slot, error: &StoreError) -> Self {
        Self {
            why: unopened_text(&slot, error),
            slot,
            account: None,
        }
    }
}

/// The slot of the registry as a whole, in the profile that is named or the default one.
pub(super) fn whole(wanted: &Wanted) -> Slot {
    let profile = wanted.profile.clone().unwrap_or_default();
    Slot::new(Server::Registry(wanted.registry.clone()), profile)
}

/// The credential with its secret at hand.
pub(super) fn fetch(slot: &Slot, found: &Found, credentials: Credentials<'_>) -> Result<UsableCredential> {
    credentials
        .fetch(found.credential())?
        .ok_or_else(|| anyhow!("{}: credentials not found in native keychain", slot.server()))
}

fn in_profile(
    profile: &Profile,
    wanted: &Wanted,
    credentials: Credentials<'_>,
) -> Result<Option<(Slot, Found)>> {
    let path = common_path(&wanted.scope);
    let server = match path {
        Some(path) => Server::Prefix {
            registry: wanted.registry.clone(),
            path,
        },
        None => Server::Registry(wanted.registry.clone()),
    };
    let whole = Server::Registry(wanted.registry.clone());
    let is_whole = server == whole;
    for candidate in server.answered_by().chain((!is_whole).then_some(whole)) {
        let slot = Slot::new(candidate, profile.clone());
        match credentials.get(&slot) {
            Ok(None) => {}
            Ok(Some(found)) => return Ok(Some((slot, found))),
            Err(error) => bail!(Unusable::unopened(slot, &error)),
        }
    }
    Ok(None)
}

/// The longest path that all repositories of the request lie in; `None` where there is none, or something else is asked.
fn common_path(scope: &ScopeSet) -> Option<String> {
    let mut common: Option<Vec<String>> = None;
    for scope in scope.iter() {
        let resource = scope.resource();
        if resource.kind() != "repository" {
            return None;
        }
        let components: Vec<_> = resource.name().split('/').map(str::to_owned).collect();
        common = Some(match common {
            None => components,
            Some(before) => {
                let same = before
                    .iter()
                    .zip(&components)
                    .take_while(|(one, other)| one == other);
                same.map(|(one, _)| one.clone()).collect()
            }
        });
    }
    common
        .map(|components| components.join("/"))
        .filter(|path| !path.is_empty())
}

fn least(
    wanted: &Wanted,
    credentials: Credentials<'_>,
    now: OffsetDateTime,
) -> Result<Option<(Slot, Found)>> {
    let Judged {
        mut found,
        verdicts,
        unopened,
    } = judge(wanted, credentials, now)?;
    // It may be the one: held and not opened is not the same as not held, and another may do more. Of several the one
    // that `get` would say it of.
    let path = |slot: &Slot| match slot.server() {
        Server::Prefix { path, .. } => path.len(),
        Server::HubSession(_) | Server::Registry(_) | Server::UnknownScheme(_) => 0,
    };
    if let Some((slot, error)) = unopened
        .into_iter()
        .min_by_key(|(slot, _)| (!slot.profile().is_default(), Reverse(path(slot))))
    {
        bail!(Unusable::unopened(slot, &error));
    }
    if let Some(chosen) = verdicts.iter().position(Verdict::is_chosen) {
        return Ok(Some(found.swap_remove(chosen)));
    }
    if found.is_empty() {
        return Ok(None);
    }
    let reasons = found.iter().zip(&verdicts).map(|((slot, held), verdict)| {
        let name = name(slot);
        match verdict {
            Verdict::Expired(expired) => {
                let mend = mend(slot, held.credential());
                format!("{name} expired {} ({mend})", said_expiry(*expired))
            }
            Verdict::Lacks(scopes) => format!("{name} lacks {scopes}"),
            // None was chosen, so none of them was chosen before it.
            Verdict::Chosen
            | Verdict::ChosenIfPublic
            | Verdict::Later
            | Verdict::OnlyPublic
            | Verdict::Wider => name,
        }
    });
    bail!(
        "{}: no stored credential may do {}: {}",
        wanted.registry,
        wanted.scope,
        reasons.collect::<Vec<_>>().join("; ")
    );
}

/// What is held for what a request concerns, and what is to be said of each.
pub(crate) struct Judged {
    /// What could be opened.
    pub(crate) found: Vec<(Slot, Found)>,
    /// The verdict on each of them.
    pub(crate) verdicts: Vec<Verdict>,
    /// What could not be opened.
    pub(crate) unopened: Vec<(Slot, StoreError)>,
}

/// Judges all that is held for what the request concerns.
pub(crate) fn judge(
    wanted: &Wanted,
    credentials: Credentials<'_>,
    now: OffsetDateTime,
) -> Result<Judged, StoreError> {
    let mut unopened = Vec::new();
    let mut found = Vec::new();
    for (slot, held) in credentials.of_registry(&wanted.registry, &wanted.scope)? {
        if !concerns(&slot, &wanted.scope) {
            continue;
        }
        match held {
            Ok(held) => found.push((slot, held)),
            Err(error) => unopened.push((slot, error)),
        }
    }
    let candidates: Vec<_> = found.iter().map(|(slot, found)| candidate(slot, found)).collect();
    let verdicts = select(&wanted.scope, &candidates, now);
    Ok(Judged {
        found,
        verdicts,
        unopened,
    })
}

/// Whether anything of a request lies in what the slot is for: what is kept for another part has no say.
pub(crate) fn concerns(slot: &Slot, scope: &ScopeSet) -> bool {
    let Server::Prefix { path, .. } = slot.server() else {
        return true;
    };
    scope.iter().any(|scope| {
        let name = scope.resource().name();
        name == path
            || name
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// A credential as one of those that may be chosen.
pub(crate) fn candidate<'a>(slot: &'a Slot, found: &'a Found) -> Candidate<'a> {
    let credential = found.credential();
    Candidate {
        server: slot.server(),
        profile: slot.profile(),
        allowed: &credential.allowed,
        expires: credential.expires,
    }
}

/// A slot as it is called among those of one registry.
pub(crate) fn name(slot: &Slot) -> String {
    match slot.server() {
        Server::Prefix { path, .. } => format!("profile {} for {path}", slot.profile()),
        Server::HubSession(_) | Server::Registry(_) | Server::UnknownScheme(_) => {
            format!("profile {}", slot.profile())
        }
    }
}
