//! Where credentials may go: a registry beyond this machine, token servers on other hosts, and what was confirmed of
//! them. Every name leads through one proxy, which counts.

mod support;

use serde_json::json;
use support::helper::Helper;
use support::listener::Listener;
use support::outcome::Outcome;
use support::scene::{PASSWORD, REFRESH, is_refused};
use support::world::{REGISTRY, World};

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
    // One that would take whatever it is sent.
    let inside = Listener::answering("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"token\":\"t\"}");
    let (plain, machine) = ("is plain http", "points to this machine");
    for (realm, why) in [
        ("http://registry.example/token", plain),
        ("http://registry.example:{port}/token", plain),
        ("http://auth.example/token", plain),
        ("https://127.0.0.1/token", machine),
        ("https://127.0.0.1:{port}/token", machine),
        ("http://127.0.0.1:{port}/token", machine),
        ("http://127.1:{port}/token", machine),
        ("https://localhost:5000/token", machine),
        ("http://localhost:{port}/token", machine),
        ("http://localhost.:{port}/token", machine),
        ("http://x.localhost:{port}/token", machine),
        ("http://0.0.0.0:{port}/token", machine),
        ("http://0:{port}/token", machine),
        ("http://2130706433:{port}/token", machine),
        ("http://0x7f.1:{port}/token", machine),
        ("http://[::1]:{port}/token", machine),
        ("http://[::]:{port}/token", machine),
        ("http://[::ffff:127.0.0.1]:{port}/token", machine),
        ("https://169.254.169.254/token", machine),
        ("http://169.254.169.254/latest/meta-data", machine),
        ("https://[fd00:ec2::254]/token", machine),
        ("https://[fe80::1]/token", machine),
        ("https://[::1]/token", machine),
        ("https://0x7f.1/token", machine),
        ("https://10.0.0.1/token", machine),
        ("https://192.168.0.1/token", machine),
        ("https://user:word@registry.example/token", ""),
        ("ftp://registry.example/token", ""),
        ("file:///etc/passwd", ""),
        ("/token", ""),
    ] {
        let realm = realm.replace("{port}", &inside.port().to_string());
        let world = World::new(&realm);
        for arguments in [&["--pull", "a/b"][..], &["--trust-realm", &realm]] {
            let outcome = world.token(arguments);
            assert!(is_refused(&outcome).contains(why), "{outcome:?}");
        }
        assert_eq!((world.asked(), world.recorded()), (Vec::new(), None), "{realm}");
    }
    assert_eq!(inside.connections(), 0);
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
    let gone = ["https://registry.example/gone", "https://registry.example/moved"];
    let credentials = [("user", PASSWORD), ("<token>", REFRESH)];
    for (realm, (user, secret)) in gone
        .into_iter()
        .flat_map(|realm| credentials.map(|credential| (realm, credential)))
    {
        let world = World::new(realm);
        Helper::of(&world.home).store(REGISTRY, user, secret);
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
