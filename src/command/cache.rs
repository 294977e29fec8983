//! `cache`: what tokens are remembered, for whom and until when; and forgetting them. Never a token.

use serde::Serialize;
use time::OffsetDateTime;

use crate::command::{Report, aligned, printable, rfc3339};
use crate::registry::Registry;
use crate::token_cache::{Answered, Entry, TokenCache};

/// Shows all that is remembered and still good, or what is remembered for one registry.
pub fn list(
    registry: Option<&Registry>,
    is_json: bool,
    cache: &TokenCache,
    now: OffsetDateTime,
) -> anyhow::Result<Report> {
    let mut rows: Vec<_> = cache
        .entries(now)
        .into_iter()
        .filter(|entry| registry.is_none_or(|registry| entry.server == registry.to_string()))
        .map(Row::of)
        .collect();
    rows.sort();
    let mut report = Report::default();
    if is_json {
        report.text = serde_json::to_string_pretty(&rows)? + "\n";
    } else if rows.is_empty() {
        report.say("Nothing is remembered.");
    } else {
        let mut lines = vec![["SERVER", "ACCOUNT", "SERVICE", "SCOPE", "ANSWER", "UNTIL"].map(str::to_owned)];
        lines.extend(rows.iter().map(|row| {
            let Row {
                server,
                account,
                realm: _,
                service,
                scope,
                answer,
                granted: _,
                issued: _,
                expires,
            } = row;
            let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let scope = if scope.is_empty() { "-" } else { scope };
            [
                server,
                &or_dash(account),
                &or_dash(service),
                scope,
                answer,
                expires,
            ]
            .map(printable)
        }));
        report.text = aligned(&lines);
    }
    Ok(report)
}

/// Forgets all that is remembered, or what is remembered for one registry.
#[must_use]
pub fn clear(registry: Option<&Registry>, cache: &TokenCache) -> Report {
    let count = registry.map_or_else(
        || cache.clear(),
        |registry| cache.clear_server(&registry.to_string()),
    );
    let mut report = Report::default();
    report.say(format_args!("{count} forgotten."));
    report
}

/// One entry, as it is shown.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    server: String,
    account: Option<String>,
    realm: String,
    service: Option<String>,
    scope: String,
    /// `token`, `refresh token`, or why there is none.
    answer: String,
    granted: Option<String>,
    issued: String,
    expires: String,
}

impl Row {
    fn of(entry: Entry) -> Self {
        let Entry {
            server,
            account,
            realm,
            service,
            scope,
            answer,
            issued,
            expires,
        } = entry;
        let (answer, granted) = match answer {
            Answered::Token(granted) => ("token".to_owned(), granted),
            Answered::RefreshToken => ("refresh token".to_owned(), None),
            Answered::Refusal(word) => (word, None),
        };
        Self {
            server,
            account,
            realm,
            service,
            scope,
            answer,
            granted,
            issued: rfc3339(issued),
            expires: rfc3339(expires),
        }
    }
}
