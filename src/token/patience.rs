//! Patience: how often and how long a token server is asked that is busy or fails. Knows nothing of what is asked.

use std::thread;
use std::time::Duration;

use crate::http::{Http, HttpError, Response};

/// How often a token server is asked that is busy, or fails: what does not work three times will not a fourth.
pub(super) const MAX_ATTEMPTS: u32 = 3;

/// What is waited between attempts where the server does not say, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest that a busy server is waited for: docker waits for us meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Whether a server may do better a moment later.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502..=504)
}

/// Whether a server has surely not taken the refresh token. One that is good for a single use is used up by a request
/// whose answer got lost behind a proxy, and to show it twice looks like theft.
pub(super) fn was_not_used(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Tries again where that can help, within what time and attempts are left: after such a status, and where there was
/// no connection to be had.
pub(super) fn patiently(
    http: &Http,
    attempts: &mut u32,
    is_worth_repeating: fn(u16) -> bool,
    mut send: impl FnMut() -> Result<Response, HttpError>,
) -> Result<Response, HttpError> {
    let mut pause = FIRST_PAUSE;
    loop {
        *attempts = attempts.saturating_sub(1);
        let result = send();
        let asked = match &result {
            Ok(response) if is_worth_repeating(response.status) => match response.retry_after {
                Some(_) => response.wait(),
                None => Some(pause),
            },
            Err(HttpError::Connect { .. }) => Some(pause),
            Ok(_) | Err(_) => None,
        };
        match asked {
            Some(asked) if *attempts > 0 && asked <= LONGEST_PAUSE && asked < http.remaining() => {
                thread::sleep(asked);
            }
            // Done, or not worth waiting for.
            Some(_) | None => return result,
        }
        pause *= 2;
    }
}
