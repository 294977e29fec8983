//! Table: what is held, a line a slot, for a person.

use std::fmt::Write as _;

use time::{Duration, OffsetDateTime};

use super::{Row, Shown, State};
use crate::command::credentials::{SOON, units_left};
use crate::command::{aligned, printable};
use crate::credential::{Kind, Origin};

const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

/// What is wide and seldom stands last, so that all else stays in line where the window is narrow.
const HEADER: [&str; 9] = [
    "SERVER",
    "PROFILE",
    "ACCOUNT",
    "KIND",
    "HANDS OUT",
    "LAST USED",
    "EXPIRES",
    "SECRET",
    "ALLOWED",
];

/// All rows, and below them why some cannot be opened.
pub(super) fn table(rows: &[Row], is_coloured: bool, now: OffsetDateTime) -> String {
    let mut lines = vec![HEADER.map(str::to_owned)];
    let mut colours = vec![None];
    let mut unavailable = String::new();
    for Row {
        server,
        profile,
        state,
    } in rows
    {
        let colour = match state {
            State::Held(shown) => {
                let mut scopes = shown.scopes.iter().flatten();
                let first = match &shown.scopes {
                    None => "unknown",
                    Some(_) => scopes.next().map_or("none", String::as_str),
                };
                lines.push(line(server, profile, shown, first, now));
                // One below the other: a line of them would be wider than any window.
                lines.extend(scopes.map(|scope| {
                    let mut line = HEADER.map(|_| String::new());
                    if let Some(last) = line.last_mut() {
                        *last = printable(scope);
                    }
                    line
                }));
                shown.expires.and_then(|expires| match expires {
                    expires if expires <= now => Some(RED),
                    expires if expires - now <= SOON => Some(YELLOW),
                    _ => None,
                })
            }
            State::Unavailable { error } => {
                let error = printable(error);
                // A locked key is why of all of them.
                if !unavailable.lines().any(|said| said == error) {
                    // Writing to a String cannot fail.
                    let _ = writeln!(unavailable, "{error}");
                }
                lines
                    .push([server, profile, "-", "cannot be opened", "-", "-", "-", "-", "-"].map(printable));
                Some(RED)
            }
        };
        colours.resize(lines.len(), colour);
    }
    let text = aligned(&lines);
    if !is_coloured {
        return text + &unavailable;
    }
    let mut coloured = String::with_capacity(text.len());
    for (line, colour) in text.lines().zip(colours) {
        // Writing to a String cannot fail.
        let _ = match colour {
            Some(colour) => writeln!(coloured, "{colour}{line}{PLAIN}"),
            None => writeln!(coloured, "{line}"),
        };
    }
    coloured + &unavailable
}

fn line(server: &str, profile: &str, shown: &Shown, first_scope: &str, now: OffsetDateTime) -> [String; 9] {
    let Shown {
        account,
        kind,
        hands_out,
        scopes: _,
        expires,
        secret_in,
        origin,
        created: _,
        last_used,
    } = shown;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let secret_in = match origin {
        Origin::Declared => format!("{secret_in} (settings.json)"),
        Origin::Add | Origin::Client | Origin::Hub | Origin::Import => secret_in.clone(),
    };
    let account = if account.is_empty() { "-" } else { account };
    [
        server,
        profile,
        account,
        short(*kind),
        hands_out.word(),
        &or_dash(last_used.map(|time| time.date().to_string())),
        &or_dash(expires.map(|expires| until(expires, now))),
        &secret_in,
        first_scope,
    ]
    .map(printable)
}

/// The last day it is good on, and how long that is.
fn until(expires: OffsetDateTime, now: OffsetDateTime) -> String {
    let last_day = expires.saturating_sub(Duration::SECOND).date();
    if expires <= now {
        format!("{last_day} (expired)")
    } else {
        let (count, unit) = units_left(expires, now);
        let unit = if unit == "day" { "d" } else { "h" };
        format!("{last_day} ({count} {unit})")
    }
}

/// The kind as people call it, where there is little room.
fn short(kind: Kind) -> &'static str {
    match kind {
        Kind::OrganizationAccessToken => "OAT",
        Kind::PersonalAccessToken => "PAT",
        Kind::IdentityToken | Kind::Password | Kind::SessionToken => kind.name(),
    }
}
