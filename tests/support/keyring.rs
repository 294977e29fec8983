//! A session bus of one's own with gnome-keyring behind it, and buses that do not answer. Never the machine's.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use rustix::process::{Pid, Signal, kill_process};
use zbus::blocking::{Connection, Proxy, connection};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::home::Home;
use super::peer;

/// Where a desktop's session has its bus: whoever looks there needs no variable.
pub(crate) fn bus_of(home: &Home) -> PathBuf {
    home.runtime().join("bus")
}

/// A session bus. It starts no service by itself.
pub(crate) struct Bus {
    process: Child,
    socket: PathBuf,
}

impl Bus {
    /// Where there is a program for it.
    pub(crate) fn start(home: &Home) -> Option<Self> {
        if !peer::present(&["dbus-daemon", "setpriv"]) {
            return None;
        }
        let socket = bus_of(home);
        let configuration = home.directory().join("bus.conf");
        fs::write(&configuration, configuration_of(&socket)).expect("a file");
        let process = bound(home, "dbus-daemon")
            .args(["--nofork", "--nopidfile", "--config-file"])
            .arg(configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a bus");
        let bus = Self { process, socket };
        wait("the bus", || UnixStream::connect(&bus.socket).is_ok());
        Some(bus)
    }

    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub(crate) fn address(&self) -> String {
        address_of(&self.socket)
    }

    pub(crate) fn connect(&self) -> Connection {
        connection::Builder::address(self.address().as_str())
            .and_then(connection::Builder::build)
            .expect("a bus that answers")
    }

    /// Ends it; what was connected has no bus from then on.
    pub(crate) fn end(&mut self) {
        end(&mut self.process);
        let _ = fs::remove_file(&self.socket);
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.end();
    }
}

/// gnome-keyring behind a bus of its own.
pub(crate) struct GnomeKeyring {
    daemon: Child,
    connection: Connection,
    bus: Bus,
}

const SERVICE: &str = "org.freedesktop.secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
const PASSWORD: &str = "password-of-the-session";

impl GnomeKeyring {
    /// As it is after somebody has logged in: the login collection is there and open. `None` where there is no
    /// gnome-keyring.
    pub(crate) fn unlocked(home: &Home) -> Option<Self> {
        Self::start(home, true)
    }

    /// As it is where nobody has ever logged in with a password: it answers, and has no login collection.
    pub(crate) fn never_unlocked(home: &Home) -> Option<Self> {
        Self::start(home, false)
    }

    fn start(home: &Home, is_unlocked: bool) -> Option<Self> {
        if !peer::present(&["gnome-keyring-daemon"]) {
            return None;
        }
        let bus = Bus::start(home)?;
        let connection = bus.connect();
        let daemon = daemon(home, &bus, &connection, is_unlocked);
        Some(Self {
            daemon,
            connection,
            bus,
        })
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) fn lock(&self) {
        let (locked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = self
            .service()
            .call("Lock", &(vec![ObjectPath::from_static_str_unchecked(LOGIN)],))
            .expect("a keyring that locks");
        assert_eq!((locked.len(), prompt.as_str()), (1, "/"));
    }

    /// As the person does who types the password, without a prompt.
    pub(crate) fn unlock(&self) {
        let (_, session): (OwnedValue, OwnedObjectPath) = self
            .service()
            .call("OpenSession", &("plain", Value::from("")))
            .expect("a session");
        let proxy = Proxy::new(
            &self.connection,
            SERVICE,
            "/org/freedesktop/secrets",
            "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
        )
        .expect("a proxy");
        let secret = (&session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
        let login = ObjectPath::from_static_str_unchecked(LOGIN);
        proxy
            .call::<_, _, ()>("UnlockWithMasterPassword", &(login, secret))
            .expect("a keyring that unlocks");
    }

    /// How many keys of the helper's it holds.
    pub(crate) fn keys(&self) -> usize {
        let of_ours = std::collections::HashMap::from([("service", "docker-credential-scoped")]);
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = self
            .service()
            .call("SearchItems", &(of_ours,))
            .expect("a keyring that searches");
        unlocked.len() + locked.len()
    }

    /// Kills the daemon; the bus goes on, and has nobody of that name.
    pub(crate) fn kill(&mut self) {
        end(&mut self.daemon);
        wait("the end of the keyring", || owner(&self.connection).is_none());
    }

    /// Starts it again, unlocked, after it was killed.
    pub(crate) fn restart(&mut self, home: &Home) {
        self.daemon = daemon(home, &self.bus, &self.connection, true);
    }

    /// Starts it again without the password, as after logging in by a finger: what is in it is there, and closed.
    pub(crate) fn restart_locked(&mut self, home: &Home) {
        end(&mut self.daemon);
        self.daemon = daemon(home, &self.bus, &self.connection, false);
    }

    /// Starts it as on a machine where nobody has logged in yet, with nothing in it.
    pub(crate) fn restart_empty(&mut self, home: &Home) {
        end(&mut self.daemon);
        fs::remove_dir_all(home.path().join(".local/share/keyrings")).expect("its files");
        self.daemon = daemon(home, &self.bus, &self.connection, false);
    }

    /// From now on it takes what it is asked, and answers nothing; as long as the answer of this lives.
    pub(crate) fn hang(&self) -> Hanging {
        let daemon = Pid::from_child(&self.daemon);
        kill_process(daemon, Signal::STOP).expect("a process of ours");
        Hanging(daemon)
    }

    /// Ends the bus, and the keyring with it.
    pub(crate) fn end_bus(&mut self) {
        end(&mut self.daemon);
        self.bus.end();
    }

    fn service(&self) -> Proxy<'_> {
        Proxy::new(
            &self.connection,
            SERVICE,
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service",
        )
        .expect("a proxy")
    }
}

impl Drop for GnomeKeyring {
    fn drop(&mut self) {
        end(&mut self.daemon);
    }
}

/// A keyring that is stopped.
pub(crate) struct Hanging(Pid);

impl Drop for Hanging {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

fn daemon(home: &Home, bus: &Bus, connection: &Connection, is_unlocked: bool) -> Child {
    let mut command = bound(home, "gnome-keyring-daemon");
    command
        .args(["--foreground", "--components=secrets"])
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if is_unlocked {
        command.arg("--unlock");
    }
    let mut daemon = command.spawn().expect("a keyring");
    let mut stdin = daemon.stdin.take().expect("a pipe");
    if is_unlocked {
        stdin
            .write_all(PASSWORD.as_bytes())
            .expect("a keyring that reads");
    }
    drop(stdin);
    // Its own name on the bus, not that of one that is about to be gone.
    let expected = daemon.id();
    wait("the keyring", || owner(connection) == Some(expected));
    daemon
}

/// The process that has the service's name.
fn owner(connection: &Connection) -> Option<u32> {
    let bus = Proxy::new(
        connection,
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
    )
    .expect("a proxy");
    bus.call("GetConnectionUnixProcessID", &(SERVICE,)).ok()
}

/// A program that ends when the test does, however that ends.
fn bound(home: &Home, program: &str) -> Command {
    let mut command = home.command("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn wait(what: &str, until: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !until() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn address_of(socket: &Path) -> String {
    format!("unix:path={}", socket.display())
}

fn configuration_of(socket: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        address_of(socket)
    )
}

/// How far a bus goes that then says nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Connections are taken by the kernel, and by nobody else.
    FromTheFirstByte,
    /// After who is there was agreed on.
    AfterTheHandshake,
    /// Connections are no longer taken, because too many wait.
    NobodyConnects,
}

/// A bus like that, where a desktop has its own.
pub(crate) struct SilentBus {
    _waiting: Vec<OwnedFd>,
}

impl SilentBus {
    pub(crate) fn start(home: &Home, silence: Silence) -> Self {
        let backlog = match silence {
            Silence::NobodyConnects => 0,
            Silence::FromTheFirstByte | Silence::AfterTheHandshake => 64,
        };
        let address = SocketAddrUnix::new(bus_of(home)).expect("a short path");
        let listener = socket(SocketFlags::CLOEXEC);
        bind(&listener, &address).expect("a new socket");
        listen(&listener, backlog).expect("a socket of ours");
        let mut waiting = Vec::new();
        match silence {
            Silence::FromTheFirstByte => {}
            Silence::AfterTheHandshake => {
                let listener = UnixListener::from(listener.try_clone().expect("a second handle"));
                thread::spawn(move || {
                    for stream in listener.incoming() {
                        let stream = stream.expect("a connection");
                        thread::spawn(move || shake_hands(stream));
                    }
                });
            }
            Silence::NobodyConnects => loop {
                let stream = socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
                if connect(&stream, &address).is_err() {
                    break;
                }
                waiting.push(stream);
            },
        }
        waiting.push(listener);
        Self { _waiting: waiting }
    }
}

fn socket(flags: SocketFlags) -> OwnedFd {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).expect("a socket")
}

/// The server's part of the SASL profile of the D-Bus specification, and then nothing.
fn shake_hands(mut stream: UnixStream) {
    let mut said = Vec::new();
    let mut bytes = [0; 4096];
    let mut answered = 0;
    loop {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(length) => said.extend(&bytes[..length]),
        }
        let lines: Vec<_> = said
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| line.ends_with(b"\r\n"))
            .map(|line| {
                String::from_utf8_lossy(line)
                    .trim_matches(['\0', '\r', '\n'])
                    .to_owned()
            })
            .collect();
        for line in &lines[answered.min(lines.len())..] {
            answered += 1;
            let answer = match line.split(' ').next().unwrap_or_default() {
                "AUTH" => "OK 0123456789abcdef0123456789abcdef\r\n",
                "NEGOTIATE_UNIX_FD" => "AGREE_UNIX_FD\r\n",
                _ => continue,
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
