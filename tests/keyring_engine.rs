//! docker with a real engine and registry, the key in a real gnome-keyring: open, at rest, locked.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod support;

use serde_json::json;

use support::containers::{Configured, Containers};
use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::MISS;
use support::home::HELPER;
use support::key::{forget, rested, source};
use support::keyring::GnomeKeyring;
use support::outcome::Outcome;
use support::peer;
use support::stage::{ALICE, Stage, alice};

/// What a message says of a keyring that is locked.
const LOCKED: &str = "it is locked; unlock it";

#[test]
fn docker_pulls_before_lock_and_after_unlock() {
    let Some((stage, engine, keyring)) = set() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    let image = pushed(&stage, &docker);
    assert_eq!((source(&stage.home).as_str(), keyring.keys()), ("keyring", 1));
    stage.keeps_secret(ALICE);

    for words in [&["lock"][..], &["unlock"], &["unlock", "--for", "1h"]] {
        scoped(&stage, words).succeeds();
        assert_eq!(rested(&stage.home).len(), usize::from(words[0] == "unlock"));
        pull(&docker, &image).succeeds();
        assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
        assert_eq!(
            rested(&stage.home).len(),
            1,
            "{words:?}: what was opened by get rests"
        );
        stage.keeps_secret(ALICE);
    }

    // At rest, the keyring itself may be locked, and the session's bus gone.
    keyring.lock();
    pull(&docker, &image).succeeds();
    drop(keyring);
    pull(&docker, &image).succeeds();
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
}

/// docker's `pull` goes on without what a helper does not give, whatever that says (28.2, `ResolveAuthConfig`), and the
/// registry denies it; its later versions and skopeo end with what the helper said.
#[test]
fn nothing_private_is_pulled_while_the_keyring_is_locked_and_who_shows_errors_shows_why() {
    let Some((stage, engine, keyring)) = set() else {
        return;
    };
    if !peer::present(&["skopeo"]) {
        return;
    }
    let docker = Docker::new(&stage.home, &engine);
    let image = pushed(&stage, &docker);
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    let source = format!("docker://{image}");
    let inspect = ["inspect", "--tls-verify=false", &source];
    containers.run("skopeo", &inspect).succeeds();

    keyring.lock();
    scoped(&stage, &["lock"]).succeeds();
    let failed = pull(&docker, &image).fails().stderr;
    assert!(failed.contains(LOCKED) || failed.contains("denied"), "{failed}");
    let failed = containers.run("skopeo", &inspect).fails().stderr;
    assert!(failed.contains(LOCKED), "{failed}");
    let answer = docker.helper().ask("get", registry);
    assert!(answer.stdout.contains(LOCKED), "{answer:?}");
    assert_eq!(docker.helper().list().len(), 0);

    keyring.unlock();
    pull(&docker, &image).succeeds();
    assert_eq!(docker.helper().get(registry), Some(alice()));
}

#[test]
fn a_logout_needs_no_keyring() {
    let Some((stage, engine, keyring)) = set() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    let image = pushed(&stage, &docker);
    let registry = stage.registry.address();
    keyring.lock();
    forget(&stage.home);

    let out = docker.run(&["logout", registry]).succeeds();
    assert!(!out.stderr.contains("WARNING"), "{}", out.stderr);
    assert_eq!(docker.auths(), json!({}));
    docker.helper().ask("get", registry).is(MISS, "", 1);
    keyring.unlock();
    assert_eq!(docker.helper().get(registry), None, "it does not come back");
    pull(&docker, &image).fails();
}

#[test]
fn a_login_with_a_locked_keyring_is_refused_and_changes_nothing() {
    let Some((stage, engine, keyring)) = set() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    let registry = stage.registry.address();
    docker.login(registry, "alice", ALICE).succeeds();
    keyring.lock();
    forget(&stage.home);
    let refused = docker.login(registry, "alice", ALICE).fails();
    assert!(refused.stderr.contains(LOCKED), "{}", refused.stderr);
    keyring.unlock();
    assert_eq!(docker.helper().get(registry), Some(alice()));
}

/// An image of the private part of the registry, no longer in the engine.
fn pushed(stage: &Stage, docker: &Docker<'_>) -> String {
    let image = stage.registry.image("team/app");
    docker.login(stage.registry.address(), "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    image
}

/// Pulls, and takes away what was pulled.
fn pull(docker: &Docker<'_>, image: &str) -> Outcome {
    let pulled = docker.run(&["pull", image]);
    docker.run(&["rmi", image]);
    pulled
}

fn scoped(stage: &Stage, words: &[&str]) -> Outcome {
    Outcome::of(stage.home.command(HELPER).args(words), b"")
}

/// A stage, an engine, and the keyring of the stage's home, where there is all that is needed.
fn set() -> Option<(Stage, Engine, GnomeKeyring)> {
    if !(peer::present(&PROGRAMS) && peer::root()) {
        return None;
    }
    let stage = Stage::new();
    let keyring = GnomeKeyring::unlocked(&stage.home)?;
    Some((stage, Engine::start(), keyring))
}
