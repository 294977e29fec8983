//! `status`: what is held, for a person or a program. Never a secret.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::command::get::identified;
use crate::command::{Report, aligned, printable, rfc3339};
use crate::credential::Kind;
use crate::registry::ServerUrl;
use crate::settings::{HandOut, Settings};
use crate::store::{CredentialStore, Entry};

/// How `status` is to be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An array of objects.
    Json,
    /// A table.
    Table,
}

/// Shows all that is held, or what is held for one server and the prefixes below it.
pub fn status(
    server: Option<&ServerUrl>,
    format: Format,
    store: &CredentialStore,
    settings: &Settings,
) -> Result<Report> {
    let rows = store
        .entries()?
        .iter()
        .filter(|entry| server.is_none_or(|server| is_of(entry, server)))
        .map(|entry| Row::of(entry, settings))
        .collect::<Vec<_>>();
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&rows)? + "\n",
        Format::Table if rows.is_empty() => match server {
            Some(server) => format!("Nothing is stored for {}.\n", server.as_str()),
            None => "Nothing is stored.\n".to_owned(),
        },
        Format::Table => table(&rows),
    };
    Ok(Report {
        text,
        ..Report::default()
    })
}

/// One slot, as it is shown.
#[derive(Serialize)]
struct Row {
    server: String,
    profile: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum State {
    Held {
        account: String,
        kind: Kind,
        hands_out: HandOut,
        created: String,
        last_used: String,
    },
    Unavailable {
        error: String,
    },
}

impl Row {
    fn of(entry: &Entry, settings: &Settings) -> Self {
        let Entry {
            server,
            profile,
            held,
        } = entry;
        let state = match held {
            Ok(held) => State::Held {
                account: held.credential.account.clone(),
                kind: held.credential.kind,
                hands_out: if held.credential.kind == Kind::IdentityToken
                    || identified(&held.credential, settings).is_some()
                {
                    HandOut::IdentityToken
                } else {
                    HandOut::Secret
                },
                created: held.credential.created.map(rfc3339).unwrap_or_default(),
                last_used: rfc3339(held.last_used),
            },
            Err(error) => State::Unavailable {
                error: error.to_string(),
            },
        };
        Self {
            server: server.clone(),
            profile: profile.to_string(),
            state,
        }
    }
}

fn is_of(entry: &Entry, server: &ServerUrl) -> bool {
    let asked = server.server().to_string();
    entry.server == asked
        || entry
            .server
            .strip_prefix(&asked)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        [
            "SERVER",
            "PROFILE",
            "ACCOUNT",
            "KIND",
            "HANDS OUT",
            "CREATED",
            "LAST USED",
        ]
        .map(str::to_owned),
    ];
    let mut unavailable = String::new();
    for Row {
        server,
        profile,
        state,
    } in rows
    {
        lines.push(match state {
            State::Held {
                account,
                kind,
                hands_out,
                created,
                last_used,
            } => {
                let hands_out = hands_out.word();
                [
                    server,
                    profile,
                    account,
                    kind.name(),
                    hands_out,
                    created,
                    last_used,
                ]
                .map(printable)
            }
            State::Unavailable { error } => {
                // Writing to a String cannot fail.
                let _ = writeln!(unavailable, "{}", printable(error));
                [server, profile, "-", "cannot be opened", "-", "-", "-"].map(printable)
            }
        });
    }
    aligned(&lines) + &unavailable
}
