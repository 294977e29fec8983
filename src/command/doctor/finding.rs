//! Finding: what one look has shown, and the mend where something is wrong.

use crate::command::Report;

/// What one look has shown.
#[derive(Debug)]
pub(super) struct Finding {
    state: State,
    what: String,
    mend: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Note,
    Wrong,
}

impl Finding {
    /// As it should be.
    pub(super) fn good(what: impl Into<String>) -> Self {
        Self::new(State::Good, what, None)
    }

    /// Nothing wrong, but somebody may wonder.
    pub(super) fn note(what: impl Into<String>) -> Self {
        Self::new(State::Note, what, None)
    }

    /// Something does not work, or will not.
    pub(super) fn wrong(what: impl Into<String>) -> Self {
        Self::new(State::Wrong, what, None)
    }

    /// What helps.
    pub(super) fn mended_by(self, mend: impl Into<String>) -> Self {
        Self {
            mend: Some(mend.into()),
            ..self
        }
    }

    fn new(state: State, what: impl Into<String>, mend: Option<String>) -> Self {
        Self {
            state,
            what: what.into(),
            mend,
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
