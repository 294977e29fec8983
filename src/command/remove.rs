//! `remove`: forget what is kept in a slot, or all that is kept in a profile. Works whether or not it can be opened.

use anyhow::{Result, bail};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, named};
use crate::command::recorder::Activity;
use crate::command::{Report, forget_tokens};
use crate::credential::{Credential, Profile};
use crate::registry::ServerUrl;
use crate::settings::DeclaredCredential;
use crate::store::{Entry, Slot};
use crate::token_cache::TokenCache;

/// Empties a slot, and says whether there was anything in it.
pub fn remove(
    server_url: &ServerUrl,
    profile: Profile,
    credentials: Credentials<'_>,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<Report> {
    let slot = Slot::new(server_url.server().clone(), profile);
    // Of one that does not open nobody knows what it got; that stays sealed, and expires.
    let held = credentials.store.get(&slot).ok().flatten();
    let mut report = Report::default();
    if credentials.store.remove(&slot)? {
        report.say(format_args!("{}: removed", named(&slot)));
        record(
            &slot,
            held.as_ref().map(|held| &held.credential),
            credentials,
            now,
        );
    } else {
        report.fail(format_args!("{}: nothing is stored", named(&slot)));
    }
    if let Some(held) = held {
        forget_tokens(&slot, &held.credential, &caches());
    }
    if let Some(declared) = credentials.declared(&slot) {
        forget_tokens(&slot, declared.credential(), &caches());
        report.note(stays(&slot));
    }
    Ok(report)
}

/// Ends a job: empties every slot of its profile.
pub fn remove_profile(
    profile: &Profile,
    credentials: Credentials<'_>,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<Report> {
    if profile.is_default() {
        bail!("remove: the default profile is what docker logs in to; name the server, too");
    }
    let mut report = Report::default();
    let removed = credentials.store.remove_profile(profile)?;
    if removed.is_empty() {
        report.fail(format_args!("profile {profile}: nothing is stored"));
    }
    for Entry { server, held, .. } in removed {
        report.say(format_args!("{server}, profile {profile}: removed"));
        if let Ok(held) = held {
            let slot = Slot::new(held.credential.server_url.server().clone(), profile.clone());
            forget_tokens(&slot, &held.credential, &caches());
            record(&slot, Some(&held.credential), credentials, now);
        } else if let Ok(url) = server.parse::<ServerUrl>() {
            let slot = Slot::new(url.server().clone(), profile.clone());
            record(&slot, None, credentials, now);
        }
    }
    for declared in credentials.settings.credentials.iter() {
        let DeclaredCredential {
            server,
            profile: declared_for,
            ..
        } = declared;
        if declared_for == profile {
            let slot = Slot::new(server.server().clone(), profile.clone());
            forget_tokens(&slot, &declared.credential(), &caches());
            report.note(stays(&slot));
        }
    }
    Ok(report)
}

fn record(slot: &Slot, removed: Option<&Credential>, credentials: Credentials<'_>, now: OffsetDateTime) {
    let account = removed.map(|credential| credential.account.as_str());
    let activity = Activity::of(Action::Remove, slot, account);
    credentials.recorder.record(activity, now);
}

/// Only its owner takes it out of there.
fn stays(slot: &Slot) -> String {
    format!("{} is declared in settings.json, and stays there", named(slot))
}
