//! The server URL a caller names a registry by, and which server it means. Knows nothing of slots or files.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::registry::Registry;

/// What docker, nerdctl and docker-py all look Docker Hub up by, and what `list` therefore prints for it
/// (docker/cli `registry.IndexServer`).
pub(super) const HUB_INDEX_URL: &str = "https://index.docker.io/v1/";

/// The longest server URL that is read. Host names end at 253 bytes and repository names at 255, so 8 KiB
/// leaves room for whatever else a caller uses as a key.
pub const MAX_SERVER_URL_BYTES: usize = 8 * 1024;

/// The longest path: a repository's name with its namespaces (distribution `reference.RepositoryNameTotalLengthMax`).
const MAX_PATH_BYTES: usize = 255;

/// A server URL as a caller wrote it, and the [`Server`] it means.
///
/// Two server URLs are equal when they mean the same server; there is no other way to match them, least of
/// all by substring (microsoft/vscode#320634 handed github.com's token to `github.com.attacker.example`).
#[derive(Clone, Debug)]
pub struct ServerUrl {
    text: String,
    server: Server,
}

impl ServerUrl {
    /// Reads what a caller sent: one server URL, with or without blanks and line ends around it.
    ///
    /// Anything at or below 0x20 inside is refused. The reference helper joins lines instead, which turns
    /// `good.example\n.evil` into another host; git had the same hole (CVE-2020-5260, CVE-2024-52006).
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidServerUrl> {
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Err(InvalidServerUrl::Absent);
        }
        if text.len() > MAX_SERVER_URL_BYTES {
            return Err(InvalidServerUrl::TooLong);
        }
        if text.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return Err(InvalidServerUrl::ControlCharacter);
        }
        match str::from_utf8(text) {
            Ok(text) if text.is_ascii() => Ok(Self {
                text: text.to_owned(),
                server: parse_server(text)?,
            }),
            Ok(_) | Err(_) => Err(InvalidServerUrl::NotAscii),
        }
    }

    /// The text as the caller wrote it, without the blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The server that is meant.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The key `list` prints: Docker Hub under the one name all clients ask for, every other as it was stored.
    #[must_use]
    pub fn listed_as(&self) -> &str {
        match &self.server {
            Server::Registry(registry) if registry.is_docker_hub() => HUB_INDEX_URL,
            Server::Registry(_)
            | Server::HubSession(_)
            | Server::Prefix { .. }
            | Server::UnknownScheme(_) => &self.text,
        }
    }
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text.as_bytes())
    }
}

impl PartialEq for ServerUrl {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server
    }
}

impl Eq for ServerUrl {}

/// What a server URL means once spelling is out of the way. Equality is the whole of matching.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// One of the two tokens that docker's browser login keeps beside the Docker Hub credential.
    HubSession(HubSessionToken),
    /// A registry as a whole.
    Registry(Registry),
    /// Everything below a path of a registry: a namespace or a repository, as go-containerregistry asks.
    Prefix {
        /// The registry the path belongs to.
        registry: Registry,
        /// Path components joined by `/`, without one at either end.
        path: String,
    },
    /// A key under a scheme we do not know (nerdctl's `nerdctl-experimental://`), kept word for word.
    UnknownScheme(String),
}

impl Server {
    /// Whether it belongs to a registry: as the whole, as a part, or as a session with it.
    #[must_use]
    pub fn is_of(&self, registry: &Registry) -> bool {
        match self {
            Self::HubSession(_) => registry.is_docker_hub(),
            Self::Registry(whole) | Self::Prefix { registry: whole, .. } => whole == registry,
            Self::UnknownScheme(_) => false,
        }
    }

    /// The registry that a credential for it logs in to. Docker Hub's two session tokens log in nowhere.
    #[must_use]
    pub fn registry(&self) -> Option<&Registry> {
        match self {
            Self::Registry(registry) | Self::Prefix { registry, .. } => Some(registry),
            Self::HubSession(_) | Self::UnknownScheme(_) => None,
        }
    }

    /// The servers whose credentials answer a request for this one, the narrowest first.
    ///
    /// A path is answered by the longest stored prefix, by whole components, and never by the registry: the one
    /// client that asks with a path (go-containerregistry `pkg/authn/keychain.go`) asks for the host next.
    pub fn answered_by(&self) -> impl Iterator<Item = Self> + '_ {
        let shorter = match self {
            Self::Prefix { registry, path } => Some((registry, path)),
            Self::HubSession(_) | Self::Registry(_) | Self::UnknownScheme(_) => None,
        };
        std::iter::once(self.clone()).chain(shorter.into_iter().flat_map(|(registry, path)| {
            path.rmatch_indices('/').filter_map(|(end, _)| {
                Some(Self::Prefix {
                    registry: registry.clone(),
                    path: path.get(..end)?.to_owned(),
                })
            })
        }))
    }
}

/// The canonical text: what slots are named by. No two servers share one, since only a session token's begins
/// with `https://` and only an unknown scheme's holds another `://`.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HubSession(token) => write!(f, "{HUB_INDEX_URL}{}", token.path()),
            Self::Registry(registry) => write!(f, "{registry}"),
            Self::Prefix { registry, path } => write!(f, "{registry}/{path}"),
            Self::UnknownScheme(text) => f.write_str(text),
        }
    }
}

/// The tokens docker's browser login stores below the Docker Hub key (docker/cli `internal/oauth/manager`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HubSessionToken {
    /// `https://index.docker.io/v1/access-token`
    Access,
    /// `https://index.docker.io/v1/refresh-token`
    Refresh,
}

impl HubSessionToken {
    fn from_path(path: &str) -> Option<Self> {
        [Self::Access, Self::Refresh]
            .into_iter()
            .find(|token| path.strip_prefix("v1/") == Some(token.path()))
    }

    fn path(self) -> &'static str {
        match self {
            Self::Access => "access-token",
            Self::Refresh => "refresh-token",
        }
    }
}

/// Why a server URL was refused. Texts never repeat the input: it may hold control sequences or a password.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidServerUrl {
    /// Nothing but white space; docker compares this text.
    #[error("no credentials server URL")]
    Absent,
    /// A byte at or below 0x20, or 0x7f, inside.
    #[error(
        "server URL: has a blank, line break or control character inside; give one server URL on one line"
    )]
    ControlCharacter,
    /// The host is not a name, an IPv4 address or an IPv6 address in brackets.
    #[error(
        "server URL: the host may hold letters, digits, '.', '-' and '_', or an IPv6 address in brackets"
    )]
    Host,
    /// No host where one is needed.
    #[error("server URL: has no host; write HOST, HOST:PORT or https://HOST")]
    NoHost,
    /// A byte beyond ASCII.
    #[error("server URL: has a character beyond ASCII; write an international host in its xn-- form")]
    NotAscii,
    /// Longer than 255 bytes, or with an empty, `.` or `..` component, a backslash or an escape.
    #[error(
        "server URL: the path is longer than 255 bytes, or has an empty or relative component, a backslash or an escape"
    )]
    Path,
    /// The port is not a number from 1 to 65535.
    #[error("server URL: the port is not a number from 1 to 65535")]
    Port,
    /// A `?` or `#`.
    #[error("server URL: has a query or fragment; leave out '?' and '#' and what follows")]
    QueryOrFragment,
    /// A scheme outside RFC 3986 section 3.1.
    #[error("server URL: the scheme before '://' is not one")]
    Scheme,
    /// Longer than [`MAX_SERVER_URL_BYTES`].
    #[error("server URL: is longer than 8 KiB")]
    TooLong,
    /// A user name or password before the host.
    #[error("server URL: has user information before '@'; give the host only")]
    UserInfo,
}

fn parse_server(text: &str) -> Result<Server, InvalidServerUrl> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(InvalidServerUrl::UserInfo);
    }
    if authority.is_empty() {
        return Err(InvalidServerUrl::NoHost);
    }
    match scheme {
        None => {}
        Some(scheme) if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") => {}
        Some(scheme) if is_scheme(scheme) => return Ok(Server::UnknownScheme(text.to_owned())),
        Some(_) => return Err(InvalidServerUrl::Scheme),
    }
    if rest.contains(['?', '#']) {
        return Err(InvalidServerUrl::QueryOrFragment);
    }
    let registry = Registry::parse(authority)?;
    let path = path.trim_end_matches('/');
    // The API versions are no namespaces: docker writes its index as /v1/, others copy a registry's /v2/.
    if matches!(path, "" | "v1" | "v2") {
        return Ok(Server::Registry(registry));
    }
    if registry.is_docker_hub()
        && let Some(token) = HubSessionToken::from_path(path)
    {
        return Ok(Server::HubSession(token));
    }
    // No repository name needs an escape or a backslash, and both are ways to write a path twice.
    if path.len() > MAX_PATH_BYTES
        || path.contains(['\\', '%'])
        || path
            .split('/')
            .any(|component| matches!(component, "" | "." | ".."))
    {
        return Err(InvalidServerUrl::Path);
    }
    Ok(Server::Prefix {
        registry,
        path: path.to_owned(),
    })
}

/// RFC 3986 section 3.1: `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests;
