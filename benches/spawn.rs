//! Times whole processes, from `posix_spawn` to `waitpid`, as docker meets a credential helper.
//!
//! `benches/run` prepares what is measured and calls this with a stage: a directory with `server` and `message` (what
//! `get` and `store` read on stdin) and `registry` (what `token` is asked about), and with the `home`, `data`, `config`,
//! `cache` and `runtime` directories of one person who has stored the same credentials in each helper. In `many` are 999
//! more beside one of them.
//!
//! The compared commands take turns, A B C A B C, so that a slow minute of the machine is everybody's slow minute. On
//! stdout, a line a command: name, runs, runs that failed, median and 99th percentile in ms, parted by tabs.

mod answer;
#[path = "../tests/support/certificate.rs"]
#[expect(
    dead_code,
    clippy::expect_used,
    reason = "it is the tests', who need bad certificates, too"
)]
mod certificate;
mod exchange;
mod harness;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use exchange::TokenServer;

/// Turns of the round; a slow command sits most of them out.
const ROUNDS: usize = 2000;
/// A command through gpg or D-Bus takes 20 to 100 ms: in every twentieth round it still runs a hundred times.
const SLOW: usize = 20;
/// How many `get`s a build with many stages starts at once.
const PARALLEL: usize = 100;
/// Exchanges, ours and curl's.
const EXCHANGES: usize = 200;

fn main() -> Result<()> {
    let arguments = harness::arguments();
    let [stage, bus, empty_bus, noop, musl, gnu, pass, secretservice] = arguments.as_slice() else {
        bail!("benches/run calls this, with: STAGE BUS EMPTY_BUS NOOP MUSL GNU PASS SECRETSERVICE");
    };
    let stage = Stage {
        path: PathBuf::from(stage),
        bus: bus.clone(),
        noop: PathBuf::from(noop),
        since: Instant::now(),
    };

    let mut cases = vec![Case::new("no-op".into(), noop, Request::Get, 1)];
    for (helper, program, every) in [
        ("scoped", musl, 1),
        ("scoped (glibc)", gnu, 1),
        ("pass", pass, SLOW),
        ("secretservice", secretservice, SLOW),
    ] {
        stage.check(program)?;
        cases.push(Case::new(format!("{helper} get"), program, Request::Get, every));
        cases.push(Case::new(format!("{helper} list"), program, Request::List, every));
        cases.push(Case::new(
            format!("{helper} store, same"),
            program,
            Request::Store,
            every,
        ));
        cases.push(Case::new(
            format!("{helper} store, new"),
            program,
            Request::StoreNew,
            every,
        ));
    }
    cases.push(Case::new("scoped get, of 1,000".into(), musl, Request::Get, 1).with_data("many"));
    cases.push(
        Case::new("scoped get, key in the keyring".into(), musl, Request::Get, SLOW)
            .with_data("keyring")
            .on_bus(bus)
            .without("session/docker-credential-scoped/keys"),
    );
    for (what, bus) in [("no bus", ""), ("no service", empty_bus.as_str())] {
        cases.push(
            Case::new(
                format!("scoped store, first, {what}"),
                musl,
                Request::StoreNew,
                SLOW,
            )
            .with_data("first")
            .on_bus(bus)
            .without("first"),
        );
    }
    let registry = fs::read_to_string(stage.path.join("registry"))?;
    let token = Request::Token(registry.trim().to_owned());
    for (helper, program) in [("scoped", musl), ("scoped (glibc)", gnu)] {
        cases.push(Case::new(
            format!("{helper} token, cached"),
            program,
            token.clone(),
            1,
        ));
    }
    for round in 0..ROUNDS {
        for case in cases.iter_mut().filter(|case| round % case.every == 0) {
            stage.time(case)?;
        }
    }
    for (what, program, request, times) in [
        ("scoped, {} parallel get", musl, Request::Get, 100),
        ("scoped, {} parallel token", musl, token, 100),
        ("pass, {} parallel get", pass, Request::Get, 5),
    ] {
        let mut case = Case::new(what.replace("{}", &PARALLEL.to_string()), program, request, 1);
        for _ in 0..times {
            stage.time_parallel(&mut case)?;
        }
        cases.push(case);
    }
    cases.extend(stage.time_exchanges(musl)?);

    let mut stdout = io::stdout().lock();
    for mut case in cases {
        case.times.sort_unstable();
        let (runs, median, p99) = (case.times.len(), case.percentile(50), case.percentile(99));
        writeln!(
            stdout,
            "{}\t{runs}\t{}\t{median:.3}\t{p99:.3}",
            case.name, case.failed
        )?;
    }
    Ok(())
}

/// What a helper is asked.
#[derive(Clone)]
enum Request {
    Get,
    List,
    /// The credential that is already stored.
    Store,
    /// A credential whose secret was another the last time.
    StoreNew,
    /// A token for this registry.
    Token(String),
}

/// One compared command, and how its runs went.
struct Case {
    name: String,
    program: PathBuf,
    request: Request,
    /// Runs in every so many rounds.
    every: usize,
    /// Where what is stored is, on the stage.
    data: &'static str,
    /// The address of a session bus, for one whose key may be in a keyring; empty where there is no bus.
    bus: Option<String>,
    /// What is removed from the stage before each run.
    without: Option<&'static str>,
    times: Vec<Duration>,
    /// Processes that did not end with success: peers do fail when many are asked at once.
    failed: usize,
}

impl Case {
    fn new(name: String, program: &str, request: Request, every: usize) -> Self {
        Self {
            name,
            program: PathBuf::from(program),
            request,
            every,
            data: "data",
            bus: None,
            without: None,
            times: Vec::new(),
            failed: 0,
        }
    }

    fn with_data(self, data: &'static str) -> Self {
        Self { data, ..self }
    }

    fn on_bus(self, bus: &str) -> Self {
        Self {
            bus: Some(bus.to_owned()),
            ..self
        }
    }

    fn without(self, without: &'static str) -> Self {
        Self {
            without: Some(without),
            ..self
        }
    }

    /// In ms. The times are sorted by now.
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(rank).copied().map_or(f64::NAN, harness::milliseconds)
    }
}

/// The person all commands are run as.
struct Stage {
    path: PathBuf,
    /// The address of the session bus behind which the keyring of docker-credential-secretservice is.
    bus: String,
    noop: PathBuf,
    since: Instant,
}

impl Stage {
    /// The command in a clean environment, so that no figure depends on who measures it, with its stdin open.
    fn command(&self, case: &Case) -> Result<Command> {
        let mut command = self.bare_command(&case.program);
        command.env("XDG_DATA_HOME", self.path.join(case.data));
        if case.program.ends_with("docker-credential-secretservice") {
            command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        }
        if let Some(bus) = &case.bus {
            command.env("XDG_RUNTIME_DIR", self.path.join("session"));
            if !bus.is_empty() {
                command.env("DBUS_SESSION_BUS_ADDRESS", bus);
            }
        }
        match &case.request {
            Request::Get => command.arg("get").stdin(File::open(self.path.join("server"))?),
            Request::List => command.arg("list").stdin(Stdio::null()),
            Request::Store => command.arg("store").stdin(File::open(self.path.join("message"))?),
            Request::StoreNew => command.arg("store").stdin(self.new_message()?),
            Request::Token(registry) => command
                .args(["token", registry, "--pull", "acme/app"])
                .stdin(Stdio::null()),
        };
        Ok(command)
    }

    fn bare_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        for (name, directory) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "runtime"),
        ] {
            command.env(name, self.path.join(directory));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A credential beside the five that `get` and `list` ask for, as long as they are.
    fn new_message(&self) -> io::Result<File> {
        let path = self.path.join("new-message");
        let server = "registry.example.org";
        let age = self.since.elapsed().as_nanos();
        write!(
            File::create(&path)?,
            r#"{{"ServerURL":"{server}","Username":"ci","Secret":"dckr_pat_{age:027}"}}"#
        )?;
        File::open(path)
    }

    /// A fast wrong answer is no figure: the helper must answer `get` with what is stored.
    fn check(&self, program: &str) -> Result<()> {
        let stored: serde_json::Value = serde_json::from_reader(File::open(self.path.join("message"))?)?;
        let case = Case::new(String::new(), program, Request::Get, 1);
        let output = self.command(&case)?.stdout(Stdio::piped()).output()?;
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

    /// Exchanges over TLS by a registry that is known, and beside each the same request by curl.
    fn time_exchanges(&self, program: &str) -> Result<[Case; 2]> {
        let server = TokenServer::start(&self.path)?;
        let message: serde_json::Value = serde_json::from_reader(File::open(self.path.join("message"))?)?;
        let text = |field| {
            message
                .get(field)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        let user = format!("{}:{}", text("Username"), text("Secret"));
        let asked = Request::Token(server.registry.clone());
        let mut ours = Case::new("scoped token, exchanged".to_owned(), program, asked, 1);
        let mut curls = Case::new("curl, the same request".to_owned(), "curl", Request::Get, 1);
        let message = message.to_string().replace(text("ServerURL"), &server.registry);
        File::create(self.path.join("registry-message"))?.write_all(message.as_bytes())?;
        let stored = self
            .bare_command(&ours.program)
            .arg("store")
            .stdin(File::open(self.path.join("registry-message"))?)
            .status()?;
        ensure!(stored.success(), "{program} store: {stored}");
        ensure!(
            self.command(&ours)?.status()?.success(),
            "{program} token: failed"
        );
        for _ in 0..EXCHANGES {
            fs::remove_dir_all(self.path.join("runtime/docker-credential-scoped/tokens"))?;
            self.time(&mut ours)?;
            let mut command = self.bare_command(&curls.program);
            server.curl(command.stdin(Stdio::null()), &self.path, &user);
            self.time_command(command, &mut curls)?;
        }
        Ok([ours, curls])
    }

    fn time(&self, case: &mut Case) -> Result<()> {
        if let Some(without) = case.without.map(|name| self.path.join(name)) {
            // Not there yet before the first run.
            if without.exists() {
                fs::remove_dir_all(without)?;
            }
        }
        let command = self.command(case)?;
        self.time_command(command, case)
    }

    fn time_command(&self, mut command: Command, case: &mut Case) -> Result<()> {
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
    fn time_parallel(&self, case: &mut Case) -> Result<()> {
        let mut commands: Vec<_> = (0..PARALLEL).map(|_| self.command(case)).collect::<Result<_>>()?;
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
