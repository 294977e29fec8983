//! `exec` with a real docker, engine and registry: what the token does not allow, the registry itself denies.
#![cfg(target_os = "linux")]

mod support;

use serde_json::json;
use support::bearer::claims;
use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::Helper;
use support::home::HELPER;
use support::outcome::Outcome;
use support::peer;
use support::recorder::Recorder;
use support::stage::{ALICE, BOB, Stage};

#[test]
fn docker_pushes_and_pulls_within_the_scope_and_is_denied_beyond() {
    let Some((stage, engine)) = set(300) else { return };
    let docker = Docker::new(&stage.home, &engine);
    docker.login(stage.registry.address(), "alice", ALICE).succeeds();
    let (app, other) = (
        stage.registry.image("team/app"),
        stage.registry.image("team/other"),
    );
    docker.import(&app);
    docker.import(&other);

    exec(&docker, &["--push", &app], &["docker", "push", &app]).succeeds();
    let asked = stage.token_server.requests().len();
    let denied = exec(&docker, &["--push", &app], &["docker", "push", &other]).fails();
    assert!(denied.stderr.contains("denied"), "{}", denied.stderr);
    assert_eq!(
        stage.token_server.requests()[asked..]
            .iter()
            .filter(|request| request.scopes.iter().any(|scope| scope.contains("team/other")))
            .count(),
        0,
        "nobody asked for more: it is the registry that denied"
    );
    // alice may, were she asked.
    docker.run(&["push", &other]).succeeds();

    docker.run(&["rmi", &app]).succeeds();
    exec(&docker, &["--pull", &app], &["docker", "pull", &app]).succeeds();
    let denied = exec(&docker, &["--pull", &app], &["docker", "push", &app]).fails();
    assert!(denied.stderr.contains("denied"), "{}", denied.stderr);
    docker.run(&["rmi", &other]).succeeds();
    exec(&docker, &["--pull", &app], &["docker", "pull", &other]).fails();
    docker.run(&["pull", &other]).succeeds();
}

#[test]
fn the_engine_is_shown_a_token_of_that_scope_and_nothing_else() {
    let Some((stage, engine)) = set(300) else { return };
    let recorder = Recorder::before(&engine);
    let docker = Docker::new(&stage.home, &engine).heard_by(&recorder);
    docker.helper().store(stage.registry.address(), "alice", ALICE);
    let app = stage.registry.image("team/app");
    docker.import(&app);
    let script = format!("docker push {app} && docker rmi {app} && docker pull {app}");
    exec(&docker, &["--push", &app], &["sh", "-c", &script]).succeeds();

    let logins = recorder.logins();
    assert_eq!(logins.len(), 2, "{logins:?}");
    for login in logins {
        let claims = claims(login["registrytoken"].as_str().unwrap());
        assert_eq!(
            claims["access"],
            json!([{ "type": "repository", "name": "team/app", "actions": ["pull", "push"] }])
        );
        for field in ["username", "password", "auth", "identitytoken"] {
            assert_eq!(login.get(field), None, "{field}");
        }
    }
    assert!(!recorder.shows(ALICE));
}

#[test]
fn docker_finds_the_token_however_the_host_is_spelt() {
    let Some((stage, engine)) = set(300) else { return };
    let docker = Docker::new(&stage.home, &engine);
    let address = stage.registry.address().replace("127.0.0.1", "LOCALHOST");
    Helper::of(&stage.home).store(&address.to_lowercase(), "alice", ALICE);
    let image = format!("{address}/team/app");
    docker.import(&image);
    exec(&docker, &["--push", &image], &["docker", "push", &image]).succeeds();
    exec(&docker, &["--pull", &image], &["docker", "push", &image]).fails();
}

#[test]
fn two_registries_are_pushed_to_in_one_run() {
    let Some((stage, engine)) = set(300) else { return };
    let docker = Docker::new(&stage.home, &engine);
    let second = stage.second_registry();
    let helper = Helper::of(&stage.home);
    helper.store(stage.registry.address(), "alice", ALICE);
    helper.store(second.address(), "bob", BOB);
    let (one, two) = (stage.registry.image("team/app"), second.image("bob/app"));
    docker.import(&one);
    docker.import(&two);
    let script = format!("docker push {one} && docker push {two}");
    exec(&docker, &["--push", &one, "--push", &two], &["sh", "-c", &script]).succeeds();
    exec(&docker, &["--push", &one], &["docker", "push", &two]).fails();
}

#[test]
fn a_command_that_outlives_its_first_token_pushes_again() {
    let Some((stage, engine)) = set(20) else { return };
    let docker = Docker::new(&stage.home, &engine);
    docker.login(stage.registry.address(), "alice", ALICE).succeeds();
    let (one, two) = (
        stage.registry.image("team/app:1"),
        stage.registry.image("team/app:2"),
    );
    docker.import(&one);
    docker.import(&two);
    // A registry takes a token for a minute longer than it says (distribution `token.Leeway`).
    let script = format!(
        "docker push {one} || exit 2\n\
         first=$(cat \"$DOCKER_CONFIG/config.json\")\n\
         sleep 30\n\
         test \"$first\" != \"$(cat \"$DOCKER_CONFIG/config.json\")\" || exit 3\n\
         docker push {two} || exit 4\n\
         sleep 55\n\
         mkdir old && printf %s \"$first\" >old/config.json\n\
         docker push {two} || exit 5\n\
         ! DOCKER_CONFIG=old docker push {two} || exit 6"
    );
    exec(&docker, &["--push", &one], &["sh", "-c", &script]).succeeds();
}

fn exec(docker: &Docker<'_>, arguments: &[&str], command: &[&str]) -> Outcome {
    let mut exec = docker.command(HELPER);
    exec.arg("exec").args(arguments).arg("--").args(command);
    Outcome::of(&mut exec, b"")
}

/// A stage and an engine, where there is all that is needed.
fn set(seconds: u32) -> Option<(Stage, Engine)> {
    let here = peer::present(&PROGRAMS) && peer::root();
    here.then(|| (Stage::with_tokens_of(seconds), Engine::start()))
}
