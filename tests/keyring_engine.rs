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

use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::MISS;
use support::home::HELPER;
use support::key::{forget, rested, source};
use support::keyring::GnomeKeyring;
use support::outcome::Outcome;
use support::peer;
use support::stage::{ALICE, Stage, alice};
use support::token_server::request::Proof;

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

#[test]
fn a_pull_with_a_locked_keyring_says_so_and_asks_nobody_in_alices_absence() {
    let Some((stage, engine, keyring)) = set() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    let image = pushed(&stage, &docker);
    keyring.lock();
    scoped(&stage, &["lock"]).succeeds();
    let asked = stage.token_server.requests().len();

    let failed = pull(&docker, &image).fails();
    assert!(failed.stderr.contains("is locked"), "{}", failed.stderr);
    let since = stage.token_server.requests();
    assert!(
        since[asked..]
            .iter()
            .all(|request| request.proof != Proof::Nothing),
        "an anonymous pull was tried: {since:?}"
    );

    keyring.unlock();
    pull(&docker, &image).succeeds();
    assert_eq!(docker.helper().get(stage.registry.address()), Some(alice()));
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
    assert!(refused.stderr.contains("is locked"), "{}", refused.stderr);
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
