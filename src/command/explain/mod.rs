//! `explain`: which credential would be used for a request and why, which ones not and why, what `get` would answer, what
//! is remembered, and what would be sent. Sends nothing, writes nothing and fetches no secret.

mod answer;
mod exchange;

use anyhow::Result;
use time::OffsetDateTime;

use self::answer::say_get;
use self::exchange::say_exchange;
use crate::command::Report;
use crate::command::credentials::{Found, said_expiry};
use crate::command::obtain::{Judged, Rooms, Wanted, choose, concerns, judge, name};
use crate::credential::{Credential, KeptSecret, Verdict};
use crate::registry::{Server, ServerUrl};
use crate::store::{Slot, StoreError};

/// Says what would come of a request, and of a `get` for `asked`.
pub fn explain(asked: &ServerUrl, wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<Report> {
    let mut report = Report::default();
    let scope = if wanted.scope.is_empty() {
        "no scope".to_owned()
    } else {
        wanted.scope.to_string()
    };
    line(&mut report, "request", &format!("{}, {scope}", wanted.registry));
    let chosen = say_choice(wanted, rooms, now, &mut report)?;
    for server in [
        Some(Server::Registry(wanted.registry.clone())),
        // The clients that ask with a path ask for the registry next.
        Some(asked.server().clone()).filter(|server| matches!(server, Server::Prefix { .. })),
    ]
    .into_iter()
    .flatten()
    {
        say_get(&server, wanted, rooms, now, &mut report);
    }
    match &chosen {
        Choice::Unusable => {
            line(&mut report, "cache", "not looked into");
            line(
                &mut report,
                "wire",
                "nothing: without a credential that can be used it ends here",
            );
        }
        Choice::Nobody => say_exchange(None, wanted, rooms, now, &mut report)?,
        Choice::Used(slot, found) => {
            say_exchange(Some((slot, found.credential())), wanted, rooms, now, &mut report)?;
        }
    }
    report.say("Nothing was sent, and nothing was written.");
    report.is_incomplete = !matches!(chosen, Choice::Used(..));
    Ok(report)
}

/// Who would ask for a token.
enum Choice {
    Nobody,
    Unusable,
    Used(Slot, Box<Found>),
}

fn say_choice(wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime, report: &mut Report) -> Result<Choice> {
    let credentials = rooms.credentials;
    let held = credentials.of_registry(&wanted.registry, &wanted.scope)?;
    let is_judged = wanted.profile.is_none() && !wanted.scope.is_empty();
    let judged = is_judged.then(|| judge(wanted, credentials, now)).transpose()?;
    let choice = match choose(wanted, credentials, now) {
        Ok(Some((slot, found))) => {
            let why = why_used(&slot, wanted, judged.as_ref());
            let what = description(found.credential());
            line(report, "used", &format!("{}: {what}", name(&slot)));
            line(report, "", &format!("because {why}"));
            Choice::Used(slot, Box::new(found))
        }
        Ok(None) => {
            let whose = match &wanted.profile {
                Some(profile) => format!("for {} in profile {profile}", wanted.registry),
                None => format!("for {}", wanted.registry),
            };
            line(
                report,
                "used",
                &format!("none: nothing is held {whose} that could be used; what is public needs none"),
            );
            Choice::Nobody
        }
        Err(error) => {
            // The rest is said of each below.
            let error = match &judged {
                Some(judged) if judged.unopened.is_empty() => {
                    format!("no stored credential may do {}", wanted.scope)
                }
                Some(_) | None => format!("{error:#}"),
            };
            line(report, "used", &format!("none: {error}"));
            Choice::Unusable
        }
    };
    let used = match &choice {
        Choice::Used(slot, _) => Some(slot),
        Choice::Nobody | Choice::Unusable => None,
    };
    for (slot, held) in &held {
        if Some(slot) == used {
            continue;
        }
        let what = match held {
            Ok(found) => format!(" ({})", description(found.credential())),
            Err(_) => String::new(),
        };
        let why = why_not(slot, held, wanted, judged.as_ref(), now);
        line(report, "not used", &format!("{}{what}: {why}", name(slot)));
    }
    Ok(choice)
}

fn why_used(slot: &Slot, wanted: &Wanted, judged: Option<&Judged>) -> String {
    let Some(judged) = judged else {
        let longest = match slot.server() {
            Server::Prefix { .. } => ", and of what is held there it is for the longest part of the path",
            Server::HubSession(_) | Server::Registry(_) | Server::UnknownScheme(_) => "",
        };
        return match &wanted.profile {
            Some(profile) => format!("profile {profile} is named{longest}"),
            None => "no scope is asked for, and so it is the one that docker's own login has".to_owned(),
        };
    };
    if let Some(Verdict::ChosenIfPublic) = verdict(slot, judged) {
        return "it is of use if that is public, and no other may do it".to_owned();
    }
    let others = judged
        .verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::Wider | Verdict::Later | Verdict::OnlyPublic))
        .count();
    if others == 0 {
        "no other may do this".to_owned()
    } else {
        "none of those that may do this may do less".to_owned()
    }
}

fn why_not(
    slot: &Slot,
    held: &Result<Found, StoreError>,
    wanted: &Wanted,
    judged: Option<&Judged>,
    now: OffsetDateTime,
) -> String {
    let found = match held {
        Ok(found) => found,
        Err(error) => return format!("cannot be opened: {error}"),
    };
    if !wanted.scope.is_empty() && !concerns(slot, &wanted.scope) {
        return "is for another part of the registry".to_owned();
    }
    let Some(judged) = judged else {
        let profile = wanted.profile.clone().unwrap_or_default();
        return if *slot.profile() != profile {
            match &wanted.profile {
                Some(profile) => format!("profile {profile} is named"),
                None => "no scope is asked for, and then only the default profile is looked into".to_owned(),
            }
        } else if let Some(expired) = found.credential().expired(now) {
            format!("expired {}", said_expiry(expired))
        } else if wanted.scope.is_empty() {
            "is for a part of the registry, and no scope is asked for".to_owned()
        } else {
            "is not for the longest part of the path that one is held for".to_owned()
        };
    };
    match verdict(slot, judged) {
        Some(Verdict::Expired(expired)) => format!("expired {}", said_expiry(*expired)),
        Some(Verdict::Lacks(scopes)) => format!("may not do {scopes}"),
        Some(Verdict::Wider) => "may do more".to_owned(),
        Some(Verdict::Later) => {
            "may do no less, and comes later (longest path, earliest expiry, default profile, name)"
                .to_owned()
        }
        Some(Verdict::OnlyPublic) => "is of use only if that is public".to_owned(),
        Some(Verdict::Chosen | Verdict::ChosenIfPublic) if !judged.unopened.is_empty() => {
            "may do this, and not in place of one that cannot be opened".to_owned()
        }
        // Held since, or changed.
        Some(Verdict::Chosen | Verdict::ChosenIfPublic) | None => "was changed just now".to_owned(),
    }
}

fn verdict<'a>(slot: &Slot, judged: &'a Judged) -> Option<&'a Verdict> {
    let mut of_each = judged.found.iter().zip(&judged.verdicts);
    of_each
        .find(|((of, _), _)| of == slot)
        .map(|(_, verdict)| verdict)
}

/// What is known of a credential, and where its secret is.
fn description(credential: &Credential) -> String {
    let account = match credential.known_account() {
        None => "account known to the helper only".to_owned(),
        Some(account) => format!("account {account}"),
    };
    let secret = match &credential.secret {
        KeptSecret::Here(_) => credential.kind.name().to_owned(),
        KeptSecret::Elsewhere(reference) => format!("secret in {reference}, not fetched now"),
    };
    let expires = credential
        .expires
        .map_or_else(String::new, |expires| format!(", until {}", said_expiry(expires)));
    format!(
        "{account}, {secret}, allowed scopes {}{expires}",
        credential.allowed
    )
}

fn line(report: &mut Report, word: &str, text: &str) {
    report.say(format_args!("{word:<9} {text}"));
}
