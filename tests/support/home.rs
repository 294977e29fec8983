//! A home directory with nothing in it but what a test puts there, and the helper under test on its PATH.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use tempfile::TempDir;

/// The name by which docker knows the helper.
pub(crate) const HELPER: &str = "docker-credential-scoped";

/// A home, with everything a client or the helper writes below one directory.
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        for directory in [home.bin(), home.path(), home.runtime()] {
            DirBuilder::new()
                .mode(0o700)
                .create(directory)
                .expect("a new directory");
        }
        home.link_helper(HELPER);
        home
    }

    /// All of it: `HOME`, `XDG_RUNTIME_DIR` and the directory of the helper are below.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `HOME` itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// `XDG_RUNTIME_DIR`.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// Where the helper keeps all it keeps.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join(".local/share/docker-credential-scoped")
    }

    /// Where it keeps its sealed files.
    pub(crate) fn slots(&self) -> PathBuf {
        self.data().join("slots")
    }

    /// Lets every user of the machine in, down to `HOME`, and gives the helper as a file they can run.
    pub(crate) fn open_to_all(&self) -> PathBuf {
        for directory in [self.directory.path().to_owned(), self.bin()] {
            fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("a directory of ours");
        }
        let helper = self.bin().join("copy");
        copy_helper_to(&helper);
        helper
    }

    /// Puts the helper under one more name on the PATH, as the profiles do.
    pub(crate) fn link_helper(&self, name: &str) {
        symlink(
            env!("CARGO_BIN_EXE_docker-credential-scoped"),
            self.bin().join(name),
        )
        .expect("a new link");
    }

    /// Puts the helper itself where the link to it is, for users who cannot reach where it was built.
    pub(crate) fn copy_helper(&self) {
        let link = self.bin().join(HELPER);
        fs::remove_file(&link).expect("a link");
        copy_helper_to(&link);
    }

    /// Writes a file, and the directories above it, below `HOME`.
    pub(crate) fn write(&self, path: &str, content: &str) -> PathBuf {
        write(self.path().join(path), content)
    }

    /// The same below `XDG_RUNTIME_DIR`.
    pub(crate) fn write_runtime(&self, path: &str, content: &str) -> PathBuf {
        write(self.runtime().join(path), content)
    }

    /// A program as started by the person whose home this is: nothing of our own environment but the PATH.
    pub(crate) fn command(&self, program: &str) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([self.bin()].into_iter().chain(env::split_paths(&path))).expect("a PATH");
        let home = self.path();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .env("HOME", &home)
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            // Where what is compiled to count the lines that run writes them down.
            .envs(env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .current_dir(home);
        command
    }

    /// Turns one bit in the middle of the file that holds a slot of the default profile.
    pub(crate) fn damage(&self, server: &str) {
        let name = server.replace(':', "%3A").replace('/', "%2F");
        self.damage_file(&format!("{name}@default"));
    }

    /// The same of any file that holds a slot.
    pub(crate) fn damage_file(&self, name: &str) {
        let slot = self.slots().join(name);
        let mut content = fs::read(&slot).expect("a slot");
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(&slot, content).expect("a slot");
    }

    /// Leaves the helper with slots and without the key to them.
    pub(crate) fn damage_key(&self) {
        fs::write(self.data().join("key"), "not a key").expect("a key");
    }

    /// Every file in which the secret of `user` can be read, plainly or as docker's `auth` is written.
    pub(crate) fn files_with(&self, user: &str, secret: &str) -> Vec<PathBuf> {
        let readable = [
            secret.to_owned(),
            STANDARD_NO_PAD.encode(secret),
            STANDARD.encode(format!("{user}:{secret}")),
            STANDARD.encode(format!("<token>:{secret}")),
        ];
        let mut found = Vec::new();
        files_below(self.directory.path(), &mut |path, content| {
            if readable.iter().any(|text| contains(content, text.as_bytes())) {
                found.push(path.to_owned());
            }
        });
        found
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.directory.path().join("bin")
    }
}

/// By another program: what a test beside this one starts meanwhile inherits a file that we have open for writing, and
/// the system runs none that somebody has (`ETXTBSY`).
fn copy_helper_to(path: &Path) {
    let status = Command::new("cp")
        .arg("-p")
        .arg(env!("CARGO_BIN_EXE_docker-credential-scoped"))
        .arg(path)
        .status()
        .expect("cp");
    assert!(status.success(), "{status}");
}

fn write(path: PathBuf, content: &str) -> PathBuf {
    fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory");
    fs::write(&path, content).expect("a file");
    path
}

/// Every file below a directory, and what is in it: all but what is only locked.
pub(crate) fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    files_below(directory, &mut |path, content| {
        if !path.parent().is_some_and(|parent| parent.ends_with("locks")) {
            found.insert(path.to_owned(), content.to_owned());
        }
    });
    found
}

/// Visits what is a file; a link, which could lead out, is not followed.
fn files_below(directory: &Path, visit: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(directory).expect("a readable directory") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a kind of file");
        if kind.is_dir() {
            files_below(&entry.path(), visit);
        } else if kind.is_file() {
            visit(&entry.path(), &fs::read(entry.path()).expect("a readable file"));
        }
    }
}

fn contains(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|window| window == text)
}
