//! `key status`: where the key is, and until when it rests opened. Opens nothing and asks nobody.

use anyhow::Result;
use serde::Serialize;

use super::{NO_KEY, NO_REST, leftover_text};
use crate::command::status::Format;
use crate::command::{Report, aligned, in_ascii, printable, rfc3339};
use crate::store::{CredentialStore, KeySource, KeyState};

/// Says where the key is.
pub fn status(format: Format, store: &CredentialStore) -> Result<Report> {
    let state = store.key_state()?;
    let mut report = Report::default();
    match (format, &state) {
        (Format::Json, state) => {
            let shown = Shown::of(state.as_ref());
            report.text = in_ascii(&serde_json::to_string_pretty(&shown)?) + "\n";
        }
        (Format::Table, None) => report.say(NO_KEY),
        (Format::Table, Some(state)) => report.text = table(state, store),
    }
    if let Some((what, mend)) = state.as_ref().and_then(leftover_text) {
        report.note(format_args!("{what}; {mend}"));
    }
    Ok(report)
}

fn table(state: &KeyState, store: &CredentialStore) -> String {
    let opened = match (state.source, state.rests_until) {
        (KeySource::Environment | KeySource::KeyFile, _) => {
            "whenever it is needed; it cannot be locked there".to_owned()
        }
        (KeySource::Keyring | KeySource::Passphrase, Some(until)) => {
            format!(
                "until {}; docker-credential-scoped lock ends that",
                rfc3339(until)
            )
        }
        (KeySource::Keyring, None) => {
            "no; the next that needs it asks the OS keyring, and docker-credential-scoped unlock may have that \
             ask you"
                .to_owned()
        }
        (KeySource::Passphrase, None) if !store.can_rest() => format!("no; {NO_REST}"),
        (KeySource::Passphrase, None) => "no; docker-credential-scoped unlock opens it".to_owned(),
    };
    let lines = [
        ["source".to_owned(), state.source.to_string()],
        [
            "place".to_owned(),
            printable(state.place.as_deref().unwrap_or("-")),
        ],
        ["opened".to_owned(), opened],
    ];
    aligned(&lines)
}

/// The key's place, as it is shown to programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    source: Option<&'static str>,
    place: Option<&'a str>,
    rests_until: Option<String>,
    is_moving: bool,
}

impl<'a> Shown<'a> {
    fn of(state: Option<&'a KeyState>) -> Self {
        Self {
            source: state.map(|state| state.source.word()),
            place: state.and_then(|state| state.place.as_deref()),
            rests_until: state.and_then(|state| state.rests_until).map(rfc3339),
            is_moving: state.is_some_and(|state| state.is_moving),
        }
    }
}
