//! The keys of a configuration file that name a helper, set to this one.

use std::path::Path;

use anyhow::{Context, Result};

use crate::client_config::{Change, ConfigFile, Key, What};
use crate::command::Report;
use crate::command::configure::journal::Journal;
use crate::command::configure::{Request, helper_name};
use crate::files::{self, foreign};

/// Sets the keys that are not set yet, and gives the file as it was before.
pub(super) fn set(
    path: &Path,
    keys: &[Key],
    request: &Request,
    journal: &mut Journal,
    report: &mut Report,
) -> Result<ConfigFile> {
    let path = foreign::absolute(path)?;
    let shown = path.display().to_string();
    let helper = helper_name(&request.profile);
    let bytes = foreign::read(&path)?;
    let read = || ConfigFile::read(bytes.as_deref().unwrap_or_default()).with_context(|| shown.clone());
    let (before, mut after) = (read()?, read()?);
    let mut changes = Vec::new();
    for key in keys {
        let was = after.helper(key);
        match &was {
            Some(was) if *was == helper => {
                report.say(format_args!("{shown}: {key} is \"{helper}\" already"));
                continue;
            }
            Some(was) => report.say(format_args!("{shown}: {key} is \"{helper}\" now, was \"{was}\"")),
            None => report.say(format_args!("{shown}: {key} is \"{helper}\" now, was not set")),
        }
        changes.push(Change {
            file: path.clone(),
            what: What::Helper(key.clone()),
            before: was,
            set: helper.clone(),
            made_file: bytes.is_none(),
            made_object: matches!(key, Key::CredHelpers(_)) && !after.has_cred_helpers(),
        });
        after.set_helper(key, &helper).with_context(|| shown.clone())?;
    }
    if changes.is_empty() || request.is_dry_run {
        return Ok(before);
    }
    if let Some(bytes) = &bytes {
        let backup = foreign::back_up(&path, bytes)?;
        report.say(format_args!("The file as it was: {}", backup.display()));
    }
    journal.make(
        changes,
        || Ok(files::rewrite(&path, after.as_bytes())?),
        || foreign::read(&path).is_ok_and(|now| now == bytes),
    )?;
    Ok(before)
}
