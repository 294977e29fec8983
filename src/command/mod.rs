//! The use cases, one a file. Each says what is to be said; app decides where and with which exit code.

pub mod add;
pub mod cache;
pub mod configure;
pub mod credentials;
pub mod doctor;
pub mod erase;
pub mod exec;
pub mod explain;
pub mod get;
pub mod hub;
pub mod import;
pub mod inspect;
pub mod key;
pub mod list;
pub mod log;
pub mod obtain;
pub mod prune;
pub mod recorder;
pub mod remove;
pub mod session;
pub mod status;
pub mod store;
pub mod token;
mod turn;

use std::fmt::{self, Write as _};

use crate::credential::{Credential, KeptSecret, Profile, SecretAtHand, UsableCredential};
use crate::store::Slot;
use crate::token_cache::{Proof, Subject, TokenCache};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

impl Report {
    /// Adds a line to the answer.
    pub fn say(&mut self, line: impl fmt::Display) {
        self.text += &printable(&line.to_string());
        self.text.push('\n');
    }

    /// Adds a line beside it.
    pub fn note(&mut self, line: impl fmt::Display) {
        self.notes += &printable(&line.to_string());
        self.notes.push('\n');
    }

    /// Adds a line that says why something was not done.
    pub fn fail(&mut self, line: impl fmt::Display) {
        self.note(line);
        self.is_incomplete = true;
    }
}

/// Forgets the tokens that a credential got: they go when it goes.
pub(crate) fn forget_tokens(slot: &Slot, credential: &Credential, caches: &[TokenCache]) {
    let (name, reference) = (slot.file_name(), credential.secret.reference());
    let subject = kept_subject(&name, credential, reference.as_deref());
    forget_tokens_of(&subject, caches);
}

/// Who asked a token server, as the cache knows it, without fetching a secret that is kept elsewhere; `reference` is where.
pub(crate) fn kept_subject<'a>(
    slot_name: &'a str,
    credential: &'a Credential,
    reference: Option<&'a str>,
) -> Subject<'a> {
    Subject {
        slot: slot_name,
        account: &credential.account,
        proof: match &credential.secret {
            KeptSecret::Here(secret) => Proof::Stored(secret),
            KeptSecret::Elsewhere(_) => Proof::Fetched {
                reference: reference.unwrap_or_default(),
                secret: None,
            },
        },
    }
}

/// The same of who is known to the cache already.
pub(crate) fn forget_tokens_of(subject: &Subject<'_>, caches: &[TokenCache]) {
    for cache in caches {
        if let Some(fingerprint) = cache.fingerprint(Some(subject)) {
            cache.forget(&fingerprint);
        }
    }
}

/// Who asks a token server, as the cache knows it.
pub(crate) fn subject<'a>(slot_name: &'a str, credential: &'a UsableCredential) -> Subject<'a> {
    let SecretAtHand { secret, reference } = &credential.secret;
    Subject {
        slot: slot_name,
        account: &credential.account,
        proof: match reference {
            None => Proof::Stored(secret),
            Some(reference) => Proof::Fetched {
                reference,
                secret: Some(secret),
            },
        },
    }
}

/// The text with control characters escaped, and those that turn the direction of what follows: names in others'
/// files, accounts and paths can hold any, and a terminal acts on them (CVE-2024-50349, CVE-2021-42574).
#[must_use]
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// JSON in ASCII: beyond it there are characters that JSON leaves as they are and a terminal acts on, or that nobody sees.
#[must_use]
pub fn in_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// A text as a shell takes it for one word.
#[must_use]
pub fn quoted(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ':' | '@' | '+' | '=');
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// What a command line says of a profile: nothing of the default one.
pub(crate) fn profile_option(profile: &Profile) -> String {
    if profile.is_default() {
        String::new()
    } else {
        format!(" --profile {profile}")
    }
}

/// Lines of cells, each as wide as the widest of its column, two blanks apart.
#[must_use]
pub fn aligned<const COLUMNS: usize>(lines: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells = line
            .iter()
            .zip(&widths)
            // Not as `{cell:width$}`, which ends at a width of 65,535 with a panic.
            .map(|(cell, width)| cell.clone() + &" ".repeat(width - cell.chars().count()))
            .collect::<Vec<_>>();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A time as people and programs read it, to the second.
#[must_use]
pub fn rfc3339(time: OffsetDateTime) -> String {
    // RFC 3339 ends with the year 9999.
    time.truncate_to_second()
        .format(&Rfc3339)
        .unwrap_or_else(|_| "unknown".to_owned())
}
