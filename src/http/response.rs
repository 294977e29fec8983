//! Response: what was answered, and when to ask again. Knows nothing of what a body means.

use std::fmt;
use std::time::Duration;

use reqwest::blocking::Response as Incoming;
use reqwest::header::{self, HeaderName};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use zeroize::Zeroizing;

use super::HttpError;

/// What was answered.
pub struct Response {
    /// The status; no redirect.
    pub status: u16,
    /// The challenges, each header by itself.
    pub www_authenticate: Vec<String>,
    /// When to ask again.
    pub retry_after: Option<String>,
    /// How much more may be asked.
    pub rate_limit: RateLimit,
    /// What time it is there.
    pub date: Option<String>,
    /// What the body is said to be.
    pub content_type: Option<String>,
    /// All of it, as it was sent, and wiped when dropped: there may be a token in it.
    pub body: Zeroizing<Vec<u8>>,
}

/// How much more may be asked, in the headers that many servers have for it. The times are seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests are left (`X-RateLimit-Remaining`).
    pub remaining: Option<u64>,
    /// When there are more again (`X-RateLimit-Reset`).
    pub reset: Option<i64>,
    /// When to ask again after one too many (`X-Retry-After`).
    pub retry_after: Option<i64>,
}

impl Response {
    /// An answer without its body.
    pub(super) fn head(incoming: &Incoming, server: &str) -> Result<Self, HttpError> {
        let headers = incoming.headers();
        let www_authenticate = headers
            .get_all(header::WWW_AUTHENTICATE)
            .into_iter()
            // What is visible goes on into messages and other headers; nothing else has a meaning there.
            .map(|value| value.to_str().map(str::to_owned))
            .collect::<Result<_, _>>()
            .map_err(|_| HttpError::Header {
                server: server.to_owned(),
                name: header::WWW_AUTHENTICATE.to_string(),
            })?;
        // The rest can be done without: what cannot be read there is as good as nothing.
        let hint = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        Ok(Self {
            status: incoming.status().as_u16(),
            www_authenticate,
            retry_after: hint(header::RETRY_AFTER),
            rate_limit: RateLimit {
                remaining: number("x-ratelimit-remaining").and_then(|left| left.try_into().ok()),
                reset: number("x-ratelimit-reset"),
                retry_after: number("x-retry-after"),
            },
            date: hint(header::DATE),
            content_type: hint(header::CONTENT_TYPE),
            body: Zeroizing::default(),
        })
    }

    /// What time it is there, where that is told and can be read.
    #[must_use]
    pub fn server_time(&self) -> Option<OffsetDateTime> {
        moment(self.date.as_deref()?)
    }

    /// How long `Retry-After` asks to wait, where it is there and can be read.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        wait(self.retry_after.as_deref()?, self.server_time())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// RFC 9110 section 10.2.3: seconds, or a date, which counts by the server's own clock.
fn wait(text: &str, server_time: Option<OffsetDateTime>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = moment(text)? - server_time?;
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok()
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
                wait(text, date.and_then(moment)),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }
}
