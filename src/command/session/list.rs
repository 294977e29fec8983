//! `session list`: an account's session tokens, on this machine and on others. Never a secret.

use anyhow::Result;
use serde::Serialize;
use time::OffsetDateTime;

use super::sessions::{Sessions, Which};
use crate::command::hub::{Desk, Manager};
use crate::command::status::Format;
use crate::command::{Report, aligned, in_ascii, printable, rfc3339};
use crate::credential::{AllowedScopes, Credential, PrunePlan, SessionLabel, SessionToken};
use crate::hub::{HubToken, Permissions};
use crate::store::Slot;

/// What is wide and seldom read stands last.
const HEADER: [&str; 8] = [
    "MACHINE",
    "PROFILE",
    "ACCOUNT",
    "SCOPES",
    "CREATED",
    "LAST USED",
    "EXPIRES",
    "ID",
];

/// Lists them, the most recently used first; where nobody can ask Docker Hub, those that are held here.
pub fn list(account: Option<&str>, format: Format, desk: Desk<'_>) -> Result<Report> {
    let mut report = Report::default();
    let asked = Manager::choose(account, desk).and_then(|manager| {
        let sessions = Sessions::read(Which::Shown, &manager, desk)?;
        Ok((manager.account().to_owned(), sessions))
    });
    let mut rows = Vec::new();
    let known = match asked {
        Ok((account, sessions)) => {
            add_rows(&mut rows, Some(&account), sessions);
            Some(account)
        }
        Err(error) => {
            report.note(format_args!("only what this machine holds is shown: {error:#}"));
            None
        }
    };
    let mut held = Sessions::held(account, desk)?;
    let is_shown = |token: &SessionToken<Slot>, held: &Sessions| {
        let credential = token.places.first().and_then(|slot| held.held_in(slot));
        credential.is_some_and(|credential| Some(&credential.account) == known.as_ref())
    };
    let all = std::mem::take(&mut held.tokens);
    held.tokens = all.into_iter().filter(|token| !is_shown(token, &held)).collect();
    // Where the account is meant that manages, others are not.
    if known.is_none() || account.is_none() {
        add_rows(&mut rows, None, held);
    }
    match format {
        Format::Json => report.text = in_ascii(&serde_json::to_string_pretty(&rows)?) + "\n",
        Format::Table if rows.is_empty() => report.say("There are no session tokens."),
        Format::Table => {
            let mut lines = vec![HEADER.map(str::to_owned)];
            lines.extend(rows.iter().map(|row| row.line(desk.now)));
            report.text = aligned(&lines);
        }
    }
    Ok(report)
}

fn add_rows(rows: &mut Vec<Row>, account: Option<&str>, mut sessions: Sessions) {
    let tokens = std::mem::take(&mut sessions.tokens);
    let each = PrunePlan::new(tokens, usize::MAX, None, sessions.now).kept;
    rows.extend(each.iter().map(|token| Row::of(token, account, &sessions)));
}

/// A session token, as it is shown to programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: Option<String>,
    account: String,
    /// Where it was started, as its label tells.
    machine: Option<String>,
    /// What it was started for there.
    profile: Option<String>,
    scopes: Option<Vec<String>>,
    created: Option<String>,
    last_used: Option<String>,
    expires: Option<String>,
    /// Where this machine holds it.
    held: Vec<Place>,
    #[serde(skip)]
    ends: Option<OffsetDateTime>,
}

#[derive(Serialize)]
struct Place {
    server: String,
    profile: String,
}

impl Row {
    fn of(token: &SessionToken<Slot>, account: Option<&str>, sessions: &Sessions) -> Self {
        let hub = sessions.hub_token(token.id.as_ref());
        let held: Option<&Credential> = token.places.first().and_then(|slot| sessions.held_in(slot));
        let label = hub.and_then(|HubToken { label, .. }| label.parse::<SessionLabel>().ok());
        let ends = hub
            .and_then(|token| token.expires)
            .or_else(|| held.and_then(|held| held.expires));
        let own = held.map(|held| held.account.as_str());
        Self {
            id: token.id.as_ref().map(ToString::to_string),
            account: account.or(own).unwrap_or_default().to_owned(),
            machine: label.as_ref().map(|label| label.machine.to_string()),
            profile: label.as_ref().map(|label| label.profile.to_string()),
            scopes: match (
                hub.map(|token| &token.permissions),
                held.map(|held| &held.allowed),
            ) {
                (Some(Permissions::Scopes(scopes)), _) => Some(scopes.clone()),
                (_, Some(AllowedScopes::Known(scopes))) => {
                    Some(scopes.iter().map(ToString::to_string).collect())
                }
                _ => None,
            },
            created: hub.map_or(Some(token.created), |hub| hub.created).map(rfc3339),
            last_used: token.last_used.map(rfc3339),
            expires: ends.map(rfc3339),
            held: token
                .places
                .iter()
                .map(|slot| Place {
                    server: slot.server().to_string(),
                    profile: slot.profile().to_string(),
                })
                .collect(),
            ends,
        }
    }

    fn line(&self, now: OffsetDateTime) -> [String; 8] {
        let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
        let here: Vec<_> = self.held.iter().map(|place| place.profile.as_str()).collect();
        let expires = or(&self.expires, "never");
        [
            if here.is_empty() {
                or(&self.machine, "-")
            } else {
                "this one".to_owned()
            },
            if here.is_empty() {
                or(&self.profile, "-")
            } else {
                here.join(", ")
            },
            self.account.clone(),
            self.scopes
                .as_ref()
                .map_or_else(|| "-".to_owned(), |scopes| scopes.join(" ")),
            or(&self.created, "-"),
            or(&self.last_used, "never"),
            if self.ends.is_some_and(|ends| ends <= now) {
                format!("{expires} (over)")
            } else {
                expires
            },
            or(&self.id, "-"),
        ]
        .map(|cell| printable(&cell))
    }
}
