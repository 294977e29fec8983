//! Where credentials may go: a registry beyond this machine, token servers on other hosts, and what was confirmed,
//! recorded or written down of them. Every name leads through one proxy, which counts.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test stops where it errs, and damages records"
)]

mod support;

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::home::Home;
use support::outcome::Outcome;
use support::scene::{PASSWORD, REFRESH, command, is_refused, record, set};
use support::tunnel::Tunnel;

const REGISTRY: &str = "registry.example";

/// A registry of that name, whose challenge can be changed, and token servers at every other.
struct World {
    tunnel: Tunnel,
    home: Home,
    challenge: Arc<Mutex<String>>,
}

impl World {
    fn new(realm: &str) -> Self {
        let challenge = Arc::new(Mutex::new(String::new()));
        let world = Self {
            tunnel: Tunnel::start({
                let challenge = Arc::clone(&challenge);
                move |request| match request.path.as_str() {
                    "/v2/" => Answer::challenge(&[challenge.lock().unwrap().clone()]),
                    "/token" => Answer::json(&json!({ "token": format!("of-{}", request.host()) })),
                    "/moved" => Answer::new(307, "").with("Location", "https://second.example/token"),
                    "/down" => Answer::new(307, "").with("Location", "http://registry.example/token"),
                    _ => Answer::page(404),
                }
            }),
            home: Home::new(),
            challenge,
        };
        world.names(realm);
        world.home.write("root.pem", world.tunnel.root());
        Helper::of(&world.home).store(REGISTRY, "user", PASSWORD);
        world
    }

    /// From now on the registry wants its tokens to be had from there.
    fn names(&self, realm: &str) {
        *self.challenge.lock().unwrap() = format!("Bearer realm=\"{realm}\",service=\"registry\"");
    }

    fn token(&self, arguments: &[&str]) -> Outcome {
        let mut command = command(&self.home, REGISTRY);
        command
            .args(arguments)
            .env("SSL_CERT_FILE", self.home.path().join("root.pem"));
        Outcome::of(self.tunnel.lead(&mut command), b"")
    }

    /// The hosts that were shown a secret, or anything but a ping.
    fn asked(&self) -> Vec<String> {
        let mut requests = self.tunnel.requests();
        requests
            .retain(|request| request.path != "/v2/" || request.shows(PASSWORD) || request.shows(REFRESH));
        requests
            .iter()
            .map(|request| format!("{}{}", request.host(), request.path))
            .collect()
    }

    fn recorded(&self) -> Option<Value> {
        let text = fs::read(record(&self.home, REGISTRY)).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }
}

#[test]
fn a_realm_on_the_registrys_own_host_is_taken_and_recorded() {
    for realm in [
        "https://registry.example/token",
        "https://registry.example:8443/token",
    ] {
        let world = World::new(realm);
        let outcome = world.token(&["--pull", "a/b"]).succeeds();
        assert!(outcome.stdout.starts_with("of-registry.example"), "{outcome:?}");
        assert_eq!(
            world.recorded(),
            Some(json!({ "realm": realm, "service": "registry" }))
        );
        world.token(&["--pull", "c/d"]).succeeds();
        let pings = world.tunnel.requests().len() - world.asked().len();
        assert_eq!((pings, world.asked().len()), (1, 2), "{realm}");
    }
}

#[test]
fn a_foreign_realm_is_refused_with_both_names_and_the_command_that_confirms_it() {
    let realm = "https://auth.example/token?tenant=a&x=$(id)";
    let world = World::new(realm);
    let outcome = world.token(&["--pull", "a/b"]);
    let confirm = format!("docker-credential-scoped token {REGISTRY} --trust-realm '{realm}'");
    assert_eq!(
        is_refused(&outcome),
        format!(
            "docker-credential-scoped: {REGISTRY} wants its tokens to be had from {realm}, on another host; if that \
             is right, confirm it: {confirm}"
        )
    );
    assert_eq!(world.asked(), [] as [&str; 0]);
    assert_eq!(world.tunnel.tunnels(), ["registry.example:443"]);
    assert_eq!(world.recorded(), None);

    // As it was said, by a shell.
    let mut shell = world.home.command("sh");
    shell.args(["-c", &confirm]);
    shell.env("SSL_CERT_FILE", world.home.path().join("root.pem"));
    Outcome::of(world.tunnel.lead(&mut shell), b"").is("of-auth.example\n", "", 0);
    assert_eq!(
        world.recorded(),
        Some(json!({ "realm": realm, "service": "registry" }))
    );
    world.token(&["--pull", "a/b"]).is("of-auth.example\n", "", 0);
    assert_eq!(world.asked(), ["auth.example/token", "auth.example/token"]);
    let asked = world.tunnel.requests().pop().unwrap();
    assert_eq!(
        asked.query,
        "tenant=a&x=$(id)&service=registry&scope=repository%3Aa%2Fb%3Apull&account=user"
    );
}

#[test]
fn only_the_realm_that_the_registry_names_can_be_confirmed() {
    let world = World::new("https://auth.example/token");
    for other in [
        "https://second.example/token",
        "https://auth.example/token/",
        "https://auth.example:8443/token",
        "https://auth.example/token?x=y",
    ] {
        let outcome = world.token(&["--trust-realm", other]);
        let line = is_refused(&outcome);
        assert!(line.contains("https://auth.example/token"), "{line}");
    }
    // One that needs no confirmation either.
    world.names("https://registry.example/token");
    let outcome = world.token(&["--trust-realm", "https://auth.example/token"]);
    assert!(
        is_refused(&outcome).ends_with(
            "registry.example wants its tokens to be had from https://registry.example/token, not from \
             https://auth.example/token"
        ),
        "{outcome:?}"
    );
    assert_eq!((world.asked(), world.recorded()), (Vec::new(), None));
}

#[test]
fn no_confirmation_opens_what_is_refused() {
    for (realm, why) in [
        ("http://registry.example/token", "is plain http"),
        ("http://auth.example/token", "is plain http"),
        ("https://127.0.0.1/token", "points to this machine"),
        ("https://localhost:5000/token", "points to this machine"),
        ("https://169.254.169.254/token", "points to this machine"),
        ("https://[::1]/token", "points to this machine"),
        ("https://0x7f.1/token", "points to this machine"),
        ("https://10.0.0.1/token", "points to this machine"),
    ] {
        let world = World::new(realm);
        for arguments in [&["--pull", "a/b"][..], &["--trust-realm", realm]] {
            let outcome = world.token(arguments);
            assert!(is_refused(&outcome).contains(why), "{outcome:?}");
        }
        assert_eq!((world.asked(), world.recorded()), (Vec::new(), None), "{realm}");
    }
}

#[test]
fn what_is_recorded_stays_when_the_registry_names_another() {
    for (user, secret) in [("user", PASSWORD), ("<token>", REFRESH)] {
        let world = World::new("https://registry.example/token");
        Helper::of(&world.home).store(REGISTRY, user, secret);
        world.token(&["--pull", "a/b"]).succeeds();
        world.names("https://second.example/token");
        world.token(&["--pull", "c/d"]).is("of-registry.example\n", "", 0);
        let before = world.recorded();
        let outcome = world.token(&["--trust-realm", "https://third.example/token"]);
        is_refused(&outcome);
        assert_eq!(world.recorded(), before);
        assert!(
            world
                .tunnel
                .tunnels()
                .iter()
                .all(|host| host == "registry.example:443"),
            "{:?}",
            world.tunnel.tunnels()
        );
    }
}

#[test]
fn where_the_token_server_is_gone_the_new_realm_is_named_and_not_followed() {
    for realm in ["https://registry.example/gone", "https://registry.example/moved"] {
        let world = World::new(realm);
        is_refused(&world.token(&["--pull", "a/b"]));
        assert!(world.recorded().is_some());
        world.names("https://second.example/token");
        let outcome = world.token(&["--pull", "a/b"]);
        assert_eq!(
            is_refused(&outcome),
            format!(
                "docker-credential-scoped: {REGISTRY} had its tokens from {realm} and now names \
                 https://second.example/token; if that is right, confirm it: docker-credential-scoped token \
                 {REGISTRY} --trust-realm 'https://second.example/token'"
            )
        );
        assert!(world.asked().iter().all(|asked| asked.starts_with(REGISTRY)));
        world
            .token(&["--trust-realm", "https://second.example/token"])
            .is("of-second.example\n", "", 0);
        world.token(&["--pull", "a/b"]).is("of-second.example\n", "", 0);
    }
}

#[test]
fn no_redirect_is_followed_to_another_host_or_out_of_tls() {
    for (path, to) in [("moved", "second.example"), ("down", "registry.example")] {
        for (user, secret) in [("user", PASSWORD), ("<token>", REFRESH)] {
            let world = World::new(&format!("https://registry.example/{path}"));
            Helper::of(&world.home).store(REGISTRY, user, secret);
            let outcome = world.token(&["--pull", "a/b"]);
            assert!(
                is_refused(&outcome).contains(&format!("registry.example redirects to {to}")),
                "{outcome:?}"
            );
            assert_eq!(world.asked(), [format!("registry.example/{path}")]);
        }
    }
}

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
        is_refused(&outcome).ends_with("missing.pem: is not there"),
        "{outcome:?}"
    );
}
