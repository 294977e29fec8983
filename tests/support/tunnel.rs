//! The network beyond this machine: a proxy through which every name leads to one server with a certificate for it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::{ServerConnection, StreamOwned};

use super::certificate::{Root, VALID};
use super::fixture::answer::Answer;
use super::fixture::request::Request;
use super::fixture::{Log, accept, serve, stop};

/// A running proxy, with the servers behind it. It stops when dropped.
pub(crate) struct Tunnel {
    address: SocketAddr,
    log: Log,
    tunnels: Arc<Mutex<Vec<String>>>,
    root: String,
    is_over: Arc<AtomicBool>,
}

impl Tunnel {
    /// `behaviour` tells the servers apart by the host of a request.
    pub(crate) fn start(behaviour: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let authority = Root::new("a private root");
        let root = authority.pem();
        let log = Log::default();
        let tunnels = Arc::new(Mutex::new(Vec::new()));
        let (address, is_over) = accept({
            let (log, tunnels) = (log.clone(), Arc::clone(&tunnels));
            move |mut stream| {
                let Some(target) = connect(&mut stream) else {
                    return;
                };
                let (host, _) = target.rsplit_once(':').expect("a host and a port");
                let config = authority.server(host, VALID);
                tunnels
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(target);
                let connection = ServerConnection::new(config).expect("a connection");
                let mut stream = StreamOwned::new(connection, stream);
                serve(&mut stream, &behaviour, &log);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Self {
            address,
            log,
            tunnels,
            root,
            is_over,
        }
    }

    /// Leads a program's requests through here.
    pub(crate) fn lead<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("HTTPS_PROXY", format!("http://{}", self.address))
    }

    /// The root certificate behind the servers, as PEM.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// What was asked of the servers, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.requests()
    }

    /// The hosts and ports that somebody wanted to get to.
    pub(crate) fn tunnels(&self) -> Vec<String> {
        self.tunnels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        stop(self.address, &self.is_over);
    }
}

/// `CONNECT host:port`, the only thing that is served in the clear.
fn connect(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    Some(target)
}
