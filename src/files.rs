//! Files: directories only we can read, replacement that is old or new and never between. Knows nothing of what
//! the bytes mean.
//!
//! Private files are looked up by plain names inside a [`PrivateDirectory`] that was checked first; no link is
//! followed. A new file is written under another name in a staging directory beside it, 0600 from creation,
//! synced, and renamed; then its directory is synced. Readers need no lock, and neither do writers: each change
//! is one rename or one unlink. What need not outlive a power cut, a cache, is the same without the syncing.

mod access;
pub mod foreign;
mod growing_file;
mod lock;
mod private_directory;
mod run_directory;

pub use lock::Lock;
pub use private_directory::{Location, PrivateDirectory, PrivateFile};
pub use run_directory::RunDirectory;

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;
use thiserror::Error;
use time::OffsetDateTime;

/// A file that is being written is older than this only where its process was killed: no write takes an hour.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// The same in a directory of other programs, where something is written seldom, and mostly again at once after it was
/// interrupted. Who was stopped for longer is told that his file is gone.
const ABANDONED_BESIDE_OTHERS_AFTER: Duration = Duration::from_secs(10);

/// What stands before the names of files being written in directories of other programs.
const BESIDE_OTHERS: &str = ".new-docker-credential-scoped-";

/// Replaces a file that belongs to another program: the target where `path` is a link, with the mode and owner
/// that it has; 0600 where there was none.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |error| FileError::io("replace", path, error);
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => path.to_owned(),
        Err(error) => return Err(failed(error)),
    };
    let Some(directory) = target.parent() else {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    };
    make_directory(directory, &|parent, made| {
        access::give_to_owner_of(parent, made);
        sync_directory(parent)
    })?;
    let staged = new_file_beside_others(directory).map_err(failed)?;
    staged.as_file().write_all(bytes).map_err(failed)?;
    match fs::metadata(&target) {
        Ok(metadata) => {
            access::give_to_owner_of(&target, staged.as_file());
            staged
                .as_file()
                .set_permissions(metadata.permissions())
                .map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            access::give_to_owner_of(directory, staged.as_file());
        }
        Err(error) => return Err(failed(error)),
    }
    staged.as_file().sync_all().map_err(failed)?;
    put_in_place(staged, &target).map_err(failed)?;
    sync_directory(directory)
}

/// Who runs this program, as a number; 0 where users have none.
#[must_use]
pub fn user_id() -> u32 {
    access::user_id()
}

/// Why a file could not be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is there, but others can reach it, or it is not what it has to be.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// What it is about.
        path: PathBuf,
        /// What is wrong with it, and the mend.
        why: Unfit,
    },
}

impl FileError {
    fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            cause,
        }
    }
}

/// Why a file or directory is not used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unfit {
    /// Somebody else owns it and may change it at will.
    #[error("belongs to another user; chown it to yourself or move it away")]
    ForeignOwner,
    /// A link, socket, pipe or device in place of a directory.
    #[error("is not a directory (links are not followed); move it away")]
    NotADirectory,
    /// A link, directory, socket, pipe or device in place of a file.
    #[error("is not a regular file; move it away")]
    NotAFile,
    /// Group or others may read or write it.
    #[error("is open to other users (mode {0:04o}); close it with chmod go-rwx")]
    OpenToOthers(u32),
    /// Larger than anything we write.
    #[error("is larger than any file of this program; move it away")]
    TooLarge,
    /// Group or others may write what only its owner should.
    #[error("can be written by other users (mode {0:04o}); close it with chmod go-w")]
    WritableByOthers(u32),
}

/// `ENOTDIR` counts: services are given `HOME=/dev/null`, where nothing can be. So does `ENAMETOOLONG`: what the
/// file system could not hold is not there.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidFilename | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A new file under a made-up name. tempfile would add that name to what the system says when it refuses.
fn new_file(prefix: &str, directory: &Path) -> io::Result<NamedTempFile> {
    let mut refusal = None;
    tempfile::Builder::new()
        .prefix(prefix)
        .make_in(directory, |path| {
            access::create_private(path).inspect_err(|error| refusal = error.raw_os_error())
        })
        .map_err(|error| refusal.map_or(error, io::Error::from_raw_os_error))
}

/// A new file in a directory of other programs. What a killed process has left there goes: it may hold what is in a
/// configuration, and there nobody else would sweep it.
fn new_file_beside_others(directory: &Path) -> io::Result<NamedTempFile> {
    let staged = new_file(BESIDE_OTHERS, directory)?;
    let modified = |metadata: Metadata| metadata.modified().ok();
    // The system's time, by which the others are dated too.
    let Some(now) = staged.as_file().metadata().ok().and_then(modified) else {
        return Ok(staged);
    };
    for name in foreign::names_in(directory) {
        let path = directory.join(&name);
        let is_ours = name.as_encoded_bytes().starts_with(BESIDE_OTHERS.as_bytes());
        let is_old = || {
            let then = fs::symlink_metadata(&path).ok().and_then(modified)?;
            Some(now.duration_since(then).ok()? > ABANDONED_BESIDE_OTHERS_AFTER)
        };
        if is_ours && is_old() == Some(true) {
            // Another process may have been faster.
            let _ = fs::remove_file(path);
        }
    }
    Ok(staged)
}

/// Gives a new file its name, in place of what has it.
#[cfg(unix)]
fn put_in_place(staged: NamedTempFile, path: &Path) -> io::Result<()> {
    match staged.persist(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.error),
    }
}

/// The same with the standard library's rename: tempfile's is refused while somebody else has the old file open. Where
/// the file system knows no other, and while a virus scanner looks at one of the two, this is refused as well.
#[cfg(windows)]
fn put_in_place(staged: NamedTempFile, path: &Path) -> io::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_millis(5);

    let mut staged = staged.into_temp_path();
    let began = std::time::Instant::now();
    while let Err(error) = fs::rename(&staged, path) {
        let may_pass = is_kept_open(&error) && began.elapsed() < PATIENCE;
        if !may_pass {
            return Err(error);
        }
        std::thread::sleep(PAUSE);
    }
    staged.disable_cleanup(true);
    Ok(())
}

/// `ERROR_ACCESS_DENIED` and `ERROR_SHARING_VIOLATION`.
#[cfg(windows)]
fn is_kept_open(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(5 | 32))
}

/// Makes a directory and those above it, each 0700 and handed to `finish` with its parent.
fn make_directory(
    path: &Path,
    finish: &dyn Fn(&Path, &File) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let failed = |error| FileError::io("create", path, error);
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match access::create_private_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent != path => {
            make_directory(parent, finish)?;
            match access::create_private_directory(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                result => result.map_err(failed)?,
            }
        }
        // What it is that exists is for the caller to check. A read-only file system says so before it says that.
        Err(_) if path.is_dir() => return Ok(()),
        result => result.map_err(failed)?,
    }
    finish(parent, &access::open_directory(path).map_err(failed)?)
}

/// A rename or unlink is on disk once its directory is. Where the file system has no such thing (`EINVAL`,
/// `ENOTSUP`) it says so, and that is no failure.
fn sync_directory(path: &Path) -> Result<(), FileError> {
    match access::sync_directory(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result.map_err(|error| FileError::io("sync", path, error)),
    }
}

/// The moment of a file's time, which can be any number at all; one that no calendar shows counts as 1970.
fn moment(time: SystemTime) -> OffsetDateTime {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_file_time_is_a_moment() {
        let day = Duration::from_secs(86400);
        assert_eq!(moment(SystemTime::UNIX_EPOCH + day).unix_timestamp(), 86400);
        assert_eq!(moment(SystemTime::UNIX_EPOCH - day), OffsetDateTime::UNIX_EPOCH);
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(999_999_999_999);
        assert_eq!(moment(far), OffsetDateTime::UNIX_EPOCH);
    }
}
