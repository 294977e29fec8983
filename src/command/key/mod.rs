//! `key`, `unlock` and `lock`: where the key is that all credentials are sealed with, and whether it rests opened.

pub mod lock;
pub mod r#move;
pub mod passphrase;
pub mod status;
pub mod unlock;

use crate::store::{KeySource, KeyState};

/// Said where nothing was ever stored.
const NO_KEY: &str = "There is no key yet; the first credential that is stored makes one.";

/// Said where a passphrase opens the key, and nobody has anything of that.
const NO_REST: &str = "the key cannot rest opened, and docker is refused: there is no runtime directory that is yours alone; \
                       set XDG_RUNTIME_DIR to one, or take the passphrase back: docker-credential-scoped key move --to \
                       key-file";

/// Where the key is, behind `is in`.
pub(crate) fn whereabouts(state: &KeyState) -> String {
    let KeyState { source, place, .. } = state;
    let Some(place) = place else {
        return "the key file of settings.json, which names none".to_owned();
    };
    match source {
        KeySource::Environment => format!("the environment variable {place}"),
        KeySource::KeyFile => format!("the key file {place}"),
        KeySource::Keyring => place.clone(),
        KeySource::Passphrase => format!("{place}, sealed with a passphrase"),
    }
}

/// What is said of entries that may be there though nobody needs them any more, and the mend.
pub(crate) fn leftover_text(state: &KeyState) -> Option<(String, String)> {
    if state.left_over.is_empty() {
        return None;
    }
    Some((
        format!(
            "the OS keyring may still hold a key that is not used any more (service docker-credential-scoped, username {})",
            state.left_over.join(", ")
        ),
        format!(
            "the next key move tries to remove it, as docker-credential-scoped key move --to {}",
            state.source
        ),
    ))
}
