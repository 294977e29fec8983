//! Settings: settings.json, the environment and the directories; the only reader of any of them.

mod base_directories;
mod declared;
mod environment;
mod hub;
mod invalid;
mod registries;

pub use base_directories::{
    cache_directory, certificate_directories, data_directory, home_directory, root_certificates,
    runtime_directory, session_directory, temporary_directory,
};
pub use declared::{DeclaredCredential, DeclaredCredentials};
pub use environment::{
    ContainersAuthFile, InvalidMachine, ProfileError, Variables, allows_colour, buildx_directory,
    client_variables, containers_auth_file, containers_config_directories, default_scope, default_server,
    docker_config_file, executable, gitlab_runner_config_files, is_docker_auth_config_set, machine,
    named_profile, profile, search_path, system_search_path, withheld_variables,
};
pub use hub::HubSettings;
pub use invalid::InvalidSettings;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use self::base_directories::Base;
use self::hub::HubEntry;
use crate::registry::{Realm, Registry, Server};

const PROGRAM: &str = "docker-credential-scoped";
/// Far more than anybody writes by hand.
const MAX_SETTINGS_BYTES: u64 = 1024 * 1024;

/// What settings.json says. Every key is optional, and so is the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "an object"
)]
pub struct Settings {
    /// Whether it is written down what is handed out, exchanged, refused and changed.
    pub activity_log: bool,
    /// What `get` answers when a credential is held but cannot be opened.
    pub on_unavailable: OnUnavailable,
    /// Credentials whose secrets are kept elsewhere.
    pub credentials: DeclaredCredentials,
    /// What is to be known of Docker Hub.
    #[serde(deserialize_with = "hub::read")]
    hub: Option<Box<HubEntry>>,
    /// The file that holds the key, where it is in none of our own: a mounted secret, say.
    #[serde(deserialize_with = "read_absolute")]
    pub key_file: Option<PathBuf>,
    /// What is to be known of registries.
    #[serde(deserialize_with = "registries::read")]
    pub registries: BTreeMap<Registry, RegistrySettings>,
}

/// What is to be known of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    default,
    expecting = "an object"
)]
pub struct RegistrySettings {
    /// A file with certificates in PEM, beside the system's and docker's own.
    #[serde(deserialize_with = "read_absolute")]
    pub ca_file: Option<PathBuf>,
    /// What `get` answers for it.
    pub hand_out: HandOut,
    /// Whether it may be spoken to in plain http.
    pub insecure: bool,
    /// Where its tokens come from; who writes it here has confirmed it.
    pub realm: Option<Realm>,
    /// The audience of its tokens.
    pub service: Option<String>,
}

/// What `get` answers for a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandOut {
    /// The account and secret that are stored.
    #[default]
    Secret,
    /// `<token>` and a refresh token that they are exchanged for; they themselves never.
    IdentityToken,
}

impl HandOut {
    /// The word for it, in settings.json and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::IdentityToken => "identity-token",
        }
    }
}

impl FromStr for HandOut {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Secret, Self::IdentityToken]
            .into_iter()
            .find(|hand_out| hand_out.word() == text)
            .ok_or("is secret or identity-token")
    }
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

    /// What `get` answers for a server; where none can be exchanged there, always what is stored.
    #[must_use]
    pub fn hand_out(&self, server: &Server) -> HandOut {
        server
            .registry()
            .and_then(|registry| self.registries.get(registry))
            .map_or(HandOut::Secret, |own| own.hand_out)
    }

    /// Where Docker Hub is.
    #[must_use]
    pub fn hub(&self) -> HubSettings {
        self.hub
            .as_ref()
            .map_or_else(|| HubEntry::default().settings(), |entry| entry.settings())
    }

    /// Where settings.json is, or would be; `None` without a home.
    #[must_use]
    pub fn path() -> Option<PathBuf> {
        let config = Base::Config.directory()?;
        Some(config.join(PROGRAM).join("settings.json"))
    }

    /// Reads settings.json from the configuration directory, for the user of this number.
    pub fn load(user: u32) -> Result<Self, SettingsError> {
        let Some(path) = Self::path() else {
            return Ok(Self::default());
        };
        match read(&path, user) {
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

    /// Reads the text of a settings.json.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidSettings> {
        serde_json::from_slice(bytes).map_err(|cause| InvalidSettings::find(bytes, cause))
    }
}

/// A path that means the same file wherever docker is started: another would be read from there, which may be a
/// stranger's repository.
fn read_absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(D::Error::custom("is not an absolute path"))
    }
}

/// Reads a small regular file that others cannot write: settings say where tokens may be sent. A link is followed,
/// since people keep their settings elsewhere and link them.
///
/// The directories on the way are not looked at. Who can write to one can put another file there, and that is then his
/// own.
fn read(path: &Path, user: u32) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    if metadata.len() > MAX_SETTINGS_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    if let Some(why) = distrust(&metadata, user) {
        return Err(io::Error::other(why));
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

#[cfg(windows)]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Why what a file says may not be the user's own word, if it may not.
#[cfg(unix)]
fn distrust(metadata: &fs::Metadata, user: u32) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;

    let owner = metadata.uid();
    // As with what we keep: root may be at work in the home of another, with whose settings it then works.
    let is_home_owner = || {
        user == 0
            && home_directory()
                .and_then(|home| fs::metadata(home).ok())
                .is_some_and(|home| home.uid() == owner)
    };
    if owner != user && owner != 0 && !is_home_owner() {
        return Some("belongs to another user; chown it to yourself");
    }
    if metadata.mode() & 0o002 != 0 {
        return Some("any user of this machine can write it; chmod o-w");
    }
    // Debian and Fedora give each user a group of their own, of the same number, and leave it write access (umask
    // 002); Debian's ssh takes such files for that reason, where ssh itself takes none. Who is in a group is not
    // asked: a directory service may have to answer, and this is on the way of every `get`.
    if metadata.mode() & 0o020 != 0 && metadata.gid() != owner {
        return Some("a group of users can write it; chmod g-w");
    }
    None
}

/// Elsewhere the access list of the user's own directory keeps others out.
#[cfg(windows)]
fn distrust(_metadata: &fs::Metadata, _user: u32) -> Option<&'static str> {
    None
}

/// Why the settings are not known. Nothing is handed out then.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// Not JSON, an unknown key or a bad value; the cause names field, line and column.
    #[error("{}: {cause}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong where.
        cause: InvalidSettings,
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
