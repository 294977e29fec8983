//! `prune`: keep an account's session tokens down to those that were used most recently, here and at Docker Hub.

use anyhow::Result;

use crate::activity_log::Action;
use crate::command::Report;
use crate::command::credentials::named;
use crate::command::hub::held::remove_token;
use crate::command::hub::{Desk, Manager};
use crate::command::session::sessions::{Emptied, Sessions, Which};
use crate::credential::{Profile, PrunePlan, SessionToken, TokenId};
use crate::hub::{HubError, Owner, Revoked};
use crate::store::Slot;

/// What is wanted.
#[derive(Debug)]
pub struct Request {
    /// How many are kept.
    pub keep: usize,
    /// Whether it is said only what would be done.
    pub is_dry_run: bool,
    /// Whose tokens.
    pub account: Option<String>,
    /// Whether all are meant that Docker Hub says were not made by hand.
    pub is_all_automatic: bool,
}

/// Prunes, and says each thing when it is done: it may take long. What goes wrong with one is said at the end, and the
/// others go on.
pub fn prune(request: &Request, desk: Desk<'_>, say: &mut dyn FnMut(&str) -> Result<()>) -> Result<Report> {
    let manager = Manager::choose(request.account.as_deref(), desk)?;
    let which = Which::Pruned {
        is_all_automatic: request.is_all_automatic,
        is_dry_run: request.is_dry_run,
    };
    let mut sessions = Sessions::read(which, &manager, desk)?;
    let plan = PrunePlan::new(
        std::mem::take(&mut sessions.tokens),
        request.keep,
        None,
        sessions.now,
    );
    if request.is_dry_run {
        return show(&plan, &sessions, &manager, say);
    }
    let mut report = Report::default();
    for (id, places) in &sessions.gone {
        match remove_gone(id, places, desk) {
            Ok(removed) if removed.is_empty() => {}
            Ok(removed) => say(&format!(
                "{id}: Docker Hub has it no more; removed here: {}",
                removed.join("; ")
            ))?,
            Err(error) => report.fail(format_args!(
                "{id}: Docker Hub has it no more, and it could not be removed here: {error:#}"
            )),
        }
    }
    for line in &sessions.left {
        say(line)?;
    }
    let mut pruned = 0;
    for (number, token) in plan.pruned.iter().enumerate() {
        match prune_one(token, &sessions, &manager, desk) {
            Ok(line) => {
                pruned += 1;
                say(&format!("Pruned {line}"))?;
            }
            Err(Unpruned { line, is_last }) => {
                report.fail(line);
                let left = plan.pruned.len() - number - 1;
                if is_last && left > 0 {
                    report.note(format_args!(
                        "{left} more are left; once more: docker-credential-scoped prune"
                    ));
                    break;
                }
            }
        }
    }
    let kept = plan.kept.len();
    say(&format!(
        "{}: {kept} session token{} kept, {pruned} pruned",
        manager.account(),
        if kept == 1 { "" } else { "s" }
    ))?;
    Ok(report)
}

/// Says what would be done.
fn show(
    plan: &PrunePlan<Slot>,
    sessions: &Sessions,
    manager: &Manager<'_>,
    say: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Report> {
    let line = |word: &str, token: &SessionToken<Slot>| {
        format!(
            "{word} {}{}",
            sessions.called(token),
            here("here: ", &token.places)
        )
    };
    for token in &plan.kept {
        say(&line("Would keep ", token))?;
    }
    for token in &plan.pruned {
        say(&line("Would prune", token))?;
    }
    for (id, places) in &sessions.gone {
        say(&format!(
            "Would remove {id}, which Docker Hub has no more{}",
            here("here: ", places)
        ))?;
    }
    for line in &sessions.left {
        say(line)?;
    }
    say(&format!(
        "{}: {} would be kept, {} would be pruned; nothing was changed",
        manager.account(),
        plan.kept.len(),
        plan.pruned.len()
    ))?;
    Ok(Report::default())
}

/// A token that was not pruned.
#[derive(Debug)]
pub struct Unpruned {
    /// What was done, and why not all.
    pub line: String,
    /// Whether the next one would not be revoked either: the sign-in is over, or Docker Hub wants to be left alone, or
    /// is not to be had. It would be removed here all the same.
    pub is_last: bool,
}

/// Removes a session token here, and then revokes it: interrupted in between, it is found again by its label, if it has
/// one. Gives a line for what was done, or for what was not.
pub fn prune_one(
    token: &SessionToken<Slot>,
    sessions: &Sessions,
    manager: &Manager<'_>,
    desk: Desk<'_>,
) -> Result<String, Unpruned> {
    let called = sessions.called(token);
    let left = |line| Unpruned { line, is_last: false };
    let Some(id) = &token.id else {
        return Err(left(format!(
            "{called}: is left, since nobody can tell which it is"
        )));
    };
    let removed =
        remove_here(&token.places, sessions, desk).map_err(|why| left(format!("{called}: {why}")))?;
    let removed_here = here("removed here: ", &removed);
    match manager.revoke(&Owner::Account, id) {
        Ok(Revoked::Now) => {
            let of = token.places.first().cloned();
            let slot = of.unwrap_or_else(|| desk.slot(&Profile::default()));
            desk.record(Action::Revoke, &slot, Some(manager.account()));
            Ok(format!("{called}{removed_here}; revoked"))
        }
        Ok(Revoked::WasGone) => Ok(format!("{called}{removed_here}; Docker Hub had it no more")),
        Err(error) => Err(Unpruned {
            line: format!(
                "{called}{removed_here}; not revoked: {error}; revoke it: docker-credential-scoped hub token revoke {id}"
            ),
            is_last: match error {
                HubError::Answer { .. }
                | HubError::Busy { .. }
                | HubError::FromToken(_)
                | HubError::Http(_)
                | HubError::SecondFactor { .. }
                | HubError::SignIn { .. }
                | HubError::Status { .. }
                | HubError::Unauthorized { .. } => true,
                HubError::Forbidden { .. }
                | HubError::Invalid { .. }
                | HubError::Limit { .. }
                | HubError::NotFound { .. }
                | HubError::TooMany { .. }
                | HubError::Unsure { .. } => false,
            },
        }),
    }
}

/// Removes a session token from all its places, and says from which, or why it is left. One that is left is left in all:
/// each place is looked at before the first is emptied.
fn remove_here(places: &[Slot], sessions: &Sessions, desk: Desk<'_>) -> Result<Vec<Slot>, String> {
    let used = |removed: &[Slot]| {
        format!(
            "was used meanwhile, and is left{}",
            here("removed here: ", removed)
        )
    };
    let stuck = |slot: &Slot, removed: &[Slot], error: anyhow::Error| {
        format!(
            "is left, since it could not be removed from {}: {error:#}{}",
            named(slot),
            here("removed here: ", removed)
        )
    };
    for slot in places {
        match sessions.is_used_since(slot, desk) {
            Ok(false) => {}
            Ok(true) => return Err(used(&[])),
            Err(error) => return Err(stuck(slot, &[], error)),
        }
    }
    let mut removed = Vec::new();
    for slot in places {
        match sessions.empty(slot, desk) {
            Ok(Emptied::Now) => removed.push(slot.clone()),
            Ok(Emptied::Before) => {}
            // Since it was looked at, a moment ago.
            Ok(Emptied::StillUsed) => return Err(used(&removed)),
            Err(error) => return Err(stuck(slot, &removed, error)),
        }
    }
    Ok(removed)
}

/// Removes what is good for nothing any more, and says from where.
fn remove_gone(id: &TokenId, places: &[Slot], desk: Desk<'_>) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for slot in places {
        if remove_token(slot, id, desk)? {
            removed.push(named(slot));
        }
    }
    Ok(removed)
}

fn here(word: &str, places: &[Slot]) -> String {
    let names: Vec<_> = places.iter().map(named).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; {word}{}", names.join("; "))
    }
}
