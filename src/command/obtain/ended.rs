//! Ended: what it may mean that a token of Docker Hub is refused, and what there is to do. The token server says neither.

use anyhow::{Error, anyhow};

use super::cache_key::RefusedBefore;
use crate::command::credentials::{named, session_mend};
use crate::command::{profile_option, quoted};
use crate::credential::{Kind, SecretReference, UsableCredential};
use crate::store::Slot;
use crate::token::ExchangeError;

/// Whether the token server took the credential for none.
pub(super) fn is_refused(error: &Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(ExchangeError::Refused {
            status: 400 | 401,
            ..
        })
    )
}

/// The word by which a refusal is remembered. What there is to do is said where more is known of the credential.
pub(super) fn word(error: &Error, slot: &Slot, credential: Option<&UsableCredential>) -> String {
    match error.downcast_ref() {
        Some(ExchangeError::Refused { server, status })
            if credential
                .and_then(|credential| meaning(slot, credential))
                .is_some() =>
        {
            format!("{server} refused the credential ({status})")
        }
        _ => error.to_string(),
    }
}

/// The error, with what it may mean of this credential.
pub(super) fn explain_refusal(error: Error, slot: &Slot, credential: Option<&UsableCredential>) -> Error {
    if !is_refused(&error) && !error.is::<RefusedBefore>() {
        return error;
    }
    match credential.and_then(|credential| meaning(slot, credential)) {
        Some(meaning) => anyhow!("{}; {meaning}", word(&error, slot, credential)),
        None => error,
    }
}

fn meaning(slot: &Slot, credential: &UsableCredential) -> Option<String> {
    if let Some(mend) = session_mend(slot, credential) {
        return Some(format!(
            "the session token may have been revoked, have expired, or have been pruned, since of an account's the five \
             most recently used are kept; {mend}"
        ));
    }
    if let Some(reference) = &credential.secret.reference {
        // Who logs in puts another beside it, and the next job finds the old one again.
        let from = serde_json::from_str(reference).map_or_else(
            |_| "elsewhere".to_owned(),
            |reference: SecretReference| format!("from {reference}"),
        );
        return Some(format!(
            "it is wrong, expired or revoked; it was fetched {from}: put the right one there"
        ));
    }
    let id = credential.token_id.as_ref()?;
    let organization = match credential.kind {
        Kind::OrganizationAccessToken => format!(" --org {}", quoted(&credential.account)),
        _ => String::new(),
    };
    Some(format!(
        "the token may have been revoked or made inactive, or have expired: see whether {id} is among \
         docker-credential-scoped hub token list{organization}; if it is not, remove what is kept for {}, \
         docker-credential-scoped remove {}{}, and make another with docker-credential-scoped hub token create",
        named(slot),
        quoted(&slot.server().to_string()),
        profile_option(slot.profile())
    ))
}
