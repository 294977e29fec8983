//! Clients: whether docker, podman and GitLab Runner ask this helper, and find it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::client_config::{ConfigFile, Key, toml_lists};
use crate::command::configure::{lists_of_helpers, program};
use crate::command::quoted;
use crate::credential::Profile;
use crate::files::{self, foreign};
use crate::registry::{Registry, ServerUrl};
use crate::settings::{self, Variables};

/// What a client's configuration calls this helper.
const OURS: &str = "scoped";

/// What of docker's configuration is right and wrong. `held` are the registries that there are credentials for.
pub(super) fn docker(held: &BTreeSet<Registry>, variables: Variables<'_>) -> Vec<Finding> {
    let Some(path) = settings::docker_config_file(variables) else {
        return vec![
            Finding::wrong("no home directory, so docker has no configuration").mended_by("set HOME"),
        ];
    };
    let shown = path.display();
    let configure = "docker-credential-scoped configure";
    let config = match foreign::read(&path).map(|bytes| bytes.map(|bytes| ConfigFile::read(&bytes))) {
        Ok(Some(Ok(config))) => config,
        Ok(Some(Err(error))) => {
            return vec![Finding::wrong(format!("{shown}: {error}")).mended_by("put it right in an editor")];
        }
        Err(error) => return vec![Finding::wrong(error.to_string()).mended_by("let yourself read it")],
        Ok(None) if is_installed(&["docker"], variables) => {
            let what = format!("docker does not ask this helper: {shown} is not there");
            return vec![Finding::wrong(what).mended_by(configure)];
        }
        Ok(None) => {
            return vec![Finding::note(format!(
                "docker is not on PATH, and {shown} is not there"
            ))];
        }
    };
    let mut findings = Vec::new();
    let store = config.helper(&Key::CredsStore);
    let mut named: Vec<String> = store.iter().cloned().collect();
    let own: Vec<_> = config
        .cred_helpers()
        .into_iter()
        .filter(|(_, helper)| !helper.is_empty())
        .collect();
    match &store {
        Some(helper) if is_ours(helper) => {
            findings.push(Finding::good(format!(
                "docker asks docker-credential-{helper} ({shown})"
            )));
        }
        _ if own.iter().any(|(_, helper)| is_ours(helper)) => {
            let registries = own
                .iter()
                .filter(|(_, helper)| is_ours(helper))
                .map(|(registry, _)| registry.as_str());
            let registries = registries.collect::<Vec<_>>().join(", ");
            findings.push(Finding::good(format!(
                "docker asks this helper for {registries} ({shown})"
            )));
        }
        Some(helper) => findings.push(
            Finding::wrong(format!("docker asks docker-credential-{helper} ({shown})")).mended_by(configure),
        ),
        None => findings.push(Finding::wrong(format!("{shown} names no helper")).mended_by(configure)),
    }
    for (registry, helper) in &own {
        if is_ours(helper) {
            named.push(helper.clone());
            continue;
        }
        let what =
            format!("credHelpers sends {registry} to docker-credential-{helper}, whatever credsStore says");
        let is_held = registry
            .parse::<ServerUrl>()
            .is_ok_and(|url| held.iter().any(|registry| url.server().is_of(registry)));
        findings.push(if is_held {
            Finding::wrong(what + "; what is stored here for it is never asked for")
                .mended_by(format!("{configure} --registry {}", quoted(registry)))
        } else {
            Finding::note(what)
        });
    }
    if !store.as_deref().is_some_and(is_ours) && own.iter().any(|(_, helper)| is_ours(helper)) {
        let is_asked = |registry: &&Registry| {
            own.iter().any(|(key, _)| {
                key.parse::<ServerUrl>()
                    .is_ok_and(|url| url.server().is_of(registry))
            })
        };
        findings.extend(
            held.iter()
                .filter(|registry| !is_asked(registry))
                .map(|registry| {
                    Finding::wrong(format!(
                        "docker does not ask this helper for {registry}, which is stored here ({shown})"
                    ))
                    .mended_by(format!(
                        "{configure} --registry {}",
                        quoted(&registry.to_string())
                    ))
                }),
        );
    }
    named.sort();
    named.dedup();
    findings.extend(
        named
            .iter()
            .filter(|name| is_ours(name))
            .map(|name| reach(name, variables)),
    );
    findings.extend(plain_text(&config, &path, "docker-credential-scoped import"));
    if settings::is_docker_auth_config_set(variables) {
        let what = "DOCKER_AUTH_CONFIG is set, and docker takes what is in it before it asks a helper";
        findings.push(Finding::wrong(what).mended_by("unset DOCKER_AUTH_CONFIG"));
    }
    findings
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
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let found = foreign::find_executable(&name, &settings::search_path(variables));
    match (found, settings::executable().ok()) {
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
                Some(executable) => wrong.mended_by(format!(
                    "sudo ln -s {} /usr/local/bin/{name}",
                    quoted(&executable.to_string_lossy())
                )),
                None => wrong,
            }
        }
    }
}

fn plain_text(config: &ConfigFile, path: &Path, mend: &str) -> Option<Finding> {
    let keys: Vec<_> = config
        .auths()
        .into_iter()
        .filter(|(_, entry)| !matches!(entry.login, Ok(None)))
        .map(|(key, _)| key)
        .collect();
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
    let directories = settings::search_path(variables);
    programs.iter().any(|program| {
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        foreign::find_executable(&name, &directories).is_some()
    })
}
