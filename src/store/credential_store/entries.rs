//! Entries: the slots as the directory shows them. Knows nothing of how one is written.

use std::sync::Arc;

use super::{CredentialStore, Held, MAX_SLOT_BYTES, StoreError};
use crate::credential::Profile;
use crate::registry::{Registry, Server, ServerUrl};
use crate::store::slot::{self, Slot};

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

impl CredentialStore {
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
    pub(super) fn named_entries_where(
        &self,
        is_wanted: impl Fn(&str, &Profile) -> bool,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let Some((root, slots)) = self.open()? else {
            return Ok(Vec::new());
        };
        let key = self.keys.existing(root);
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
}
