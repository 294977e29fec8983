//! Held tokens: which of Docker Hub's tokens this machine holds, by the ids that were recorded when they were made.

use anyhow::Result;

use super::Desk;
use crate::activity_log::Action;
use crate::command::forget_tokens;
use crate::credential::{Credential, TokenId};
use crate::store::{Held, Slot};

/// What is stored for Docker Hub's registry, of all profiles, as far as it opens.
#[derive(Debug)]
pub struct HeldTokens(Vec<(Slot, Held)>);

impl HeldTokens {
    /// Reads what is stored now.
    pub fn read(desk: Desk<'_>) -> Result<Self> {
        let store = desk.rooms.credentials.store;
        // What does not open is not told apart.
        let all = store.of_registry(desk.registry(), Vec::new)?;
        let opened = all
            .into_iter()
            .filter_map(|(slot, held)| Some((slot, held.ok()?)));
        Ok(Self(opened.collect()))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Slot, &Held)> {
        self.0.iter().map(|(slot, held)| (slot, held))
    }

    /// The slots that hold this token; more than one profile may.
    pub fn of<'s>(&'s self, id: &'s TokenId) -> impl Iterator<Item = (&'s Slot, &'s Held)> + 's {
        self.iter()
            .filter(move |(_, held)| held.credential.token_id.as_ref() == Some(id))
    }
}

/// Removes a token from a slot, with all that it got, if it is still there; says whether it was.
pub fn remove_token(slot: &Slot, id: &TokenId, desk: Desk<'_>) -> Result<bool> {
    remove_if(slot, desk, |held| held.token_id.as_ref() == Some(id))
}

/// Removes what is meant from a slot, with all that it got, if it is still there; says whether it was.
pub fn remove_if(slot: &Slot, desk: Desk<'_>, is_meant: impl FnOnce(&Credential) -> bool) -> Result<bool> {
    let credentials = desk.rooms.credentials;
    let Some(removed) = credentials.store.remove_if(slot, is_meant)? else {
        return Ok(false);
    };
    credentials.record(Action::Remove, slot, Some(&removed.account), desk.now);
    forget_tokens(slot, &removed, &(desk.caches)());
    Ok(true)
}
