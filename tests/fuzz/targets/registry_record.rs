//! Any bytes as what is recorded of a registry: damaged, or a token server whose record reads back as itself.

#![no_main]

#[path = "private.rs"]
mod private;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use docker_credential_scoped::registry::{Realm, Registry, TokenServer};
use docker_credential_scoped::store::TokenServers;
use libfuzzer_sys::fuzz_target;

static PLACE: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(|| {
    let root = private::directory("registry-record");
    let servers = TokenServers::at(Some(private::location(&root)));
    let realm: Realm = "https://registry.example/token".parse().expect("a realm");
    servers.put(&registry(), &TokenServer { realm, service: None }).expect("a record");
    let file = root.join("registries").join("registry.example");
    assert!(file.exists());
    (root, file)
});

fn registry() -> Registry {
    "registry.example".parse().expect("a registry")
}

fuzz_target!(|bytes: &[u8]| {
    let (root, file) = &*PLACE;
    fs::write(file, bytes).expect("a file");
    let servers = TokenServers::at(Some(private::location(root)));
    let Ok(found) = servers.get(&registry()) else { return };
    let found = found.expect("a record");
    assert!(found.realm.url().username().is_empty() && found.realm.url().host_str().is_some());
    servers.put(&registry(), &found).expect("a record");
    assert_eq!(servers.get(&registry()).expect("a record"), Some(found));
});
