//! Registry: the host a server URL names, with Docker Hub's many names made one. Knows nothing of paths.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use thiserror::Error;
use url::Host;

use crate::registry::realm::is_loopback;
use crate::registry::server_url::HUB_INDEX_URL;
use crate::registry::{InvalidServerUrl, Server, ServerUrl};

/// A registry: a host in lower case, with a port unless it is 443.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry(String);

impl Registry {
    /// What we call Docker Hub, whichever of its names was used.
    pub(super) const DOCKER_HUB: &'static str = "docker.io";

    /// Every name under which documented clients mean Docker Hub's registry. A closed list, compared whole.
    /// `hub.docker.com` is the web site and its API, not the registry.
    pub(super) const DOCKER_HUB_NAMES: [&'static str; 5] = [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "registry.hub.docker.com",
        "auth.docker.io",
    ];

    /// Docker Hub.
    #[must_use]
    pub fn docker_hub() -> Self {
        Self(Self::DOCKER_HUB.to_owned())
    }

    /// Whether this is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        self.0 == Self::DOCKER_HUB
    }

    /// The key docker looks the registry up by in `credHelpers` and `auths` (docker/cli `getAuthConfigKey`).
    #[must_use]
    pub fn docker_key(&self) -> &str {
        if self.is_docker_hub() {
            HUB_INDEX_URL
        } else {
            &self.0
        }
    }

    /// The keys of `auths` that clients look it up by, but for another spelling in an image's name, which most of them
    /// keep. Docker Hub is the index to docker, buildkit and go-containerregistry, and to each of them by some of its
    /// names only (docker/cli `getAuthConfigKey`, buildkit `getAuthConfig`, go-containerregistry `ResolveMany`);
    /// others may be given with the port that is meant anyway.
    #[must_use]
    pub fn auth_keys(&self) -> BTreeSet<String> {
        let key = self.docker_key().to_owned();
        if self.is_docker_hub() {
            // That of tokens is no registry's.
            let names = Self::DOCKER_HUB_NAMES
                .into_iter()
                .filter(|name| *name != "auth.docker.io");
            names.map(str::to_owned).chain([key]).collect()
        } else if self.port().is_none() {
            BTreeSet::from([format!("{key}:443"), key])
        } else {
            BTreeSet::from([key])
        }
    }

    /// Whether it is on this machine, where nothing that is sent to it leaves.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        Host::parse(self.host()).is_ok_and(|host| is_loopback(&host))
    }

    /// The host without the port: a name in lower case, an IPv4 address as it was written, or `[v6]`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// The port, unless it is 443.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.host_and_port().1
    }

    /// Every host that is this registry: one, and for Docker Hub each of its names.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        let (one, all) = if self.is_docker_hub() {
            (None, Self::DOCKER_HUB_NAMES.as_slice())
        } else {
            (Some(self.host()), [].as_slice())
        };
        one.into_iter().chain(all.iter().copied())
    }

    fn host_and_port(&self) -> (&str, Option<u16>) {
        // The colons of an IPv6 address are inside brackets: what follows one of them is no number.
        self.0
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, Some(port.parse().ok()?))))
            .unwrap_or((&self.0, None))
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

/// Reads a registry as a person names it, in any spelling that a server URL may have.
impl FromStr for Registry {
    type Err = InvalidRegistry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<ServerUrl>()?.server() {
            Server::Registry(registry) => Ok(registry.clone()),
            Server::HubSession(_) | Server::Prefix { .. } | Server::UnknownScheme(_) => {
                Err(InvalidRegistry::NotAHost)
            }
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text names no registry.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidRegistry {
    /// It has a path, or a scheme that is not http or https.
    #[error("registry: names more than a host; write HOST or HOST:PORT")]
    NotAHost,
    /// It is no server URL at all.
    #[error(transparent)]
    ServerUrl(#[from] InvalidServerUrl),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_has_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("ghcr.io", "ghcr.io", None),
            ("ghcr.io:443", "ghcr.io", None),
            ("http://h:80", "h", Some(80)),
            ("127.0.0.1:5000", "127.0.0.1", Some(5000)),
            ("[::1]", "[::1]", None),
            ("[::1]:5000", "[::1]", Some(5000)),
            ("[fe80::5000]", "[fe80::5000]", None),
            ("https://index.docker.io/v1/", "docker.io", None),
            ("docker.io:5000", "docker.io", Some(5000)),
        ] {
            let registry: Registry = text.parse().unwrap();
            assert_eq!((registry.host(), registry.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn a_registry_on_this_machine_is_told_by_its_host() {
        for (text, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.1.2.3", true),
            ("[::1]:5000", true),
            ("localhost.evil.example", false),
            ("x.localhost", false),
            ("128.0.0.1", false),
            ("0.0.0.0:5000", false),
            ("[::2]", false),
            ("docker.io", false),
        ] {
            let registry: Registry = text.parse().unwrap();
            assert_eq!(registry.is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn docker_knows_its_hub_by_the_index_and_others_by_their_host() {
        for (text, key, name) in [
            ("docker.io", "https://index.docker.io/v1/", "docker.io"),
            (
                "https://registry-1.docker.io/v2/",
                "https://index.docker.io/v1/",
                "docker.io",
            ),
            ("GHCR.io", "ghcr.io", "ghcr.io"),
            ("https://localhost:5000/", "localhost:5000", "localhost:5000"),
        ] {
            let registry: Registry = text.parse().unwrap();
            assert_eq!(registry.docker_key(), key);
            assert_eq!(registry.to_string(), name);
        }
        for text in [
            "ghcr.io/acme",
            "https://index.docker.io/v1/access-token",
            "ftp://h",
        ] {
            assert_eq!(text.parse::<Registry>(), Err(InvalidRegistry::NotAHost), "{text}");
        }
        assert_eq!(
            "a b".parse::<Registry>(),
            Err(InvalidServerUrl::ControlCharacter.into())
        );
    }
}
