//! `remove`: forget what is kept in a slot, or all that is kept in a profile. Works whether or not it can be opened.

use anyhow::{Result, bail};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, named};
use crate::command::erase::empty;
use crate::command::{Report, forget_tokens};
use crate::credential::Profile;
use crate::registry::ServerUrl;
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
    let emptied = empty(&slot, Action::Remove, credentials, caches, now)?;
    let mut report = Report::default();
    if emptied.was_stored {
        report.say(format_args!("{}: removed", named(&slot)));
    } else {
        report.fail(format_args!("{}: nothing is stored", named(&slot)));
    }
    if emptied.is_declared {
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
            credentials.record(Action::Remove, &slot, Some(&held.credential.account), now);
        } else if let Ok(url) = server.parse::<ServerUrl>() {
            let slot = Slot::new(url.server().clone(), profile.clone());
            credentials.record(Action::Remove, &slot, None, now);
        }
    }
    for declared in credentials.settings.credentials.iter() {
        if declared.profile == *profile {
            let slot = Slot::new(declared.server.server().clone(), profile.clone());
            forget_tokens(&slot, &declared.credential(), &caches());
            report.note(stays(&slot));
        }
    }
    Ok(report)
}

/// Only its owner takes it out of there.
fn stays(slot: &Slot) -> String {
    format!("{} is declared in settings.json, and stays there", named(slot))
}
