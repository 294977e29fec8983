//! Key: whether what everything is sealed with is where it is said to be, and opens; and what else is set, but not used.

use std::path::Path;

use super::Patient;
use super::finding::Finding;
use super::store::{is_of_key, unfit};
use crate::command::key::{leftover_text, whereabouts};
use crate::command::{quoted, rfc3339};
use crate::store::{Entry, KEY_VARIABLE, KeyError, KeySource, KeyState, StoreError};

/// Whether the key opens. Where it does not, that is said here, and not of each credential.
pub(super) fn key(patient: Patient<'_>) -> Vec<Finding> {
    let store = patient.credentials.store;
    let mut findings = Vec::new();
    match store.open_key() {
        Ok(true) => findings.extend(
            store
                .key_state()
                .ok()
                .flatten()
                .map(|state| opened(&state, patient)),
        ),
        Ok(false) => match store.entries().unwrap_or_default().into_iter().find_map(of_key) {
            Some(error) => findings.push(Finding::of_error(error, "")),
            // The first credential would be refused. What the settings do not say is said of them.
            None => findings.extend(
                store
                    .try_first_key()
                    .err()
                    .filter(|_| patient.settings_error.is_none())
                    .filter(is_of_key)
                    .map(|error| Finding::of_error(error, "")),
            ),
        },
        Err(StoreError::Key(error)) => findings.push(match error.as_ref() {
            KeyError::OpenToOthers { path } => {
                Finding::wrong(format!("{}: the key is open to other users", path.display()))
                    .mended_by(format!("chmod go-rwx {}", quoted(&path.to_string_lossy())))
            }
            KeyError::File(error) => unfit(error),
            error => Finding::of_error(error, ""),
        }),
        // Said of the directories.
        Err(_) => {}
    }
    let state = store.key_state().ok().flatten();
    if let Some((what, mend)) = state.as_ref().and_then(leftover_text) {
        findings.push(Finding::note(what).mended_by(mend));
    }
    findings
}

fn of_key(entry: Entry) -> Option<StoreError> {
    entry.held.err().filter(is_of_key)
}

fn opened(state: &KeyState, patient: Patient<'_>) -> Finding {
    let KeyState {
        source,
        place,
        rests_until,
        is_moving: _,
        is_open_to_others,
        left_over: _,
    } = state;
    let place = Path::new(place.as_deref().unwrap_or_default());
    if *is_open_to_others {
        return Finding::note(format!("{}: other users can read the key", place.display())).mended_by(
            "have it mounted so that only you can read it, with mode 0400; where that cannot be, nobody else may be on \
             the machine",
        );
    }
    let is_own = patient
        .data
        .is_some_and(|data| place.parent() == Some(data.path()));
    if *source == KeySource::KeyFile && is_own {
        // On Windows nobody asks who can reach it.
        let alone = if cfg!(windows) { "" } else { ", and yours alone" };
        return Finding::good(format!("the key is there{alone} ({})", place.display()));
    }
    let rests = rests_until.map_or_else(String::new, |until| {
        format!("; it rests opened until {}", rfc3339(until))
    });
    Finding::good(format!("the key is in {}, and opens{rests}", whereabouts(state)))
}

/// What somebody set for a key, and the key is elsewhere.
pub(super) fn set_beside(patient: Patient<'_>) -> Vec<Finding> {
    let credentials = patient.credentials;
    let Ok(Some(state)) = credentials.store.key_state() else {
        return Vec::new();
    };
    let unused = |what: &str, source: KeySource, undo: &str| {
        Finding::note(format!(
            "{what} is not used: the key is in {}",
            whereabouts(&state)
        ))
        .mended_by(format!(
            "{undo}; or have it used: docker-credential-scoped key move --to {source}"
        ))
    };
    let mut findings = Vec::new();
    if let Some(path) = &credentials.settings.key_file
        && !(state.source == KeySource::KeyFile && state.place.as_deref().map(Path::new) == Some(path))
    {
        let what = format!("the keyFile of settings.json ({})", path.display());
        findings.push(unused(&what, KeySource::KeyFile, "take it out there"));
    }
    if (credentials.variables)(KEY_VARIABLE).is_some() && state.source != KeySource::Environment {
        findings.push(unused(KEY_VARIABLE, KeySource::Environment, "unset it"));
    }
    findings
}
