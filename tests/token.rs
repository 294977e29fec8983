//! `token`, as a person or a job runs it, against a token server with users and a real registry.

mod support;

use serde_json::{Value, json};
use support::bearer::claims;
use support::helper::Helper;
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::scene::{command, is_refused};
use support::stage::{ALICE, BOB, Stage};
use support::token_server::request::Proof;
use support::token_server::{Config, TokenServer, User};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[test]
fn a_token_is_printed_raw_as_a_header_or_with_what_is_known_of_it() {
    let Some(stage) = Stage::with_alice(&[]) else {
        return;
    };
    let raw = stage.raw(&["--pull", "team/app", "--output", "raw"]);
    let known = claims(&raw);
    assert_eq!(
        known.get("access").unwrap(),
        &json!([{ "type": "repository", "name": "team/app", "actions": ["pull"] }])
    );
    assert_eq!((&known["sub"], &known["aud"]), (&json!("alice"), &json!("first")));

    let header = stage
        .token(&["--push", "team/app", "--output", "header"])
        .succeeds();
    let bearer = header.stdout.strip_prefix("Authorization: Bearer ").unwrap();
    assert_eq!(claims(bearer.strip_suffix('\n').unwrap())["sub"], json!("alice"));

    let before = OffsetDateTime::now_utc();
    let outcome = stage
        .token(&["--push", "team/b", "--pull", "team/a", "--output", "json"])
        .succeeds();
    assert_eq!(outcome.stderr, "");
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let keys: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "expires",
            "issued",
            "scopeAsked",
            "scopeGranted",
            "service",
            "token"
        ]
    );
    let scope = "repository:team/a:pull repository:team/b:pull,push";
    assert_eq!(
        (&told["service"], &told["scopeAsked"], &told["scopeGranted"]),
        (&json!("first"), &json!(scope), &json!(scope))
    );
    let moment = |name: &str| OffsetDateTime::parse(told[name].as_str().unwrap(), &Rfc3339).unwrap();
    assert!((moment("issued") - before).abs() < time::Duration::seconds(5));
    assert_eq!(moment("expires") - moment("issued"), time::Duration::seconds(300));
    assert_eq!(claims(told["token"].as_str().unwrap())["aud"], json!("first"));

    let outcome = stage.token(&["--output", "yaml"]);
    assert_eq!(
        is_refused(&outcome),
        "docker-credential-scoped: --output: is raw, json or header"
    );
    for secret in [ALICE, raw.as_str(), told["token"].as_str().unwrap()] {
        stage.keeps_secret(secret);
    }
}

#[test]
fn the_scopes_of_all_options_are_asked_for_in_normal_form() {
    let Some(stage) = Stage::with_alice(&[]) else {
        return;
    };
    let asked = |arguments: &[&str]| {
        stage.raw(arguments);
        stage.last_request().scopes
    };
    assert_eq!(asked(&["--pull", "team/a"]), ["repository:team/a:pull"]);
    assert_eq!(asked(&["--push", "team/a"]), ["repository:team/a:pull,push"]);
    assert_eq!(
        asked(&[
            "--scope",
            "repository:team/b:push,pull repository:team/a:pull",
            "--scope",
            "repository:team/a:push"
        ]),
        ["repository:team/a:pull,push", "repository:team/b:pull,push"]
    );
    assert_eq!(
        asked(&[
            "--push",
            "team/c",
            "--pull",
            "team/c",
            "--scope",
            "repository:team/d:pull,pull",
            "--pull",
            "team/e"
        ]),
        [
            "repository:team/c:pull,push",
            "repository:team/d:pull",
            "repository:team/e:pull"
        ]
    );
    let request = stage.last_request();
    assert_eq!(request.shown(), ("GET", Proof::Password, Some("alice"), "first"));
    assert!(!request.offline);
    let before = stage.token_server.requests().len();
    for (option, text) in [
        ("--scope", "team/app:pull"),
        ("--scope", "repository:team/app"),
        ("--pull", "Team/App"),
        ("--pull", "team/app:tag"),
        ("--push", "team/../app"),
        ("--push", ""),
    ] {
        let outcome = stage.token(&[option, text]);
        assert!(
            is_refused(&outcome).contains("scope:") || is_refused(&outcome).contains("repository"),
            "{outcome:?}"
        );
    }
    assert_eq!(stage.token_server.requests().len(), before);
}

#[test]
fn a_job_gets_its_server_and_scope_from_the_environment() {
    let Some(stage) = Stage::with_alice(&[]) else {
        return;
    };
    let run = |arguments: &[&str], scope: &str| {
        let mut command = stage.home.command(HELPER);
        command
            .arg("token")
            .args(arguments)
            .env("DOCKER_CREDENTIAL_SCOPED_SERVER", stage.registry.address())
            .env("DOCKER_CREDENTIAL_SCOPED_SCOPE", scope);
        Outcome::of(&mut command, b"")
    };
    run(&[], "repository:team/a:pull repository:team/b:pull").succeeds();
    assert_eq!(
        stage.last_request().scopes,
        ["repository:team/a:pull", "repository:team/b:pull"]
    );
    // What is said on the command line is all that is asked for.
    run(&["--pull", "team/c"], "repository:team/a:push").succeeds();
    assert_eq!(stage.last_request().scopes, ["repository:team/c:pull"]);
    let outcome = run(&[], "team");
    assert!(
        is_refused(&outcome).contains("DOCKER_CREDENTIAL_SCOPED_SCOPE: "),
        "{outcome:?}"
    );
    // Nor is another server asked than the one that is named.
    let other = stage.second_registry();
    let outcome = run(&[other.address(), "--pull", "public/x"], "").succeeds();
    assert!(
        outcome
            .stderr
            .contains(&format!("nothing is stored for {}", other.address()))
    );
    assert_eq!(
        (
            stage.last_request().service.as_str(),
            stage.last_request().account
        ),
        ("second", None)
    );
    let outcome = Outcome::of(
        stage.home.command(HELPER).args(["token", "--pull", "team/a"]),
        b"",
    );
    assert_eq!(
        is_refused(&outcome),
        "docker-credential-scoped: no registry; name one, or set DOCKER_CREDENTIAL_SCOPED_SERVER"
    );
}

#[test]
fn less_than_was_asked_for_is_remarked_and_nothing_is_an_error() {
    let Some(stage) = Stage::with(&[]) else { return };
    Helper::of(&stage.home).store(stage.registry.address(), "bob", BOB);
    let server = stage.token_server.realm().replace("/token", "");
    let outcome = stage
        .token(&["--push", "team/app", "--push", "bob/app"])
        .succeeds();
    assert_eq!(
        outcome.stderr,
        format!("note: {server} did not grant repository:team/app:push\n")
    );
    let outcome = stage
        .token(&["--pull", "secret/app", "--pull", "team/app", "--output", "json"])
        .succeeds();
    assert_eq!(
        outcome.stderr,
        format!("note: {server} did not grant repository:secret/app:pull\n")
    );
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(told["scopeGranted"], json!("repository:team/app:pull"));
    let outcome = stage.token(&["--push", "secret/app"]);
    assert_eq!(
        is_refused(&outcome),
        format!(
            "docker-credential-scoped: {server} granted nothing of repository:secret/app:pull,push; the credential \
             may not do that, or there is no such repository"
        )
    );
    stage.keeps_secret(BOB);
}

#[test]
fn a_wrong_password_is_one_line_that_names_who_refused() {
    let Some(stage) = Stage::with(&[]) else { return };
    Helper::of(&stage.home).store(stage.registry.address(), "alice", "not-her-password");
    let outcome = stage.token(&["--pull", "team/app"]);
    let server = stage.token_server.realm().replace("/token", "");
    assert_eq!(
        is_refused(&outcome),
        format!(
            "docker-credential-scoped: {server} refused the credential (401): it is wrong, expired or revoked; log \
             in again"
        )
    );
    assert_eq!(stage.token_server.requests().len(), 1);
    assert_eq!(
        Helper::of(&stage.home)
            .get(stage.registry.address())
            .unwrap()
            .secret,
        "not-her-password"
    );
    stage.keeps_secret("not-her-password");
    // What is stored anew is tried at once.
    Helper::of(&stage.home).store(stage.registry.address(), "alice", ALICE);
    stage.raw(&["--pull", "team/app"]);
}

#[test]
fn who_has_nothing_stored_is_nobody_in_particular_and_told_so() {
    let Some(stage) = Stage::with(&[]) else { return };
    let outcome = stage.token(&["--pull", "public/app"]).succeeds();
    assert_eq!(
        outcome.stderr,
        format!(
            "note: nothing is stored for {}; this token is for nobody in particular\n",
            stage.registry.address()
        )
    );
    assert_eq!(claims(outcome.stdout.trim())["sub"], json!(""));
    assert_eq!(
        (stage.last_request().proof, stage.last_request().account),
        (Proof::Nothing, None)
    );
    is_refused(&stage.token(&["--pull", "team/app"]));
    // A profile has its own, and none of another's.
    Helper::for_profile(&stage.home, "ci");
    Helper::of(&stage.home).store(stage.registry.address(), "alice", ALICE);
    let outcome = stage
        .token(&["--pull", "public/other", "--profile", "ci"])
        .succeeds();
    assert_eq!(claims(outcome.stdout.trim())["sub"], json!(""));
    let token = stage.raw(&["--pull", "public/app"]);
    assert_eq!(claims(&token)["sub"], json!("alice"));
}

#[test]
fn a_token_of_little_life_is_told_as_such() {
    if !support::peer::present(&["docker-registry", "setpriv"]) {
        return;
    }
    let server = TokenServer::start(Config {
        users: vec![User::new("alice", ALICE).may(&["pull"], "*")],
        expires_in: 20,
        ..Config::default()
    })
    .unwrap();
    let registry = support::registry::Registry::start("registry", &server);
    let home = Home::new();
    Helper::of(&home).store(registry.address(), "alice", ALICE);
    let outcome = Outcome::of(
        command(&home, registry.address()).args(["--pull", "team/app", "--output", "json"]),
        b"",
    )
    .succeeds();
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let moment = |name: &str| OffsetDateTime::parse(told[name].as_str().unwrap(), &Rfc3339).unwrap();
    assert_eq!(moment("expires") - moment("issued"), time::Duration::seconds(20));
}
