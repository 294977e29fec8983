//! podman, skopeo and buildah with a real registry and a real token server, their credentials kept by the helper.
#![cfg(target_os = "linux")]

mod support;

use support::containers::{Configured, Containers};
use support::docker::{self, Docker};
use support::engine::Engine;
use support::helper::Helper;
use support::image;
use support::peer;
use support::stage::{ALICE, Stage, alice};
use support::token_server::request::Proof;

#[test]
fn podman_logs_in_pushes_pulls_and_logs_out() {
    round_trip("podman", |containers, image, layout| {
        let id = containers
            .run("podman", &["pull", "--quiet", layout])
            .succeeds()
            .stdout;
        containers
            .run("podman", &["push", "--tls-verify=false", id.trim(), image])
            .succeeds();
        containers
            .run("podman", &["rmi", "--force", id.trim()])
            .succeeds();
        containers
            .run("podman", &["pull", "--tls-verify=false", image])
            .succeeds();
    });
}

#[test]
fn buildah_logs_in_pushes_pulls_and_logs_out() {
    round_trip("buildah", |containers, image, layout| {
        let id = containers
            .run("buildah", &["pull", "--quiet", layout])
            .succeeds()
            .stdout;
        containers
            .run("buildah", &["push", "--tls-verify=false", id.trim(), image])
            .succeeds();
        containers
            .run("buildah", &["rmi", "--force", id.trim()])
            .succeeds();
        containers
            .run("buildah", &["pull", "--tls-verify=false", image])
            .succeeds();
    });
}

#[test]
fn skopeo_logs_in_copies_there_and_back_and_logs_out() {
    round_trip("skopeo", |containers, image, layout| {
        let image = format!("docker://{image}");
        containers
            .run("skopeo", &["copy", "--dest-tls-verify=false", layout, &image])
            .succeeds();
        containers
            .run("skopeo", &["copy", "--src-tls-verify=false", &image, "dir:copy"])
            .succeeds();
    });
}

#[test]
fn a_second_login_asks_nothing() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    containers.login("podman", registry, "alice", ALICE).succeeds();
    for program in PROGRAMS {
        let again = containers
            .run(program, &["login", "--tls-verify=false", registry])
            .succeeds();
        assert!(
            again.stdout.contains("Existing credentials are valid"),
            "{program}: {}",
            again.stdout
        );
    }
}

#[test]
fn a_wrong_password_is_refused_and_what_was_stored_is_kept() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    containers.login("podman", registry, "alice", ALICE).succeeds();
    for program in PROGRAMS {
        containers.login(program, registry, "alice", "wrong").fails();
        assert_eq!(Helper::of(&stage.home).get(registry), Some(alice()), "{program}");
    }
}

#[test]
fn what_is_public_is_read_with_nothing_stored() {
    let Some(stage) = set(&["skopeo"]) else { return };
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    let image = format!("docker://{}", stage.registry.image("public/base"));
    let layout = layout(&stage);
    containers.login("skopeo", registry, "alice", ALICE).succeeds();
    containers
        .run("skopeo", &["copy", "--dest-tls-verify=false", layout, &image])
        .succeeds();
    containers.run("skopeo", &["logout", registry]).succeeds();

    containers
        .run("skopeo", &["inspect", "--tls-verify=false", &image])
        .succeeds();
    assert_eq!(stage.last_request().proof, Proof::Nothing);
}

#[test]
fn a_logout_with_nothing_stored_is_no_failure() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    for program in PROGRAMS {
        containers.run(program, &["logout", registry]).succeeds();
    }
}

#[test]
fn a_logout_of_all_forgets_all() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    let helper = Helper::of(&stage.home);
    for program in PROGRAMS {
        containers.login(program, registry, "alice", ALICE).succeeds();
        helper.store("registry.example.com", "alice", ALICE);
        containers.run(program, &["logout", "--all"]).succeeds();
        assert!(helper.list().is_empty(), "{program}");
    }
}

/// Unlike docker, these ask the helper before they log in, so that a damaged slot is in the way of a new login.
#[test]
fn a_logout_clears_a_damaged_slot_away() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let registry = stage.registry.address();
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    for program in PROGRAMS {
        containers.login(program, registry, "alice", ALICE).succeeds();
        stage.home.damage(registry);
        containers.login(program, registry, "alice", ALICE).fails();

        containers.run(program, &["logout", registry]).succeeds();
        containers.login(program, registry, "alice", ALICE).succeeds();
    }
}

#[test]
fn what_the_helper_cannot_keep_is_kept_nowhere_else() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let registry = stage.registry.address();
    Helper::of(&stage.home).store("registry.example.com", "alice", "another");
    stage.home.damage_key();
    for configured in [
        Configured::AuthFile,
        Configured::NamedAuthFile,
        Configured::DropIn,
    ] {
        let containers = Containers::new(&stage.home, registry, configured);
        for program in PROGRAMS {
            containers.login(program, registry, "alice", ALICE).fails();
            stage.keeps_secret(ALICE);
        }
    }
}

/// Why the helper is to stand alone in `credential-helpers`.
#[test]
fn an_auth_file_behind_the_helper_takes_in_the_clear_what_the_helper_cannot_keep() {
    for program in PROGRAMS {
        let Some(stage) = set(&[program]) else { return };
        let registry = stage.registry.address();
        Helper::of(&stage.home).store("registry.example.com", "alice", "another");
        stage.home.damage_key();
        let containers = Containers::new(&stage.home, registry, Configured::DropInBeforeAuthFile);
        containers.login(program, registry, "alice", ALICE).succeeds();
        assert_eq!(stage.home.files_with("alice", ALICE).len(), 1, "{program}");
    }
}

/// podman and buildah then run the helper as root of a user namespace, which it is not outside.
#[test]
fn without_root_it_is_the_same() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
    let at_registry = format!("docker://{image}");
    let layout = layout(&stage);
    let containers = Containers::new(&stage.home, registry, Configured::DropIn).rootless();
    containers.login("podman", registry, "alice", ALICE).succeeds();
    containers
        .run(
            "skopeo",
            &["copy", "--dest-tls-verify=false", layout, &at_registry],
        )
        .succeeds();
    containers.run("podman", &["logout", registry]).succeeds();

    for (program, read) in [
        ("podman", ["pull", "--tls-verify=false", &image]),
        ("skopeo", ["inspect", "--tls-verify=false", &at_registry]),
        ("buildah", ["pull", "--tls-verify=false", &image]),
    ] {
        containers.login(program, registry, "alice", ALICE).succeeds();
        containers.run(program, &read).succeeds();
        stage.keeps_secret(ALICE);
        containers.run(program, &["logout", registry]).succeeds();
        containers
            .run("skopeo", &["inspect", "--tls-verify=false", &at_registry])
            .fails();
    }
}

#[test]
fn what_docker_stored_serves_them_too() {
    if !peer::present(&docker::PROGRAMS) || !peer::root() {
        return;
    }
    let Some(stage) = set(&["skopeo"]) else { return };
    let engine = Engine::start();
    let (docker, registry) = (Docker::new(&stage.home, &engine), stage.registry.address());
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    let image = format!("docker://{}", stage.registry.image("team/app"));
    stage.token_server.set_refresh_tokens(true);
    docker.login(registry, "alice", ALICE).succeeds();

    containers
        .run(
            "skopeo",
            &["copy", "--dest-tls-verify=false", layout(&stage), &image],
        )
        .succeeds();
    assert_eq!(stage.last_request().proof, Proof::RefreshToken);
}

#[test]
fn they_are_served_by_an_identity_token_too() {
    let Some(stage) = set(&PROGRAMS) else { return };
    stage.token_server.set_refresh_tokens(true);
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
    let at_registry = format!("docker://{image}");
    let helper = Helper::of(&stage.home);
    helper.store(registry, "alice", ALICE);
    helper.hand_out_identity_tokens(registry);
    let handed_out = helper.get(registry).unwrap();
    assert_eq!(handed_out.username, "<token>");
    let containers = Containers::new(&stage.home, registry, Configured::DropIn);
    let copy = ["copy", "--dest-tls-verify=false", layout(&stage), &at_registry];
    for (program, arguments) in [
        ("skopeo", copy.as_slice()),
        ("skopeo", &["inspect", "--tls-verify=false", &at_registry]),
        ("podman", &["pull", "--tls-verify=false", &image]),
        ("podman", &["push", "--tls-verify=false", &image]),
        (
            "buildah",
            &["pull", "--policy=always", "--tls-verify=false", &image],
        ),
        ("buildah", &["push", "--tls-verify=false", &image]),
    ] {
        let asked = stage.token_server.requests().len();
        containers.run(program, arguments).succeeds();
        let requests = stage.token_server.requests();
        assert!(requests.len() > asked, "{program}");
        for request in &requests[asked..] {
            assert_eq!(
                (request.proof, request.status),
                (Proof::RefreshToken, 200),
                "{program}"
            );
        }
    }
    stage.keeps_secret(ALICE);
    stage.keeps_secret(&handed_out.secret);
    assert_eq!(helper.get(registry), Some(handed_out));
}

/// Two passwords for one registry, one of which may only pull.
#[test]
fn with_the_profile_that_reads_they_pull_and_their_push_is_denied_by_the_registry() {
    let Some(stage) = set(&PROGRAMS) else { return };
    let (registry, image) = (stage.registry.address(), stage.registry.image("team/app"));
    let at_registry = format!("docker://{image}");
    let layout = layout(&stage);
    stage.declare_a_profile_that_reads();
    Helper::of(&stage.home).store(registry, "alice", ALICE);
    let copy = ["copy", "--dest-tls-verify=false", layout, &at_registry];
    let all = Containers::new(&stage.home, registry, Configured::AuthFile);
    all.run("skopeo", &copy).succeeds();
    assert_eq!(stage.last_request().account.as_deref(), Some("alice"));

    let job = Containers::with_profile(&stage.home, registry, "read");
    let inspect = ["inspect", "--tls-verify=false", &at_registry];
    let pull = ["pull", "--tls-verify=false", &image];
    let push = ["push", "--tls-verify=false", &image];
    for (program, read, write) in [
        ("skopeo", inspect.as_slice(), copy.as_slice()),
        ("podman", &pull, &push),
        ("buildah", &pull, &push),
    ] {
        job.run(program, read).succeeds();
        let denied = job.run(program, write).fails();
        assert!(denied.stderr.contains("denied"), "{program}: {}", denied.stderr);
        let asked = stage.last_request();
        assert_eq!(
            (asked.account.as_deref(), asked.status),
            (Some("bob"), 200),
            "{program}"
        );
    }
}

const PROGRAMS: [&str; 3] = ["podman", "skopeo", "buildah"];

/// Login, what `transfer` does between an OCI layout and the registry, and logout: however the program is told of
/// the helper.
fn round_trip(program: &str, transfer: impl Fn(&Containers<'_>, &str, &str)) {
    for configured in [
        Configured::AuthFile,
        Configured::NamedAuthFile,
        Configured::DropIn,
    ] {
        let Some(stage) = set(&[program]) else { return };
        let registry = stage.registry.address();
        let helper = Helper::of(&stage.home);
        let containers = Containers::new(&stage.home, registry, configured);

        containers.login(program, registry, "alice", ALICE).succeeds();
        assert_eq!(helper.get(registry), Some(alice()), "{configured:?}");
        transfer(&containers, &stage.registry.image("team/app"), layout(&stage));
        assert_eq!(stage.last_request().account.as_deref(), Some("alice"));
        stage.keeps_secret(ALICE);
        containers.run(program, &["logout", registry]).succeeds();
        assert_eq!(helper.get(registry), None, "{configured:?}");
    }
}

fn set(programs: &[&str]) -> Option<Stage> {
    (peer::present(programs) && peer::present(&["docker-registry", "setpriv"])).then(Stage::new)
}

/// Makes a tiny image in the home, where these programs are started, and answers what they call it there.
fn layout(stage: &Stage) -> &'static str {
    image::layout(&stage.home.path().join("layout"), "a tiny image");
    "oci:layout:latest"
}
