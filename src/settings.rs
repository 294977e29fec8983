//! Settings: settings.json, the environment and the directories; the only reader of any of them.

mod base_directories;
mod environment;

pub use base_directories::{
    cache_directory, certificate_directories, data_directory, home_directory, runtime_directory,
    temporary_directory,
};
pub use environment::{
    ContainersAuthFile, ProfileError, Variables, buildx_directory, client_variables, containers_auth_file,
    containers_config_directories, default_scope, default_server, docker_config_file, executable,
    is_docker_auth_config_set, profile, search_path, system_search_path, withheld_variables,
};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use self::base_directories::Base;
use crate::registry::{Realm, Registry};

const PROGRAM: &str = "docker-credential-scoped";
/// Far more than anybody writes by hand.
const MAX_SETTINGS_BYTES: u64 = 1024 * 1024;

/// What settings.json says. Every key is optional, and so is the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// What `get` answers when a credential is held but cannot be opened.
    pub on_unavailable: OnUnavailable,
    /// What is to be known of registries.
    pub registries: BTreeMap<Registry, RegistrySettings>,
}

/// What is to be known of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RegistrySettings {
    /// A file with certificates in PEM, beside the system's and docker's own.
    pub ca_file: Option<PathBuf>,
    /// Whether it may be spoken to in plain http.
    pub insecure: bool,
    /// Where its tokens come from; who writes it here has confirmed it.
    pub realm: Option<Realm>,
    /// The audience of its tokens.
    pub service: Option<String>,
}

/// What `get` answers when a credential is held but cannot be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnUnavailable {
    /// An error that says why: docker stops, instead of going on without credentials.
    #[default]
    Error,
    /// The text of a miss: docker goes on without credentials.
    Miss,
}

impl Settings {
    /// What is to be known of this registry.
    #[must_use]
    pub fn registry(&self, registry: &Registry) -> RegistrySettings {
        self.registries.get(registry).cloned().unwrap_or_default()
    }

    /// Reads settings.json from the configuration directory.
    pub fn load() -> Result<Self, SettingsError> {
        let Some(path) = Base::Config
            .directory()
            .map(|config| config.join(PROGRAM).join("settings.json"))
        else {
            return Ok(Self::default());
        };
        match read(&path) {
            Ok(bytes) => Self::parse(&bytes).map_err(|cause| SettingsError::Invalid { path, cause }),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Self::default())
            }
            Err(cause) => Err(SettingsError::Unreadable { path, cause }),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// Reads a small regular file that others cannot write: settings say where tokens may be sent. A link is followed,
/// since people keep their settings elsewhere and link them.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    if metadata.len() > MAX_SETTINGS_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    if is_writable_by_all(&metadata) {
        return Err(io::Error::other(
            "any user of this machine can write it; chmod o-w",
        ));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    // Not until its end is seen, which is one call more.
    file.take(metadata.len()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    // Without O_NONBLOCK a pipe in the place of the file would hold us up for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn is_writable_by_all(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn is_writable_by_all(_metadata: &fs::Metadata) -> bool {
    false
}

/// Why the settings are not known. Nothing is handed out then.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// Not JSON, an unknown key or a bad value; the cause names line and column.
    #[error("{}: {cause}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong where.
        cause: serde_json::Error,
    },
    /// It is there and cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

#[cfg(test)]
mod tests;
