//! Finding: what one look has shown, and the mend where something is wrong.

use std::fmt;

use crate::command::Report;

/// What one look has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) state: State,
    what: String,
    mend: Option<String>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Good,
    /// Nothing wrong, but somebody may wonder.
    Note,
    /// Something does not work, or will not.
    Wrong,
}

impl Finding {
    /// As it should be.
    pub(super) fn good(what: impl Into<String>) -> Self {
        Self::new(State::Good, what)
    }

    /// Nothing wrong, but somebody may wonder.
    pub(super) fn note(what: impl Into<String>) -> Self {
        Self::new(State::Note, what)
    }

    /// Something does not work, or will not.
    pub(super) fn wrong(what: impl Into<String>) -> Self {
        Self::new(State::Wrong, what)
    }

    /// What an error says is wrong. Behind the last `;` our errors name the mend; `otherwise` where one does not.
    pub(super) fn of_error(error: impl fmt::Display, otherwise: &str) -> Self {
        let text = error.to_string();
        let (what, mend) = text.rsplit_once("; ").unwrap_or((&text, otherwise));
        Self::wrong(what).mended_by(mend)
    }

    /// What helps.
    pub(super) fn mended_by(self, mend: impl Into<String>) -> Self {
        Self {
            mend: Some(mend.into()),
            ..self
        }
    }

    fn new(state: State, what: impl Into<String>) -> Self {
        Self {
            state,
            what: what.into(),
            mend: None,
        }
    }

    /// Adds it to what is said.
    pub(super) fn tell(&self, report: &mut Report) {
        let Self { state, what, mend } = self;
        let word = match state {
            State::Good => "ok",
            State::Note => "note",
            State::Wrong => "WRONG",
        };
        report.say(format_args!("{word:<6} {what}"));
        if let Some(mend) = mend {
            report.say(format_args!("{:6} mend: {mend}", ""));
        }
        report.is_incomplete |= *state == State::Wrong;
    }
}
