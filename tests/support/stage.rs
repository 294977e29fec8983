//! What a test is played on: alice and bob, known to a token server, and a registry that trusts it.

use serde_json::json;

use super::helper::Credential;
use super::home::Home;
use super::registry::Registry;
use super::token_server::request::Request;
use super::token_server::{Config, TokenServer, User};

/// The password of alice, who may pull and push in `team` and `public`.
pub(crate) const ALICE: &str = "password-of-alice";
/// The password of bob, who may pull in `team`, and push in `bob`.
pub(crate) const BOB: &str = "password-of-bob";

/// A stage with one registry on it. What is in `public` there, anybody may pull.
pub(crate) struct Stage {
    pub(crate) token_server: TokenServer,
    pub(crate) registry: Registry,
    pub(crate) home: Home,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_tokens_of(300)
    }

    /// One whose access tokens live that many seconds.
    pub(crate) fn with_tokens_of(seconds: u32) -> Self {
        let token_server = TokenServer::start(Config {
            services: vec!["first".to_owned(), "second".to_owned()],
            users: vec![
                User::new("alice", ALICE)
                    .may(&["pull", "push"], "team/*")
                    .may(&["pull", "push"], "public/*"),
                User::new("bob", BOB)
                    .may(&["pull"], "team/*")
                    .may(&["pull", "push"], "bob/*"),
            ],
            public: vec!["public/*".to_owned()],
            expires_in: seconds,
            ..Config::default()
        })
        .expect("a free port");
        Self {
            registry: Registry::start("first", &token_server),
            home: Home::new(),
            token_server,
        }
    }

    /// One more registry, with users in common.
    pub(crate) fn second_registry(&self) -> Registry {
        Registry::start("second", &self.token_server)
    }

    /// Declares bob's password in profile `read`, for pulling in `team`.
    pub(crate) fn declare_a_profile_that_reads(&self) {
        let file = self.home.write("secret-of-bob", BOB);
        let settings = json!({ "credentials": [{
            "server": self.registry.address(),
            "profile": "read",
            "username": "bob",
            "secret": { "file": file },
            "scopes": ["repository:team/*:pull"],
        }] });
        self.home.write(
            ".config/docker-credential-scoped/settings.json",
            &settings.to_string(),
        );
    }

    /// What the token server was asked last.
    pub(crate) fn last_request(&self) -> Request {
        self.token_server.requests().pop().expect("a request")
    }

    /// Fails where a secret of alice's can be read in a file of the home.
    #[track_caller]
    pub(crate) fn keeps_secret(&self, secret: &str) {
        let files = self.home.files_with("alice", secret);
        assert!(files.is_empty(), "it can be read in {files:?}");
    }
}

/// alice's, as the helper answers it.
pub(crate) fn alice() -> Credential {
    Credential {
        username: "alice".to_owned(),
        secret: ALICE.to_owned(),
    }
}

/// bob's, as the helper answers it.
pub(crate) fn bob() -> Credential {
    Credential {
        username: "bob".to_owned(),
        secret: BOB.to_owned(),
    }
}
