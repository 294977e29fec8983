//! Windows: no owner and no mode is asked for; the access list of the user's own directories, which what is made in
//! them inherits, keeps others out.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use super::Owner;

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself and not followed, and is then no regular file.
const LINK_ITSELF: u32 = 0x0020_0000;

/// `FILE_FLAG_BACKUP_SEMANTICS`: without it no directory is opened.
const DIRECTORY_TOO: u32 = 0x0200_0000;

/// `GENERIC_READ`.
const READ: u32 = 0x8000_0000;

/// `FILE_WRITE_ATTRIBUTES`: the time of a file can be set.
const SET_TIME: u32 = 0x0000_0100;

#[expect(clippy::unused_self, reason = "as on systems where files have owners")]
impl Owner {
    pub(super) fn is_ours(&self, _metadata: &Metadata) -> bool {
        true
    }

    pub(in crate::files) fn give(&self, _directory: &Path, _file: &File) {}
}

pub(in crate::files) fn give_to_owner_of(_model: &Path, _file: &File) {}

pub(in crate::files) fn user_id() -> u32 {
    0
}

pub(in crate::files) fn mode(_metadata: &Metadata) -> u32 {
    0
}

pub(in crate::files) fn is_closed_to_others(_metadata: &Metadata) -> bool {
    true
}

pub(in crate::files) fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().create(path)
}

pub(in crate::files) fn create_private(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).open(path)
}

pub(in crate::files) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether it is still found under its name. What is open can be removed here too, and no name of ours is given twice.
pub(in crate::files) fn is_linked(_file: &File, path: &Path) -> io::Result<bool> {
    match open_without_following(path) {
        Ok(_) => Ok(true),
        // Removed, or about to be when the last who has it open closes it.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

pub(in crate::files) fn open_directory(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(DIRECTORY_TOO).open(path)
}

pub(in crate::files) fn open_without_following(path: &Path) -> io::Result<File> {
    let open = |access| {
        File::options()
            .access_mode(access)
            .custom_flags(LINK_ITSELF)
            .open(path)
    };
    match open(READ | SET_TIME) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open(READ),
        opened => opened,
    }
}

pub(in crate::files) fn open_to_lock(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .custom_flags(LINK_ITSELF)
        .open(path)
}

pub(in crate::files) fn open_to_append(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .custom_flags(LINK_ITSELF)
        .open(path)
}

/// No system call there sets it to the system's own: this is its clock all the same.
#[expect(clippy::disallowed_methods, reason = "whatever the clock of the caller says")]
pub(in crate::files) fn mark_now(file: &File) {
    let _ = file.set_modified(SystemTime::now());
}

pub(in crate::files) fn longest_file() -> u64 {
    u64::MAX
}

/// Nothing to do: the system has no such call for directories, and NTFS writes its names down in a journal of its own.
#[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
pub(in crate::files) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
