//! Profile link: the name by which clients start this program for a profile.
//!
//! docker runs `docker-credential-NAME` with nothing but a verb, so the profile can only be in the name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::client_config::{Change, What};
use crate::command::Report;
use crate::command::configure::Request;
use crate::command::configure::journal::Journal;
use crate::command::configure::search_path::{file_name, link_command};
use crate::files::foreign;
use crate::settings::{self, Variables};

/// Makes the link unless there is one; gives its path if it is yet to be found.
pub(super) fn make(
    program: &str,
    executable: &Path,
    request: &Request,
    variables: Variables<'_>,
    journal: &mut Journal,
    report: &mut Report,
) -> Result<Option<PathBuf>> {
    let directories = settings::search_path(variables);
    let name = file_name(program);
    if let Some(path) = foreign::find_executable(&name, &directories)
        && foreign::is_same(&path, executable)
    {
        report.say(format_args!("{}: is there already", path.display()));
        return Ok(None);
    }
    // Beside what a client finds, which may be a link to this file in another directory.
    let ours = foreign::find_executable(&file_name("docker-credential-scoped"), &directories)
        .filter(|path| foreign::is_same(path, executable))
        .unwrap_or_else(|| executable.to_owned());
    let target = PathBuf::from(ours.file_name().context("this program has no name")?);
    let path = ours.with_file_name(&name);
    let shown = path.display();
    if foreign::is_there(&path) {
        ensure!(
            foreign::is_same(&path, executable),
            "{shown}: is there and is another program; move it away"
        );
        report.say(format_args!("{shown}: is there already"));
        return Ok(None);
    }
    if !request.is_dry_run {
        let change = Change {
            file: path.clone(),
            what: What::Link,
            before: None,
            set: target.to_string_lossy().into_owned(),
            made_file: true,
            made_object: false,
        };
        let make = || {
            foreign::link(&path, &target).with_context(|| {
                format!(
                    "no link for the profile; run: {}, then this again",
                    link_command(&path, &target)
                )
            })
        };
        journal.make(vec![change], make, || !foreign::is_there(&path))?;
    }
    report.say(format_args!("{shown}: links to {} now", target.display()));
    Ok(Some(path))
}
