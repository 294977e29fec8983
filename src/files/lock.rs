//! Lock: one process at a time, by an advisory lock on a file that stays. Knows nothing of what is done meanwhile.
//!
//! The file is never removed: two processes could then each lock a file of their own. The system lets go of the
//! lock when its holder ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::{PrivateDirectory, access};
use crate::deadline;

/// The pauses grow from the first to the second: a short wait ends at once, and a hundred waiting for a slow server
/// leave it a processor to answer with.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// One's turn, until it is dropped.
#[derive(Debug)]
#[must_use = "the turn ends when it is dropped"]
pub struct Lock(File);

impl PrivateDirectory {
    /// Waits for its turn at the file of this name, but not for ever: `None` where the holder does not come to an
    /// end in time (it may be stopped), where locks do not work (some network and FUSE file systems), and once
    /// `is_settled` says that there is nothing left to wait for. Who gets none goes on without.
    pub fn lock(&self, name: &str, patience: Duration, mut is_settled: impl FnMut() -> bool) -> Option<Lock> {
        let file = access::open_to_lock(&self.path.join(name)).ok()?;
        self.owner.give(&self.path, &file);
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match file.try_lock() {
                Ok(()) => return Some(Lock(file)),
                Err(TryLockError::Error(_)) => return None,
                Err(TryLockError::WouldBlock) => {}
            }
            if is_settled() || began.elapsed() >= patience {
                return None;
            }
            if pause == FIRST_PAUSE {
                deadline::will_wait_for(&format_args!(
                    "whoever has locked {}",
                    self.path.join(name).display()
                ));
            }
            thread::sleep(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// The same in a line, where each has something of its own to do: whoever's turn comes leaves the time at the
    /// file, and with every turn that is seen to come patience begins anew. `None`, too, once `until` has come.
    #[must_use]
    pub fn line_up(&self, name: &str, patience: Duration, until: Instant) -> Option<Lock> {
        let path = self.path.join(name);
        let last_turn = || fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        let mut seen = last_turn();
        let began = Instant::now();
        let mut since = began;
        let is_stalled = || {
            let last = last_turn();
            if last != seen {
                (seen, since) = (last, Instant::now());
            }
            since.elapsed() >= patience
        };
        let lock = self.lock(name, until.saturating_duration_since(began), is_stalled)?;
        access::mark_now(&lock.0);
        Some(lock)
    }
}
