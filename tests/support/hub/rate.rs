//! How many requests Docker Hub's API answers in a while, and what it says of that.

use time::{Duration, OffsetDateTime};

/// So many requests in so long a time.
pub(super) struct Rate {
    limit: usize,
    window: Duration,
    reset: OffsetDateTime,
    used: usize,
}

impl Rate {
    pub(super) fn new(limit: usize, window: Duration) -> Self {
        Self {
            limit,
            window,
            reset: OffsetDateTime::UNIX_EPOCH,
            used: 0,
        }
    }

    /// Whether one more request is answered.
    pub(super) fn admits(&mut self, now: OffsetDateTime) -> bool {
        if now >= self.reset {
            // Whole seconds are told, and what is told is kept.
            let end = (now + self.window)
                .unix_timestamp_nanos()
                .div_euclid(1_000_000_000)
                + 1;
            self.reset = OffsetDateTime::from_unix_timestamp_nanos(end * 1_000_000_000).expect("a time");
            self.used = 0;
        }
        self.used += 1;
        self.used <= self.limit
    }

    /// The headers of every answer.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let remaining = self.limit.saturating_sub(self.used);
        headers(self.limit, remaining, self.reset)
    }

    /// The headers of 429, where nothing is answered before that time.
    pub(super) fn refusal(&self, until: Option<OffsetDateTime>) -> Vec<(&'static str, String)> {
        let until = until.unwrap_or(self.reset);
        let mut headers = headers(self.limit, 0, until);
        headers.push(("X-Retry-After", until.unix_timestamp().to_string()));
        headers
    }
}

fn headers(limit: usize, remaining: usize, reset: OffsetDateTime) -> Vec<(&'static str, String)> {
    vec![
        ("X-RateLimit-Limit", limit.to_string()),
        ("X-RateLimit-Remaining", remaining.to_string()),
        ("X-RateLimit-Reset", reset.unix_timestamp().to_string()),
    ]
}
