//! Registry: the host a server URL names, with Docker Hub's many names made one. Knows nothing of paths.

use std::fmt;
use std::net::Ipv6Addr;

use crate::registry::InvalidServerUrl;

/// A registry: a host in lower case, with a port unless it is 443.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry(String);

impl Registry {
    /// What we call Docker Hub, whichever of its names was used.
    const DOCKER_HUB: &'static str = "docker.io";

    /// Every name under which documented clients mean Docker Hub's registry. A closed list, compared whole.
    /// `hub.docker.com` is the web site and its API, not the registry.
    pub(super) const DOCKER_HUB_NAMES: [&'static str; 5] = [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "registry.hub.docker.com",
        "auth.docker.io",
    ];

    /// Whether this is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        self.0 == Self::DOCKER_HUB
    }

    /// `host`, `host:port`, `[v6]` or `[v6]:port` (RFC 3986 section 3.2, without user information).
    pub(super) fn parse(authority: &str) -> Result<Self, InvalidServerUrl> {
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(parse_port(port)?)),
            Some(_) | None => (authority, None),
        };
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => match address.parse::<Ipv6Addr>() {
                Ok(address) => format!("[{address}]"),
                Err(_) => return Err(InvalidServerUrl::Host),
            },
            None => parse_host_name(host)?,
        };
        Ok(match port {
            // 443 is what https uses when nothing is said, and what nerdctl says all the same.
            None | Some(443) if Self::DOCKER_HUB_NAMES.contains(&host.as_str()) => {
                Self(Self::DOCKER_HUB.to_owned())
            }
            None | Some(443) => Self(host),
            Some(port) => Self(format!("{host}:{port}")),
        })
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Labels between single dots. A dot at the end is kept: `h.` and `h` are two names to a resolver.
fn parse_host_name(text: &str) -> Result<String, InvalidServerUrl> {
    let labels = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Err(InvalidServerUrl::NoHost);
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if !labels.split('.').all(is_label) {
        return Err(InvalidServerUrl::Host);
    }
    Ok(text.to_ascii_lowercase())
}

fn parse_port(text: &str) -> Result<u16, InvalidServerUrl> {
    // `u16::from_str` takes a leading '+'; RFC 3986 section 3.2.3 has digits only.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidServerUrl::Port);
    }
    text.parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or(InvalidServerUrl::Port)
}
