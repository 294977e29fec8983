//! Failure: why there was no answer, in words that are safe to print. Knows nothing of how a request is made.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use rustls::CertificateError;
use thiserror::Error;

/// Why there was no answer. No text holds more of a URL than host and port, and nothing that a server sent.
#[derive(Debug, Error)]
pub enum HttpError {
    /// A file that was to be trusted cannot be.
    #[error("{}: holds no certificates in PEM, or damaged ones; mend it or take it away", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
    },
    /// No connection. It may be there a moment later.
    #[error("cannot connect to {server}: {cause}; check the name, the port and the network")]
    Connect {
        /// Who was to answer.
        server: String,
        /// What the system said.
        cause: io::ErrorKind,
    },
    /// The credential cannot be written into a header.
    #[error("{server}: the user name or secret has characters that cannot be sent; store it again")]
    Credential {
        /// Who was to answer.
        server: String,
    },
    /// The name has no address.
    #[error("cannot find {server}: its name was not resolved; check the name and the network")]
    Dns {
        /// Who was to answer.
        server: String,
    },
    /// A header that is looked at has characters which are not visible ASCII.
    #[error("{server}: the header {name} of its answer has characters that are not allowed there")]
    Header {
        /// Who answered.
        server: String,
        /// The header.
        name: String,
    },
    /// It is no HTTP, or ended early, or TLS failed once it was agreed on. The request may have been heard.
    #[error("{server}: its answer is no HTTP, or was broken off; check that it is the server that is meant")]
    Incomplete {
        /// Who answered.
        server: String,
    },
    /// The system has no root certificates, and none were given.
    #[error("no root certificates on this system; install ca-certificates or set SSL_CERT_FILE")]
    NoRoots,
    /// The proxy stood in the way.
    #[error("no way to {server}: the proxy {problem}; check HTTPS_PROXY and NO_PROXY")]
    Proxy {
        /// Who was to answer.
        server: String,
        /// What it did.
        problem: ProxyProblem,
    },
    /// It points elsewhere, where no credential goes.
    #[error("{server} redirects to {}, and redirects are not followed; if that is meant, name the other URL", to.as_deref().unwrap_or("a place that cannot be read"))]
    Redirect {
        /// Who answered.
        server: String,
        /// The host it points to.
        to: Option<String>,
    },
    /// There is no client: out of threads, memory or file handles.
    #[error("cannot make network connections: the system gives no thread or memory")]
    Start,
    /// The deadline passed.
    #[error("{server} did not answer in time; check the network and the proxy, and try again")]
    Timeout {
        /// Who was to answer.
        server: String,
    },
    /// TLS was not agreed on: nothing was sent.
    #[error("{server}: {problem}")]
    Tls {
        /// Who answered.
        server: String,
        /// Why not.
        problem: CertificateProblem,
    },
    /// More than is ever read.
    #[error("{server}: its answer is longer than 256 KiB")]
    TooLarge {
        /// Who answered.
        server: String,
    },
    /// Nothing is sent there: plain http that nobody allowed, another scheme, or a user in the URL.
    #[error("{server}: nothing is sent to this URL; it must be https without a user name")]
    Url {
        /// Who was not asked.
        server: String,
    },
}

/// Why TLS was not agreed on.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CertificateProblem {
    /// Its time is over.
    #[error("its certificate has expired; renew it there, or set the clock here")]
    Expired,
    /// No more is known than that it failed.
    #[error("no TLS connection; check that https is spoken there")]
    Handshake,
    /// Its time has not come.
    #[error("its certificate is not valid yet; set the clock")]
    NotYetValid,
    /// It was made for another name.
    #[error("its certificate is for another name; use the name in it")]
    OtherName,
    /// It says nothing that is understood.
    #[error("its certificate is not accepted; have it made anew")]
    Unfit,
    /// No root that we trust stands behind it.
    #[error(
        "its certificate is signed by nobody trusted here; add the root certificate to docker's certs.d or to caFile in settings.json"
    )]
    UnknownIssuer,
}

impl CertificateProblem {
    fn of(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else {
            return Self::Handshake;
        };
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            // A bad signature is that of a root which has the name of one of ours.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            // A certificate authority that is a server is what people make for themselves.
            CertificateError::Other(reason) if reason.0.to_string() == "CaUsedAsEndEntity" => {
                Self::UnknownIssuer
            }
            _ => Self::Unfit,
        }
    }
}

/// What the proxy did.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProxyProblem {
    /// 407.
    #[error("wants a user name and password")]
    Credentials,
    /// It was there and did not open a tunnel.
    #[error("refuses")]
    Refused,
    /// It was not there.
    #[error("cannot be reached")]
    Unreachable,
}

impl HttpError {
    /// What reqwest says is for its own eyes: it prints the URL with its query.
    pub(super) fn of(error: &reqwest::Error, server: &str) -> Self {
        let server = server.to_owned();
        if error.is_timeout() {
            return Self::Timeout { server };
        }
        let mut causes = Vec::new();
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            causes.push(error);
            // An io::Error hides the error in it from `source`.
            next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        // A type that hyper-util keeps to itself. What stands below it is between us and the proxy.
        let tunnel = causes.iter().skip(1).find_map(|error| {
            let text = error.to_string();
            text.strip_prefix("tunnel error: ").map(str::to_owned)
        });
        if let Some(text) = tunnel {
            let problem = match text.as_str() {
                "proxy authorization required" => ProxyProblem::Credentials,
                "failed to create underlying connection" => ProxyProblem::Unreachable,
                _ => ProxyProblem::Refused,
            };
            return Self::Proxy { server, problem };
        }
        if error.is_dns() {
            return Self::Dns { server };
        }
        if !error.is_connect() {
            return Self::Incomplete { server };
        }
        if let Some(error) = causes
            .iter()
            .find_map(|error| error.downcast_ref::<rustls::Error>())
        {
            return Self::Tls {
                server,
                problem: CertificateProblem::of(error),
            };
        }
        let cause = causes
            .iter()
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .next_back()
            .map_or(io::ErrorKind::Other, io::Error::kind);
        Self::Connect { server, cause }
    }
}
