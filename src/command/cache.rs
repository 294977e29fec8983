//! `cache`: what tokens are remembered, for whom and until when; and forgetting them. Never a token.

use serde::Serialize;
use time::OffsetDateTime;

use crate::command::{Report, aligned, in_ascii, printable, rfc3339};
use crate::registry::Registry;
use crate::token_cache::{Answered, Entry, TokenCache};

/// Shows all that is remembered and still good, or what is remembered for one registry.
pub fn list(
    registry: Option<&Registry>,
    is_json: bool,
    caches: &[TokenCache],
    now: OffsetDateTime,
) -> anyhow::Result<Report> {
    let mut rows: Vec<_> = caches
        .iter()
        .flat_map(|cache| cache.entries(now))
        .filter(|entry| registry.is_none_or(|registry| entry.server == registry.to_string()))
        .map(Row::of)
        .collect();
    rows.sort();
    let mut report = Report::default();
    let unopened = unopened(caches, now);
    if unopened > 0 {
        report.note(format_args!(
            "note: {unopened} cannot be opened, sealed with another key or damaged; docker-credential-scoped cache \
             --clear forgets them with all the rest"
        ));
    }
    if is_json {
        report.text = in_ascii(&serde_json::to_string_pretty(&rows)?) + "\n";
    } else if rows.is_empty() && unopened > 0 {
        report.say("Nothing is remembered that can be opened.");
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
pub fn clear(registry: Option<&Registry>, caches: &[TokenCache], now: OffsetDateTime) -> Report {
    let mut report = Report::default();
    let Some(registry) = registry else {
        let count: usize = caches.iter().map(TokenCache::clear).sum();
        report.say(format_args!("{count} forgotten."));
        return report;
    };
    let server = registry.to_string();
    let count: usize = caches.iter().map(|cache| cache.clear_server(&server)).sum();
    report.say(format_args!("{count} forgotten."));
    let unopened = unopened(caches, now);
    if unopened > 0 {
        report.fail(format_args!(
            "{unopened} cannot be opened, so that nobody can tell whether they are for {server}; forget all there \
             is: docker-credential-scoped cache --clear"
        ));
    }
    report
}

fn unopened(caches: &[TokenCache], now: OffsetDateTime) -> usize {
    caches.iter().map(|cache| cache.unopened(now)).sum()
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
