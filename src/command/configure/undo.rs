//! Undo: put back what `configure` changed, and only what still is as it was set.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::client_config::{Change, ConfigFile, What};
use crate::command::Report;
use crate::command::configure::DRY_RUN;
use crate::command::configure::journal::Journal;
use crate::command::turn::{CONFIGURATION, turn};
use crate::files::{self, Location, foreign};

/// Undoes all that is on record. A file that cannot be put back keeps its part of the record.
pub fn undo(data: Option<Location>, is_dry_run: bool) -> Result<Report> {
    let _turn = (!is_dry_run).then(|| turn(CONFIGURATION, data.as_ref()));
    let mut journal = Journal::open(data)?;
    let mut report = Report::default();
    if journal.changes().is_empty() {
        report.say("There is nothing to undo.");
        return Ok(report);
    }
    if is_dry_run {
        report.say(DRY_RUN);
    }
    let mut kept = Vec::new();
    for changes in by_file(journal.changes()) {
        let undone = match changes.as_slice() {
            [Change { file, .. }, ..] => undo_file(file, &changes, is_dry_run, &mut report),
            [] => Ok(()),
        };
        if let Err(error) = undone {
            report.fail(format_args!("{error:#}"));
            kept.extend(changes);
        }
    }
    if !is_dry_run {
        journal.keep(kept)?;
    }
    Ok(report)
}

/// The changes of each file, the latest first. Links go last: a configuration may name them until then.
fn by_file(changes: &[Change]) -> Vec<Vec<Change>> {
    let mut files: Vec<Vec<Change>> = Vec::new();
    for change in changes.iter().rev() {
        let same = |file: &&mut Vec<Change>| file.iter().any(|other| other.file == change.file);
        match files.iter_mut().find(same) {
            Some(file) => file.push(change.clone()),
            None => files.push(vec![change.clone()]),
        }
    }
    files.sort_by_key(|changes| changes.iter().any(|change| change.what == What::Link));
    files
}

fn undo_file(path: &Path, changes: &[Change], is_dry_run: bool, report: &mut Report) -> Result<()> {
    let shown = path.display();
    for change in changes {
        match change.what {
            What::Helper(_) => {}
            What::Link => {
                if foreign::link_target(path) == Some(PathBuf::from(&change.set)) {
                    if !is_dry_run {
                        foreign::remove(path)?;
                    }
                    report.say(format_args!("{shown}: is removed"));
                } else {
                    report.note(format_args!("{shown}: is left, it is not the link that was made"));
                }
            }
            What::Text => {
                if foreign::read(path)?.as_deref() == Some(change.set.as_bytes()) {
                    match &change.before {
                        _ if is_dry_run => {}
                        Some(before) => files::rewrite(path, before.as_bytes())?,
                        None => {
                            foreign::remove(path)?;
                        }
                    }
                    let now = if change.before.is_some() {
                        "is as it was"
                    } else {
                        "is removed"
                    };
                    report.say(format_args!("{shown}: {now}"));
                } else {
                    report.note(format_args!(
                        "{shown}: is left, it is not the text that was written"
                    ));
                }
            }
        }
    }
    undo_keys(path, changes, is_dry_run, report)
}

fn undo_keys(path: &Path, changes: &[Change], is_dry_run: bool, report: &mut Report) -> Result<()> {
    let shown = path.display();
    let keys: Vec<_> = changes
        .iter()
        .filter_map(|change| match &change.what {
            What::Helper(key) => Some((key, change)),
            What::Link | What::Text => None,
        })
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    // While the file is still there to lead to it.
    let backup = foreign::backup_path(path);
    let Some(bytes) = foreign::read(path)? else {
        report.note(format_args!("{shown}: is not there any more"));
        return Ok(());
    };
    let mut config = ConfigFile::read(&bytes).with_context(|| shown.to_string())?;
    let mut is_changed = false;
    for (key, change) in keys {
        let now = config.helper(key);
        if now.as_ref() != Some(&change.set) {
            match now {
                Some(now) => report.note(format_args!("{shown}: {key} is left, it is \"{now}\" now")),
                None => report.note(format_args!("{shown}: {key} is left, it is not set any more")),
            }
            continue;
        }
        is_changed = true;
        if let Some(before) = &change.before {
            config.set_helper(key, before)?;
            report.say(format_args!("{shown}: {key} is \"{before}\" again"));
        } else {
            config.remove_helper(key)?;
            report.say(format_args!("{shown}: {key} is not set any more"));
        }
    }
    if changes.iter().any(|change| change.made_object) {
        config.remove_empty_cred_helpers()?;
    }
    if is_dry_run {
        return Ok(());
    }
    if config.is_empty() && changes.iter().any(|change| change.made_file) {
        foreign::remove(path)?;
        report.say(format_args!("{shown}: is removed, nothing is left in it"));
    } else if is_changed {
        files::rewrite(path, config.as_bytes())?;
    }
    if is_changed {
        // The copy was for the case that this fails, and there may be secrets in it.
        foreign::remove(&backup)?;
    }
    Ok(())
}
