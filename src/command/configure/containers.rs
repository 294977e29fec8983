//! podman, skopeo and buildah: a drop-in that names this helper for all registries, or the credHelpers of their
//! auth file for some. They ignore credsStore (containers/image `pkg/docker/config`).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::client_config::{
    Change, ConfigFile, Key, What, credential_helpers_line, registries_drop_in, toml_lists,
};
use crate::command::configure::journal::Journal;
use crate::command::configure::{Request, helper_keys, helper_name, unreachable};
use crate::command::{Report, import};
use crate::files::{self, foreign};
use crate::settings::{self, ContainersAuthFile, Variables};

/// A file of our own: a registries.conf of the user's takes the place of the system's, a drop-in adds to it.
const DROP_IN: &str = "docker-credential-scoped.conf";

/// Where the drop-ins are.
#[must_use]
pub fn drop_in_paths(variables: Variables<'_>) -> Vec<PathBuf> {
    settings::containers_config_directories(variables)
        .into_iter()
        .map(|directory| directory.join("registries.conf.d").join(DROP_IN))
        .collect()
}

/// Changes the configuration; what it hides can be imported afterwards.
pub(super) fn configure(
    request: &Request,
    variables: Variables<'_>,
    journal: &mut Journal,
    report: &mut Report,
) -> Result<Vec<import::Request>> {
    let ContainersAuthFile { path, is_temporary } =
        settings::containers_auth_file(files::user_id(), variables).context("no home directory; set HOME")?;
    let path = foreign::absolute(&path)?;
    if request.registries.is_empty() {
        for path in drop_in_paths(variables) {
            write_drop_in(&foreign::absolute(&path)?, request, journal, report)?;
        }
        note_other_helpers(variables, report);
        return Ok(name_hidden(&path, request, variables, report));
    }
    let keys: Vec<_> = request
        .registries
        .iter()
        .map(|registry| Key::CredHelpers(registry.to_string()))
        .collect();
    let before = helper_keys::set(&path, &keys, request, journal, report)?;
    if is_temporary {
        report.note(format_args!(
            "note: {} is gone after logout; without --registry, or with REGISTRY_AUTH_FILE set, the change lasts",
            path.display()
        ));
    }
    if let Some((file, line)) = lines_of_helpers(variables).pop()
        && !line.contains("containers-auth.json")
    {
        report.note(format_args!(
            "warning: podman does not look into {} while {} says: {line}",
            path.display(),
            file.display()
        ));
    }
    let source = import::Source::File(path.clone());
    Ok(unreachable::name(&before, &keys, &path, source, request, report))
}

fn write_drop_in(path: &Path, request: &Request, journal: &mut Journal, report: &mut Report) -> Result<()> {
    let shown = path.display();
    let text = registries_drop_in(&helper_name(&request.profile));
    let before = foreign::read(path)?
        .map(String::from_utf8)
        .transpose()
        .with_context(|| format!("{shown}: is not a text; move it away"))?;
    if before.as_ref() == Some(&text) {
        report.say(format_args!(
            "{shown}: names {} already",
            helper_name(&request.profile)
        ));
        return Ok(());
    }
    report.say(format_args!(
        "{shown}: names {} now, {}",
        helper_name(&request.profile),
        if before.is_some() {
            "was another text"
        } else {
            "was not there"
        }
    ));
    if request.is_dry_run {
        return Ok(());
    }
    let change = Change {
        file: path.to_owned(),
        what: What::Text,
        made_file: before.is_none(),
        made_object: false,
        before: before.clone(),
        set: text.clone(),
    };
    journal.make(
        vec![change],
        || Ok(files::rewrite(path, text.as_bytes())?),
        || foreign::read(path).is_ok_and(|now| now == before.map(String::into_bytes)),
    )
}

/// The files that name helpers, and their lines, in the order they are read, of which the last one counts: main
/// file, drop-ins of the system, drop-ins of the user, each by name (containers-registries.conf.d(5)).
#[must_use]
pub fn lines_of_helpers(variables: Variables<'_>) -> Vec<(PathBuf, String)> {
    let mut files = vec![PathBuf::from("/etc/containers/registries.conf")];
    files.extend(foreign::files_ending_in(
        ".conf",
        Path::new("/etc/containers/registries.conf.d"),
    ));
    for directory in settings::containers_config_directories(variables) {
        files.push(directory.join("registries.conf"));
        files.extend(foreign::files_ending_in(
            ".conf",
            &directory.join("registries.conf.d"),
        ));
    }
    files
        .into_iter()
        .filter_map(|file| {
            let bytes = foreign::read(&file).ok()??;
            let text = String::from_utf8_lossy(&bytes);
            let line = credential_helpers_line(&text)?.to_owned();
            Some((file, line))
        })
        .collect()
}

/// The same with the names in those lines, in the order in which podman asks them.
#[must_use]
pub fn lists_of_helpers(variables: Variables<'_>) -> Vec<(PathBuf, Vec<String>)> {
    lines_of_helpers(variables)
        .into_iter()
        .filter_map(|(file, _)| {
            let bytes = foreign::read(&file).ok()??;
            let lists = toml_lists(&String::from_utf8_lossy(&bytes), "credential-helpers");
            Some((file, lists.into_iter().next()?))
        })
        .collect()
}

fn note_other_helpers(variables: Variables<'_>, report: &mut Report) {
    let drop_ins = drop_in_paths(variables);
    for (file, line) in lines_of_helpers(variables) {
        let is_read_later = |drop_in: &PathBuf| drop_in.parent() == file.parent() && *drop_in < file;
        if drop_ins.contains(&file) {
            continue;
        }
        let shown = file.display();
        if drop_ins.iter().any(is_read_later) {
            report.note(format_args!(
                "warning: {shown} is read later and wins; remove its line: {line}"
            ));
        } else {
            report.note(format_args!(
                "note: {shown} names helpers that are not asked any more: {line}"
            ));
        }
    }
}

/// With helpers named for all registries, no auth file is read any more: neither the one that logins are written
/// to, nor the lasting one, nor docker's.
fn name_hidden(
    path: &Path,
    request: &Request,
    variables: Variables<'_>,
    report: &mut Report,
) -> Vec<import::Request> {
    let mut paths = vec![path.to_owned()];
    paths.extend(
        settings::containers_config_directories(variables)
            .into_iter()
            .map(|directory| directory.join("auth.json")),
    );
    paths.dedup();
    let mut offers = Vec::new();
    for path in paths {
        let Some(config) = read(&path) else { continue };
        let keys: Vec<_> = config
            .cred_helpers()
            .into_iter()
            .map(|(registry, _)| Key::CredHelpers(registry))
            .collect();
        let source = import::Source::File(path.clone());
        offers.extend(unreachable::name(&config, &keys, &path, source, request, report));
    }
    if let Some(path) = settings::docker_config_file(variables)
        && let Some(config) = read(&path)
    {
        // docker may still need what is there, so it is not for podman's sake to be taken out.
        unreachable::name(&config, &[], &path, import::Source::Docker, request, report);
    }
    offers
}

/// A file that is only looked into: one that cannot be read hides nothing from a client that cannot read it either.
fn read(path: &Path) -> Option<ConfigFile> {
    ConfigFile::read(&foreign::read(path).ok()??).ok()
}
