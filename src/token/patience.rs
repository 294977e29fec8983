//! Patience: how often and how long a token server is asked that is busy or fails. Knows nothing of what is asked.

use std::thread;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

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
            Ok(response) if is_worth_repeating(response.status) => match &response.retry_after {
                Some(text) => retry_after(text, response.date.as_deref()),
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

/// RFC 9110 section 10.2.3: seconds, or a date, which counts by the server's own clock.
fn retry_after(text: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| OffsetDateTime::parse(text.trim(), &Rfc2822).ok();
    let wait = moment(text)? - moment(date?)?;
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_say_when_to_ask_again_in_seconds_or_by_its_clock() {
        let now = Some("Sun, 22 Nov 2026 08:00:00 GMT");
        let table = [
            ("2", now, Some(2)),
            (" 120 ", None, Some(120)),
            ("Sun, 22 Nov 2026 08:00:05 GMT", now, Some(5)),
            ("Sun, 22 Nov 2026 07:00:00 GMT", now, Some(0)),
            ("Sun, 22 Nov 2026 08:00:05 GMT", None, None),
            ("soon", now, None),
            ("-1", now, None),
            ("1e9", now, None),
            ("99999999999999999999999", now, None),
        ];
        for (text, date, seconds) in table {
            assert_eq!(
                retry_after(text, date),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }
}
