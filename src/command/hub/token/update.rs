//! `hub token update`: another label, or whether a token is taken. Docker Hub changes neither scopes nor expiry.

use anyhow::{Result, bail};

use super::{called, find};
use crate::command::Report;
use crate::command::hub::{Desk, Manager};
use crate::hub::{Change, Owner};

/// What is to be changed.
#[derive(Debug)]
pub struct Request {
    /// Whose token.
    pub owner: Owner,
    /// The token, by its id or label.
    pub token: String,
    /// A new label.
    pub label: Option<String>,
    /// Whether it is to be taken.
    pub is_active: Option<bool>,
    /// Who changes it.
    pub account: Option<String>,
}

/// Changes a token.
pub fn update(request: &Request, desk: Desk<'_>) -> Result<Report> {
    let change = Change::new(request.label.as_deref(), request.is_active)?;
    let manager = Manager::choose(request.account.as_deref(), desk)?;
    let token = find(&request.token, &request.owner, None, &manager)?;
    let Some(changed) = manager.update(&request.owner, &token.id, &change)? else {
        bail!("{} is gone by now", called(&token));
    };
    let mut report = Report::default();
    report.say(format_args!(
        "Changed {}: {}.",
        called(&changed),
        if changed.is_active { "active" } else { "inactive" }
    ));
    Ok(report)
}
