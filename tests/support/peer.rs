//! The programs a test is played against: where they are, and what happens where one is missing.

use std::env;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// Whether all of `programs` are installed. Where not, a test has nothing to prove: it says so in one line and
/// ends. In CI (`CI` is set) that would be a proof silently lost, so there it fails.
pub(crate) fn present(programs: &[&str]) -> bool {
    let mut missing = String::new();
    for program in programs {
        if find(program).is_none() {
            write!(missing, " {program}").expect("a string takes any text");
        }
    }
    missing.is_empty() || skip(&format!("not installed:{missing}"))
}

/// Says which of several installed versions it is, for whoever reads why a test failed.
pub(crate) fn name(program: &str) {
    let path = find(program).expect("a program that is there");
    let version = Command::new(&path)
        .arg("--version")
        .output()
        .expect("a program that starts");
    eprintln!(
        "{}: {}",
        path.display(),
        String::from_utf8_lossy(&version.stdout).trim()
    );
}

/// Whether this is root, whom an engine of one's own needs.
pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root() || skip("not root")
}

/// Whether a program is there and allowed to do what the test needs of it.
pub(crate) fn can(program: &str, arguments: &[&str]) -> bool {
    let tried = Command::new(program).args(arguments).output();
    tried.is_ok_and(|output| output.status.success())
        || skip(&format!("cannot run {program} {}", arguments.join(" ")))
}

/// The first of that name on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// Says so, once, that this test proves nothing here.
pub(crate) fn skip(why: &str) -> bool {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(env::var_os("CI").is_none(), "{test}: {why}");
    eprintln!("skipped {test}: {why}");
    false
}
