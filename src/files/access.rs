//! Access: who owns a file and who can reach it, on each kind of system. Knows nothing of what is done with it.

#[cfg(windows)]
mod windows;

use std::fs::Metadata;
#[cfg(unix)]
use std::fs::{self, DirBuilder, File};
#[cfg(unix)]
use std::io;
use std::path::Path;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::LazyLock;

#[cfg(windows)]
pub(super) use windows::{
    create_private, create_private_directory, give_to_owner_of, is_closed_to_others, is_linked, longest_file,
    mark_now, mode, open_directory, open_to_append, open_to_lock, open_without_following,
    open_without_waiting, sync_directory, user_id,
};

use crate::files::Unfit;

/// Whose files are ours.
///
/// Our own; and for root those of whoever owns the home it works in, since `sudo docker` runs us as root in the
/// user's home. Not anybody's: with a home that others can write to, root would take over a store that a stranger
/// had laid out there, key and all.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Shared, since each directory below has its own copy.
    #[cfg_attr(
        windows,
        expect(
            dead_code,
            reason = "there nobody asks who owns a file, nor whose home it is in"
        )
    )]
    home: Arc<Path>,
}

impl Owner {
    pub(super) fn new(home: &Path) -> Self {
        Self { home: home.into() }
    }

    /// Why a directory cannot be taken for ours alone, if it cannot.
    pub(super) fn distrusts_directory(&self, metadata: &Metadata) -> Option<Unfit> {
        if !metadata.is_dir() {
            Some(Unfit::NotADirectory)
        } else if !self.is_ours(metadata) {
            Some(Unfit::ForeignOwner)
        } else if !is_closed_to_others(metadata) {
            Some(Unfit::OpenToOthers(mode(metadata)))
        } else {
            None
        }
    }

    /// Why a file cannot be taken for ours, if it cannot.
    pub(super) fn distrusts_file(&self, metadata: &Metadata) -> Option<Unfit> {
        if !metadata.is_file() {
            Some(Unfit::NotAFile)
        } else if !self.is_ours(metadata) {
            Some(Unfit::ForeignOwner)
        } else {
            None
        }
    }
}

#[cfg(unix)]
impl Owner {
    fn is_ours(&self, metadata: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;

        metadata.uid() == effective_user().as_raw() || self.is_home_owner(metadata.uid())
    }

    /// Whether we are root and this is whose home we work in.
    fn is_home_owner(&self, user: u32) -> bool {
        use std::os::unix::fs::MetadataExt;

        effective_user().is_root() && fs::metadata(&self.home).is_ok_and(|home| home.uid() == user)
    }

    /// Gives a new file to the owner of the directory it is for, where that is the owner of the home, so that
    /// `sudo docker login` leaves nothing there that the user cannot read. Best effort: in a user namespace the
    /// owner may be nobody we can name.
    pub(super) fn give(&self, directory: &Path, file: &File) {
        use std::os::unix::fs::MetadataExt;

        if effective_user().is_root()
            && fs::metadata(directory).is_ok_and(|directory| self.is_home_owner(directory.uid()))
        {
            give_to_owner_of(directory, file);
        }
    }
}

/// Gives a file to the owner of another. Best effort, and nothing to do unless we are root.
#[cfg(unix)]
pub(super) fn give_to_owner_of(model: &Path, file: &File) {
    use std::os::unix::fs::MetadataExt;

    if effective_user().is_root()
        && let Ok(model) = fs::metadata(model)
        && model.uid() != 0
    {
        let _ = std::os::unix::fs::fchown(file, Some(model.uid()), Some(model.gid()));
    }
}

#[cfg(unix)]
pub(super) fn user_id() -> u32 {
    effective_user().as_raw()
}

/// Asked once: it does not change, and every file is checked against it.
#[cfg(unix)]
fn effective_user() -> rustix::process::Uid {
    static USER: LazyLock<rustix::process::Uid> = LazyLock::new(rustix::process::geteuid);
    *USER
}

#[cfg(unix)]
pub(super) fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o7777
}

/// Whether group and others can neither read nor write it.
#[cfg(unix)]
pub(super) fn is_closed_to_others(metadata: &Metadata) -> bool {
    mode(metadata).trailing_zeros() >= 6
}

#[cfg(unix)]
pub(super) fn create_private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    DirBuilder::new().mode(0o700).create(path)
}

#[cfg(unix)]
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Whether the file still has a name.
#[cfg(unix)]
pub(super) fn is_linked(file: &File, _path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    Ok(file.metadata()?.nlink() > 0)
}

#[cfg(unix)]
pub(super) fn open_directory(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
pub(super) fn open_without_following(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    // Without O_NONBLOCK a pipe in the place of a file would hold us up for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// Follows links.
#[cfg(unix)]
pub(super) fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(unix)]
pub(super) fn open_to_lock(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    // For writing, though nothing is written: over NFS an exclusive lock needs it.
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Sets the time of a file to that of its system, whatever the clock of the caller says. Best effort.
#[cfg(unix)]
pub(super) fn mark_now(file: &File) {
    use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};

    let time = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let times = Timestamps {
        last_access: time(UTIME_OMIT),
        last_modification: time(UTIME_NOW),
    };
    let _ = futimens(file, &times);
}

#[cfg(unix)]
pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::WRONLY
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::CLOEXEC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// How long a file may get under this process (`ulimit -f`): one write beyond that, and the system ends it.
#[cfg(unix)]
pub(super) fn longest_file() -> u64 {
    use rustix::process::{Resource, getrlimit};

    getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX)
}

#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    open_directory(path)?.sync_all()
}
