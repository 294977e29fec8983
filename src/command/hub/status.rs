//! `hub status`: which account can manage Docker Hub's tokens from here; and where none can, why and what to do.

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
    let mut is_any_able = false;
    for candidate in all {
        let (line, is_able) = tried(candidate, desk);
        is_any_able |= is_able;
        lines.push(line.map(|cell| printable(&cell)));
    }
    if lines.len() > 1 {
        report.text = aligned(&lines);
    }
    match chosen {
        Ok(account) if is_any_able => report.say(format_args!("Tokens are managed as {account}.")),
        Err(error) if is_any_able => report.note(error),
        // Each says what helps.
        Ok(_) | Err(_) if is_any_to_try => report.fail("nobody can manage tokens from here now"),
        Ok(_) | Err(_) => report.fail(format_args!(
            "nobody can manage tokens from here; {}",
            how_to_sign_in(desk)
        )),
    }
    Ok(report)
}

/// A line of the table, and whether it is one who can.
fn tried(candidate: Candidate, desk: Desk<'_>) -> ([String; 4], bool) {
    let means = candidate.means;
    let profile = candidate.slot.profile().to_string();
    let known = candidate.account.clone();
    let signed_in = Manager::sign_in(candidate, desk);
    let account = signed_in
        .as_ref()
        .ok()
        .map(|manager| manager.account().to_owned())
        .or(known)
        .unwrap_or_else(|| "-".to_owned());
    let is_able = signed_in.is_ok();
    let manages = match signed_in {
        Ok(manager) => match (means, manager.until()) {
            (Means::BrowserLogin, Some(until)) => {
                format!("until {}, {} left", rfc3339(until), time_left(until, desk.now))
            }
            _ => "yes".to_owned(),
        },
        Err(why) => format!("no: {why}"),
    };
    ([account, means.name().to_owned(), profile, manages], is_able)
}
