//! Store: whether what this program keeps is there, closed to others and opens, and whether it is good for long yet.

use std::collections::BTreeSet;
use std::path::Path;

use time::OffsetDateTime;

use super::finding::Finding;
use super::{Patient, on_path};
use crate::command::credentials::{Credentials, SOON, mend, removal, said_expiry};
use crate::command::quoted;
use crate::credential::{Credential, KeptSecret, Origin, SecretReference};
use crate::files::{FileError, Unfit, foreign};
use crate::registry::{Registry, ServerUrl};
use crate::seal::Unopened;
use crate::secret_source::{from_environment, from_file};
use crate::settings::{Settings, SettingsError, Variables};
use crate::store::{Entry, Slot, StoreError, TokenServersError};

/// What is said of directories that are fit. On Windows nobody asks who can reach them.
const ALONE: &str = if cfg!(windows) {
    "can be used"
} else {
    "is yours alone"
};

const EDIT: &str = "put it right in an editor; until then nothing is handed out";

/// Whether settings.json can be read.
pub(super) fn settings(patient: Patient<'_>) -> Vec<Finding> {
    if let Some(error) = patient.settings_error {
        let mut text = error.to_string();
        if let SettingsError::Unreadable { path, .. } = error
            && text
                .rsplit_once("; ")
                .is_some_and(|(_, mend)| mend.starts_with("chmod "))
        {
            text.extend([" ", &quoted(&path.to_string_lossy())]);
        }
        return vec![Finding::of_error(text, EDIT)];
    }
    match Settings::path() {
        Some(path) if foreign::is_there(&path) => {
            vec![Finding::good(format!(
                "the settings can be read ({})",
                path.display()
            ))]
        }
        Some(_) | None => vec![Finding::good("there is no settings.json, and none is needed")],
    }
}

/// Whether the directories are ours alone.
pub(super) fn private_directories(patient: Patient<'_>) -> Vec<Finding> {
    let Some(data) = patient.data else {
        return vec![Finding::of_error(StoreError::NoHome, "")];
    };
    let mut findings = Vec::new();
    match data.open() {
        Ok(None) => findings.push(Finding::good(format!(
            "nothing is stored yet ({} is not there)",
            data.path().display()
        ))),
        Ok(Some(root)) => {
            let below = ["slots", "registries", "staging", "locks"].map(|name| root.open_below(name).err());
            let unfit: Vec<_> = below.iter().flatten().map(unfit).collect();
            if unfit.is_empty() {
                findings.push(Finding::good(format!("{} {ALONE}", data.path().display())));
            }
            findings.extend(unfit);
        }
        Err(error) => findings.push(unfit(&error)),
    }
    for cache in patient.caches {
        findings.extend(cache.open().err().as_ref().map(unfit));
    }
    findings
}

/// Whether each slot opens.
pub(super) fn slots(patient: Patient<'_>) -> Vec<Finding> {
    // What is wrong with directories or key is said there.
    let Ok(entries) = patient.credentials.store.entries() else {
        return Vec::new();
    };
    let count = entries.len();
    let unopened: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.held.as_ref().err()?)))
        .collect();
    if unopened.is_empty() {
        let all = match count {
            0 => return Vec::new(),
            1 => "1 stored credential opens".to_owned(),
            count => format!("{count} stored credentials open"),
        };
        return vec![Finding::good(all)];
    }
    unopened
        .into_iter()
        .filter(|(_, error)| !is_of_key(error))
        .map(|(entry, error)| match error {
            StoreError::File(error) => unfit(error),
            StoreError::Slot {
                path,
                why: Unopened::Damaged,
            } => Finding::of_error(error, "").mended_by(mend_of_damaged(entry, path)),
            error => Finding::of_error(error, ""),
        })
        .collect()
}

/// What helps where a slot is damaged.
fn mend_of_damaged(entry: &Entry, path: &Path) -> String {
    let server = entry.server.parse::<ServerUrl>();
    let slot = server.map(|url| Slot::new(url.server().clone(), entry.profile.clone()));
    match slot {
        // Of a very long name the file's tells only the beginning.
        Ok(slot) if path.file_name() == Some(slot.file_name().as_ref()) => {
            removal(&slot).unwrap_or_else(|| "log out of that registry and in again".to_owned())
        }
        Ok(_) | Err(_) => "move it away".to_owned(),
    }
}

/// Whether a credential has expired, or will soon.
pub(super) fn expiry(patient: Patient<'_>, now: OffsetDateTime) -> Vec<Finding> {
    let judge = |(slot, credential): &(Slot, Credential)| {
        let expires = credential.expires?;
        let how = if expires <= now {
            "expired"
        } else if expires - now <= SOON {
            "expires within 7 days,"
        } else {
            return None;
        };
        // A helper names its own, and only when it is asked.
        let account = credential
            .known_account()
            .map_or_else(String::new, |account| format!(" of {account}"));
        let what = format!(
            "{}, profile {}: the credential{account} {how} {}",
            slot.server(),
            slot.profile(),
            said_expiry(expires)
        );
        let mend = match credential.origin {
            Origin::Declared => "put another in its place, and when that ends into settings.json".to_owned(),
            Origin::Add | Origin::Client | Origin::Hub | Origin::Import => mend(slot, credential),
        };
        Some(Finding::wrong(what).mended_by(mend))
    };
    all(patient.credentials).iter().filter_map(judge).collect()
}

/// Whether secrets that are kept elsewhere can be there. Programs are looked for, and not run.
pub(super) fn references(patient: Patient<'_>) -> Vec<Finding> {
    let variables = patient.credentials.variables;
    let judge = |(slot, credential): &(Slot, Credential)| {
        let KeptSecret::Elsewhere(reference) = &credential.secret else {
            return None;
        };
        let place = format!("{}, profile {}", slot.server(), slot.profile());
        Some(match missing(reference, variables) {
            None => Finding::good(format!("{place}: its secret is in {reference}")),
            Some((what, mend)) => Finding::wrong(format!("{place}: {what}")).mended_by(mend),
        })
    };
    all(patient.credentials).iter().filter_map(judge).collect()
}

/// Whether what is recorded of the registries can be read.
pub(super) fn token_servers(registries: &BTreeSet<Registry>, patient: Patient<'_>) -> Vec<Finding> {
    registries
        .iter()
        .filter_map(|registry| patient.token_servers.get(registry).err())
        .map(|error| match error {
            TokenServersError::File(error) => unfit(&error),
            error => Finding::of_error(error, ""),
        })
        .collect()
}

/// What is missing of a secret, and the mend.
fn missing(reference: &SecretReference, variables: Variables<'_>) -> Option<(String, String)> {
    match reference {
        SecretReference::Environment(name) => from_environment(name, variables)
            .err()
            .map(|error| (error.to_string(), format!("set {name} where clients are run"))),
        SecretReference::File(path) => from_file(path).err().map(|error| {
            (
                error.to_string(),
                "put the secret there, alone in the file".to_owned(),
            )
        }),
        SecretReference::Command(words) => {
            let program = words.first().map_or("", String::as_str);
            let is_there = if program.contains('/') {
                foreign::is_there(program.as_ref())
            } else {
                on_path(program, variables).is_some()
            };
            (!is_there).then(|| {
                let what = format!("{reference}: there is no such program");
                (what, format!("install {program}, or put its directory on PATH"))
            })
        }
        SecretReference::Helper(name) => {
            let program = format!("docker-credential-{name}");
            on_path(&program, variables).is_none().then(|| {
                let what = format!("{reference}: {program} is not on PATH");
                (what, format!("install {program}, or put its directory on PATH"))
            })
        }
    }
}

/// All that is held and opens, the declared ones among it that nothing is stored for.
fn all(credentials: Credentials<'_>) -> Vec<(Slot, Credential)> {
    let entries = credentials.store.entries().unwrap_or_default();
    let declared: Vec<_> = credentials
        .declared_beside(&entries)
        .map(|declared| (declared.profile.clone(), declared.credential()))
        .collect();
    let stored = entries
        .into_iter()
        .filter_map(|entry| Some((entry.profile, entry.held.ok()?.credential)));
    stored
        .chain(declared)
        .map(|(profile, credential)| {
            let server = credential.server_url.server().clone();
            (Slot::new(server, profile), credential)
        })
        .collect()
}

pub(super) fn is_of_key(error: &StoreError) -> bool {
    matches!(error, StoreError::Key(_))
}

/// What is wrong with a file or directory, and the command that mends it.
pub(super) fn unfit(error: &FileError) -> Finding {
    match error {
        FileError::Unfit {
            path,
            why: Unfit::OpenToOthers(mode),
        } => Finding::wrong(format!(
            "{}: is open to other users (mode {mode:04o})",
            path.display()
        ))
        .mended_by(format!("chmod go-rwx {}", quoted(&path.to_string_lossy()))),
        error => Finding::of_error(error, "let yourself read it, or move it away"),
    }
}
