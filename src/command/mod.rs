//! The use cases, one a file. Each says what is to be said; app decides where and with which exit code.

pub mod erase;
pub mod get;
pub mod list;
pub mod status;
pub mod store;

/// What a command for people has to say.
#[derive(Debug, Default)]
pub struct Report {
    /// The answer, whole lines.
    pub text: String,
    /// What a person should know beside it, whole lines: warnings, and what was not done.
    pub notes: String,
    /// Whether something that was asked for was not done.
    pub is_incomplete: bool,
}
