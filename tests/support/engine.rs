//! A docker engine of one's own: dockerd with its own containerd, its own image store and its own socket.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running engine. Nothing of it is left when it is dropped, or when the test that started it is killed.
pub(crate) struct Engine {
    process: Child,
    directory: TempDir,
}

impl Engine {
    /// Needs root, and the programs dockerd and containerd.
    ///
    /// The kernel cleans up: dockerd is the first process of a process namespace, so its containerd ends with it,
    /// and what it mounts is in a mount namespace that ends with the last of them. `unshare --kill-child` kills
    /// it when unshare ends, and `setpriv --pdeathsig` ends unshare when the test ends, however it ends.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        let log = File::create(path("log")).expect("a file");
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args([
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args([
                "dockerd",
                "--iptables=false",
                "--ip-masq=false",
                "--bridge=none",
                "--storage-driver=vfs",
            ])
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .arg("--host")
            .arg(format!("unix://{}", path("socket").display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("an engine");
        let engine = Self { process, directory };
        engine.wait();
        engine
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.directory.path().join("socket").display())
    }

    /// Where all of it is.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.answers() {
            let log = fs::read_to_string(self.directory.path().join("log")).expect("a log");
            assert!(Instant::now() < deadline, "the engine does not answer:\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// `GET /_ping` of the engine's API.
    fn answers(&self) -> bool {
        let Ok(mut socket) = UnixStream::connect(self.directory.path().join("socket")) else {
            return false;
        };
        let mut answer = String::new();
        socket.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").is_ok()
            && socket.read_to_string(&mut answer).is_ok()
            && answer.ends_with("OK")
    }
}

impl Drop for Engine {
    /// Kills dockerd, not unshare: the first process of a namespace is gone only when all others are, and unshare
    /// ends after it.
    fn drop(&mut self) {
        let unshare = self.process.id();
        let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children"));
        let dockerd = children
            .ok()
            .and_then(|children| Pid::from_raw(children.trim().parse().ok()?));
        let killed = dockerd.is_some_and(|dockerd| kill_process(dockerd, Signal::KILL).is_ok());
        if !killed {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}
