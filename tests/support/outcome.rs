//! What running a program came to.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// The end of a program and all it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    command: String,
    succeeded: bool,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Runs to the end. Nobody answers a prompt: where `input` ends, the input ends.
    pub(crate) fn of(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().expect("a pipe");
        // What is not read is no failure of the program.
        let _ = stdin.write_all(input);
        drop(stdin);
        Self::from_output(command, &child.wait_with_output().expect("a child to wait for"))
    }

    /// What was seen of a program that somebody else ran.
    pub(crate) fn from_output(command: &Command, output: &Output) -> Self {
        Self {
            command: format!("{command:?}"),
            succeeded: output.status.success(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, which must have said exactly this, with this exit code.
    #[track_caller]
    pub(crate) fn is(self, stdout: &str, stderr: &str, code: i32) -> Self {
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str(), self.code),
            (stdout, stderr, Some(code)),
            "{}",
            self.command
        );
        self
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        self.succeeded
    }

    /// The same, which must have been a success.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert!(
            self.succeeded,
            "{}\nstdout: {}\nstderr: {}",
            self.command, self.stdout, self.stderr
        );
        self
    }

    /// The same, which must have failed.
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert!(
            !self.succeeded,
            "{} went well\nstdout: {}\nstderr: {}",
            self.command, self.stdout, self.stderr
        );
        self
    }
}
