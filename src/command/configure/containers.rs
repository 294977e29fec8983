//! podman, skopeo and buildah: a drop-in that names this helper for all registries, or the credHelpers of their
//! auth file for some. They ignore credsStore (containers/image `pkg/docker/config`).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::client_config::{Change, ConfigFile, Key, What, credential_helpers_line, registries_drop_in};
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

/// Changes the configuration; what is in the auth file can be imported afterwards.
pub(super) fn configure(
    request: &Request,
    variables: Variables<'_>,
    journal: &mut Journal,
    report: &mut Report,
) -> Result<Vec<import::Request>> {
    let ContainersAuthFile { path, is_temporary } =
        settings::containers_auth_file(variables).context("no home directory; set HOME")?;
    let path = foreign::absolute(&path)?;
    let source = import::Source::File(path.clone());
    if request.registries.is_empty() {
        for path in drop_in_paths(variables) {
            write_drop_in(&foreign::absolute(&path)?, request, journal, report)?;
        }
        note_other_helpers(variables, report);
        return Ok(offer_plain_text(&path, source, request, report));
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
        before,
        set: text.clone(),
    };
    journal.make(vec![change], || Ok(files::rewrite(path, text.as_bytes())?))
}

/// Of all files that name helpers, the one that is read last counts: main file, drop-ins of the system, drop-ins
/// of the user, each by name (containers-registries.conf.d(5)).
fn note_other_helpers(variables: Variables<'_>, report: &mut Report) {
    let drop_ins = drop_in_paths(variables);
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
    for file in files {
        let Ok(Some(bytes)) = foreign::read(&file) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let Some(line) = credential_helpers_line(&text).filter(|_| !drop_ins.contains(&file)) else {
            continue;
        };
        let is_read_later = drop_ins
            .iter()
            .any(|drop_in| drop_in.parent() == file.parent() && *drop_in < file);
        let (file, line) = (file.display(), line);
        if is_read_later {
            report.note(format_args!(
                "warning: {file} is read later and wins; remove its line: {line}"
            ));
        } else {
            report.note(format_args!(
                "note: {file} names helpers that are not asked any more: {line}"
            ));
        }
    }
}

/// The auth file is still read after this helper, so nothing in it is out of reach; but it is plain text.
fn offer_plain_text(
    path: &Path,
    source: import::Source,
    request: &Request,
    report: &mut Report,
) -> Vec<import::Request> {
    let config = foreign::read(path)
        .ok()
        .flatten()
        .and_then(|bytes| ConfigFile::read(&bytes).ok());
    let plain: Vec<_> = config
        .iter()
        .flat_map(ConfigFile::auths)
        .filter(|(_, entry)| !matches!(entry.login, Ok(None)))
        .map(|(key, _)| key)
        .collect();
    if plain.is_empty() {
        return Vec::new();
    }
    report.note(format_args!(
        "In plain text in {}: {}",
        path.display(),
        plain.join(", ")
    ));
    vec![import::Request {
        source,
        registries: Vec::new(),
        profile: request.profile.clone(),
        is_dry_run: false,
    }]
}
