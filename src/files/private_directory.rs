//! Private directory: a directory that is ours alone, and the files in it.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;
use time::OffsetDateTime;

use super::access::{self, Owner};
use super::{
    ABANDONED_AFTER, FileError, Unfit, is_absence, make_directory, moment, new_file, put_in_place,
    sync_directory,
};

const LOCK: &str = "lock";

/// What is locked takes milliseconds; a process that has not done it in two seconds is stopped.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

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
    pub(super) path: PathBuf,
    pub(super) owner: Owner,
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

    /// Why a file elsewhere cannot be taken for ours, if it cannot.
    pub(super) fn distrusts(&self, metadata: &Metadata) -> Option<Unfit> {
        self.owner.distrusts_file(metadata)
    }

    /// Gives a new file elsewhere to whom one in here would be given.
    pub(super) fn give(&self, directory: &Path, file: &File) {
        self.owner.give(directory, file);
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
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        // Not until its end is seen, which is one call more: what replaces a file is another one.
        (&file)
            .take(metadata.len())
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
        put_in_place(staged, path).map_err(|error| FileError::io("replace", path, error))?;
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
        put_in_place(error.file, &path).map_err(|error| FileError::io("create", &path, error))?;
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

    /// Removes a file of the directory of this name, as [`remove`](Self::remove) does. Where that directory has been
    /// opened to others the file is gone all the same, and it is an error.
    pub fn remove_in(&self, directory: &str, name: &str) -> Result<bool, FileError> {
        match self.open_below(directory) {
            Ok(Some(directory)) => directory.remove(name),
            Ok(None) => Ok(false),
            Err(error) => {
                if let FileError::Unfit {
                    why: Unfit::OpenToOthers(_),
                    ..
                } = error
                {
                    // It is ours, and no link.
                    self.below(directory).remove(name)?;
                }
                Err(error)
            }
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
