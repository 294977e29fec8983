//! Sessions: the session tokens of an account, as Docker Hub and this machine tell of them together.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use time::OffsetDateTime;

use super::nameless;
use crate::command::hub::held::remove_if;
use crate::command::hub::{Desk, Manager};
use crate::command::{printable, rfc3339};
use crate::credential::{
    Clocks, Credential, Kind, Listed, SessionToken, TokenId, is_session, may_be_nameless,
};
use crate::hub::{HubToken, Owner};
use crate::store::{Held, Slot};

/// Which session tokens are meant.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// Those that were started by this program and are kept here. A label tells of no more than a machine's name, and
    /// runners share one.
    Started,
    /// All of the account that are surely such, to be shown.
    Shown,
    /// The same, to be pruned: of docker's browser login's it is found out which it is.
    Pruned {
        /// Whether whatever Docker Hub says was not made by hand is one.
        is_all_automatic: bool,
        /// Whether nothing is found out that would change anything.
        is_dry_run: bool,
    },
}

/// The session tokens of an account.
#[derive(Debug)]
pub struct Sessions {
    /// One a token, or two: as Docker Hub knows it, and as it is held here. By Docker Hub's clock.
    pub tokens: Vec<SessionToken<Slot>>,
    /// Those that are held here and that Docker Hub has no more, and where.
    pub gone: BTreeMap<TokenId, Vec<Slot>>,
    /// What is left as it is and is counted nowhere, and why: a line for each.
    pub left: Vec<String>,
    /// The time by Docker Hub's clock.
    pub now: OffsetDateTime,
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
    pub fn read(which: Which, manager: &Manager<'_>, desk: Desk<'_>) -> Result<Self> {
        let listed = manager.tokens(&Owner::Account)?;
        // After the list: what is started meanwhile is then known from here.
        let mut sessions = Self::of_store(Some(manager.account()), desk)?;
        let is_one_unknown = match which {
            Which::Started => {
                // docker's own is ended by docker logout.
                sessions
                    .held
                    .retain(|_, held| held.credential.is_started_session());
                false
            }
            Which::Shown => false,
            Which::Pruned { is_dry_run, .. } => {
                let told = nameless::tell(&mut sessions.held, &listed, is_dry_run, manager, desk)?;
                sessions.left = told.left;
                told.is_one_unknown
            }
        };
        let recorded = sessions.recorded();
        let is_recorded = |id: &TokenId| recorded.contains(id);
        for token in listed {
            let HubToken {
                id, label, source, ..
            } = &token;
            let listed = Listed { id, label, source };
            let is_meant = match which {
                Which::Started => is_recorded(id),
                Which::Shown => is_session(&listed, is_recorded, false),
                Which::Pruned { is_all_automatic, .. } => is_session(&listed, is_recorded, is_all_automatic),
            };
            if is_meant && is_one_unknown && may_be_nameless(&listed, is_recorded) {
                sessions
                    .left
                    .push(format!("{}: left, since it may be that one", name(&token)));
            } else if is_meant {
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
                let slots = sessions.take_out(&id);
                sessions.gone.insert(id, slots);
            }
        }
        let clocks = manager.clocks();
        sessions.now = clocks.now();
        if !matches!(which, Which::Shown) {
            sessions.leave_undated();
        }
        sessions.take_together(&clocks);
        Ok(sessions)
    }

    /// Those that are held here, of this account or of all.
    pub fn held(account: Option<&str>, desk: Desk<'_>) -> Result<Self> {
        let mut sessions = Self::of_store(account, desk)?;
        sessions.take_together(&desk.clocks(None));
        Ok(sessions)
    }

    fn of_store(account: Option<&str>, desk: Desk<'_>) -> Result<Self> {
        let is_meant = |held: &Held| {
            held.credential.kind == Kind::SessionToken
                && account.is_none_or(|account| held.credential.account == account)
        };
        let stored = desk
            .rooms
            .credentials
            .store
            .of_registry(desk.registry(), Vec::new)?;
        let held: BTreeMap<Slot, Held> = stored
            .into_iter()
            .filter_map(|(slot, held)| Some((slot, held.ok().filter(is_meant)?)))
            .collect();
        Ok(Self {
            tokens: Vec::new(),
            gone: BTreeMap::new(),
            left: Vec::new(),
            now: desk.now,
            known: BTreeMap::new(),
            held,
        })
    }

    fn recorded(&self) -> BTreeSet<TokenId> {
        self.held
            .values()
            .filter_map(|held| held.credential.token_id.clone())
            .collect()
    }

    /// Leaves out what stands in no order with the others, here too.
    fn leave_undated(&mut self) {
        let (dated, undated) = std::mem::take(&mut self.known)
            .into_iter()
            .partition(|(_, token)| token.is_dated());
        self.known = dated;
        let undated: BTreeMap<TokenId, HubToken> = undated;
        for (id, token) in undated {
            self.take_out(&id);
            self.left.push(format!(
                "{}: left, and not counted: Docker Hub does not tell when it was made or used in a way that is \
                 understood here",
                name(&token)
            ));
        }
    }

    /// Counts a token no more of what is held here, and says where it is.
    fn take_out(&mut self, id: &TokenId) -> Vec<Slot> {
        let mut slots = Vec::new();
        self.held.retain(|slot, held| {
            let is_it = held.credential.token_id.as_ref() == Some(id);
            if is_it {
                slots.push(slot.clone());
            }
            !is_it
        });
        slots
    }

    fn take_together(&mut self, clocks: &Clocks) {
        let held = self.held.iter().map(|(slot, held)| of_slot(slot, held, clocks));
        self.tokens = held.chain(self.known.values().map(of_hub)).collect();
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
            (_, Some(listed)) => name(listed),
            (Some(id), None) => id.to_string(),
            (None, None) => "the token of docker's browser login".to_owned(),
        };
        let used = token.last_used.map_or_else(
            || format!("never used since {}", rfc3339(token.created)),
            |used| format!("last used {}", rfc3339(used)),
        );
        format!("{name}, {used}")
    }

    /// Whether the token that was read in a place here is still there, and was used since.
    pub fn is_used_since(&self, slot: &Slot, desk: Desk<'_>) -> Result<bool> {
        let Some(seen) = self.held.get(slot) else {
            return Ok(false);
        };
        let now = desk.rooms.credentials.store.get(slot)?;
        Ok(now
            .is_some_and(|now| is_same(&now.credential, &seen.credential) && now.last_used > seen.last_used))
    }

    /// Takes a token out of a place here, if it is still there and was not used since this was read.
    pub fn empty(&self, slot: &Slot, desk: Desk<'_>) -> Result<Emptied> {
        let Some(seen) = self.held.get(slot) else {
            return Ok(Emptied::Before);
        };
        if self.is_used_since(slot, desk)? {
            return Ok(Emptied::StillUsed);
        }
        Ok(
            if remove_if(slot, desk, |held| is_same(held, &seen.credential))? {
                Emptied::Now
            } else {
                Emptied::Before
            },
        )
    }
}

fn is_same(held: &Credential, seen: &Credential) -> bool {
    held.token_id == seen.token_id && held.secret.is_same_as(&seen.secret)
}

/// A token as a person knows it.
pub(super) fn name(token: &HubToken) -> String {
    match token.label.as_str() {
        "" => token.id.to_string(),
        label => format!("{} ({})", printable(label), token.id),
    }
}

fn of_slot(slot: &Slot, held: &Held, clocks: &Clocks) -> SessionToken<Slot> {
    let last_used = clocks.theirs(held.last_used);
    SessionToken {
        id: held.credential.token_id.clone(),
        places: vec![slot.clone()],
        created: held
            .credential
            .created
            .map_or(last_used, |created| clocks.theirs(created)),
        last_used: Some(last_used),
    }
}

fn of_hub(token: &HubToken) -> SessionToken<Slot> {
    SessionToken {
        id: Some(token.id.clone()),
        places: Vec::new(),
        // Where that is not known it is only shown, last of all.
        created: token.created.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        last_used: token.last_used,
    }
}
