//! `doctor`: what commonly goes wrong, looked at one thing after another, each with its mend. Changes nothing.

mod clients;
mod clock;
mod finding;
mod key;
mod store;

use std::collections::BTreeSet;
use std::path::PathBuf;

use time::OffsetDateTime;

use self::finding::State;
use crate::command::Report;
use crate::command::credentials::Credentials;
use crate::files::{Location, foreign};
use crate::registry::{Registry, ServerUrl};
use crate::settings::{self, Settings, SettingsError, Variables};
use crate::store::TokenServers;

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Patient<'a> {
    /// What is held; declared by no settings, where they cannot be read.
    pub credentials: Credentials<'a>,
    /// Why the settings cannot be read, if they cannot.
    pub settings_error: Option<&'a SettingsError>,
    /// What is recorded of registries.
    pub token_servers: &'a TokenServers,
    /// Where this program keeps its data.
    pub data: Option<&'a Location>,
    /// Where it may keep tokens until they expire.
    pub caches: &'a [Location],
}

/// Looks at everything, and says what is wrong and what helps.
#[must_use]
pub fn doctor(patient: Patient<'_>, now: OffsetDateTime) -> Report {
    let variables = patient.credentials.variables;
    let held = registries(patient);
    let mut findings = Vec::new();
    for looked in [
        store::settings(patient),
        store::private_directories(patient),
        key::key(patient),
        key::set_beside(patient),
        store::slots(patient),
        store::expiry(patient, now),
        store::references(patient),
        store::token_servers(&held, patient),
        clients::docker(&held, variables),
        clients::podman(variables),
        clients::gitlab_runner(),
        clock::clock(&held, patient, now),
    ] {
        for finding in looked {
            // Two clients may need one program.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    let mut report = Report::default();
    for finding in &findings {
        finding.tell(&mut report);
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    report.say(format_args!(
        "{} wrong, {} to note, {} as it should be.",
        count(State::Wrong),
        count(State::Note),
        count(State::Good)
    ));
    report
}

/// Where a program is that is called by its name.
fn on_path(program: &str, variables: Variables<'_>) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    foreign::find_executable(&name, &settings::search_path(variables))
}

/// The registries that there is anything of: a credential, or what is to be known of them.
fn registries(patient: Patient<'_>) -> BTreeSet<Registry> {
    let Patient { credentials, .. } = patient;
    let settings: &Settings = credentials.settings;
    let stored = credentials.store.entries().unwrap_or_default();
    let stored = stored
        .iter()
        .filter_map(|entry| entry.server.parse::<ServerUrl>().ok());
    let declared = settings
        .credentials
        .iter()
        .map(|declared| declared.server.clone());
    stored
        .chain(declared)
        .filter_map(|url| url.server().registry().cloned())
        .collect()
}
