//! `token`: print an access token for a registry and a scope.

use std::str::FromStr;

use anyhow::{Result, bail};
use serde::Serialize;
use time::OffsetDateTime;

use crate::command::obtain::{Rooms, Wanted, obtain};
use crate::command::{Report, rfc3339};
use crate::registry::ScopeSet;

/// How the token is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// As the header of a request.
    Header,
    /// With what is known of it.
    Json,
    /// Alone on its line.
    #[default]
    Raw,
}

impl FromStr for Output {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "header" => Ok(Self::Header),
            "json" => Ok(Self::Json),
            "raw" => Ok(Self::Raw),
            _ => Err("is raw, json or header"),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Printed<'a> {
    token: &'a str,
    service: Option<&'a str>,
    scope_asked: String,
    scope_granted: Option<String>,
    issued: String,
    expires: String,
}

/// Obtains a token and prints it; beside it, where it allows less or more than was asked for.
pub fn token(wanted: &Wanted, output: Output, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<Report> {
    let obtained = obtain(wanted, rooms, now)?;
    let access_token = &obtained.access_token;
    let token_server = &obtained.token_server;
    let other = access_token
        .granted
        .as_ref()
        .filter(|granted| **granted != wanted.scope);
    let is_nothing = other.is_some_and(|granted| is_nothing(wanted, granted));
    obtained.record(!is_nothing, wanted, rooms.credentials.recorder, now);
    let mut report = Report::default();
    if let Some(warning) = &obtained.warning {
        report.note(warning);
    }
    if obtained.account.is_none() {
        report.note(format_args!(
            "note: nothing is stored for {}; this token is for nobody in particular",
            wanted.registry
        ));
    }
    if let Some(granted) = other {
        let origin = token_server.realm.origin();
        let lacking = granted.lacking(&wanted.scope);
        let more = wanted.scope.lacking(granted);
        if is_nothing {
            bail!(
                "{origin} granted nothing of {lacking}; the credential may not do that, or there is no such repository"
            );
        }
        if !lacking.is_empty() {
            report.note(format_args!("note: {origin} did not grant {lacking}"));
        }
        if !more.is_empty() {
            report.note(format_args!(
                "note: {origin} granted more than was asked for: {}",
                brief(&more)
            ));
        }
    }
    let token = access_token.token.expose();
    report.text = match output {
        Output::Header => format!("Authorization: Bearer {token}\n"),
        Output::Raw => format!("{token}\n"),
        Output::Json => {
            let token = Printed {
                token,
                service: token_server.service.as_deref(),
                scope_asked: wanted.scope.to_string(),
                scope_granted: access_token.granted.as_ref().map(ToString::to_string),
                issued: rfc3339(access_token.issued),
                expires: rfc3339(access_token.expires),
            };
            serde_json::to_string_pretty(&token)? + "\n"
        }
    };
    Ok(report)
}

/// Whether nothing of what was asked for was granted. Who asks for `*` and is granted less lacks all that was asked
/// for, and has something all the same.
fn is_nothing(wanted: &Wanted, granted: &ScopeSet) -> bool {
    let lacking = granted.lacking(&wanted.scope);
    !lacking.is_empty() && lacking == wanted.scope && wanted.scope.lacking(granted) == *granted
}

/// The first of many: what is granted is as long as a server likes.
fn brief(scopes: &ScopeSet) -> String {
    const FEW: usize = 5;
    let named: Vec<_> = scopes.iter().take(FEW).map(|scope| scope.to_string()).collect();
    match scopes.iter().skip(FEW).count() {
        0 => named.join(" "),
        others => format!("{} and {others} more", named.join(" ")),
    }
}
