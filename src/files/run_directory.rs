//! Run directory: a private directory that is there as long as this process, and removed by the next where this one
//! is killed. Knows nothing of what is put into it.
//!
//! Beside each directory `NAME` lies `NAME.lock`, which is locked as long as its process lives: the kernel lets go of
//! it, however the process ends. The lock file comes first and goes last, so that whoever holds it may remove both.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{FileError, PrivateDirectory, access, is_absence};

const LOCK_SUFFIX: &str = ".lock";

/// Two processes that make up one name, or one that removes what the other is about to lock, are rarer than this.
const ATTEMPTS: usize = 8;

/// A directory of this process. Removed when dropped.
#[derive(Debug)]
pub struct RunDirectory {
    directory: PrivateDirectory,
    lock_path: PathBuf,
    /// Held open: closing it unlocks.
    _lock: File,
}

impl RunDirectory {
    /// Makes one in `root`, where nothing else is.
    pub fn create(root: &PrivateDirectory) -> Result<Self, FileError> {
        let mut refusal = io::ErrorKind::AlreadyExists.into();
        for _ in 0..ATTEMPTS {
            match lock_new(root) {
                Ok(Some((name, lock))) => {
                    return Ok(Self {
                        directory: root.create_below(&name)?,
                        lock_path: root.path.join(name + LOCK_SUFFIX),
                        _lock: lock,
                    });
                }
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refusal = error,
                Err(error) => return Err(FileError::io("create a file in", &root.path, error)),
            }
        }
        Err(FileError::io("create a file in", &root.path, refusal))
    }

    /// Removes the directories in `root` whose processes are gone. Best effort: the next one tries again.
    pub fn sweep(root: &PrivateDirectory) {
        for name in root.names().unwrap_or_default() {
            let Some(lock_name) = name.to_str().filter(|name| name.ends_with(LOCK_SUFFIX)) else {
                continue;
            };
            let lock_path = root.path.join(lock_name);
            if let Ok(lock) = access::open_without_following(&lock_path)
                && lock.try_lock().is_ok()
            {
                remove(&lock_path);
            }
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &PrivateDirectory {
        &self.directory
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        remove(&self.lock_path);
    }
}

/// A lock file under a new name, locked; `None` where another process has removed it before it was.
fn lock_new(root: &PrivateDirectory) -> io::Result<Option<(String, File)>> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let name = format!("{:016x}", u64::from_ne_bytes(bytes));
    let path = root.path.join(format!("{name}{LOCK_SUFFIX}"));
    let lock = access::create_private(&path)?;
    root.owner.give(&root.path, &lock);
    let is_ours = lock.try_lock().is_ok() && access::is_linked(&lock, &path)?;
    Ok(is_ours.then_some((name, lock)))
}

/// Removes a directory, its links but not what they lead to, and then its lock file.
fn remove(lock_path: &Path) {
    let is_gone = match fs::remove_dir_all(lock_path.with_extension("")) {
        Ok(()) => true,
        Err(error) => is_absence(&error),
    };
    if is_gone {
        let _ = fs::remove_file(lock_path);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::Location;

    fn names(root: &PrivateDirectory) -> usize {
        root.names().unwrap().len()
    }

    #[test]
    #[expect(
        clippy::used_underscore_binding,
        reason = "only its end is of use, and that is what is tried"
    )]
    fn a_directory_goes_with_its_process_and_those_of_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let root = Location::new(place.path().join("runs"), Path::new("/"))
            .create()
            .unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();

        let living = RunDirectory::create(&root).unwrap();
        let killed = RunDirectory::create(&root).unwrap();
        let path = killed.directory().path().to_owned();
        super::super::foreign::link(&path.join("link"), &outside).unwrap();
        fs::create_dir(outside.join("kept")).unwrap();
        // As the kernel does it: the lock is let go of, and nothing is removed.
        killed._lock.unlock().unwrap();
        std::mem::forget(killed);

        RunDirectory::sweep(&root);
        assert!(!path.exists());
        assert!(outside.join("kept").exists(), "what a link leads to stays");
        assert!(living.directory().path().exists());
        assert_eq!(names(&root), 2);

        drop(living);
        assert_eq!(names(&root), 0);
    }
}
