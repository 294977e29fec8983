//! Libraries that are clients of their own, with a real engine, registry and token server: docker-py, testcontainers for
//! Python and for Node, oras-py. Their credentials are kept by the helper.
#![cfg(target_os = "linux")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::path::Path;

use serde_json::json;

use support::containers::{Configured, Containers};
use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::Helper;
use support::home::{HELPER, Home};
use support::image;
use support::outcome::Outcome;
use support::packaged;
use support::peer;
use support::stage::{ALICE, Stage};
use support::token_server::request::Proof;

#[test]
fn docker_py_pulls_and_pushes() {
    let Some((stage, engine, python)) = python_and_engine() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    docker_py_is_served(&stage, &docker, &python, Proof::Password);
}

#[test]
fn docker_py_asks_a_helper_that_is_named_for_one_registry() {
    let Some((stage, engine, python)) = python_and_engine() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    let helpers = json!({ "credHelpers": { stage.registry.address(): "scoped" } });
    stage.home.write(".docker/config.json", &helpers.to_string());
    docker_py_is_served(&stage, &docker, &python, Proof::Password);
}

#[test]
fn docker_py_is_served_by_an_identity_token() {
    let Some((stage, engine, python)) = python_and_engine() else {
        return;
    };
    stage.token_server.set_refresh_tokens(true);
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    docker.helper().store(registry, "alice", ALICE);
    docker.helper().hand_out_identity_tokens(registry);
    docker_py_is_served(&stage, &docker, &python, Proof::RefreshToken);
}

/// What the table in the README says of it: it reads no `registrytoken`.
#[test]
fn docker_py_is_nobody_where_exec_gives_it_a_registry_token() {
    let Some((stage, engine, python)) = python_and_engine() else {
        return;
    };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    docker.helper().store(registry, "alice", ALICE);
    let image = stage.registry.image("team/app");
    docker.import(&image);
    let mut push = docker.command(HELPER);
    push.args(["exec", "--push", &image, "--", "docker", "push", &image]);
    Outcome::of(&mut push, b"").succeeds();
    let mut push = docker.command(HELPER);
    push.args(["exec", "--push", &image, "--"])
        .arg(&python)
        .args(["-c", DOCKER_PY, "push", &image]);
    let denied = Outcome::of(&mut push, b"").fails();
    assert!(
        denied.stderr.contains("no basic auth credentials") || denied.stderr.contains("denied"),
        "{denied:?}"
    );
    stage.keeps_secret(ALICE);
}

#[test]
fn testcontainers_for_python_pulls_what_it_is_to_start() {
    let Some((stage, engine, python)) = python_and_engine() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    let image = pushed(&stage, &docker);
    let mut start = docker.command(python.to_str().unwrap());
    start.args(["-c", TESTCONTAINERS_PY, &image]);
    starts_what_it_pulled(&stage, &docker, &image, &mut start);
}

#[test]
fn testcontainers_for_node_pulls_what_it_is_to_start() {
    let Some((stage, engine)) = engine() else { return };
    let Some(modules) = packaged::node("testcontainers@11.14.0") else {
        return;
    };
    for identity_token in [false, true] {
        stage.token_server.set_refresh_tokens(identity_token);
        let docker = Docker::new(&stage.home, &engine);
        let image = pushed(&stage, &docker);
        if identity_token {
            docker.helper().hand_out_identity_tokens(stage.registry.address());
        }
        let mut start = docker.command("node");
        start
            .args(["-e", TESTCONTAINERS_NODE, &image])
            .env("NODE_PATH", &modules);
        starts_what_it_pulled(&stage, &docker, &image, &mut start);
        let proof = if identity_token {
            Proof::RefreshToken
        } else {
            Proof::Password
        };
        assert_eq!(stage.last_request().proof, proof);
    }
}

/// It pulls only: of the token for pulling that its first request gets it never lets go (oras 0.2.43, `TokenAuth`).
#[test]
fn oras_py_pulls() {
    let Some(python) = python() else { return };
    if !peer::present(&["skopeo"]) {
        return;
    }
    let stage = Stage::new();
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app:1"));
    let helper = Helper::of(&stage.home);
    image::layout(&stage.home.path().join("layout"), "a tiny image");
    for config in [
        json!({ "credsStore": "scoped" }),
        json!({ "credHelpers": { registry: "scoped" } }),
    ] {
        let containers = Containers::new(&stage.home, registry, Configured::AuthFile);
        stage.home.write(".docker/config.json", &config.to_string());
        helper.store(registry, "alice", ALICE);
        let at_registry = format!("docker://{image}");
        let copy = [
            "copy",
            "--dest-tls-verify=false",
            "oci:layout:latest",
            &at_registry,
        ];
        containers.run("skopeo", &copy).succeeds();

        oras_py(&stage.home, &python, registry, &image).succeeds();
        let asked = stage.last_request();
        assert_eq!(
            (asked.account.as_deref(), asked.proof),
            (Some("alice"), Proof::Password)
        );
        stage.keeps_secret(ALICE);
        helper.ask("erase", registry).succeeds();
        oras_py(&stage.home, &python, registry, &image).fails();
    }
}

/// docker-py pushes and pulls with what the helper answers for alice, and with nothing once that is gone.
fn docker_py_is_served(stage: &Stage, docker: &Docker<'_>, python: &Path, proof: Proof) {
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
    if docker.helper().get(registry).is_none() {
        docker.helper().store(registry, "alice", ALICE);
    }
    docker.import(&image);
    let asked = stage.token_server.requests().len();
    docker_py(docker, python, "push", &image).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    docker_py(docker, python, "pull", &image).succeeds();
    for request in &stage.token_server.requests()[asked..] {
        assert_eq!(
            (request.account.as_deref(), request.proof),
            (Some("alice"), proof)
        );
    }
    assert!(stage.token_server.requests().len() > asked);
    stage.keeps_secret(ALICE);
    docker.helper().ask("erase", registry).succeeds();
    docker_py(docker, python, "pull", &image).fails();
}

/// A client of testcontainers pulls an image that only alice may have. There is nothing in it to start.
fn starts_what_it_pulled(stage: &Stage, docker: &Docker<'_>, image: &str, start: &mut std::process::Command) {
    // Without these they look for their own image, and for a bridge, which the engine has not.
    start
        .env("TESTCONTAINERS_RYUK_DISABLED", "true")
        .env("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1");
    let outcome = Outcome::of(start, b"").fails();
    let inspected = docker.run(&["image", "inspect", image]);
    assert!(inspected.has_succeeded(), "{outcome:?}");
    let asked = stage.last_request();
    assert_eq!(
        (asked.account.as_deref(), asked.status),
        (Some("alice"), 200),
        "{outcome:?}"
    );
    stage.keeps_secret(ALICE);
}

/// An image of alice's that only the registry has.
fn pushed(stage: &Stage, docker: &Docker<'_>) -> String {
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app:1"));
    docker.helper().store(registry, "alice", ALICE);
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    image
}

fn docker_py(docker: &Docker<'_>, python: &Path, verb: &str, image: &str) -> Outcome {
    let mut command = docker.command(python.to_str().unwrap());
    command.args(["-c", DOCKER_PY, verb, image]);
    Outcome::of(&mut command, b"")
}

fn oras_py(home: &Home, python: &Path, registry: &str, image: &str) -> Outcome {
    let mut command = home.command(python.to_str().unwrap());
    command.args(["-c", ORAS_PY, registry, image]);
    Outcome::of(&mut command, b"")
}

fn python() -> Option<std::path::PathBuf> {
    if !peer::present(&["docker-registry", "setpriv"]) {
        return None;
    }
    packaged::python(&["docker==7.2.0", "oras==0.2.43", "testcontainers==4.15.0"])
}

fn engine() -> Option<(Stage, Engine)> {
    (peer::present(&PROGRAMS) && peer::root()).then(|| (Stage::new(), Engine::start()))
}

fn python_and_engine() -> Option<(Stage, Engine, std::path::PathBuf)> {
    let python = python()?;
    let (stage, engine) = engine()?;
    Some((stage, engine, python))
}

const DOCKER_PY: &str = r"
import sys, docker
verb, image = sys.argv[1:]
client = docker.from_env()
if verb == 'pull':
    client.images.pull(image, tag='latest')
else:
    for line in client.api.push(image, stream=True, decode=True):
        if 'error' in line:
            sys.exit(line['error'])
";

const TESTCONTAINERS_PY: &str = r"
import sys
from testcontainers.core.container import DockerContainer
DockerContainer(sys.argv[1]).start()
";

const TESTCONTAINERS_NODE: &str = r"
const { GenericContainer } = require('testcontainers');
new GenericContainer(process.argv[1]).start().catch(error => { console.error(error); process.exit(1); });
";

const ORAS_PY: &str = r"
import sys
from oras.client import OrasClient
registry, target = sys.argv[1:]
OrasClient(hostname=registry, insecure=True).pull(target=target, outdir='pulled')
";
