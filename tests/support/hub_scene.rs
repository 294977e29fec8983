//! Docker Hub on loopback, and somebody with a home who manages tokens there.

use std::process::Command;

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::fixture::answer::Answer;
use super::helper::{Credential, Helper};
use super::home::{HELPER, Home};
use super::hub::{BrowserLogin, Config, Hub, SERVICE};
use super::outcome::Outcome;
use super::registry::Registry;

/// The key under which docker keeps what its browser login manages tokens with.
pub(crate) const ACCESS_TOKEN: &str = "https://index.docker.io/v1/access-token";
/// The key of its refresh token.
pub(crate) const REFRESH_TOKEN: &str = "https://index.docker.io/v1/refresh-token";

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";

/// A Docker Hub, a registry that its tokens log in to, and a home whose settings name both.
pub(crate) struct HubScene {
    pub(crate) hub: Hub,
    pub(crate) home: Home,
    registry: Place,
}

/// A registry that images are pulled from and pushed to, or one that only says where tokens are had.
enum Place {
    Real(Registry),
    Challenging(Fixture),
}

impl HubScene {
    pub(crate) fn new(config: Config) -> Self {
        let hub = Hub::start(config);
        let challenge = format!("Bearer realm=\"{}\",service=\"{SERVICE}\"", hub.realm());
        let registry = Fixture::start(move |_| Answer::challenge(std::slice::from_ref(&challenge)));
        Self::with(hub, Place::Challenging(registry))
    }

    /// One with a registry for docker itself. It needs `docker-registry`.
    pub(crate) fn real(config: Config) -> Self {
        let hub = Hub::start(config);
        let registry = Registry::start(SERVICE, &hub.token_server);
        Self::with(hub, Place::Real(registry))
    }

    fn with(hub: Hub, registry: Place) -> Self {
        let scene = Self {
            hub,
            home: Home::new(),
            registry,
        };
        scene.settle(&scene.home);
        scene
    }

    /// Host and port of the registry: the key of the credential for it, and what stands before the first slash of an
    /// image's name.
    pub(crate) fn registry(&self) -> String {
        match &self.registry {
            Place::Real(registry) => registry.address().to_owned(),
            Place::Challenging(registry) => registry.address(),
        }
    }

    /// Another machine with the same settings, and nothing in common but Docker Hub.
    pub(crate) fn other_machine(&self) -> Home {
        let home = Home::new();
        self.settle(&home);
        home
    }

    /// What the settings say on every machine here.
    pub(crate) fn settings(&self) -> Value {
        json!({
            "hub": { "api": self.hub.api(), "registry": self.registry() },
            "registries": { self.registry(): { "realm": self.hub.realm(), "service": SERVICE } },
        })
    }

    /// Writes them in place of those that are there.
    pub(crate) fn settle_with(&self, settings: &Value) {
        self.home.write(SETTINGS, &settings.to_string());
    }

    fn settle(&self, home: &Home) {
        home.write(SETTINGS, &self.settings().to_string());
    }

    /// The program with these arguments, in the home of the scene.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Self::run_at(&self.home, arguments)
    }

    /// The same, which must say exactly this but for what [`Self::plain`] leaves out, with this exit code.
    #[track_caller]
    pub(crate) fn says(&self, arguments: &[&str], stdout: &str, stderr: &str, code: i32) {
        let outcome = self.run(arguments);
        assert_eq!(
            (
                self.plain(&outcome.stdout).as_str(),
                self.plain(&outcome.stderr).as_str(),
                outcome.code
            ),
            (stdout, stderr, Some(code)),
            "{arguments:?}"
        );
    }

    /// A text without what differs from run to run: addresses, ids and times.
    pub(crate) fn plain(&self, text: &str) -> String {
        let address = |url: &str| url.replace("http://", "");
        let realm = self.hub.realm();
        let text = text
            .replace(&self.registry(), "REGISTRY")
            .replace(&address(&self.hub.api()), "HUB")
            .replace(&address(realm.trim_end_matches("/token")), "TOKENS");
        let characters: Vec<char> = text.chars().collect();
        let mut rest = characters.as_slice();
        let mut plain = String::new();
        while let [first, behind @ ..] = rest {
            if let Some((word, shape)) = SHAPES.into_iter().find(|(_, shape)| has_shape(rest, shape)) {
                plain.push_str(word);
                rest = rest.get(shape.len()..).unwrap_or_default();
            } else {
                plain.push(*first);
                rest = behind;
            }
        }
        plain
    }

    /// The same on another machine.
    pub(crate) fn run_at(home: &Home, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut Self::command_at(home, arguments), b"")
    }

    /// The same, to be given more.
    pub(crate) fn command_at(home: &Home, arguments: &[&str]) -> Command {
        let mut command = home.command(HELPER);
        command.args(arguments);
        command
    }

    /// Keeps a password or token for the registry, as `docker login -u` does.
    pub(crate) fn log_in(&self, account: &str, secret: &str) {
        log_in(&self.home, &self.registry(), account, secret);
    }

    /// Logs in as docker does with a browser.
    pub(crate) fn browser_login(&self, account: &str) -> BrowserLogin {
        self.browser_login_at(&self.home, account)
    }

    /// The same on another machine. docker stores what manages tokens first, and what logs in last.
    pub(crate) fn browser_login_at(&self, home: &Home, account: &str) -> BrowserLogin {
        let login = self.hub.browser_login(account);
        let helper = Helper::of(home);
        helper.store(ACCESS_TOKEN, account, &login.access_token);
        helper.store(REFRESH_TOKEN, account, "refresh-token-of-docker..client");
        log_in(home, &self.registry(), account, &login.token.secret);
        login
    }

    /// What is kept for the registry in the default profile.
    pub(crate) fn stored(&self) -> Option<Credential> {
        Helper::of(&self.home).get(&self.registry())
    }

    /// The same in another profile.
    pub(crate) fn stored_in(&self, profile: &str) -> Option<Credential> {
        let link = format!("{HELPER}-{profile}");
        if !self.home.directory().join("bin").join(&link).exists() {
            self.home.link_helper(&link);
        }
        Helper::for_profile(&self.home, profile).get(&self.registry())
    }

    /// What the API was asked, as `METHOD /path`, oldest first. Its query is left out.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.hub
            .requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// Fails where a secret can be read in a file of the home.
    #[track_caller]
    pub(crate) fn keeps_secret(&self, account: &str, secret: &str) {
        let files = self.home.files_with(account, secret);
        assert!(files.is_empty(), "it can be read in {files:?}");
    }
}

/// What differs from run to run, by its shape: hexadecimal digits, decimal ones, and the rest as it is.
const SHAPES: [(&str, &str); 3] = [
    ("ID", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    ("TIME", "0000-00-00T00:00:00Z"),
    ("DATE", "0000-00-00"),
];

fn has_shape(text: &[char], shape: &str) -> bool {
    let is_of = |(c, shape): (&char, char)| match shape {
        'x' => c.is_ascii_hexdigit(),
        '0' => c.is_ascii_digit(),
        _ => *c == shape,
    };
    text.len() >= shape.len() && text.iter().zip(shape.chars()).all(is_of)
}

fn log_in(home: &Home, registry: &str, account: &str, secret: &str) {
    Helper::of(home).store(registry, account, secret);
}
