//! A server that does what it is told, byte for byte, on loopback; over TLS where it has a certificate. It keeps
//! what it was sent.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection as a server sees it.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    socket: TcpStream,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    number: usize,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Connection {
    /// Reads a request: its head, and the body if its length is told.
    pub(crate) fn read_request(&mut self) -> String {
        let mut text = String::new();
        while !is_whole(&text) {
            match self.read() {
                bytes if bytes.is_empty() => break,
                bytes => text.push_str(&String::from_utf8_lossy(&bytes)),
            }
        }
        text
    }

    /// Reads what is there; nothing when there will be no more.
    pub(crate) fn read(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let length = self.stream.read(&mut bytes).unwrap_or_default();
        bytes.truncate(length);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)[self.number].extend(&bytes);
        bytes
    }

    /// Sends bytes; an error when nobody takes them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.stream.flush()
    }

    /// Sends bytes beside TLS, as they are.
    pub(crate) fn send_bare(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Sends bytes, one each second, until nobody takes them.
    pub(crate) fn drip(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().cycle() {
            if self.send([*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// From now on is a wire to another server, and keeps nothing of what goes over it.
    pub(crate) fn tunnel(self, mut server: TcpStream) {
        let (mut back, mut client) = (
            server.try_clone().expect("a handle"),
            self.socket.try_clone().expect("a handle"),
        );
        let answers = thread::spawn(move || {
            let _ = io::copy(&mut back, &mut client);
            let _ = client.shutdown(Shutdown::Write);
        });
        let mut client = self.socket;
        let _ = io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Write);
        let _ = answers.join();
    }

    /// Waits until the other side is gone.
    pub(crate) fn wait(&mut self) {
        while !self.read().is_empty() {}
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse::<usize>().expect("a length"))
    });
    body.len() >= length.unwrap_or_default()
}

/// The server. It serves until the test ends.
pub(crate) struct Listener {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Listener {
    /// Without TLS.
    pub(crate) fn plain(serve: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        Self::start(|stream| Some(Box::new(stream)), serve)
    }

    /// With TLS. What it is sent is kept deciphered.
    pub(crate) fn tls(config: Arc<ServerConfig>, serve: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        Self::start(
            move |mut stream| {
                let mut connection = ServerConnection::new(Arc::clone(&config)).ok()?;
                while connection.is_handshaking() {
                    connection.complete_io(&mut stream).ok()?;
                }
                Some(Box::new(StreamOwned::new(connection, stream)))
            },
            serve,
        )
    }

    fn start(
        open: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
        serve: impl Fn(Connection) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            address,
            seen: Arc::clone(&seen),
        };
        let (open, serve) = (Arc::new(open), Arc::new(serve));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let stream = stream.expect("a connection");
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Vec::new());
                let (open, serve, seen) = (Arc::clone(&open), Arc::clone(&serve), Arc::clone(&seen));
                thread::spawn(move || {
                    let socket = stream.try_clone().expect("a handle");
                    if let Some(stream) = open(stream) {
                        serve(Connection {
                            stream,
                            socket,
                            seen,
                            number,
                        });
                    }
                });
            }
        });
        server
    }

    /// Reads a request, answers with these bytes and closes.
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::plain(move |mut connection| {
            connection.read_request();
            let _ = connection.send(&answer);
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// How often it was connected to.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What it was sent on all connections.
    pub(crate) fn seen(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&seen.concat()).into_owned()
    }
}
