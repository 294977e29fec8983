//! Turn: whose it is to use up what a slot holds, or to change it. Knows nothing of what it is used for.
//!
//! A refresh token may be good for a single use, and a token server that sees one twice takes it for stolen and
//! revokes the login. Who uses one therefore has its turn first, then reads the slot, and lets the next one have its
//! turn when the new token is kept.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::files::{Lock, PrivateDirectory};

/// What is used up is used in a request, and that has ten seconds; beyond them the process is stopped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Half a minute is what a call may take, and ten seconds have to be left for the request.
const LONGEST: Duration = Duration::from_secs(20);

/// How many files there are to lock. Slots share them: two that do wait for each other, and nothing more.
const LOCKS: u8 = 64;

/// A change takes milliseconds; a process that has not made it in two seconds is stopped.
const CHANGE_PATIENCE: Duration = Duration::from_secs(2);

/// Waits for the turn to change a slot, so that what is compared with is still there when it is replaced. Without one
/// it is changed all the same.
pub(super) fn change(root: &PrivateDirectory) -> Option<Lock> {
    root.create_below("locks")
        .ok()?
        .lock("change", CHANGE_PATIENCE, || false)
}

/// Too many are in the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crowded;

/// Waits for the turn at a slot, for a caller that has waited since `began` for this or something else. None where locks do not work, and where the line does not move, since somebody is
/// stopped: who waited for that queues at a second lock, so that not all go on at the same moment.
pub(super) fn take(root: &PrivateDirectory, slot: &str, began: Instant) -> Result<Option<Lock>, Crowded> {
    let until = began + LONGEST;
    let Ok(locks) = root.create_below("locks") else {
        return Ok(None);
    };
    let first = Sha256::digest(slot.as_bytes())
        .first()
        .map_or(0, |byte| byte % LOCKS);
    for number in [first, (first + LOCKS / 2) % LOCKS] {
        if let Some(lock) = locks.line_up(&format!("{number:02}"), PATIENCE, until) {
            return Ok(Some(lock));
        }
        if Instant::now() >= until {
            return Err(Crowded);
        }
    }
    Ok(None)
}
