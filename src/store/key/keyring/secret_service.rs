//! Secret Service: what is there, looked at before the keyring crate is let at it, since that unlocks, with a prompt,
//! whatever it finds locked.

use std::collections::HashMap;
use std::io::ErrorKind;

use secret_service::blocking::{Collection, SecretService};
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
    let service = connect()?;
    let collection = service.get_default_collection().map_err(|error| match error {
        Error::NoResult => KeyringProblem::NoCollection,
        error => problem(&error),
    })?;
    open(&collection, manner, stage)
}

/// Whether there is an entry of that id, which is unlocked then.
pub(super) fn find(id: &str, manner: Manner, stage: &Stage) -> Result<bool, KeyringProblem> {
    let service = connect()?;
    let attributes = || HashMap::from([("service", SERVICE), ("username", id)]);
    let failed = |error| problem(&error);
    let found = service.search_items(attributes()).map_err(failed)?;
    if !found.unlocked.is_empty() {
        return Ok(true);
    }
    if let Some(item) = found.locked.first() {
        if manner == Manner::Quiet {
            return Err(KeyringProblem::Locked);
        }
        stage.waits_for_a_person();
        item.unlock().map_err(failed)?;
        return Ok(true);
    }
    // Some services show nothing of what is in a locked collection.
    let collection = match service.get_default_collection() {
        Ok(collection) => collection,
        Err(Error::NoResult) => return Ok(false),
        Err(error) => return Err(problem(&error)),
    };
    if !collection.is_locked().map_err(failed)? {
        return Ok(false);
    }
    open(&collection, manner, stage)?;
    let found = service.search_items(attributes()).map_err(failed)?;
    Ok(!found.unlocked.is_empty() || !found.locked.is_empty())
}

/// Nothing secret goes over this connection, so it needs no agreement on a cipher.
fn connect<'a>() -> Result<SecretService<'a>, KeyringProblem> {
    SecretService::connect(EncryptionType::Plain).map_err(|error| problem(&error))
}

fn open(collection: &Collection<'_>, manner: Manner, stage: &Stage) -> Result<(), KeyringProblem> {
    let failed = |error| problem(&error);
    if !collection.is_locked().map_err(failed)? {
        return Ok(());
    }
    if manner == Manner::Quiet {
        return Err(KeyringProblem::Locked);
    }
    stage.waits_for_a_person();
    collection.unlock().map_err(failed)?;
    // A service may say that it is done, and have asked nobody.
    if collection.is_locked().map_err(failed)? {
        return Err(KeyringProblem::Locked);
    }
    Ok(())
}

/// What an error of the keyring crate's store comes from.
pub(super) fn problem_in(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<KeyringProblem> {
    error.downcast_ref().map(problem)
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
