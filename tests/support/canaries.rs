//! Canaries: secrets that are looked for wherever one could get to, and the runs of the helper in which they are.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::home::{HELPER, Home};
use super::outcome::Outcome;

/// The system calls by which a text leaves a process, or names something: all but those that read.
const CALLS: &str = "trace=execve,write,writev,pwrite64,sendto,sendmsg,openat,rename,renameat,renameat2,link,linkat,\
                     symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,memfd_create,prctl,setxattr";

/// A run of the helper, with all that left its process and those it started.
pub(crate) struct Run {
    pub(crate) words: String,
    pub(crate) outcome: Outcome,
    trace: String,
    /// What it may print.
    answers: Vec<String>,
    /// What was in its environment.
    given: String,
}

impl Run {
    /// Runs it. What it may print, and nothing else of what is secret, are the `answers`.
    pub(crate) fn of(
        home: &Home,
        words: &[&str],
        input: &str,
        variables: &[(&str, &str)],
        answers: &[&str],
    ) -> Self {
        let trace = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = home.command("strace");
        command
            .args([
                "-f",
                "--seccomp-bpf",
                "-qq",
                "-v",
                "-y",
                "-yy",
                "-s",
                "1000000",
                "-e",
                CALLS,
            ])
            .arg("-o")
            .arg(trace.path())
            .arg("env")
            .args(["RUST_BACKTRACE=full", "RUST_LOG=trace"])
            .args(variables.iter().map(|(name, value)| format!("{name}={value}")))
            .arg(HELPER)
            .args(words);
        Self {
            words: words.join(" "),
            outcome: Outcome::of(&mut command, input.as_bytes()),
            trace: fs::read_to_string(trace.path()).expect("a trace"),
            answers: answers.iter().map(|&answer| answer.to_owned()).collect(),
            given: variables.iter().map(|(_, value)| *value).collect(),
        }
    }

    /// What it was and what it said, for who reads why a test failed.
    pub(crate) fn told(&self) -> String {
        format!("{}: {}{}", self.words, self.outcome.stdout, self.outcome.stderr)
    }

    /// It may print this, too.
    pub(crate) fn may_print(&mut self, secret: &str) {
        self.answers.push(secret.to_owned());
    }

    /// What it was let in with, if it was, at Docker Hub's API.
    pub(crate) fn bearer(&self) -> Option<String> {
        let sent = self.trace.lines().filter(|line| line.contains("<TCP:"));
        let mut shown = sent.filter_map(|line| Some(line.split_once(": Bearer ")?.1));
        let is_of_token = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        Some(shown.next()?.chars().take_while(is_of_token).collect())
    }

    /// Where this secret got to and was not to. It may go to the servers on these ports, into a registry token's own
    /// configuration, to its own places, and where it is an answer to the standard output.
    pub(crate) fn leaks(&self, secret: &str, ports: &[String], places: &[&str]) -> Vec<String> {
        let is_answer = self.answers.iter().any(|answer| answer == secret);
        let mut found = Vec::new();
        if shows(self.outcome.stderr.as_bytes(), secret) {
            found.push(format!("{}: on stderr: {}", self.words, self.outcome.stderr));
        }
        if !is_answer && shows(self.outcome.stdout.as_bytes(), secret) {
            found.push(format!("{}: on stdout: {}", self.words, self.outcome.stdout));
        }
        // What others do that the helper has started, who were not told it here.
        let mut others = HashSet::new();
        for line in self.trace.lines() {
            let (process, call) = line.split_once(' ').unwrap_or_default();
            let call = call.trim_start();
            let is_start = call.starts_with("execve(");
            if is_start && !call.contains(HELPER) {
                others.insert(process);
            } else if is_start {
                others.remove(process);
            }
            if !shows(line.as_bytes(), secret) || others.contains(process) && !is_start {
                continue;
            }
            let (to, _) = call.split_once(", ").unwrap_or_default();
            let is_sent = to.contains("<TCP:")
                && ports
                    .iter()
                    .any(|port| to.contains(&format!("->127.0.0.1:{port}]")));
            let is_printed = is_answer && (to.starts_with("write(1<") || to.starts_with("writev(1<"));
            let is_config = to.contains("/runs/") && !is_start;
            // What a client keeps there already is written again where its configuration is changed.
            let is_clients = to.contains("/home/.docker/.new-") && call.starts_with("write(");
            let is_kept = call.starts_with("write(") && places.iter().any(|place| to.contains(place));
            let is_given = is_start && shows(self.given.as_bytes(), secret);
            if !(is_sent || is_printed || is_config || is_clients || is_kept || is_given) {
                found.push(format!("{}: {call}", self.words));
            }
        }
        found
    }

    /// Whether it sent this to one of these ports, or else nothing is proved by its being nowhere else.
    pub(crate) fn sends(&self, secret: &str, ports: &[String]) -> bool {
        self.trace.lines().any(|line| {
            line.contains("<TCP:")
                && ports
                    .iter()
                    .any(|port| line.contains(&format!("->127.0.0.1:{port}]")))
                && shows(line.as_bytes(), secret)
        })
    }
}

/// Whether a secret can be read there, as it is or as it stands in Basic credentials, at any place in them.
pub(crate) fn shows(text: &[u8], secret: &str) -> bool {
    forms(secret)
        .iter()
        .any(|form| text.windows(form.len()).any(|window| window == form.as_bytes()))
}

/// The secret itself, and base64 of it at each of three places: without the digits that what is beside it changes.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for before in 0..3 {
        let encoded = STANDARD.encode(format!("{}{secret}", " ".repeat(before)));
        let first = [0, 2, 3][before];
        let last = (before + secret.len()) * 8 / 6;
        forms.push(encoded.get(first..last).expect("digits").to_owned());
    }
    forms
}

/// The files below a directory in which it can be read. Links are not followed.
pub(crate) fn files_with(directory: &Path, secret: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a kind of file");
        let path = entry.path();
        if kind.is_dir() {
            found.extend(files_with(&path, secret));
        } else if shows(path.as_os_str().as_encoded_bytes(), secret)
            || kind.is_file() && shows(&fs::read(&path).expect("a file"), secret)
        {
            found.push(path);
        }
    }
    found
}
