//! Session tokens: made at Docker Hub as on some machine and at some time, and held in a store.

use std::fs::File;
use std::process::Command;

use docker_credential_scoped::command::rfc3339;
use docker_credential_scoped::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::store::{CredentialStore, Slot};
use time::{Duration, OffsetDateTime};

use super::home::Home;
use super::hub::token::Token;
use super::hub_scene::HubScene;
use super::outcome::Outcome;

/// The variable that says what a machine is called.
pub(crate) const MACHINE: &str = "DOCKER_CREDENTIAL_SCOPED_MACHINE";

/// So many minutes before now, to the second.
pub(crate) fn ago(minutes: i64) -> OffsetDateTime {
    (OffsetDateTime::now_utc() - Duration::minutes(minutes))
        .replace_nanosecond(0)
        .expect("a second")
}

/// The label of a session token.
pub(crate) fn label(machine: &str, profile: &str) -> String {
    format!("docker-credential-scoped/session/{machine}/{profile}")
}

/// A session token of anna's that was made two hours before it was last used, on that machine for that profile.
pub(crate) fn session_of(scene: &HubScene, machine: &str, profile: &str, used: OffsetDateTime) -> Token {
    let made = used - Duration::hours(2);
    scene
        .hub
        .generate("anna", "manual", &label(machine, profile), made, Some(used))
}

/// Keeps a token in a store, as `session start` does, last used here at that time.
pub(crate) fn hold(home: &Home, registry: &str, profile: &str, token: &Token, used: OffsetDateTime) {
    let url: ServerUrl = registry.parse().expect("a server");
    let slot = Slot::new(url.server().clone(), profile.parse().expect("a profile"));
    let credential = Credential {
        server_url: url,
        account: token.owner.clone(),
        secret: KeptSecret::Here(Secret::new(token.secret.clone())),
        kind: Kind::SessionToken,
        token_id: Some(token.id.parse().expect("an id")),
        allowed: AllowedScopes::Unknown,
        expires: token.expires,
        created: Some(token.created),
        origin: Origin::Hub,
    };
    store(home).put(&slot, &credential, used).expect("a store");
    used_at(home, &slot, used);
}

/// The store of a home.
pub(crate) fn store(home: &Home) -> CredentialStore {
    CredentialStore::at(Some(Location::new(home.data(), &home.path())))
}

/// What is held for the registry in a profile is last used at that time.
pub(crate) fn use_held(home: &Home, registry: &str, profile: &str, used: OffsetDateTime) {
    used_at(home, &slot(registry, profile), used);
}

/// When that was used last.
pub(crate) fn last_used(home: &Home, registry: &str, profile: &str) -> OffsetDateTime {
    let held = store(home).get(&slot(registry, profile)).expect("a store");
    held.expect("a credential").last_used
}

fn slot(registry: &str, profile: &str) -> Slot {
    let url: ServerUrl = registry.parse().expect("a server");
    Slot::new(url.server().clone(), profile.parse().expect("a profile"))
}

fn used_at(home: &Home, slot: &Slot, used: OffsetDateTime) {
    File::open(home.slots().join(slot.file_name()))
        .and_then(|file| file.set_modified(used.into()))
        .expect("a slot");
}

/// The ids of the tokens that are held in a home.
pub(crate) fn held(home: &Home) -> Vec<String> {
    let entries = store(home).entries().expect("a store");
    let id = |credential: Credential| credential.token_id.map(|id| id.to_string());
    entries
        .into_iter()
        .filter_map(|entry| id(entry.held.expect("a slot that opens").credential))
        .collect()
}

/// The program on a machine of that name.
pub(crate) fn command_on(home: &Home, machine: &str, arguments: &[&str]) -> Command {
    let mut command = HubScene::command_at(home, arguments);
    command.env(MACHINE, machine);
    command
}

/// The same, run.
pub(crate) fn run_on(home: &Home, machine: &str, arguments: &[&str]) -> Outcome {
    Outcome::of(&mut command_on(home, machine, arguments), b"")
}

/// How a token is called in what is said of pruning it.
pub(crate) fn called(token: &Token) -> String {
    let used = token.last_used.expect("a token that was used");
    format!("{} ({}), last used {}", token.label, token.id, rfc3339(used))
}
