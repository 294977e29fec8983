//! `session`: tokens of Docker Hub that end by themselves, started, listed and ended against a Docker Hub on loopback.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use docker_credential_scoped::command::rfc3339;
use serde_json::{Value, json};
use support::fixture::answer::Answer;
use support::helper::{Credential, Helper};
use support::home::HELPER;
use support::hub::account::Account;
use support::hub::fault::Fault;
use support::hub::token::{Reach, Token};
use support::hub::{ANNA, BEN, Config};
use support::hub_scene::{ACCESS_TOKEN, HubScene};
use support::outcome::Outcome;
use support::peer;
use support::sessions::{MACHINE, ago, called, command_on, held, hold, label, run_on, session_of};
use time::{Duration, OffsetDateTime};

/// A Docker Hub where anna's password is kept.
fn scene() -> HubScene {
    let scene = HubScene::new(Config::default());
    scene.log_in("anna", ANNA);
    scene
}

fn run(scene: &HubScene, arguments: &[&str]) -> Outcome {
    run_on(&scene.home, "laptop", arguments)
}

/// Keeps a credential for the registry under a profile.
fn add(scene: &HubScene, profile: &str, account: &str, secret: &str) {
    let registry = scene.registry();
    let mut add = command_on(
        &scene.home,
        "laptop",
        &["add", &registry, "--profile", profile, "--username", account],
    );
    Outcome::of(&mut add, secret.as_bytes()).succeeds();
}

/// The only token that anna has.
#[track_caller]
fn only(scene: &HubScene) -> Token {
    let mut tokens = scene.hub.tokens("anna");
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    tokens.pop().unwrap()
}

fn until(token: &Token) -> String {
    rfc3339(token.expires.unwrap())
}

/// What was done at Docker Hub, without the questions.
fn done(scene: &HubScene) -> Vec<String> {
    let is_done = |asked: &String| !asked.starts_with("GET ") && !asked.starts_with("POST /v2/auth/token");
    scene.asked().into_iter().filter(is_done).collect()
}

fn handed_out() -> &'static str {
    "Clients are given it whose configuration says \"credsStore\": \"scoped-session\"; docker's is made to by \
     docker-credential-scoped configure --profile session.\n"
}

#[test]
fn a_session_is_started_and_handed_out_by_its_profile() {
    let scene = scene();
    let started = run(&scene, &["session", "start"]);
    let token = only(&scene);
    started.is(
        &format!(
            "Started a session of anna: repo:read, until {}. It is kept for {}, profile session.\n{}",
            until(&token),
            scene.registry(),
            handed_out()
        ),
        "",
        0,
    );
    assert_eq!(token.label, label("laptop", "session"));
    assert_eq!(token.reach, Reach::Personal(vec!["repo:read".to_owned()]));
    let lives = token.expires.unwrap() - token.created;
    assert!((Duration::hours(8) - lives).abs() < Duration::MINUTE, "{lives}");
    let handed = Credential {
        username: "anna".to_owned(),
        secret: token.secret.clone(),
    };
    assert_eq!(scene.stored_in("session"), Some(handed));
    scene.keeps_secret("anna", &token.secret);
    let told = run(&scene, &["status", "--json"]).succeeds().stdout;
    let rows: Value = serde_json::from_str(&told).unwrap();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["profile"] == "session")
        .unwrap();
    assert_eq!(
        (&row["kind"], &row["expires"], &row["scopes"]),
        (
            &json!("session-token"),
            &json!(until(&token)),
            &json!(["repo:read"])
        )
    );
    assert_eq!(
        scene.asked(),
        [
            "POST /v2/auth/token",
            "POST /v2/access-tokens",
            "GET /v2/access-tokens"
        ]
    );
}

#[test]
fn scope_end_profile_and_account_are_as_is_said() {
    let scene = scene();
    add(&scene, "ben", "ben", BEN);
    run(
        &scene,
        &[
            "session", "start", "--scope", "repo:write", "--scope", "repo:public_read", "--expires",
            "2030-01-31T12:00:00Z", "--profile", "work", "--account", "ben",
        ],
    )
    .is(
        &format!(
            "Started a session of ben: repo:write repo:public_read, until 2030-01-31T12:00:00Z. It is kept for {}, \
             profile work.\n{}",
            scene.registry(),
            handed_out().replace("session", "work")
        ),
        "",
        0,
    );
    let token = scene.hub.tokens("ben").pop().unwrap();
    assert_eq!(token.label, label("laptop", "work"));
    assert_eq!(scene.hub.tokens("anna"), []);
    // The program's own name says the profile, too.
    let link = format!("{HELPER}-play");
    scene.home.link_helper(&link);
    let mut start = scene.home.command(&link);
    start.args(["session", "start"]).env(MACHINE, "laptop");
    Outcome::of(&mut start, b"").succeeds();
    assert_eq!(only(&scene).label, label("laptop", "play"));
}

#[test]
fn a_machine_is_known_by_its_host_name_or_as_is_said() {
    let scene = scene();
    let mut start = HubScene::command_at(&scene.home, &["session", "start"]);
    Outcome::of(&mut start, b"").succeeds();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let shown: String = host
        .trim()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(32)
        .collect();
    assert_eq!(only(&scene).label, label(&shown, "session"));
    for name in ["a/b", "caf\u{e9}", &"x".repeat(33)] {
        run_on(&scene.home, name, &["session", "start"]).is(
            "",
            "docker-credential-scoped: DOCKER_CREDENTIAL_SCOPED_MACHINE: a machine's name is 1 to 32 letters, digits, \
             '.', '-' or '_'\n",
            1,
        );
    }
}

#[test]
fn another_machine_has_another_name() {
    let scene = scene();
    if !peer::can("unshare", &["--uts", "hostname", "other"]) {
        return;
    }
    let mut start = Command::new("unshare");
    let inner = HubScene::command_at(&scene.home, &[]);
    for (name, value) in inner.get_envs() {
        start.env(name, value.unwrap());
    }
    start.args([
        "--uts",
        "sh",
        "-c",
        "hostname desk.example && docker-credential-scoped session start",
    ]);
    Outcome::of(&mut start, b"").succeeds();
    assert_eq!(only(&scene).label, label("desk.example", "session"));
}

#[test]
fn nothing_is_started_where_something_else_is_kept() {
    let scene = scene();
    let registry = scene.registry();
    add(&scene, "session", "ben", BEN);
    let kept = |whose: &str, what: &str, profile: &str, mend: &str| {
        format!(
            "docker-credential-scoped: {registry}{profile} holds the {what} of {whose} already; keep the session elsewhere \
             with --profile NAME, or {mend}\n"
        )
    };
    let remove = format!("remove that first: docker-credential-scoped remove {registry}");
    run(&scene, &["session", "start"]).is(
        "",
        &kept(
            "ben",
            "password",
            ", profile session",
            &format!("{remove} --profile session"),
        ),
        1,
    );
    run(&scene, &["session", "start", "--profile", "default"]).is(
        "",
        &kept("anna", "password", "", &remove),
        1,
    );
    // docker's own session is no session of ours.
    let link = format!("{HELPER}-browser");
    scene.home.link_helper(&link);
    let helper = Helper::for_profile(&scene.home, "browser");
    helper.store(ACCESS_TOKEN, "anna", "eyJ.access.token");
    helper.store(&registry, "anna", "dckr_pat_browser");
    run(&scene, &["session", "start", "--profile", "browser"]).is(
        "",
        &kept(
            "anna",
            "session token",
            ", profile browser",
            &format!("{remove} --profile browser"),
        ),
        1,
    );
    let mut settings = scene.settings();
    settings["credentials"] =
        json!([{ "server": registry, "profile": "ci", "username": "bot", "secret": { "env": "BOT" } }]);
    scene.settle_with(&settings);
    run(&scene, &["session", "start", "--profile", "ci"]).is(
        "",
        &kept(
            "bot",
            "password",
            ", profile ci",
            "take that out of settings.json",
        ),
        1,
    );
    assert_eq!(scene.asked(), [""; 0], "nobody was asked");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let scene = scene();
    for (arguments, why) in [
        (
            ["--expires", "never"],
            "--expires: a session ends; name a time to come, as 8h",
        ),
        (
            ["--expires", "2020-01-01"],
            "--expires: is over; name a time to come, or never",
        ),
        (
            ["--scope", ""],
            "scope: write repo:public_read, repo:read, repo:write or repo:admin",
        ),
    ] {
        let mut all = vec!["session", "start"];
        all.extend(arguments);
        run(&scene, &all).is("", &format!("docker-credential-scoped: {why}\n"), 1);
    }
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn another_session_takes_the_place_of_the_one_before() {
    let scene = scene();
    run(&scene, &["session", "start"]).succeeds();
    let first = only(&scene);
    run(&scene, &["session", "start", "--scope", "repo:write"]).succeeds();
    let second = only(&scene);
    assert_ne!(first.id, second.id);
    assert_eq!(scene.stored_in("session").unwrap().secret, second.secret);

    // The one before cannot be revoked: it is said, and the new one is there all the same.
    scene.hub.fail("DELETE", "*", 1, Fault::Status(403));
    let started = run(&scene, &["session", "start"]);
    let third = scene.hub.tokens("anna").pop().unwrap();
    started.is(
        &format!(
            "Started a session of anna: repo:read, until {}. It is kept for {}, profile session.\n{}",
            until(&third),
            scene.registry(),
            handed_out()
        ),
        &format!(
            "the session that was kept there is not revoked: {} refuses it (403): the account may not manage tokens; ask who \
             administers it; revoke it: docker-credential-scoped hub token revoke {}\n",
            scene.hub.api().replace("http://", ""),
            second.id
        ),
        0,
    );
    assert_eq!(scene.hub.tokens("anna").len(), 2);
}

#[test]
fn a_session_of_somebody_else_is_not_replaced() {
    let scene = scene();
    run(&scene, &["session", "start"]).succeeds();
    add(&scene, "ben", "ben", BEN);
    let asked = done(&scene).len();
    run(&scene, &["session", "start", "--account", "ben"]).is(
        "",
        &format!(
            "docker-credential-scoped: {}, profile session holds a session of anna, and ben cannot end that; end it first: \
             docker-credential-scoped session end --profile session, or start this one elsewhere with --profile NAME\n",
            scene.registry()
        ),
        1,
    );
    assert_eq!(done(&scene).len(), asked);
}

#[test]
fn who_may_have_no_more_tokens_keeps_what_there_is() {
    let scene = HubScene::new(Config {
        accounts: vec![Account::new("anna", ANNA).at_most(1)],
        ..Config::default()
    });
    scene.log_in("anna", ANNA);
    run(&scene, &["session", "start"]).succeeds();
    let first = only(&scene);
    let full = run(&scene, &["session", "start"]).fails();
    assert!(
        full.stderr.contains("as many access tokens as Docker Hub allows"),
        "{full:?}"
    );
    assert_eq!(scene.stored_in("session").unwrap().secret, first.secret);
    assert_eq!(only(&scene).id, first.id);
}

#[test]
fn where_no_answer_comes_the_next_prune_finds_what_may_have_been_made() {
    let scene = scene();
    scene.hub.fail("POST", "/v2/access-tokens", 1, Fault::DropAfter);
    let unsure = run(&scene, &["session", "start"]).fails();
    assert!(
        unsure
            .stderr
            .contains("the token may have been made all the same"),
        "{unsure:?}"
    );
    assert_eq!(only(&scene).label, label("laptop", "session"));
    assert_eq!(scene.stored_in("session"), None);
    run(&scene, &["prune", "--keep", "0"]).succeeds();
    assert_eq!(scene.hub.tokens("anna"), []);
}

#[test]
fn who_is_killed_before_the_new_one_is_kept_has_the_one_before() {
    let scene = scene();
    run(&scene, &["session", "start"]).succeeds();
    let first = only(&scene);
    let seconds = std::time::Duration::from_secs(3);
    scene
        .hub
        .fail("POST", "/v2/access-tokens", 1, Fault::Late(seconds));
    let mut running = command_on(&scene.home, "laptop", &["session", "start"])
        .spawn()
        .unwrap();
    scene.hub.wait_for("POST", "/v2/access-tokens", 2);
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(scene.stored_in("session").unwrap().secret, first.secret);
    assert!(scene.hub.is_good("anna", &first.secret));
    // Its turn ends with a process, and what it had made is known by its label.
    run(&scene, &["session", "start"]).succeeds();
    run(&scene, &["prune", "--keep", "1"]).succeeds();
    assert_eq!(scene.stored_in("session").unwrap().secret, only(&scene).secret);
}

#[test]
fn what_is_put_there_meanwhile_stays_and_the_new_token_is_revoked() {
    let scene = scene();
    let while_asked = std::time::Duration::from_secs(4);
    scene
        .hub
        .fail("POST", "/v2/access-tokens", 1, Fault::Late(while_asked));
    let running = command_on(&scene.home, "laptop", &["session", "start"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    scene.hub.wait_for("POST", "/v2/access-tokens", 1);
    add(&scene, "session", "ben", BEN);
    let output = running.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(1), b"".as_slice())
    );
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "docker-credential-scoped: the new token could not be kept: {}, profile session: something else was put there \
             meanwhile; it was revoked again\n",
            scene.registry()
        )
    );
    assert_eq!(scene.stored_in("session").unwrap().username, "ben");
    assert_eq!(scene.hub.tokens("anna"), []);
}

#[test]
fn what_is_done_is_written_down_where_that_is_wanted() {
    let scene = scene();
    let mut settings = scene.settings();
    settings["activityLog"] = json!(true);
    scene.settle_with(&settings);
    run(&scene, &["session", "start"]).succeeds();
    let secret = only(&scene).secret;
    run(&scene, &["session", "start"]).succeeds();
    run(&scene, &["session", "end"]).succeeds();
    run(&scene, &["session", "start"]).succeeds();
    run(&scene, &["prune", "--keep", "0"]).succeeds();
    let log = run(&scene, &["log", "--json"]).succeeds().stdout;
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let done: Vec<String> = lines
        .map(|line| {
            assert_eq!(
                (&line["profile"], &line["account"]),
                (&json!("session"), &json!("anna")),
                "{line}"
            );
            line["action"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        done,
        [
            "create", "add", "create", "add", "revoke", "revoke", "remove", "create", "add", "remove",
            "revoke"
        ]
    );
    assert!(!log.contains(&secret));
}

#[test]
fn a_session_that_would_not_end_as_it_is_to_is_none() {
    for (expires, told) in [
        (
            json!("2100-01-01T00:00:00Z"),
            "the new token is good for longer than was asked for, until 2100-01-01T00:00:00Z",
        ),
        (Value::Null, "the new token was to end, and does not"),
    ] {
        let scene = scene();
        let id = "b30bbf97-506c-4ecd-aabc-842f3cb484fb";
        let answer =
            json!({ "uuid": id, "token": "dckr_pat_new", "scopes": ["repo:read"], "expires_at": expires });
        let made = Fault::Answer(Answer::json(&answer));
        scene.hub.fail("POST", "/v2/access-tokens", 1, made);
        run(&scene, &["session", "start"]).is(
            "",
            &format!("docker-credential-scoped: {told}; it was revoked again\n"),
            1,
        );
        assert_eq!(scene.stored_in("session"), None);
        let asked = scene.asked();
        assert!(
            asked.contains(&format!("DELETE /v2/access-tokens/{id}")),
            "{asked:?}"
        );
    }
}

#[test]
fn only_what_was_started_and_is_kept_here_is_pruned_and_never_the_one_just_made() {
    let scene = scene();
    let registry = scene.registry();
    let later = |hours: i64| ago(60 * (40 - hours));
    let mut own = Vec::new();
    for number in 0..6 {
        let profile = format!("p{number}");
        let token = session_of(&scene, "laptop", &profile, later(10 + number));
        hold(&scene.home, &registry, &profile, &token, later(10 + number));
        own.push(token);
    }
    // One that is held here under another machine's name, from before it was renamed.
    let renamed = session_of(&scene, "before", "old", ago(6000));
    hold(&scene.home, &registry, "old", &renamed, ago(6000));
    // Of another machine, and of one that has the same name, as runners have.
    let others: Vec<_> = (0..9)
        .map(|number| {
            let machine = if number % 2 == 0 { "desk" } else { "laptop" };
            session_of(&scene, machine, &format!("p{number}"), ago(9000))
        })
        .collect();
    let manual = scene.hub.generate("anna", "manual", "ci", ago(99_999), None);
    let browser = scene
        .hub
        .generate("anna", "auto-generated", "docker", ago(99_999), None);

    let started = run(&scene, &["session", "start"]).succeeds();
    let made = scene.hub.tokens("anna").pop().unwrap();
    assert_eq!(made.label, label("laptop", "session"));
    let pruned = |token: &Token, profile: &str| {
        format!(
            "Pruned {}; removed here: {registry}, profile {profile}; revoked\n",
            called(token)
        )
    };
    assert!(
        started.stdout.ends_with(&format!(
            "{}{}{}{}",
            handed_out(),
            pruned(&renamed, "old"),
            pruned(&own[0], "p0"),
            pruned(&own[1], "p1")
        )),
        "{}",
        started.stdout
    );
    let left: Vec<_> = scene
        .hub
        .tokens("anna")
        .into_iter()
        .map(|token| token.id)
        .collect();
    for token in own[2..].iter().chain(&others).chain([&manual, &browser, &made]) {
        assert!(left.contains(&token.id), "{}", token.label);
    }
    assert_eq!(left.len(), 4 + 9 + 3);
    assert_eq!(held(&scene.home).len(), 5);
}

#[test]
fn a_session_is_started_though_the_others_cannot_be_pruned() {
    let scene = scene();
    scene.hub.fail("GET", "/v2/access-tokens", 9, Fault::Status(403));
    let started = run(&scene, &["session", "start"]).succeeds();
    assert!(
        started
            .stderr
            .starts_with("the sessions that are kept here are not pruned: ")
            && started
                .stderr
                .ends_with("; prune them: docker-credential-scoped prune\n"),
        "{started:?}"
    );
    scene.hub.mend();
    for number in 0..4 {
        run(&scene, &["session", "start", "--profile", &format!("p{number}")]).succeeds();
    }
    scene.hub.fail("DELETE", "*", 1, Fault::Status(403));
    let sixth = run(&scene, &["session", "start", "--profile", "p4"]).succeeds();
    assert!(sixth.stderr.contains("; not revoked: "), "{sixth:?}");
    assert_eq!((scene.hub.tokens("anna").len(), held(&scene.home).len()), (6, 5));
}

#[test]
fn a_session_that_is_ended_is_revoked_and_removed() {
    let scene = scene();
    run(&scene, &["session", "start"]).succeeds();
    let token = only(&scene);
    let tell = ["token", &scene.registry(), "--profile", "session"];
    run(&scene, &tell).succeeds();
    run(&scene, &["session", "end"]).is(
        &format!(
            "Ended the session of anna: revoked, and removed from {}, profile session.\n",
            scene.registry()
        ),
        "",
        0,
    );
    assert!(!scene.hub.is_good("anna", &token.secret));
    assert_eq!(scene.stored_in("session"), None);
    let remembered = run(&scene, &["cache", "--json", &scene.registry()])
        .succeeds()
        .stdout;
    assert!(!remembered.contains("session"), "{remembered}");
    run(&scene, &["session", "end"]).is(
        "",
        &format!("{}, profile session: no session is kept\n", scene.registry()),
        1,
    );
    assert!(scene.stored().is_some(), "anna's password is still there");
}

#[test]
fn one_that_docker_hub_has_no_more_is_ended_all_the_same() {
    let scene = scene();
    run(&scene, &["session", "start", "--profile", "work"]).succeeds();
    scene.hub.revoke(&only(&scene).id);
    run(&scene, &["session", "end", "--profile", "work"]).is(
        &format!(
            "Ended the session of anna: Docker Hub had it no more; removed from {}, profile work.\n",
            scene.registry()
        ),
        "",
        0,
    );
    assert_eq!(scene.stored_in("work"), None);
}

#[test]
fn one_that_cannot_be_revoked_is_still_kept() {
    let scene = scene();
    run(&scene, &["session", "start"]).succeeds();
    let registry = scene.registry();
    let kept = format!(
        "docker-credential-scoped: {registry}, profile session: not revoked, and still kept (docker-credential-scoped \
         remove {registry} --profile session forgets it, and it stays good until it expires): "
    );
    scene.hub.fail("DELETE", "*", 9, Fault::Status(403));
    let failed = run(&scene, &["session", "end"]).fails();
    assert!(failed.stderr.starts_with(&kept), "{failed:?}");
    assert!(scene.stored_in("session").is_some());
    scene.hub.mend();
    // Nobody is there who can.
    run(&scene, &["remove", &registry]).succeeds();
    let failed = run(&scene, &["session", "end"]).fails();
    assert!(failed.stderr.starts_with(&kept), "{failed:?}");
    add(&scene, "ben", "ben", BEN);
    let failed = run(&scene, &["session", "end"]).fails();
    assert!(failed.stderr.starts_with(&kept), "{failed:?}");
    assert!(scene.stored_in("session").is_some());
    scene.log_in("anna", ANNA);
    run(&scene, &["session", "end"]).succeeds();
    assert_eq!(
        (scene.stored_in("session"), scene.hub.tokens("anna").len()),
        (None, 0)
    );
}

#[test]
fn only_a_session_is_ended() {
    let scene = scene();
    let registry = scene.registry();
    run(&scene, &["session", "end", "--profile", "default"]).is(
        "",
        &format!(
            "docker-credential-scoped: {registry} holds the password of anna, and no session; docker-credential-scoped \
             remove {registry} forgets it\n"
        ),
        1,
    );
    scene.home.link_helper(&format!("{HELPER}-browser"));
    let helper = Helper::for_profile(&scene.home, "browser");
    helper.store(ACCESS_TOKEN, "anna", "eyJ.access.token");
    helper.store(&registry, "anna", "dckr_pat_browser");
    run(&scene, &["session", "end", "--profile", "browser"]).is(
        "",
        &format!(
            "docker-credential-scoped: {registry}, profile browser: docker's browser login made this one; log out with \
             docker logout, and revoke it on Docker Hub's page\n"
        ),
        1,
    );
    assert!(helper.get(&registry).is_some());
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn sessions_are_listed_wherever_they_were_started() {
    let scene = scene();
    run(&scene, &["session", "list"]).is("There are no session tokens.\n", "", 0);
    run(&scene, &["session", "list", "--json"]).is("[]\n", "", 0);
    run(&scene, &["session", "start"]).succeeds();
    let here = only(&scene);
    let there = session_of(&scene, "desk", "ci", ago(60));
    scene.hub.generate("anna", "manual", "by hand", ago(600), None);
    let long_ago = ago(9000);
    let bens = scene
        .hub
        .generate("ben", "manual", &label("laptop", "bens"), long_ago, None);
    hold(&scene.home, &scene.registry(), "bens", &bens, long_ago);
    let table = run(&scene, &["session", "list"]).succeeds().stdout;
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let (made, used) = (rfc3339(here.created), rows[1][5]);
    assert_eq!(
        rows,
        [
            vec![
                "MACHINE",
                "PROFILE",
                "ACCOUNT",
                "SCOPES",
                "CREATED",
                "LAST USED",
                "EXPIRES",
                "ID"
            ],
            vec![
                "this one",
                "session",
                "anna",
                "repo:read",
                &made,
                used,
                &until(&here),
                &here.id
            ],
            vec![
                "desk",
                "ci",
                "anna",
                "repo:admin",
                &rfc3339(there.created),
                &rfc3339(there.last_used.unwrap()),
                "never",
                &there.id
            ],
            vec![
                "this one",
                "bens",
                "ben",
                "-",
                &rfc3339(bens.created),
                &rfc3339(long_ago),
                "never",
                &bens.id
            ],
        ]
    );
    let told = run(&scene, &["session", "list", "--json", "--account", "anna"])
        .succeeds()
        .stdout;
    let rows: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 2, "{told}");
    assert_eq!(
        rows[1],
        json!({
            "id": there.id, "account": "anna", "machine": "desk", "profile": "ci", "scopes": ["repo:admin"],
            "created": rfc3339(there.created), "lastUsed": rfc3339(there.last_used.unwrap()), "expires": null, "held": [],
        })
    );
    assert_eq!(
        rows[0]["held"],
        json!([{ "server": scene.registry(), "profile": "session" }])
    );
    for token in scene.hub.tokens("anna") {
        assert!(!table.contains(&token.secret) && !told.contains(&token.secret));
    }
}

#[test]
fn what_a_terminal_would_act_on_is_shown_as_digits_in_json_too() {
    let scene = scene();
    let token = session_of(&scene, "desk", "ci", ago(60));
    scene.hub.change(&token.id, |token| {
        token.reach = Reach::Personal(vec!["\u{9b}31mred\u{202e}".to_owned()]);
    });
    let told = run(&scene, &["session", "list", "--json"]).succeeds().stdout;
    assert!(told.is_ascii() && told.contains(r"\u009b31mred\u202e"), "{told}");
}

#[test]
fn where_nobody_can_ask_what_is_held_here_is_listed() {
    let scene = HubScene::new(Config::default());
    let token = session_of(&scene, "laptop", "p0", ago(60));
    hold(&scene.home, &scene.registry(), "p0", &token, ago(60));
    let shown = run(&scene, &["session", "list"]).succeeds();
    assert!(shown.stdout.contains(&token.id), "{shown:?}");
    assert!(
        shown
            .stderr
            .starts_with("only what this machine holds is shown: "),
        "{shown:?}"
    );
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn an_over_session_is_shown_as_such_and_another_is_started_in_its_place() {
    let scene = scene();
    run(&scene, &["session", "start"]).succeeds();
    let token = only(&scene);
    let over = ago(10);
    scene.hub.change(&token.id, |token| token.expires = Some(over));
    let table = run(&scene, &["session", "list"]).succeeds().stdout;
    assert!(table.contains(&format!("{} (over)", rfc3339(over))), "{table}");
    run(&scene, &["session", "start"]).succeeds();
    assert_ne!(only(&scene).id, token.id);
    assert!(only(&scene).expires.unwrap() > OffsetDateTime::now_utc());
}

#[test]
fn two_that_start_at_once_leave_one_session_and_its_secret() {
    let scene = scene();
    let running: Vec<_> = (0..4)
        .map(|_| {
            command_on(&scene.home, "laptop", &["session", "start"])
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(scene.stored_in("session").unwrap().secret, only(&scene).secret);
}
