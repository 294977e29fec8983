//! The logins in a file: docker's config.json, or the auth.json of podman, skopeo and buildah.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::client_config::{AuthEntry, ConfigFile, Key, Login};
use crate::command::import::keep::{Keeper, Kept};
use crate::command::import::{Request, Source, sentence};
use crate::command::turn::{CONFIGURATION, turn};
use crate::command::{Report, configure, profile_option, quoted};
use crate::files::{self, foreign};
use crate::registry::{Registry, Server, ServerUrl};
use crate::settings::{self, Variables};

/// A login that is in the store now, and where in the file it stands.
struct Imported {
    key: String,
    login: Login,
    kept: Kept,
    server: Server,
}

/// Keeps each login, then takes all that are kept out of the file in one go.
pub(super) fn import(
    path: &Path,
    request: &Request,
    variables: Variables<'_>,
    keeper: &Keeper<'_>,
) -> Result<Report> {
    let shown = path.display();
    let Some(bytes) = foreign::read(path)? else {
        ensure!(request.source == Source::Docker, "{shown}: is not there");
        return Ok(Report {
            text: format!("Nothing to import: {shown} is not there.\n"),
            ..Report::default()
        });
    };
    let config = ConfigFile::read(&bytes).with_context(|| shown.to_string())?;
    let is_of_containers = is_of_containers(path, variables);
    let mut report = Report::default();
    let mut imported = Vec::new();
    for (key, entry) in entries(&config) {
        let left = |why: &dyn fmt::Display| format!("{key}: left in {shown}: {why}");
        let server_url = match key.parse::<ServerUrl>() {
            Ok(server_url) if is_asked_for(server_url.server(), &request.registries) => server_url,
            Ok(_) => continue,
            Err(_) if !request.registries.is_empty() => continue,
            // An empty mark names nothing worth a word.
            Err(_) if !entry.has_registry_token && matches!(entry.login, Ok(None)) => continue,
            Err(error) => {
                report.fail(left(&format_args!("its name is no server URL ({error})")));
                continue;
            }
        };
        if entry.has_registry_token {
            report.note(left(&"a registry token lives for minutes and is not for keeping"));
        }
        let login = match entry.login {
            Ok(Some(login)) => login,
            Ok(None) => continue,
            Err(error) => {
                report.fail(left(&error));
                continue;
            }
        };
        if is_of_containers && matches!(server_url.server(), Server::Prefix { .. }) {
            // containers/image asks helpers for whole registries only.
            report.fail(left(&"podman asks no helper for a part of a registry"));
            continue;
        }
        let server = server_url.server().clone();
        match keeper.keep(server_url, &login) {
            Ok(kept) => imported.push(Imported {
                key,
                login,
                kept,
                server,
            }),
            Err(error) => report.fail(left(&error)),
        }
    }
    let turn = (!request.is_dry_run).then(|| turn(CONFIGURATION, keeper.data.as_ref()));
    take_out(path, &imported, request.is_dry_run, &mut report);
    drop(turn);
    if report.text.is_empty() && report.notes.is_empty() {
        report.text = format!("Nothing to import from {shown}.\n");
    }
    let unasked = imported
        .iter()
        .filter_map(|imported| match &imported.server {
            Server::Registry(registry) => Some(registry),
            Server::HubSession(_) | Server::Prefix { .. } | Server::UnknownScheme(_) => None,
        })
        .filter(|registry| !is_asked(&config, registry, is_of_containers, request, variables));
    // What the file says of one registry stands over what it says of all.
    let (own, others): (Vec<_>, Vec<_>) =
        unasked.partition(|registry| own_helper(&config, registry, is_of_containers).is_some());
    for (registries, is_own) in [(others, false), (own, true)] {
        if registries.is_empty() {
            continue;
        }
        let names: Vec<_> = registries.iter().map(ToString::to_string).collect();
        let options = names.iter().filter(|_| is_own);
        let options: Vec<_> = options
            .map(|name| format!(" --registry {}", quoted(name)))
            .collect();
        report.note(format_args!(
            "{} is not asked for {} yet; run docker-credential-scoped configure{}{}{}",
            configure::program(&request.profile),
            names.join(", "),
            if is_of_containers { " --podman" } else { "" },
            options.concat(),
            profile_option(&request.profile)
        ));
    }
    Ok(report)
}

/// The entries of `auths`; of two for one registry the one that docker looks up first comes first, since the slot
/// takes one of them.
fn entries(config: &ConfigFile) -> Vec<(String, AuthEntry)> {
    let mut entries = config.auths();
    entries.sort_by_key(|(key, _)| {
        key.parse::<Registry>()
            .is_ok_and(|registry| registry.docker_key() != key)
    });
    entries
}

/// With registries named, only theirs, and no part of one: docker asks their helper for the whole only.
fn is_asked_for(server: &Server, registries: &[Registry]) -> bool {
    registries.is_empty()
        || registries
            .iter()
            .any(|registry| server.is_of(registry) && !matches!(server, Server::Prefix { .. }))
}

fn is_of_containers(path: &Path, variables: Variables<'_>) -> bool {
    path.file_name().is_some_and(|name| name == "auth.json")
        || settings::containers_auth_file(files::user_id(), variables).is_some_and(|file| file.path == path)
}

/// Whether the programs that read the file ask this helper for a registry.
fn is_asked(
    config: &ConfigFile,
    registry: &Registry,
    is_of_containers: bool,
    request: &Request,
    variables: Variables<'_>,
) -> bool {
    let ours = configure::helper_name(&request.profile);
    let named = own_helper(config, registry, is_of_containers).or_else(|| {
        (!is_of_containers)
            .then(|| config.helper(&Key::CredsStore))
            .flatten()
    });
    named.as_ref() == Some(&ours)
        || is_of_containers
            && configure::drop_in_paths(variables)
                .iter()
                .any(|path| foreign::is_there(path))
}

/// The helper that the file names for this registry alone.
fn own_helper(config: &ConfigFile, registry: &Registry, is_of_containers: bool) -> Option<String> {
    let name = if is_of_containers {
        registry.to_string()
    } else {
        registry.docker_key().to_owned()
    };
    config.helper(&Key::CredHelpers(name))
}

/// Takes what is kept out of the file and its copy, and says what became of each.
fn take_out(path: &Path, imported: &[Imported], is_dry_run: bool, report: &mut Report) {
    let shown = path.display();
    let removed = if is_dry_run {
        Ok(Vec::new())
    } else {
        remove(path, imported)
    };
    for imported in imported {
        let sentence = sentence(&imported.key, &imported.login.account, imported.kept);
        let end = match &removed {
            _ if is_dry_run => format!("; would be removed from {shown}"),
            Ok(removed) if removed.contains(&imported.key.as_str()) => format!("; removed from {shown}"),
            Ok(_) => {
                report.is_incomplete = true;
                format!("; left in {shown}, which has changed since")
            }
            Err(_) => format!("; still in {shown}"),
        };
        report.say(format_args!("{sentence}{end}"));
    }
    if let Err(error) = removed {
        report.fail(format_args!("{error:#}"));
    }
    let backup = foreign::backup_path(path);
    if !is_dry_run
        && foreign::is_there(&backup)
        && let Err(error) = remove(&backup, imported)
    {
        report.fail(format_args!("{error:#}"));
    }
}

/// Reads the file again, since docker may have written it meanwhile, and takes out each login that still stands
/// there as it was kept; says which.
fn remove<'a>(path: &Path, imported: &'a [Imported]) -> Result<Vec<&'a str>> {
    let mut removed = Vec::new();
    let Some(bytes) = foreign::read(path)? else {
        return Ok(removed);
    };
    let mut config = ConfigFile::read(&bytes).with_context(|| path.to_string_lossy().into_owned())?;
    let entries = config.auths();
    for Imported { key, login, .. } in imported {
        let stands = entries.iter().any(|(name, entry)| {
            name == key && matches!(&entry.login, Ok(Some(there)) if there.is_same_as(login))
        });
        if stands {
            config.remove_login(key)?;
            removed.push(key.as_str());
        }
    }
    if !removed.is_empty() {
        files::rewrite(path, config.as_bytes())?;
    }
    Ok(removed)
}
