//! Realm: where a registry says tokens are to be had, and whether a credential may go there. Knows nothing of the
//! credential, of what was confirmed before, or of how the realm is asked.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use crate::registry::Registry;

/// The longest realm that is read: what proxies and servers take in a request line leaves no use for more.
const MAX_REALM_BYTES: usize = 2048;

/// The URL of a token server's endpoint: absolute, http or https, with a host, without user information or fragment.
///
/// Read with the reader that the HTTP client uses, so that it is judged as it is then fetched: `https://0x7f.1/` is
/// 127.0.0.1 here, too. A query is part of it; the parameters of a request are appended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Realm(Url);

impl Realm {
    /// The realm and service of a registry whose challenge is documented, so that none has to be asked for.
    pub(super) fn known(registry: &Registry) -> Option<(Self, String)> {
        let name = registry.to_string();
        let is_named = |known: &&Known| match known.registry.strip_prefix('*') {
            Some(suffix) => name.ends_with(suffix),
            None => name == known.registry,
        };
        let Known { realm, service, .. } = KNOWN.iter().find(is_named)?;
        Some((
            realm.replace("{host}", &name).parse().ok()?,
            service.replace("{host}", &name),
        ))
    }

    /// Whether a credential for `registry` may go to this realm. `insecure`: the user's settings allow plain http with
    /// that registry.
    ///
    /// The realm is chosen by whoever answers the ping, so that a registry, or who stands in its way, could have any
    /// password sent anywhere: CVE-2020-15157 (containerd), CVE-2026-33540 (distribution), CVE-2026-48978 (oras-go).
    #[must_use]
    pub fn judge(&self, registry: &Registry, insecure: bool) -> Judgement {
        let Some(host) = self.0.host() else {
            return Judgement::Refused(RefusedRealm::Address);
        };
        // Read as the realm was: an address in an odd spelling is the same address on both sides.
        let own: Vec<Host> = registry
            .hosts()
            .filter_map(|name| Host::parse(name).ok())
            .collect();
        // Nothing leaves the machine, and a registry there is for trying things out, with its token server beside it.
        if is_loopback(&host) && own.iter().any(is_loopback) {
            return Judgement::Trusted;
        }
        let is_own = own.iter().any(|own| *own == host);
        match self.0.scheme() {
            // At any port: whoever listens there holds a certificate for the registry's own name.
            "https" if is_own => Judgement::Trusted,
            "https" if Self::known(registry).is_some_and(|(known, _)| self.is_endpoint(&known)) => {
                Judgement::Trusted
            }
            // Without a certificate the port is all that tells the registry from its host's other users.
            "http"
                if is_own && insecure && self.0.port_or_known_default() == registry.port().or(Some(80)) =>
            {
                Judgement::Trusted
            }
            "http" if is_own && insecure => Judgement::NeedsConfirmation,
            _ if !is_own && is_inside(&host) => Judgement::Refused(RefusedRealm::Address),
            "https" => Judgement::NeedsConfirmation,
            _ => Judgement::Refused(RefusedRealm::PlainHttp),
        }
    }

    /// Scheme, host and port, for messages: a path may be long, and a query is nobody's business.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The URL, with the query that it came with.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether it is `other` but for the query: a known host may serve other things elsewhere.
    fn is_endpoint(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin() && self.0.path() == other.0.path()
    }
}

impl FromStr for Realm {
    type Err = InvalidRealm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_REALM_BYTES {
            return Err(InvalidRealm::TooLong);
        }
        // `Url` drops line ends, takes `\` for `/` and maps look-alike letters. Others read them otherwise, and a
        // realm that two readers take for two hosts is an attack. So: the characters of RFC 3986 section 2, less `'`,
        // which lets a message quote a realm in a command to copy.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&()*+,;=%".contains(c);
        if !text.chars().all(is_allowed) {
            return Err(InvalidRealm::Character);
        }
        // `Url` takes `https:host` and `https:///host`, too; RFC 3986 section 3 does not.
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(InvalidRealm::NotAbsolute);
        };
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Err(InvalidRealm::NotAbsolute);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(InvalidRealm::Host);
        }
        if authority.contains('@') {
            return Err(InvalidRealm::UserInfo);
        }
        if rest.contains('#') {
            return Err(InvalidRealm::Fragment);
        }
        match Url::parse(text) {
            // As it is written down and read again: `Url` writes some hosts longer than they came, and an empty path as `/`.
            Ok(url) if url.as_str().len() > MAX_REALM_BYTES => Err(InvalidRealm::TooLong),
            Ok(url) if url.port() != Some(0) && url.host().is_some_and(|host| is_plain(&host)) => {
                Ok(Self(url))
            }
            Ok(_) | Err(_) => Err(InvalidRealm::Host),
        }
    }
}

impl TryFrom<String> for Realm {
    type Error = InvalidRealm;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Realm> for String {
    fn from(realm: Realm) -> Self {
        realm.0.into()
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Whether a registry's credential may go to a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may go without asking.
    Trusted,
    /// Only after the user confirmed this realm for this registry. Say both names and the command that confirms.
    NeedsConfirmation,
    /// It must not go, and no confirmation is offered. Say why.
    Refused(RefusedRealm),
}

/// Why a realm gets no credential, whoever asks.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RefusedRealm {
    /// An address that only means something from inside: this machine, its network, a cloud's metadata service. A
    /// registry elsewhere has no business there.
    #[error(
        "realm: points to this machine or a private or reserved address, where the registry itself is not"
    )]
    Address,
    /// Plain http where it is not for the registry itself. Only a registry that the settings call insecure may.
    #[error("realm: is plain http, which shows the credential to the network")]
    PlainHttp,
}

/// Why a text is no realm. Texts never repeat the input: a registry chose it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidRealm {
    /// A character that no URL has (a blank, a control character, a backslash, one beyond ASCII), or a quote.
    #[error("realm: has a character that is not for URLs, or a quote; write it as an escape, as in %20")]
    Character,
    /// A `#`.
    #[error("realm: has a fragment; leave out '#' and what follows")]
    Fragment,
    /// No host, or a host or port that is none.
    #[error("realm: has no valid host and port")]
    Host,
    /// Not `http://` or `https://`.
    #[error("realm: is not an absolute URL with http or https, as in https://HOST/token")]
    NotAbsolute,
    /// Longer than 2 KiB.
    #[error("realm: is longer than 2 KiB")]
    TooLong,
    /// A user name or password before the host.
    #[error("realm: has user information before '@'; give the host only")]
    UserInfo,
}

/// Whether a name is as a registry's own may be. `Url` undoes escapes and lets through `"`, `$` and `;`.
fn is_plain(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

/// This machine, by the names that design and engines agree on. Not `*.localhost`, which a resolver may ask the
/// network for, and not an IPv4 address mapped into IPv6, which nobody names a registry by.
pub(super) fn is_loopback<Name: AsRef<str>>(host: &Host<Name>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether a host means something else for each who asks. Names are not resolved: an answer that is checked need not
/// be the answer that is used.
fn is_inside(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            // RFC 6761 section 6.3: `localhost.` and every name below it.
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => is_inside_v4(*address),
        Host::Ipv6(address) => is_inside_v6(*address),
    }
}

/// What the IANA registry of special-purpose IPv4 addresses does not call globally reachable.
fn is_inside_v4(address: Ipv4Addr) -> bool {
    address.is_loopback()
        || address.is_private()
        // The metadata service of most clouds is 169.254.169.254.
        || address.is_link_local()
        || address.is_documentation()
        // Multicast, reserved, broadcast.
        || address.octets() >= [224, 0, 0, 0]
        || match address.octets() {
            // "This network", with 0.0.0.0, which connects to this machine (go-containerregistry#2284).
            [0, ..] => true,
            // Shared by carriers; one cloud's metadata service is 100.100.100.200.
            [100, second, ..] => (64..=127).contains(&second),
            // Protocol assignments; another's is 192.0.0.192.
            [192, second, third, _] => (second, third) == (0, 0),
            // Benchmarks.
            [198, second, ..] => (18..=19).contains(&second),
            _ => false,
        }
}

/// Everything but global unicast, `2000::/3`. With that go `::`, `::1`, `fe80::/10`, `fc00::/7`, `ff00::/8`, and the
/// forms that hold an IPv4 address: `::ffff:0:0/96`, `::/96`, `64:ff9b::/96`.
fn is_inside_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Teredo and other protocol assignments, documentation, and 6to4, which holds an IPv4 address.
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..] | [0x2002, ..] => true,
        [first, ..] => first & 0xe000 != 0x2000,
    }
}

/// A registry's documented realm and service. `*` at the front stands for anything, `{host}` for the registry's name.
struct Known {
    registry: &'static str,
    realm: &'static str,
    service: &'static str,
}

impl Known {
    const fn new(registry: &'static str, realm: &'static str, service: &'static str) -> Self {
        Self {
            registry,
            realm,
            service,
        }
    }
}

/// What the challenges of these registries say. A name with `*` has its realm on its own host, which is trusted
/// anyway: no wildcard decides whom a credential goes to.
const KNOWN: &[Known] = &[
    // On another host than the registry's.
    Known::new("docker.io", "https://auth.docker.io/token", "registry.docker.io"),
    Known::new(
        "docker.elastic.co",
        "https://docker-auth.elastic.co/auth",
        "token-service",
    ),
    Known::new(
        "registry.digitalocean.com",
        "https://api.digitalocean.com/v2/registry/auth",
        "registry.digitalocean.com",
    ),
    Known::new(
        "registry.gitlab.com",
        "https://gitlab.com/jwt/auth",
        "container_registry",
    ),
    // On the registry's own.
    Known::new("*-docker.pkg.dev", "https://{host}/v2/token", "{host}"),
    Known::new("*.azurecr.io", "https://{host}/oauth2/token", "{host}"),
    Known::new("*.gcr.io", "https://{host}/v2/token", "{host}"),
    Known::new("cgr.dev", "https://cgr.dev/token", "cgr.dev"),
    Known::new("gcr.io", "https://gcr.io/v2/token", "gcr.io"),
    Known::new("ghcr.io", "https://ghcr.io/token", "ghcr.io"),
    Known::new("nvcr.io", "https://nvcr.io/proxy_auth", "nvcr.io"),
    Known::new(
        "public.ecr.aws",
        "https://public.ecr.aws/token/",
        "public.ecr.aws",
    ),
    Known::new("quay.io", "https://quay.io/v2/auth", "quay.io"),
];

#[cfg(test)]
mod tests;
