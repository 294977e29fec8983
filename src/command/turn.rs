//! Turn: who changes a file that is not our own alone, one after another. Knows nothing of what is in it.

use std::time::Duration;

use crate::files::{Location, Lock};

/// Of the clients' configuration, and the record of what was changed there.
pub(super) const CONFIGURATION: &str = "configuration";

/// Of settings.json.
pub(super) const SETTINGS: &str = "settings";

/// A change takes milliseconds; a process that has not made it in two seconds is stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// The turn to change what this is the name of: of two that read a file at once and write it, one would take back what
/// the other has changed. Without a turn it is changed all the same.
pub(super) fn turn(name: &str, data: Option<&Location>) -> Option<Lock> {
    let locks = data?.create().ok()?.create_below("locks").ok()?;
    locks.lock(name, PATIENCE, || false)
}
