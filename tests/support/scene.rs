//! A registry and its token server in one, which behave as a test says, and somebody with a home who asks for tokens.

use std::path::PathBuf;
use std::process::Command;

use super::fixture::Fixture;
use super::fixture::answer::Answer;
use super::fixture::request::Request;
use super::helper::Helper;
use super::home::{HELPER, Home};
use super::outcome::Outcome;

/// The password that is stored in most scenes.
pub(crate) const PASSWORD: &str = "password-of-the-scene";
/// The refresh token that is stored in the others.
pub(crate) const REFRESH: &str = "refresh-token-of-the-scene";

/// A scene with a registry at `/v2/` and a token server everywhere else.
pub(crate) struct Scene {
    pub(crate) fixture: Fixture,
    pub(crate) home: Home,
}

impl Scene {
    /// `{here}` in a challenge is where the server is.
    pub(crate) fn new(
        challenges: &[&str],
        serve: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let challenges: Vec<_> = challenges.iter().map(|text| (*text).to_owned()).collect();
        Self {
            fixture: Fixture::start(move |request| {
                if request.path != "/v2/" {
                    return serve(request);
                }
                if challenges.is_empty() {
                    return Answer::new(200, "{}");
                }
                let here = format!("http://{}", request.host());
                let challenges: Vec<_> = challenges
                    .iter()
                    .map(|text| text.replace("{here}", &here))
                    .collect();
                Answer::challenge(&challenges)
            }),
            home: Home::new(),
        }
    }

    /// The challenge of most registries.
    pub(crate) fn usual(serve: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::new(&[r#"Bearer realm="{here}/token",service="registry""#], serve)
    }

    /// The same, with user and password stored.
    pub(crate) fn with_password(self) -> Self {
        self.with("user", PASSWORD)
    }

    /// The same, with what `docker login` stores where it was given a refresh token.
    pub(crate) fn with_refresh_token(self) -> Self {
        self.with("<token>", REFRESH)
    }

    pub(crate) fn with(self, user: &str, secret: &str) -> Self {
        Helper::of(&self.home).store(&self.fixture.address(), user, secret);
        self
    }

    /// The secret that is stored now.
    pub(crate) fn stored(&self) -> Option<String> {
        Some(Helper::of(&self.home).get(&self.fixture.address())?.secret)
    }

    /// `token` for this registry, with these arguments.
    pub(crate) fn token(&self, arguments: &[&str]) -> Outcome {
        token(&self.home, &self.fixture.address(), arguments)
    }

    /// What the token server was asked, and not the registry.
    pub(crate) fn asked(&self) -> Vec<Request> {
        let mut requests = self.fixture.requests();
        requests.retain(|request| request.path != "/v2/");
        requests
    }

    /// The only such request.
    #[track_caller]
    pub(crate) fn asked_once(&self) -> Request {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    /// How often the registry was asked.
    pub(crate) fn pings(&self) -> usize {
        self.fixture.requests().len() - self.asked().len()
    }
}

/// `token SERVER` with these arguments.
pub(crate) fn token(home: &Home, server: &str, arguments: &[&str]) -> Outcome {
    Outcome::of(command(home, server).args(arguments), b"")
}

/// The same, to be given more.
pub(crate) fn command(home: &Home, server: &str) -> Command {
    let mut command = home.command(HELPER);
    command.args(["token", server]);
    command
}

/// Where it is recorded what a registry said of its token server.
pub(crate) fn record(home: &Home, server: &str) -> PathBuf {
    home.data().join("registries").join(server.replace(':', "%3A"))
}

/// Writes settings.json with this of one registry.
pub(crate) fn set(home: &Home, server: &str, settings: &serde_json::Value) {
    let settings = serde_json::json!({ "registries": { server: settings } });
    home.write(
        ".config/docker-credential-scoped/settings.json",
        &settings.to_string(),
    );
}

/// One line on stderr that is safe for a terminal, nothing on stdout, exit code 1.
#[track_caller]
pub(crate) fn is_refused(outcome: &Outcome) -> &str {
    assert_eq!(
        (outcome.stdout.as_str(), outcome.code),
        ("", Some(1)),
        "{outcome:?}"
    );
    let line = outcome.stderr.strip_suffix('\n').expect("a line");
    assert!(line.starts_with("docker-credential-scoped: "), "{outcome:?}");
    assert!(
        !line.chars().any(char::is_control) && line.len() < 1024,
        "{outcome:?}"
    );
    assert!(
        !line.contains(PASSWORD) && !line.contains(REFRESH),
        "a secret: {outcome:?}"
    );
    line
}
