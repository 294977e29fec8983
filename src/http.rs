//! HTTP: one request and its answer, before a deadline. The only room that knows reqwest and rustls. Knows nothing
//! of registries and tokens, nor of what a body means.
//!
//! Whoever answers is taken for hostile: no redirect is followed, a body is read up to a limit and never unpacked,
//! and what an error says was written here, but for the names of hosts.

mod certificates;
mod failure;
mod request;
mod response;

use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response as Incoming};
use reqwest::header;
use reqwest::{StatusCode, redirect};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::deadline;

pub use failure::{CertificateProblem, HttpError, ProxyProblem};
pub use request::{Authorization, Field, Method, Request};
pub use response::{RateLimit, Response};

/// How long all requests of one exchange may take together, and the longest that any request may take. docker waits
/// for its helpers without a limit, and buildkit asks one after the other: what hangs here stops a whole build.
pub const BUDGET: Duration = Duration::from_secs(10);

/// How long a connection may take to be there, through a proxy and with TLS. It leaves time for a second attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest body that is read. Tokens and Docker Hub's lists have a few kilobytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// A host name and a port: the longest that is repeated in an error.
const MAX_AUTHORITY_BYTES: usize = 253 + 6;

const USER_AGENT: &str = concat!("docker-credential-scoped/", env!("CARGO_PKG_VERSION"));

/// A client that is made when the first request is sent: until then there is neither thread nor TLS, and no root
/// certificate is read. No `Debug`: reqwest would print the proxies.
pub struct Http {
    trust: Trust,
    deadline: Instant,
    plain: Resident,
    direct: Resident,
    routed: Resident,
}

/// A client that is never dropped. Dropping it would wait for its thread, and that for a name to be resolved,
/// which no deadline interrupts; the process ends soon.
type Resident = OnceLock<ManuallyDrop<Client>>;

impl Http {
    /// Nothing is sent or waited for once `deadline` has passed, however many requests were made before. Where it is
    /// farther off, each request has [`BUDGET`].
    #[must_use]
    pub fn new(trust: Trust, deadline: Instant) -> Self {
        Self {
            trust,
            deadline,
            plain: Resident::new(),
            direct: Resident::new(),
            routed: Resident::new(),
        }
    }

    /// What is left until the deadline, for those who would try again.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Sends a request. An answer with any status but a redirect is an answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, HttpError> {
        let (incoming, end) = self.exchange(request)?;
        let server = authority(request.url);
        let head = Response::head(&incoming, &server)?;
        Ok(Response {
            body: read_body(incoming, server, end)?,
            ..head
        })
    }

    /// Sends a request whose answer is in its headers: nothing of the body is read, however long it is, and the one
    /// of the response is empty.
    pub fn ask(&self, request: &Request<'_>) -> Result<Response, HttpError> {
        let (incoming, _) = self.exchange(request)?;
        Response::head(&incoming, &authority(request.url))
    }

    /// The answer as far as its headers, and when the rest of it has to be there.
    fn exchange(&self, request: &Request<'_>) -> Result<(Incoming, Instant), HttpError> {
        let server = authority(request.url);
        let route = Route::of(request).ok_or_else(|| HttpError::Url {
            server: server.clone(),
        })?;
        deadline::will_wait_for(&server);
        let client = self.client(route)?;
        let url = request.url.clone();
        let (mut outgoing, content) = match request.method {
            Method::Delete => (client.delete(url), None),
            Method::Get => (client.get(url), None),
            Method::PatchJson(text) => (client.patch(url), Some(request::json(text))),
            Method::PostForm(fields) => (client.post(url), Some(request::form(fields))),
            Method::PostJson(text) => (client.post(url), Some(request::json(text))),
        };
        if let Some((kind, body)) = content {
            outgoing = outgoing.header(header::CONTENT_TYPE, kind).body(body);
        }
        if let Some(value) = request.authorization.header(&server)? {
            outgoing = outgoing.header(header::AUTHORIZATION, value);
        }
        let allowed = self.remaining().min(BUDGET);
        if allowed.is_zero() {
            return Err(HttpError::Timeout { server });
        }
        let end = Instant::now() + allowed;
        // Ends the body too: a byte a second is no way to stay.
        let incoming = outgoing
            .timeout(allowed)
            .send()
            .map_err(|error| HttpError::of(&error, &server))?;
        // 304 points nowhere.
        if incoming.status().is_redirection() && incoming.status() != StatusCode::NOT_MODIFIED {
            return Err(HttpError::Redirect {
                to: target(&incoming, request.url),
                server,
            });
        }
        Ok((incoming, end))
    }

    fn client(&self, route: Route) -> Result<&Client, HttpError> {
        let (resident, tls) = match route {
            Route::Plain => (&self.plain, None),
            Route::Direct => (&self.direct, Some(&self.trust)),
            Route::Routed => (&self.routed, Some(&self.trust)),
        };
        if let Some(client) = resident.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .tls_backend_preconfigured(certificates::tls(tls)?)
            .https_only(tls.is_some())
            .http1_only()
            // A server could have what we send in the clear, and to anybody (GHSA-vh4v-2xq2-g5cg).
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT);
        if !matches!(route, Route::Routed) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|_| HttpError::Start)?;
        Ok(resident.get_or_init(|| ManuallyDrop::new(client)))
    }
}

/// The room for the longest body is taken at once, so that no copy of a token is left behind by growing. The
/// system gives memory only for what is written.
fn read_body(mut incoming: Incoming, server: String, end: Instant) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    let mut body = Zeroizing::new(vec![0; MAX_BODY_BYTES + 1]);
    let mut length = 0;
    while let Some(rest) = body.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match incoming.read(rest) {
            Ok(0) => {
                body.truncate(length);
                return Ok(body);
            }
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if Instant::now() >= end => return Err(HttpError::Timeout { server }),
            Err(_) => return Err(HttpError::Incomplete { server }),
        }
    }
    Err(HttpError::TooLarge { server })
}

/// Whose certificates are believed in, beside the system's, or those in place of them that `SSL_CERT_FILE` names.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Files with certificates in PEM, as docker's `certs.d/HOST/*.crt`.
    pub files: Vec<CertificateFile>,
}

/// A file with certificates in PEM.
#[derive(Clone, Debug)]
pub struct CertificateFile {
    /// Where it is, for messages.
    pub path: PathBuf,
    /// What is in it.
    pub pem: Vec<u8>,
}

/// How a request gets to its server.
#[derive(Clone, Copy)]
enum Route {
    /// Without TLS, and never through a proxy: it would see the credential, and the realm was judged without it.
    Plain,
    /// With TLS, to this machine. Go's clients ask no proxy for that, and docker is one of them.
    Direct,
    /// With TLS, through the proxy that the environment names if there is one; it is asked for a tunnel (`CONNECT`)
    /// and sees the host.
    Routed,
}

impl Route {
    /// `None` for a URL that nothing is sent to.
    fn of(request: &Request<'_>) -> Option<Self> {
        let url = request.url;
        // reqwest would make an Authorization header of a user in the URL.
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        url.host()?;
        match url.scheme() {
            "https" if is_loopback(url) => Some(Self::Direct),
            "https" => Some(Self::Routed),
            "http" if request.allows_plain_http => Some(Self::Plain),
            _ => None,
        }
    }
}

/// Whether a URL is one of this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
    }
}

/// Host and port: what of a URL may be told. Its path and query can hold names, and worse.
#[must_use]
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The host that a redirect points to, if it can be read.
fn target(incoming: &Incoming, url: &Url) -> Option<String> {
    let location = incoming.headers().get(header::LOCATION)?.to_str().ok()?;
    let target = url.join(location).ok()?;
    Some(authority(&target)).filter(|name| (1..=MAX_AUTHORITY_BYTES).contains(&name.len()))
}
