//! Activity log: what was handed out, exchanged, refused and changed, a line each; for who turns it on. Never a secret.
//!
//! In its directory, the one where all data is: `activity.jsonl`, and `activity.jsonl.1` with what was before it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::files::{FileError, Location};

const NAME: &str = "activity.jsonl";

/// Some 5,000 lines, and as many in the older file: weeks of a person's day, hours of a busy runner.
const MAX_BYTES: u64 = 1024 * 1024;

/// What a line begins with.
const BEGINNING: &[u8] = b"{\"time\":";

/// The log of a user who wants one.
#[derive(Debug)]
pub struct ActivityLog {
    /// `None` where there is no home to keep one in.
    location: Option<Location>,
}

impl ActivityLog {
    /// The log in this directory, which need not exist; none without.
    #[must_use]
    pub fn new(location: Option<Location>) -> Self {
        Self { location }
    }

    /// Adds what happened. Best effort: nobody goes without a credential because it could not be written down.
    pub fn record(&self, event: impl FnOnce() -> Event) {
        let Some(location) = &self.location else {
            return;
        };
        if let (Ok(mut line), Ok(directory)) = (serde_json::to_vec(&event()), location.create()) {
            line.push(b'\n');
            let _ = directory.append(NAME, &line, MAX_BYTES);
        }
    }

    /// What happened since, the oldest first. A line that is cut short, as a full disk leaves it, is passed over, and
    /// the next one is found behind it.
    pub fn since(&self, moment: OffsetDateTime) -> Result<Vec<Event>, FileError> {
        let Some(location) = &self.location else {
            return Ok(Vec::new());
        };
        let Some(directory) = location.open()? else {
            return Ok(Vec::new());
        };
        // A line may be longer than what was left.
        let bytes = directory.read_grown(NAME, 2 * MAX_BYTES)?;
        let events = bytes
            .split(|byte| *byte == b'\n')
            // Within a line the text cannot stand again: there, quotes are escaped. What is before it may be cut short
            // within a character.
            .filter_map(|line| {
                let begins = line
                    .windows(BEGINNING.len())
                    .rposition(|part| part == BEGINNING)?;
                serde_json::from_slice::<Event>(line.get(begins..)?).ok()
            });
        Ok(events
            .filter(|event| OffsetDateTime::parse(&event.time, &Rfc3339).is_ok_and(|time| time >= moment))
            .collect())
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When, in RFC 3339.
    pub time: String,
    /// What.
    pub action: Action,
    /// With which server, or part of one.
    pub server: String,
    /// In which profile.
    pub profile: String,
    /// For which account; `None` for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// For what, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What was granted, where the token server said that it is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<String>,
    /// Which program asked, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A credential was changed or added by its owner.
    Add,
    /// What is handed out for a registry was changed by its owner.
    Configure,
    /// A token was made at Docker Hub.
    Create,
    /// A credential was forgotten on a client's word.
    Erase,
    /// An access token was had from a token server.
    Exchange,
    /// A credential, or an access token that was remembered, was given to who asked.
    HandOut,
    /// A credential was taken over from a file or from another helper.
    Import,
    /// What is held was asked for and not given: the token server refused or did not answer, or it has expired, may
    /// not do that, cannot be opened, or is not to be had from where it is kept.
    Refusal,
    /// A credential was forgotten on its owner's word.
    Remove,
    /// A token was revoked at Docker Hub.
    Revoke,
    /// A credential was kept on a client's word.
    Store,
}

impl Action {
    /// The word in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Configure => "configure",
            Self::Create => "create",
            Self::Erase => "erase",
            Self::Exchange => "exchange",
            Self::HandOut => "hand-out",
            Self::Import => "import",
            Self::Refusal => "refusal",
            Self::Remove => "remove",
            Self::Revoke => "revoke",
            Self::Store => "store",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_shown_by_the_word_it_is_written_with() {
        for action in [
            Action::Add,
            Action::Configure,
            Action::Create,
            Action::Erase,
            Action::Exchange,
            Action::HandOut,
            Action::Import,
            Action::Refusal,
            Action::Remove,
            Action::Revoke,
            Action::Store,
        ] {
            assert_eq!(
                serde_json::to_string(&action).unwrap(),
                format!("\"{}\"", action.name())
            );
        }
    }
}
