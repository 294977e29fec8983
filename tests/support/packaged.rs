//! Clients that a language's package registry carries, each in its pinned version, installed once per build.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::peer;

/// Python with `packages` (`name==version`), or nothing where it is not to be had.
pub(crate) fn python(packages: &[&str]) -> Option<PathBuf> {
    if !peer::present(&["python3"]) {
        return None;
    }
    let directory = installed("python", packages, |directory| {
        let pip = directory.join("bin/pip");
        run(Command::new("python3").args(["-m", "venv"]).arg(directory))
            && run(Command::new(pip).args(["install", "--quiet"]).args(packages))
    })?;
    Some(directory.join("bin/python"))
}

/// The `node_modules` with `package` (`name@version`) in it, or nothing where it is not to be had.
pub(crate) fn node(package: &str) -> Option<PathBuf> {
    if !peer::present(&["node", "npm"]) {
        return None;
    }
    let directory = installed("node", &[package], |directory| {
        run(Command::new("npm")
            .args(["install", "--silent", "--no-save", "--ignore-scripts", "--prefix"])
            .arg(directory)
            .arg(package))
    })?;
    Some(directory.join("node_modules"))
}

/// The directory that `install` has filled, whichever test came first.
fn installed(kind: &str, packages: &[&str], install: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = root.join(format!("{kind}-{}", packages.join("-").replace('/', "-")));
    fs::create_dir_all(&directory).expect("a directory");
    let lock = File::create(directory.join("lock")).expect("a file");
    lock.lock().expect("a lock");
    let done = directory.join("installed");
    if !done.exists() {
        if !install(&directory) {
            peer::skip(&format!("cannot install {}", packages.join(" ")));
            return None;
        }
        File::create(done).expect("a file");
    }
    Some(directory)
}

fn run(command: &mut Command) -> bool {
    match command.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprintln!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
            false
        }
        Err(error) => {
            eprintln!("{command:?}: {error}");
            false
        }
    }
}
