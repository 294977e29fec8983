//! Locations: which of the places that the settings name are used for what, and the cache in its place.

use std::path::PathBuf;

use time::OffsetDateTime;

use super::PROGRAM;
use crate::files::{self, FileError, Location};
use crate::seal::Key;
use crate::settings::{self, Settings, Variables};
use crate::store::{CredentialStore, KeyPlaces};
use crate::token_cache::{self, TokenCache};

/// Where access tokens are kept until they expire, and the key they are sealed with: one derived from the store's
/// where there is one, else `own_key` beside them, which is for memory only: the runtime directory.
pub(super) fn token_cache(
    credentials: &CredentialStore,
    own_key: fn(&Location) -> Option<Key>,
) -> TokenCache {
    let runtime = usable_runtime_location();
    let key = cache_key(credentials, || runtime.as_ref().and_then(own_key));
    TokenCache::new(runtime.or_else(cache_location), key)
}

/// Every place where access tokens may be kept: a job without `XDG_RUNTIME_DIR` keeps them in another than the session
/// it was started from, and forgets them in both. A service or a cron job that logs out does.
pub(super) fn token_caches(credentials: &CredentialStore) -> Vec<TokenCache> {
    let runtime = [runtime_location, session_location]
        .into_iter()
        .find_map(|location| location().ok()?);
    [runtime, cache_location()]
        .into_iter()
        .flatten()
        .map(|location| {
            let key = cache_key(credentials, || token_cache::read_key(&location));
            TokenCache::new(Some(location), key)
        })
        .collect()
}

fn cache_key(credentials: &CredentialStore, own_key: impl FnOnce() -> Option<Key>) -> Option<Key> {
    match credentials.subkey("access tokens") {
        Ok(Some(key)) => Some(key),
        Ok(None) => own_key(),
        // What cannot be opened now is not replaced by something else: without a cache it works, only slower.
        Err(_) => None,
    }
}

/// Where directories are made that are gone when the command is, the best place first: one in memory; one that the
/// system cleans; and, should somebody else have taken our name there, one of our own.
pub(super) fn run_locations() -> Vec<Location> {
    // Root's home need not be known for root to be root; who owns no home trusts himself alone.
    let home = settings::home_directory().unwrap_or_default();
    let temporary = settings::temporary_directory(files::user_id())
        .filter(|temporary| temporary.is_absolute())
        .map(|temporary| Location::of_cache(temporary, &home));
    [usable_runtime_location(), temporary, cache_location()]
        .into_iter()
        .flatten()
        .collect()
}

/// Our place in the runtime directory. The system makes that; where it does not, or it is not ours alone, another is
/// used; an error where that cannot be told.
fn runtime_location() -> Result<Option<Location>, FileError> {
    own_place(settings::runtime_directory())
}

/// The same for who goes on without where it cannot be told.
pub(super) fn usable_runtime_location() -> Option<Location> {
    runtime_location().ok()?
}

/// Our place in the directory that the system makes for a session of this user, for a process that is not told of it.
fn session_location() -> Result<Option<Location>, FileError> {
    own_place(settings::session_directory(files::user_id()))
}

fn own_place(runtime: Option<PathBuf>) -> Result<Option<Location>, FileError> {
    let (Some(runtime), Some(home)) = (runtime, settings::home_directory()) else {
        return Ok(None);
    };
    match Location::of_cache(runtime, &home).open() {
        Ok(runtime) => Ok(runtime.map(|runtime| runtime.location_below(PROGRAM))),
        Err(FileError::Unfit { .. }) => Ok(None),
        Err(error @ FileError::Io { .. }) => Err(error),
    }
}

pub(super) fn cache_location() -> Option<Location> {
    Some(Location::of_cache(
        settings::cache_directory()?,
        &settings::home_directory()?,
    ))
}

/// The credentials of this user, with their key wherever it is.
pub(super) fn credential_store(variables: Variables<'static>, now: OffsetDateTime) -> CredentialStore {
    CredentialStore::at(data_location()).with_key_places(KeyPlaces {
        key_file: || match Settings::load(files::user_id()) {
            Ok(settings) => Ok(settings.key_file),
            Err(error) => Err(error.to_string()),
        },
        variable: variables,
        runtime: runtime_location,
        session: session_location,
        now,
    })
}

/// Where this program keeps its data.
pub(super) fn data_location() -> Option<Location> {
    Some(Location::new(
        settings::data_directory()?,
        &settings::home_directory()?,
    ))
}
