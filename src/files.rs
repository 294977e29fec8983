//! Files: directories only we can read, replacement that is old or new and never between. Knows nothing of what
//! the bytes mean.
//!
//! Private files are looked up by plain names inside a [`PrivateDirectory`] that was checked first; no link is
//! followed. A new file is written under another name in a staging directory beside it, 0600 from creation,
//! synced, and renamed; then its directory is synced. Readers need no lock, and neither do writers: each change
//! is one rename or one unlink. What need not outlive a power cut, a cache, is the same without the syncing.

mod access;
pub mod foreign;
mod lock;
mod run_directory;

pub use lock::Lock;
pub use run_directory::RunDirectory;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;
use thiserror::Error;
use time::OffsetDateTime;

use access::Owner;

/// A file in the staging directory this old belongs to a process that was killed: no write takes an hour.
const ABANDONED_AFTER: time::Duration = time::Duration::HOUR;

/// Where a private directory is to be: its path, and whose it may be. It need not exist.
#[derive(Clone, Debug)]
pub struct Location(PrivateDirectory);

impl Location {
    /// A path in the home of a user. Root also takes what belongs to the owner of the home.
    #[must_use]
    pub fn new(path: PathBuf, home: &Path) -> Self {
        Self(PrivateDirectory {
            path,
            owner: Owner::new(home),
            is_lasting: true,
        })
    }

    /// The same for what can be lost: nothing in it is synced.
    #[must_use]
    pub fn of_cache(path: PathBuf, home: &Path) -> Self {
        let mut location = Self::new(path, home);
        location.0.is_lasting = false;
        location
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The directory, checked; `None` when there is none.
    pub fn open(&self) -> Result<Option<PrivateDirectory>, FileError> {
        self.0.clone().checked()
    }

    /// The directory, checked; made with its parents, 0700 from creation, when there is none.
    pub fn create(&self) -> Result<PrivateDirectory, FileError> {
        self.0.clone().made()
    }
}

/// A directory that is ours alone: a real directory, owned by us, closed to others.
#[derive(Clone, Debug)]
pub struct PrivateDirectory {
    path: PathBuf,
    owner: Owner,
    /// Whether what is written is to outlive a power cut.
    is_lasting: bool,
}

impl PrivateDirectory {
    /// The place of that name in this directory. Unlike a [`Location`] made of the path, it is not reached through
    /// a directory that nobody has looked at: whoever can write to that one can put another in its place.
    #[must_use]
    pub fn location_below(&self, name: &str) -> Location {
        Location(self.below(name))
    }

    /// The directory of this name in this one, checked; `None` when there is none.
    pub fn open_below(&self, name: &str) -> Result<Option<Self>, FileError> {
        self.below(name).checked()
    }

    /// The directory of this name in this one, checked; made when there is none.
    pub fn create_below(&self, name: &str) -> Result<Self, FileError> {
        self.below(name).made()
    }

    fn below(&self, name: &str) -> Self {
        Self {
            path: self.path.join(name),
            owner: self.owner.clone(),
            is_lasting: self.is_lasting,
        }
    }

    fn checked(self) -> Result<Option<Self>, FileError> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) => match self.owner.distrusts_directory(&metadata) {
                Some(why) => Err(FileError::Unfit { path: self.path, why }),
                None => Ok(Some(self)),
            },
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(FileError::io("look at", &self.path, error)),
        }
    }

    fn made(self) -> Result<Self, FileError> {
        if let Some(directory) = self.clone().checked()? {
            return Ok(directory);
        }
        make_directory(&self.path, &|parent, made| {
            self.owner.give(parent, made);
            self.sync(parent)
        })?;
        let path = self.path.clone();
        self.checked()?
            .ok_or_else(|| FileError::io("create", &path, io::ErrorKind::NotFound.into()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file of at most `limit` bytes; `None` when there is none.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<PrivateFile>, FileError> {
        let path = self.path.join(name);
        let file = match access::open_without_following(&path) {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(FileError::io("open", &path, error)),
        };
        let metadata = file
            .metadata()
            .map_err(|error| FileError::io("look at", &path, error))?;
        let why = match self.owner.distrusts_file(&metadata) {
            None if metadata.len() > limit => Some(Unfit::TooLarge),
            why => why,
        };
        if let Some(why) = why {
            return Err(FileError::Unfit { path, why });
        }
        let mut bytes = Vec::with_capacity(
            usize::try_from(metadata.len())
                .unwrap_or_default()
                .saturating_add(1),
        );
        (&file)
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| FileError::io("read", &path, error))?;
        let modified = metadata
            .modified()
            .map_err(|error| FileError::io("look at", &path, error))?;
        Ok(Some(PrivateFile {
            bytes,
            modified: moment(modified),
            is_closed_to_others: access::is_closed_to_others(&metadata),
            file,
        }))
    }

    /// Puts `bytes` under `name`, in place of what is there. When it returns without an error they are on disk,
    /// and at no moment is there neither the old file nor the new.
    pub fn replace(&self, name: &str, bytes: &[u8], staging: &Self) -> Result<(), FileError> {
        let path = self.path.join(name);
        self.put(&path, self.stage(bytes, staging, &path)?)
    }

    /// The same, with another modification time than now: one that says until when the file is good tells so to
    /// who only looks at the directory.
    pub fn replace_dated(
        &self,
        name: &str,
        bytes: &[u8],
        modified: OffsetDateTime,
        staging: &Self,
    ) -> Result<(), FileError> {
        let path = self.path.join(name);
        let staged = self.stage(bytes, staging, &path)?;
        staged
            .as_file()
            .set_modified(modified.into())
            .map_err(|error| FileError::io("write", &path, error))?;
        self.put(&path, staged)
    }

    fn put(&self, path: &Path, staged: NamedTempFile) -> Result<(), FileError> {
        staged
            .persist(path)
            .map_err(|error| FileError::io("replace", path, error.error))?;
        self.sync(&self.path)
    }

    /// Puts `bytes` under `name` unless there is a file already; says whether it did.
    pub fn create_new(&self, name: &str, bytes: &[u8], staging: &Self) -> Result<bool, FileError> {
        let path = self.path.join(name);
        let Err(error) = self.stage(bytes, staging, &path)?.persist_noclobber(&path) else {
            return self.sync(&self.path).map(|()| true);
        };
        if error.error.kind() == io::ErrorKind::AlreadyExists {
            return Ok(false);
        }
        // Some network and FUSE file systems can neither rename without replacing nor link. There all processes
        // come this way, one after the other.
        let _lock = staging.lock(LOCK, LOCK_PATIENCE, || false);
        if path.symlink_metadata().is_ok() {
            return Ok(false);
        }
        error
            .file
            .persist(&path)
            .map_err(|error| FileError::io("create", &path, error.error))?;
        self.sync(&self.path).map(|()| true)
    }

    /// Removes a file; says whether there was one. Never opens it.
    pub fn remove(&self, name: &str) -> Result<bool, FileError> {
        let path = self.path.join(name);
        // Looked for first, since a read-only file system refuses the unlink of a file that is not there.
        match fs::symlink_metadata(&path) {
            Ok(_) => {}
            Err(error) if is_absence(&error) => return Ok(false),
            Err(error) => return Err(FileError::io("look at", &path, error)),
        }
        match fs::remove_file(&path) {
            Ok(()) => self.sync(&self.path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::io("remove", &path, error)),
        }
    }

    /// Removes the directory of this name with the files in it; says whether there was one.
    pub fn remove_below(&self, name: &str) -> Result<bool, FileError> {
        let Some(directory) = self.open_below(name)? else {
            return Ok(false);
        };
        let mut attempts = 0;
        loop {
            for file in directory.names().unwrap_or_default() {
                // What cannot be removed keeps the directory from being removed, and that is then said.
                let _ = fs::remove_file(directory.path.join(file));
            }
            attempts += 1;
            match fs::remove_dir(&directory.path) {
                Ok(()) => return self.sync(&self.path).map(|()| true),
                // Another process was as fast.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
                // Another process has put a file there since.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && attempts < 3 => {}
                Err(error) => return Err(FileError::io("remove", &directory.path, error)),
            }
        }
    }

    /// Removes the directory of this name if nothing is in it. Best effort.
    pub fn remove_empty_below(&self, name: &str) {
        let _ = fs::remove_dir(self.path.join(name));
    }

    /// The modification time of a file; `None` when there is none.
    #[must_use]
    pub fn modified(&self, name: &str) -> Option<OffsetDateTime> {
        let metadata = fs::symlink_metadata(self.path.join(name)).ok()?;
        metadata.modified().ok().map(moment)
    }

    /// The names of all files, sorted.
    pub fn names(&self) -> Result<Vec<OsString>, FileError> {
        let failed = |error| FileError::io("list", &self.path, error);
        let mut names = fs::read_dir(&self.path)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.file_name()).map_err(failed))
            .collect::<Result<Vec<_>, _>>()?;
        names.sort();
        Ok(names)
    }

    /// Removes what killed processes left in this staging directory. Best effort: it harms nobody where it is.
    pub fn sweep(&self, now: OffsetDateTime) {
        for name in self.names().unwrap_or_default() {
            let path = self.path.join(&name);
            let modified = fs::symlink_metadata(&path).and_then(|metadata| metadata.modified());
            if name != LOCK && modified.is_ok_and(|modified| now - moment(modified) > ABANDONED_AFTER) {
                // Another process may have been faster.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn stage(&self, bytes: &[u8], staging: &Self, path: &Path) -> Result<NamedTempFile, FileError> {
        let failed = |error| FileError::io("write", path, error);
        let staged = new_file("new-", &staging.path).map_err(failed)?;
        staged.as_file().write_all(bytes).map_err(failed)?;
        self.owner.give(&self.path, staged.as_file());
        if self.is_lasting {
            staged.as_file().sync_all().map_err(failed)?;
        }
        Ok(staged)
    }

    fn sync(&self, path: &Path) -> Result<(), FileError> {
        if self.is_lasting {
            sync_directory(path)
        } else {
            Ok(())
        }
    }
}

const LOCK: &str = "lock";

/// What is locked takes milliseconds; a process that has not done it in two seconds is stopped.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// A file that was read.
#[derive(Debug)]
pub struct PrivateFile {
    /// All of it.
    pub bytes: Vec<u8>,
    /// When it was last written or [touched](Self::touch).
    pub modified: OffsetDateTime,
    /// Whether nobody but the owner can read or write it.
    pub is_closed_to_others: bool,
    file: File,
}

impl PrivateFile {
    /// Sets the modification time. Best effort: on a read-only file system the time stays as it is.
    pub fn touch(&self, now: OffsetDateTime) {
        let _ = self.file.set_modified(now.into());
    }
}

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
    let staged = new_file(".new-", directory).map_err(failed)?;
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
    staged.persist(&target).map_err(|error| failed(error.error))?;
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
    finish(parent, &File::open(path).map_err(failed)?)
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
