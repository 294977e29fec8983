//! Sessions: the session tokens of an account, as Docker Hub and this machine tell of them together.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use time::{Duration, OffsetDateTime};

use crate::command::hub::held::remove_if;
use crate::command::hub::{Desk, Manager};
use crate::command::{printable, rfc3339};
use crate::credential::{
    Credential, KeptSecret, Kind, Listed, Machine, SessionLabel, SessionToken, Source, TokenId, is_session,
};
use crate::hub::{HubToken, Owner};
use crate::store::{Held, Slot};

/// How long before it is stored docker's browser login has its token made.
const BROWSER_LOGIN: Duration = Duration::minutes(5);

/// How far two clocks may differ.
const SKEW: Duration = Duration::minutes(1);

/// Which session tokens are meant.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Those that were started on this machine.
    Own(&'a Machine),
    /// All of the account that are surely such.
    All,
    /// Those, and whatever Docker Hub says was not made by hand.
    AllAutomatic,
}

/// The session tokens of an account.
#[derive(Debug)]
pub struct Sessions {
    /// One a token, or two: as Docker Hub knows it, and as it is held here.
    pub tokens: Vec<SessionToken<Slot>>,
    /// Those that are held here and that Docker Hub has no more, and where.
    pub gone: BTreeMap<TokenId, Vec<Slot>>,
    known: BTreeMap<TokenId, HubToken>,
    held: BTreeMap<Slot, Held>,
}

/// What became of a token's place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptied {
    /// It is empty now.
    Now,
    /// Something else was there already, or nothing.
    Before,
    /// The token was used since, and is still there.
    StillUsed,
}

impl Sessions {
    /// Asks Docker Hub for its list, and for those that are held here and not on it.
    pub fn read(which: Which<'_>, manager: &Manager<'_>, desk: Desk<'_>) -> Result<Self> {
        let listed = manager.tokens(&Owner::Account)?;
        // After the list: what is started meanwhile is then known from here.
        let mut sessions = Self::held(Some(manager.account()), desk)?;
        let recorded: BTreeSet<TokenId> = sessions.ids().cloned().collect();
        let is_recorded = |id: &TokenId| recorded.contains(id);
        let is_meant = |token: &HubToken| {
            let HubToken {
                id, label, source, ..
            } = token;
            let listed = Listed { id, label, source };
            match which {
                Which::Own(machine) => {
                    let of = label.parse::<SessionLabel>().ok();
                    is_recorded(id) || of.is_some_and(|label| label.machine == *machine)
                }
                Which::All => is_session(&listed, is_recorded, false),
                Which::AllAutomatic => is_session(&listed, is_recorded, true),
            }
        };
        for token in listed {
            if is_meant(&token) {
                sessions.known.insert(token.id.clone(), token);
            }
        }
        for id in recorded {
            if sessions.known.contains_key(&id) {
                continue;
            }
            if let Some(token) = manager.token(&Owner::Account, &id)? {
                sessions.known.insert(id, token);
            } else {
                let places = |token: SessionToken<Slot>| token.places;
                let gone = sessions
                    .tokens
                    .extract_if(.., |token| token.id.as_ref() == Some(&id));
                let slots = gone.flat_map(places).collect();
                sessions.gone.insert(id, slots);
            }
        }
        match which {
            // docker's own is ended by docker logout.
            Which::Own(_) => sessions.tokens.retain(|token| token.id.is_some()),
            Which::All => {}
            Which::AllAutomatic => sessions.pair(),
        }
        let listed: Vec<_> = sessions.known.values().map(of_hub).collect();
        sessions.tokens.extend(listed);
        Ok(sessions)
    }

    /// Those that are held here, of this account or of all.
    pub fn held(account: Option<&str>, desk: Desk<'_>) -> Result<Self> {
        let is_meant = |held: &Held| {
            held.credential.kind == Kind::SessionToken
                && account.is_none_or(|account| held.credential.account == account)
        };
        let stored = desk.rooms.credentials.store.of_registry(desk.registry())?;
        let held: BTreeMap<Slot, Held> = stored
            .into_iter()
            .filter_map(|(slot, held)| Some((slot, held.ok().filter(is_meant)?)))
            .collect();
        Ok(Self {
            tokens: held.iter().map(|(slot, held)| of_slot(slot, held)).collect(),
            gone: BTreeMap::new(),
            known: BTreeMap::new(),
            held,
        })
    }

    fn ids(&self) -> impl Iterator<Item = &TokenId> {
        self.held
            .values()
            .filter_map(|held| held.credential.token_id.as_ref())
    }

    /// Finds which of Docker Hub's tokens is the one of docker's browser login: it tells docker no id. It is the one
    /// that was made just before that was stored; where there are several, nobody can tell.
    fn pair(&mut self) {
        let taken: BTreeSet<&TokenId> = self.ids().collect();
        let automatic: Vec<&HubToken> = self
            .known
            .values()
            .filter(|token| matches!(token.source, Source::Other(_)) && !taken.contains(&token.id))
            .collect();
        let found: Vec<(Slot, &TokenId)> = self
            .held
            .iter()
            .filter(|(_, held)| held.credential.token_id.is_none())
            .filter_map(|(slot, held)| {
                let stored = held.credential.created?;
                let may_be = |token: &&&HubToken| {
                    let made = |made| (-BROWSER_LOGIN..=SKEW).contains(&(made - stored));
                    token.created.is_some_and(made)
                };
                let mut candidates = automatic.iter().filter(may_be);
                match (candidates.next(), candidates.next()) {
                    (Some(only), None) => Some((slot.clone(), &only.id)),
                    _ => None,
                }
            })
            .collect();
        let is_its_alone = |slot: &Slot, id: &TokenId| {
            found.iter().all(|(other, others)| {
                *others != id
                    || self
                        .secret(other)
                        .zip(self.secret(slot))
                        .is_some_and(|(one, two)| one.is_same_as(two))
            })
        };
        let pairs: BTreeMap<Slot, TokenId> = found
            .iter()
            .filter(|(slot, id)| is_its_alone(slot, id))
            .map(|(slot, id)| (slot.clone(), (*id).clone()))
            .collect();
        for token in &mut self.tokens {
            if token.id.is_none() {
                token.id = token.places.first().and_then(|slot| pairs.get(slot)).cloned();
            }
        }
    }

    fn secret(&self, slot: &Slot) -> Option<&KeptSecret> {
        self.held.get(slot).map(|held| &held.credential.secret)
    }

    /// What Docker Hub tells of a token.
    #[must_use]
    pub fn hub_token(&self, id: Option<&TokenId>) -> Option<&HubToken> {
        self.known.get(id?)
    }

    /// What is held in a place.
    #[must_use]
    pub fn held_in(&self, slot: &Slot) -> Option<&Credential> {
        self.held.get(slot).map(|held| &held.credential)
    }

    /// A token as a person knows it, and when it was last used.
    #[must_use]
    pub fn called(&self, token: &SessionToken<Slot>) -> String {
        let name = match (&token.id, self.hub_token(token.id.as_ref())) {
            (Some(id), Some(HubToken { label, .. })) if !label.is_empty() => {
                format!("{} ({id})", printable(label))
            }
            (Some(id), _) => id.to_string(),
            (None, _) => "the token of docker's browser login".to_owned(),
        };
        let used = token.last_used.map_or_else(
            || format!("never used since {}", rfc3339(token.created)),
            |used| format!("last used {}", rfc3339(used)),
        );
        format!("{name}, {used}")
    }

    /// Takes a token out of a place here, if it is still there and was not used since this was read.
    pub fn empty(&self, slot: &Slot, desk: Desk<'_>) -> Result<Emptied> {
        let Some(seen) = self.held.get(slot) else {
            return Ok(Emptied::Before);
        };
        let is_seen = |held: &Credential| {
            held.token_id == seen.credential.token_id && held.secret.is_same_as(&seen.credential.secret)
        };
        let now = desk.rooms.credentials.store.get(slot)?;
        if now.is_some_and(|now| is_seen(&now.credential) && now.last_used > seen.last_used) {
            return Ok(Emptied::StillUsed);
        }
        Ok(if remove_if(slot, desk, is_seen)? {
            Emptied::Now
        } else {
            Emptied::Before
        })
    }
}

fn of_slot(slot: &Slot, held: &Held) -> SessionToken<Slot> {
    SessionToken {
        id: held.credential.token_id.clone(),
        places: vec![slot.clone()],
        created: held.credential.created.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        last_used: Some(held.last_used),
    }
}

fn of_hub(token: &HubToken) -> SessionToken<Slot> {
    SessionToken {
        id: Some(token.id.clone()),
        places: Vec::new(),
        created: token.created.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        last_used: token.last_used,
    }
}
