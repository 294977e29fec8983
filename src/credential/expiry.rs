//! Expiry: when a credential ends to be good for anything, as people write it.

use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

/// Nobody lets a token live longer, and dates stay dates.
const LONGEST: Duration = Duration::days(100 * 366);

/// A moment, a day, or a time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// At a moment.
    At(OffsetDateTime),
    /// Good through the day, in UTC, that begins here.
    Day(OffsetDateTime),
    /// After this long.
    In(Duration),
}

impl Expiry {
    /// When that is.
    #[must_use]
    pub fn from(self, now: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::At(moment) => moment,
            // Its last second, by which it is told from a time that somebody wrote: shown as that, midnight would be a
            // day that nobody named.
            Self::Day(start) => start.saturating_add(Duration::DAY - Duration::SECOND),
            Self::In(duration) => now.saturating_add(duration),
        }
    }
}

/// The day that something is good through, where a day was named.
#[must_use]
pub fn last_day(expires: OffsetDateTime) -> Option<Date> {
    let expires = expires.checked_to_offset(UtcOffset::UTC)?;
    (expires.to_hms() == (23, 59, 59)).then(|| expires.date())
}

impl FromStr for Expiry {
    type Err = InvalidExpiry;

    /// `2027-01-31`, `2027-01-31T12:00:00Z`, `30d`, `8h`, `90min`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [
            ("min", Duration::MINUTE),
            ("h", Duration::HOUR),
            ("d", Duration::DAY),
            ("w", Duration::WEEK),
        ];
        for (unit, length) in units {
            let count = text
                .strip_suffix(unit)
                .filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|count| count.parse::<u32>().ok());
            if let Some(count) = count {
                return length
                    .checked_mul(i32::try_from(count).unwrap_or(i32::MAX))
                    .filter(|duration| duration.is_positive() && *duration <= LONGEST)
                    .map(Self::In)
                    .ok_or(InvalidExpiry);
            }
        }
        moment_or_day(text).ok_or(InvalidExpiry)
    }
}

fn moment_or_day(text: &str) -> Option<Expiry> {
    read_moment(text)
        .map(Expiry::At)
        .or_else(|| read_moment(&format!("{text}T00:00:00Z")).map(Expiry::Day))
}

/// Reads a moment in the form of RFC 3339, in UTC. West of Greenwich the last hours of the year 9999 are of the next
/// there, which no calendar has: written down, it could not be read again.
#[must_use]
pub fn read_moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)
}

/// A moment as it is written down where nobody knows when `now` was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ExpiryDate(pub OffsetDateTime);

impl TryFrom<String> for ExpiryDate {
    type Error = InvalidExpiryDate;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let expiry = moment_or_day(&text).ok_or(InvalidExpiryDate)?;
        // Neither a moment nor a day needs to know what time it is.
        Ok(Self(expiry.from(OffsetDateTime::UNIX_EPOCH)))
    }
}

/// The text is no moment.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expires: write a date as in 2027-01-31, or a time as in 2027-01-31T12:00:00Z")]
pub struct InvalidExpiryDate;

/// The text is no moment and no length of time.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "expires: write a date as in 2027-01-31, a time as in 2027-01-31T12:00:00Z, or a length as in 30d or 8h"
)]
pub struct InvalidExpiry;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_good_through_its_day_and_a_length_counts_from_now() {
        let now = OffsetDateTime::parse("2026-11-22T08:00:00Z", &Rfc3339).unwrap();
        let table = [
            ("2027-01-31", "2027-01-31T23:59:59Z"),
            ("2028-02-28", "2028-02-28T23:59:59Z"),
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00Z"),
            ("9999-12-31T18:59:59-05:00", "9999-12-31T23:59:59Z"),
            ("9999-12-31", "9999-12-31T23:59:59Z"),
            ("30d", "2026-12-22T08:00:00Z"),
            ("8h", "2026-11-22T16:00:00Z"),
            ("90min", "2026-11-22T09:30:00Z"),
            ("2w", "2026-12-06T08:00:00Z"),
        ];
        for (text, expected) in table {
            let moment = text.parse::<Expiry>().unwrap().from(now);
            assert_eq!(
                moment,
                OffsetDateTime::parse(expected, &Rfc3339).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn the_longest_length_is_a_hundred_years() {
        assert_eq!("36600d".parse(), Ok(Expiry::In(Duration::days(36_600))));
        assert_eq!("878400h".parse(), Ok(Expiry::In(Duration::days(36_600))));
    }

    #[test]
    fn a_date_is_told_from_a_time() {
        let now = OffsetDateTime::UNIX_EPOCH;
        for (text, day) in [
            ("2027-01-31", Some("2027-01-31")),
            ("2027-02-01T00:59:59+01:00", Some("2027-01-31")),
            ("2027-02-01T00:00:00Z", None),
            ("2027-01-31T23:59:58Z", None),
        ] {
            let expires = text.parse::<Expiry>().unwrap().from(now);
            let shown = last_day(expires).map(|day| day.to_string());
            assert_eq!(shown.as_deref(), day, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "1",
            "1m",
            "1y",
            "1.5h",
            "99999999d",
            "36601d",
            "878401h",
            "4294967295w",
            "2027-02-30",
            "2027-1-31",
            "20270131",
            "2027-W01-1",
            "31.01.2027",
            "tomorrow",
            "never",
            " 30d",
        ] {
            assert_eq!(text.parse::<Expiry>(), Err(InvalidExpiry), "{text}");
        }
    }
}
