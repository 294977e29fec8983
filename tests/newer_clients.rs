//! Clients that Debian 12 has not: crane, oras, cosign, buildx and compose 2, with a real registry and token server.
//!
//! `tests/newer-clients` runs these, and what else is about clients, in a Debian that has them.
#![cfg(target_os = "linux")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod support;

use serde_json::json;

use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::Helper;
use support::home::{HELPER, Home};
use support::image;
use support::outcome::Outcome;
use support::peer;
use support::stage::{ALICE, Stage, alice};
use support::token_server::request::Proof;

#[test]
fn crane_logs_in_pushes_pulls_and_logs_out() {
    let Some(stage) = set(&["crane"]) else { return };
    let registry = stage.registry.address();
    login_round_trip(
        &stage,
        &[
            "crane",
            "auth",
            "login",
            "--username",
            "alice",
            "--password-stdin",
            registry,
        ],
        &["crane", "auth", "logout", registry],
        |home| crane(&stage, home, &[]),
    );
}

#[test]
fn oras_logs_in_pushes_pulls_and_logs_out() {
    let Some(stage) = set(&["oras"]) else { return };
    let registry = stage.registry.address();
    login_round_trip(
        &stage,
        &[
            "oras",
            "login",
            "--plain-http",
            "--username",
            "alice",
            "--password-stdin",
            registry,
        ],
        &["oras", "logout", registry],
        |home| oras(&stage, home, &[]),
    );
}

#[test]
fn crane_and_oras_ask_a_helper_that_is_named_for_one_registry() {
    let Some(stage) = set(&["crane", "oras"]) else {
        return;
    };
    let helpers = json!({ "credHelpers": { stage.registry.address(): "scoped" } });
    stage.home.write(".docker/config.json", &helpers.to_string());
    Helper::of(&stage.home).store(stage.registry.address(), "alice", ALICE);
    crane(&stage, &stage.home, &[]);
    oras(&stage, &stage.home, &[]);
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
}

#[test]
fn crane_and_oras_are_served_by_an_identity_token() {
    let Some(stage) = set(&["crane", "oras"]) else {
        return;
    };
    stage.token_server.set_refresh_tokens(true);
    configured(&stage.home);
    let (helper, registry) = (Helper::of(&stage.home), stage.registry.address());
    helper.store(registry, "alice", ALICE);
    helper.hand_out_identity_tokens(registry);
    for client in [crane, oras] {
        let asked = stage.token_server.requests().len();
        client(&stage, &stage.home, &[]);
        let requests = stage.token_server.requests();
        assert!(requests.len() > asked);
        for request in &requests[asked..] {
            assert_eq!((request.proof, request.status), (Proof::RefreshToken, 200));
        }
    }
    stage.keeps_secret(ALICE);
}

#[test]
fn crane_and_oras_push_with_the_token_of_exec_and_are_denied_beyond() {
    let Some(stage) = set(&["crane", "oras"]) else {
        return;
    };
    configured(&stage.home);
    Helper::of(&stage.home).store(stage.registry.address(), "alice", ALICE);
    for client in [crane, oras] {
        let (app, other) = (
            stage.registry.image("team/app"),
            stage.registry.image("team/other"),
        );
        client(&stage, &stage.home, &[HELPER, "exec", "--push", &app, "--"]);
        let exec = [HELPER, "exec", "--push", &other, "--"];
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            client(&stage, &stage.home, &exec);
        }));
        assert!(refused.is_err(), "it pushed what it had no token for");
    }
    stage.keeps_secret(ALICE);
}

/// go-containerregistry asks for the repository before the registry, and gets what is kept for its path.
#[test]
fn crane_is_given_what_is_kept_for_a_part_of_the_registry() {
    let Some(stage) = set(&["crane"]) else { return };
    configured(&stage.home);
    let registry = stage.registry.address();
    let mut add = stage.home.command(HELPER);
    add.args(["add", &format!("{registry}/team"), "--username", "alice"]);
    Outcome::of(&mut add, ALICE.as_bytes()).succeeds();
    assert_eq!(Helper::of(&stage.home).get(registry), None);
    crane(&stage, &stage.home, &[]);
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
}

#[test]
fn cosign_logs_in() {
    let Some(stage) = set(&["cosign", "crane"]) else {
        return;
    };
    configured(&stage.home);
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
    let login = [
        "cosign",
        "login",
        "--username",
        "alice",
        "--password-stdin",
        registry,
    ];
    run(&stage.home, &login, ALICE).succeeds();
    assert_eq!(Helper::of(&stage.home).get(registry), Some(alice()));
    crane(&stage, &stage.home, &[]);
    let asked = stage.token_server.requests().len();
    run(
        &stage.home,
        &[
            "cosign",
            "copy",
            "--allow-http-registry",
            &image,
            &stage.registry.image("team/copy"),
        ],
        "",
    )
    .succeeds();
    let requests = stage.token_server.requests();
    assert!(requests.len() > asked);
    assert_eq!(requests.last().unwrap().account.as_deref(), Some("alice"));
    stage.keeps_secret(ALICE);
}

#[test]
fn buildx_builds_on_what_it_pulls_and_pushes() {
    let Some((stage, engine)) = with_engine() else {
        return;
    };
    for identity_token in [false, true] {
        stage.token_server.set_refresh_tokens(identity_token);
        let docker = Docker::new(&stage.home, &engine);
        let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
        docker.helper().store(registry, "alice", ALICE);
        if identity_token {
            docker.helper().hand_out_identity_tokens(registry);
        }
        base(&stage, &docker);
        let asked = stage.token_server.requests().len();
        buildx(&docker, &[], &image).succeeds();
        let requests = stage.token_server.requests();
        assert!(requests.len() > asked);
        let proof = if identity_token {
            Proof::RefreshToken
        } else {
            Proof::Password
        };
        let at = |request: &support::token_server::request::Request| {
            request.proof == proof && request.status == 200
        };
        assert!(requests[asked..].iter().all(at), "{:?}", &requests[asked..]);
        stage.keeps_secret(ALICE);
    }
}

#[test]
fn buildx_pushes_with_the_token_of_exec_and_is_denied_beyond() {
    let Some((stage, engine)) = with_engine() else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
    docker.helper().store(stage.registry.address(), "alice", ALICE);
    base(&stage, &docker);
    let (app, other) = (
        stage.registry.image("team/app"),
        stage.registry.image("team/other"),
    );
    let base = stage.registry.image("team/base");
    let exec = [HELPER, "exec", "--pull", &base, "--push", &app, "--"];
    buildx(&docker, &exec, &app).succeeds();
    buildx(&docker, &exec, &other).fails();
    buildx(&docker, &[], &other).succeeds();
}

#[test]
fn compose_pulls_builds_and_pushes() {
    let Some((stage, engine)) = with_engine() else {
        return;
    };
    for identity_token in [false, true] {
        stage.token_server.set_refresh_tokens(identity_token);
        let docker = Docker::new(&stage.home, &engine);
        let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
        docker.helper().store(registry, "alice", ALICE);
        if identity_token {
            docker.helper().hand_out_identity_tokens(registry);
        }
        base(&stage, &docker);
        let services = json!({ "services": {
            "base": { "image": stage.registry.image("team/base") },
            "app": { "image": image, "build": "build" },
        } });
        stage.home.write("compose.yml", &services.to_string());
        for verb in [["pull", "base"].as_slice(), &["build", "app"], &["push", "app"]] {
            let arguments = [&["docker", "compose"], verb].concat();
            run_with(&docker, &[], &arguments).succeeds();
            assert_eq!(stage.last_request().account.as_deref(), Some("alice"), "{verb:?}");
        }
        let exec = [HELPER, "exec", "--pull", &image, "--"];
        run_with(&docker, &exec, &["docker", "compose", "pull", "app"]).succeeds();
        run_with(&docker, &exec, &["docker", "compose", "push", "app"]).fails();
        stage.keeps_secret(ALICE);
    }
}

/// Logs in, has the client push and pull, and logs out; the credential is the helper's alone.
fn login_round_trip(stage: &Stage, login: &[&str], logout: &[&str], transfer: impl Fn(&Home)) {
    configured(&stage.home);
    let (helper, registry) = (Helper::of(&stage.home), stage.registry.address());
    run(&stage.home, login, ALICE).succeeds();
    assert_eq!(helper.get(registry), Some(alice()));
    transfer(&stage.home);
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
    stage.keeps_secret(ALICE);
    run(&stage.home, logout, "").succeeds();
    assert_eq!(helper.get(registry), None);
}

/// crane pushes `team/app` and pulls it.
fn crane(stage: &Stage, home: &Home, before: &[&str]) {
    let image = stage.registry.image("team/app");
    image::layout(&home.path().join("layout"), "a tiny image");
    run(home, &[before, &["crane", "push", "layout", &image]].concat(), "").succeeds();
    run(
        home,
        &[before, &["crane", "pull", &image, "pulled.tar"]].concat(),
        "",
    )
    .succeeds();
}

/// oras pushes `team/app` and pulls it.
fn oras(stage: &Stage, home: &Home, before: &[&str]) {
    let image = stage.registry.image("team/app:latest");
    home.write("artifact.txt", "proof");
    run(
        home,
        &[before, &["oras", "push", "--plain-http", &image, "artifact.txt"]].concat(),
        "",
    )
    .succeeds();
    run(
        home,
        &[
            before,
            &["oras", "pull", "--plain-http", "--output", "pulled", &image],
        ]
        .concat(),
        "",
    )
    .succeeds();
}

/// Puts an image into the registry that a build can stand on.
fn base(stage: &Stage, docker: &Docker<'_>) {
    let base = stage.registry.image("team/base");
    docker.import(&base);
    docker.run(&["push", &base]).succeeds();
    docker.run(&["rmi", &base]).succeeds();
    stage
        .home
        .write("build/Dockerfile", &format!("FROM {base}\nCOPY Dockerfile /\n"));
}

fn buildx(docker: &Docker<'_>, before: &[&str], image: &str) -> Outcome {
    run_with(
        docker,
        before,
        &[
            "docker",
            "buildx",
            "build",
            "--no-cache",
            "--provenance=false",
            "--push",
            "--tag",
            image,
            "build",
        ],
    )
}

fn run_with(docker: &Docker<'_>, before: &[&str], words: &[&str]) -> Outcome {
    let words = [before, words].concat();
    let (program, arguments) = words.split_first().unwrap();
    Outcome::of(docker.command(program).args(arguments), b"")
}

fn run(home: &Home, words: &[&str], input: &str) -> Outcome {
    let (program, arguments) = words.split_first().unwrap();
    Outcome::of(home.command(program).args(arguments), input.as_bytes())
}

fn configured(home: &Home) {
    home.write(
        ".docker/config.json",
        &json!({ "credsStore": "scoped" }).to_string(),
    );
}

fn set(programs: &[&str]) -> Option<Stage> {
    (peer::present(programs) && peer::present(&["docker-registry", "setpriv"])).then(Stage::new)
}

fn with_engine() -> Option<(Stage, Engine)> {
    let here = peer::present(&PROGRAMS)
        && peer::root()
        && peer::can("docker", &["buildx", "version"])
        && peer::can("docker", &["compose", "version"]);
    here.then(|| (Stage::new(), Engine::start()))
}
