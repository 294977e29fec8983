//! `inspect`, as a person or a job sees it: exact streams and exit status.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::home::{HELPER, Home};
use support::outcome::Outcome;

/// The last second of RFC 3339's years: what expires then is good for as long as these tests are run.
const FAR: i64 = 253_402_300_799;
const SIGNATURE: &str = "c2lnbmF0dXJlLWNhbmFyeQ";

fn inspect(arguments: &[&str], input: impl AsRef<[u8]>) -> Outcome {
    let home = Home::new();
    let outcome = Outcome::of(
        home.command(HELPER).arg("inspect").args(arguments),
        input.as_ref(),
    );
    assert_eq!(
        std::fs::read_dir(home.path()).map(Iterator::count).ok(),
        Some(0),
        "nothing is written"
    );
    outcome
}

fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{SIGNATURE}",
        part(&json!({"alg": "ES256", "typ": "JWT"})),
        part(claims)
    )
}

/// What a token says that a registry would take.
fn good() -> Value {
    json!({
        "iss": "auth.example", "sub": "alice", "aud": "registry.example", "exp": FAR,
        "access": [
            {"type": "repository", "class": "", "name": "you/app", "actions": ["push", "pull"]},
            {"type": "registry", "name": "catalog", "actions": ["*"]}
        ]
    })
}

/// The output but for the one line that depends on the clock.
fn without_expiry(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with("expires "))
        .collect()
}

const GOOD: &str = "signature not checked
issuer      auth.example
subject     alice
audience    registry.example
issued      not stated
not before  not stated
access      as follows
  TYPE        CLASS  NAME     ACTIONS
  registry    -      catalog  *
  repository  -      you/app  pull,push
";

#[test]
fn a_token_is_shown_and_neither_it_nor_its_signature_is_repeated() {
    let token = jwt(&good());
    let answer =
        json!({"token": token, "access_token": token, "expires_in": 300, "refresh_token": "refresh-canary"});
    for input in [
        token.clone(),
        format!("  {token}\r\n"),
        format!("Bearer {token}"),
        format!("Authorization: Bearer {token}\n"),
        answer.to_string(),
    ] {
        let outcome = inspect(&[], &input);
        assert_eq!(without_expiry(&outcome.stdout), GOOD);
        let expires = outcome
            .stdout
            .lines()
            .find(|line| line.starts_with("expires "))
            .unwrap();
        assert!(
            expires.starts_with("expires     9999-12-31T23:59:59Z (") && expires.ends_with(" left)"),
            "{expires}"
        );
        for secret in token.split('.').chain(["refresh-canary"]) {
            assert!(!outcome.stdout.contains(secret));
        }
        let stdout = outcome.stdout.clone();
        outcome.is(&stdout, "", 0);
    }
}

#[test]
fn an_expired_token_is_shown_with_exit_status_0() {
    let outcome = inspect(&[], jwt(&json!({"exp": 0, "iat": -300})));
    assert!(
        outcome
            .stdout
            .contains("\nexpires     1970-01-01T00:00:00Z (expired ")
    );
    let stdout = outcome.stdout.clone();
    outcome.is(&stdout, "", 0);
}

#[test]
fn an_opaque_token_is_said_to_be_opaque() {
    for token in [
        "djE6c2NvcGU=",
        "ghp_0123456789",
        "a.b.c",
        "eyJhbGciOiJFUzI1NiJ9.e30",
    ] {
        inspect(&[], token).is("opaque: says nothing of itself\n", "", 0);
    }
    inspect(&["--require", "repository:a:pull"], "djE6c2NvcGU=").is(
        "opaque: says nothing of itself\nnot satisfied: the token is opaque and says nothing of itself\n",
        "",
        1,
    );
}

#[test]
fn what_is_satisfied_ends_with_0_and_what_is_not_with_1_and_the_one_reason() {
    let (service, require) = ("--service=registry.example", "--require=repository:you/app:pull");
    let table: &[(&[&str], &str, i32)] = &[
        (&[service], "satisfied", 0),
        (&[require], "satisfied", 0),
        (&[service, require], "satisfied", 0),
        (&["--require", "registry:catalog:delete"], "satisfied", 0),
        (&[require, "--require", "repository:you/app:push"], "satisfied", 0),
        (
            &["--service", "other.example", "--require", "repository:b:pull"],
            "not satisfied: is for registry.example, not for other.example",
            1,
        ),
        (
            &[
                require,
                "--require=repository:you/app:pull,delete",
                "--require=repository:b:pull",
            ],
            "not satisfied: lacks repository:b:pull repository:you/app:delete",
            1,
        ),
        (
            &["--require", "repository(plugin):you/app:pull"],
            "not satisfied: lacks repository(plugin):you/app:pull",
            1,
        ),
    ];
    for (arguments, verdict, code) in table {
        let outcome = inspect(arguments, jwt(&good()));
        assert_eq!(
            without_expiry(&outcome.stdout),
            format!("{GOOD}{verdict}\n"),
            "{arguments:?}"
        );
        let stdout = outcome.stdout.clone();
        outcome.is(&stdout, "", *code);
    }
}

#[test]
fn time_is_judged_before_access_and_after_audience() {
    let verdict = |claims: &Value, arguments: &[&str]| {
        let outcome = inspect(arguments, jwt(claims)).fails();
        outcome.stdout.lines().last().unwrap().to_owned()
    };
    let mut claims = good();
    claims["exp"] = json!(0);
    let said = verdict(&claims, &["--require", "repository:b:pull"]);
    assert!(
        said.starts_with("not satisfied: expired ") && said.ends_with(" ago, 1970-01-01T00:00:00Z"),
        "{said}"
    );
    let said = verdict(&claims, &["--service", "other.example"]);
    assert_eq!(
        said,
        "not satisfied: is for registry.example, not for other.example"
    );
    let mut claims = good();
    claims["nbf"] = json!(FAR - 1);
    let said = verdict(&claims, &["--require", "repository:b:pull"]);
    assert!(
        said.starts_with("not satisfied: is not valid yet, but in ")
            && said.ends_with(", 9999-12-31T23:59:58Z"),
        "{said}"
    );
}

#[test]
fn json_is_for_programs() {
    let outcome = inspect(&["--json"], jwt(&good()));
    let mut shown: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let left = shown.as_object_mut().unwrap().remove("secondsLeft").unwrap();
    assert!(left.as_i64().unwrap() > 1_000_000_000);
    assert_eq!(
        shown,
        json!({
            "signatureChecked": false, "opaque": false,
            "issuer": "auth.example", "subject": "alice", "audience": ["registry.example"],
            "issued": null, "notBefore": null, "expires": "9999-12-31T23:59:59Z",
            "access": [
                {"type": "registry", "class": null, "name": "catalog", "actions": ["*"]},
                {"type": "repository", "class": null, "name": "you/app", "actions": ["pull", "push"]}
            ]
        })
    );
    inspect(&["--json"], "opaque").is(
        "{\n  \"signatureChecked\": false,\n  \"opaque\": true\n}\n",
        "",
        0,
    );
    inspect(&["--json", "--service", "s"], "opaque").is(
        "{\n  \"signatureChecked\": false,\n  \"opaque\": true,\n  \"satisfied\": false,\n  \
         \"reason\": \"the token is opaque and says nothing of itself\"\n}\n",
        "",
        1,
    );
    let verdict = |arguments: &[&str], code| {
        let outcome = inspect(arguments, jwt(&good()));
        let shown: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let stdout = outcome.stdout.clone();
        outcome.is(&stdout, "", code);
        (shown["satisfied"].clone(), shown["reason"].clone())
    };
    assert_eq!(
        verdict(&["--json", "--service", "registry.example"], 0),
        (json!(true), Value::Null)
    );
    assert_eq!(
        verdict(&["--json", "--require", "repository:b:pull"], 1),
        (json!(false), json!("lacks repository:b:pull"))
    );
}

#[test]
fn what_a_token_says_cannot_drive_a_terminal_or_forge_a_line() {
    let subject = "\u{1b}[2J\r\nsatisfied\u{9b}\u{202e}\u{7f}";
    let token = jwt(&json!({"sub": subject, "iss": "\n", "aud": ["a\nsatisfied", "\u{85}"], "exp": FAR}));
    let outcome = inspect(&["--service", "s\u{1b}"], &token).fails();
    assert!(outcome.stdout.contains(
        "\nsubject     \\u{1b}[2J\\r\\nsatisfied\\u{9b}\\u{202e}\\u{7f}\naudience    a\\nsatisfied, \\u{85}\n"
    ));
    assert!(
        outcome
            .stdout
            .ends_with("\nnot satisfied: is for a\\nsatisfied, \\u{85}, not for s\\u{1b}\n")
    );
    let outcome = inspect(&["--json"], &token).succeeds();
    assert!(
        outcome
            .stdout
            .bytes()
            .all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte))
    );
    let shown: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(shown["subject"], subject);
}

#[test]
fn what_is_no_token_is_refused_on_stderr() {
    let no_token =
        "is no token: has a blank, '\"' or another character that no token has; give the token alone";
    let long = "x".repeat(200 * 1024);
    for (input, error) in [
        ("", "is empty; give a token"),
        ("Bearer ", "is empty; give a token"),
        ("Basic canary", no_token),
        ("{\"canary\":1}", "the token server answered without a token"),
        (long.as_str(), "is longer than 64 KiB"),
    ] {
        let error = format!("docker-credential-scoped: standard input: {error}\n");
        inspect(&[], input).is("", &error, 1);
        inspect(&["--json", "--service", "s"], input).is("", &error, 1);
    }
}

#[test]
fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let token = jwt(&good());
    let misplaced = "docker-credential-scoped: inspect: reads the token from standard input; others can see what is \
                     on a command line\n";
    inspect(&[&token], "").is("", misplaced, 1);
    inspect(&["Bearer", &token], "").is("", misplaced, 1);
    inspect(&["--require", &token], "").is(
        "",
        "docker-credential-scoped: --require: scope: write TYPE:NAME:ACTION[,ACTION], as in \
         repository:library/alpine:pull\n",
        1,
    );
    let outcome = inspect(&[&format!("--token={token}")], "").fails();
    assert!(!outcome.stderr.contains(SIGNATURE), "{}", outcome.stderr);
}

#[test]
fn nothing_required_is_not_taken_for_satisfied() {
    inspect(&["--require", ""], jwt(&good())).is(
        "",
        "docker-credential-scoped: --require: scope: write TYPE:NAME:ACTION[,ACTION], as in \
         repository:library/alpine:pull\n",
        1,
    );
    let outcome = inspect(&["--service", ""], jwt(&good())).fails();
    assert_eq!(outcome.stdout, "");
}
