//! The program in an empty home, as a person runs its commands.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test stops at what it did not expect, and writes files plainly"
)]

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::TempDir;

const PROGRAM: &str = "docker-credential-scoped";

/// A home, with everything the program reads and writes below one directory, and the program on the PATH.
pub(crate) struct Home {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What the program said. The directory of the test is written `[T]`, and what is said of the directories that
/// only a machine's owner can change is left out: it depends on the machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn is(&self, code: i32, stdout: &str, stderr: &str) {
        assert_eq!(self.stdout, stdout, "stdout; stderr: {}", self.stderr);
        assert_eq!(self.stderr, stderr, "stderr");
        assert_eq!(self.code, Some(code), "exit code");
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            variables: Vec::new(),
        };
        for name in ["bin", "home", "run"] {
            DirBuilder::new()
                .mode(0o700)
                .create(home.at(name))
                .expect("a new directory");
        }
        symlink(
            env!("CARGO_BIN_EXE_docker-credential-scoped"),
            home.at("bin").join(PROGRAM),
        )
        .expect("a link");
        home
    }

    /// The same with a variable set.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.replace("[T]", &self.at("").to_string_lossy());
        self.variables.push((name, value.replace("//", "/")));
        self
    }

    /// A path below the directory of the test.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, text).expect("a file");
        path
    }

    pub(crate) fn write_config(&self, text: &str) -> PathBuf {
        self.write("home/.docker/config.json", text)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).expect("a text")
    }

    pub(crate) fn config(&self) -> String {
        self.read("home/.docker/config.json")
    }

    pub(crate) fn backup(&self) -> String {
        self.read("home/.docker/config.json.before-docker-credential-scoped")
    }

    pub(crate) fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.at(path)).expect("a file").permissions().mode() & 0o7777
    }

    pub(crate) fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), Permissions::from_mode(mode)).expect("a file");
    }

    /// A program on the PATH.
    pub(crate) fn install(&self, name: &str, script: &str) {
        let path = self.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}"));
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a file");
    }

    /// Another helper, with these credentials in files of its own, which writes down what it is asked.
    pub(crate) fn install_helper(&self, name: &str, credentials: &[(&str, &str, &str)]) {
        let directory = self.at(&format!("helper-{name}"));
        fs::create_dir(&directory).expect("a new directory");
        let mut listing = Vec::new();
        for (server, account, secret) in credentials {
            let answer = serde_json::json!({"ServerURL": server, "Username": account, "Secret": secret});
            fs::write(directory.join(server.replace('/', "_")), format!("{answer}\n")).expect("a file");
            listing.push(format!("\"{server}\":\"{account}\""));
        }
        fs::write(directory.join("listing"), format!("{{{}}}\n", listing.join(","))).expect("a file");
        let script = format!(
            "cd '{}'\n\
             input=$(cat)\n\
             echo \"$1 $input\" >>asked\n\
             file=$(echo \"$input\" | tr / _)\n\
             case $1 in\n\
             list) cat listing ;;\n\
             get) if [ -f \"$file\" ]; then cat \"$file\"; else\n\
             echo 'credentials not found in native keychain'; exit 1; fi ;;\n\
             *) exit 1 ;;\n\
             esac\n",
            directory.display()
        );
        self.install(&format!("docker-credential-{name}"), &script);
    }

    /// What another helper was asked, a line each.
    pub(crate) fn asked(&self, helper: &str) -> String {
        self.read(&format!("helper-{helper}/asked"))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.said(&self.command(PROGRAM, arguments).output().expect("a program"))
    }

    /// As a client runs it: one verb, and its message on stdin.
    pub(crate) fn ask(&self, program: &str, verb: &str, input: &str) -> Said {
        self.ask_through(program, &[], verb, input)
    }

    /// The same by a program that starts it, with words of its own before the verb.
    pub(crate) fn ask_through(&self, program: &str, words: &[&str], verb: &str, input: &str) -> Said {
        let mut child = self
            .command(program, words)
            .arg(verb)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program");
        let mut stdin = child.stdin.take().expect("a pipe");
        // What is not read is no failure of the program.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        self.said(&child.wait_with_output().expect("a child"))
    }

    /// As a person runs it in a terminal of its own, in which `answer` is typed. What is said on both streams, with the line
    /// ends and the echo of a terminal.
    pub(crate) fn run_in_terminal(&self, arguments: &[&str], answer: &str) -> String {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("a terminal");
        unlockpt(&terminal).expect("a terminal");
        let name = ptsname(&terminal, Vec::new()).expect("a terminal");
        let inside = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().expect("a path"))
            .expect("a terminal");
        let stream = || Stdio::from(inside.try_clone().expect("a second handle"));
        let mut child = self
            .command("setsid", &["--ctty", "--wait", PROGRAM])
            .args(arguments)
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("a program");
        drop(inside);
        let mut terminal = File::from(terminal);
        terminal.write_all(answer.as_bytes()).expect("a terminal");
        let mut seen = Vec::new();
        // The terminal ends with an error when nobody is left inside.
        let _ = terminal.read_to_end(&mut seen);
        child.wait().expect("a child");
        self.plain(&seen).replace("\r\n", "\n")
    }

    /// What is in the store of a profile for a server, as `account secret`.
    pub(crate) fn stored(&self, program: &str, server: &str) -> Option<String> {
        let said = self.ask(program, "get", server);
        let answer: serde_json::Value = serde_json::from_str(&said.stdout).ok()?;
        Some(format!(
            "{} {}",
            answer.get("Username")?.as_str()?,
            answer.get("Secret")?.as_str()?
        ))
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let bin = self.at("bin");
        let mut command = if program.starts_with(PROGRAM) {
            Command::new(bin.join(program))
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", self.at("home"))
            .env("XDG_RUNTIME_DIR", self.at("run"))
            // Where what is compiled to count the lines that run writes them down.
            .envs(env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .envs(self.variables.iter().cloned())
            .current_dir(self.at("home"));
        command
    }

    fn said(&self, output: &Output) -> Said {
        Said {
            code: output.status.code(),
            stdout: self.plain(&output.stdout),
            stderr: self.plain(&output.stderr),
        }
    }

    fn plain(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let text = text.replace(&*self.directory.path().to_string_lossy(), "[T]");
        text.split_inclusive('\n')
            .filter(|line| !line.starts_with("warning: sudo and services"))
            .collect()
    }
}

/// Whether a path is there, if only as a link.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
