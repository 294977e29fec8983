//! docker with a real engine, a real registry and a real token server, its credentials kept by the helper.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::fs;
use std::thread;

use serde_json::json;

use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::{Credential, Helper};
use support::home::Home;
use support::outcome::Outcome;
use support::peer;
use support::registry::Registry;
use support::token_server::request::{Proof, Request};
use support::token_server::{Config, TokenServer, User};

#[test]
fn docker_logs_in_pushes_pulls_and_logs_out() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let (docker, registry) = (stage.docker(), stage.registry.address());
    let image = stage.registry.image("team/app");

    docker.login(registry, "alice", ALICE).succeeds();
    assert_eq!(docker.helper().get(registry), Some(credential("alice", ALICE)));
    assert_eq!(
        docker.auths(),
        json!({ registry: {} }),
        "docker leaves a mark, and nothing in it"
    );

    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    docker.run(&["pull", &image]).succeeds();
    assert_eq!(
        stage.home.files_with("alice", ALICE),
        Vec::<std::path::PathBuf>::new()
    );

    docker.run(&["logout", registry]).succeeds();
    assert_eq!(docker.helper().get(registry), None);
    assert_eq!(docker.auths(), json!({}));
    docker.run(&["pull", &image]).fails();
}

#[test]
fn an_identity_token_is_kept_in_place_of_the_password() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    stage.token_server.set_refresh_tokens(true);
    let (docker, registry) = (stage.docker(), stage.registry.address());
    let image = stage.registry.image("team/app");

    docker.login(registry, "alice", ALICE).succeeds();
    let Credential { username, secret } = docker.helper().get(registry).unwrap();
    assert_eq!(username, "<token>");
    assert_ne!(secret, ALICE);

    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    docker.run(&["pull", &image]).succeeds();
    let pulled = stage.last_request();
    assert_eq!(
        (pulled.method, pulled.proof, pulled.status),
        ("POST", Proof::RefreshToken, 200)
    );
    assert_eq!(pulled.account.as_deref(), Some("alice"));

    for secret in [ALICE, &secret] {
        assert_eq!(
            stage.home.files_with("alice", secret),
            Vec::<std::path::PathBuf>::new()
        );
    }
    docker.run(&["logout", registry]).succeeds();
    assert_eq!(docker.helper().get(registry), None);
}

#[test]
fn a_wrong_password_is_refused_and_what_was_stored_is_kept() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let (docker, registry) = (stage.docker(), stage.registry.address());

    docker.login(registry, "alice", "wrong").fails();
    assert_eq!(docker.helper().get(registry), None);

    docker.login(registry, "alice", ALICE).succeeds();
    docker.login(registry, "alice", "wrong").fails();
    assert_eq!(stage.last_request().status, 401);
    assert_eq!(docker.helper().get(registry), Some(credential("alice", ALICE)));
}

#[test]
fn what_is_public_is_pulled_with_nothing_stored() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let (docker, registry) = (stage.docker(), stage.registry.address());
    let image = stage.registry.image("public/base");
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();

    let stranger = Home::new();
    let docker = Docker::new(&stranger, &stage.engine);
    docker.run(&["pull", &image]).succeeds();
    assert_eq!(stage.last_request().proof, Proof::Nothing);
    assert!(
        !stranger.path().join(".local").exists(),
        "a miss leaves nothing behind"
    );
}

#[test]
fn a_build_goes_on_where_one_slot_cannot_be_opened() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let (docker, registry) = (stage.docker(), stage.registry.address());
    let base = stage.registry.image("team/base");
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&base);
    docker.run(&["push", &base]).succeeds();
    docker.run(&["rmi", &base]).succeeds();
    docker.helper().store("damaged.example.com", "alice", ALICE);
    damage(&stage.home, "damaged.example.com");

    stage
        .home
        .write("build/Dockerfile", &format!("FROM {base}\nCOPY Dockerfile /\n"));
    let mut build = docker.command("docker");
    build.args(["build", "build"]).env("DOCKER_BUILDKIT", "0");
    Outcome::of(&mut build, b"").succeeds();

    assert_eq!(docker.helper().list().into_keys().collect::<Vec<_>>(), [registry]);
    let answer = docker.helper().ask("get", "damaged.example.com").fails();
    assert!(
        !answer.stdout.contains("credentials not found"),
        "damaged is not absent: {}",
        answer.stdout
    );
}

#[test]
fn compose_pulls() {
    let mut programs = PROGRAMS.to_vec();
    programs.push("docker-compose");
    let Some(stage) = Stage::set(&programs) else {
        return;
    };
    let docker = stage.docker();
    let image = stage.registry.image("team/app");
    docker.login(stage.registry.address(), "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();

    let services = json!({ "version": "3", "services": { "app": { "image": image } } });
    stage.home.write("docker-compose.yml", &services.to_string());
    Outcome::of(docker.command("docker-compose").arg("pull"), b"").succeeds();
    docker.run(&["image", "inspect", &image]).succeeds();
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
}

#[test]
fn two_registries_are_two_credentials() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let docker = stage.docker();
    let (first, second) = (&stage.registry, Registry::start("second", &stage.token_server));
    docker.login(first.address(), "alice", ALICE).succeeds();
    docker.login(second.address(), "bob", BOB).succeeds();

    let both = docker.helper().list();
    assert_eq!(both[first.address()], "alice");
    assert_eq!(both[second.address()], "bob");
    let (at_first, at_second) = (first.image("team/app"), second.image("bob/app"));
    for image in [&at_first, &at_second] {
        docker.import(image);
    }
    thread::scope(|scope| {
        for image in [&at_first, &at_second] {
            let docker = &docker;
            scope.spawn(move || docker.run(&["push", image]).succeeds());
        }
    });

    docker.run(&["logout", first.address()]).succeeds();
    assert_eq!(docker.helper().get(first.address()), None);
    assert_eq!(
        docker.helper().get(second.address()),
        Some(credential("bob", BOB))
    );
}

#[test]
fn a_second_login_asks_nothing() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let (docker, registry) = (stage.docker(), stage.registry.address());
    docker.login(registry, "alice", ALICE).succeeds();

    let again = docker.run(&["login", registry]).succeeds();
    assert!(again.stdout.contains("Login Succeeded"), "{}", again.stdout);
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
    assert_eq!(docker.helper().get(registry), Some(credential("alice", ALICE)));
}

#[test]
fn another_account_takes_the_place_of_the_first() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let (docker, registry) = (stage.docker(), stage.registry.address());
    docker.login(registry, "alice", ALICE).succeeds();
    docker.login(registry, "bob", BOB).succeeds();
    assert_eq!(docker.helper().get(registry), Some(credential("bob", BOB)));
    assert_eq!(docker.helper().list().len(), 1);

    docker.run(&["logout", registry]).succeeds();
    assert_eq!(
        docker.helper().get(registry),
        None,
        "the first account does not come back"
    );
}

#[test]
fn two_profiles_work_at_one_registry_at_one_time() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let registry = stage.registry.address();
    let image = stage.registry.image("team/app");
    let docker = stage.docker();
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["logout", registry]).succeeds();

    let profiles = [("a", "alice", ALICE), ("b", "bob", BOB)];
    thread::scope(|scope| {
        for (profile, user, password) in profiles {
            let docker = Docker::with_profile(&stage.home, &stage.engine, profile);
            let image = &image;
            scope.spawn(move || {
                for _ in 0..3 {
                    docker.login(registry, user, password).succeeds();
                    assert_eq!(docker.helper().get(registry), Some(credential(user, password)));
                    docker.run(&["pull", image]).succeeds();
                    docker.run(&["logout", registry]).succeeds();
                    assert_eq!(docker.helper().get(registry), None);
                }
            });
        }
    });
    assert_eq!(Helper::of(&stage.home).get(registry), None);
}

#[test]
fn a_logout_with_nothing_stored_is_no_failure() {
    let Some(stage) = Stage::set(&PROGRAMS) else {
        return;
    };
    let docker = stage.docker();
    let outcome = docker.run(&["logout", stage.registry.address()]).succeeds();
    assert!(!outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
}

const ALICE: &str = "password-of-alice";
const BOB: &str = "password-of-bob";

/// Everybody there is: alice and bob, a registry they may use, and an engine.
struct Stage {
    token_server: TokenServer,
    registry: Registry,
    engine: Engine,
    home: Home,
}

impl Stage {
    fn set(programs: &[&str]) -> Option<Self> {
        if !peer::present(programs) || !peer::root() {
            return None;
        }
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
            ..Config::default()
        })
        .unwrap();
        Some(Self {
            registry: Registry::start("first", &token_server),
            engine: Engine::start(),
            home: Home::new(),
            token_server,
        })
    }

    fn docker(&self) -> Docker<'_> {
        Docker::new(&self.home, &self.engine)
    }

    fn last_request(&self) -> Request {
        self.token_server.requests().pop().expect("a request")
    }
}

fn credential(username: &str, secret: &str) -> Credential {
    Credential {
        username: username.to_owned(),
        secret: secret.to_owned(),
    }
}

/// Turns one bit in the middle of a slot's file.
fn damage(home: &Home, server: &str) {
    let slot = home.slots().join(format!("{server}@default"));
    let mut content = fs::read(&slot).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&slot, content).unwrap();
}
