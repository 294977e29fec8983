//! docker with a real engine, a real registry and a real token server, its credentials kept by the helper.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use serde_json::json;

use support::docker::{Docker, PROGRAMS};
use support::engine::Engine;
use support::helper::{Credential, Helper};
use support::home::Home;
use support::outcome::Outcome;
use support::peer;
use support::recorder::Recorder;
use support::stage::{ALICE, BOB, Stage, alice, bob};
use support::token_server::request::Proof;

#[test]
fn docker_logs_in_pushes_pulls_and_logs_out() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    let image = stage.registry.image("team/app");

    docker.login(registry, "alice", ALICE).succeeds();
    assert_eq!(docker.helper().get(registry), Some(alice()));
    assert_eq!(
        docker.auths(),
        json!({ registry: {} }),
        "docker leaves a mark, and nothing in it"
    );

    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    docker.run(&["pull", &image]).succeeds();
    stage.keeps_secret(ALICE);

    docker.run(&["logout", registry]).succeeds();
    assert_eq!(docker.helper().get(registry), None);
    assert_eq!(docker.auths(), json!({}));
    docker.run(&["pull", &image]).fails();
}

#[test]
fn an_identity_token_is_kept_in_place_of_the_password() {
    let Some((stage, engine)) = set(&[]) else { return };
    stage.token_server.set_refresh_tokens(true);
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
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

    stage.keeps_secret(ALICE);
    stage.keeps_secret(&secret);
    docker.run(&["logout", registry]).succeeds();
    assert_eq!(docker.helper().get(registry), None);
}

#[test]
fn an_engine_is_shown_the_identity_token_and_never_the_password() {
    let Some((stage, engine)) = set(&[]) else { return };
    stage.token_server.set_refresh_tokens(true);
    let recorder = Recorder::before(&engine);
    let docker = Docker::new(&stage.home, &engine).heard_by(&recorder);
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
    // Not by docker, whose login shows the password to the engine.
    docker.helper().store(registry, "alice", ALICE);
    docker.helper().hand_out_identity_tokens(registry);
    let Credential { username, secret } = docker.helper().get(registry).unwrap();
    assert_eq!(username, "<token>");
    let asked = stage.token_server.requests().len();

    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    docker.run(&["pull", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();
    // One that asks for all that is listed.
    stage
        .home
        .write("build/Dockerfile", &format!("FROM {image}\nCOPY Dockerfile /\n"));
    let mut build = docker.command("docker");
    build.args(["build", "build"]).env("DOCKER_BUILDKIT", "0");
    Outcome::of(&mut build, b"").succeeds();

    let logins = recorder.logins();
    assert_eq!(logins.len(), 3, "{logins:?}");
    for login in logins {
        let login = login.get(registry).unwrap_or(&login);
        assert_eq!(login["identitytoken"], json!(secret));
        assert_eq!((login.get("username"), login.get("password")), (None, None));
    }
    assert!(recorder.shows(&secret) && !recorder.shows(ALICE) && !recorder.shows("alice"));
    let requests = stage.token_server.requests();
    assert!(requests.len() > asked);
    for request in &requests[asked..] {
        assert_eq!(
            (request.method, request.proof, request.status),
            ("POST", Proof::RefreshToken, 200)
        );
        assert_eq!(request.account.as_deref(), Some("alice"));
    }
    stage.keeps_secret(ALICE);
    stage.keeps_secret(&secret);
    docker.run(&["logout", registry]).succeeds();
    assert_eq!(docker.helper().get(registry), None);
    // The recorder would have heard it.
    docker.login(registry, "alice", ALICE).succeeds();
    assert!(recorder.shows(ALICE));
}

#[test]
fn a_wrong_password_is_refused_and_what_was_stored_is_kept() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());

    docker.login(registry, "alice", "wrong").fails();
    assert_eq!(docker.helper().get(registry), None);

    docker.login(registry, "alice", ALICE).succeeds();
    docker.login(registry, "alice", "wrong").fails();
    assert_eq!(stage.last_request().status, 401);
    assert_eq!(docker.helper().get(registry), Some(alice()));
}

#[test]
fn what_is_public_is_pulled_with_nothing_stored() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    let image = stage.registry.image("public/base");
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();

    let stranger = Home::new();
    let docker = Docker::new(&stranger, &engine);
    docker.run(&["pull", &image]).succeeds();
    assert_eq!(stage.last_request().proof, Proof::Nothing);
    assert!(
        !stranger.path().join(".local").exists(),
        "a miss leaves nothing behind"
    );
}

#[test]
fn a_build_goes_on_where_one_slot_cannot_be_opened() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    let base = stage.registry.image("team/base");
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&base);
    docker.run(&["push", &base]).succeeds();
    docker.run(&["rmi", &base]).succeeds();
    docker.helper().store("damaged.example.com", "alice", ALICE);
    stage.home.damage("damaged.example.com");

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
    let Some((stage, engine)) = set(&["docker-compose"]) else {
        return;
    };
    let docker = Docker::new(&stage.home, &engine);
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
    let Some((stage, engine)) = set(&[]) else { return };
    let docker = Docker::new(&stage.home, &engine);
    let (first, second) = (&stage.registry, stage.second_registry());
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
    assert_eq!(docker.helper().get(second.address()), Some(bob()));
}

#[test]
fn a_second_login_asks_nothing() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    docker.login(registry, "alice", ALICE).succeeds();

    let again = docker.run(&["login", registry]).succeeds();
    assert!(again.stdout.contains("Login Succeeded"), "{}", again.stdout);
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
    assert_eq!(docker.helper().get(registry), Some(alice()));
}

#[test]
fn another_account_takes_the_place_of_the_first() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    docker.login(registry, "alice", ALICE).succeeds();
    docker.login(registry, "bob", BOB).succeeds();
    assert_eq!(docker.helper().get(registry), Some(bob()));
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
    let Some((stage, engine)) = set(&[]) else { return };
    let registry = stage.registry.address();
    let image = stage.registry.image("team/app");
    let docker = Docker::new(&stage.home, &engine);
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["logout", registry]).succeeds();

    let profiles = [("a", alice()), ("b", bob())];
    thread::scope(|scope| {
        for (profile, expected) in profiles {
            let docker = Docker::with_profile(&stage.home, &engine, profile);
            let image = &image;
            scope.spawn(move || {
                for _ in 0..3 {
                    docker
                        .login(registry, &expected.username, &expected.secret)
                        .succeeds();
                    assert_eq!(docker.helper().get(registry).as_ref(), Some(&expected));
                    docker.run(&["pull", image]).succeeds();
                    docker.run(&["logout", registry]).succeeds();
                    assert_eq!(docker.helper().get(registry), None);
                }
            });
        }
    });
    assert_eq!(Helper::of(&stage.home).get(registry), None);
}

/// Two passwords for one registry, one of which may only pull.
#[test]
fn a_job_with_the_profile_that_reads_pulls_and_its_push_is_denied_by_the_registry() {
    let Some((stage, engine)) = set(&[]) else { return };
    let registry = stage.registry.address();
    let image = stage.registry.image("team/app");
    stage.declare_a_profile_that_reads();
    let docker = Docker::new(&stage.home, &engine);
    docker.login(registry, "alice", ALICE).succeeds();
    docker.import(&image);
    docker.run(&["push", &image]).succeeds();
    docker.run(&["rmi", &image]).succeeds();

    let job = Docker::with_profile(&stage.home, &engine, "read");
    assert_eq!(job.helper().get(registry), Some(bob()));
    job.run(&["pull", &image]).succeeds();
    let denied = job.run(&["push", &image]).fails();
    assert!(denied.stderr.contains("denied"), "{}", denied.stderr);
    let asked = stage.last_request();
    assert_eq!((asked.account.as_deref(), asked.status), (Some("bob"), 200));

    // docker stores what it was answered, which is then still kept elsewhere.
    let login = job.run(&["login", registry]).succeeds();
    assert!(login.stdout.contains("Login Succeeded"), "{login:?}");
    let slots: Vec<_> = fs::read_dir(stage.home.slots()).unwrap().collect();
    assert_eq!(slots.len(), 1, "alice's: {slots:?}");
    // To log out there takes nothing from anybody.
    job.run(&["logout", registry]).succeeds();
    assert_eq!(job.helper().get(registry), Some(bob()));
    docker.run(&["push", &image]).succeeds();
}

#[test]
fn a_logout_with_nothing_stored_is_no_failure() {
    let Some((stage, engine)) = set(&[]) else { return };
    let docker = Docker::new(&stage.home, &engine);
    let outcome = docker.run(&["logout", stage.registry.address()]).succeeds();
    assert!(!outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
}

#[test]
fn a_damaged_slot_is_mended_by_logging_out_and_in_again() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    docker.login(registry, "alice", ALICE).succeeds();
    stage.home.damage(registry);

    let refused = docker.login(registry, "alice", ALICE).fails();
    assert!(
        refused.stderr.contains("log out of that registry and in again"),
        "{}",
        refused.stderr
    );
    docker.run(&["logout", registry]).succeeds();
    docker.login(registry, "alice", ALICE).succeeds();
    assert_eq!(docker.helper().get(registry), Some(alice()));
}

#[test]
fn a_token_server_that_refuses_costs_no_credential() {
    let Some((stage, engine)) = set(&[]) else { return };
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    docker.login(registry, "alice", ALICE).succeeds();

    stage.token_server.refuse("alice");
    docker.run(&["pull", &stage.registry.image("team/app")]).fails();
    assert_eq!(stage.last_request().status, 401);
    assert_eq!(docker.helper().get(registry), Some(alice()));
}

#[test]
fn an_engine_leaves_nothing_behind_when_a_test_panics() {
    let Some((_, engine)) = set(&[]) else { return };
    let directory = engine.directory().to_owned();
    panic::catch_unwind(AssertUnwindSafe(move || {
        let _engine = engine;
        panic::resume_unwind(Box::new("a failing test"));
    }))
    .unwrap_err();

    assert!(!directory.exists(), "its images and its log are removed");
    let name = directory.to_str().unwrap();
    assert!(
        !fs::read_to_string("/proc/self/mountinfo").unwrap().contains(name),
        "nothing is mounted"
    );
    for process in fs::read_dir("/proc").unwrap() {
        let arguments = fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&arguments).contains(name),
            "no process is left"
        );
    }
}

/// A stage and an engine, where there is all that is needed.
fn set(further: &[&str]) -> Option<(Stage, Engine)> {
    let here = peer::present(&PROGRAMS) && peer::present(further) && peer::root();
    here.then(|| (Stage::new(), Engine::start()))
}
