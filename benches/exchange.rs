//! Exchange: a token server with TLS, and curl, which asks it for the same.

use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::answer;
use crate::certificate::{Root, VALID};

/// Where Debian keeps the roots that both sides read, beside the server's own.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A registry on loopback whose token server is itself, and its certificate's root in docker's directory.
pub(crate) struct TokenServer {
    /// Host and port.
    pub(crate) registry: String,
}

impl TokenServer {
    /// Starts it for the person of this stage; it serves as long as the process lives.
    pub(crate) fn start(stage: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let registry = format!("localhost:{}", listener.local_addr()?.port());
        let root = Root::new("benches");
        let directory = stage.join("config/docker/certs.d").join(&registry);
        fs::create_dir_all(&directory)?;
        File::create(directory.join("root.crt"))?.write_all(root.pem().as_bytes())?;
        let system = fs::read_to_string(SYSTEM_ROOTS).context(SYSTEM_ROOTS)?;
        File::create(stage.join("roots"))?.write_all((system + &root.pem()).as_bytes())?;
        let (config, origin) = (root.server("localhost", VALID), format!("https://{registry}"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who hangs up has had enough; the next one is served all the same.
                let _ = serve(stream, &config, &origin);
            }
        });
        Ok(Self { registry })
    }

    /// The request of an exchange, as a script makes it.
    pub(crate) fn curl(&self, command: &mut Command, stage: &Path, user: &str) {
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
