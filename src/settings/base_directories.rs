//! Directories: where the system keeps what for this user.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use directories::BaseDirs;

use crate::settings::PROGRAM;

/// Where this program keeps its data; `None` without a home.
#[must_use]
pub fn data_directory() -> Option<PathBuf> {
    Base::Data.of_this_program()
}

/// The directory that the system makes for a session, in memory, and removes when it ends; not everywhere.
#[must_use]
pub fn runtime_directory() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        // There it is wherever the variable says, and nowhere else.
        return absolute("XDG_RUNTIME_DIR");
    }
    of_this_user()?.runtime_dir().map(Path::to_owned)
}

/// Where systemd makes that directory (`pam_systemd(8)`), for a process that is not told; on Linux only.
#[must_use]
pub fn session_directory(user_id: u32) -> Option<PathBuf> {
    cfg!(target_os = "linux").then(|| PathBuf::from(format!("/run/user/{user_id}")))
}

/// Where this program keeps what it can do without; `None` without a home.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    Base::Cache.of_this_program()
}

/// A directory of this user's below the system's temporary one, where anybody may have made it. Not on Windows, where
/// nobody asks who has.
#[must_use]
pub fn temporary_directory(user_id: u32) -> Option<PathBuf> {
    (!cfg!(windows)).then(|| std::env::temp_dir().join(format!("{PROGRAM}-{user_id}")))
}

/// Where docker keeps certificates for a host (docker: `certs.d`): the system's directory, and that of rootless
/// engines (moby `registry.CertsDir`).
#[must_use]
pub fn certificate_directories(host: &str) -> Vec<PathBuf> {
    let system = (!cfg!(windows)).then(|| PathBuf::from("/etc/docker/certs.d"));
    let own = Base::Config
        .directory()
        .map(|config| config.join("docker/certs.d"));
    system
        .into_iter()
        .chain(own)
        .map(|directory| directory.join(host))
        .collect()
}

/// The file with the certificates that stand in the place of the system's, where somebody has named one.
#[must_use]
pub fn root_certificates() -> Option<PathBuf> {
    absolute("SSL_CERT_FILE")
}

/// The user's home.
#[must_use]
pub fn home_directory() -> Option<PathBuf> {
    Base::Home.directory()
}

/// A directory that the system sets aside for something.
#[derive(Clone, Copy)]
pub(super) enum Base {
    Cache,
    Config,
    Data,
    Home,
}

impl Base {
    /// Where it is. Where the environment says so, as it does but for services, that is the answer: to work out all
    /// of the directories there are costs more than opening a slot.
    pub(super) fn directory(self) -> Option<PathBuf> {
        if cfg!(target_os = "linux")
            && let Some(directory) = self.in_environment()
        {
            return Some(directory);
        }
        let directories = of_this_user()?;
        let directory = match self {
            Self::Cache => directories.cache_dir(),
            Self::Config => directories.config_dir(),
            // On Windows the other one is copied to a server: no place for a key.
            Self::Data => directories.data_local_dir(),
            Self::Home => directories.home_dir(),
        };
        Some(directory.to_owned())
    }

    /// What is ours in it. On Windows what is kept and what can be lost have one directory.
    fn of_this_program(self) -> Option<PathBuf> {
        let directory = self.directory()?.join(PROGRAM);
        Some(match self {
            Self::Cache if cfg!(windows) => directory.join("cache"),
            Self::Data if cfg!(windows) => directory.join("data"),
            Self::Cache | Self::Config | Self::Data | Self::Home => directory,
        })
    }

    /// XDG Base Directory Specification 0.8: a variable with an absolute path, or a place in the home. The same as
    /// `directories` has it; a test compares them.
    pub(super) fn in_environment(self) -> Option<PathBuf> {
        let (variable, below_home) = match self {
            Self::Cache => ("XDG_CACHE_HOME", ".cache"),
            Self::Config => ("XDG_CONFIG_HOME", ".config"),
            Self::Data => ("XDG_DATA_HOME", ".local/share"),
            Self::Home => return absolute("HOME"),
        };
        absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this room is the reader of the environment"
)]
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// A relative home is none: the key would end in whatever directory docker is started in.
pub(super) fn of_this_user() -> Option<&'static BaseDirs> {
    static DIRECTORIES: LazyLock<Option<BaseDirs>> =
        LazyLock::new(|| BaseDirs::new().filter(|directories| directories.home_dir().is_absolute()));
    DIRECTORIES.as_ref()
}
