//! `exec` with a real docker, engine and registry: what the token does not allow, the registry itself denies.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::string_slice,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::fs;

use serde_json::json;
use support::bearer::claims;
use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::Helper;
use support::home::{HELPER, Home};
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

#[test]
fn the_examples_for_ci_push_as_they_are_written() {
    let Some((stage, engine)) = set(300) else { return };
    let registry = stage.registry.address();
    for (service, shell, variables, image) in [
        (
            "GitHub Actions",
            "bash",
            vec![
                ("REGISTRY", registry),
                ("GITHUB_ACTOR", "alice"),
                ("GHCR_TOKEN", ALICE),
                ("GITHUB_REPOSITORY", "Team/GitHub"),
                ("GITHUB_SHA", "1"),
            ],
            stage.registry.image("team/github:1"),
        ),
        (
            "GitLab CI",
            "sh",
            vec![
                ("CI_REGISTRY", registry),
                ("CI_REGISTRY_USER", "alice"),
                ("CI_REGISTRY_PASSWORD", ALICE),
                // The service puts it together, from what stands in `variables`.
                ("IMAGE", &stage.registry.image("team/gitlab:1")),
            ],
            stage.registry.image("team/gitlab:1"),
        ),
    ] {
        let home = Home::new();
        home.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        let scripts = scripts(service);
        assert!(scripts.len() >= 3, "{scripts:?}");
        // What a step of GitHub's writes there is in the environment of the next ones.
        let for_next = home.directory().join("github-env");
        for script in scripts {
            let of_last = fs::read_to_string(&for_next).unwrap_or_default();
            let mut step = home.command(shell);
            step.args(["-e", "-c", &script])
                .env("DOCKER_HOST", engine.host())
                .env("GITHUB_ENV", &for_next)
                .envs(variables.iter().copied())
                .envs(of_last.lines().filter_map(|line| line.split_once('=')));
            Outcome::of(&mut step, b"").succeeds();
        }
        let repository = image
            .trim_start_matches(registry)
            .trim_matches('/')
            .trim_end_matches(":1");
        let asked = stage.last_request();
        assert_eq!(asked.account.as_deref(), Some("alice"), "{service}");
        assert_eq!(
            asked.scopes,
            [format!("repository:{repository}:pull,push")],
            "{service}"
        );
        assert!(home.files_with("alice", ALICE).is_empty(), "{service}");

        let docker = Docker::new(&stage.home, &engine);
        docker.helper().store(registry, "bob", BOB);
        docker.run(&["rmi", &image]).succeeds();
        docker.run(&["pull", &image]).succeeds();
    }
}

/// The shell scripts of the README's example for a service, as the service runs them: a step each.
fn scripts(service: &str) -> Vec<String> {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once(&format!("\n{service}, ")).expect("an example");
    let (_, example) = example.split_once("```yaml\n").expect("its beginning");
    let (example, _) = example.split_once("```").expect("its end");
    let mut lines = example.lines().peekable();
    let mut scripts = Vec::new();
    while let Some(line) = lines.next() {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let Some(item) = line.trim_start().strip_prefix("- ") else {
            continue;
        };
        let script = item.strip_prefix("run: ").unwrap_or(item);
        if script.starts_with("uses: ") {
            continue;
        }
        if script != "|" {
            scripts.push(script.to_owned());
            continue;
        }
        let inside = indent(lines.peek().expect("a script"));
        let mut block = String::new();
        while let Some(line) = lines.next_if(|line| indent(line) >= inside) {
            block += &line[inside..];
            block += "\n";
        }
        scripts.push(block);
    }
    scripts
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
