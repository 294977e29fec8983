//! Session tokens in the store: which of docker's own are kept as such, what becomes of their ids, and what is said when
//! one has expired.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use docker_credential_scoped::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::store::{CredentialStore, Slot};
use serde_json::{Value, json};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use time::{Duration, OffsetDateTime};

const HUB: &str = "https://index.docker.io/v1/";
const ACCESS_TOKEN: &str = "https://index.docker.io/v1/access-token";
const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";
const ID: &str = "b30bbf97-506c-4ecd-aabc-842f3cb484fb";

fn run(home: &Home, arguments: &[&str], input: &str) -> Outcome {
    Outcome::of(home.command(HELPER).args(arguments), input.as_bytes())
}

fn store(home: &Home, server: &str, account: &str, secret: &str) {
    let message = json!({ "ServerURL": server, "Username": account, "Secret": secret });
    run(home, &["store"], &message.to_string()).is("", "", 0);
}

/// The kind that is shown of what is kept for a server under the default profile.
fn kind(home: &Home, server: &str) -> String {
    let told = run(home, &["status", "--json", server], "");
    let rows: Value = serde_json::from_str(&told.stdout).unwrap();
    let is_wanted = |row: &&Value| row["profile"] == "default";
    let row = rows.as_array().unwrap().iter().find(is_wanted).unwrap();
    row["kind"].as_str().unwrap().to_owned()
}

fn credentials(home: &Home) -> CredentialStore {
    CredentialStore::at(Some(Location::new(home.data(), &home.path())))
}

fn slot(server: &str, profile: &str) -> Slot {
    let server: ServerUrl = server.parse().unwrap();
    Slot::new(server.server().clone(), profile.parse().unwrap())
}

/// A session token as this program keeps one that it had made.
fn session(server: &str, secret: &str) -> Credential {
    Credential {
        server_url: server.parse().unwrap(),
        account: "alice".to_owned(),
        secret: KeptSecret::Here(Secret::new(secret.to_owned())),
        kind: Kind::SessionToken,
        token_id: Some(ID.parse().unwrap()),
        allowed: AllowedScopes::Unknown,
        expires: None,
        created: Some(OffsetDateTime::now_utc()),
        origin: Origin::Add,
    }
}

fn put(home: &Home, server: &str, profile: &str, credential: &Credential) {
    credentials(home)
        .put(&slot(server, profile), credential, OffsetDateTime::now_utc())
        .unwrap();
}

/// Kind and id of what is kept for a server under the default profile.
fn kept(home: &Home, server: &str) -> (Kind, Option<String>) {
    let held = credentials(home).get(&slot(server, "default")).unwrap().unwrap();
    let Credential { kind, token_id, .. } = held.credential;
    (kind, token_id.map(|id| id.to_string()))
}

#[test]
fn what_docker_stores_by_its_browser_login_is_a_session_token() {
    let home = Home::new();
    store(&home, ACCESS_TOKEN, "alice", "eyJ.access.token");
    store(&home, HUB, "alice", "dckr_pat_session");
    assert_eq!(kind(&home, "docker.io"), "session-token");
    let table = run(&home, &["status", "docker.io"], "").succeeds().stdout;
    assert!(table.contains("  session token  "), "{table}");
    let answer = "{\"ServerURL\":\"https://index.docker.io/v1/\",\"Username\":\"alice\",\"Secret\":\"dckr_pat_session\"}\n";
    run(&home, &["get"], HUB).is(answer, "", 0);
    // docker stores again what it has been answered, whenever somebody logs in.
    store(&home, "docker.io", "alice", "dckr_pat_session");
    assert_eq!(kept(&home, HUB), (Kind::SessionToken, None));
}

#[test]
fn what_cannot_be_told_from_a_token_made_by_hand_is_none() {
    let kind_of = |prepare: &dyn Fn(&Home), server: &str, account: &str, secret: &str| {
        let home = Home::new();
        prepare(&home);
        store(&home, server, account, secret);
        kind(&home, server)
    };
    let beside = |home: &Home| store(home, ACCESS_TOKEN, "alice", "eyJ.access.token");
    let nothing = |_: &Home| {};
    let before = |home: &Home| {
        let earlier = Credential {
            kind: Kind::Password,
            token_id: None,
            created: Some(OffsetDateTime::now_utc() - Duration::minutes(6)),
            origin: Origin::Client,
            ..session(ACCESS_TOKEN, "eyJ.access.token")
        };
        put(home, ACCESS_TOKEN, "default", &earlier);
    };
    let imported = |home: &Home| {
        let auths =
            json!({ "auths": { ACCESS_TOKEN: { "username": "alice", "password": "eyJ.access.token" } } });
        home.write(".docker/config.json", &auths.to_string());
        run(home, &["import"], "").succeeds();
    };
    let damaged = |home: &Home| {
        beside(home);
        home.damage("https%3A%2F%2Findex.docker.io%2Fv1%2Faccess-token");
    };
    let elsewhere = |home: &Home| {
        let message = json!({ "ServerURL": ACCESS_TOKEN, "Username": "alice", "Secret": "eyJ.access.token" });
        let mut command = home.command(HELPER);
        command.arg("store").env("DOCKER_CREDENTIAL_SCOPED_PROFILE", "ci");
        Outcome::of(&mut command, message.to_string().as_bytes()).is("", "", 0);
    };
    let pat = "personal-access-token";
    assert_eq!(kind_of(&beside, HUB, "alice", "dckr_pat_x"), "session-token");
    assert_eq!(kind_of(&nothing, HUB, "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&before, HUB, "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&imported, HUB, "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&damaged, HUB, "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&elsewhere, HUB, "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&beside, HUB, "bob", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&beside, "ghcr.io", "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&beside, "docker.io/acme", "alice", "dckr_pat_x"), pat);
    assert_eq!(kind_of(&beside, HUB, "alice", "correct horse"), "password");
    assert_eq!(
        kind_of(&beside, HUB, "acme", "dckr_oat_x"),
        "organization-access-token"
    );
}

#[test]
fn nobody_knows_when_what_is_imported_was_stored() {
    let home = Home::new();
    let auths = json!({ "auths": {
        ACCESS_TOKEN: { "username": "alice", "password": "eyJ.access.token" },
        HUB: { "username": "alice", "password": "dckr_pat_x" },
    } });
    home.write(".docker/config.json", &auths.to_string());
    run(&home, &["import"], "").succeeds();
    assert_eq!(kind(&home, "docker.io"), "personal-access-token");
}

#[test]
fn the_settings_say_which_registry_docker_hubs_tokens_log_in_to() {
    let home = Home::new();
    home.write(
        SETTINGS,
        r#"{ "hub": { "api": "https://hub.example", "registry": "registry.example:5000" } }"#,
    );
    store(&home, ACCESS_TOKEN, "alice", "eyJ.access.token");
    store(&home, HUB, "alice", "dckr_pat_x");
    store(&home, "registry.example:5000", "alice", "dckr_pat_y");
    assert_eq!(kind(&home, "docker.io"), "personal-access-token");
    assert_eq!(kind(&home, "registry.example:5000"), "session-token");
}

#[test]
fn the_id_stays_with_its_secret_and_with_no_other() {
    let home = Home::new();
    let of_session = (Kind::SessionToken, Some(ID.to_owned()));
    put(&home, "h", "default", &session("h", "dckr_pat_session"));
    assert_eq!(kept(&home, "h"), of_session);
    // Its name in another spelling, what is known of it, and the secret itself once more.
    store(&home, "https://h", "alice", "dckr_pat_session");
    assert_eq!(kept(&home, "h"), of_session);
    run(
        &home,
        &["add", "h", "--expires", "30d", "--scope", "repo:read"],
        "",
    )
    .succeeds();
    assert_eq!(kept(&home, "h"), of_session);
    run(&home, &["add", "h"], "dckr_pat_session").succeeds();
    assert_eq!(kept(&home, "h"), of_session);
    run(&home, &["add", "h"], "dckr_pat_another").succeeds();
    assert_eq!(kept(&home, "h"), (Kind::PersonalAccessToken, None));
    for secret in ["does not tell its kind", "dckr_pat_another"] {
        put(&home, "h", "default", &session("h", "dckr_pat_session"));
        run(&home, &["add", "h"], secret).succeeds();
        let told = Kind::of("alice", &Secret::new(secret.to_owned()));
        assert_eq!(kept(&home, "h"), (told, None));
        put(&home, "h", "default", &session("h", "dckr_pat_session"));
        store(&home, "h", "alice", secret);
        assert_eq!(kept(&home, "h"), (told, None));
    }
    put(&home, "h", "default", &session("h", "dckr_pat_session"));
    run(&home, &["add", "h", "--from", "env:A"], "").succeeds();
    assert_eq!(kept(&home, "h"), (Kind::Password, None));
}

#[test]
fn nobody_makes_a_token_one_of_a_session_by_saying_so() {
    let home = Home::new();
    run(
        &home,
        &["add", "h", "--username", "u", "--kind", "session-token"],
        "s",
    )
    .is(
        "",
        "docker-credential-scoped: --kind: is password, personal-access-token, organization-access-token or \
         identity-token\n",
        1,
    );
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "h", "username": "u", "kind": "session-token", "secret": { "env": "A" } }] }"#,
    );
    let path = home.path().join(SETTINGS);
    run(&home, &["get"], "h").is(
        &format!(
            "{}: credentials: h, profile default: a session token is made by this program, and kept here; write \
             personal-access-token at line 1 column 106\n",
            path.display()
        ),
        "",
        1,
    );
}

#[test]
fn who_holds_an_expired_session_is_told_how_to_have_another() {
    let home = Home::new();
    let ended = |server: &str, token_id: Option<&str>| Credential {
        token_id: token_id.map(|id| id.parse().unwrap()),
        expires: OffsetDateTime::from_unix_timestamp(1_769_860_800).ok(),
        ..session(server, "dckr_pat_session")
    };
    put(&home, "docker.io", "default", &ended("docker.io", None));
    put(&home, "docker.io", "session", &ended("docker.io", Some(ID)));
    put(&home, "docker.io", "ci", &ended("docker.io", Some(ID)));
    let ended = "docker.io: the credential of alice expired 2026-01-31T12:00:00Z";
    let start = "start another session: docker-credential-scoped session start";
    let told = run(&home, &["status"], "").succeeds();
    assert_eq!(
        told.stderr,
        format!("{ended}; {start} --profile ci\n{ended}; log in again: docker login\n{ended}; {start}\n")
    );
    run(&home, &["get"], HUB).is(&format!("{ended}; log in again: docker login\n"), "", 1);
}
