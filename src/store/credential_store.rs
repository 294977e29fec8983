//! Credential store: which slots are held and what is in them. Knows nothing of what a caller is answered.
//!
//! In the data directory: `key`, `slots/` with one sealed file a slot, `staging/` for files being written, and `locks/`
//! for who uses a refresh token up, or changes a slot or settings.json. Each change is one rename or unlink of one
//! file: who reads takes no lock, and no change touches another slot.

mod content;
mod entries;
mod held;
mod writer;

pub use entries::{Entry, Opened};
pub use held::Held;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use thiserror::Error;
use time::OffsetDateTime;

use crate::credential::{Credential, Profile};
use crate::files::{FileError, Location, Lock, PrivateDirectory};
use crate::protocol::docker::MAX_STORE_BYTES;
use crate::registry::Server;
use crate::seal::{Key, NoRandomBytes, Unopened};
use crate::store::key::{KeyError, KeyPlaces, Keys};
use crate::store::slot::{self, Slot};
use crate::store::turn;
use writer::Writer;

/// Six times the largest message that can be stored: JSON may write a byte of it as `\u0000`.
const MAX_SLOT_BYTES: u64 = 6 * MAX_STORE_BYTES as u64;

/// The credentials of one user, for one call: directories and key are opened once, and then remembered. What was not
/// there is looked for again, and what cannot be used is an error each time.
#[derive(Debug)]
pub struct CredentialStore {
    /// `None` where there is no home to keep anything in.
    pub(super) location: Option<Location>,
    opened: OnceLock<(PrivateDirectory, PrivateDirectory)>,
    pub(super) keys: Keys,
}

impl CredentialStore {
    /// The store in this directory, which need not exist.
    #[must_use]
    pub fn at(location: Option<Location>) -> Self {
        Self {
            location,
            opened: OnceLock::new(),
            keys: Keys::default(),
        }
    }

    /// The same, whose key may be elsewhere than in that directory.
    #[must_use]
    pub fn with_key_places(mut self, places: KeyPlaces) -> Self {
        self.keys = Keys::with_places(places);
        self
    }

    /// The same for what needs no key, and uses one that is at hand: no other program is asked for it.
    #[must_use]
    pub fn asking_nobody(mut self) -> Self {
        self.keys.asks_nobody = true;
        self
    }

    /// What answers a request for `server`: its slot, or the longest prefix of it that has one.
    pub fn find(&self, server: &Server, profile: &Profile) -> Result<Option<Held>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(None);
        };
        for candidate in server.answered_by() {
            let name = Slot::new(candidate, profile.clone()).file_name();
            if let Some(file) = slots.read(&name, MAX_SLOT_BYTES)? {
                return Held::open(self.keys.existing(root)?, slots, &name, file).map(Some);
            }
        }
        Ok(None)
    }

    /// What is in a slot.
    pub fn get(&self, slot: &Slot) -> Result<Option<Held>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(None);
        };
        let name = slot.file_name();
        match slots.read(&name, MAX_SLOT_BYTES)? {
            Some(file) => Held::open(self.keys.existing(root)?, slots, &name, file).map(Some),
            None => Ok(None),
        }
    }

    /// Makes sure that something can be kept, before it is had from somewhere and would be lost: the key opens, and the
    /// directory takes a file.
    pub fn prepare(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        let root = self.location.as_ref().ok_or(StoreError::NoHome)?.create()?;
        Ok(self.writer(&root, now)?.probe()?)
    }

    /// Keeps a credential in its slot, in place of what is there. The same one again changes nothing but its last
    /// use: `docker login` stores what it has just been given, even when the login failed.
    pub fn put(&self, slot: &Slot, credential: &Credential, now: OffsetDateTime) -> Result<Put, StoreError> {
        let root = self.location.as_ref().ok_or(StoreError::NoHome)?.create()?;
        // Before its turn, like all that may wait for a keyring: nobody else is held up meanwhile.
        let writer = self.writer(&root, now)?;
        let _change = turn::change(&root);
        Self::put_in(&writer, slot, credential, now)
    }

    fn put_in(
        writer: &Writer<'_>,
        slot: &Slot,
        credential: &Credential,
        now: OffsetDateTime,
    ) -> Result<Put, StoreError> {
        let Writer { slots, key, .. } = writer;
        let name = slot.file_name();
        let mut outcome = Put::New;
        let mut known = None;
        if let Some(file) = slots.read(&name, MAX_SLOT_BYTES)? {
            // One that does not open may be what a newer version wrote, or be mended yet: never overwritten.
            let held = Held::open(key, slots, &name, file)?;
            if is_same_login(&held.credential, credential) {
                if held.credential.server_url.as_str() == credential.server_url.as_str() {
                    held.mark_used(now);
                    return Ok(Put::Unchanged);
                }
                // Only its name is spelt in another way: what is known of it stays true.
                known = Some(Credential {
                    server_url: credential.server_url.clone(),
                    ..held.credential.clone()
                });
            }
            outcome = Put::Replaced(Box::new(held.credential));
        }
        writer.write(&name, known.as_ref().unwrap_or(credential))?;
        Ok(outcome)
    }

    /// Keeps what `change` makes of what is in a slot, and gives that and what was there.
    pub fn change<E: From<StoreError>>(
        &self,
        slot: &Slot,
        now: OffsetDateTime,
        change: impl FnOnce(Option<&Credential>) -> Result<Credential, E>,
    ) -> Result<(Credential, Option<Credential>), E> {
        let located = || self.location.as_ref().ok_or(StoreError::NoHome);
        let root = located()?.create().map_err(StoreError::from)?;
        self.open_ahead(&root);
        let _change = turn::change(&root);
        let before = self.get(slot)?.map(|held| held.credential);
        // What is refused makes no key.
        let after = change(before.as_ref())?;
        self.writer(&root, now)?.write(&slot.file_name(), &after)?;
        Ok((after, before))
    }

    /// Writes down what was learnt of a credential, if it is still there as it was seen; says whether it was. That is no
    /// use of it: when it was last used stays.
    pub fn describe(
        &self,
        slot: &Slot,
        seen: &Credential,
        learnt: &Credential,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let Some((root, _)) = self.open()? else {
            return Ok(false);
        };
        self.open_ahead(root);
        let _change = turn::change(root);
        match self.get(slot)? {
            Some(held)
                if is_same_login(&held.credential, seen)
                    && held.credential.kind == seen.kind
                    && held.credential.token_id == seen.token_id =>
            {
                self.writer(root, now)?
                    .write_dated(&slot.file_name(), learnt, held.last_used)?;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The turn to use up what is in a slot, and to keep what comes of it: read the slot when you have it. `None`
    /// where nobody can be waited for; it is then done all the same. `began` is since when the caller waits already,
    /// for this or something else: all in all, it is not waited for without end.
    pub fn turn(&self, slot: &Slot, began: Instant) -> Result<Option<Lock>, StoreError> {
        match self.open()? {
            Some((root, _)) => {
                turn::take(root, &slot.file_name(), began).map_err(|turn::Crowded| StoreError::Crowded)
            }
            None => Ok(None),
        }
    }

    /// Keeps a renewed credential in place of the one it was had with, if that is still there; says whether it was.
    /// Who has logged out or logged in anew meanwhile meant it. Two do not renew one at the same time: each has its
    /// [turn](Self::turn).
    pub fn renew(
        &self,
        slot: &Slot,
        used: &Credential,
        renewed: &Credential,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let Some((root, _)) = self.open()? else {
            return Ok(false);
        };
        self.open_ahead(root);
        let _change = turn::change(root);
        let is_there = self
            .get(slot)?
            .is_some_and(|held| is_same_login(&held.credential, used));
        if is_there {
            Self::put_in(&self.writer(root, now)?, slot, renewed, now)?;
        }
        Ok(is_there)
    }

    /// Forgets what is in a slot; says whether there was anything. Needs no key.
    pub fn remove(&self, slot: &Slot) -> Result<bool, StoreError> {
        match self.open()? {
            Some((root, slots)) => {
                let _change = turn::change(root);
                Ok(slots.remove(&slot.file_name())?)
            }
            None => Ok(false),
        }
    }

    /// Forgets what is in a slot if it is what is meant, and gives it: somebody may have put something else there since.
    pub fn remove_if(
        &self,
        slot: &Slot,
        is_meant: impl FnOnce(&Credential) -> bool,
    ) -> Result<Option<Credential>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(None);
        };
        self.open_ahead(root);
        let _change = turn::change(root);
        match self.get(slot)? {
            Some(held) if is_meant(&held.credential) => {
                slots.remove(&slot.file_name())?;
                Ok(Some(held.credential))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Forgets all that is in a profile, and gives what there was. Needs no key.
    pub fn remove_profile(&self, profile: &Profile) -> Result<Vec<Entry>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(Vec::new());
        };
        let _change = turn::change(root);
        let mut removed = Vec::new();
        for (name, entry) in self.named_entries_where(|_, of| of == profile)? {
            if slots.remove(&name)? {
                removed.push(entry);
            }
        }
        Ok(removed)
    }

    /// A key for sealing something else than credentials; `None` where nothing was ever stored.
    pub fn subkey(&self, purpose: &str) -> Result<Option<Key>, StoreError> {
        let Some((root, _)) = self.open()? else {
            return Ok(None);
        };
        Ok(self.keys.get(root)?.map(|key| key.subkey(purpose)))
    }

    /// The directory of the store and that of the slots.
    fn open(&self) -> Result<Option<(&PrivateDirectory, &PrivateDirectory)>, StoreError> {
        if self.opened.get().is_none()
            && let Some(location) = &self.location
            && let Some(root) = location.open()?
            && let Some(slots) = root.open_below("slots")?
        {
            // Where another thread was faster, it has opened the same.
            let _ = self.opened.set((root, slots));
        }
        Ok(self.opened.get().map(|(root, slots)| (root, slots)))
    }

    /// Whether there is anything that a key has to be there for.
    pub(super) fn has_slots(&self) -> Result<bool, StoreError> {
        match self.open()? {
            Some((_, slots)) => holds_any(slots),
            None => Ok(false),
        }
    }

    /// Opens the key before a turn is waited for, so that nobody else waits for a keyring meanwhile. Why it does not
    /// open is remembered, and said where it is needed.
    fn open_ahead(&self, root: &PrivateDirectory) {
        let _ = self.keys.get(root);
    }

    fn writer(&self, root: &PrivateDirectory, now: OffsetDateTime) -> Result<Writer<'_>, StoreError> {
        let slots = root.create_below("slots")?;
        let staging = root.create_below("staging")?;
        staging.sweep(now);
        let key = self.key_to_seal_with(root, &slots, &staging)?;
        Ok(Writer { slots, staging, key })
    }

    /// The key, made when this is the first credential. A key is made before the first slot is written, so slots
    /// without a key mean that it was lost, and a second one would lock them out for good.
    fn key_to_seal_with(
        &self,
        root: &PrivateDirectory,
        slots: &PrivateDirectory,
        staging: &PrivateDirectory,
    ) -> Result<&Key, StoreError> {
        if let Some(key) = self.keys.get(root)? {
            return Ok(key);
        }
        // Where there are slots, it is read again: another process may have made key and slot since.
        if !holds_any(slots)? {
            self.keys.make(root, staging).map_err(Arc::new)?;
        }
        Ok(self.keys.existing(root)?)
    }
}

/// What [`CredentialStore::put`] did.
#[derive(Debug)]
pub enum Put {
    /// The slot was empty.
    New,
    /// The slot held this credential, which is another.
    Replaced(Box<Credential>),
    /// The slot held this credential.
    Unchanged,
}

/// Why the store could not be used. Never that something is absent.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Too many wait for their turn at a slot.
    #[error("too many processes wait for the refresh token that is stored; try again later")]
    Crowded,
    /// A file or directory of the store could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no key to seal or open with.
    #[error(transparent)]
    Key(#[from] Arc<KeyError>),
    /// There is nowhere to keep anything.
    #[error("no home directory to keep credentials in; set HOME or XDG_DATA_HOME")]
    NoHome,
    /// Nothing was written.
    #[error(transparent)]
    Seal(#[from] NoRandomBytes),
    /// A slot's file does not open. It stays as it is.
    #[error("{}: {why}", path.display())]
    Slot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the mend.
        why: Unopened,
    },
    /// What is to be kept could not be read again. Nothing was written.
    #[error(
        "the credential is larger than one may be; shorten its scopes, or the command that its secret is from"
    )]
    TooLarge,
}

/// Whether both are the same account with the same secret, whatever else is known of them.
fn is_same_login(one: &Credential, other: &Credential) -> bool {
    one.account == other.account && one.secret.is_same_as(&other.secret)
}

fn holds_any(slots: &PrivateDirectory) -> Result<bool, StoreError> {
    let names = slots.names()?;
    Ok(names
        .iter()
        .any(|name| name.to_str().and_then(slot::read_file_name).is_some()))
}

#[cfg(test)]
mod tests;
