//! Patience: how often and how long Docker Hub is asked that is busy or fails. Knows nothing of what is asked.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::http::{Http, HttpError, Method, Request, Response};

/// How often it is asked that is busy, or fails: what does not work three times will not a fourth.
const MAX_ATTEMPTS: u32 = 3;

/// What is waited between attempts where it does not say, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest that is waited at a time. It counts what is asked by the minute, which is waited out and a little more:
/// its moments are whole seconds. The deadline of who asks is kept all the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(65);

/// What is less than this is no time but a number of seconds, whatever the documentation says.
const FIRST_TIME: i64 = 1_000_000_000;

/// When it may be asked next: it says when a request was the last for now.
#[derive(Default)]
pub(super) struct Patience {
    not_before: Cell<Option<Instant>>,
}

impl Patience {
    /// Sends a request, and again where that can help: what only reads or takes away, after any fault that may pass;
    /// what makes or changes something only where it was surely not done.
    pub(super) fn send(&self, request: &Request<'_>, http: &Http) -> Result<Response, HttpError> {
        let is_repeatable = matches!(request.method, Method::Delete | Method::Get);
        let mut pause = FIRST_PAUSE;
        let mut attempts = MAX_ATTEMPTS;
        loop {
            self.wait(http);
            attempts -= 1;
            let result = http.send(request);
            let asked = match &result {
                Ok(response) => {
                    self.note(response);
                    match response.status {
                        429 => Some(asked(response).unwrap_or(pause)),
                        500 | 502..=504 if is_repeatable => Some(asked(response).unwrap_or(pause)),
                        _ => None,
                    }
                }
                Err(HttpError::Connect { .. }) => Some(pause),
                // The end of a connection that was kept open looks like this, too.
                Err(HttpError::Incomplete { .. }) if is_repeatable => Some(pause),
                Err(_) => None,
            };
            match asked {
                Some(asked) if attempts > 0 && is_bearable(asked, http) => thread::sleep(asked),
                // Done, or not worth waiting for.
                Some(_) | None => return result,
            }
            pause *= 2;
        }
    }

    /// Waits until more may be asked. Where that is too long, it is asked at once, and says so itself.
    fn wait(&self, http: &Http) {
        let left = self
            .not_before
            .take()
            .map(|moment| moment.saturating_duration_since(Instant::now()));
        if let Some(left) = left.filter(|left| is_bearable(*left, http)) {
            thread::sleep(left);
        }
    }

    fn note(&self, response: &Response) {
        let limit = response.rate_limit;
        let wait = match (limit.remaining, limit.reset) {
            (Some(0), Some(reset)) => until(reset, response.server_time()),
            _ => None,
        };
        self.not_before
            .set(wait.and_then(|wait| Instant::now().checked_add(wait)));
    }
}

fn is_bearable(wait: Duration, http: &Http) -> bool {
    wait <= LONGEST_PAUSE && wait < http.remaining()
}

/// How long an answer asks to wait.
fn asked(response: &Response) -> Option<Duration> {
    match response.rate_limit.retry_after {
        Some(moment) => until(moment, response.server_time()),
        None => response.wait(),
    }
}

/// When an answer says that it may be asked again.
pub(super) fn busy_until(response: &Response) -> Option<OffsetDateTime> {
    match response.rate_limit.retry_after {
        Some(moment) if moment >= FIRST_TIME => OffsetDateTime::from_unix_timestamp(moment).ok(),
        _ => response
            .server_time()?
            .checked_add(asked(response)?.try_into().ok()?),
    }
}

/// How long until a moment, by the server's own clock: ours may be another.
fn until(moment: i64, server_time: Option<OffsetDateTime>) -> Option<Duration> {
    let seconds = if moment < FIRST_TIME {
        moment
    } else {
        moment.saturating_sub(server_time?.unix_timestamp())
    };
    Some(Duration::from_secs(seconds.try_into().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Trust;

    #[test]
    fn the_whole_minute_it_counts_by_is_waited_out_where_the_deadline_allows() {
        let table = [
            (60, 900, true),
            (65, 900, true),
            (66, 900, false),
            (60, 50, false),
        ];
        for (wait, left, wanted) in table {
            let http = Http::new(Trust::default(), Instant::now() + Duration::from_secs(left));
            assert_eq!(
                is_bearable(Duration::from_secs(wait), &http),
                wanted,
                "{wait} of {left}"
            );
        }
    }

    #[test]
    fn a_moment_counts_by_the_servers_clock() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).ok();
        let table = [
            (1_800_000_007, now, Some(7)),
            (1_800_000_000, now, Some(0)),
            (1_799_999_000, now, Some(0)),
            (1_800_000_007, None, None),
            // Seconds, as others mean it.
            (7, now, Some(7)),
            (7, None, Some(7)),
            (-7, now, Some(0)),
            (
                i64::MAX,
                OffsetDateTime::from_unix_timestamp(-2_208_988_800).ok(),
                u64::try_from(i64::MAX).ok(),
            ),
        ];
        for (moment, server_time, seconds) in table {
            assert_eq!(
                until(moment, server_time),
                seconds.map(Duration::from_secs),
                "{moment}"
            );
        }
    }
}
