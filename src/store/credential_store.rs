//! Credential store: which slots are held and what is in them. Knows nothing of what a caller is answered.
//!
//! In the data directory: `key`, `slots/` with one sealed file a slot, `staging/` for files being written, and `locks/`
//! for who uses a refresh token up, or changes a slot or settings.json. Each change is one rename or unlink of one file: who reads takes
//! no lock, and no change touches another slot.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin, Profile, SecretReference};
use crate::files::{FileError, Location, Lock, PrivateDirectory, PrivateFile};
use crate::protocol::docker::MAX_STORE_BYTES;
use crate::registry::{Registry, Server, ServerUrl};
use crate::seal::{self, Key, NoRandomBytes, Unopened};
use crate::secret::Secret;
use crate::store::key::{KeyError, KeyFile};
use crate::store::slot::{self, Slot};
use crate::store::turn;

/// Six times the largest message that can be stored: JSON may write a byte of it as `\u0000`.
const MAX_SLOT_BYTES: u64 = 6 * MAX_STORE_BYTES as u64;

/// How far behind the recorded last use may lag. A build asks for the same credential dozens of times, and each
/// time recorded is a write.
const LAST_USE_GRANULARITY: time::Duration = time::Duration::minutes(1);

/// The credentials of one user, for one call: directories and key are opened once, and then remembered. What was not
/// there is looked for again, and what cannot be used is an error each time.
#[derive(Debug)]
pub struct CredentialStore {
    /// `None` where there is no home to keep anything in.
    location: Option<Location>,
    opened: OnceLock<(PrivateDirectory, PrivateDirectory)>,
    key: OnceLock<Key>,
}

impl CredentialStore {
    /// The store in this directory, which need not exist.
    #[must_use]
    pub fn at(location: Option<Location>) -> Self {
        Self {
            location,
            opened: OnceLock::new(),
            key: OnceLock::new(),
        }
    }

    /// What answers a request for `server`: its slot, or the longest prefix of it that has one.
    pub fn find(&self, server: &Server, profile: &Profile) -> Result<Option<Held>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(None);
        };
        for candidate in server.answered_by() {
            let name = Slot::new(candidate, profile.clone()).file_name();
            if let Some(file) = slots.read(&name, MAX_SLOT_BYTES)? {
                return Held::open(self.existing_key(root)?, slots, &name, file).map(Some);
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
            Some(file) => Held::open(self.existing_key(root)?, slots, &name, file).map(Some),
            None => Ok(None),
        }
    }

    /// Keeps a credential in its slot, in place of what is there. The same one again changes nothing but its last
    /// use: `docker login` stores what it has just been given, even when the login failed.
    pub fn put(&self, slot: &Slot, credential: &Credential, now: OffsetDateTime) -> Result<Put, StoreError> {
        let root = self.location.as_ref().ok_or(StoreError::NoHome)?.create()?;
        let _change = turn::change(&root);
        Self::put_in(&root, slot, credential, now)
    }

    fn put_in(
        root: &PrivateDirectory,
        slot: &Slot,
        credential: &Credential,
        now: OffsetDateTime,
    ) -> Result<Put, StoreError> {
        let writer = Writer::open(root, now)?;
        let Writer { slots, key, .. } = &writer;
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
        let _change = turn::change(&root);
        let before = self.get(slot)?.map(|held| held.credential);
        let after = change(before.as_ref())?;
        Writer::open(&root, now)?.write(&slot.file_name(), &after)?;
        Ok((after, before))
    }

    /// The turn to use up what is in a slot, and to keep what comes of it: read the slot when you have it. `None`
    /// where nobody can be waited for; it is then done all the same.
    pub fn turn(&self, slot: &Slot) -> Result<Option<Lock>, StoreError> {
        match self.open()? {
            Some((root, _)) => {
                turn::take(root, &slot.file_name()).map_err(|turn::Crowded| StoreError::Crowded)
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
        let _change = turn::change(root);
        let is_there = self
            .get(slot)?
            .is_some_and(|held| is_same_login(&held.credential, used));
        if is_there {
            Self::put_in(root, slot, renewed, now)?;
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
        let key = self.key(root).map_err(Arc::new)?;
        Ok(key.map(|key| key.subkey(purpose)))
    }

    /// All that is held, of all profiles, in the order of the file names.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        self.entries_where(|_, _| true)
    }

    /// What is held for a registry or a part of it, of all profiles. What does not open is told by its file's name; of a
    /// very long one only the beginning can be read, and it is told if it is one of those that are `asked` for.
    pub fn of_registry(
        &self,
        registry: &Registry,
        asked: impl Fn() -> Vec<Server>,
    ) -> Result<Vec<Opened<Held>>, StoreError> {
        let whole = registry.to_string();
        let is_part = |server: &str| {
            server
                .strip_prefix(&whole)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Of a very long name only the beginning is readable, so it is opened whatever it says.
        let entries = self.named_entries_where(|server, _| is_part(server) || server.contains('~'))?;
        let slot_of = |name: &str, entry: &Entry| {
            if let Ok(held) = &entry.held {
                let server = held.credential.server_url.server().clone();
                return Some(Slot::new(server, entry.profile.clone()));
            }
            let read = ServerUrl::read(entry.server.as_bytes());
            let read = read.as_ref().ok().map(ServerUrl::server);
            asked()
                .iter()
                .chain(read)
                .map(|server| Slot::new(server.clone(), entry.profile.clone()))
                .find(|slot| slot.file_name() == name)
        };
        Ok(entries
            .into_iter()
            .filter_map(|(name, entry)| {
                slot_of(&name, &entry)
                    .filter(|slot| slot.server().registry() == Some(registry))
                    .map(|slot| (slot, entry.held))
            })
            .collect())
    }

    /// Those that are wanted for what their files' names tell, server and profile.
    fn entries_where(&self, is_wanted: impl Fn(&str, &Profile) -> bool) -> Result<Vec<Entry>, StoreError> {
        let entries = self.named_entries_where(is_wanted)?;
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The same with their files' names, which of one that does not open cannot be told from what is in it.
    fn named_entries_where(
        &self,
        is_wanted: impl Fn(&str, &Profile) -> bool,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(Vec::new());
        };
        let key = self.existing_key(root);
        let mut entries = Vec::new();
        for name in slots.names()? {
            let Some(name) = name.to_str() else { continue };
            let Some((server, profile)) = slot::read_file_name(name) else {
                continue;
            };
            if !is_wanted(&server, &profile) {
                continue;
            }
            let held = match slots.read(name, MAX_SLOT_BYTES) {
                // Erased since the directory was read.
                Ok(None) => continue,
                Ok(Some(file)) => key
                    .as_ref()
                    .map_err(|error| StoreError::Key(Arc::clone(error)))
                    .and_then(|key| Held::open(key, slots, name, file)),
                Err(error) => Err(error.into()),
            };
            let server = match &held {
                Ok(held) => held.credential.server_url.server().to_string(),
                Err(_) => server,
            };
            let entry = Entry {
                server,
                profile,
                held,
            };
            entries.push((name.to_owned(), entry));
        }
        Ok(entries)
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

    fn key(&self, root: &PrivateDirectory) -> Result<Option<&Key>, KeyError> {
        if self.key.get().is_none()
            && let Some(key) = KeyFile::of(root).read()?
        {
            let _ = self.key.set(key);
        }
        Ok(self.key.get())
    }

    fn existing_key(&self, root: &PrivateDirectory) -> Result<&Key, Arc<KeyError>> {
        self.key(root)
            .and_then(|key| key.ok_or_else(|| KeyFile::of(root).missing()))
            .map_err(Arc::new)
    }
}

/// What writing a slot takes.
struct Writer {
    slots: PrivateDirectory,
    staging: PrivateDirectory,
    key: Key,
}

impl Writer {
    fn open(root: &PrivateDirectory, now: OffsetDateTime) -> Result<Self, StoreError> {
        let slots = root.create_below("slots")?;
        let staging = root.create_below("staging")?;
        staging.sweep(now);
        let key = key_to_seal_with(root, &slots, &staging)?;
        Ok(Self { slots, staging, key })
    }

    fn write(&self, name: &str, credential: &Credential) -> Result<(), StoreError> {
        let content = Content::write(credential)?;
        let sealed = seal::seal(&self.key, name, &content)?;
        Ok(self.slots.replace(name, &sealed, &self.staging)?)
    }
}

/// A slot, and what is in it or why that cannot be told.
pub type Opened<T> = (Slot, Result<T, StoreError>);

/// A slot as the directory shows it.
#[derive(Debug)]
pub struct Entry {
    /// The server in its canonical text; of a slot that does not open what its file's name tells, which of a very
    /// long one is the beginning.
    pub server: String,
    /// The profile.
    pub profile: Profile,
    /// What is in it, or why that cannot be told.
    pub held: Result<Held, StoreError>,
}

/// A credential that is held.
#[derive(Debug)]
pub struct Held {
    /// The credential.
    pub credential: Credential,
    /// When it was last handed out or stored, to the minute; 1970 where the file's time is none.
    pub last_used: OffsetDateTime,
    file: PrivateFile,
}

impl Held {
    fn open(key: &Key, slots: &PrivateDirectory, name: &str, file: PrivateFile) -> Result<Self, StoreError> {
        let unopened = |why| StoreError::Slot {
            path: slots.path().join(name),
            why,
        };
        let content = seal::open(key, name, &file.bytes).map_err(unopened)?;
        // It opened, so we wrote it; what we cannot read is then from a version that writes more.
        let credential = Content::read(&content).ok_or_else(|| unopened(Unopened::NewerFormat))?;
        Ok(Self {
            credential,
            last_used: file.modified,
            file,
        })
    }

    /// Records that it was handed out now.
    pub fn mark_used(&self, now: OffsetDateTime) {
        // A time in the future, from a clock that was wrong, is put right too.
        if (now - self.last_used).abs() >= LAST_USE_GRANULARITY {
            self.file.touch(now);
        }
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
}

/// The content of a sealed file. A field more needs another format version: an older program that read past it
/// would hand out what a newer one had limited.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<Text> {
    server_url: Text,
    account: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Text>,
    /// Where the secret is, if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<SecretReference>,
    kind: Kind,
    /// What it may do, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    /// Seconds since 1970.
    created: i64,
    origin: Origin,
}

impl<'a> Content<&'a str> {
    fn write(credential: &'a Credential) -> Result<Zeroizing<Vec<u8>>, NoRandomBytes> {
        let Credential {
            server_url,
            account,
            secret,
            kind,
            allowed,
            expires,
            created,
            origin,
        } = credential;
        let (secret, reference) = match secret {
            KeptSecret::Here(secret) => (Some(secret.expose()), None),
            KeptSecret::Elsewhere(reference) => (None, Some(reference.clone())),
        };
        let scopes = match allowed {
            AllowedScopes::Unknown => None,
            AllowedScopes::Known(scopes) => Some(scopes.iter().map(ToString::to_string).collect()),
        };
        // Room enough that it need not grow: growing leaves a copy behind that nobody wipes.
        let length = |scopes: &Vec<String>| scopes.iter().map(String::len).sum::<usize>();
        let others = scopes.as_ref().map_or(0, length);
        let room =
            320 + 2 * (server_url.as_str().len() + account.len() + secret.map_or(0, str::len) + others);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let content = Self {
            server_url: server_url.as_str(),
            account,
            secret,
            reference,
            kind: *kind,
            scopes,
            expires: expires.map(OffsetDateTime::unix_timestamp),
            created: created.map_or(0, OffsetDateTime::unix_timestamp),
            origin: *origin,
        };
        serde_json::to_writer(&mut *bytes, &content).map_err(|_| NoRandomBytes)?;
        Ok(bytes)
    }
}

impl Content<String> {
    fn read(bytes: &[u8]) -> Option<Credential> {
        let Self {
            server_url,
            account,
            secret,
            reference,
            kind,
            scopes,
            expires,
            created,
            origin,
        } = serde_json::from_slice(bytes).ok()?;
        let secret = match (secret, reference) {
            (Some(secret), None) => KeptSecret::Here(Secret::new(secret)),
            (None, Some(reference)) => KeptSecret::Elsewhere(reference),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        let allowed = match scopes {
            None => AllowedScopes::Unknown,
            Some(scopes) => scopes
                .iter()
                .map(|scope| scope.parse().ok())
                .collect::<Option<_>>()
                .map(AllowedScopes::Known)?,
        };
        let moment = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
        Some(Credential {
            server_url: ServerUrl::read(server_url.as_bytes()).ok()?,
            account,
            secret,
            kind,
            allowed,
            expires: match expires {
                None => None,
                Some(seconds) => Some(moment(seconds)?),
            },
            created: Some(moment(created)?),
            origin,
        })
    }
}

/// Whether both are the same account with the same secret, whatever else is known of them.
fn is_same_login(one: &Credential, other: &Credential) -> bool {
    one.account == other.account
        && match (&one.secret, &other.secret) {
            (KeptSecret::Here(one), KeptSecret::Here(other)) => one.is_same_as(other),
            (KeptSecret::Elsewhere(one), KeptSecret::Elsewhere(other)) => one == other,
            (KeptSecret::Here(_), KeptSecret::Elsewhere(_))
            | (KeptSecret::Elsewhere(_), KeptSecret::Here(_)) => false,
        }
}

/// The key, made when this is the first credential. A key is made before the first slot is written, so slots
/// without a key mean that it was lost, and a second one would lock them out for good.
fn key_to_seal_with(
    root: &PrivateDirectory,
    slots: &PrivateDirectory,
    staging: &PrivateDirectory,
) -> Result<Key, StoreError> {
    let file = KeyFile::of(root);
    if let Some(key) = file.read().map_err(Arc::new)? {
        return Ok(key);
    }
    if slots
        .names()?
        .iter()
        .any(|name| name.to_str().and_then(slot::read_file_name).is_some())
    {
        // Read again: another process may have made key and slot since.
        return Ok(file.read_existing().map_err(Arc::new)?);
    }
    Ok(file.create(staging).map_err(Arc::new)?)
}
