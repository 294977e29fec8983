//! Search path: whether a client, sudo and services find this program under the name the configuration gives it.

use std::path::Path;

use crate::files::foreign;
use crate::settings::{self, Variables};

/// What stands in the way of finding `program`. `link` is one that was made now, or would be.
pub(super) fn warning(
    program: &str,
    client: &str,
    executable: &Path,
    link: Option<&Path>,
    variables: Variables<'_>,
) -> Option<String> {
    let directories = settings::search_path(variables);
    let name = file_name(program);
    let link = link.filter(|link| {
        directories
            .iter()
            .any(|directory| link.parent() == Some(directory))
    });
    let Some(found) = foreign::find_executable(&name, &directories).or(link.map(Path::to_owned)) else {
        let way = way_onto_path(executable, &name);
        let run = if cfg!(windows) { "" } else { "run: " };
        return Some(format!(
            "warning: {client} does not find {program} on PATH; {run}{way}"
        ));
    };
    let is_this = |path: &Path| link == Some(path) || foreign::is_same(path, executable);
    let shown = found.display();
    if !is_this(&found) {
        return Some(format!(
            "warning: {client} finds {shown}, which is another program than {}; remove it, or put this one before \
             it on PATH",
            executable.display()
        ));
    }
    if !cfg!(unix) {
        return None;
    }
    match foreign::find_executable(&name, &settings::system_search_path()) {
        Some(path) if is_this(&path) => None,
        Some(path) => Some(format!(
            "warning: sudo and services find {}, which is another program than {shown}",
            path.display()
        )),
        None => Some(format!(
            "warning: sudo and services do not look for programs in {}; for them, run: sudo ln -s {} \
             /usr/local/bin/{name}",
            found.parent().unwrap_or(&found).display(),
            quoted(&found),
        )),
    }
}

/// What a person does for a program to be found. On Windows no directory for everybody's programs is on PATH.
#[must_use]
pub fn way_onto_path(executable: &Path, name: &str) -> String {
    if cfg!(windows) {
        let directory = executable.parent().unwrap_or(executable);
        format!("add {} to PATH", directory.display())
    } else {
        format!("sudo ln -s {} /usr/local/bin/{name}", quoted(executable))
    }
}

/// The command by which a person makes a link.
pub(super) fn link_command(path: &Path, target: &Path) -> String {
    let (path, target) = (quoted(path), quoted(target));
    if cfg!(windows) {
        format!(
            "New-Item -ItemType SymbolicLink -Path {path} -Target {target} (in PowerShell as administrator)"
        )
    } else {
        format!("sudo ln -s {target} {path}")
    }
}

/// The file's name for a program.
pub(super) fn file_name(program: &str) -> String {
    format!("{program}{}", std::env::consts::EXE_SUFFIX)
}

/// A path as a shell takes it for one word.
pub(super) fn quoted(path: &Path) -> String {
    crate::command::quoted(&path.to_string_lossy())
}
