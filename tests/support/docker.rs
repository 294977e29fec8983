//! The docker command line of one home, speaking to one engine.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::engine::Engine;
use super::helper::Helper;
use super::home::Home;
use super::image;
use super::outcome::Outcome;
use super::peer;
use super::recorder::Recorder;

/// What these tests start.
pub(crate) const PROGRAMS: [&str; 6] = [
    "docker",
    "dockerd",
    "containerd",
    "docker-registry",
    "setpriv",
    "unshare",
];

/// docker with one configuration directory, whose `credsStore` is the helper under one of its names.
pub(crate) struct Docker<'a> {
    home: &'a Home,
    /// For `DOCKER_HOST`.
    host: String,
    config: PathBuf,
    helper: Helper<'a>,
}

impl<'a> Docker<'a> {
    /// Configured as the README says: `"credsStore": "scoped"`.
    pub(crate) fn new(home: &'a Home, engine: &Engine) -> Self {
        peer::name("docker");
        let config = home.write(
            ".docker/config.json",
            &json!({ "credsStore": "scoped" }).to_string(),
        );
        Self {
            home,
            host: engine.host(),
            config,
            helper: Helper::of(home),
        }
    }

    /// One whose helper goes by the name of a profile.
    pub(crate) fn with_profile(home: &'a Home, engine: &Engine, profile: &str) -> Self {
        home.link_helper(&format!("docker-credential-scoped-{profile}"));
        let store = json!({ "credsStore": format!("scoped-{profile}") });
        let config = home.write(&format!(".docker-{profile}/config.json"), &store.to_string());
        Self {
            home,
            host: engine.host(),
            config,
            helper: Helper::for_profile(home, profile),
        }
    }

    /// The same, heard by a recorder.
    pub(crate) fn heard_by(self, recorder: &Recorder) -> Self {
        Self {
            host: recorder.host(),
            ..self
        }
    }

    /// The helper, asked apart from docker.
    pub(crate) fn helper(&self) -> &Helper<'a> {
        &self.helper
    }

    pub(crate) fn login(&self, registry: &str, user: &str, password: &str) -> Outcome {
        let mut command = self.command("docker");
        command.args(["login", "--username", user, "--password-stdin", registry]);
        Outcome::of(&mut command, password.as_bytes())
    }

    /// Makes an image of that name in the engine.
    pub(crate) fn import(&self, image: &str) {
        let mut command = self.command("docker");
        command.args(["import", "-", image]);
        Outcome::of(&mut command, &image::layer(image)).succeeds();
    }

    /// Any other of docker's commands.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command("docker").args(arguments), b"")
    }

    /// A program that finds the same engine and the same configuration.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(program);
        command.env("DOCKER_HOST", &self.host).env(
            "DOCKER_CONFIG",
            self.config.parent().expect("a file in a directory"),
        );
        command
    }

    /// `auths` of config.json. A client with a store leaves only empty marks in it.
    pub(crate) fn auths(&self) -> Value {
        let config = fs::read(&self.config).expect("a configuration");
        let config: Value = serde_json::from_slice(&config).expect("JSON");
        config.get("auths").cloned().unwrap_or_else(|| json!({}))
    }
}
