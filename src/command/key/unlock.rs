//! `unlock`: the key opened once, and resting so for a while.

use anyhow::{Result, anyhow};
use time::Duration;

use super::passphrase::Passphrases;
use super::{NO_KEY, NO_REST, whereabouts};
use crate::command::{Report, rfc3339};
use crate::credential::Expiry;
use crate::store::{CredentialStore, KeySource, Unlocked, Unlocking};

/// Who wants it open for longer wants a key file.
const LONGEST_REST: Duration = Duration::days(30);

/// Reads for how long a key rests.
pub fn read_rest(text: &str) -> Result<Duration> {
    match text.parse() {
        Ok(Expiry::In(rest)) if rest <= LONGEST_REST => Ok(rest),
        // Not repeated: somebody may write a passphrase in its place.
        _ => Err(anyhow!(
            "--for: write a length as in 8h, 30min or 2d, of 30d at most"
        )),
    }
}

/// Opens the key, and has it rest for so long.
pub fn unlock(rest: Duration, mut passphrases: Passphrases<'_>, store: &CredentialStore) -> Result<Report> {
    let mut report = Report::default();
    let Some(state) = store.key_state()? else {
        report.say(NO_KEY);
        return Ok(report);
    };
    let Unlocked { rests_until } = match state.source {
        KeySource::Environment | KeySource::KeyFile => {
            report.say(format_args!(
                "The key is in {}: nothing needs unlocking.",
                whereabouts(&state)
            ));
            return Ok(report);
        }
        KeySource::Keyring => store.unlock(Unlocking::Prompting, rest)?,
        KeySource::Passphrase if !store.can_rest() => {
            // Before anybody is asked: what is opened here is locked again when this ends.
            report.fail(NO_REST);
            return Ok(report);
        }
        KeySource::Passphrase => store.unlock(Unlocking::Passphrase(&passphrases.present()?), rest)?,
    };
    match rests_until {
        Some(until) => report.say(format_args!(
            "Unlocked: the key rests opened until {}; docker-credential-scoped lock ends that.",
            rfc3339(until)
        )),
        None if state.source == KeySource::Passphrase => report.fail(NO_REST),
        None => report.note(
            "the OS keyring gives the key out, and is asked for it each time: there is no runtime directory where it \
             could rest",
        ),
    }
    Ok(report)
}
