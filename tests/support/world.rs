//! A registry beyond this machine, with token servers on other hosts.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::fixture::answer::Answer;
use super::helper::Helper;
use super::home::Home;
use super::outcome::Outcome;
use super::scene::{PASSWORD, REFRESH, command, record};
use super::tunnel::Tunnel;

/// The registry's name.
pub(crate) const REGISTRY: &str = "registry.example";

/// A registry of that name, whose challenge can be changed, and token servers at every other.
pub(crate) struct World {
    pub(crate) tunnel: Tunnel,
    pub(crate) home: Home,
    challenge: Arc<Mutex<String>>,
}

impl World {
    pub(crate) fn new(realm: &str) -> Self {
        let challenge = Arc::new(Mutex::new(String::new()));
        let world = Self {
            tunnel: Tunnel::start({
                let challenge = Arc::clone(&challenge);
                move |request| match request.path.as_str() {
                    "/v2/" => Answer::challenge(&[challenge.lock().expect("a challenge").clone()]),
                    "/token" => Answer::json(&json!({ "token": format!("of-{}", request.host()) })),
                    "/moved" => Answer::new(307, "").with("Location", "https://second.example/token"),
                    "/down" => Answer::new(307, "").with("Location", "http://registry.example/token"),
                    _ => Answer::page(404),
                }
            }),
            home: Home::new(),
            challenge,
        };
        world.names(realm);
        world.home.write("root.pem", world.tunnel.root());
        Helper::of(&world.home).store(REGISTRY, "user", PASSWORD);
        world
    }

    /// From now on the registry wants its tokens to be had from there.
    pub(crate) fn names(&self, realm: &str) {
        *self.challenge.lock().expect("a challenge") =
            format!("Bearer realm=\"{realm}\",service=\"registry\"");
    }

    pub(crate) fn token(&self, arguments: &[&str]) -> Outcome {
        let mut command = command(&self.home, REGISTRY);
        command
            .args(arguments)
            .env("SSL_CERT_FILE", self.home.path().join("root.pem"));
        Outcome::of(self.tunnel.lead(&mut command), b"")
    }

    /// The hosts that were shown a secret, or anything but a ping.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut requests = self.tunnel.requests();
        requests
            .retain(|request| request.path != "/v2/" || request.shows(PASSWORD) || request.shows(REFRESH));
        requests
            .iter()
            .map(|request| format!("{}{}", request.host(), request.path))
            .collect()
    }

    pub(crate) fn recorded(&self) -> Option<Value> {
        let text = fs::read(record(&self.home, REGISTRY)).ok()?;
        Some(serde_json::from_slice(&text).expect("JSON"))
    }
}
