//! The helper under strace: the calls it makes, one of which then kills it or fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::home::{HELPER, Home};
use super::outcome::Outcome;
use super::peer;

/// What a system says that refuses: it is full, broken, read-only, over its quota, or out of files; may not; or was
/// disturbed.
pub(crate) const ERRORS: [&str; 7] = ["ENOSPC", "EIO", "EROFS", "EDQUOT", "EMFILE", "EACCES", "EINTR"];

/// A call that was made.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// The how manyth of that name it was in its thread: strace counts so.
    pub(crate) count: usize,
    arguments: String,
}

impl Call {
    /// Whether something is different after it: in the files, or for a server.
    pub(crate) fn changes(&self) -> bool {
        match self.name.as_str() {
            "open" | "openat" => self.arguments.contains("O_CREAT"),
            // What wakes another thread changes nothing.
            "write" => !self.arguments.contains("anon_inode:"),
            name => [
                "pwrite", "writev", "sync", "truncate", "rename", "link", "mkdir", "rmdir", "utime", "chmod",
                "chown", "send",
            ]
            .iter()
            .any(|part| name.contains(part)),
        }
    }

    /// Whether it is about a file or a directory at all.
    pub(crate) fn is_of_files(&self) -> bool {
        [
            "open", "read", "write", "sync", "truncate", "rename", "link", "mkdir", "rmdir", "utime",
            "chmod", "chown", "stat", "getdents", "flock", "fcntl", "socket", "connect", "send", "recv",
        ]
        .iter()
        .any(|part| self.name.contains(part))
    }

    /// Whether it names this path or one below.
    pub(crate) fn touches(&self, path: &Path) -> bool {
        self.arguments.contains(path.to_str().expect("a path in UTF-8"))
    }

    /// The option that has strace do something at this call.
    pub(crate) fn inject(&self, what: &str) -> String {
        format!("inject={}:{what}:when={}", self.name, self.count)
    }
}

/// The calls in what `strace -f -y` wrote; those by which the program is loaded are left out.
pub(crate) fn calls(trace: &str) -> Vec<Call> {
    let (mut counts, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let Some((name, arguments)) = call.trim_start().split_once('(') else {
            continue;
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let count = counts.entry((thread.to_owned(), name.to_owned())).or_insert(0);
        *count += 1;
        let is_loading = ["/lib/", "/etc/ld.so", "/usr/lib"]
            .iter()
            .any(|part| arguments.contains(part));
        if is_loading || matches!(name, "execve" | "exit_group") || !seen.insert((name.to_owned(), *count)) {
            continue;
        }
        calls.push(Call {
            name: name.to_owned(),
            count: *count,
            arguments: arguments.to_owned(),
        });
    }
    assert!(calls.len() > 10, "{trace}");
    calls
}

/// Runs it with calls that end otherwise, as `inject` says.
pub(crate) fn run_with(home: &Home, inject: &str, arguments: &[&str], input: &[u8]) -> Outcome {
    let mut command = home.command("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-e", inject, HELPER])
        .args(arguments);
    Outcome::of(&mut command, input)
}

/// Evenly spread over all: so many of them, the first and the last among them, or all where they are fewer.
pub(crate) fn sample<T>(all: Vec<T>, count: u32) -> Vec<T> {
    let (length, count) = (all.len(), usize::try_from(count).expect("a count"));
    if length <= count {
        return all;
    }
    let chosen: BTreeSet<_> = (0..count)
        .map(|number| number * (length - 1) / (count - 1))
        .collect();
    let is_chosen = |(place, one)| chosen.contains(&place).then_some(one);
    all.into_iter().enumerate().filter_map(is_chosen).collect()
}

pub(crate) fn is_there() -> bool {
    peer::can("strace", &["-qq", "-o", "/dev/null", "true"])
}
