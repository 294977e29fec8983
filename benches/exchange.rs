//! Exchange: a token server with TLS that counts what it is asked, and curl, which asks it for the same.

use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answer;
use crate::case::{Case, Request};
use crate::certificate::{Root, VALID};
use crate::stage::Stage;

/// Where Debian keeps the roots that both sides read, beside the server's own.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where whoever asks keeps what it stored and what it got.
const DATA: &str = "exchange";
const RUNTIME: &str = "exchanging";
/// Exchanges, ours and curl's.
const EXCHANGES: usize = 200;
/// How many processes ask at once for a token that nobody has.
const CROWD: usize = 200;
const CROWDS: usize = 20;

/// Exchanges over TLS with a registry that is known, beside each the same request by curl, exchanges with a registry
/// that has to be asked for its challenge, and those of a crowd.
pub(crate) fn time(stage: &Stage, program: &str) -> Result<Vec<Case>> {
    let server = TokenServer::start(&stage.path)?;
    let case = |name: &str| {
        Case::new(name, program, Request::Token(server.registry.clone()))
            .with_data(DATA)
            .with_runtime(RUNTIME)
            .without("exchanging/docker-credential-scoped/tokens")
    };
    let mut known = case("scoped token, exchanged");
    let mut unknown =
        case("scoped token, challenged").without("exchange/docker-credential-scoped/registries");
    let mut crowd = case("scoped, 200 parallel token");
    let mut curl = Case::new("curl, the same request", "curl", Request::Get);
    let message = stage.message()?;
    let text = |field| message.get(field).and_then(serde_json::Value::as_str);
    let user = format!(
        "{}:{}",
        text("Username").unwrap_or_default(),
        text("Secret").unwrap_or_default()
    );
    stage.store(&known, &server.registry)?;
    // Finds out where tokens are had.
    stage.time(&mut unknown.clone())?;
    for _ in 0..EXCHANGES {
        server.count(&mut known, |case| stage.time(case))?;
        server.count(&mut curl, |case| {
            let mut command = stage.bare_command(&case.program);
            server.curl(command.stdin(Stdio::null()), &stage.path, &user);
            stage.time_command(command, case)
        })?;
        server.count(&mut unknown, |case| stage.time(case))?;
    }
    for _ in 0..CROWDS {
        server.count(&mut crowd, |case| stage.time_parallel(case, CROWD))?;
    }
    Ok(vec![known, curl, unknown, crowd])
}

/// A registry on loopback whose token server is itself, and its certificate's root in docker's directory.
struct TokenServer {
    /// Host and port.
    registry: String,
    requests: Arc<AtomicUsize>,
}

impl TokenServer {
    /// Starts it for the person of this stage; it serves as long as the process lives.
    fn start(stage: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let registry = format!("localhost:{}", listener.local_addr()?.port());
        let root = Root::new("benches");
        let directory = stage.join("config/docker/certs.d").join(&registry);
        fs::create_dir_all(&directory)?;
        File::create(directory.join("root.crt"))?.write_all(root.pem().as_bytes())?;
        let system = fs::read_to_string(SYSTEM_ROOTS).context(SYSTEM_ROOTS)?;
        File::create(stage.join("roots"))?.write_all((system + &root.pem()).as_bytes())?;
        let (config, origin) = (root.server("localhost", VALID), format!("https://{registry}"));
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                // Who hangs up has had enough; the next one is served all the same.
                let _ = serve(stream, &config, &origin);
            }
        });
        Ok(Self { registry, requests })
    }

    /// Counts what a run asked: a connection serves one request.
    fn count(&self, case: &mut Case, run: impl FnOnce(&mut Case) -> Result<()>) -> Result<()> {
        let before = self.requests.load(Ordering::SeqCst);
        run(case)?;
        let asked = self.requests.load(Ordering::SeqCst) - before;
        ensure!(asked > 0, "{}: it was not exchanged", case.name);
        case.requests = case.requests.max(asked);
        Ok(())
    }

    /// The request of an exchange, as a script makes it.
    fn curl(&self, command: &mut Command, stage: &Path, user: &str) {
        let scope = "repository:acme/app:pull";
        command
            .args(["--silent", "--show-error", "--fail", "--user", user, "--cacert"])
            .arg(stage.join("roots"))
            .arg(format!(
                "https://{}/token?service=bench&scope={scope}",
                self.registry
            ));
    }
}

fn serve(stream: TcpStream, config: &Arc<ServerConfig>, origin: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config))?, stream);
    answer::serve(&mut stream, origin)?;
    stream.conn.send_close_notify();
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(())
}
