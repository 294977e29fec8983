//! An authorization server for the registry token specification, on loopback and with a state: it knows users,
//! what each may do, and the refresh tokens it has given out. It knows nothing of the program under test.
//!
//! Both ways in are served on one path: `GET` with Basic credentials (docs/content/spec/auth/token.md of
//! distribution) and the `OAuth2` `POST` (oauth.md). Access tokens are JWTs as distribution verifies them.

mod authority;
mod endpoint;
pub(crate) mod request;
mod scope;
mod signing_key;
mod user;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use serde::Deserialize;
use tokio::sync::oneshot;

pub(crate) use user::User;

use authority::Authority;
use request::Request;

/// What a token server is started with; the example program reads the same from a JSON file.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen. Port 0 is any free one.
    pub(crate) listen: SocketAddr,
    /// The `iss` of every token; a registry is told to trust it.
    pub(crate) issuer: String,
    /// The registries served, by the name each calls itself (`service`, and `aud` in a token).
    pub(crate) services: Vec<String>,
    /// Two entries of one name are two tokens of one user, each with its own grants.
    pub(crate) users: Vec<User>,
    /// Repositories anybody may pull: a repository, `namespace/*` or `*`.
    pub(crate) public: Vec<String>,
    /// Whether refresh tokens are given out to those who ask for offline access.
    pub(crate) refresh_tokens: bool,
    /// Whether `POST` is served at all; without it the answer is 404, and a client falls back to `GET`.
    pub(crate) oauth: bool,
    /// The life of an access token in seconds. The specification allows nothing below 60.
    pub(crate) expires_in: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            issuer: "token-server".to_owned(),
            services: vec!["registry".to_owned()],
            users: Vec::new(),
            public: Vec::new(),
            refresh_tokens: false,
            oauth: true,
            expires_in: 300,
        }
    }
}

/// A running token server. It stops when dropped.
pub(crate) struct TokenServer {
    address: SocketAddr,
    authority: Arc<Mutex<Authority>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TokenServer {
    /// Binds at once, so that [`realm`](Self::realm) is known and reachable when this returns.
    pub(crate) fn start(config: Config) -> std::io::Result<Self> {
        Self::with_directory(config, |_, _| None)
    }

    /// One that asks who else is known whenever somebody shows a password: a name and a password go in.
    pub(crate) fn with_directory(
        config: Config,
        directory: impl Fn(&str, &str) -> Option<User> + Send + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let authority = Arc::new(Mutex::new(Authority::new(config, Box::new(directory))));
        let router = endpoint::router(Arc::clone(&authority));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a bound listener");
                let serving = tokio::spawn(async move { axum::serve(listener, router).await });
                // Clients keep connections open, so stopping does not wait for them.
                let _ = stopped.await;
                serving.abort();
            });
            runtime.shutdown_background();
        });
        Ok(Self {
            address,
            authority,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The URL a registry names in its challenge.
    pub(crate) fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// The `iss` of its tokens.
    pub(crate) fn issuer(&self) -> String {
        self.lock().issuer().to_owned()
    }

    /// The certificate a registry's `rootcertbundle` holds, as PEM.
    pub(crate) fn root_certificate(&self) -> String {
        self.lock().root_certificate().to_owned()
    }

    /// All requests so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests().to_vec()
    }

    /// From now on this user gets 401, whatever is presented.
    pub(crate) fn refuse(&self, user: &str) {
        self.lock().refuse(user);
    }

    /// Switches refresh tokens on or off. Those given out before stay valid.
    pub(crate) fn set_refresh_tokens(&self, on: bool) {
        self.lock().set_refresh_tokens(on);
    }

    /// Serves until the process is killed.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Authority> {
        self.authority.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
