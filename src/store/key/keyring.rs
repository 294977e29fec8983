//! Keyring: the key in the keyring of the operating system. Knows nothing of who asks for it.
//!
//! Whoever answers there is another program, which may be hung, locked or waiting for a person. It is spoken to in a
//! thread of its own that is left behind when its time is over, and no prompt is raised but for a person who asked for
//! one.

#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use keyring::v1::{Entry, Error};
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

#[cfg(all(unix, not(target_os = "macos")))]
use self::secret_service::{find, find_secret, is_reachable, prepare, problem_in};
use crate::deadline;
use crate::seal::{KEY_BYTES, Key};

/// By what an entry is known there, with its id.
const SERVICE: &str = "docker-credential-scoped";

/// A healthy keyring answers in milliseconds.
const QUIET_LIMIT: Duration = Duration::from_secs(2);

/// How long a person may look for a passphrase.
const PROMPT_LIMIT: Duration = Duration::from_secs(120);

/// Whether the keyring may ask a person for what opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Prompting,
    Quiet,
}

/// How the keyring is asked, and until when: all that is asked of it for one purpose has one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    manner: Manner,
    until: Instant,
}

impl Patience {
    pub(super) fn quiet() -> Self {
        Self {
            manner: Manner::Quiet,
            until: Instant::now() + QUIET_LIMIT,
        }
    }

    /// How much of its time is left.
    pub(super) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    pub(super) fn prompting() -> Self {
        Self {
            manner: Manner::Prompting,
            ..Self::quiet()
        }
    }
}

/// Why the keyring was of no use.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum KeyringProblem {
    /// The person did not want to open it.
    #[error("its prompt was dismissed, or could not be shown here; try again where it can be")]
    Dismissed,
    /// Something else.
    #[error("it failed: {0}; try again, or restart the keyring's service")]
    Failed(String),
    /// It is locked.
    #[error("it is locked; unlock it: docker-credential-scoped unlock")]
    Locked,
    /// There is no session bus.
    #[error(
        "there is no session bus here to reach it by (DBUS_SESSION_BUS_ADDRESS); try again in the session that it belongs to"
    )]
    NoBus,
    /// There is a service, and nothing in it to keep anything in.
    #[error("it has no default collection to keep anything in; make one with the desktop's password manager")]
    NoCollection,
    /// It is open, and the key is not in it.
    #[error(
        "this one does not hold it; was it stored in another session's keyring, or by another user? open that one (last resort: remove key and slots/ from the data directory and log in again)"
    )]
    NoEntry,
    /// There is a session bus, and nobody on it is a keyring.
    #[error("no keyring runs in this session (org.freedesktop.secrets); start one")]
    NoService,
    /// Nobody asked it, since what is done needs no key.
    #[error("it was not asked")]
    NotAsked,
    /// What it holds is no key.
    #[error("what it holds is not a key; restore it")]
    NotAKey,
    /// Nobody answered a prompt.
    #[error("nobody answered its prompt within {} s; try again", PROMPT_LIMIT.as_secs())]
    Prompt,
    /// It is there, and does not answer.
    #[error("it does not answer (waited {} s); restart the keyring's service, or log in anew", QUIET_LIMIT.as_secs())]
    Silent,
}

/// Whether an entry could be made, as far as can be told without making one.
pub(super) fn is_ready(patience: Patience) -> Result<(), KeyringProblem> {
    bounded(patience, move |stage| prepare(patience.manner, stage))
}

/// The key of an entry.
pub(super) fn read(id: &str, patience: Patience) -> Result<Key, KeyringProblem> {
    let id = id.to_owned();
    bounded(patience, move |stage| {
        key_of(find_secret(&id, patience.manner, stage)?)
    })
}

/// Makes an entry, and has seen that it holds the key.
pub(super) fn put(id: &str, key: &Key, patience: Patience) -> Result<(), KeyringProblem> {
    let (id, key) = (id.to_owned(), key.clone());
    bounded(patience, move |stage| {
        prepare(patience.manner, stage)?;
        entry(&id)?.set_secret(key.bytes()).map_err(problem_of)?;
        if read_now(&id)?.bytes() == key.bytes() {
            Ok(())
        } else {
            Err(KeyringProblem::NotAKey)
        }
    })
}

/// Whether there is an entry.
pub(super) fn is_there(id: &str, patience: Patience) -> Result<bool, KeyringProblem> {
    let id = id.to_owned();
    bounded(patience, move |stage| find(&id, patience.manner, stage))
}

/// Removes an entry; says whether there was one.
pub(super) fn remove(id: &str, patience: Patience) -> Result<bool, KeyringProblem> {
    let id = id.to_owned();
    bounded(patience, move |stage| {
        if !find(&id, patience.manner, stage)? {
            return Ok(false);
        }
        match entry(&id)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(problem_of(error)),
        }
    })
}

fn entry(id: &str) -> Result<Entry, KeyringProblem> {
    Entry::new(SERVICE, id).map_err(problem_of)
}

fn read_now(id: &str) -> Result<Key, KeyringProblem> {
    key_of(entry(id)?.get_secret().map_err(problem_of)?)
}

fn key_of(secret: Vec<u8>) -> Result<Key, KeyringProblem> {
    let secret = Zeroizing::new(secret);
    let bytes: &[u8; KEY_BYTES] = secret
        .as_slice()
        .try_into()
        .map_err(|_| KeyringProblem::NotAKey)?;
    Ok(Key::from_bytes(*bytes))
}

/// Whether it waits for a person now.
#[derive(Clone)]
struct Stage(Arc<AtomicBool>);

impl Stage {
    /// Where the system itself asks, it does so unseen.
    fn of(manner: Manner) -> Self {
        let is_unseen = cfg!(not(all(unix, not(target_os = "macos"))));
        Self(Arc::new(AtomicBool::new(
            is_unseen && manner == Manner::Prompting,
        )))
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    fn waits_for_a_person(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_person_awaited(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does it in a thread that is not waited for beyond its time.
fn bounded<T: Send + 'static>(
    patience: Patience,
    work: impl FnOnce(&Stage) -> Result<T, KeyringProblem> + Send + 'static,
) -> Result<T, KeyringProblem> {
    // Where nobody can be asked there is nobody to wait for, and no need of a thread.
    is_reachable()?;
    if patience.manner == Manner::Quiet {
        deadline::will_wait_for(&"the OS keyring");
    }
    let stage = Stage::of(patience.manner);
    let seen = stage.clone();
    let (sender, answer) = mpsc::channel();
    thread::Builder::new()
        .spawn(move || {
            // Nobody listens any more once it has taken too long.
            let _ = sender.send(work(&stage));
        })
        .map_err(|error| KeyringProblem::Failed(error.to_string()))?;
    let mut heard = answer.recv_timeout(patience.left());
    // Only a person takes long.
    let waits_for_a_person = seen.is_person_awaited();
    if matches!(heard, Err(RecvTimeoutError::Timeout)) && waits_for_a_person {
        heard = answer.recv_timeout(PROMPT_LIMIT);
    }
    match heard {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) if waits_for_a_person => Err(KeyringProblem::Prompt),
        Err(RecvTimeoutError::Timeout) => Err(KeyringProblem::Silent),
        Err(RecvTimeoutError::Disconnected) => {
            Err(KeyringProblem::Failed("it ended without an answer".to_owned()))
        }
    }
}

/// Elsewhere the system is asked for the entry itself.
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(clippy::unnecessary_wraps, reason = "where a keyring may prompt, it can fail")]
fn is_reachable() -> Result<(), KeyringProblem> {
    Ok(())
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(clippy::unnecessary_wraps, reason = "where a keyring may prompt, it can fail")]
fn find(_id: &str, _manner: Manner, _stage: &Stage) -> Result<bool, KeyringProblem> {
    Ok(true)
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn find_secret(id: &str, _manner: Manner, _stage: &Stage) -> Result<Vec<u8>, KeyringProblem> {
    entry(id)?.get_secret().map_err(problem_of)
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(clippy::unnecessary_wraps, reason = "where a keyring may prompt, it can fail")]
fn prepare(_manner: Manner, _stage: &Stage) -> Result<(), KeyringProblem> {
    Ok(())
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn problem_in(_error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<KeyringProblem> {
    None
}

fn problem_of(error: Error) -> KeyringProblem {
    match error {
        Error::NoEntry => KeyringProblem::NoEntry,
        Error::NoStorageAccess(cause) => problem_in(&*cause).unwrap_or(KeyringProblem::Locked),
        Error::PlatformFailure(cause) => {
            problem_in(&*cause).unwrap_or_else(|| KeyringProblem::Failed(cause.to_string()))
        }
        // Two entries of one random id are none that we made, and what others hold may be a secret.
        Error::Ambiguous(_) | Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringProblem::NotAKey,
        other => KeyringProblem::Failed(other.to_string()),
    }
}
