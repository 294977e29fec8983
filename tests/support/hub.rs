//! Docker Hub on loopback and with a state: its API for tokens, and the authorization server that takes them.
//!
//! It keeps to what is documented (docker/docs content/reference/api/hub/latest.yaml), knows nothing of the program
//! under test, and remembers who asked what. What the documentation leaves open is said where it is decided.

pub(crate) mod account;
mod api;
mod bearer;
mod desk;
pub(crate) mod fault;
pub(crate) mod log;
mod page;
mod rate;
mod records;
mod refusal;
pub(crate) mod token;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use time::{Duration, OffsetDateTime};

use super::fixture::{accept, stop};
use super::token_server::{self, TokenServer};
use account::{Account, Organization};
use bearer::Origin;
use desk::Desk;
use fault::Fault;
use log::Request;
use token::{Reach, Resource, Token};

/// The name by which the authorization server knows the registry.
pub(crate) const SERVICE: &str = "registry";

/// What a Docker Hub is started with.
pub(crate) struct Config {
    pub(crate) accounts: Vec<Account>,
    pub(crate) organizations: Vec<Organization>,
    /// Repositories anybody may pull: a repository, `namespace/*` or `*`.
    pub(crate) public: Vec<String>,
    /// The most tokens on a page, whatever is asked for.
    pub(crate) page_cap: usize,
    /// So many requests are answered in each window.
    pub(crate) requests: usize,
    pub(crate) window: Duration,
}

impl Default for Config {
    /// anna and ben, and an organization of anna's.
    fn default() -> Self {
        Self {
            accounts: vec![Account::new("anna", ANNA), Account::new("ben", BEN)],
            organizations: vec![Organization::new("acme", &["anna"])],
            public: Vec::new(),
            page_cap: 100,
            requests: 100_000,
            window: Duration::minutes(1),
        }
    }
}

/// The password of anna, who owns `acme`.
pub(crate) const ANNA: &str = "password-of-anna";
/// The password of ben.
pub(crate) const BEN: &str = "password-of-ben";

/// A running Docker Hub. It stops when dropped.
pub(crate) struct Hub {
    /// The authorization server: it takes the passwords and tokens of this Docker Hub, for as long as they are good.
    pub(crate) token_server: TokenServer,
    address: SocketAddr,
    desk: Desk,
    is_over: Arc<AtomicBool>,
}

/// What docker's browser login brings home.
pub(crate) struct BrowserLogin {
    /// What docker keeps at `https://index.docker.io/v1/access-token`. It manages tokens for an hour.
    pub(crate) access_token: String,
    /// What docker keeps for Docker Hub itself.
    pub(crate) token: Token,
}

impl Hub {
    pub(crate) fn start(config: Config) -> Self {
        let public = config.public.clone();
        let desk = Desk::new(config);
        let (address, is_over) = accept({
            let desk = desk.clone();
            move |stream| desk.serve(stream)
        });
        desk.lock().records.api = format!("http://{address}");
        let known = desk.clone();
        let token_server = TokenServer::with_directory(
            token_server::Config {
                services: vec![SERVICE.to_owned()],
                public,
                ..token_server::Config::default()
            },
            move |name, secret| known.lock().records.user(name, secret),
        )
        .expect("a free port");
        Self {
            token_server,
            address,
            desk,
            is_over,
        }
    }

    /// What `hub.api` in the settings is for this one.
    pub(crate) fn api(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The realm of a registry that takes its tokens.
    pub(crate) fn realm(&self) -> String {
        self.token_server.realm()
    }

    /// All requests to the API so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.desk.lock().log.clone()
    }

    /// The tokens of an account or an organization as they are now, oldest first.
    pub(crate) fn tokens(&self, owner: &str) -> Vec<Token> {
        self.desk.lock().records.tokens_of(owner).cloned().collect()
    }

    pub(crate) fn token(&self, id: &str) -> Option<Token> {
        self.desk.lock().records.token(id).cloned()
    }

    /// The token with that secret.
    pub(crate) fn token_of(&self, owner: &str, secret: &str) -> Option<Token> {
        self.tokens(owner)
            .into_iter()
            .find(|token| token.secret == secret)
    }

    /// A personal token that was made on Docker Hub's page, or by some program, with all scopes. It takes no other's
    /// place.
    pub(crate) fn generate(
        &self,
        account: &str,
        source: &str,
        label: &str,
        created: OffsetDateTime,
        last_used: Option<OffsetDateTime>,
    ) -> Token {
        let mut state = self.desk.lock();
        let reach = Reach::Personal(vec!["repo:admin".to_owned()]);
        let token = state.records.add(account, label, reach);
        source.clone_into(&mut token.source);
        token.created = created;
        token.last_used = last_used;
        token.clone()
    }

    /// An organization token that was made on Docker Hub's page: scopes for each path.
    pub(crate) fn generate_for_organization(
        &self,
        organization: &str,
        label: &str,
        repositories: &[(&str, &[&str])],
    ) -> Token {
        let resources = repositories
            .iter()
            .map(|(path, scopes)| Resource {
                kind: "TYPE_REPO".to_owned(),
                path: (*path).to_owned(),
                scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            })
            .collect();
        let mut state = self.desk.lock();
        let reach = Reach::Organization(resources);
        state.records.add(organization, label, reach).clone()
    }

    /// Changes what is known of a token, as nobody could by the API.
    #[track_caller]
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Token)) {
        change(self.desk.lock().records.token_mut(id).expect("a token"));
    }

    /// A token is used at the registry now.
    #[track_caller]
    pub(crate) fn use_token(&self, id: &str) {
        let mut state = self.desk.lock();
        let now = state.records.now();
        let token = state.records.token_mut(id).expect("a token");
        assert!(token.is_good(now), "a token that opens nothing");
        token.last_used = Some(now);
    }

    /// Somebody revokes a token on Docker Hub's page.
    pub(crate) fn revoke(&self, id: &str) {
        self.desk.lock().records.remove(id);
    }

    /// Whether a token opens anything now.
    pub(crate) fn is_good(&self, owner: &str, secret: &str) -> bool {
        let state = self.desk.lock();
        let now = state.records.now();
        let mut tokens = state.records.tokens_of(owner);
        tokens.any(|token| token.secret == secret && token.is_good(now))
    }

    /// What happens when somebody logs in with `docker login` and a browser: of the tokens of all such logins, those
    /// beyond the five most recently used go.
    pub(crate) fn browser_login(&self, account: &str) -> BrowserLogin {
        let mut state = self.desk.lock();
        BrowserLogin {
            access_token: state.records.give_bearer(account, Origin::BrowserLogin),
            token: state.records.add_generated(account),
        }
    }

    /// Whether the authorization server refuses everybody, as if it knew nobody.
    pub(crate) fn refuse_logins(&self, refused: bool) {
        self.desk.lock().records.refuses_logins = refused;
    }

    /// Waits until there were so many requests of that method and path; `*` stands for any text.
    #[track_caller]
    pub(crate) fn wait_for(&self, method: &str, path: &str, times: usize) {
        let deadline = Instant::now() + std::time::Duration::from_secs(20);
        let is_one = |request: &&Request| {
            fault::matches(method, &request.method) && fault::matches(path, &request.path)
        };
        while self.requests().iter().filter(is_one).count() < times {
            assert!(Instant::now() < deadline, "nobody asked: {:?}", self.requests());
            thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// How many requests of that method and path have come, whether anything was done for them yet or not.
    pub(crate) fn arrived(&self, method: &str, path: &str) -> usize {
        let state = self.desk.lock();
        let is_one = |one: &&(String, String)| fault::matches(method, &one.0) && fault::matches(path, &one.1);
        state.arrived.iter().filter(is_one).count()
    }

    /// From now on no bearer that was given out is good.
    pub(crate) fn forget_bearers(&self) {
        self.desk.lock().records.forget_bearers();
    }

    /// Its clock goes ahead, for bearers and tokens to expire; the authorization server's own tokens do not.
    pub(crate) fn advance(&self, by: Duration) {
        self.desk.lock().records.advance(by);
    }

    /// The time there.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.desk.lock().records.now()
    }

    /// What becomes of the next requests of that method and path; `*` stands for any text.
    pub(crate) fn fail(&self, method: &str, path: &str, times: usize, fault: Fault) {
        self.fail_later(method, path, 0, times, fault);
    }

    /// The same, once so many of them went well.
    pub(crate) fn fail_later(&self, method: &str, path: &str, after: usize, times: usize, fault: Fault) {
        self.desk.lock().faults.plan(method, path, after, times, fault);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn mend(&self) {
        self.desk.lock().faults.clear();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        stop(self.address, &self.is_over);
    }
}
