//! Room: the directories in which a miss is made good, whose turn it is there, and what is swept out. Knows nothing
//! of what the entries say.

use std::time::Duration;

use time::OffsetDateTime;

use super::{LONGEST_LIFE, Remembered, Ticket};
use crate::files::{Location, Lock, PrivateDirectory};

/// How long to wait for another process's exchange. A request has ten seconds at most, a usual one ends within one;
/// beyond five its process is likely stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many files there are to lock. Tickets share them: two that do wait for each other, and nothing more.
const LOCKS: u8 = 64;

/// Of how many entries of a credential one miss looks at the times. The next looks
/// at others; and what has expired is not handed out, whether it is there or not.
const LOOKED_AT: usize = 1000;

/// An entry out of date for so long is removed though its lock cannot be had.
const ABANDONED_AFTER: time::Duration = time::Duration::HOUR;

/// The directories of the cache, there and checked.
pub(super) struct Room {
    pub(super) tokens: PrivateDirectory,
    locks: PrivateDirectory,
    pub(super) staging: PrivateDirectory,
}

impl Room {
    /// The directories, made where there are none; `None` where nothing can be kept.
    pub(super) fn make(location: &Location) -> Option<Self> {
        let root = location.create().ok()?;
        Some(Self {
            tokens: root.create_below("tokens").ok()?,
            locks: root.create_below("locks").ok()?,
            staging: root.create_below("staging").ok()?,
        })
    }

    /// The turn to exchange for a ticket, or what another process got in the meantime.
    ///
    /// Who waited in vain, since the holder is stopped, queues once more at a second lock. Without that all who
    /// wait would go on at the same moment, and the token server have as many requests as there are processes.
    pub(super) fn turn(
        &self,
        ticket: &Ticket<'_>,
        read: impl Fn() -> Option<Remembered>,
    ) -> (Option<Lock>, Option<Remembered>) {
        let Some(place) = &ticket.place else {
            return (None, None);
        };
        let first = lock_number(place.fingerprint.as_str(), &place.hash);
        for number in [first, (first + LOCKS / 2) % LOCKS] {
            let mut remembered = None;
            let lock = self.locks.lock(&lock_name(number), PATIENCE, || {
                remembered = read();
                remembered.is_some()
            });
            if remembered.is_some() {
                return (None, remembered);
            }
            if lock.is_some() {
                // Again, since whoever had the lock before may have left it there.
                return (lock, read());
            }
        }
        (None, read())
    }

    /// Removes what has expired, directories with nothing in them, and what killed processes left.
    pub(super) fn prune(&self, now: OffsetDateTime) {
        self.staging.sweep(now);
        for fingerprint in names_in(&self.tokens) {
            if let Some((bucket, mut names)) = files_of(&self.tokens, &fingerprint) {
                if names.len() > LOOKED_AT {
                    // Anywhere will do, if only it is elsewhere the next time.
                    let start = now.unix_timestamp_nanos().unsigned_abs() % names.len() as u128;
                    names.rotate_left(usize::try_from(start).unwrap_or(0));
                }
                for name in names.iter().take(LOOKED_AT) {
                    self.prune_entry(&bucket, &fingerprint, name, now);
                }
                self.tokens.remove_empty_below(&fingerprint);
            }
        }
    }

    /// A file's time is that of its expiry. Who changed it could as well have removed the file.
    fn prune_entry(&self, bucket: &PrivateDirectory, fingerprint: &str, name: &str, now: OffsetDateTime) {
        let is_over = |slack: time::Duration| {
            bucket
                .modified(name)
                .is_some_and(|until| now - until >= slack || until - now > LONGEST_LIFE + slack)
        };
        if !is_over(time::Duration::ZERO) {
            return;
        }
        // Whoever replaces it has the lock; without it, what had just come would go.
        let lock = lock_name(lock_number(fingerprint, name));
        let lock = self.locks.lock(&lock, Duration::ZERO, || false);
        let slack = match lock {
            Some(_) => time::Duration::ZERO,
            None => ABANDONED_AFTER,
        };
        if is_over(slack) {
            // Another process may have been faster.
            let _ = bucket.remove(name);
        }
    }
}

/// Which file to lock for an entry. Both names are hexadecimal digits, evenly spread.
fn lock_number(fingerprint: &str, hash: &str) -> u8 {
    let byte = |digits: &str| {
        digits
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
    };
    (byte(fingerprint).unwrap_or(0) ^ byte(hash).unwrap_or(0)) % LOCKS
}

fn lock_name(number: u8) -> String {
    format!("{number:02}")
}

/// A directory of entries, and their names.
pub(super) fn files_of(
    tokens: &PrivateDirectory,
    fingerprint: &str,
) -> Option<(PrivateDirectory, Vec<String>)> {
    let bucket = tokens.open_below(fingerprint).ok()??;
    let names = names_in(&bucket);
    Some((bucket, names))
}

/// The names in a directory, but those that are none of ours for not being text.
pub(super) fn names_in(directory: &PrivateDirectory) -> Vec<String> {
    directory
        .names()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .collect()
}
