//! Nameless: what docker's browser login stored, or was taken for that. docker is not told which of Docker Hub's tokens it
//! has; signing in with it once tells, and then it is written down.

use std::collections::BTreeMap;

use anyhow::Result;

use super::sessions::name;
use crate::command::credentials::named;
use crate::command::hub::{Desk, Manager};
use crate::credential::{Credential, KeptSecret, Kind, Listed, TokenId, kind_of_stored};
use crate::hub::{HubError, HubToken};
use crate::store::{Held, Slot};

/// What is known now of those that were nameless.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What is left as it is, and why: a line for each.
    pub(super) left: Vec<String>,
    /// Whether any of Docker Hub's tokens may be one of them.
    pub(super) is_one_unknown: bool,
}

/// Finds out which of the listed tokens those are that are held here under no id, and writes that down. What was made by
/// hand, and what cannot be told, is taken out of what is held.
///
/// The list was read before: who signs in with a token uses it. A dry run therefore does not, and leaves them all.
pub(super) fn tell(
    held: &mut BTreeMap<Slot, Held>,
    listed: &[HubToken],
    is_dry_run: bool,
    manager: &Manager<'_>,
    desk: Desk<'_>,
) -> Result<Told> {
    let mut told = Told::default();
    // Several profiles may have one token.
    let mut asked: Vec<(KeptSecret, Result<Option<TokenId>, HubError>)> = Vec::new();
    let nameless: Vec<Slot> = held
        .iter()
        .filter(|(_, held)| held.credential.token_id.is_none())
        .map(|(slot, _)| slot.clone())
        .collect();
    for slot in nameless {
        let Some(one) = held.get_mut(&slot) else {
            continue;
        };
        let KeptSecret::Here(secret) = &one.credential.secret else {
            held.remove(&slot);
            continue;
        };
        let known = asked
            .iter()
            .position(|(other, _)| other.is_same_as(&one.credential.secret));
        let what = if is_dry_run {
            // Used, it would come before others when it is pruned in earnest.
            unknown(
                "a dry run does not sign in with it, which Docker Hub would count as a use",
                true,
            )
        } else {
            let place = known.unwrap_or_else(|| {
                let answer = manager.identify(&one.credential.account, secret);
                asked.push((one.credential.secret.clone(), answer));
                asked.len() - 1
            });
            what_it_is(asked.get(place).map(|(_, answer)| answer), listed)
        };
        match what {
            What::Is(token, kind) => {
                let learnt = Credential {
                    kind,
                    token_id: Some(token.id.clone()),
                    ..one.credential.clone()
                };
                let store = desk.rooms.credentials.store;
                let is_there = store.describe(&slot, &one.credential, &learnt, desk.now)?;
                if kind == Kind::SessionToken && is_there {
                    one.credential = learnt;
                    continue;
                }
                if is_there {
                    told.left.push(format!(
                        "{}: left: {} was made by hand, and is no session token",
                        named(&slot),
                        name(token)
                    ));
                }
            }
            What::Unknown { why, may_be_listed } => {
                told.is_one_unknown |= may_be_listed;
                told.left.push(format!(
                    "{}: left, and not counted: which of Docker Hub's tokens it is cannot be told: {why}",
                    named(&slot)
                ));
            }
        }
        held.remove(&slot);
    }
    Ok(told)
}

/// What one of them is.
enum What<'a> {
    Is(&'a HubToken, Kind),
    Unknown { why: String, may_be_listed: bool },
}

fn unknown<'a>(why: &str, may_be_listed: bool) -> What<'a> {
    What::Unknown {
        why: why.to_owned(),
        may_be_listed,
    }
}

fn what_it_is<'a>(answer: Option<&Result<Option<TokenId>, HubError>>, listed: &'a [HubToken]) -> What<'a> {
    let id = match answer {
        Some(Ok(Some(id))) => id,
        Some(Err(HubError::SignIn { server })) => {
            return unknown(
                &format!("{server} takes it no more; remove it with docker logout"),
                true,
            );
        }
        Some(Err(error)) => return unknown(&error.to_string(), true),
        Some(Ok(None)) | None => return unknown("signing in with it does not say", true),
    };
    let Some(token) = listed.iter().find(|token| token.id == *id) else {
        return unknown(&format!("{id} is not in the list"), false);
    };
    let HubToken {
        id, label, source, ..
    } = token;
    match kind_of_stored(&Listed { id, label, source }) {
        Some(kind) => What::Is(token, kind),
        None => unknown(&format!("nobody says who made {}", name(token)), false),
    }
}
