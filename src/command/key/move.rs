//! `key move`: the key in another place, and nothing lost on the way.

use anyhow::Result;
use time::{Duration, OffsetDateTime};

use super::passphrase::Passphrases;
use super::{NO_REST, whereabouts};
use crate::command::Report;
use crate::secret::Secret;
use crate::store::{CredentialStore, Entry, Home, KeySource, Moved, Unlocking};

/// How long a key that was locked rests opened, if it is not moved after all.
const MEANWHILE: Duration = Duration::MINUTE;

/// Puts the key there.
pub fn move_key(
    to: KeySource,
    mut passphrases: Passphrases<'_>,
    store: &CredentialStore,
    now: OffsetDateTime,
) -> Result<Report> {
    let state = store.key_state()?;
    let sealed = state.filter(|state| state.source == KeySource::Passphrase);
    let rests_until = sealed.as_ref().and_then(|state| state.rests_until);
    let open = |present: &Secret| -> Result<()> {
        let rest = rests_until.map_or(MEANWHILE, |until| until - now);
        store.unlock(Unlocking::Passphrase(present), rest)?;
        Ok(())
    };
    if sealed.is_some() && rests_until.is_none() && to != KeySource::Passphrase {
        open(&passphrases.present()?)?;
    }
    let another;
    let moved = store.move_key(match to {
        KeySource::Environment => Home::Environment,
        KeySource::KeyFile => Home::KeyFile,
        KeySource::Keyring => Home::Keyring,
        KeySource::Passphrase => {
            another = if sealed.is_some() {
                // Who finds the key open is not to lock its owner out.
                passphrases.change(open)?
            } else {
                // Before anybody thinks one up: that it will not open can be known now.
                store.open_key()?;
                passphrases.another()?
            };
            Home::Passphrase(&another)
        }
    })?;
    Ok(told(moved, store))
}

fn told(moved: Moved, store: &CredentialStore) -> Report {
    let Moved {
        from,
        to,
        opened,
        unopened,
        left,
    } = moved;
    let mut report = Report::default();
    let state = store.key_state().ok().flatten();
    let place = state.as_ref().map_or_else(|| to.to_string(), whereabouts);
    let opens = match opened {
        0 => "nothing is sealed with it yet".to_owned(),
        1 => "1 credential opens with it".to_owned(),
        count => format!("{count} credentials open with it"),
    };
    report.say(match from {
        None => format!("Made a key: it is in {place}; {opens}."),
        Some(from) if from == to && to == KeySource::Passphrase => {
            format!("The passphrase is another one now; {opens}.")
        }
        Some(from) if from == to => format!("The key is in {place}; {opens}."),
        Some(from) => format!("Moved the key from {from} to {to}: it is in {place}; {opens}."),
    });
    for Entry {
        server,
        profile,
        held,
    } in unopened
    {
        let profile = if profile.is_default() {
            String::new()
        } else {
            format!(", profile {profile}")
        };
        let why = held.err().map_or_else(String::new, |error| format!(": {error}"));
        report.note(format_args!(
            "{server}{profile}: did not open before, and does not now{why}"
        ));
    }
    if let Some(left) = left {
        report.note(left);
    }
    if to == KeySource::Passphrase && state.is_some_and(|state| state.rests_until.is_none()) {
        report.note(NO_REST);
    }
    report
}
