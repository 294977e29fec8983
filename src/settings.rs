//! Settings: settings.json, the environment and the directories; the only reader of any of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use directories::BaseDirs;
use serde::Deserialize;
use thiserror::Error;

use crate::credential::{InvalidProfile, Profile};
use crate::registry::{Realm, Registry};

const PROGRAM: &str = "docker-credential-scoped";
/// Far more than anybody writes by hand.
const MAX_SETTINGS_BYTES: u64 = 1024 * 1024;

const PROFILE_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_PROFILE";

/// The process's environment: what a variable is set to.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

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
    // Looked at first: to open a pipe in the place of the file would hold us up for ever.
    let metadata = fs::metadata(path)?;
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
    fs::read(path)
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

/// Where this program keeps its data; `None` without a home.
#[must_use]
pub fn data_directory() -> Option<PathBuf> {
    Base::Data.directory().map(|data| data.join(PROGRAM))
}

/// The directory that the system makes for a session, in memory, and removes when it ends; not everywhere.
#[must_use]
pub fn runtime_directory() -> Option<PathBuf> {
    directories()?.runtime_dir().map(Path::to_owned)
}

/// Where this program keeps what it can do without; `None` without a home.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    Base::Cache.directory().map(|cache| cache.join(PROGRAM))
}

/// A directory of this user's below the system's temporary one, where anybody may have made it.
#[must_use]
pub fn temporary_directory(user_id: u32) -> PathBuf {
    std::env::temp_dir().join(format!("{PROGRAM}-{user_id}"))
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

/// The user's home.
#[must_use]
pub fn home_directory() -> Option<PathBuf> {
    Base::Home.directory()
}

/// docker's config.json: in `DOCKER_CONFIG`, else in `.docker` in the home.
#[must_use]
pub fn docker_config_file(variables: Variables<'_>) -> Option<PathBuf> {
    set_to(variables, "DOCKER_CONFIG")
        .or_else(|| home_directory().map(|home| home.join(".docker")))
        .map(|directory| directory.join("config.json"))
}

/// Where buildx keeps its builders: in `BUILDX_CONFIG`, else beside docker's config.json (buildx
/// `confutil.ConfigDir`).
#[must_use]
pub fn buildx_directory(variables: Variables<'_>) -> Option<PathBuf> {
    set_to(variables, "BUILDX_CONFIG")
        .or_else(|| Some(docker_config_file(variables)?.with_file_name("buildx")))
}

/// What points docker and its relatives at a configuration directory: docker itself and what reads its config.json,
/// and go-containerregistry and containers/image, which read an auth file.
#[must_use]
pub fn client_variables(config_file: &Path) -> Vec<(&'static str, PathBuf)> {
    let directory = config_file.parent().unwrap_or(Path::new("."));
    vec![
        ("DOCKER_CONFIG", directory.to_owned()),
        ("REGISTRY_AUTH_FILE", config_file.to_owned()),
    ]
}

/// Those of these variables that a command under narrowed credentials is not given: credentials in the environment,
/// the way to buildx's own, and everything that is meant for us, our secrets among it.
#[must_use]
pub fn withheld_variables(names: Vec<OsString>) -> Vec<OsString> {
    let is_withheld = |name: &OsString| {
        matches!(name.to_str(), Some("BUILDX_CONFIG" | "DOCKER_AUTH_CONFIG"))
            || name.as_encoded_bytes().starts_with(b"DOCKER_CREDENTIAL_SCOPED_")
    };
    names.into_iter().filter(is_withheld).collect()
}

/// The auth file of podman, skopeo and buildah.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainersAuthFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is gone after logout or a restart.
    pub is_temporary: bool,
}

/// Where podman, skopeo and buildah keep their logins: containers/image `getPathToAuthWithOS`.
#[must_use]
pub fn containers_auth_file(user_id: u32, variables: Variables<'_>) -> Option<ContainersAuthFile> {
    if let Some(path) = set_to(variables, "REGISTRY_AUTH_FILE") {
        return Some(ContainersAuthFile {
            path,
            is_temporary: false,
        });
    }
    if !cfg!(target_os = "linux") {
        let path = home_directory()?.join(".config/containers/auth.json");
        return Some(ContainersAuthFile {
            path,
            is_temporary: false,
        });
    }
    let directory = set_to(variables, "XDG_RUNTIME_DIR").map_or_else(
        || PathBuf::from(format!("/run/containers/{user_id}")),
        |directory| directory.join("containers"),
    );
    Some(ContainersAuthFile {
        path: directory.join("auth.json"),
        is_temporary: true,
    })
}

/// Where the user's part of the configuration of podman, skopeo and buildah is. They looked in the home only, up
/// to 2025 (containers/image#1647), and look in `XDG_CONFIG_HOME` now; where both differ, both are given.
#[must_use]
pub fn containers_config_directories(variables: Variables<'_>) -> Vec<PathBuf> {
    let home = home_directory().map(|home| home.join(".config"));
    let mut directories: Vec<_> = home
        .into_iter()
        .chain(set_to(variables, "XDG_CONFIG_HOME"))
        .map(|directory| directory.join("containers"))
        .collect();
    directories.dedup();
    directories
}

/// The directories that programs are looked for in.
#[must_use]
pub fn search_path(variables: Variables<'_>) -> Vec<PathBuf> {
    variables("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

/// The directories that sudo and systemd look for programs in (sudoers `secure_path`, systemd.exec(5)).
#[must_use]
pub fn system_search_path() -> Vec<PathBuf> {
    [
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    ]
    .map(PathBuf::from)
    .to_vec()
}

/// The file of this program.
pub fn executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The registry a job works with when it names none.
#[must_use]
pub fn default_server(variables: Variables<'_>) -> Option<String> {
    text_of(variables, "DOCKER_CREDENTIAL_SCOPED_SERVER")
}

/// What a job's tokens are to allow when it does not say.
#[must_use]
pub fn default_scope(variables: Variables<'_>) -> Option<String> {
    text_of(variables, "DOCKER_CREDENTIAL_SCOPED_SCOPE")
}

fn text_of(variables: Variables<'_>, name: &str) -> Option<String> {
    variables(name)
        .filter(|value| !value.is_empty())
        .map(|value| value.to_string_lossy().into_owned())
}

/// Whether docker is given credentials in its environment, which it takes before it asks any helper
/// (docker/cli `configfile.parseEnvConfig`).
#[must_use]
pub fn is_docker_auth_config_set(variables: Variables<'_>) -> bool {
    set_to(variables, "DOCKER_AUTH_CONFIG").is_some()
}

/// The profile a call is for: by the program's name (`docker-credential-scoped-NAME`), else by
/// `DOCKER_CREDENTIAL_SCOPED_PROFILE`, else the default.
///
/// The name comes first because it is what a config.json chooses for itself; clients hand their whole
/// environment to helpers, so the variable reaches those of every config.json.
pub fn profile(program: &str, variables: Variables<'_>) -> Result<Profile, ProfileError> {
    if let Some(name) = program
        .strip_prefix(PROGRAM)
        .and_then(|rest| rest.strip_prefix('-'))
    {
        return name.parse().map_err(ProfileError::ProgramName);
    }
    match variables(PROFILE_VARIABLE) {
        Some(value) if !value.is_empty() => {
            let name = value.to_str().ok_or(ProfileError::Variable(InvalidProfile))?;
            name.parse().map_err(ProfileError::Variable)
        }
        Some(_) | None => Ok(Profile::default()),
    }
}

/// Where the name came from that no profile can have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProfileError {
    /// From the name this program was started by.
    #[error("the program's name after {PROGRAM}-: {0}")]
    ProgramName(InvalidProfile),
    /// From the environment.
    #[error("{PROFILE_VARIABLE}: {0}")]
    Variable(InvalidProfile),
}

/// A path that a variable is set to; an empty one counts for nothing.
fn set_to(variables: Variables<'_>, name: &str) -> Option<PathBuf> {
    variables(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// A directory that the system sets aside for something.
#[derive(Clone, Copy)]
enum Base {
    Cache,
    Config,
    Data,
    Home,
}

impl Base {
    /// Where it is. Where the environment says so, as it does but for services, that is the answer: to work out all
    /// of the directories there are costs more than opening a slot.
    fn directory(self) -> Option<PathBuf> {
        if cfg!(target_os = "linux")
            && let Some(directory) = self.in_environment()
        {
            return Some(directory);
        }
        let directories = directories()?;
        let directory = match self {
            Self::Cache => directories.cache_dir(),
            Self::Config => directories.config_dir(),
            Self::Data => directories.data_dir(),
            Self::Home => directories.home_dir(),
        };
        Some(directory.to_owned())
    }

    /// XDG Base Directory Specification 0.8: a variable with an absolute path, or a place in the home. The same as
    /// `directories` has it; a test compares them.
    #[expect(
        clippy::disallowed_methods,
        reason = "this room is the reader of the environment"
    )]
    fn in_environment(self) -> Option<PathBuf> {
        let absolute = |name| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let (variable, below_home) = match self {
            Self::Cache => ("XDG_CACHE_HOME", ".cache"),
            Self::Config => ("XDG_CONFIG_HOME", ".config"),
            Self::Data => ("XDG_DATA_HOME", ".local/share"),
            Self::Home => return absolute("HOME"),
        };
        absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
    }
}

/// A relative home is none: the key would end in whatever directory docker is started in.
fn directories() -> Option<&'static BaseDirs> {
    static DIRECTORIES: LazyLock<Option<BaseDirs>> =
        LazyLock::new(|| BaseDirs::new().filter(|directories| directories.home_dir().is_absolute()));
    DIRECTORIES.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_are_those_of_the_specification() {
        let directories = directories().expect("a home");
        if cfg!(target_os = "linux") {
            for (base, directory) in [
                (Base::Cache, directories.cache_dir()),
                (Base::Config, directories.config_dir()),
                (Base::Data, directories.data_dir()),
                (Base::Home, directories.home_dir()),
            ] {
                assert_eq!(base.in_environment().as_deref(), Some(directory));
            }
        }
    }

    #[test]
    fn the_auth_file_is_named_by_its_variable_or_temporary() {
        let named: Variables<'_> = &|name| match name {
            "REGISTRY_AUTH_FILE" => Some("/a.json".into()),
            _ => Some("/run/user/1000".into()),
        };
        let runtime: Variables<'_> = &|name| (name == "XDG_RUNTIME_DIR").then(|| "/run/user/1000".into());
        let file = containers_auth_file(1000, named).unwrap();
        assert_eq!((file.path, file.is_temporary), ("/a.json".into(), false));
        if cfg!(target_os = "linux") {
            let file = containers_auth_file(1000, runtime).unwrap();
            assert_eq!(file.path, PathBuf::from("/run/user/1000/containers/auth.json"));
            assert!(file.is_temporary);
            let file = containers_auth_file(1000, &|_| None).unwrap();
            assert_eq!(file.path, PathBuf::from("/run/containers/1000/auth.json"));
        }
    }

    #[test]
    fn the_profile_comes_from_the_programs_name_before_the_variable() {
        let none: Variables<'_> = &|_| None;
        let set: Variables<'_> = &|name| (name == PROFILE_VARIABLE).then(|| "ci".into());
        let empty: Variables<'_> = &|_| Some(OsString::new());
        assert!(profile("docker-credential-scoped", none).unwrap().is_default());
        assert!(profile("docker-credential-scoped", empty).unwrap().is_default());
        assert_eq!(profile("docker-credential-scoped", set).unwrap().as_str(), "ci");
        assert_eq!(
            profile("docker-credential-scoped-team-a", set).unwrap().as_str(),
            "team-a"
        );
        assert!(profile("some-other-name", none).unwrap().is_default());
        assert_eq!(
            profile("docker-credential-scoped-", none),
            Err(ProfileError::ProgramName(InvalidProfile))
        );
        assert_eq!(
            profile("docker-credential-scoped-Team", none),
            Err(ProfileError::ProgramName(InvalidProfile))
        );
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused_with_line_and_column() {
        assert_eq!(Settings::parse(b"{}").unwrap(), Settings::default());
        assert_eq!(
            Settings::parse(br#"{"onUnavailable":"miss"}"#)
                .unwrap()
                .on_unavailable,
            OnUnavailable::Miss
        );
        for (text, expected) in [
            (
                "{\n \"onUnavailble\": \"miss\"}",
                "unknown field `onUnavailble`, expected `onUnavailable` or `registries` at line 2 column 15",
            ),
            (
                "{\"onUnavailable\": \"never\"}",
                "unknown variant `never`, expected `error` or `miss` at line 1 column 25",
            ),
            (
                "{\"registries\": {\"h/path\": {}}}",
                "registry: names more than a host; write HOST or HOST:PORT at line 1 column 24",
            ),
            (
                "{\"registries\": {\"h\": {\"realm\": \"ftp://h\"}}}",
                "realm: is not an absolute URL with http or https, as in https://HOST/token at line 1 column 41",
            ),
            ("{", "EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(
                Settings::parse(text.as_bytes()).unwrap_err().to_string(),
                expected
            );
        }
    }
}
