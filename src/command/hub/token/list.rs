//! `hub token list`: the tokens that there are, and which of them this machine holds. Never a secret.

use anyhow::Result;
use serde::Serialize;
use time::OffsetDateTime;

use super::{kind, whose};
use crate::command::hub::{Desk, HeldTokens, Manager};
use crate::command::{Report, aligned, in_ascii, printable, rfc3339};
use crate::credential::{Source, last_day};
use crate::hub::{HubToken, Owner, Permissions};

/// What is wide and seldom read stands last.
const HEADER: [&str; 9] = [
    "LABEL",
    "SCOPES",
    "SOURCE",
    "CREATED",
    "LAST USED",
    "EXPIRES",
    "ACTIVE",
    "HERE",
    "ID",
];

/// Lists the tokens of an owner.
pub fn list(owner: &Owner, account: Option<&str>, is_json: bool, desk: Desk<'_>) -> Result<Report> {
    let manager = Manager::choose(account, desk)?;
    let mut tokens = manager.tokens(owner)?;
    tokens.sort_by(|one, other| {
        (&one.label, one.created, &one.id).cmp(&(&other.label, other.created, &other.id))
    });
    let held = HeldTokens::read(desk)?;
    let rows: Vec<_> = tokens.iter().map(|token| Row::of(token, &held)).collect();
    let mut report = Report::default();
    if is_json {
        report.text = in_ascii(&serde_json::to_string_pretty(&rows)?) + "\n";
    } else if rows.is_empty() {
        report.say(format_args!(
            "{} has no {}s.",
            whose(owner, &manager),
            kind(owner)
        ));
    } else {
        let mut lines = vec![HEADER.map(str::to_owned)];
        lines.extend(
            tokens
                .iter()
                .zip(&rows)
                .map(|(token, row)| line(token, row, desk.now)),
        );
        report.text = aligned(&lines);
    }
    Ok(report)
}

/// A token, as it is shown to programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    id: &'a str,
    label: &'a str,
    /// `None` where lists do not tell: of organizations' tokens.
    scopes: Option<Vec<String>>,
    description: Option<&'a str>,
    source: Option<&'a str>,
    created: Option<String>,
    last_used: Option<String>,
    expires: Option<String>,
    is_active: bool,
    /// Where this machine holds it.
    held: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    server: String,
    profile: String,
}

impl<'a> Row<'a> {
    fn of(token: &'a HubToken, held: &HeldTokens) -> Self {
        Self {
            id: token.id.as_str(),
            label: &token.label,
            scopes: match &token.permissions {
                Permissions::Untold => None,
                Permissions::Scopes(scopes) => Some(scopes.clone()),
                Permissions::Resources(resources) => {
                    Some(resources.iter().map(ToString::to_string).collect())
                }
            },
            description: token.description.as_deref(),
            source: token.source.word(),
            created: token.created.map(rfc3339),
            last_used: token.last_used.map(rfc3339),
            expires: token.expires.map(rfc3339),
            is_active: token.is_active,
            held: held
                .of(&token.id)
                .map(|(slot, _)| Place {
                    server: slot.server().to_string(),
                    profile: slot.profile().to_string(),
                })
                .collect(),
        }
    }
}

fn line(token: &HubToken, row: &Row<'_>, now: OffsetDateTime) -> [String; 9] {
    let date = |time: Option<OffsetDateTime>, none: &str| {
        time.map_or_else(|| none.to_owned(), |time| time.date().to_string())
    };
    let scopes = match token.permissions.to_string() {
        scopes if scopes.is_empty() => "-".to_owned(),
        scopes => scopes,
    };
    // As it was said: a day as a day.
    let day = |expires: OffsetDateTime| last_day(expires).unwrap_or_else(|| expires.date());
    let expires = match token.expires {
        Some(expires) if expires <= now => format!("{} (over)", day(expires)),
        Some(expires) => day(expires).to_string(),
        None => "never".to_owned(),
    };
    let profiles: Vec<_> = row.held.iter().map(|place| place.profile.as_str()).collect();
    [
        if token.label.is_empty() { "-" } else { &token.label },
        &scopes,
        match &token.source {
            Source::Manual => "manual",
            Source::Other(_) => "auto-generated",
            Source::Untold => "-",
        },
        &date(token.created, "-"),
        &date(token.last_used, "never"),
        &expires,
        if token.is_active { "yes" } else { "no" },
        &if profiles.is_empty() {
            "-".to_owned()
        } else {
            profiles.join(", ")
        },
        token.id.as_str(),
    ]
    .map(printable)
}
