//! The network beyond this machine: a proxy through which every name leads to one server with a certificate for it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

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
    /// The servers have a certificate for these names; `behaviour` tells them apart by the host of a request.
    pub(crate) fn start(
        names: &[&str],
        behaviour: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (config, root) = certificate(names);
        let log = Log::default();
        let tunnels = Arc::new(Mutex::new(Vec::new()));
        let (address, is_over) = accept({
            let (log, tunnels) = (log.clone(), Arc::clone(&tunnels));
            move |mut stream| {
                let Some(target) = connect(&mut stream) else {
                    return;
                };
                tunnels
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(target);
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
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

/// A certificate for these names, and the root behind it.
fn certificate(names: &[&str]) -> (Arc<ServerConfig>, String) {
    let key = || KeyPair::generate().expect("a new key");
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "a private root");
    let root = CertifiedIssuer::self_signed(root, key()).expect("a root certificate");
    let own = key();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let leaf = CertificateParams::new(names)
        .expect("names")
        .signed_by(&own, &root)
        .expect("a certificate under the root");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der())),
        )
        .expect("a certificate and its key");
    let root = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(root.der())
    );
    (Arc::new(config), root)
}
