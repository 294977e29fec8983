//! Who manages Docker Hub's tokens from here: what is told of it, what is sent, and what is not.

#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::fixture::answer::jwt;
use support::helper::Helper;
use support::hub::account::Account;
use support::hub::fault::Fault;
use support::hub::{ANNA, BEN, Config};
use support::hub_scene::{ACCESS_TOKEN, HubScene};
use support::outcome::Outcome;
use time::OffsetDateTime;

const NOBODY: &str = "nobody can manage tokens from here; sign in with docker login in a browser, or keep a password: docker-credential-scoped add REGISTRY --username NAME --profile NAME\n";
const NOBODY_NOW: &str = "nobody can manage tokens from here now\n";
const LIST: [&str; 3] = ["hub", "token", "list"];
const EMPTY: &str = "anna has no personal access tokens.\n";
const SIGN_IN: &str = "POST /v2/auth/token";
const ASK: &str = "GET /v2/access-tokens";

fn scene() -> HubScene {
    HubScene::new(Config::default())
}

/// What the table of `hub status` has in its last column, for the first who is listed.
#[track_caller]
fn is_unable(scene: &HubScene, why: &str, said: &str) {
    let outcome = scene.run(&["hub", "status"]);
    let line = outcome.stdout.lines().nth(1).expect("a line");
    assert!(
        scene.plain(line).ends_with(&format!("  no: {why}")),
        "{line}\nis not\n{why}"
    );
    assert_eq!(scene.plain(&outcome.stderr), said);
    assert_eq!(outcome.code, Some(1));
}

/// Keeps a password in a profile.
fn keep_password(scene: &HubScene, account: &str, password: &str, profile: &str) {
    let registry = scene.registry();
    let words = ["add", &registry, "--username", account, "--profile", profile];
    Outcome::of(
        &mut HubScene::command_at(&scene.home, &words),
        password.as_bytes(),
    )
    .succeeds();
}

/// Keeps a token where docker's browser login keeps its own.
fn keep_access_token(scene: &HubScene, claims: &Value) {
    Helper::of(&scene.home).store(ACCESS_TOKEN, "anna", &jwt(claims));
}

/// The claims of docker's own, good for that many seconds.
fn claims(scene: &HubScene, life: i64) -> Value {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    json!({
        "aud": [scene.hub.api(), "https://api.docker.com"],
        "iat": now - 60,
        "exp": now + life,
        "https://hub.docker.com": { "username": "anna", "source": "docker|1" },
    })
}

#[test]
fn where_nobody_can_it_is_said_what_to_do() {
    let scene = scene();
    scene.says(&["hub", "status"], "", NOBODY, 1);
    scene.says(&LIST, "", &format!("docker-credential-scoped: {NOBODY}"), 1);
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn a_password_manages_and_is_sent_once_in_ten_minutes() {
    let scene = scene();
    scene.log_in("anna", ANNA);
    scene.says(
        &["hub", "status"],
        "ACCOUNT  BY        PROFILE  MANAGES TOKENS\n\
         anna     password  default  yes\n\
         Tokens are managed as anna.\n",
        "",
        0,
    );
    scene.says(&LIST, EMPTY, "", 0);
    scene.says(&LIST, EMPTY, "", 0);
    assert_eq!(scene.asked(), [SIGN_IN, ASK, ASK]);
    scene.keeps_secret("anna", ANNA);
    // It is remembered as other tokens are, and goes with the password.
    let remembered = scene.run(&["cache"]).succeeds().stdout;
    assert!(
        remembered.lines().count() == 2 && remembered.contains("token"),
        "{remembered}"
    );
    Helper::of(&scene.home).ask("erase", &scene.registry()).succeeds();
    scene.says(&["cache"], "Nothing is remembered.\n", "", 0);
}

#[test]
fn dockers_own_sign_in_comes_before_a_password_and_is_not_renewed() {
    let scene = scene();
    scene.browser_login("anna");
    scene
        .run(&[
            "add",
            &scene.registry(),
            "--username",
            "anna",
            "--profile",
            "manage",
            "--from",
            "env:NONE",
        ])
        .succeeds();
    let status = scene.run(&["hub", "status"]);
    let lines: Vec<_> = status.stdout.lines().map(|line| scene.plain(line)).collect();
    assert_eq!(
        lines,
        [
            "ACCOUNT  BY                         PROFILE  MANAGES TOKENS",
            "anna     docker login in a browser  default  until TIME, 1 hour left",
            "anna     password                   manage   no: environment variable NONE: is not set",
            "anna     session token              default  no: Docker Hub lets no personal access token manage tokens; sign in with docker login in a browser, or with a password",
            "Tokens are managed as anna.",
        ]
    );
    scene.run(&LIST).succeeds();
    // What it has is what is sent, and it signs in nowhere.
    assert_eq!(scene.asked(), [ASK]);
}

#[test]
fn dockers_own_sign_in_is_sent_to_the_api_that_it_is_for_while_it_is_good() {
    let scene = scene();
    let table = [
        (
            json!({ "exp": OffsetDateTime::now_utc().unix_timestamp() - 1 }),
            "it expired TIME; sign in again: docker login",
        ),
        (
            json!({ "exp": OffsetDateTime::now_utc().unix_timestamp() + 50 }),
            "it expires TIME; sign in again: docker login",
        ),
        (
            json!({ "exp": null }),
            "it does not say until when it is good; sign in again: docker login",
        ),
        (
            json!({ "aud": ["https://hub.docker.com"] }),
            "it is not for http://HUB, and is not sent there; keep a password",
        ),
        (
            json!({ "aud": null }),
            "it is not for http://HUB, and is not sent there; keep a password",
        ),
        (
            json!({ "https://hub.docker.com": { "username": "anna", "source": "docker_pat|1" } }),
            "Docker Hub lets no personal access token manage tokens; sign in with docker login in a browser, or with a password",
        ),
    ];
    for (change, why) in table {
        let mut claims = claims(&scene, 3600);
        for (name, value) in change.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        keep_access_token(&scene, &claims);
        is_unable(&scene, why, NOBODY);
    }
    Helper::of(&scene.home).store(ACCESS_TOKEN, "anna", "opaque");
    is_unable(
        &scene,
        "it does not say what it is for, and is sent nowhere; sign in again: docker login",
        NOBODY,
    );
    scene.says(
        &LIST,
        "",
        "docker-credential-scoped: nobody can manage tokens from here: https://index.docker.io/v1/access-token, docker login in a browser: it does not say what it is for, and is sent nowhere; sign in again: docker login\n",
        1,
    );
    assert_eq!(scene.asked(), [""; 0]);
    // A password does it then.
    scene.log_in("anna", ANNA);
    scene.says(&LIST, EMPTY, "", 0);
    assert_eq!(scene.asked(), [SIGN_IN, ASK]);
}

#[test]
fn what_manages_nothing_is_told_and_not_tried() {
    let scene = scene();
    let oat = "Docker Hub lets no organization access token manage tokens; sign in with docker login in a browser, or with a password";
    let pat = "Docker Hub lets no personal access token manage tokens; sign in with docker login in a browser, or with a password";
    let identity = "it logs in to the registry and manages no tokens; sign in with docker login in a browser, or with a password";
    for (account, secret, why) in [
        ("anna", "dckr_pat_x", pat),
        ("acme", "dckr_oat_x", oat),
        ("<token>", "refresh", identity),
    ] {
        scene.log_in(account, secret);
        is_unable(&scene, why, NOBODY);
    }
    scene.says(
        &LIST,
        "",
        "docker-credential-scoped: nobody can manage tokens from here: REGISTRY, identity token: it logs in to the registry and manages no tokens; sign in with docker login in a browser, or with a password\n",
        1,
    );
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn a_token_that_was_kept_as_a_password_is_told_by_what_it_is_answered() {
    let scene = scene();
    let token = scene.hub.generate("anna", "manual", "ci", scene.hub.now(), None);
    let add = [
        "add",
        &scene.registry(),
        "--username",
        "anna",
        "--kind",
        "password",
    ];
    Outcome::of(
        &mut HubScene::command_at(&scene.home, &add),
        token.secret.as_bytes(),
    )
    .succeeds();
    is_unable(
        &scene,
        "Docker Hub lets no personal access token manage tokens; sign in with docker login in a browser, or with a password",
        NOBODY_NOW,
    );
    scene.run(&LIST).fails();
    // Nothing but the sign-in was tried, and that once.
    assert_eq!(scene.asked(), [SIGN_IN]);
}

#[test]
fn one_of_several_accounts_is_named_or_is_the_default_profiles() {
    let scene = scene();
    keep_password(&scene, "anna", ANNA, "one");
    keep_password(&scene, "ben", BEN, "two");
    let several = "several accounts can manage tokens from here, anna, ben; name one with --account\n";
    scene.says(&LIST, "", &format!("docker-credential-scoped: {several}"), 1);
    scene.says(
        &["hub", "status"],
        "ACCOUNT  BY        PROFILE  MANAGES TOKENS\n\
         anna     password  one      yes\n\
         ben      password  two      yes\n",
        several,
        0,
    );
    let as_ben = ["hub", "token", "list", "--account", "ben"];
    scene.says(&as_ben, "ben has no personal access tokens.\n", "", 0);
    scene.says(
        &["hub", "token", "list", "--account", "carl"],
        "",
        "docker-credential-scoped: carl cannot manage tokens from here: nothing is held for it; sign in with docker login in a browser, or keep a password: docker-credential-scoped add REGISTRY --username NAME --profile NAME\n",
        1,
    );
    scene.log_in("ben", BEN);
    scene.says(&LIST, "ben has no personal access tokens.\n", "", 0);
}

#[test]
fn who_would_be_used_and_cannot_is_told() {
    let scene = scene();
    keep_password(&scene, "ben", BEN, "two");
    scene.log_in("anna", "wrong");
    scene.says(
        &["hub", "status"],
        "ACCOUNT  BY        PROFILE  MANAGES TOKENS\n\
         anna     password  default  no: HUB refuses the sign-in: account or password is wrong; where an organization enforces single sign-on, sign in with docker login in a browser\n\
         ben      password  two      yes\n",
        "anna would be used and cannot; use --account ben\n",
        0,
    );
    scene.run(&LIST).fails();
    scene.says(
        &["hub", "token", "list", "--account", "ben"],
        "ben has no personal access tokens.\n",
        "",
        0,
    );
    // Another of the same account does it.
    keep_password(&scene, "anna", ANNA, "three");
    let outcome = scene.run(&["hub", "status"]).succeeds();
    assert!(
        outcome.stdout.ends_with("Tokens are managed as anna.\n"),
        "{outcome:?}"
    );
    scene.says(&LIST, EMPTY, "", 0);
}

#[test]
fn who_signs_in_by_an_address_is_found_by_the_name_of_the_account() {
    let scene = scene();
    keep_password(&scene, "anna@example.com", ANNA, "one");
    scene.run(&["session", "start"]).succeeds();
    keep_password(&scene, "ben", BEN, "two");
    keep_password(&scene, "carl@example.com", "wrong", "three");
    let as_anna = ["hub", "token", "list", "--account", "anna"];
    assert!(scene.run(&as_anna).succeeds().stdout.contains("/session"));
    scene.says(
        &["hub", "token", "list", "--account", "dora"],
        "",
        "docker-credential-scoped: dora cannot manage tokens from here: nothing is held for it; sign in with docker login in a browser, or keep a password: docker-credential-scoped add REGISTRY --username NAME --profile NAME\n",
        1,
    );
    scene.says(
        &["session", "end"],
        "Ended the session of anna: revoked, and removed from REGISTRY, profile session.\n",
        "",
        0,
    );
    assert!(scene.hub.tokens("anna").is_empty());
    // Each is asked once, and for whoever is kept under the very name that is said nobody else is.
    let sign_ins = |scene: &HubScene| scene.asked().iter().filter(|asked| *asked == SIGN_IN).count();
    let before = sign_ins(&scene);
    scene
        .run(&["hub", "token", "list", "--account", "ben"])
        .succeeds();
    assert_eq!((before, sign_ins(&scene)), (2, 3));
}

#[test]
fn a_refused_password_is_not_sent_again_at_once() {
    let scene = scene();
    scene.log_in("anna", "wrong");
    let refused = "HUB refuses the sign-in: account or password is wrong; where an organization enforces single sign-on, sign in with docker login in a browser";
    scene.says(&LIST, "", &format!("docker-credential-scoped: {refused}\n"), 1);
    scene.says(
        &LIST,
        "",
        &format!("docker-credential-scoped: {refused}; not asked again before TIME\n"),
        1,
    );
    assert_eq!(scene.asked(), [SIGN_IN]);
    // Another one is.
    scene.log_in("anna", ANNA);
    scene.says(&LIST, EMPTY, "", 0);
}

#[test]
fn a_second_factor_is_asked_for_in_a_browser() {
    let scene = HubScene::new(Config {
        accounts: vec![Account::new("anna", ANNA).with_second_factor()],
        ..Config::default()
    });
    scene.log_in("anna", ANNA);
    is_unable(
        &scene,
        "HUB wants a second factor, and that cannot be given here; sign in with docker login in a browser instead",
        NOBODY_NOW,
    );
}

#[test]
fn a_bearer_that_is_taken_no_more_is_asked_for_once_more() {
    let scene = scene();
    scene.log_in("anna", ANNA);
    scene.says(&LIST, EMPTY, "", 0);
    scene.hub.forget_bearers();
    scene.says(&LIST, EMPTY, "", 0);
    assert_eq!(scene.asked(), [SIGN_IN, ASK, ASK, SIGN_IN, ASK]);
    // One that nothing helps is told.
    scene.hub.fail("GET", "/v2/access-tokens", 2, Fault::Status(401));
    scene.says(
        &LIST,
        "",
        "docker-credential-scoped: HUB does not take the sign-in that it has just given for the password (401); try again later, or sign in with docker login in a browser\n",
        1,
    );
    assert_eq!(scene.asked()[5..], [ASK, SIGN_IN, ASK]);
}

#[test]
fn dockers_own_sign_in_that_was_ended_is_told() {
    let scene = scene();
    scene.browser_login("anna");
    scene.hub.forget_bearers();
    scene.says(
        &LIST,
        "",
        "docker-credential-scoped: HUB takes the sign-in no more (401): it has expired or was ended; sign in again with docker login\n",
        1,
    );
    assert_eq!(scene.asked(), [ASK]);
}

#[test]
fn a_password_may_be_kept_elsewhere() {
    let scene = scene();
    let mut settings = scene.settings();
    settings["credentials"] = json!([{
        "server": scene.registry(), "username": "anna", "secret": { "env": "PASSWORD" }, "profile": "manage",
    }]);
    scene.settle_with(&settings);
    let run = |command: &mut Command| Outcome::of(command.env("PASSWORD", ANNA), b"");
    let list = || HubScene::command_at(&scene.home, &LIST);
    run(&mut list()).is(EMPTY, "", 0);
    run(&mut list()).is(EMPTY, "", 0);
    // Nothing is stored here, and there is a key for what is remembered all the same.
    assert_eq!(scene.asked(), [SIGN_IN, ASK, ASK]);
}

#[test]
fn a_program_that_has_a_secret_is_run_for_who_is_chosen_only() {
    let scene = scene();
    scene.log_in("ben", BEN);
    let ran = scene.home.path().join("ran");
    let script = format!("echo >> '{}'; echo {ANNA}", ran.display());
    let token = format!("echo >> '{}'; echo dckr_pat_x", ran.display());
    let mut settings = scene.settings();
    settings["credentials"] = json!([
        { "server": scene.registry(), "username": "anna", "secret": { "command": ["sh", "-c", script] }, "profile": "manage" },
        { "server": scene.registry(), "username": "carl", "secret": { "command": ["sh", "-c", token] }, "profile": "ci" },
    ]);
    scene.settle_with(&settings);
    let runs = || std::fs::read_to_string(&ran).unwrap_or_default().len();
    scene.says(&LIST, "ben has no personal access tokens.\n", "", 0);
    assert_eq!(runs(), 0);
    scene.says(&["hub", "token", "list", "--account", "anna"], EMPTY, "", 0);
    assert_eq!(runs(), 1);
    scene.says(
        &["hub", "token", "list", "--account", "carl"],
        "",
        "docker-credential-scoped: Docker Hub lets no personal access token manage tokens; sign in with docker login in a browser, or with a password\n",
        1,
    );
}

#[test]
fn a_docker_hub_that_cannot_be_reached_is_told_and_no_other_password_is_tried() {
    let scene = scene();
    scene.log_in("anna", ANNA);
    let mut settings = scene.settings();
    settings["hub"]["api"] = "http://127.0.0.1:1".into();
    scene.settle_with(&settings);
    let why = "cannot connect to 127.0.0.1:1: connection refused; check the name, the port and the network";
    scene.says(&LIST, "", &format!("docker-credential-scoped: {why}\n"), 1);
    is_unable(&scene, why, NOBODY_NOW);
}
