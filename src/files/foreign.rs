//! Files of other programs: configuration that is read and kept a copy of, links, and what can be executed. They
//! may be links themselves, and may be open to others; that is for their owners to say.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::access::{self, give_to_owner_of};
use super::{
    FileError, PrivateDirectory, Unfit, is_absence, new_file_beside_others, put_in_place, sync_directory,
};

/// What the name of a copy ends in. Not `.bak`, which others make and remove.
const BACKUP_SUFFIX: &str = ".before-docker-credential-scoped";

/// A larger configuration is somebody's mistake: those of docker are a few kilobytes.
const MAX_CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// The path with the current directory before it, if it needs one.
pub fn absolute(path: &Path) -> Result<PathBuf, FileError> {
    std::path::absolute(path).map_err(|error| FileError::io("find", path, error))
}

/// Reads a configuration file; `None` when there is none. A link that leads nowhere is an error, since what is
/// written would not get there either.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let failed = |error| FileError::io("read", path, error);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) && !path.is_symlink() => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_file() {
        return Err(FileError::Unfit {
            path: path.to_owned(),
            why: Unfit::NotAFile,
        });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_CONFIG_BYTES) {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(bytes))
}

/// What people name for a file with nothing in it.
const NOTHING: &str = "/dev/null";

/// Refuses what somebody else is going to read whole and what has no end, or one that is far off. What is not there is
/// for him to say.
pub fn ensure_it_ends(path: &Path) -> Result<(), FileError> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    if !metadata.is_file() && path != Path::new(NOTHING) {
        return Err(FileError::Unfit {
            path: path.to_owned(),
            why: Unfit::NotAFile,
        });
    }
    if metadata.len() > MAX_CONFIG_BYTES {
        return Err(FileError::io("read", path, io::ErrorKind::FileTooLarge.into()));
    }
    Ok(())
}

/// A small file of another program.
pub struct ForeignFile {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether nobody but the owner can read or write it.
    pub is_closed_to_others: bool,
}

/// Reads a file of which at most `limit` bytes count, and one more to tell that there are more; `None` when there is
/// none. A link is followed, since that is how secrets are mounted. Nobody else may write it: its owner is root or
/// whoever may own what is in `ours`, and others can at most read it.
pub fn read_small(
    path: &Path,
    limit: u64,
    ours: &PrivateDirectory,
) -> Result<Option<ForeignFile>, FileError> {
    let failed = |error| FileError::io("read", path, error);
    // Looked at before it is opened: a pipe in its place would hold us up for ever.
    let look = |metadata: &Metadata| match ours.distrusts(metadata) {
        Some(Unfit::ForeignOwner) if is_roots(metadata) => writable_by_others(metadata),
        Some(why) => Some(why),
        None => writable_by_others(metadata),
    };
    let unfit = |why| FileError::Unfit {
        path: path.to_owned(),
        why,
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if let Some(why) = look(&metadata) {
        return Err(unfit(why));
    }
    // And again, since it may be one by now.
    let file = access::open_without_waiting(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if let Some(why) = look(&metadata) {
        return Err(unfit(why));
    }
    // As long as it may get, so that nothing of it is left behind where it was before it grew.
    let mut bytes = Vec::with_capacity(usize::try_from(limit).unwrap_or_default() + 2);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(ForeignFile {
        bytes,
        is_closed_to_others: access::is_closed_to_others(&metadata),
    }))
}

/// Makes a file for us alone, where there is none. When it returns without an error it is on disk.
pub fn create_private(path: &Path, bytes: &[u8], ours: &PrivateDirectory) -> Result<(), FileError> {
    let failed = |error| FileError::io("create", path, error);
    let directory = path.parent().unwrap_or(Path::new("."));
    let staged = new_file_beside_others(directory).map_err(failed)?;
    staged.as_file().write_all(bytes).map_err(failed)?;
    ours.give(directory, staged.as_file());
    staged.as_file().sync_all().map_err(failed)?;
    staged
        .persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    sync_directory(directory)
}

#[cfg(unix)]
fn writable_by_others(metadata: &Metadata) -> Option<Unfit> {
    let mode = access::mode(metadata);
    (mode & 0o022 != 0).then_some(Unfit::WritableByOthers(mode))
}

#[cfg(unix)]
fn is_roots(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    metadata.uid() == 0
}

#[cfg(windows)]
fn writable_by_others(_metadata: &Metadata) -> Option<Unfit> {
    None
}

#[cfg(windows)]
fn is_roots(_metadata: &Metadata) -> bool {
    false
}

/// Where the copy of a file is kept: beside it, or beside the target where it is a link.
#[must_use]
pub fn backup_path(path: &Path) -> PathBuf {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = OsString::from(target);
    name.push(BACKUP_SUFFIX);
    name.into()
}

/// Keeps `bytes`, which were read from `path`, as its copy, in place of an earlier one. At most its owner can read
/// it: there may be secrets in it, and there is one more place now to find them in.
pub fn back_up(path: &Path, bytes: &[u8]) -> Result<PathBuf, FileError> {
    let backup = backup_path(path);
    let failed = |error| FileError::io("write", &backup, error);
    let directory = backup.parent().unwrap_or(Path::new("."));
    let metadata = fs::metadata(path).map_err(failed)?;
    let staged = new_file_beside_others(directory).map_err(failed)?;
    staged.as_file().write_all(bytes).map_err(failed)?;
    close_to_others(staged.as_file(), &metadata).map_err(failed)?;
    give_to_owner_of(path, staged.as_file());
    staged.as_file().sync_all().map_err(failed)?;
    put_in_place(staged, &backup).map_err(failed)?;
    sync_directory(directory)?;
    Ok(backup)
}

/// Removes a file or link; says whether there was one.
pub fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(path.parent().unwrap_or(Path::new("."))).map(|()| true),
        Err(error) if is_absence(&error) => Ok(false),
        Err(error) => Err(FileError::io("remove", path, error)),
    }
}

/// Makes a symbolic link at `path`.
pub fn link(path: &Path, target: &Path) -> Result<(), FileError> {
    make_link(path, target).map_err(|error| FileError::io("create", path, error))
}

/// Where a symbolic link points to, as it is written; `None` for what is none.
#[must_use]
pub fn link_target(path: &Path) -> Option<PathBuf> {
    fs::read_link(path).ok()
}

/// Whether there is anything at `path`, if only a link that leads nowhere.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether both are one file, links followed.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        (Ok(_) | Err(_), _) => false,
    }
}

/// Where a path leads, links followed as far as there is anything: what is not there yet would be made there.
#[must_use]
pub fn target_of(path: &Path) -> PathBuf {
    // As many as the system follows (`path_resolution(7)`).
    target_within(path, 40)
}

fn target_within(path: &Path, links: u8) -> PathBuf {
    if let Ok(target) = fs::canonicalize(path) {
        return target;
    }
    let Some(parent) = path.parent() else {
        return path.to_owned();
    };
    if let Some(fewer) = links.checked_sub(1)
        && let Ok(target) = fs::read_link(path)
    {
        return target_within(&parent.join(target), fewer);
    }
    let parent = target_within(parent, links);
    match path.file_name() {
        Some(name) => parent.join(name),
        // `..`
        None => parent.parent().map(Path::to_owned).unwrap_or(parent),
    }
}

/// Whether a file can have this path: it ends in a name.
#[must_use]
pub fn is_name_of_file(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    !text.ends_with(b"/") && !text.ends_with(b"/.") && path.file_name().is_some()
}

/// The first file of that name in the directories that can be executed, as a shell finds it.
#[must_use]
pub fn find_executable(name: &str, search_path: &[PathBuf]) -> Option<PathBuf> {
    search_path
        .iter()
        .map(|directory| directory.join(name))
        .find(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && is_executable(&metadata)))
}

/// The names of what is in a directory; none where it cannot be read.
#[must_use]
pub fn names_in(directory: &Path) -> Vec<OsString> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .collect()
}

/// The files in a directory whose names end in `suffix`, sorted; none where it cannot be read.
#[must_use]
pub fn files_ending_in(suffix: &str, directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(suffix)))
        .collect();
    paths.sort();
    paths
}

#[cfg(unix)]
fn close_to_others(file: &File, model: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = model.permissions().mode() & 0o600;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(unix)]
fn make_link(path: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o111 != 0
}

/// Nothing to do: it inherits the access list of the directory that the file is in.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
fn close_to_others(_file: &File, _model: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(windows)]
fn make_link(path: &Path, target: &Path) -> io::Result<()> {
    use std::os::windows::fs::{symlink_dir, symlink_file};

    /// `ERROR_PRIVILEGE_NOT_HELD`.
    const NO_PRIVILEGE: i32 = 1314;

    let whole = path.parent().unwrap_or(Path::new("")).join(target);
    let made = if whole.is_dir() {
        symlink_dir(target, path)
    } else {
        symlink_file(target, path)
    };
    made.map_err(|error| match error.raw_os_error() {
        Some(NO_PRIVILEGE) => io::Error::new(
            io::ErrorKind::PermissionDenied,
            "links are for administrators, or for all with Windows' developer mode switched on",
        ),
        Some(_) | None => error,
    })
}

#[cfg(windows)]
fn is_executable(_metadata: &Metadata) -> bool {
    true
}
