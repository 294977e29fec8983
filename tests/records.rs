//! What is recorded or written down of a registry: its realm and service, and whose certificates it has.

#![expect(clippy::disallowed_methods, reason = "damages records")]

mod support;

use std::fs;

use serde_json::json;
use support::outcome::Outcome;
use support::scene::{command, is_refused, record, set};
use support::world::{REGISTRY, World};

#[test]
fn a_damaged_record_is_an_error_and_the_registry_is_not_asked_instead() {
    let world = World::new("https://registry.example/token");
    world.token(&["--pull", "a/b"]).succeeds();
    let path = record(&world.home, REGISTRY);
    let before = world.tunnel.tunnels().len();
    for text in [
        "",
        "{",
        "{}",
        "{\"realm\":\"https://registry.example/token\",\"service\":\"registry\",\"other\":1}",
        "{\"realm\":\"ftp://registry.example/token\",\"service\":null}",
        "{\"realm\":\"https://u:p@registry.example/token\",\"service\":null}",
    ] {
        fs::write(&path, text).unwrap();
        for arguments in [
            &["--pull", "c/d"][..],
            &["--trust-realm", "https://registry.example/token"],
        ] {
            let outcome = world.token(arguments);
            assert_eq!(
                is_refused(&outcome),
                format!(
                    "docker-credential-scoped: {}: is damaged; remove it, and the registry is asked again",
                    path.display()
                )
            );
        }
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
    }
    assert_eq!(world.tunnel.tunnels().len(), before);
    fs::remove_file(&path).unwrap();
    world.token(&["--pull", "c/d"]).succeeds();
}

#[test]
fn a_record_that_leads_inside_is_not_followed() {
    let world = World::new("https://registry.example/token");
    world.token(&["--pull", "a/b"]).succeeds();
    for realm in ["http://registry.example/token", "https://127.0.0.1:1/token"] {
        let text = json!({ "realm": realm, "service": "registry" }).to_string();
        fs::write(record(&world.home, REGISTRY), text).unwrap();
        let outcome = world.token(&["--pull", "c/d"]);
        assert!(
            is_refused(&outcome).contains("tokens for registry.example are not asked for there"),
            "{outcome:?}"
        );
    }
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn a_realm_and_service_that_are_written_down_need_no_ping_and_no_confirmation() {
    let world = World::new("https://registry.example/token");
    let realm = "https://auth.example/token";
    set(
        &world.home,
        REGISTRY,
        &json!({ "realm": realm, "service": "other" }),
    );
    world.token(&["--pull", "a/b"]).is("of-auth.example\n", "", 0);
    assert_eq!(world.tunnel.tunnels(), ["auth.example:443"]);
    let asked = world.tunnel.requests().pop().unwrap();
    assert_eq!(asked.value("service").as_deref(), Some("other"));
    // What is written down is not recorded: it ends with the line.
    assert_eq!(world.recorded(), None);
    set(&world.home, REGISTRY, &json!({ "service": "other" }));
    world.token(&["--pull", "a/b"]).is("of-registry.example\n", "", 0);
    let asked = world.tunnel.requests().pop().unwrap();
    assert_eq!(asked.value("service").as_deref(), Some("other"));
    assert_eq!(
        world.recorded(),
        Some(json!({ "realm": "https://registry.example/token", "service": "registry" }))
    );
}

#[test]
fn the_service_of_a_realm_that_is_written_down_alone_is_asked_for_once() {
    let realm = "https://auth.example/token";
    let world = World::new(realm);
    set(&world.home, REGISTRY, &json!({ "realm": realm }));
    world.token(&["--pull", "a/b"]).is("of-auth.example\n", "", 0);
    let asked = world.tunnel.requests().pop().unwrap();
    assert_eq!(asked.value("service").as_deref(), Some("registry"));
    assert_eq!(
        world.recorded(),
        Some(json!({ "realm": realm, "service": "registry" }))
    );
    world.token(&["--pull", "c/d"]).is("of-auth.example\n", "", 0);
    assert_eq!(
        world.tunnel.tunnels(),
        ["registry.example:443", "auth.example:443", "auth.example:443"]
    );
    // Another record than that of the realm which is written down counts for nothing.
    let other = "https://second.example/token";
    world.names(other);
    set(&world.home, REGISTRY, &json!({ "realm": other }));
    world.token(&["--pull", "a/b"]).is("of-second.example\n", "", 0);
    assert_eq!(
        world.recorded(),
        Some(json!({ "realm": other, "service": "registry" }))
    );
}

#[test]
fn a_realm_that_is_written_down_stands_whatever_the_registry_says() {
    let realm = "https://auth.example/token";
    for named in [
        "https://second.example/token",
        "ftp://nowhere",
        "http://127.0.0.1/",
    ] {
        let world = World::new(named);
        set(&world.home, REGISTRY, &json!({ "realm": realm }));
        world.token(&["--pull", "a/b"]).is("of-auth.example\n", "", 0);
        let asked = world.tunnel.requests().pop().unwrap();
        assert_eq!(asked.value("service"), None, "{named}");
        assert_eq!(world.asked(), ["auth.example/token"], "{named}");
        assert_eq!(world.recorded(), None, "{named}");
    }
}

#[test]
fn what_is_written_down_is_judged_too() {
    let world = World::new("https://registry.example/token");
    for realm in ["http://auth.example/token", "https://127.0.0.1:1/token"] {
        for insecure in [false, true] {
            set(
                &world.home,
                REGISTRY,
                &json!({ "realm": realm, "insecure": insecure }),
            );
            let outcome = world.token(&["--pull", "a/b"]);
            assert!(
                is_refused(&outcome).contains("are not asked for there: "),
                "{outcome:?}"
            );
        }
    }
    assert_eq!(world.tunnel.tunnels(), [] as [&str; 0]);
}

#[test]
fn a_private_root_is_believed_where_docker_or_the_settings_have_it() {
    let ask = |world: &World| {
        let mut command = command(&world.home, REGISTRY);
        command.args(["--pull", "a/b"]);
        Outcome::of(world.tunnel.lead(&mut command), b"")
    };
    let world = World::new("https://registry.example/token");
    let outcome = ask(&world);
    assert!(
        is_refused(&outcome).contains("signed by nobody trusted here"),
        "{outcome:?}"
    );
    assert_eq!(world.asked(), [] as [&str; 0]);
    let root = world.home.path().join("root.pem");
    set(&world.home, REGISTRY, &json!({ "caFile": root }));
    ask(&world).is("of-registry.example\n", "", 0);

    let world = World::new("https://registry.example/token");
    let path = ".config/docker/certs.d/registry.example/ca.crt";
    world.home.write(path, world.tunnel.root());
    ask(&world).is("of-registry.example\n", "", 0);

    // The registry's are the token server's too; its own are its own.
    let world = World::new("https://auth.example/token");
    world.home.write(path, world.tunnel.root());
    set(
        &world.home,
        REGISTRY,
        &json!({ "realm": "https://auth.example/token" }),
    );
    ask(&world).is("of-auth.example\n", "", 0);
    let world = World::new("https://auth.example/token");
    world
        .home
        .write(".config/docker/certs.d/auth.example/ca.crt", world.tunnel.root());
    set(
        &world.home,
        REGISTRY,
        &json!({ "realm": "https://auth.example/token" }),
    );
    ask(&world).is("of-auth.example\n", "", 0);

    let world = World::new("https://registry.example/token");
    let missing = world.home.path().join("missing.pem");
    set(&world.home, REGISTRY, &json!({ "caFile": missing }));
    let outcome = ask(&world);
    assert!(
        is_refused(&outcome).contains("caFile in settings.json: ")
            && is_refused(&outcome).ends_with("missing.pem: is not there"),
        "{outcome:?}"
    );
}
