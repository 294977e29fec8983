//! `explain`: which credential would be used and why, what is answered, remembered and sent; and that nothing is sent and
//! no file changed by saying so.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::home::HELPER;
use support::outcome::Outcome;
use support::scene::{PASSWORD, Scene};

/// What is sent where nobody knows yet where tokens come from.
const ASKS_FIRST: &str = "wire      asks [S] first where its tokens come from, and then the token server that it names, \
                          if that may be trusted";
const END: &str = "Nothing was sent, and nothing was written.\n";

fn scene() -> Scene {
    Scene::usual(|_| Answer::json(&json!({ "token": "opaque", "expires_in": 3600 })))
}

/// Declares credentials of the scene's registry, or of a part of it.
fn declare(scene: &Scene, credentials: &[Value]) {
    let server = scene.fixture.address();
    let mut credentials = credentials.to_vec();
    for credential in &mut credentials {
        let path = credential["server"].as_str().unwrap_or_default().to_owned();
        credential["server"] = json!(format!("{server}{path}"));
    }
    let settings = json!({ "credentials": credentials });
    scene.home.write(
        ".config/docker-credential-scoped/settings.json",
        &settings.to_string(),
    );
}

fn declared(profile: &str, scopes: &[&str]) -> Value {
    json!({ "profile": profile, "username": profile, "secret": { "env": "CANARY" }, "scopes": scopes })
}

/// Runs it and holds it to these lines, in which `[S]` is the registry and `[U]` a time; the registry hears nothing of
/// it, and no file changes.
#[track_caller]
fn explains(scene: &Scene, repository: &str, arguments: &[&str], code: i32, lines: &[&str]) {
    let server = scene.fixture.address();
    let requests = scene.fixture.requests().len();
    let before = files(scene.home.directory());
    let mut command = scene.home.command(HELPER);
    command
        .args(["explain", &format!("{server}{repository}")])
        .args(arguments);
    command.env("CANARY", "canary-of-the-environment");
    let outcome = Outcome::of(&mut command, b"");
    assert_eq!(files(scene.home.directory()), before, "no file is changed");
    assert_eq!(scene.fixture.requests().len(), requests, "nothing is sent");
    assert!(
        !outcome.stdout.contains("canary-of") && !outcome.stdout.contains(PASSWORD),
        "{outcome:?}"
    );
    let said = without_times(&outcome.stdout.replace(&server, "[S]"));
    let expected = lines.join("\n") + "\n";
    assert_eq!(
        (said, outcome.stderr.as_str(), outcome.code),
        (expected + END, "", Some(code))
    );
}

/// With what comes of the clock written `[U]`.
fn without_times(text: &str) -> String {
    let mut parts = text.split(" until 20");
    let mut said = parts.next().unwrap().to_owned();
    for part in parts {
        // The rest of 2026-11-22T08:00:00Z, and not of a day that was declared.
        if part.get(8..9) == Some("T") {
            said.push_str(" until [U]");
            said.push_str(part.get(18..).unwrap());
        } else {
            said.push_str(" until 20");
            said.push_str(part);
        }
    }
    said
}

/// Every file and directory with what is in it and when it was changed.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        found.push((
            directory.clone(),
            Vec::new(),
            fs::metadata(&directory).unwrap().modified().unwrap(),
        ));
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                directories.push(path);
            } else {
                let content = if metadata.is_file() {
                    fs::read(&path).unwrap()
                } else {
                    Vec::new()
                };
                found.push((path, content, metadata.modified().unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn where_nothing_is_held_nobody_asks() {
    explains(
        &scene(),
        "/a/b",
        &[],
        1,
        &[
            "request   [S], repository:a/b:pull",
            "used      none: nothing is held for [S] that could be used; what is public needs none",
            "get       [S], profile default: not found; clients go on without a credential",
            "get       [S]/a/b, profile default: not found; clients go on without a credential",
            "cache     nothing",
            ASKS_FIRST,
        ],
    );
}

#[test]
fn the_narrowest_is_used_and_each_other_has_its_reason() {
    let scene = scene().with_password();
    let mut expired = declared("expired", &["repository:acme/*:pull"]);
    expired["expires"] = json!("2026-01-01");
    let mut elsewhere = declared("elsewhere", &["repository:*:pull"]);
    elsewhere["server"] = json!("/beta");
    declare(
        &scene,
        &[
            declared("narrow", &["repository:acme/*:pull"]),
            declared("twin", &["repository:acme/*:pull"]),
            declared("push", &["repository:acme/*:pull,push"]),
            declared("other", &["repository:beta/*:pull"]),
            expired,
            elsewhere,
        ],
    );
    let secret = "secret in environment variable CANARY, not fetched now";
    explains(
        &scene,
        "/acme/app",
        &[],
        0,
        &[
            "request   [S], repository:acme/app:pull",
            &format!(
                "used      profile narrow: account narrow, {secret}, allowed scopes repository:acme/*:pull"
            ),
            "          because none of those that may do this may do less",
            "not used  profile default (account user, password, allowed scopes unknown): may do more",
            &format!(
                "not used  profile twin (account twin, {secret}, allowed scopes repository:acme/*:pull): may do no less, \
                 and comes later (longest path, earliest expiry, default profile, name)"
            ),
            &format!(
                "not used  profile push (account push, {secret}, allowed scopes repository:acme/*:pull,push): may do more"
            ),
            &format!(
                "not used  profile other (account other, {secret}, allowed scopes repository:beta/*:pull): may not do \
                 repository:acme/app:pull"
            ),
            &format!(
                "not used  profile expired (account expired, {secret}, allowed scopes repository:acme/*:pull, until \
                 2026-01-01): expired 2026-01-01"
            ),
            &format!(
                "not used  profile elsewhere for beta (account elsewhere, {secret}, allowed scopes repository:*:pull): is \
                 for another part of the registry"
            ),
            "get       [S], profile default: account user, and the password stored",
            "get       [S]/acme/app, profile default: not found; clients go on without a credential",
            "cache     nothing",
            ASKS_FIRST,
        ],
    );
}

#[test]
fn a_path_with_a_credential_of_its_own_answers_for_itself() {
    let scene = scene().with_password();
    let path = format!("{}/acme", scene.fixture.address());
    Helper::of(&scene.home).store(&path, "bob", "canary-of-bob");
    explains(
        &scene,
        "/acme/app",
        &[],
        0,
        &[
            "request   [S], repository:acme/app:pull",
            "used      profile default for acme: account bob, password, allowed scopes unknown",
            "          because none of those that may do this may do less",
            "not used  profile default (account user, password, allowed scopes unknown): may do more",
            "get       [S], profile default: account user, and the password stored",
            "get       [S]/acme/app, profile default: account bob, and the password stored",
            "cache     nothing",
            ASKS_FIRST,
        ],
    );
    explains(
        &scene,
        "",
        &["--profile", "default"],
        0,
        &[
            "request   [S], no scope",
            "used      profile default: account user, password, allowed scopes unknown",
            "          because profile default is named",
            "not used  profile default for acme (account bob, password, allowed scopes unknown): is for a part of the \
             registry, and no scope is asked for",
            "get       [S], profile default: account user, and the password stored",
            "cache     nothing",
            ASKS_FIRST,
        ],
    );
}

#[test]
fn what_reads_the_public_only_is_used_where_nothing_else_may() {
    let scene = scene();
    declare(&scene, &[declared("public", &["repo:public_read"])]);
    let secret = "secret in environment variable CANARY, not fetched now";
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            &format!("used      profile public: account public, {secret}, allowed scopes repo:public_read"),
            "          because it is of use if that is public, and no other may do it",
            "get       [S], profile default: not found; clients go on without a credential",
            "cache     nothing",
            ASKS_FIRST,
        ],
    );
}

#[test]
fn what_none_may_do_ends_here() {
    let scene = scene();
    declare(&scene, &[declared("read", &["repository:acme/*:pull"])]);
    explains(
        &scene,
        "",
        &["--scope", "repository:acme/app:pull,push"],
        1,
        &[
            "request   [S], repository:acme/app:pull,push",
            "used      none: no stored credential may do repository:acme/app:pull,push",
            "not used  profile read (account read, secret in environment variable CANARY, not fetched now, allowed scopes \
             repository:acme/*:pull): may not do repository:acme/app:push",
            "get       [S], profile default: not found; clients go on without a credential",
            "cache     not looked into",
            "wire      nothing: without a credential that can be used it ends here",
        ],
    );
}

#[test]
fn a_profile_that_is_named_is_the_only_one_that_counts() {
    let scene = scene().with_password();
    let mut expired = declared("ci", &["repository:acme/*:pull"]);
    expired["expires"] = json!("2026-01-01");
    declare(&scene, &[expired]);
    let line = "[S]: the credential of ci expired 2026-01-01; renew it, and say in \
                settings.json until when it is good";
    explains(
        &scene,
        "",
        &["--profile", "ci", "--scope", "repository:acme/app:pull"],
        1,
        &[
            "request   [S], repository:acme/app:pull",
            &format!("used      none: {line}"),
            "not used  profile default (account user, password, allowed scopes unknown): profile ci is named",
            "not used  profile ci (account ci, secret in environment variable CANARY, not fetched now, allowed scopes \
             repository:acme/*:pull, until 2026-01-01): expired 2026-01-01",
            &format!("get       [S], profile ci: an error: {line}"),
            "cache     not looked into",
            "wire      nothing: without a credential that can be used it ends here",
        ],
    );
}

#[test]
fn a_remembered_token_is_shown_and_spares_the_request() {
    let scene = scene().with_password();
    scene.token(&["--pull", "a/b"]).succeeds();
    let used = [
        "used      profile default: account user, password, allowed scopes unknown",
        "          because no other may do this",
        "get       [S], profile default: account user, and the password stored",
    ];
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            used[0],
            used[1],
            used[2],
            "cache     an access token until [U]",
            "wire      nothing: the access token is remembered",
        ],
    );
    explains(
        &scene,
        "",
        &["--scope", "repository:c/d:pull"],
        0,
        &[
            "request   [S], repository:c/d:pull",
            used[0],
            used[1],
            used[2],
            "cache     nothing",
            "wire      GET http://[S]/token, service registry, scope repository:c/d:pull, as user",
        ],
    );
    // As docker's own login.
    explains(
        &scene,
        "",
        &[],
        0,
        &[
            "request   [S], no scope",
            used[0],
            "          because no scope is asked for, and so it is the one that docker's own login has",
            used[2],
            "cache     nothing",
            "wire      GET http://[S]/token, service registry, no scope, as user",
        ],
    );
}

#[test]
fn the_token_that_a_fetched_secret_got_is_found_without_fetching_it() {
    let scene = scene();
    declare(
        &scene,
        &[json!({ "username": "ci", "secret": { "env": "CANARY" } })],
    );
    let mut token = support::scene::command(&scene.home, &scene.fixture.address());
    token
        .args(["--pull", "a/b"])
        .env("CANARY", "canary-of-the-environment");
    Outcome::of(&mut token, b"").succeeds();
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            "used      profile default: account ci, secret in environment variable CANARY, not fetched now, allowed scopes \
             unknown",
            "          because no other may do this",
            "get       [S], profile default: account ci, and the secret from environment variable CANARY",
            "cache     an access token until [U]",
            "wire      nothing: the access token is remembered, if the secret is still the one that was sent then",
        ],
    );
}

#[test]
fn a_refused_credential_is_not_asked_with_again() {
    let scene = Scene::usual(|_| Answer::new(401, "{}")).with_password();
    scene.token(&["--pull", "a/b"]).fails();
    explains(
        &scene,
        "",
        &["--scope", "repository:c/d:pull"],
        0,
        &[
            "request   [S], repository:c/d:pull",
            "used      profile default: account user, password, allowed scopes unknown",
            "          because no other may do this",
            "get       [S], profile default: account user, and the password stored",
            "cache     a refusal until [U]: http://[S] refused the credential (401): it is wrong, expired or revoked; log in \
             again",
            "wire      nothing before that, since the credential was refused",
        ],
    );
}

#[test]
fn a_secret_that_was_refused_may_be_another_where_it_is_fetched() {
    let scene = Scene::usual(|_| Answer::new(401, "{}"));
    declare(
        &scene,
        &[json!({ "username": "ci", "secret": { "env": "CANARY" } })],
    );
    let mut token = support::scene::command(&scene.home, &scene.fixture.address());
    token
        .args(["--pull", "a/b"])
        .env("CANARY", "canary-of-the-environment");
    let said = Outcome::of(&mut token, b"").fails();
    let mend = "it is wrong, expired or revoked; it was fetched from environment variable CANARY: put the right one there\n";
    assert!(said.stderr.ends_with(mend), "{said:?}");
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            "used      profile default: account ci, secret in environment variable CANARY, not fetched now, allowed scopes \
             unknown",
            "          because no other may do this",
            "get       [S], profile default: account ci, and the secret from environment variable CANARY",
            "cache     a refusal until [U]: http://[S] refused the credential (401)",
            "wire      nothing before that, since the credential was refused, if the secret is still the one that was sent \
             then",
        ],
    );
}

#[test]
fn identity_tokens_are_posted_and_never_shown() {
    let scene = scene().with_refresh_token();
    let server = scene.fixture.address();
    let realm = format!("http://{server}/token");
    support::scene::set(&scene.home, &server, &json!({ "realm": realm, "service": "s" }));
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            "used      profile default: account <token>, identity token, allowed scopes unknown",
            "          because no other may do this",
            "get       [S], profile default: account <token>, and the identity token stored",
            "cache     nothing",
            "wire      POST http://[S]/token, service s, scope repository:a/b:pull, with the refresh token in the form",
        ],
    );
    let scene = self::scene().with_password();
    let server = scene.fixture.address();
    let realm = format!("http://{server}/token");
    let own = json!({ "realm": realm, "service": "s", "handOut": "identity-token" });
    support::scene::set(&scene.home, &server, &own);
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            "used      profile default: account user, password, allowed scopes unknown",
            "          because no other may do this",
            "get       [S], profile default: <token>, and an identity token that http://[S]/token is asked for",
            "cache     nothing",
            "wire      GET http://[S]/token, service s, scope repository:a/b:pull, as user",
        ],
    );
}

#[test]
fn an_identity_token_that_was_not_issued_is_an_error_for_a_while() {
    let scene = scene().with_password();
    let server = scene.fixture.address();
    let realm = format!("http://{server}/token");
    let own = json!({ "realm": realm, "service": "s", "handOut": "identity-token" });
    support::scene::set(&scene.home, &server, &own);
    Helper::of(&scene.home).ask("get", &server).fails();
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        0,
        &[
            "request   [S], repository:a/b:pull",
            "used      profile default: account user, password, allowed scopes unknown",
            "          because no other may do this",
            "get       [S], profile default: an error until [U]: http://[S] issued no refresh token",
            "cache     nothing",
            "wire      GET http://[S]/token, service s, scope repository:a/b:pull, as user",
        ],
    );
}

#[test]
fn what_cannot_be_opened_may_be_the_one() {
    let scene = scene().with_password();
    let server = scene.fixture.address();
    scene.home.damage(&server);
    let path = scene
        .home
        .slots()
        .join(format!("{}@default", server.replace(':', "%3A")));
    let why = format!(
        "{}: is damaged or sealed with another key; log out of that registry and in again",
        path.display()
    );
    explains(
        &scene,
        "",
        &["--scope", "repository:a/b:pull"],
        1,
        &[
            "request   [S], repository:a/b:pull",
            &format!("used      none: {why}"),
            &format!("not used  profile default: cannot be opened: {why}"),
            &format!("get       [S], profile default: an error: {why}"),
            "cache     not looked into",
            "wire      nothing: without a credential that can be used it ends here",
        ],
    );
    assert!(
        Helper::of(&scene.home)
            .ask("get", &server)
            .stdout
            .contains("is damaged")
    );
}

#[test]
fn what_is_for_a_part_and_cannot_be_opened_may_be_the_one() {
    let scene = scene().with_password();
    let server = scene.fixture.address();
    let helper = Helper::of(&scene.home);
    helper.store(&format!("{server}/acme"), "acme", "acme-secret");
    let scope = ["--scope", "repository:acme/app:pull"];
    scene.home.damage(&format!("{server}/acme"));
    let path = scene
        .home
        .slots()
        .join(format!("{}%2Facme@default", server.replace(':', "%3A")));
    let what = format!("{}: is damaged or sealed with another key", path.display());
    let got = format!("{what}; log out of that registry and in again");
    let why =
        format!("{what}; docker-credential-scoped remove {server}/acme, or name another with --profile");
    helper
        .ask("get", &format!("{server}/acme/app"))
        .is(&format!("{got}\n"), "", 1);
    scene
        .token(&["--pull", "acme/app"])
        .is("", &format!("docker-credential-scoped: {why}\n"), 1);
    let mut exec = scene.home.command(HELPER);
    exec.args([
        "exec",
        "--server",
        &server,
        "--scope",
        "repository:acme/app:pull",
        "--",
        "true",
    ]);
    Outcome::of(&mut exec, b"").is(
        "",
        &format!("docker-credential-scoped: no token for {server}: {why}\n"),
        125,
    );
    explains(
        &scene,
        "/acme/app",
        &scope,
        1,
        &[
            "request   [S], repository:acme/app:pull",
            &format!("used      none: {}", why.replace(&format!("{server}/"), "[S]/")),
            &format!(
                "not used  profile default for acme: cannot be opened: {}",
                why.replace(&format!("{server}/"), "[S]/")
            ),
            "not used  profile default (account user, password, allowed scopes unknown): may do this, and not in place \
             of one that cannot be opened",
            "get       [S], profile default: account user, and the password stored",
            &format!("get       [S]/acme/app, profile default: an error: {got}"),
            "cache     not looked into",
            "wire      nothing: without a credential that can be used it ends here",
        ],
    );
    scene.token(&["--pull", "other/app"]).is("opaque\n", "", 0);
    scene.token(&["--pull", "acmeister/app"]).is("opaque\n", "", 0);
    scene
        .token(&["--pull", "acme/app", "--profile", "default"])
        .fails();
    Outcome::of(
        scene
            .home
            .command(HELPER)
            .args(["remove", &format!("{server}/acme")]),
        b"",
    )
    .is(&format!("{server}/acme: removed\n"), "", 0);
    scene.token(&["--pull", "acme/app"]).is("opaque\n", "", 0);
}

#[test]
fn what_cannot_be_opened_of_another_profile_may_be_the_one() {
    let scene = scene().with_password();
    let server = scene.fixture.address();
    scene.home.link_helper("docker-credential-scoped-ci");
    Helper::for_profile(&scene.home, "ci").store(&server, "ci", "ci-secret");
    let name = format!("{}@ci", server.replace(':', "%3A"));
    scene.home.damage_file(&name);
    let why = format!(
        "{}: is damaged or sealed with another key; docker-credential-scoped remove {server} --profile ci, or name \
         another with --profile",
        scene.home.slots().join(name).display()
    );
    let pull = ["--pull", "acme/app"];
    scene
        .token(&pull)
        .is("", &format!("docker-credential-scoped: {why}\n"), 1);
    scene
        .token(&[&pull[..], &["--profile", "default"]].concat())
        .is("opaque\n", "", 0);
    scene.token(&[&pull[..], &["--profile", "ci"]].concat()).is(
        "",
        &format!("docker-credential-scoped: {why}\n"),
        1,
    );
    Outcome::of(
        scene
            .home
            .command(HELPER)
            .args(["remove", &server, "--profile", "ci"]),
        b"",
    )
    .is(&format!("{server}, profile ci: removed\n"), "", 0);
    scene.token(&pull).is("opaque\n", "", 0);
}

#[test]
fn of_what_has_a_long_name_it_is_known_whether_it_may_be_the_one() {
    let scene = scene().with_password();
    let server = scene.fixture.address();
    let long = format!("team/{}", "a".repeat(120));
    let helper = Helper::of(&scene.home);
    helper.store(&format!("{server}/{long}"), "acme", "acme-secret");
    let names = fs::read_dir(scene.home.slots()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.into_iter().find(|name| name.contains('~')).unwrap();
    scene.home.damage_file(&name);
    let why = format!(
        "{}: is damaged or sealed with another key; docker-credential-scoped remove {server}/{long}, or name another \
         with --profile",
        scene.home.slots().join(name).display()
    );
    scene
        .token(&["--pull", &format!("{long}/app")])
        .is("", &format!("docker-credential-scoped: {why}\n"), 1);
    for other in [format!("{long}a"), "team/app".to_owned()] {
        scene.token(&["--pull", &other]).is("opaque\n", "", 0);
    }
}

#[test]
fn what_names_no_repository_of_a_registry_is_refused() {
    let scene = scene();
    let explain = |server: &str| Outcome::of(scene.home.command(HELPER).args(["explain", server]), b"");
    for (server, why) in [
        (
            "h/acme/app:v1",
            "repository: a name is lower-case letters, digits, '.', '_', '-' and '/'; leave out host, tag and digest",
        ),
        (
            "nerdctl-experimental://h",
            "server URL: is no registry's, so that no token is ever asked for; write HOST or HOST/REPOSITORY",
        ),
        (
            "u:canary@h",
            "server URL: has user information before '@'; give the host only",
        ),
    ] {
        explain(server).is("", &format!("docker-credential-scoped: {why}\n"), 1);
    }
}
