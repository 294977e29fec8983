//! `hub status`: which account can manage Docker Hub's tokens from here; and where none can, why and what to do.

use std::collections::BTreeSet;

use anyhow::Result;

use super::candidate::{Candidate, Means, candidates, choose, how_to_sign_in};
use super::{Desk, Manager};
use crate::command::credentials::time_left;
use crate::command::{Report, aligned, printable, rfc3339};

const HEADER: [&str; 4] = ["ACCOUNT", "BY", "PROFILE", "MANAGES TOKENS"];

/// Tries all that is held, and says what came of it.
pub fn status(desk: Desk<'_>) -> Result<Report> {
    let mut report = Report::default();
    let all = candidates(desk)?;
    let chosen = choose(&all, None, desk).map(str::to_owned);
    let is_any_to_try = all.iter().any(|candidate| candidate.unable().is_none());
    let mut lines = vec![HEADER.map(str::to_owned)];
    // By the name that each is kept under, and by that of the account.
    let mut able = Vec::new();
    for candidate in all {
        let name = candidate.account.clone();
        let (line, account) = tried(candidate, desk);
        able.extend(account.map(|account| (name, account)));
        lines.push(line.map(|cell| printable(&cell)));
    }
    if lines.len() > 1 {
        report.text = aligned(&lines);
    }
    match chosen {
        Ok(chosen) if !able.is_empty() => {
            let used = able
                .iter()
                .find(|(name, _)| name.as_deref() == Some(chosen.as_str()));
            if let Some((_, account)) = used {
                report.say(format_args!("Tokens are managed as {account}."));
            } else {
                let others: BTreeSet<_> = able.iter().map(|(_, account)| account.as_str()).collect();
                let others: Vec<_> = others.into_iter().collect();
                report.note(format_args!(
                    "{chosen} would be used and cannot; use --account {}",
                    others.join(" or ")
                ));
            }
        }
        Err(error) if !able.is_empty() => report.note(error),
        // Each says what helps.
        Ok(_) | Err(_) if is_any_to_try => report.fail("nobody can manage tokens from here now"),
        Ok(_) | Err(_) => report.fail(format_args!(
            "nobody can manage tokens from here; {}",
            how_to_sign_in(desk)
        )),
    }
    Ok(report)
}

/// A line of the table, and the account of one who can.
fn tried(candidate: Candidate, desk: Desk<'_>) -> ([String; 4], Option<String>) {
    let means = candidate.means;
    let profile = candidate.slot.profile().to_string();
    let known = candidate.account.clone();
    let signed_in = Manager::sign_in(candidate, desk);
    let able = signed_in
        .as_ref()
        .ok()
        .map(|manager| manager.account().to_owned());
    let account = able.clone().or(known).unwrap_or_else(|| "-".to_owned());
    let manages = match signed_in {
        Ok(manager) => match (means, manager.until()) {
            (Means::BrowserLogin, Some(until)) => {
                format!("until {}, {} left", rfc3339(until), time_left(until, desk.now))
            }
            _ => "yes".to_owned(),
        },
        Err(why) => format!("no: {why}"),
    };
    ([account, means.name().to_owned(), profile, manages], able)
}
