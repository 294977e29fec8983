//! Where the store's own files are in memory, for the targets that write one and have the library read it.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use docker_credential_scoped::files::Location;

/// A new directory of this name, in memory where there is such a directory: each run writes a file anew.
pub(crate) fn directory(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let root = root.join(format!("fuzz-{name}-{}", process::id()));
    // One that another process of this number has left.
    let _ = fs::remove_dir_all(&root);
    root
}

/// The same as a place for private files, of which nothing is waited for until it is on disk.
pub(crate) fn location(root: &Path) -> Location {
    Location::of_cache(root.to_owned(), Path::new("/nowhere"))
}
