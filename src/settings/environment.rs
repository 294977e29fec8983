//! Environment: what its variables say, to us and to the clients whose files we read.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::credential::{InvalidProfile, InvalidSessionLabel, Machine, Profile};
use crate::settings::PROGRAM;
use crate::settings::base_directories::home_directory;

pub(super) const PROFILE_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_PROFILE";

const MACHINE_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_MACHINE";

/// The process's environment: what a variable is set to.
pub type Variables<'a> = &'a (dyn Fn(&str) -> Option<OsString> + Sync);

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
/// go-containerregistry and containers/image, which read an auth file, and helm, which reads one of its own first. That
/// takes registry tokens since it is made with oras-go v2 (helm 3.18), and earlier is nobody with them.
#[must_use]
pub fn client_variables(config_file: &Path) -> Vec<(&'static str, PathBuf)> {
    let directory = config_file.parent().unwrap_or(Path::new("."));
    vec![
        ("DOCKER_CONFIG", directory.to_owned()),
        ("REGISTRY_AUTH_FILE", config_file.to_owned()),
        ("HELM_REGISTRY_CONFIG", config_file.to_owned()),
    ]
}

/// Those of these variables that a command under narrowed credentials is not given: credentials in the environment,
/// the way to buildx's own, and everything that is meant for us, our secrets among it.
#[must_use]
pub fn withheld_variables(names: Vec<OsString>) -> Vec<OsString> {
    let is_withheld = |name: &OsString| {
        // There a variable is the same one in capitals and without.
        let name = if cfg!(windows) {
            Cow::Owned(name.to_ascii_uppercase())
        } else {
            Cow::Borrowed(name)
        };
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
    let mut found: Vec<_> = home
        .into_iter()
        .chain(set_to(variables, "XDG_CONFIG_HOME"))
        .map(|directory| directory.join("containers"))
        .collect();
    found.dedup();
    found
}

/// Where GitLab Runner keeps its configuration: root's, and a user's own (GitLab Runner documentation, `config.toml`).
#[must_use]
pub fn gitlab_runner_config_files() -> Vec<PathBuf> {
    let system = (!cfg!(windows)).then(|| PathBuf::from("/etc/gitlab-runner/config.toml"));
    let own = home_directory().map(|home| home.join(".gitlab-runner/config.toml"));
    system.into_iter().chain(own).collect()
}

/// Whether output may have colours: <https://no-color.org>.
#[must_use]
pub fn allows_colour(variables: Variables<'_>) -> bool {
    variables("NO_COLOR").is_none_or(|value| value.is_empty())
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
    named_profile(program, variables).map(Option::unwrap_or_default)
}

/// The same where one is named at all.
pub fn named_profile(program: &str, variables: Variables<'_>) -> Result<Option<Profile>, ProfileError> {
    if let Some(name) = program
        .strip_prefix(PROGRAM)
        .and_then(|rest| rest.strip_prefix('-'))
    {
        return name.parse().map(Some).map_err(ProfileError::ProgramName);
    }
    match variables(PROFILE_VARIABLE) {
        Some(value) if !value.is_empty() => {
            let name = value.to_str().ok_or(ProfileError::Variable(InvalidProfile))?;
            name.parse().map(Some).map_err(ProfileError::Variable)
        }
        Some(_) | None => Ok(None),
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

/// What this machine is to be called: by `DOCKER_CREDENTIAL_SCOPED_MACHINE`, for machines that are made anew with a host
/// name of chance; on Windows else by the system's own variable.
pub fn machine(variables: Variables<'_>) -> Result<Option<Machine>, InvalidMachine> {
    match variables(MACHINE_VARIABLE) {
        Some(value) if !value.is_empty() => {
            let name = value.to_str().ok_or(InvalidMachine)?;
            name.parse()
                .map(Some)
                .map_err(|InvalidSessionLabel| InvalidMachine)
        }
        Some(_) | None if cfg!(windows) => {
            Ok(text_of(variables, "COMPUTERNAME").map(|name| Machine::of_host_name(&name)))
        }
        Some(_) | None => Ok(None),
    }
}

/// A machine cannot be called that.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{MACHINE_VARIABLE}: a machine's name is 1 to 32 letters, digits, '.', '-' or '_'")]
pub struct InvalidMachine;

/// A path that a variable is set to; an empty one counts for nothing.
fn set_to(variables: Variables<'_>, name: &str) -> Option<PathBuf> {
    variables(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
