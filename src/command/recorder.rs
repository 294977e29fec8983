//! Recorder: writes into the activity log what a command has done, where its user wants that. Where nobody does, it
//! looks at nothing.

use std::sync::OnceLock;

use time::OffsetDateTime;

use crate::activity_log::{Action, ActivityLog, Event};
use crate::command::{printable, rfc3339};
use crate::files::Location;
use crate::process::caller;
use crate::registry::ScopeSet;
use crate::settings::Settings;
use crate::store::Slot;

/// How much of a text is written down. An account may be as long as a message, and a scope as a command line.
const MAX_CHARACTERS: usize = 1000;

/// Where a command writes down what it did.
#[derive(Debug)]
pub struct Recorder {
    /// How the log is found; `None` where none is wanted.
    locate: Option<fn() -> Option<Location>>,
    /// Asked for once: a caller that is gone meanwhile has asked all the same.
    caller: OnceLock<Option<String>>,
}

/// What was done with a credential.
#[derive(Clone, Copy, Debug)]
pub struct Activity<'a> {
    /// What.
    pub action: Action,
    /// With what is in which slot.
    pub slot: &'a Slot,
    /// For which account, where one is known.
    pub account: Option<&'a str>,
    /// For what, where that was said.
    pub scope: Option<&'a ScopeSet>,
    /// What was granted, where the token server said so.
    pub granted: Option<&'a ScopeSet>,
}

impl<'a> Activity<'a> {
    /// What was done with a credential as a whole.
    #[must_use]
    pub fn of(action: Action, slot: &'a Slot, account: Option<&'a str>) -> Self {
        Self {
            action,
            slot,
            account,
            scope: None,
            granted: None,
        }
    }
}

impl Recorder {
    /// The recorder that the settings ask for; `locate` is not called before something is written down.
    #[must_use]
    pub fn new(settings: &Settings, locate: fn() -> Option<Location>) -> Self {
        Self {
            locate: settings.activity_log.then_some(locate),
            caller: OnceLock::new(),
        }
    }

    /// One for who does nothing that is written down.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            locate: None,
            caller: OnceLock::new(),
        }
    }

    /// Whether anything is written down, for who would have to prepare it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.locate.is_some()
    }

    /// Writes down what was done. Never fails: nobody goes without a credential because it could not be written down.
    pub fn record(&self, activity: Activity<'_>, now: OffsetDateTime) {
        if let Some(locate) = self.locate {
            ActivityLog::new(locate()).record(|| self.event(activity, now));
        }
    }

    fn event(&self, activity: Activity<'_>, now: OffsetDateTime) -> Event {
        let Activity {
            action,
            slot,
            account,
            scope,
            granted,
        } = activity;
        let shown = |scope: &ScopeSet| brief(&scope.to_string());
        Event {
            time: rfc3339(now),
            action,
            server: brief(&slot.server().to_string()),
            profile: slot.profile().to_string(),
            account: account.filter(|account| !account.is_empty()).map(brief),
            scope: scope.filter(|scope| !scope.is_empty()).map(shown),
            // The same again says nothing.
            granted: granted.filter(|granted| scope != Some(*granted)).map(shown),
            caller: self
                .caller
                .get_or_init(|| caller().map(|name| printable(&name)))
                .clone(),
        }
    }
}

/// The beginning of a long text.
fn brief(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_beginning_is_written_down() {
        assert_eq!(brief("alice"), "alice");
        let long = "é".repeat(MAX_CHARACTERS);
        assert_eq!(brief(&long), long);
        assert_eq!(brief(&(long.clone() + "é")), long + "…");
    }
}
