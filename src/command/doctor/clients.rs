//! Clients: whether docker, podman and GitLab Runner ask this helper, and find it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::on_path;
use crate::client_config::{ConfigFile, Key, toml_lists};
use crate::command::configure::{lists_of_helpers, program, way_onto_path};
use crate::command::quoted;
use crate::credential::Profile;
use crate::files::{self, foreign};
use crate::registry::{Registry, ServerUrl};
use crate::settings::{self, Variables};

/// What a client's configuration calls this helper.
const OURS: &str = "scoped";

const CONFIGURE: &str = "docker-credential-scoped configure";

/// What of docker's configuration is right and wrong. `held` are the registries that there are credentials for.
pub(super) fn docker(held: &BTreeSet<Registry>, variables: Variables<'_>) -> Vec<Finding> {
    let Some(path) = settings::docker_config_file(variables) else {
        return vec![
            Finding::wrong("no home directory, so docker has no configuration").mended_by("set HOME"),
        ];
    };
    let shown = path.display();
    let config = match foreign::read(&path).map(|bytes| bytes.map(|bytes| ConfigFile::read(&bytes))) {
        Ok(Some(Ok(config))) => config,
        Ok(Some(Err(error))) => {
            return vec![Finding::wrong(format!("{shown}: {error}")).mended_by("put it right in an editor")];
        }
        Err(error) => return vec![Finding::wrong(error.to_string()).mended_by("let yourself read it")],
        Ok(None) if is_installed(&["docker"], variables) => {
            let what = format!("docker does not ask this helper: {shown} is not there");
            return vec![Finding::wrong(what).mended_by(CONFIGURE)];
        }
        Ok(None) => {
            return vec![Finding::note(format!(
                "docker is not on PATH, and {shown} is not there"
            ))];
        }
    };
    let mut findings = vec![asks(&config, &path)];
    findings.extend(overridden(&config, held));
    findings.extend(not_asked(&config, held, &path));
    let own = config.cred_helpers().into_iter();
    let names = store(&config).into_iter().chain(own.map(|(_, helper)| helper));
    let names: BTreeSet<_> = names.filter(|name| is_ours(name)).collect();
    findings.extend(names.iter().map(|name| reach(name, variables)));
    findings.extend(plain_text(&config, &path, "docker-credential-scoped import"));
    if settings::is_docker_auth_config_set(variables) {
        let what = "DOCKER_AUTH_CONFIG is set, and docker takes what is in it before it asks a helper";
        findings.push(Finding::wrong(what).mended_by("unset DOCKER_AUTH_CONFIG"));
    }
    findings
}

/// Whether docker asks this helper at all.
fn asks(config: &ConfigFile, path: &Path) -> Finding {
    let shown = path.display();
    let ours: Vec<_> = config
        .cred_helpers()
        .into_iter()
        .filter(|(_, helper)| is_ours(helper))
        .map(|(registry, _)| registry)
        .collect();
    match store(config) {
        Some(helper) if is_ours(&helper) => {
            Finding::good(format!("docker asks docker-credential-{helper} ({shown})"))
        }
        _ if !ours.is_empty() => Finding::good(format!(
            "docker asks this helper for {} ({shown})",
            ours.join(", ")
        )),
        Some(helper) => {
            Finding::wrong(format!("docker asks docker-credential-{helper} ({shown})")).mended_by(CONFIGURE)
        }
        None => Finding::wrong(format!("{shown} names no helper")).mended_by(CONFIGURE),
    }
}

/// The registries that docker asks another helper for, whatever `credsStore` says.
fn overridden(config: &ConfigFile, held: &BTreeSet<Registry>) -> Vec<Finding> {
    let judge = |(registry, helper): (String, String)| {
        let does = if helper.is_empty() {
            format!("keeps logins to {registry} in plain text in this file")
        } else {
            format!("sends {registry} to docker-credential-{helper}")
        };
        let what = format!("credHelpers {does}, whatever credsStore says");
        if held.iter().any(|held| is_key_of(&registry, held)) {
            Finding::wrong(what + "; what is stored here for it is never asked for")
                .mended_by(format!("{CONFIGURE} --registry {}", quoted(&registry)))
        } else {
            Finding::note(what)
        }
    };
    config
        .cred_helpers()
        .into_iter()
        .filter(|(_, helper)| !is_ours(helper))
        .map(judge)
        .collect()
}

/// The registries that docker asks nobody for, where it asks this helper for some only.
fn not_asked(config: &ConfigFile, held: &BTreeSet<Registry>, path: &Path) -> Vec<Finding> {
    let own = config.cred_helpers();
    let is_asked = |registry: &Registry| own.iter().any(|(key, _)| is_key_of(key, registry));
    if store(config).as_deref().is_some_and(is_ours) || !own.iter().any(|(_, helper)| is_ours(helper)) {
        return Vec::new();
    }
    held.iter()
        .filter(|registry| !is_asked(registry))
        .map(|registry| {
            let shown = path.display();
            let what =
                format!("docker does not ask this helper for {registry}, which is stored here ({shown})");
            Finding::wrong(what).mended_by(format!(
                "{CONFIGURE} --registry {}",
                quoted(&registry.to_string())
            ))
        })
        .collect()
}

/// The helper that is asked for every registry without one of its own.
fn store(config: &ConfigFile) -> Option<String> {
    config.helper(&Key::CredsStore)
}

fn is_key_of(key: &str, registry: &Registry) -> bool {
    key.parse::<ServerUrl>()
        .is_ok_and(|url| url.server().is_of(registry))
}

/// What of the configuration of podman, skopeo and buildah is right and wrong, where one of them is there.
pub(super) fn podman(variables: Variables<'_>) -> Vec<Finding> {
    if !is_installed(&["podman", "skopeo", "buildah"], variables) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let configure = "docker-credential-scoped configure --podman";
    // Those of the last file count, in their order.
    match lists_of_helpers(variables).pop() {
        Some((file, helpers)) if helpers.iter().any(|helper| is_ours(helper)) => {
            findings.push(Finding::good(format!(
                "podman asks this helper ({})",
                file.display()
            )));
            let ours = helpers.iter().filter(|helper| is_ours(helper));
            findings.extend(ours.map(|helper| reach(helper, variables)));
        }
        Some((file, helpers)) => findings.push(
            Finding::note(format!(
                "podman asks {} and not this helper ({})",
                helpers.join(", "),
                file.display()
            ))
            .mended_by(configure),
        ),
        None => findings.push(
            Finding::note("podman, skopeo and buildah ignore docker's credsStore and do not ask this helper")
                .mended_by(configure),
        ),
    }
    if let Some(file) = settings::containers_auth_file(files::user_id(), variables)
        && let Ok(Some(bytes)) = foreign::read(&file.path)
        && let Ok(config) = ConfigFile::read(&bytes)
    {
        let mend = format!(
            "docker-credential-scoped import --from {}",
            quoted(&file.path.to_string_lossy())
        );
        findings.extend(plain_text(&config, &file.path, &mend));
    }
    findings
}

/// Whether GitLab Runner lets jobs use this helper, where it is set up here.
pub(super) fn gitlab_runner() -> Vec<Finding> {
    let judge = |path: PathBuf| {
        let bytes = foreign::read(&path).ok()??;
        let text = String::from_utf8_lossy(&bytes);
        let allows = toml_lists(&text, "allowed_docker_credential_helpers")
            .iter()
            .flatten()
            .any(|helper| is_ours(helper));
        let shown = path.display();
        Some(if allows {
            Finding::good(format!("GitLab Runner allows this helper ({shown})"))
        } else {
            Finding::wrong(format!(
                "GitLab Runner does not let jobs name this helper ({shown})"
            ))
            .mended_by("add to [runners.docker]: allowed_docker_credential_helpers = [\"scoped\"]")
        })
    };
    settings::gitlab_runner_config_files()
        .into_iter()
        .filter_map(judge)
        .collect()
}

/// Whether a client finds the program for a helper's name, and it is this one.
fn reach(helper: &str, variables: Variables<'_>) -> Finding {
    let profile = profile(helper).unwrap_or_default();
    let program = program(&profile);
    match (on_path(&program, variables), settings::executable().ok()) {
        (Some(found), Some(executable)) if !foreign::is_same(&found, &executable) => Finding::wrong(format!(
            "{program} on PATH is {}, which is another program",
            found.display()
        ))
        .mended_by(format!(
            "remove it, or put {} before it on PATH",
            executable.display()
        )),
        (Some(found), _) => Finding::good(format!("{program} is on PATH ({})", found.display())),
        (None, executable) => {
            let wrong = Finding::wrong(format!("{program} is not on PATH, so no client finds it"));
            match executable {
                _ if !profile.is_default() => {
                    wrong.mended_by(format!("docker-credential-scoped configure --profile {profile}"))
                }
                Some(executable) => {
                    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
                    wrong.mended_by(way_onto_path(&executable, &name))
                }
                None => wrong,
            }
        }
    }
}

fn plain_text(config: &ConfigFile, path: &Path, mend: &str) -> Option<Finding> {
    let mut logins = config.auths();
    logins.retain(|(_, entry)| !matches!(entry.login, Ok(None)));
    let mend = if logins.iter().any(|(_, entry)| entry.login.is_ok()) {
        mend
    } else {
        "remove what cannot be read from the file, and log in again"
    };
    let keys: Vec<_> = logins.into_iter().map(|(key, _)| key).collect();
    (!keys.is_empty()).then(|| {
        Finding::wrong(format!(
            "logins in plain text in {}: {}",
            path.display(),
            keys.join(", ")
        ))
        .mended_by(mend)
    })
}

fn is_ours(helper: &str) -> bool {
    profile(helper).is_some()
}

/// The profile that a helper of this name hands out; `None` where it is another helper. Clients write the name without
/// the ending that a program's file has on Windows, and find it with it all the same.
fn profile(helper: &str) -> Option<Profile> {
    let name = helper
        .strip_suffix(std::env::consts::EXE_SUFFIX)
        .unwrap_or(helper);
    match name.strip_prefix(OURS)? {
        "" => Some(Profile::default()),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

fn is_installed(programs: &[&str], variables: Variables<'_>) -> bool {
    programs
        .iter()
        .any(|program| on_path(program, variables).is_some())
}
