//! `log`: what was handed out, exchanged, refused and changed, for who has that written down.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use time::OffsetDateTime;

use crate::activity_log::{ActivityLog, Event};
use crate::command::status::Format;
use crate::command::{Report, aligned, in_ascii, printable};
use crate::credential::Expiry;
use crate::settings::Settings;

const HEADINGS: [&str; 7] = [
    "TIME", "ACTION", "SERVER", "PROFILE", "ACCOUNT", "SCOPE", "CALLER",
];

/// Shows what was written down, the newest last.
pub fn log(
    since: Option<&str>,
    format: Format,
    log: &ActivityLog,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Report> {
    let since = since.map_or(Ok(OffsetDateTime::UNIX_EPOCH), |text| moment(text, now))?;
    let events = log.since(since)?;
    let mut report = Report::default();
    match format {
        Format::Json => {
            for event in &events {
                writeln!(report.text, "{}", in_ascii(&serde_json::to_string(event)?))?;
            }
        }
        Format::Table if events.is_empty() => {}
        Format::Table => report.text = table(&events),
    }
    if !settings.activity_log {
        let path =
            Settings::path().map_or_else(|| "settings.json".to_owned(), |path| path.display().to_string());
        report.note(format_args!(
            "note: nothing is being written down; to have it, put \"activityLog\": true into {path}"
        ));
    } else if events.is_empty() {
        report.note("note: nothing was written down in that time");
    }
    Ok(report)
}

/// Since when: a moment, the beginning of a day, or a time before now.
fn moment(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime> {
    match text.parse() {
        Ok(Expiry::At(moment) | Expiry::Day(moment)) => Ok(moment),
        Ok(Expiry::In(length)) => Ok(now.saturating_sub(length)),
        Err(_) => Err(anyhow!(
            "--since: write a length as in 2h or 7d, a date as in 2027-01-31, or a time as in 2027-01-31T12:00:00Z"
        )),
    }
}

fn table(events: &[Event]) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    for event in events {
        let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), printable);
        let scope = match &event.granted {
            Some(granted) => format!("{} (granted: {})", shown(&event.scope), printable(granted)),
            None => shown(&event.scope),
        };
        lines.push([
            printable(&event.time),
            event.action.name().to_owned(),
            printable(&event.server),
            printable(&event.profile),
            shown(&event.account),
            scope,
            shown(&event.caller),
        ]);
    }
    aligned(&lines)
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;

    #[test]
    fn a_day_means_its_beginning_and_a_length_what_is_before_now() {
        let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        let now = read("2026-11-22T08:00:00Z");
        for (text, expected) in [
            ("2h", "2026-11-22T06:00:00Z"),
            ("90min", "2026-11-22T06:30:00Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
            ("2026-11-22T07:30:00+01:00", "2026-11-22T06:30:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap(), read(expected), "{text}");
        }
        for text in ["", "yesterday", "2 hours", "0h"] {
            assert!(moment(text, now).is_err(), "{text}");
        }
    }
}
