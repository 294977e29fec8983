//! Moving: the key gets another home. Only what is written down of where it is changes, never the key.
//!
//! First the new home holds the key, and has shown it; then the record is replaced, which is one rename; then the old
//! home is dropped. Interrupted anywhere, the record names a home that holds the key.

use std::sync::Arc;

use super::environment;
use super::error::KeyError;
use super::journal;
use super::key_file::NamedKeyFile;
use super::keyring::{self, KeyringProblem, Patience};
use super::opening::REST;
use super::passphrase::Wrapped;
use super::places::{KEY_VARIABLE, KeyPlaces};
use super::record::{Elsewhere, NAME, Place, Record, new_id, path_in};
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
        let _turn = journal::turn(&root, || false)?.ok_or_else(|| Arc::new(KeyError::Moving))?;
        let places = self.keys.places();
        let mover = Mover {
            root: &root,
            staging: &staging,
            places: &places,
        };
        let before = self.record()?.map(|(_, record)| record);
        let key = match &before {
            Some(_) => self.keys.existing(&root)?.clone(),
            None => mover.new_key(to).map_err(Arc::new)?,
        };
        journal::sweep(&root, &staging, before.as_ref())?;
        let (opened, unopened) = self.try_all()?;
        let after = mover.settle_in(to, &key, before.as_ref()).map_err(Arc::new)?;
        self.keys.remember(key.clone());
        let left = mover.drop_old(before.as_ref(), &after).map_err(Arc::new)?;
        mover.lay_to_rest(&key, &after);
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
            Home::KeyFile => match self.named() {
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
            Home::Keyring => Some(self.put_in_keyring(key, before)?),
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
            journal::add(self.root, self.staging, &[id])?;
        }
        let record = match place {
            Some(place) => Record::Elsewhere(Elsewhere::of(key, place)),
            None => Record::Embedded(key.clone()),
        };
        self.write_down(&record, before.is_some())?;
        Ok(record)
    }

    fn named(&self) -> Option<NamedKeyFile<'_>> {
        NamedKeyFile::of(self.places, self.root)
    }

    /// `None` where the record itself is the home.
    fn put_in_file(&self, key: &Key) -> Result<Option<Place>, KeyError> {
        let Some(file) = self.named() else {
            return Ok(None);
        };
        let place = || file.path.display().to_string();
        if let Some(held) = file.read()? {
            same(&held, key, place)?;
        } else {
            file.create(key)?;
            let held = file.read()?.ok_or_else(|| KeyError::KeyFileMissing {
                path: file.path.clone(),
            })?;
            same(&held, key, place)?;
        }
        Ok(Some(Place::KeyFile))
    }

    fn put_in_keyring(&self, key: &Key, before: Option<&Record>) -> Result<Place, KeyError> {
        let id = new_id()?;
        let old = before.and_then(id_of);
        let ids: Vec<&str> = old.into_iter().chain([id.as_str()]).collect();
        journal::add(self.root, self.staging, &ids)?;
        match keyring::put(&id, key, Patience::prompting()) {
            Ok(()) => Ok(Place::Keyring { id }),
            Err(problem) => {
                // Who does not answer now does not answer this either, and it stays written down.
                let is_gone = !matches!(problem, KeyringProblem::Silent | KeyringProblem::Prompt)
                    && match problem {
                        KeyringProblem::NoBus | KeyringProblem::NoService => true,
                        _ => keyring::remove(&id, Patience::quiet()).is_ok(),
                    };
                if is_gone {
                    let _ = journal::settle(self.root, self.staging, &ids);
                }
                Err(KeyError::KeyringTakesNone(problem))
            }
        }
    }

    fn write_down(&self, record: &Record, is_there: bool) -> Result<(), KeyError> {
        let line = record.line()?;
        if is_there {
            self.root.replace(NAME, line.as_bytes(), self.staging)?;
            return Ok(());
        }
        // A process that stores something at this moment makes a key of its own.
        if self.root.create_new(NAME, line.as_bytes(), self.staging)? {
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
            && Some(old.source()) != named_source(after)
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
                        .map(|file| file.path)
                        .filter(|path| foreign::is_there(path))
                        .map(|path| {
                            format!(
                                "{} still holds the key; remove it, and keyFile from settings.json",
                                path.display()
                            )
                        });
                }
                Place::Keyring { id } => match keyring::remove(id, Patience::quiet()) {
                    Ok(_) => settled.push(id),
                    Err(problem) => {
                        left = Some(format!(
                            "the OS keyring still holds the key ({SERVICE_WORDS} {id}): {problem}; the next key move tries again"
                        ));
                    }
                },
                Place::Passphrase(_) => {}
            }
        }
        journal::settle(self.root, self.staging, &settled)?;
        Ok(left)
    }

    /// Best effort: where it does not rest, the next time takes longer, or a passphrase.
    fn lay_to_rest(&self, key: &Key, record: &Record) {
        let _ = match record.source() {
            KeySource::Keyring | KeySource::Passphrase => resting::rest(key, self.places, REST).map(drop),
            KeySource::Environment | KeySource::KeyFile => {
                resting::remove(&super::record::check_of(key), self.places).map(drop)
            }
        };
    }
}

/// How a person finds the entry in the keyring.
const SERVICE_WORDS: &str = "service docker-credential-scoped, username";

/// The source of a home that is not replaced with the record: the same again is no other home.
fn named_source(record: &Record) -> Option<KeySource> {
    match record {
        Record::Elsewhere(elsewhere) if id_of(record).is_none() => Some(elsewhere.source()),
        Record::Elsewhere(_) | Record::Embedded(_) => None,
    }
}

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
