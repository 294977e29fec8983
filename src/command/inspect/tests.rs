//! What is shown of a token, and what a registry would object to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).unwrap()
}

fn jwt(claims: &Value) -> String {
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("eyJhbGciOiJFUzI1NiJ9.{claims}.c2lnbmF0dXJl")
}

fn required(service: Option<&str>, scopes: &str) -> Required {
    Required {
        service: service.map(str::to_owned),
        scopes: scopes.parse().unwrap(),
    }
}

fn shown(claims: &Value, required: &Required) -> String {
    inspect(jwt(claims).as_bytes(), required, Format::Table, now())
        .unwrap()
        .text
}

#[test]
fn all_that_a_token_says_is_shown_with_what_is_left() {
    let claims = json!({
        "iss": "auth.example", "sub": "alice", "aud": ["registry.example", "mirror.example"],
        "iat": NOW - 48, "nbf": NOW + 5, "exp": NOW + 252,
        "access": [
            {"type": "repository", "class": "", "name": "a/b", "actions": ["push", "pull"]},
            {"type": "repository", "class": "plugin", "name": "p", "actions": ["*"]},
            {"type": "registry", "name": "catalog", "actions": ["*"]}
        ]
    });
    assert_eq!(
        shown(&claims, &Required::default()),
        "signature not checked\n\
         issuer      auth.example\n\
         subject     alice\n\
         audience    registry.example, mirror.example\n\
         issued      2027-01-15T07:59:12Z (48 s ago)\n\
         not before  2027-01-15T08:00:05Z (5 s from now)\n\
         expires     2027-01-15T08:04:12Z (4 min 12 s left)\n\
         access      as follows\n  \
           TYPE        CLASS   NAME     ACTIONS\n  \
           registry    -       catalog  *\n  \
           repository  -       a/b      pull,push\n  \
           repository  plugin  p        *\n"
    );
}

#[test]
fn what_a_token_does_not_say_is_said_to_be_missing() {
    assert_eq!(
        shown(&json!({"sub": "", "access": []}), &Required::default()),
        "signature not checked\n\
         issuer      not stated\n\
         subject     nobody (anonymous)\n\
         audience    not stated\n\
         issued      not stated\n\
         not before  not stated\n\
         expires     not stated\n\
         access      none\n"
    );
    assert!(shown(&json!({}), &Required::default()).contains("\naccess      not stated\n"));
}

#[test]
fn an_expired_token_is_shown_without_complaint() {
    let report = inspect(
        jwt(&json!({"exp": NOW - 180})).as_bytes(),
        &Required::default(),
        Format::Table,
        now(),
    )
    .unwrap();
    assert!(!report.is_incomplete);
    assert!(
        report
            .text
            .contains("\nexpires     2027-01-15T07:57:00Z (expired 3 min ago)\n")
    );
}

#[test]
fn the_first_objection_of_a_registry_is_the_one_reason() {
    let pull = json!([{"type": "repository", "name": "a", "actions": ["pull"]}]);
    let all = json!([{"type": "repository", "name": "a", "actions": ["*"]}]);
    let (service, scope) = (Some("r.example"), "repository:a:pull,push");
    let table = [
        (
            "all is well",
            json!({"aud": "r.example", "nbf": NOW, "exp": NOW + 1, "access": all}),
            service,
            scope,
            None,
        ),
        (
            "all is wrong",
            json!({"aud": "other", "nbf": NOW + 9, "exp": NOW - 9}),
            service,
            scope,
            Some("is for other, not for r.example"),
        ),
        (
            "no audience",
            json!({"exp": NOW - 9}),
            service,
            "",
            Some("names no audience, where r.example is required"),
        ),
        (
            "an audience that nobody asked about",
            json!({"aud": "other", "exp": NOW + 9, "access": all}),
            None,
            scope,
            None,
        ),
        (
            "no end",
            json!({"aud": "r.example", "access": all}),
            service,
            scope,
            Some("does not say when it expires"),
        ),
        (
            "its last second is over",
            json!({"exp": NOW, "nbf": NOW + 9}),
            None,
            scope,
            Some("expired less than 1 s ago, 2027-01-15T08:00:00Z"),
        ),
        (
            "expired long ago",
            json!({"aud": "r.example", "exp": NOW - 90_061}),
            service,
            scope,
            Some("expired 1 d 1 h ago, 2027-01-14T06:58:59Z"),
        ),
        (
            "not valid yet",
            json!({"nbf": NOW + 3600, "exp": NOW + 7200}),
            None,
            scope,
            Some("is not valid yet, but in 1 h, 2027-01-15T09:00:00Z"),
        ),
        (
            "too narrow",
            json!({"exp": NOW + 9, "access": pull}),
            None,
            "repository:a:pull,push repository:b:pull",
            Some("lacks repository:a:push repository:b:pull"),
        ),
        (
            "no access at all",
            json!({"exp": NOW + 9}),
            None,
            "repository:a:pull",
            Some("lacks repository:a:pull"),
        ),
        (
            "access that nobody asked about",
            json!({"aud": "r.example", "exp": NOW + 9}),
            service,
            "",
            None,
        ),
    ];
    for (what, claims, service, scopes, reason) in table {
        let claims = Claims::read(&Secret::new(jwt(&claims))).unwrap();
        let objection = required(service, scopes).objection(Some(&claims), now());
        assert_eq!(objection.as_deref(), reason, "{what}");
    }
}

#[test]
fn lengths_have_their_two_largest_units() {
    let table = [
        (0, "less than 1 s"),
        (1, "1 s"),
        (-60, "1 min"),
        (252, "4 min 12 s"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (-7_385, "2 h 3 min"),
        (86_400 * 400 + 3_600, "400 d 1 h"),
    ];
    for (seconds, text) in table {
        assert_eq!(length(Duration::seconds(seconds)), text, "{seconds}");
    }
    assert_eq!(length(Duration::milliseconds(999)), "less than 1 s");
}

#[test]
fn a_token_is_found_in_what_people_paste() {
    let read = |input: &str| token(input.as_bytes()).map(|token| token.expose().to_owned());
    for input in [
        "t.t.t",
        " \r\n\tt.t.t\n",
        "Bearer t.t.t",
        "bearer \t t.t.t",
        "Authorization: Bearer t.t.t\r\n",
        "authorization:BEARER t.t.t",
        "Authorization: t.t.t",
        r#"{"token":"t.t.t","expires_in":300}"#,
        "\n{\"access_token\":\"t.t.t\",\"refresh_token\":\"r\"}\n",
    ] {
        assert_eq!(read(input).unwrap(), "t.t.t", "{input}");
    }
    assert_eq!(read("bearertoken").unwrap(), "bearertoken");
}

#[test]
fn what_holds_no_token_is_refused_without_being_repeated() {
    let long = "x".repeat(MAX_TOKEN_BYTES + 1);
    for (input, part) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("Bearer", "is empty"),
        ("Authorization: Bearer \n", "is empty"),
        ("Basic canary", "is no token"),
        ("\"canary\"", "is no token"),
        ("canary\u{e9}", "is no token"),
        ("canary\0", "is no token"),
        (
            "{\"token\":\"canary",
            "the token server answered something that is not JSON",
        ),
        (
            "{\"errors\":\"canary\"}",
            "the token server answered without a token",
        ),
        (long.as_str(), "is longer than 64 KiB"),
    ] {
        let error = token(input.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("standard input: ") && error.contains(part),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
}
