//! What a token costs that is had already: no network, no certificates, no thread.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;

use support::home::HELPER;
use support::outcome::Outcome;
use support::scene::record;
use support::strace;
use support::world::{REGISTRY, World};

/// The token and every system call it took.
fn traced(world: &World) -> (String, String) {
    let trace = world.home.path().join("trace");
    let mut command = world.home.command("strace");
    command
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .args([HELPER, "token", REGISTRY, "--pull", "a/b"])
        .env("SSL_CERT_FILE", world.home.path().join("root.pem"));
    let outcome = Outcome::of(world.tunnel.lead(&mut command), b"").succeeds();
    (outcome.stdout, fs::read_to_string(trace).unwrap())
}

#[test]
fn a_client_for_the_network_is_made_for_an_exchange_only() {
    if !strace::is_there() {
        return;
    }
    let world = World::new("https://registry.example/token");
    let signs = ["socket(", "clone", "root.pem"];
    let (exchanged, trace) = traced(&world);
    for sign in signs {
        assert!(trace.contains(sign), "no {sign} in {trace}");
    }
    let (cached, trace) = traced(&world);
    assert_eq!(cached, exchanged);
    for sign in signs {
        assert!(!trace.contains(sign), "{sign} in {trace}");
    }
}

#[test]
fn a_cached_token_opens_each_file_once() {
    if !strace::is_there() {
        return;
    }
    let world = World::new("https://registry.example/token");
    world
        .home
        .write(".config/docker-credential-scoped/settings.json", "{}");
    traced(&world);
    let (_, trace) = traced(&world);
    let settings = ".config/docker-credential-scoped/settings.json".to_owned();
    let record = record(&world.home, REGISTRY);
    for file in [
        settings,
        record.display().to_string(),
        "scoped/key".to_owned(),
        "@default".to_owned(),
        "/tokens/".to_owned(),
    ] {
        let opened = trace
            .lines()
            .filter(|line| line.contains("open") && line.contains(&file))
            .count();
        assert_eq!(opened, 1, "{file}: {trace}");
    }
}
