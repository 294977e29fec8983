//! Rotation: a refresh token that may be good for a single use, and the one that takes its place. Who uses one waits for
//! its turn, and then uses the one that is there by now.

use anyhow::Result;
use thiserror::Error;
use time::OffsetDateTime;

use super::Rooms;
use crate::credential::{KeptSecret, Kind, SecretAtHand, UsableCredential};
use crate::secret::Secret;
use crate::store::{Held, Slot, StoreError};

/// What became of the refresh token that came in place of the one that was used: kept, or not, since that one was there
/// no more.
pub(super) type Rotated = Result<Option<UsableCredential>, NotKept>;

/// Whether it may be used up by its first use. One that is kept elsewhere cannot be replaced by the next.
pub(super) fn is_single_use(credential: &UsableCredential) -> bool {
    credential.kind == Kind::IdentityToken && credential.secret.reference.is_none()
}

/// The refresh token that the slot holds by now, where it is another one than was read at first.
pub(super) fn renewed(
    slot: &Slot,
    first: &UsableCredential,
    rooms: Rooms<'_>,
) -> Result<Option<UsableCredential>> {
    match rooms.credentials.store.get(slot)? {
        Some(Held { credential, .. }) if credential.kind == Kind::IdentityToken => {
            if credential.secret.is(&first.secret.secret) {
                return Ok(None);
            }
            Ok(rooms.credentials.fetch(&credential)?)
        }
        Some(_) | None => Err(LoginChanged.into()),
    }
}

/// Somebody has logged out, or in with a password, while the turn was waited for.
#[derive(Debug, Error)]
#[error("the login was changed meanwhile; try again")]
pub(super) struct LoginChanged;

/// Whether the slot holds another refresh token by now: another process has used this one, and got a new one for it.
pub(super) fn is_renewed_since(slot: &Slot, used: Option<&UsableCredential>, rooms: Rooms<'_>) -> bool {
    used.is_some_and(|used| {
        let held = || rooms.credentials.store.get(slot).ok().flatten();
        is_single_use(used) && held().is_some_and(|held| !held.credential.secret.is(&used.secret.secret))
    })
}

/// Keeps a refresh token in place of the one that was used, if it is another and that one is still there. Nothing
/// where it was the same; what came of it otherwise.
pub(super) fn rotate(
    slot: &Slot,
    used: &UsableCredential,
    secret: Secret,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
) -> Option<Rotated> {
    if used.kind != Kind::IdentityToken || secret.is_same_as(&used.secret.secret) {
        return None;
    }
    if let Some(place) = &used.secret.reference {
        return Some(Err(NotKept::Elsewhere(place.clone())));
    }
    let kept = |secret: &Secret| used.with_secret(KeptSecret::Here(secret.clone()));
    let is_kept = rooms
        .credentials
        .store
        .renew(slot, &kept(&used.secret.secret), &kept(&secret), now);
    let reference = None;
    let renewed = used.with_secret(SecretAtHand { secret, reference });
    Some(
        is_kept
            .map(|is_kept| is_kept.then_some(renewed))
            .map_err(NotKept::from),
    )
}

/// Why a new refresh token is lost.
#[derive(Debug, Error)]
pub(super) enum NotKept {
    /// It would have to be put where the old one was fetched from.
    #[error("only its owner can put it where the old one is kept, {0}")]
    Elsewhere(String),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
