//! `add`, `remove` and `status`, and what clients are told of a credential that has expired: exact streams and exit codes.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops where it errs"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use docker_credential_scoped::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin, Profile};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::store::{CredentialStore, Slot};
use serde_json::{Value, json};
use support::fixture::answer::Answer;
use support::helper::{Helper, MISS, found};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::scene::Scene;
use support::strace;
use support::terminal;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";

fn run(home: &Home, arguments: &[&str], input: &str) -> Outcome {
    Outcome::of(home.command(HELPER).args(arguments), input.as_bytes())
}

fn add(home: &Home, arguments: &[&str], secret: &str) -> Outcome {
    Outcome::of(home.command(HELPER).arg("add").args(arguments), secret.as_bytes())
}

/// What `status --json` shows of the only slot there is.
fn shown(home: &Home) -> Value {
    let outcome = run(home, &["status", "--json"], "").succeeds();
    let rows: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0].clone()
}

fn get(home: &Home, server: &str) -> Outcome {
    run(home, &["get"], server)
}

/// Keeps a credential that expires then, as only the past can have done.
fn keep(home: &Home, server: &str, secret: KeptSecret, expires: OffsetDateTime) {
    let server_url: ServerUrl = server.parse().unwrap();
    let slot = Slot::new(server_url.server().clone(), Profile::default());
    let credential = Credential {
        server_url,
        account: "ci".to_owned(),
        secret,
        kind: Kind::Password,
        token_id: None,
        allowed: AllowedScopes::Unknown,
        expires: Some(expires),
        created: Some(moment("2020-01-01T00:00:00Z")),
        origin: Origin::Add,
    };
    CredentialStore::at(Some(Location::new(home.data(), &home.path())))
        .put(&slot, &credential, OffsetDateTime::now_utc())
        .unwrap();
}

fn here(secret: &str) -> KeptSecret {
    KeptSecret::Here(Secret::new(secret.to_owned()))
}

fn moment(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

fn today() -> String {
    OffsetDateTime::now_utc().date().to_string()
}

#[test]
fn a_credential_is_kept_with_what_is_named_of_it() {
    let home = Home::new();
    let arguments = [
        "https://GHCR.io/acme",
        "--profile",
        "ci",
        "--username",
        "bot",
        "--scope",
        "repository:acme/*:pull",
        "--scope",
        "acme/app:scope-image-push,scope-image-pull",
        "--expires",
        "2999-01-31",
    ];
    let kept = add(&home, &arguments, "dckr_oat_canary\n").succeeds();
    let lines: Vec<_> = kept.stdout.lines().collect();
    assert_eq!(
        (lines.len(), lines[..4].join("\n"), lines[5]),
        (
            6,
            "ghcr.io/acme, profile ci: added\n  \
             account  bot\n  \
             kind     organization access token\n  \
             allowed  repository:acme/*:pull repository:acme/app:pull,push"
                .to_owned(),
            "  secret   kept here, sealed"
        )
    );
    assert!(
        lines[4].starts_with("  expires  2999-01-31, in ") && lines[4].ends_with(" days"),
        "{kept:?}"
    );
    assert_eq!(kept.stderr, "");
    let row = shown(&home);
    assert_eq!(
        row,
        json!({
            "server": "ghcr.io/acme", "profile": "ci", "state": "held", "account": "bot",
            "kind": "organization-access-token", "handsOut": "secret",
            "scopes": ["repository:acme/*:pull", "repository:acme/app:pull,push"],
            "expires": "2999-01-31T23:59:59Z", "secretIn": "here", "origin": "add",
            "created": row["created"], "lastUsed": row["created"],
        })
    );
    assert!(home.files_with("bot", "dckr_oat_canary").is_empty());
    get(&home, "ghcr.io/acme/app").is(MISS, "", 1);
    Outcome::of(
        home.command(HELPER)
            .arg("get")
            .env("DOCKER_CREDENTIAL_SCOPED_PROFILE", "ci"),
        b"ghcr.io/acme/app",
    )
    .is(&found("ghcr.io/acme/app", "bot", "dckr_oat_canary"), "", 0);
}

#[test]
fn again_changes_what_is_named_and_keeps_the_rest() {
    let home = Home::new();
    add(
        &home,
        &["h", "--username", "u", "--scope", "repo:read"],
        "first\n",
    )
    .succeeds();
    let before = shown(&home);
    let but = |changes: &Value| {
        let mut row = shown(&home);
        for (key, value) in changes.as_object().unwrap() {
            assert_eq!(row[key], *value, "{key}");
            row[key] = before[key].clone();
        }
        row["lastUsed"] = before["lastUsed"].clone();
        row["created"] = before["created"].clone();
        assert_eq!(row, before);
    };
    add(&home, &["https://h/", "--expires", "2999-01-01T00:00:00Z"], "").succeeds();
    but(&json!({ "expires": "2999-01-01T00:00:00Z" }));
    let changed = add(&home, &["h"], "second").succeeds();
    assert_eq!(
        changed.stderr,
        "h: is still said to expire when the old secret does; change that with --expires\n"
    );
    but(&json!({ "expires": "2999-01-01T00:00:00Z" }));
    get(&home, "h").is(&found("h", "u", "second"), "", 0);
    add(&home, &["h", "--expires", "never", "--scope", "unknown"], "").is(
        "h: changed\n  account  u\n  kind     password\n  allowed  unknown\n  expires  unknown\n  secret   kept here, sealed\n",
        "",
        0,
    );
    but(&json!({ "expires": null, "scopes": null }));
    add(&home, &["h", "--username", "v", "--scope", "repo:read"], "").succeeds();
    but(&json!({ "account": "v" }));
    get(&home, "h").is(&found("h", "v", "second"), "", 0);
    add(&home, &["h", "--kind", "personal-access-token"], "").succeeds();
    add(&home, &["h"], "third, which does not tell its kind").succeeds();
    but(&json!({ "account": "v", "kind": "personal-access-token" }));
    add(&home, &["h"], "dckr_oat_tells").succeeds();
    but(&json!({ "account": "v", "kind": "organization-access-token" }));
}

#[test]
fn what_is_no_secret_is_refused_and_changes_nothing() {
    let home = Home::new();
    add(&home, &["kept", "--username", "u"], "s").succeeds();
    for (input, why) in [
        (
            "",
            "secret: give it on standard input, or say with --from where it is",
        ),
        ("\n", "standard input: holds nothing"),
        ("\r\n", "standard input: holds nothing"),
        (
            "canary\ncanary\n",
            "standard input: holds more than one line, where the secret is to stand alone",
        ),
        (
            "canary\n\n",
            "standard input: holds more than one line, where the secret is to stand alone",
        ),
        (
            "can\x1b[2Jary",
            "standard input: holds a control character or is not UTF-8",
        ),
        (&"x".repeat(70 * 1024), "standard input: is longer than 64 KiB"),
    ] {
        let said = format!("docker-credential-scoped: {why}\n");
        add(&home, &["h", "--username", "u"], input).is("", &said, 1);
        add(&home, &["kept"], input).is("", &said, 1);
    }
    get(&home, "h").is(MISS, "", 1);
    get(&home, "kept").is(&found("kept", "u", "s"), "", 0);
}

#[test]
fn what_stands_in_the_wrong_place_is_refused_and_not_repeated() {
    let home = Home::new();
    for (arguments, why, code) in [
        (
            vec!["h", "canary", "--username", "u"],
            "add: reads the secret from standard input; others can see what is on a command line",
            1,
        ),
        (
            vec!["h", "--username", "u", "--", "canary"],
            "add: what stands behind -- is a program and its arguments, with --from command",
            1,
        ),
        (
            vec!["h", "--username", "u", "--from", "env:A", "--", "canary"],
            "add: what stands behind -- is a program and its arguments, with --from command",
            1,
        ),
        (
            vec!["h", "--username", "u", "--from", "canary"],
            "--from: write env:NAME, file:PATH or helper:NAME, or command and the command behind --",
            1,
        ),
        (
            vec!["h", "--username", "u", "--from", "command"],
            "--from: command: name a program on PATH or its absolute path, and its arguments, each a text of its own",
            1,
        ),
        (
            vec!["h", "--username", "u", "--kind", "canary"],
            "--kind: is password, personal-access-token, organization-access-token or identity-token",
            1,
        ),
        (
            vec!["h", "--username", "u", "--scope", "canary"],
            "scope: write TYPE:NAME:ACTION[,ACTION], as in repository:library/alpine:pull",
            1,
        ),
        (
            // In UTC it is in the year 10000: what nobody could read again is not put in the place of a secret.
            vec!["h", "--username", "u", "--expires", "9999-12-31T23:59:59-05:00"],
            "expires: write a date as in 2027-01-31, a time as in 2027-01-31T12:00:00Z, or a length as in 30d or 8h",
            1,
        ),
        (
            vec!["h", "--username", "u", "--expires", "canary"],
            "expires: write a date as in 2027-01-31, a time as in 2027-01-31T12:00:00Z, or a length as in 30d or 8h",
            1,
        ),
        (
            vec!["h", "--username", "u", "--expires", "2020-01-01"],
            "--expires: is over; name a time to come, or never",
            1,
        ),
        (
            vec!["https://u:canary@h", "--username", "u"],
            "server URL: has user information before '@'; give the host only",
            1,
        ),
        (
            vec!["h"],
            "--username: name the account; only a helper knows it by itself",
            1,
        ),
        (
            vec!["h", "--username", "u\u{1b}[2J"],
            "--username: is empty or has a control character",
            1,
        ),
        (
            vec!["h", "--username", "u", "--kind", "identity-token"],
            "--kind: identity-token and the username <token> go together",
            1,
        ),
        (
            vec!["h", "--username", "<token>", "--kind", "password"],
            "--kind: identity-token and the username <token> go together",
            1,
        ),
        (vec!["h", "--username", "u", "--password=canary"], "", 2),
        (vec!["h", "--username", "u", "--secret", "canary"], "", 2),
        (vec!["h", "--username", "u", "-pcanary"], "", 2),
    ] {
        let refused = add(&home, &arguments, "canary-secret");
        assert_eq!(
            (refused.stdout.as_str(), refused.code),
            ("", Some(code)),
            "{arguments:?}"
        );
        if code == 1 {
            assert_eq!(refused.stderr, format!("docker-credential-scoped: {why}\n"));
        }
        assert!(!refused.stderr.contains("canary"), "{refused:?}");
    }
    assert!(!home.slots().exists(), "nothing is kept");
}

#[test]
fn a_reference_is_kept_and_followed_when_it_is_needed() {
    let home = Home::new();
    let file = home.write("secret", "of-the-file\n");
    let place = |text: &str| {
        format!(
            "h: changed\n  account  u\n  kind     password\n  allowed  unknown\n  expires  unknown\n  \
             secret   {text}; fetched when it is needed, and never written down\n"
        )
    };
    // Where it is added it need not be there, and what is piped to something else is not taken for it.
    add(
        &home,
        &["h", "--username", "u", "--from", "env:REGISTRY_PAT"],
        "canary",
    )
    .is(
        &place("environment variable REGISTRY_PAT").replace("changed", "added"),
        "",
        0,
    );
    assert_eq!(shown(&home)["secretIn"], "environment variable REGISTRY_PAT");
    get(&home, "h").is("environment variable REGISTRY_PAT: is not set\n", "", 1);
    let mut command = home.command(HELPER);
    Outcome::of(command.arg("get").env("REGISTRY_PAT", "of-the-environment"), b"h").is(
        &found("h", "u", "of-the-environment"),
        "",
        0,
    );

    let from = format!("file:{}", file.display());
    add(&home, &["h", "--from", &from], "").is(&place(&format!("file {}", file.display())), "", 0);
    get(&home, "h").is(&found("h", "u", "of-the-file"), "", 0);

    let words = ["h", "--from", "command", "--", "echo", "of-the-command"];
    add(&home, &words, "").is(&place("command echo"), "", 0);
    get(&home, "h").is(&found("h", "u", "of-the-command"), "", 0);
    add(&home, &["h", "--scope", "repo:read"], "").succeeds();
    get(&home, "h").is(&found("h", "u", "of-the-command"), "", 0);

    add(&home, &["h"], "of-its-own").succeeds();
    get(&home, "h").is(&found("h", "u", "of-its-own"), "", 0);
}

#[test]
fn a_helper_knows_the_account_by_itself() {
    let home = Home::new();
    add(&home, &["h", "--from", "helper:other"], "").is(
        "h: added\n  account  as the helper says\n  kind     password\n  allowed  unknown\n  expires  unknown\n  \
         secret   helper other; fetched when it is needed, and never written down\n",
        "",
        0,
    );
    let answer = found("h", "of-the-helper", "s");
    let helper = home.write(
        "../bin/docker-credential-other",
        &format!("#!/bin/sh\ncat <<'END'\n{answer}END\n"),
    );
    fs::set_permissions(helper, Permissions::from_mode(0o755)).unwrap();
    get(&home, "h").is(&answer, "", 0);
    add(&home, &["h"], "s").is(
        "",
        "docker-credential-scoped: --username: name the account; only a helper knows it by itself\n",
        1,
    );
    add(&home, &["h", "--username", "u"], "s").succeeds();
    get(&home, "h").is(&found("h", "u", "s"), "", 0);
}

#[test]
fn an_identity_token_is_known_by_its_kind_or_its_username() {
    for arguments in [["h", "--kind", "identity-token"], ["h", "--username", "<token>"]] {
        let home = Home::new();
        add(&home, &arguments, "refresh").succeeds();
        let row = shown(&home);
        assert_eq!(
            (&row["account"], &row["kind"], &row["handsOut"]),
            (
                &json!("<token>"),
                &json!("identity-token"),
                &json!("identity-token")
            )
        );
        get(&home, "h").is(&found("h", "<token>", "refresh"), "", 0);
        add(&home, &["h", "--username", "u"], "a password").succeeds();
        assert_eq!(shown(&home)["kind"], "password");
    }
}

fn at_a_terminal(home: &Home, typed: &str, arguments: &[&str]) -> Outcome {
    terminal::typed(home, typed, &[&[HELPER], arguments].concat())
}

#[test]
fn at_a_terminal_the_secret_is_asked_for_and_not_shown() {
    if !terminal::has_terminals() {
        return;
    }
    let home = Home::new();
    let facts = "  account  u\n  kind     password\n  allowed  unknown\n  expires  unknown\n  secret   kept here, sealed\n";
    at_a_terminal(&home, "typed-secret\n", &["add", "h", "--username", "u"]).is(
        &format!("Secret of u for h: \nh: added\n{facts}"),
        "",
        0,
    );
    get(&home, "h").is(&found("h", "u", "typed-secret"), "", 0);
    // Where something else is named, the secret stays.
    at_a_terminal(&home, "", &["add", "h", "--scope", "unknown"]).is(&format!("h: changed\n{facts}"), "", 0);
    get(&home, "h").is(&found("h", "u", "typed-secret"), "", 0);
    at_a_terminal(&home, "another\n", &["add", "h"]).is(
        &format!("Secret of u for h: \nh: changed\n{facts}"),
        "",
        0,
    );
    get(&home, "h").is(&found("h", "u", "another"), "", 0);
    at_a_terminal(&home, "\n", &["add", "h"]).is(
        "Secret of u for h: \ndocker-credential-scoped: secret: holds nothing\n",
        "",
        1,
    );
    // What will not do is said before anybody types.
    at_a_terminal(&home, "", &["add", "other"]).is(
        "docker-credential-scoped: --username: name the account; only a helper knows it by itself\n",
        "",
        1,
    );
}

#[test]
fn tokens_of_what_is_changed_or_removed_are_forgotten() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t" }))).with_password();
    let server = scene.fixture.address();
    for (number, change) in [
        vec!["add", &server, "--scope", "repository:*:pull"],
        vec!["remove", &server],
    ]
    .into_iter()
    .enumerate()
    {
        scene.token(&["--pull", "a"]).succeeds();
        scene.token(&["--pull", "a"]).succeeds();
        assert_eq!(scene.asked().len(), number + 1, "remembered");
        run(&scene.home, &change, "").succeeds();
        let cache = run(&scene.home, &["cache", "--json"], "").succeeds();
        assert_eq!(cache.stdout, "[]\n");
    }
}

#[test]
fn what_has_expired_is_not_handed_out() {
    let home = Home::new();
    keep(&home, "h", here("old"), moment("2026-01-31T12:00:00Z"));
    Helper::of(&home).store("other", "u", "s");
    let expired =
        "h: the credential of ci expired 2026-01-31T12:00:00Z; replace it: docker-credential-scoped add h\n";
    get(&home, "h").is(expired, "", 1);
    run(&home, &["list"], "").is("{\"other\":\"u\"}\n", "", 0);
    let told = run(&home, &["status", "--json", "h"], "");
    let rows: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (&rows[0]["handsOut"], told.stderr.as_str()),
        (&json!("nothing"), expired)
    );
    home.write(SETTINGS, "{ \"onUnavailable\": \"miss\" }");
    get(&home, "h").is(MISS, "", 1);
    // The mend that is named is one: the new secret does not end when the old one did.
    add(&home, &["h"], "new\n").is(
        "h: changed\n  account  ci\n  kind     password\n  allowed  unknown\n  expires  unknown\n  secret   kept here, sealed\n",
        "h: nobody knows when the new secret expires; say so with --expires\n",
        0,
    );
    get(&home, "h").is(&found("h", "ci", "new"), "", 0);
}

#[test]
fn status_warns_of_what_expires_soon_and_names_the_mend() {
    let home = Home::new();
    let now = OffsetDateTime::now_utc();
    let minute = Duration::MINUTE;
    keep(&home, "hours", here("s"), now + Duration::hours(3) - minute);
    keep(&home, "days", here("s"), now + Duration::days(7) - minute);
    keep(&home, "later", here("s"), now + Duration::days(8));
    let elsewhere = KeptSecret::Elsewhere("env:A".parse().unwrap());
    keep(&home, "reference", elsewhere, now - minute);
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "declared", "profile": "ci", "username": "u", "secret": { "env": "A" },
             "expires": "2020-01-01" }] }"#,
    );
    let told = run(&home, &["status"], "").succeeds();
    let date = |time: OffsetDateTime| time.replace_nanosecond(0).unwrap();
    let rfc3339 = |time: OffsetDateTime| date(time).format(&Rfc3339).unwrap();
    assert_eq!(
        told.stderr,
        format!(
            "days: the credential of ci expires {}, in 7 days; replace it: docker-credential-scoped add days\n\
             hours: the credential of ci expires {}, in 3 hours; replace it: docker-credential-scoped add hours\n\
             reference: the credential of ci expired {}; renew it, and say until when it is good: \
             docker-credential-scoped add reference --expires WHEN\n\
             declared: the credential of u expired 2020-01-01; renew it, and say in settings.json until \
             when it is good\n",
            rfc3339(now + Duration::days(7) - minute),
            rfc3339(now + Duration::hours(3) - minute),
            rfc3339(now - minute),
        )
    );
    run(&home, &["status", "later"], "").is(
        &format!(
            "SERVER  PROFILE  ACCOUNT  KIND      HANDS OUT  LAST USED   EXPIRES           SECRET  ALLOWED\n\
             later   default  ci       password  secret     {}  {} (8 d)  here    unknown\n",
            today(),
            (now + Duration::days(8) - Duration::SECOND).date()
        ),
        "",
        0,
    );
}

#[test]
fn status_shows_what_is_stored_and_what_is_declared_in_a_table() {
    let home = Home::new();
    home.write(
        SETTINGS,
        r#"{ "credentials": [
            { "server": "b/team", "username": "u", "secret": { "env": "PAT" }, "scopes": ["repository:team/*:pull"] },
            { "server": "a", "username": "behind", "secret": { "env": "PAT" } }] }"#,
    );
    let said = add(
        &home,
        &["a", "--username", "bob", "--scope", "repo:read"],
        "dckr_pat_x",
    )
    .succeeds();
    assert_eq!(
        said.stderr,
        "a is declared in settings.json, too; what is stored now stands over that\n"
    );
    let scopes = [
        "--scope",
        "repository:b/x:pull",
        "--scope",
        "repository:b/y:pull,push",
    ];
    add(
        &home,
        &[
            ["b", "--from", "helper:pass", "--profile"].as_slice(),
            &["ci"],
            &scopes,
        ]
        .concat(),
        "",
    )
    .succeeds();
    let today = today();
    run(&home, &["status"], "").is(
        &format!(
            "SERVER  PROFILE  ACCOUNT  KIND      HANDS OUT  LAST USED   EXPIRES  SECRET                                    ALLOWED\n\
             a       default  bob      PAT       secret     {today}  -        here                                      repo:read\n\
             b       ci       -        password  secret     {today}  -        helper pass                               repository:b/x:pull\n                                                                                                              repository:b/y:pull,push\n\
             b/team  default  u        password  secret     -           -        environment variable PAT (settings.json)  repository:team/*:pull\n\
             The key is in the key file {}.\n",
            home.data().join("key").display()
        ),
        "",
        0,
    );
    let told = run(&home, &["status", "--json", "b/team"], "").succeeds();
    let rows: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        rows,
        json!([{
            "server": "b/team", "profile": "default", "state": "held", "account": "u", "kind": "password",
            "handsOut": "secret", "scopes": ["repository:team/*:pull"], "expires": null,
            "secretIn": "environment variable PAT", "origin": "declared", "created": null, "lastUsed": null,
        }])
    );
    run(&home, &["status", "elsewhere"], "").is("Nothing is stored for elsewhere.\n", "", 0);
}

#[test]
fn colours_are_for_terminals_whose_owner_wants_them() {
    if !terminal::has_terminals() {
        return;
    }
    let home = Home::new();
    let now = OffsetDateTime::now_utc();
    keep(&home, "expired", here("s"), now - Duration::DAY);
    keep(&home, "later", here("s"), now + Duration::days(70));
    keep(&home, "soon", here("s"), now + Duration::DAY);
    let seen = |variables: &[(&str, &str)]| {
        let mut status = terminal::at_terminal(&home, "", &[HELPER, "status"]);
        Outcome::of(status.envs(variables.iter().copied()), b"")
            .succeeds()
            .stdout
    };
    for variables in [[].as_slice(), &[("NO_COLOR", "")]] {
        let seen = seen(variables);
        let lines: Vec<_> = seen.lines().collect();
        assert!(lines[0].starts_with("SERVER"), "{seen}");
        assert!(
            lines[1].starts_with("\u{1b}[31mexpired ") && lines[1].ends_with("\u{1b}[0m"),
            "{seen}"
        );
        assert!(
            lines[2].starts_with("later ") && lines[2].ends_with("unknown"),
            "{seen}"
        );
        assert!(
            lines[3].starts_with("\u{1b}[33msoon ") && lines[3].ends_with("\u{1b}[0m"),
            "{seen}"
        );
    }
    assert!(!seen(&[("NO_COLOR", "1")]).contains('\u{1b}'));
    assert!(!run(&home, &["status"], "").stdout.contains('\u{1b}'));
}

#[test]
fn a_slot_is_removed_and_it_is_said_whether_there_was_one() {
    let home = Home::new();
    for profile in ["default", "ci"] {
        add(&home, &["h/a", "--profile", profile, "--username", "u"], "s").succeeds();
    }
    run(&home, &["remove", "h/a"], "").is("h/a: removed\n", "", 0);
    run(&home, &["remove", "h/a"], "").is("", "h/a: nothing is stored\n", 1);
    run(&home, &["remove", "https://h/a", "--profile", "ci"], "").is("h/a, profile ci: removed\n", "", 0);
    run(&home, &["status"], "").is("Nothing is stored.\n", "", 0);
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "h", "username": "u", "secret": { "env": "A" } }] }"#,
    );
    run(&home, &["remove", "h"], "").is(
        "",
        "h: nothing is stored\nh is declared in settings.json, and stays there\n",
        1,
    );
    let outcome = run(&home, &["remove"], "");
    outcome.is(
        "",
        "docker-credential-scoped: remove: name a server, or the profile of a job that ends\n",
        1,
    );
}

#[test]
fn the_end_of_a_job_takes_all_of_its_profile() {
    let home = Home::new();
    let long = format!("h/{}", "a".repeat(200));
    for server in ["h", "h/a", &long] {
        add(&home, &[server, "--profile", "job-1", "--username", "u"], "s").succeeds();
    }
    add(&home, &["h", "--profile", "job-10", "--username", "u"], "s").succeeds();
    add(&home, &["h", "--username", "u"], "s").succeeds();
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "g", "profile": "job-1", "username": "u", "secret": { "env": "A" } }] }"#,
    );
    let removed = run(&home, &["remove", "--profile", "job-1"], "").succeeds();
    let mut lines: Vec<_> = removed.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        (lines.join("\n"), removed.stderr.as_str()),
        (
            format!("h, profile job-1: removed\nh/a, profile job-1: removed\n{long}, profile job-1: removed"),
            "g, profile job-1 is declared in settings.json, and stays there\n"
        )
    );
    fs::remove_file(home.path().join(SETTINGS)).unwrap();
    run(&home, &["remove", "--profile", "job-1"], "").is("", "profile job-1: nothing is stored\n", 1);
    run(&home, &["remove", "--profile", "default"], "").is(
        "",
        "docker-credential-scoped: remove: the default profile is what docker logs in to; name the server, too\n",
        1,
    );
    let left: Vec<_> = fs::read_dir(home.slots())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn to_remove_takes_no_key_and_no_settings() {
    let home = Home::new();
    for profile in ["default", "job"] {
        for server in ["h", "h/a"] {
            add(&home, &[server, "--profile", profile, "--username", "u"], "s").succeeds();
        }
    }
    home.damage_key();
    home.write(SETTINGS, "{ not settings");
    run(&home, &["remove", "h"], "").is("h: removed\n", "", 0);
    run(&home, &["remove", "h/a"], "").is("h/a: removed\n", "", 0);
    run(&home, &["remove", "--profile", "job"], "").is(
        "h/a, profile job: removed\nh, profile job: removed\n",
        "",
        0,
    );
    let outcome = add(&home, &["h", "--username", "u"], "s");
    assert!(
        outcome
            .stderr
            .contains("settings.json: key must be a string at line 1 column 3"),
        "{outcome:?}"
    );
}

#[test]
fn no_argument_of_a_process_is_the_secret() {
    if !strace::is_there() {
        return;
    }
    let home = Home::new();
    let trace = home.path().join("trace");
    let mut command: Command = home.command("strace");
    command
        .args([
            "-f",
            "-qq",
            "-v",
            "-s",
            "4096",
            "-e",
            "trace=execve,openat,renameat2,rename,renameat",
            "-o",
        ])
        .arg(&trace)
        .args([HELPER, "add", "h", "--username", "u"]);
    Outcome::of(&mut command, b"canary-secret").succeeds();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("execve") && !trace.contains("canary"), "{trace}");
}

#[test]
fn what_else_is_on_standard_input_is_left_alone_when_no_secret_is_expected_there() {
    let home = Home::new();
    let step = |arguments: &str| {
        let script = format!("docker-credential-scoped add {arguments} >/dev/null; cat");
        Outcome::of(home.command("sh").args(["-c", &script]), b"what comes next\n")
    };
    step("g --username u --from env:PAT").is("what comes next\n", "", 0);
    step("g --expires 30d").is("what comes next\n", "", 0);
    run(&home, &["add", "h", "--username", "u"], "good\n").succeeds();
    run(&home, &["add", "h", "--expires", "30d"], "echo next step\n").succeeds();
    let secret = || Helper::of(&home).get("h").unwrap().secret;
    assert_eq!(secret(), "good");
    run(
        &home,
        &["add", "h", "--expires", "90d", "--from", "stdin"],
        "new\n",
    )
    .succeeds();
    assert_eq!(secret(), "new");
}

#[test]
fn a_login_with_what_has_expired_is_told_so() {
    let home = Home::new();
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "h", "username": "u", "secret": { "file": "/proc/sys/kernel/ostype" },
             "expires": "2026-01-01T00:00:00Z" }] }"#,
    );
    let login = r#"{"ServerURL":"h","Username":"u","Secret":"Linux"}"#;
    let outcome = run(&home, &["store"], login);
    let expected = "h: the credential of u expired 2026-01-01T00:00:00Z; renew it, and say in settings.json until when it \
                    is good\n";
    outcome.is(expected, "", 1);
    let other = r#"{"ServerURL":"h","Username":"u","Secret":"another"}"#;
    run(&home, &["store"], other).is("", "", 0);
}

#[test]
fn a_login_with_a_new_token_replaces_all_that_was_said() {
    let login = |secret: &str| format!(r#"{{"ServerURL":"h","Username":"u","Secret":"{secret}"}}"#);
    let said = ["--username", "u", "--scope", "repo:read", "--expires", "30d"];
    let is_forgotten = |home: &Home| {
        let row = shown(home);
        assert_eq!(
            (&row["scopes"], &row["expires"], &row["secretIn"], &row["origin"]),
            (&Value::Null, &Value::Null, &json!("here"), &json!("client"))
        );
    };
    let home = Home::new();
    add(&home, &[&["h"], &said[..]].concat(), "first\n").succeeds();
    let before = shown(&home);
    run(&home, &["store"], &login("first")).is("", "", 0);
    assert_eq!(shown(&home), before);
    run(&home, &["store"], &login("second")).is("", "", 0);
    is_forgotten(&home);
    for (file, is_kept) in [(Some("first"), true), (Some("another"), false), (None, false)] {
        let home = Home::new();
        let path = home.write("token", "first").display().to_string();
        let from = format!("file:{path}");
        add(&home, &[&["h", "--from", &from], &said[..]].concat(), "").succeeds();
        let before = shown(&home);
        match file {
            Some(text) => drop(home.write("token", text)),
            None => fs::remove_file(path).unwrap(),
        }
        run(&home, &["store"], &login("first")).is("", "", 0);
        if is_kept {
            assert_eq!(shown(&home), before);
        } else {
            is_forgotten(&home);
        }
        get(&home, "h").is(&found("h", "u", "first"), "", 0);
    }
}

#[test]
fn an_identity_token_never_goes_out_as_a_password() {
    let home = Home::new();
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "h", "username": "u", "kind": "identity-token", "secret": { "env": "A" } }] }"#,
    );
    let said = run(&home, &["get"], "h").fails();
    assert!(
        said.stdout
            .contains("kind identity-token and the username <token> go together"),
        "{said:?}"
    );
}

#[test]
fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let home = Home::new();
    let told = "error: an argument is a token's secret, or has one in it: secrets are read from standard input, and others can see what is on a command line; revoke it if somebody may have\n";
    for secret in ["dckr_pat_AbcDEF", "dckr_oat_AbcDEF"] {
        let profile = format!("--profile={secret}");
        let option = format!("--{secret}");
        for words in [
            &["session", "end", secret][..],
            &["session", "start", "--profile", secret],
            &["hub", "token", "list", secret],
            &["hub", secret],
            &["prune", secret],
            &["prune", "--keep", secret],
            &["status", "h", secret],
            &["status", &option],
            &["log", secret],
            &["configure", &profile],
            &["token", "h", "--profile", secret],
            // Where clap takes it for a name.
            &["token", secret],
            &["token", "h", "--scope", secret],
            &["hub", "token", "list", "--account", secret],
            &["hub", "token", "create", "--label", &format!("ci-{secret}")],
            &["hub", "token", "revoke", "--", secret],
            &["session", "start", "--account", secret],
            &["add", "h", "--username", secret],
            &["add", "h", secret],
            &["inspect", secret],
        ] {
            run(&home, words, "").is("", told, 2);
        }
        // 2 would be the exit code of its command.
        for words in [
            &["exec", "--profile", secret, "--", "true"],
            &["exec", "--pull", secret, "--", "true"],
        ] {
            run(&home, words, "").is("", told, 125);
        }
        // What a command of another program says is its own.
        let words = [
            "add",
            "h",
            "--username",
            "u",
            "--from",
            "command",
            "--",
            "echo",
            secret,
        ];
        run(&home, &words, "").succeeds();
        run(&home, &["remove", "h"], "").succeeds();
        let usage = run(&home, &[secret], "").fails();
        assert!(
            usage.stdout.contains("Usage") && !usage.stdout.contains(secret),
            "{usage:?}"
        );
    }
}

#[test]
fn what_is_as_long_as_it_may_be_is_kept_and_shown_and_what_is_longer_takes_no_place() {
    let home = Home::new();
    let scopes: Vec<_> = (0..1500)
        .map(|number| format!("repository:acme/platform/service-{number:04}:pull,push"))
        .collect();
    let mut words = vec!["add", "h", "--username", "u"];
    for scope in &scopes {
        words.extend(["--scope", scope]);
    }
    run(&home, &words, "secret").succeeds();
    run(&home, &["status"], "").succeeds();
    run(&home, &["get"], "h").is(&found("h", "u", "secret"), "", 0);

    let long = "x".repeat(100_000);
    let mut words = vec!["add", "h", "--username", "u", "--from", "command", "--", "cat"];
    words.extend([long.as_str(); 16]);
    run(&home, &words, "").is(
        "",
        "docker-credential-scoped: the credential is larger than one may be; shorten its scopes, or the command that its \
         secret is from\n",
        1,
    );
    run(&home, &["get"], "h").is(&found("h", "u", "secret"), "", 0);
}
