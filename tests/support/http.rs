//! HTTP as its tests speak it: with a canary for a password, to servers on loopback.

use std::sync::Arc;
use std::time::{Duration, Instant};

use docker_credential_scoped::http::{Authorization, Http, HttpError, Method, Request, Response, Trust};
use docker_credential_scoped::secret::Secret;
use rustls::ServerConfig;
use url::Url;

use super::certificate::{Root, Years};
use super::listener::Listener;

/// A secret. No server but the one that is asked may see it, and no text may show it.
pub(crate) const CANARY: &str = "canary-2f6c";

/// A part of each URL that no text may show.
pub(crate) const PATH: &str = "private-path";

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Enough for loopback on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(8);

/// How much later than its deadline a call may end.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

pub(crate) fn http(budget: Duration) -> Http {
    Http::new(Trust::default(), Instant::now() + budget)
}

/// A request without authorization, in the clear where the URL says so.
pub(crate) fn get(url: &Url) -> Request<'_> {
    Request {
        method: Method::Get,
        url,
        authorization: Authorization::None,
        allows_plain_http: true,
    }
}

/// Asks with the canary as a password.
pub(crate) fn ask(url: &Url) -> Result<Response, HttpError> {
    ask_within(url, LONG)
}

pub(crate) fn ask_within(url: &Url, budget: Duration) -> Result<Response, HttpError> {
    let password = Secret::new(CANARY.to_owned());
    http(budget).send(&Request {
        authorization: Authorization::Basic {
            user: "anna",
            password: &password,
        },
        ..get(url)
    })
}

/// The error, in whose texts there is nothing that is not for everybody.
#[track_caller]
pub(crate) fn fails(result: Result<Response, HttpError>) -> HttpError {
    let error = result.unwrap_err();
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains(CANARY) && !text.contains(PATH), "{text}");
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
    }
    error
}

pub(crate) fn http_url(server: &Listener) -> Url {
    format!("http://{}/{PATH}?q={PATH}", server.authority())
        .parse()
        .unwrap()
}

pub(crate) fn https_url(server: &Listener) -> Url {
    format!("https://localhost:{}/{PATH}", server.port())
        .parse()
        .unwrap()
}

pub(crate) fn tls_server(root: &Root, name: &str, years: Years) -> Listener {
    tls_server_with(root.server(name, years))
}

pub(crate) fn tls_server_with(config: Arc<ServerConfig>) -> Listener {
    Listener::tls(config, |mut connection| {
        connection.read_request();
        let _ = connection.send(OK);
    })
}

/// Answers whatever it is sent, and does not read it.
pub(crate) fn answers_at_once() -> Listener {
    Listener::plain(|mut connection| while !connection.read().is_empty() && connection.send(OK).is_ok() {})
}
