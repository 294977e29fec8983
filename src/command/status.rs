//! `status`: what is held, for a person or a program. Never a secret.

mod table;

use anyhow::Result;
use serde::Serialize;
use time::OffsetDateTime;

use crate::command::credentials::{Credentials, expiring_text, place};
use crate::command::get::identified;
use crate::command::key::whereabouts;
use crate::command::{Report, in_ascii, rfc3339};
use crate::credential::{AllowedScopes, Credential, Kind, Origin, Profile};
use crate::registry::{Server, ServerUrl};
use crate::settings::{HandOut, Settings};
use crate::store::{Entry, KeyState, Slot};

/// How something is to be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For programs.
    Json,
    /// For people.
    Table,
}

/// What is to be shown, and how.
#[derive(Debug)]
pub struct Request {
    /// Only what is for this server and the prefixes below it.
    pub server: Option<ServerUrl>,
    /// How.
    pub format: Format,
    /// Whether there may be colours in a table.
    pub is_coloured: bool,
}

/// Shows what is held, stored or declared, and warns of what has expired or does soon.
pub fn status(request: &Request, credentials: Credentials<'_>, now: OffsetDateTime) -> Result<Report> {
    let Request {
        server,
        format,
        is_coloured,
    } = request;
    let asked = server.as_ref().map(|url| url.server().to_string());
    let is_asked = |server: &str| asked.as_ref().is_none_or(|asked| is_part(server, asked));
    let mut report = Report::default();
    let mut rows = Vec::new();
    let mut show = |server: &Server, profile: &Profile, credential: &Credential, last_used| {
        let slot = Slot::new(server.clone(), profile.clone());
        if let Some(warning) = expiring_text(&slot, credential, now) {
            report.note(warning);
        }
        Row {
            server: server.to_string(),
            profile: profile.to_string(),
            state: State::Held(Shown::of(credential, last_used, credentials.settings, now)),
        }
    };
    let entries = credentials.store.entries()?;
    for Entry {
        server,
        profile,
        held,
    } in &entries
    {
        if is_asked(server) {
            rows.push(match held {
                Ok(held) => {
                    let server = held.credential.server_url.server();
                    show(server, profile, &held.credential, Some(held.last_used))
                }
                Err(error) => Row {
                    server: server.clone(),
                    profile: profile.to_string(),
                    state: State::Unavailable {
                        error: error.to_string(),
                    },
                },
            });
        }
    }
    for declared in credentials.declared_beside(&entries) {
        let server = declared.server.server();
        if is_asked(&server.to_string()) {
            rows.push(show(server, &declared.profile, &declared.credential(), None));
        }
    }
    rows.sort_by(|one, other| (&one.server, &one.profile).cmp(&(&other.server, &other.profile)));
    report.text = match format {
        Format::Json => in_ascii(&serde_json::to_string_pretty(&rows)?) + "\n",
        Format::Table if rows.is_empty() => match server {
            Some(server) => format!("Nothing is stored for {}.\n", server.as_str()),
            None => "Nothing is stored.\n".to_owned(),
        },
        Format::Table => table::table(&rows, *is_coloured, now),
    };
    if *format == Format::Table
        && server.is_none()
        && !rows.is_empty()
        // Why it cannot be told where the key is, is said of all that is sealed with it.
        && let Ok(Some(key)) = credentials.store.key_state()
    {
        report.say(key_line(&key));
    }
    Ok(report)
}

/// Where the key is, and whether it rests opened.
fn key_line(key: &KeyState) -> String {
    let place = whereabouts(key);
    match key.rests_until {
        Some(until) => format!("The key is in {place}; it rests opened until {}.", rfc3339(until)),
        None => format!("The key is in {place}."),
    }
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
#[serde(tag = "state", rename_all = "kebab-case")]
enum State {
    Held(Shown),
    Unavailable { error: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    account: String,
    kind: Kind,
    hands_out: HandsOut,
    /// `None` where nobody knows.
    scopes: Option<Vec<String>>,
    #[serde(serialize_with = "moment")]
    expires: Option<OffsetDateTime>,
    secret_in: String,
    origin: Origin,
    #[serde(serialize_with = "moment")]
    created: Option<OffsetDateTime>,
    #[serde(serialize_with = "moment")]
    last_used: Option<OffsetDateTime>,
}

impl Shown {
    fn of(
        credential: &Credential,
        last_used: Option<OffsetDateTime>,
        settings: &Settings,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            account: credential.account.clone(),
            kind: credential.kind,
            hands_out: HandsOut::of(credential, settings, now),
            scopes: match &credential.allowed {
                AllowedScopes::Unknown => None,
                AllowedScopes::Known(scopes) => Some(scopes.iter().map(ToString::to_string).collect()),
            },
            expires: credential.expires,
            secret_in: place(&credential.secret),
            origin: credential.origin,
            created: credential.created,
            last_used,
        }
    }
}

/// What `get` answers.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum HandsOut {
    Something(HandOut),
    /// It has expired.
    Nothing(&'static str),
}

impl HandsOut {
    fn of(credential: &Credential, settings: &Settings, now: OffsetDateTime) -> Self {
        if credential.expired(now).is_some() {
            Self::Nothing("nothing")
        } else if credential.kind == Kind::IdentityToken || identified(credential, settings).is_some() {
            Self::Something(HandOut::IdentityToken)
        } else {
            Self::Something(HandOut::Secret)
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Something(hand_out) => hand_out.word(),
            Self::Nothing(word) => word,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde lends a field as it is")]
fn moment<S: serde::Serializer>(time: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(rfc3339).serialize(serializer)
}

fn is_part(server: &str, asked: &str) -> bool {
    server
        .strip_prefix(asked)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
