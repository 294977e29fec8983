//! A registry (distribution, as Debian packages it) on loopback, which trusts one token server.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use super::token_server::TokenServer;

/// The program.
pub(crate) const REGISTRY: &str = "docker-registry";

/// A running registry with its own storage. It is killed and its storage removed when dropped.
pub(crate) struct Registry {
    address: String,
    process: Child,
    directory: TempDir,
}

impl Registry {
    /// `service` is the name it goes by at the token server.
    pub(crate) fn start(service: &str, token_server: &TokenServer) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        fs::write(path("root.pem"), token_server.root_certificate()).expect("a file");
        // JSON is YAML. Port 0 is any free one; which one is in the log.
        let config = json!({
            "version": "0.1",
            "log": { "level": "info", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": path("storage") } },
            "http": { "addr": "127.0.0.1:0" },
            "auth": { "token": {
                "realm": token_server.realm(),
                "service": service,
                "issuer": token_server.issuer(),
                "rootcertbundle": path("root.pem"),
            }},
        });
        fs::write(path("config.yml"), config.to_string()).expect("a file");
        let log = File::create(path("log")).expect("a file");
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", REGISTRY, "serve"])
            .arg(path("config.yml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("a registry");
        let mut registry = Self {
            address: String::new(),
            process,
            directory,
        };
        registry.address = registry.listening();
        registry
    }

    /// Host and port: what stands before the first slash of an image's name, and the key of its credential.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The full name of an image in it.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    fn listening(&self) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let log = fs::read_to_string(self.directory.path().join("log")).expect("a log");
            let listening = log.split_once("listening on ").map(|(_, rest)| rest);
            let is_address = |byte: &char| byte.is_ascii_digit() || ".:".contains(*byte);
            if let Some(rest) = listening {
                return rest.chars().take_while(is_address).collect();
            }
            assert!(Instant::now() < deadline, "the registry does not listen:\n{log}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
