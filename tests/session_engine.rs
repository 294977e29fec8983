//! docker with a real engine and a real registry, by sessions of each scope of Docker Hub's.
#![cfg(target_os = "linux")]

mod support;

use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;
use support::outcome::Outcome;
use support::peer;

/// What a session of a scope does with images of its account, and with one that anybody may pull.
struct Does {
    pulls: bool,
    pushes: bool,
}

#[test]
fn docker_does_through_a_session_what_its_scope_allows_and_nothing_when_it_has_ended() {
    let Some((scene, engine)) = set() else { return };
    let (own, public) = (image(&scene, "anna/app"), image(&scene, "base/public"));
    // anna's password is what manages tokens, and puts there what is pulled.
    let person = Docker::new(&scene.home, &engine);
    person.login(&scene.registry(), "anna", ANNA).succeeds();
    person.import(&own);
    person.run(&["push", &own]).succeeds();
    let keeper = scene.other_machine();
    let base = Docker::new(&keeper, &engine);
    base.login(&scene.registry(), "base", "password-of-base")
        .succeeds();
    base.import(&public);
    base.run(&["push", &public]).succeeds();

    let scopes = [
        ("repo:admin", true, true),
        ("repo:write", true, true),
        ("repo:read", true, false),
        ("repo:public_read", false, false),
    ];
    for (scope, pulls, pushes) in scopes {
        let does = Does { pulls, pushes };
        let profile = scope.replace("repo:", "").replace('_', "-");
        scene
            .run(&["session", "start", "--scope", scope, "--profile", &profile])
            .succeeds();
        let docker = Docker::with_profile(&scene.home, &engine, &profile);
        let _ = docker.run(&["rmi", &own, &public]);

        docker.run(&["pull", &public]).succeeds();
        let pulled = docker.run(&["pull", &own]);
        is_allowed(&pulled, does.pulls, scope);
        docker.import(&own);
        let pushed = docker.run(&["push", &own]);
        is_allowed(&pushed, does.pushes, scope);
        let asked = scene.hub.token_server.requests().pop().unwrap();
        assert_eq!(
            (asked.account.as_deref(), asked.status),
            (Some("anna"), 200),
            "{scope}"
        );

        scene.run(&["session", "end", "--profile", &profile]).succeeds();
        let _ = docker.run(&["rmi", &own]);
        is_allowed(&docker.run(&["pull", &own]), false, scope);
    }
    assert!(scene.hub.tokens("anna").is_empty());
    // Only the sessions have ended.
    person.run(&["pull", &own]).succeeds();
}

/// A client that was given the token before it was revoked gets no further with it.
#[test]
fn what_was_handed_out_before_opens_nothing_when_the_session_has_ended() {
    let Some((scene, engine)) = set() else { return };
    let own = image(&scene, "anna/app");
    let person = Docker::new(&scene.home, &engine);
    person.login(&scene.registry(), "anna", ANNA).succeeds();
    person.import(&own);
    person.run(&["push", &own]).succeeds();
    person.run(&["rmi", &own]).succeeds();
    scene.run(&["session", "start"]).succeeds();
    let handed = scene.stored_in("session").unwrap();
    let job = scene.other_machine();
    let docker = Docker::new(&job, &engine);
    docker
        .login(&scene.registry(), &handed.username, &handed.secret)
        .succeeds();
    docker.run(&["pull", &own]).succeeds();
    docker.run(&["rmi", &own]).succeeds();

    scene.run(&["session", "end"]).succeeds();
    is_allowed(&docker.run(&["pull", &own]), false, "the same token");
    let asked = scene.hub.token_server.requests().pop().unwrap();
    assert_eq!(asked.status, 401);
}

#[track_caller]
fn is_allowed(outcome: &Outcome, is_allowed: bool, scope: &str) {
    assert_eq!(outcome.has_succeeded(), is_allowed, "{scope}: {outcome:?}");
    if !is_allowed {
        let is_denied = ["denied", "unauthorized"]
            .iter()
            .any(|word| outcome.stderr.contains(word));
        assert!(is_denied, "{scope}: {outcome:?}");
    }
}

fn image(scene: &HubScene, name: &str) -> String {
    format!("{}/{name}", scene.registry())
}

/// A Docker Hub with a registry, and an engine, where there is all that is needed.
fn set() -> Option<(HubScene, Engine)> {
    let here = peer::present(&PROGRAMS) && peer::root();
    here.then(|| {
        let mut config = Config {
            public: vec!["base/*".to_owned()],
            ..Config::default()
        };
        config
            .accounts
            .push(support::hub::account::Account::new("base", "password-of-base"));
        (HubScene::real(config), Engine::start())
    })
}
