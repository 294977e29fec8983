//! Stage: the directories of the person all commands are run as, and how a run is timed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::case::{Case, Request};

/// Whose credential is new at each run. It stands beside those that `get` and `list` ask for.
const NEW: &str = "registry.example.org";

pub(crate) struct Stage {
    pub(crate) path: PathBuf,
    noop: PathBuf,
    since: Instant,
}

impl Stage {
    pub(crate) fn new(path: &str, noop: &str) -> Self {
        Self {
            path: PathBuf::from(path),
            noop: PathBuf::from(noop),
            since: Instant::now(),
        }
    }

    /// The command in a clean environment, so that no figure depends on who measures it, with its stdin open.
    fn command(&self, case: &Case) -> Result<Command> {
        self.ask(case, &case.request)
    }

    fn ask(&self, case: &Case, request: &Request) -> Result<Command> {
        let mut command = self.bare_command(&case.program);
        command
            .env("XDG_DATA_HOME", self.path.join(&case.data))
            .env("XDG_RUNTIME_DIR", self.path.join(&case.runtime));
        if !case.bus.is_empty() {
            command.env("DBUS_SESSION_BUS_ADDRESS", &case.bus);
        }
        match request {
            Request::Get => command.arg("get").stdin(File::open(self.path.join("server"))?),
            Request::List => command.arg("list").stdin(Stdio::null()),
            Request::Store => command.arg("store").stdin(File::open(self.path.join("message"))?),
            Request::StoreNew => command.arg("store").stdin(self.new_message()?),
            Request::Erase => command.arg("erase").stdin(self.file("new-server", NEW)?),
            Request::Token(registry) => command
                .args(["token", registry, "--pull", "acme/app"])
                .stdin(Stdio::null()),
            Request::TokenNew(registry) => command
                .args(["token", registry, "--pull"])
                .arg(format!("acme/other-{}", self.since.elapsed().as_nanos()))
                .stdin(Stdio::null()),
        };
        Ok(command)
    }

    pub(crate) fn bare_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        for (name, directory) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(name, self.path.join(directory));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// As long as the credentials that are stored.
    fn new_message(&self) -> Result<File> {
        let age = self.since.elapsed().as_nanos();
        self.file(
            "new-message",
            &format!(r#"{{"ServerURL":"{NEW}","Username":"ci","Secret":"dckr_pat_{age:027}"}}"#),
        )
    }

    /// A file on the stage, to be read from its beginning.
    fn file(&self, name: &str, content: &str) -> Result<File> {
        let path = self.path.join(name);
        File::create(&path)?.write_all(content.as_bytes())?;
        Ok(File::open(path)?)
    }

    /// The registry that `token` is asked about.
    pub(crate) fn registry(&self) -> io::Result<String> {
        Ok(fs::read_to_string(self.path.join("registry"))?.trim().to_owned())
    }

    /// What is stored, as `store` was told it.
    pub(crate) fn message(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_reader(File::open(self.path.join("message"))?)?)
    }

    /// A fast wrong answer is no figure: the helper must answer `get` with what is stored.
    pub(crate) fn check(&self, case: &Case) -> Result<()> {
        let stored = self.message()?;
        let program = case.program.display();
        let output = self.ask(case, &Request::Get)?.stdout(Stdio::piped()).output()?;
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{program} get: {}", String::from_utf8_lossy(&output.stdout)))?;
        for field in ["ServerURL", "Username", "Secret"] {
            ensure!(
                answer.get(field) == stored.get(field),
                "{program} get: not the {field} that was stored"
            );
        }
        Ok(())
    }

    /// Stores the credential that `get` asks for under another server's name.
    pub(crate) fn store(&self, case: &Case, server: &str) -> Result<()> {
        let mut message = self.message()?;
        if let Some(url) = message.get_mut("ServerURL") {
            *url = server.into();
        }
        let mut command = self.ask(case, &Request::Store)?;
        let stored = command
            .stdin(self.file("registry-message", &message.to_string())?)
            .status()?;
        ensure!(stored.success(), "store: {stored}");
        Ok(())
    }

    /// What goes before a run, on nobody's time.
    fn prepare(&self, case: &Case) -> Result<()> {
        for without in case.without.iter().map(|name| self.path.join(name)) {
            // Not there yet before the first run.
            if without.exists() {
                fs::remove_dir_all(without)?;
            }
        }
        if matches!(case.request, Request::Erase) {
            let stored = self.ask(case, &Request::StoreNew)?.status()?;
            ensure!(stored.success(), "{}: store: {stored}", case.name);
        }
        Ok(())
    }

    pub(crate) fn time(&self, case: &mut Case) -> Result<()> {
        self.prepare(case)?;
        let command = self.command(case)?;
        self.time_command(command, case)
    }

    pub(crate) fn time_command(&self, mut command: Command, case: &mut Case) -> Result<()> {
        // Whoever follows a command that waited for gpg or the disk finds cold caches and an idle processor. So
        // everyone follows the same neighbour, whose time does not count.
        Command::new(&self.noop).status()?;
        let start = Instant::now();
        let status = command.status()?;
        case.times.push(start.elapsed());
        case.failed += usize::from(!status.success());
        Ok(())
    }

    /// From the start of the first of many at once to the end of the last.
    pub(crate) fn time_parallel(&self, case: &mut Case, many: usize) -> Result<()> {
        self.prepare(case)?;
        let mut commands: Vec<_> = (0..many).map(|_| self.command(case)).collect::<Result<_>>()?;
        let start = Instant::now();
        let mut children: Vec<_> = commands
            .iter_mut()
            .map(Command::spawn)
            .collect::<io::Result<_>>()?;
        for child in &mut children {
            case.failed += usize::from(!child.wait()?.success());
        }
        case.times.push(start.elapsed());
        Ok(())
    }
}
