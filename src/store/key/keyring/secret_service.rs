//! Secret Service: what is there, looked at before the keyring crate is let at it, since that unlocks, with a prompt,
//! whatever it finds locked.

use std::collections::HashMap;
use std::io::ErrorKind;

use secret_service::blocking::{Collection, Item, SecretService};
use secret_service::{EncryptionType, Error};
use zbus::Address;
use zbus::address::transport::{Transport, UnixSocket};
use zbus::fdo;

use super::{KeyringProblem, Manner, SERVICE, Stage};
use crate::files::foreign;

/// Whether there may be a session bus at all: one whose socket is not there need not be connected to.
pub(super) fn is_reachable() -> Result<(), KeyringProblem> {
    let address = Address::session().map_err(|_| KeyringProblem::NoBus)?;
    if let Transport::Unix(socket) = address.transport()
        && let UnixSocket::File(path) = socket.path()
        && !foreign::is_there(path)
    {
        return Err(KeyringProblem::NoBus);
    }
    Ok(())
}

/// Makes sure that there is a default collection, and that it is unlocked.
pub(super) fn prepare(manner: Manner, stage: &Stage) -> Result<(), KeyringProblem> {
    // Nothing secret goes over this connection, so it needs no agreement on a cipher.
    let service = connect(EncryptionType::Plain)?;
    let collection = default_collection(&service)?.ok_or(KeyringProblem::NoCollection)?;
    open(&collection, manner, stage)
}

/// Whether there is an entry of that id, which is unlocked then.
pub(super) fn find(id: &str, manner: Manner, stage: &Stage) -> Result<bool, KeyringProblem> {
    let service = connect(EncryptionType::Plain)?;
    Ok(find_item(&service, id, manner, stage)?.is_some())
}

/// What the entry of that id holds. It is read from the very item that is found, which is refused where it is locked
/// again by then: by its name the keyring crate would unlock it, with a prompt.
pub(super) fn find_secret(id: &str, manner: Manner, stage: &Stage) -> Result<Vec<u8>, KeyringProblem> {
    let service = connect(EncryptionType::Dh)?;
    let item = find_item(&service, id, manner, stage)?.ok_or(KeyringProblem::NoEntry)?;
    Ok(item.get_secret()?)
}

/// The item of that id, which is unlocked then; `None` where all is open that there is, and it is not in it.
fn find_item<'a>(
    service: &'a SecretService<'a>,
    id: &str,
    manner: Manner,
    stage: &Stage,
) -> Result<Option<Item<'a>>, KeyringProblem> {
    if let Some(item) = search(service, id, manner, stage)? {
        return Ok(Some(item));
    }
    // Some services show nothing of what is in a locked collection. The default one is the likeliest.
    let default = default_collection(service)?;
    let is_any = default.is_some();
    let others = service.get_all_collections()?;
    for collection in default.into_iter().chain(others) {
        if collection.is_locked()? {
            open(&collection, manner, stage)?;
            if let Some(item) = search(service, id, manner, stage)? {
                return Ok(Some(item));
            }
        }
    }
    if is_any {
        Ok(None)
    } else {
        Err(KeyringProblem::NoCollection)
    }
}

/// The item of that id among what the service shows.
fn search<'a>(
    service: &'a SecretService<'a>,
    id: &str,
    manner: Manner,
    stage: &Stage,
) -> Result<Option<Item<'a>>, KeyringProblem> {
    let attributes = HashMap::from([("service", SERVICE), ("username", id)]);
    let found = service.search_items(attributes)?;
    // Whoever asks for it by its name unlocks each of them.
    if manner == Manner::Quiet && !found.locked.is_empty() {
        return Err(KeyringProblem::Locked);
    }
    if let Some(item) = found.unlocked.into_iter().next() {
        return Ok(Some(item));
    }
    let Some(item) = found.locked.into_iter().next() else {
        return Ok(None);
    };
    stage.waits_for_a_person();
    item.unlock()?;
    Ok(Some(item))
}

/// The collection that new items are put into. One that is in memory only, and gone at logout, is none: a key would be
/// lost with it.
fn default_collection<'a>(service: &'a SecretService<'a>) -> Result<Option<Collection<'a>>, KeyringProblem> {
    match service.get_default_collection() {
        Ok(collection) if is_of_session(collection.collection_path.as_str()) => Ok(None),
        Ok(collection) => Ok(Some(collection)),
        Err(Error::NoResult) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// As gnome-keyring names it, which takes it where there is no other.
fn is_of_session(path: &str) -> bool {
    path.ends_with("/collection/session")
}

fn connect<'a>(encryption: EncryptionType) -> Result<SecretService<'a>, KeyringProblem> {
    Ok(SecretService::connect(encryption)?)
}

fn open(collection: &Collection<'_>, manner: Manner, stage: &Stage) -> Result<(), KeyringProblem> {
    if !collection.is_locked()? {
        return Ok(());
    }
    if manner == Manner::Quiet {
        return Err(KeyringProblem::Locked);
    }
    stage.waits_for_a_person();
    collection.unlock()?;
    // A service may say that it is done, and have asked nobody.
    if collection.is_locked()? {
        return Err(KeyringProblem::Locked);
    }
    Ok(())
}

/// What an error of the keyring crate's store comes from.
pub(super) fn problem_in(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<KeyringProblem> {
    error.downcast_ref().map(problem)
}

impl From<Error> for KeyringProblem {
    fn from(error: Error) -> Self {
        problem(&error)
    }
}

fn problem(error: &Error) -> KeyringProblem {
    match error {
        Error::Unavailable => KeyringProblem::NoBus,
        Error::Locked => KeyringProblem::Locked,
        Error::NoResult => KeyringProblem::NoEntry,
        Error::Prompt => KeyringProblem::Dismissed,
        Error::Zbus(error) => problem_on_bus(error),
        Error::ZbusFdo(error) => problem_at_service(error),
        other => KeyringProblem::Failed(other.to_string()),
    }
}

fn problem_on_bus(error: &zbus::Error) -> KeyringProblem {
    match error {
        zbus::Error::Address(_) => KeyringProblem::NoBus,
        zbus::Error::InputOutput(cause) | zbus::Error::Connection(cause, _)
            if matches!(
                cause.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::NotADirectory
                    | ErrorKind::NotFound
                    | ErrorKind::PermissionDenied
            ) =>
        {
            KeyringProblem::NoBus
        }
        zbus::Error::FDO(error) => problem_at_service(error),
        zbus::Error::MethodError(name, ..) if is_absence(name.as_str()) => KeyringProblem::NoService,
        zbus::Error::MethodError(name, ..) if name.as_str() == "org.freedesktop.Secret.Error.IsLocked" => {
            KeyringProblem::Locked
        }
        other => KeyringProblem::Failed(other.to_string()),
    }
}

fn problem_at_service(error: &fdo::Error) -> KeyringProblem {
    match error {
        fdo::Error::NameHasNoOwner(_)
        | fdo::Error::ServiceUnknown(_)
        | fdo::Error::SpawnChildExited(_)
        | fdo::Error::SpawnFailed(_) => KeyringProblem::NoService,
        fdo::Error::ZBus(error) => problem_on_bus(error),
        other => KeyringProblem::Failed(other.to_string()),
    }
}

/// Nobody has the name on the bus, and nobody could be started that would.
fn is_absence(error: &str) -> bool {
    error
        .strip_prefix("org.freedesktop.DBus.Error.")
        .is_some_and(|name| matches!(name, "NameHasNoOwner" | "ServiceUnknown") || name.starts_with("Spawn."))
}
