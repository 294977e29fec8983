//! First contact: ask a registry where its tokens come from, and judge the answer. Sends no credential.

use thiserror::Error;
use url::Url;

use crate::http::{Authorization, Http, HttpError, Method, Request, Response};
use crate::registry::{
    BearerChallenge, Challenge, InvalidChallenge, Judgement, Realm, RefusedRealm, Registry, TokenServer,
};

/// Asks a registry for its challenge (`GET /v2/`, distribution `docs/content/spec/api.md`, "API Version Check").
///
/// A realm is taken when it may be trusted without asking, or is the one that the user has `confirmed`.
pub fn ask_registry(
    registry: &Registry,
    is_insecure: bool,
    confirmed: Option<&Realm>,
    http: &Http,
) -> Result<TokenServer, ContactError> {
    let response = ping(registry, is_insecure, http)?;
    let headers = response.www_authenticate.iter().map(String::as_str);
    let BearerChallenge { realm, service, .. } = match Challenge::read(headers)? {
        Challenge::Bearer(challenge) => challenge,
        Challenge::Absent if matches!(response.status, 304 | 403 | 429 | 500..) => {
            return Err(ContactError::Status {
                registry: registry.clone(),
                status: response.status,
            });
        }
        Challenge::Absent => {
            return Err(ContactError::NoChallenge {
                registry: registry.clone(),
            });
        }
        Challenge::Basic | Challenge::Unsupported => {
            return Err(ContactError::NoTokens {
                registry: registry.clone(),
            });
        }
    };
    match realm.judge(registry, is_insecure) {
        Judgement::Trusted => {}
        Judgement::NeedsConfirmation if confirmed == Some(&realm) => {}
        Judgement::NeedsConfirmation => {
            return Err(ContactError::Unconfirmed {
                registry: registry.clone(),
                realm,
            });
        }
        Judgement::Refused(why) => {
            return Err(ContactError::Refused {
                registry: registry.clone(),
                origin: realm.origin(),
                why,
            });
        }
    }
    Ok(TokenServer { realm, service })
}

/// A registry on this machine, or one the settings call insecure, may speak plain http; https is tried first, since
/// such a registry may well have a certificate. Nothing secret is sent in either.
fn ping(registry: &Registry, is_insecure: bool, http: &Http) -> Result<Response, ContactError> {
    let send = |scheme: &str| {
        // Docker Hub's registry is not at the name it goes by.
        let host = if registry.is_docker_hub() {
            "registry-1.docker.io".to_owned()
        } else {
            registry.to_string()
        };
        let url = Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|_| ContactError::NoChallenge {
            registry: registry.clone(),
        })?;
        let request = Request {
            method: Method::Get,
            url: &url,
            authorization: Authorization::None,
            allows_plain_http: scheme == "http",
        };
        http.ask(&request).map_err(ContactError::from)
    };
    match send("https") {
        Err(ContactError::Http(
            HttpError::Connect { .. }
            | HttpError::Tls { .. }
            | HttpError::Incomplete { .. }
            // Some wait for the end of a line that TLS never sends.
            | HttpError::Timeout { .. },
        )) if is_insecure || registry.is_loopback() => send("http"),
        result => result,
    }
}

/// Why it is not known where a registry's tokens come from.
#[derive(Debug, Error)]
pub enum ContactError {
    /// The challenge cannot be read.
    #[error(transparent)]
    Challenge(#[from] InvalidChallenge),
    /// The registry did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It asks for nothing, or for nothing in particular.
    #[error("{registry} asks for no token; it is open to all, or no registry")]
    NoChallenge {
        /// The registry.
        registry: Registry,
    },
    /// It wants user name and password with each request.
    #[error(
        "{registry} takes no tokens, only user name and password; docker uses those without any exchange"
    )]
    NoTokens {
        /// The registry.
        registry: Registry,
    },
    /// It names a realm that gets no credential, whoever asks.
    #[error("{registry} wants its tokens to be had from {origin}, which is refused: {why}")]
    Refused {
        /// The registry.
        registry: Registry,
        /// Scheme, host and port of the realm.
        origin: String,
        /// Why.
        why: RefusedRealm,
    },
    /// It failed, has too much to do, or is closed to us: what it would ask for is not known.
    #[error("{registry} answered {status} when asked where its tokens are to be had; try again later")]
    Status {
        /// The registry.
        registry: Registry,
        /// The status.
        status: u16,
    },
    /// It names a realm on another host, which only the user can know to be its own.
    #[error(
        "{registry} wants its tokens to be had from {realm}, on another host; if that is right, confirm it: \
         docker-credential-scoped token {registry} --trust-realm '{realm}'"
    )]
    Unconfirmed {
        /// The registry.
        registry: Registry,
        /// The realm.
        realm: Realm,
    },
}
