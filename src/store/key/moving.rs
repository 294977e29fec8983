//! Moving: the key gets another home. Only what is written down of where it is changes, never the key.
//!
//! First the new home holds the key, and has shown it; then the record is replaced, which is one rename; then the old
//! home is dropped. Interrupted anywhere, the record names a home that holds the key.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::environment;
use super::error::KeyError;
use super::journal;
use super::key_file::{self, NamedKeyFile};
use super::keyring::Patience;
use super::opening::REST;
use super::passphrase::Wrapped;
use super::places::{KEY_VARIABLE, KeyPlaces};
use super::record::{Elsewhere, NAME, Place, Record, check_of, path_in};
use super::resting;
use super::source::KeySource;
use crate::files::{PrivateDirectory, foreign};
use crate::seal::Key;
use crate::secret::Secret;
use crate::store::{CredentialStore, Entry, StoreError};

/// Where the key is to live.
#[derive(Clone, Copy, Debug)]
pub enum Home<'a> {
    /// The variable, which has to hold it already.
    Environment,
    /// The key file that settings.json names, else the store's own.
    KeyFile,
    /// The keyring of the operating system.
    Keyring,
    /// The store's directory, sealed with a key that this passphrase gives.
    Passphrase(&'a Secret),
}

/// What came of it.
#[derive(Debug)]
pub struct Moved {
    /// Where it was; `None` where there was no key yet and one was made.
    pub from: Option<KeySource>,
    /// Where it is.
    pub to: KeySource,
    /// How many slots it opens.
    pub opened: usize,
    /// The slots that do not open, and did not before.
    pub unopened: Vec<Entry>,
    /// What still holds the key and could not be dropped, with the mend.
    pub left: Option<String>,
}

impl CredentialStore {
    /// Gives the key another home. It has to open first, as for `get` or by [`unlock`](Self::unlock).
    pub fn move_key(&self, to: Home<'_>) -> Result<Moved, StoreError> {
        let root = self.location.as_ref().ok_or(StoreError::NoHome)?.create()?;
        let staging = root.create_below("staging")?;
        let _turn =
            journal::turn(&root, journal::PATIENCE, || false)?.ok_or_else(|| Arc::new(KeyError::Moving))?;
        let places = self.keys.places();
        let mover = Mover {
            root: &root,
            staging: &staging,
            places: &places,
        };
        let before = self.record()?.map(|(_, record)| record);
        let key = match &before {
            Some(record) => {
                let key = self.keys.existing(&root)?;
                // It may have been opened before anybody's turn, and what is written down since be another's.
                if !record.is_of(key) {
                    return Err(Arc::new(KeyError::Changed).into());
                }
                key.clone()
            }
            None => mover.new_key(to).map_err(Arc::new)?,
        };
        journal::sweep(&root, &staging, before.as_ref())?;
        let (opened, unopened) = self.try_all()?;
        let after = mover.settle_in(to, &key, before.as_ref()).map_err(Arc::new)?;
        self.keys.remember(key.clone());
        let left = mover.drop_old(before.as_ref(), &after).map_err(Arc::new)?;
        if !may_rest(after.source()) {
            // What cannot be removed is not used all the same.
            let _ = resting::remove(&check_of(&key), &places);
        }
        staging.sweep(places.now);
        mover.sweep_staged(&key);
        Ok(Moved {
            from: before.as_ref().map(Record::source),
            to: after.source(),
            opened,
            unopened,
            left,
        })
    }

    /// How many slots open, and those that do not.
    fn try_all(&self) -> Result<(usize, Vec<Entry>), StoreError> {
        let mut unopened = self.entries()?;
        let all = unopened.len();
        unopened.retain(|entry| entry.held.is_err());
        Ok((all - unopened.len(), unopened))
    }
}

/// What moving takes.
struct Mover<'a> {
    root: &'a PrivateDirectory,
    staging: &'a PrivateDirectory,
    places: &'a KeyPlaces,
}

impl Mover<'_> {
    /// The key of a store that has none: what its home holds already, else a random one.
    fn new_key(&self, to: Home<'_>) -> Result<Key, KeyError> {
        let held = match to {
            Home::Environment => environment::read(self.places)?,
            Home::KeyFile => match self.named()? {
                Some(file) => file.read()?,
                None => None,
            },
            Home::Keyring | Home::Passphrase(_) => None,
        };
        Ok(match held {
            Some(key) => key,
            None => Key::random()?,
        })
    }

    /// Has the new home hold the key, and then writes down that it is there.
    fn settle_in(&self, to: Home<'_>, key: &Key, before: Option<&Record>) -> Result<Record, KeyError> {
        let place = match to {
            Home::Environment => {
                let held = environment::read(self.places)?.ok_or(KeyError::NotInEnvironment)?;
                if held.bytes() != key.bytes() {
                    let place = KEY_VARIABLE.to_owned();
                    return Err(KeyError::Other { place });
                }
                Some(Place::Environment)
            }
            Home::KeyFile => self.put_in_file(key)?,
            Home::Keyring => Some(Place::Keyring {
                id: journal::put_entry(key, Patience::prompting(), self.root, self.staging)?,
            }),
            Home::Passphrase(passphrase) => {
                let wrapped = Wrapped::seal(key, passphrase)?;
                let path = path_in(self.root);
                let opened = wrapped.open(passphrase, &path)?;
                same(&opened, key, || path.display().to_string())?;
                Some(Place::Passphrase(wrapped))
            }
        };
        if let Some(id) = before.and_then(id_of) {
            // Dropped at the end; who is ended before that leaves it.
            journal::add(self.root, self.staging, id, true)?;
        }
        let record = match place {
            Some(place) => Record::Elsewhere(Elsewhere::of(key, place)),
            None => Record::Embedded(key.clone()),
        };
        // Before it is written down, so that at no moment the key is neither at its old home nor at rest. One that
        // rests already does so as long as was said.
        let (check, source) = (check_of(key), record.source());
        let is_laid = may_rest(source)
            && resting::read(&check, self.places).is_none()
            && resting::rest(key, self.places, REST).is_ok_and(|until| until.is_some());
        if let Err(error) = self.write_down(&record, before.is_some()) {
            if is_laid {
                let _ = resting::remove(&check, self.places);
            }
            return Err(error);
        }
        Ok(record)
    }

    fn named(&self) -> Result<Option<NamedKeyFile<'_>>, KeyError> {
        NamedKeyFile::of(self.places, self.root)
    }

    /// `None` where the record itself is the home.
    fn put_in_file(&self, key: &Key) -> Result<Option<Place>, KeyError> {
        let Some(file) = self.named()? else {
            return Ok(None);
        };
        let held = if let Some(held) = file.read()? {
            held
        } else {
            file.create(key)?;
            file.read_existing()?
        };
        same(&held, key, || file.path.display().to_string())?;
        Ok(Some(Place::KeyFile))
    }

    fn write_down(&self, record: &Record, is_there: bool) -> Result<(), KeyError> {
        if is_there {
            // Nobody else replaces it in this turn, and who stores the first credential replaces nothing.
            self.root.replace(NAME, record.line()?.as_bytes(), self.staging)?;
            return Ok(());
        }
        // A process that stores something at this moment makes a key of its own.
        if record.create_in(self.root, self.staging)? {
            Ok(())
        } else {
            Err(KeyError::Overtaken)
        }
    }

    /// Drops the old home, and gives what still holds the key.
    fn drop_old(&self, before: Option<&Record>, after: &Record) -> Result<Option<String>, KeyError> {
        let (mut settled, mut left) = (Vec::new(), None);
        settled.extend(id_of(after));
        if let Some(Record::Elsewhere(old)) = before
            && !matches!(after, Record::Elsewhere(new) if new.place == old.place)
        {
            match &old.place {
                Place::Environment => {
                    left = Some(format!(
                        "{KEY_VARIABLE} still holds the key; take it out where it is set"
                    ));
                }
                Place::KeyFile => {
                    left = self
                        .named()
                        .ok()
                        .flatten()
                        .map(|file| file.path)
                        .filter(|path| foreign::is_there(path))
                        .map(|path| {
                            format!(
                                "{} still holds the key; remove it, and keyFile from settings.json",
                                path.display()
                            )
                        });
                }
                Place::Keyring { id } => {
                    match journal::remove_old_home(id, Patience::quiet(), self.root, self.staging)? {
                        Ok(true) => settled.push(id),
                        Ok(false) => {
                            left = Some(format!(
                                "the OS keyring of another session or user may still hold the key ({SERVICE_WORDS} {id}): this one does not; the next key move tries again, unless you remove {}",
                                journal::path_in(self.root).display()
                            ));
                        }
                        Err(problem) => {
                            left = Some(format!(
                                "the OS keyring still holds the key ({SERVICE_WORDS} {id}): {problem}; the next key move tries again"
                            ));
                        }
                    }
                }
                Place::Passphrase(_) => {}
            }
        }
        journal::settle(self.root, self.staging, &settled)?;
        Ok(left)
    }

    /// Removes what a process that was killed has staged of the key itself, however short a time ago: where it is now
    /// written down, nobody puts another in its place but in this turn. Best effort.
    fn sweep_staged(&self, key: &Key) {
        let line = key_file::line_of(key);
        let limit = u64::try_from(line.len()).unwrap_or_default();
        for name in self.staging.names().unwrap_or_default() {
            let Some(name) = name.to_str() else { continue };
            if let Ok(Some(file)) = self.staging.read(name, limit)
                && Zeroizing::new(file.bytes).as_slice() == line.as_bytes()
            {
                let _ = self.staging.remove(name);
            }
        }
    }
}

/// Whether an opened key rests: where it is not open all the time.
fn may_rest(source: KeySource) -> bool {
    match source {
        KeySource::Keyring | KeySource::Passphrase => true,
        KeySource::Environment | KeySource::KeyFile => false,
    }
}

/// How a person finds the entry in the keyring.
const SERVICE_WORDS: &str = "service docker-credential-scoped, username";

fn id_of(record: &Record) -> Option<&str> {
    match record {
        Record::Elsewhere(Elsewhere {
            place: Place::Keyring { id },
            ..
        }) => Some(id),
        Record::Elsewhere(_) | Record::Embedded(_) => None,
    }
}

fn same(held: &Key, key: &Key, place: impl FnOnce() -> String) -> Result<(), KeyError> {
    if held.bytes() == key.bytes() {
        Ok(())
    } else {
        Err(KeyError::Occupied { place: place() })
    }
}

#[cfg(test)]
mod tests;
