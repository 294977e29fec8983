//! `key move`: the key in another place, and nothing lost on the way.

use anyhow::{Result, bail};

use super::passphrase::Passphrases;
use super::whereabouts;
use crate::command::Report;
use crate::secret::Secret;
use crate::store::{CredentialStore, Entry, Home, KeySource, Moved};

/// Puts the key there.
pub fn move_key(to: KeySource, mut passphrases: Passphrases<'_>, store: &CredentialStore) -> Result<Report> {
    if to == KeySource::Passphrase && !store.can_rest() {
        bail!(
            "a passphrase is of no use here: there is no runtime directory that is yours alone, where the key could rest \
             opened; set XDG_RUNTIME_DIR to one, or move the key to keyring, key-file or environment"
        );
    }
    let state = store.key_state()?;
    let sealed = state.filter(|state| state.source == KeySource::Passphrase);
    // It does not rest: a move that fails leaves nothing open that was locked.
    let open = |present: &Secret| Ok(store.open_with_passphrase(present)?);
    if sealed.as_ref().is_some_and(|state| state.rests_until.is_none()) && to != KeySource::Passphrase {
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
        report.note("the key does not rest opened; docker-credential-scoped unlock opens it");
    }
    report
}
