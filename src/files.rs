//! Files: directories only we can read, replacement that is old or new and never between. Knows nothing of what
//! the bytes mean.
//!
//! Private files are looked up by plain names inside a [`PrivateDirectory`] that was checked first; no link is
//! followed. A new file is written under another name in a staging directory beside it, 0600 from creation,
//! synced, and renamed; then its directory is synced. Readers need no lock, and neither do writers: each change
//! is one rename or one unlink.

pub mod foreign;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::NamedTempFile;
use time::OffsetDateTime;

/// A file in the staging directory this old belongs to a process that was killed: no write takes an hour.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// A directory that is ours alone: a real directory, owned by us, closed to others.
#[derive(Clone, Debug)]
pub struct PrivateDirectory {
    path: PathBuf,
}

impl PrivateDirectory {
    /// The directory at `path`, checked; `None` when there is none.
    pub fn open(path: PathBuf) -> Result<Option<Self>, FileError> {
        match fs::symlink_metadata(&path) {
            Ok(metadata) => {
                check_private_directory(&path, &metadata)?;
                Ok(Some(Self { path }))
            }
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(FileError::io("look at", &path, error)),
        }
    }

    /// The directory at `path`, checked; made with its parents, 0700 from creation, when there is none.
    pub fn create(path: PathBuf) -> Result<Self, FileError> {
        if let Some(directory) = Self::open(path.clone())? {
            return Ok(directory);
        }
        make_directory(&path)?;
        let metadata = fs::symlink_metadata(&path).map_err(|error| FileError::io("look at", &path, error))?;
        check_private_directory(&path, &metadata)?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file of at most `limit` bytes; `None` when there is none.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<PrivateFile>, FileError> {
        let path = self.path.join(name);
        let file = match open_without_following(&path) {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(FileError::io("open", &path, error)),
        };
        let metadata = file
            .metadata()
            .map_err(|error| FileError::io("look at", &path, error))?;
        check_owned_file(&path, &metadata)?;
        if metadata.len() > limit {
            return Err(FileError::NotPrivate {
                path,
                why: NotPrivate::TooLarge,
            });
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
            .map_err(|error| FileError::io("look at", &path, error))?
            .into();
        Ok(Some(PrivateFile {
            bytes,
            modified,
            is_closed_to_others: is_closed_to_others(&metadata),
            file,
        }))
    }

    /// Puts `bytes` under `name`, in place of what is there. When it returns without an error they are on disk,
    /// and at no moment is there neither the old file nor the new.
    pub fn replace(&self, name: &str, bytes: &[u8], staging: &Self) -> Result<(), FileError> {
        let path = self.path.join(name);
        let staged = self.stage(bytes, staging, &path)?;
        staged
            .persist(&path)
            .map_err(|error| FileError::io("replace", &path, error.error))?;
        sync_directory(&self.path)
    }

    /// Puts `bytes` under `name` unless there is a file already; says whether it did.
    pub fn create_new(&self, name: &str, bytes: &[u8], staging: &Self) -> Result<bool, FileError> {
        let path = self.path.join(name);
        match self.stage(bytes, staging, &path)?.persist_noclobber(&path) {
            Ok(_) => sync_directory(&self.path).map(|()| true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(FileError::io("create", &path, error.error)),
        }
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
            Ok(()) => sync_directory(&self.path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::io("remove", &path, error)),
        }
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
            let path = self.path.join(name);
            let modified = fs::symlink_metadata(&path).and_then(|metadata| metadata.modified());
            if modified.is_ok_and(|modified| OffsetDateTime::from(modified) + ABANDONED_AFTER < now) {
                // Another process may have been faster.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn stage(&self, bytes: &[u8], staging: &Self, path: &Path) -> Result<NamedTempFile, FileError> {
        let failed = |error| FileError::io("write", path, error);
        let staged = tempfile::Builder::new()
            .prefix("new-")
            .tempfile_in(&staging.path)
            .map_err(|error| failed(without_path(&error)))?;
        staged.as_file().write_all(bytes).map_err(failed)?;
        give_to_owner_of(&self.path, staged.as_file()).map_err(failed)?;
        staged.as_file().sync_all().map_err(failed)?;
        Ok(staged)
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
    make_directory(directory)?;
    let staged = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(directory)
        .map_err(|error| failed(without_path(&error)))?;
    staged.as_file().write_all(bytes).map_err(failed)?;
    match fs::metadata(&target) {
        Ok(metadata) => {
            give_to_owner_of(&target, staged.as_file()).map_err(failed)?;
            staged
                .as_file()
                .set_permissions(metadata.permissions())
                .map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            give_to_owner_of(directory, staged.as_file()).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    staged.as_file().sync_all().map_err(failed)?;
    staged.persist(&target).map_err(|error| failed(error.error))?;
    sync_directory(directory)
}

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
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
    NotPrivate {
        /// What it is about.
        path: PathBuf,
        /// What is wrong with it, and the mend.
        why: NotPrivate,
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

/// Why a file or directory is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPrivate {
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

/// What kept tempfile from making a file, without the made-up name that it adds.
fn without_path(error: &io::Error) -> io::Error {
    error.kind().into()
}

/// `ENOTDIR` counts: services are given `HOME=/dev/null`, where nothing can be.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn make_directory(path: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::io("create", path, error);
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match private_directory_builder().create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent != path => {
            make_directory(parent)?;
            match private_directory_builder().create(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                result => result.map_err(failed)?,
            }
        }
        // What it is that exists is for the caller to check. A read-only file system says so before it says that.
        Err(_) if path.is_dir() => return Ok(()),
        result => result.map_err(failed)?,
    }
    let directory = File::open(path).map_err(failed)?;
    give_to_owner_of(parent, &directory).map_err(failed)?;
    sync_directory(parent)
}

#[cfg(unix)]
fn private_directory_builder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;

    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(unix)]
fn open_without_following(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    // Without O_NONBLOCK a pipe in the place of a file would hold us up for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// A rename or unlink is on disk once its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> Result<(), FileError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| FileError::io("sync", path, error))
}

#[cfg(unix)]
fn check_private_directory(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o7777;
    let why = if !metadata.is_dir() {
        NotPrivate::NotADirectory
    } else if !is_ours(metadata) {
        NotPrivate::ForeignOwner
    } else if has_bits_for_others(mode) {
        NotPrivate::OpenToOthers(mode)
    } else {
        return Ok(());
    };
    Err(FileError::NotPrivate {
        path: path.to_owned(),
        why,
    })
}

#[cfg(unix)]
fn check_owned_file(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    let why = if !metadata.is_file() {
        NotPrivate::NotAFile
    } else if !is_ours(metadata) {
        NotPrivate::ForeignOwner
    } else {
        return Ok(());
    };
    Err(FileError::NotPrivate {
        path: path.to_owned(),
        why,
    })
}

#[cfg(unix)]
fn is_closed_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    !has_bits_for_others(metadata.permissions().mode())
}

#[cfg(unix)]
fn has_bits_for_others(mode: u32) -> bool {
    mode & 0o077 != 0
}

/// Root may use what belongs to others: `sudo docker` runs us as root in the user's home, and podman runs us in
/// a user namespace where the user's own files belong to root (podman#4123).
#[cfg(unix)]
fn is_ours(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    let user = effective_user();
    user.is_root() || metadata.uid() == user.as_raw()
}

/// Asked once: it does not change, and every file is checked against it.
#[cfg(unix)]
fn effective_user() -> rustix::process::Uid {
    static USER: LazyLock<rustix::process::Uid> = LazyLock::new(rustix::process::geteuid);
    *USER
}

/// Who runs this program, as a number; 0 where users have none.
#[must_use]
pub fn user_id() -> u32 {
    #[cfg(unix)]
    return effective_user().as_raw();
    #[cfg(not(unix))]
    return 0;
}

/// So that `sudo docker login` leaves nothing in the user's home that the user cannot read.
#[cfg(unix)]
fn give_to_owner_of(model: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let model = fs::metadata(model)?;
    if effective_user().is_root() && model.uid() != 0 {
        std::os::unix::fs::fchown(file, Some(model.uid()), Some(model.gid()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_directory_builder() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(not(unix))]
fn open_without_following(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> Result<(), FileError> {
    Ok(())
}

/// Elsewhere the profile directory's access list keeps others out.
#[cfg(not(unix))]
fn check_private_directory(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(FileError::NotPrivate {
            path: path.to_owned(),
            why: NotPrivate::NotADirectory,
        })
    }
}

#[cfg(not(unix))]
fn check_owned_file(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(FileError::NotPrivate {
            path: path.to_owned(),
            why: NotPrivate::NotAFile,
        })
    }
}

#[cfg(not(unix))]
fn is_closed_to_others(_metadata: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn give_to_owner_of(_model: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}
