//! Challenges that are refused: garbled, too much, or an attacker's.

use super::super::*;

/// A sentence, the headers, and the error.
const BROKEN: &[(&str, &[&str], InvalidChallenge)] = &[
    (
        "no realm",
        &[r#"Bearer service="s""#],
        InvalidChallenge::RealmMissing,
    ),
    (
        "nothing but the scheme",
        &["Bearer"],
        InvalidChallenge::RealmMissing,
    ),
    (
        "Basic beside a Bearer without realm",
        &[r#"Basic realm="x""#, "Bearer"],
        InvalidChallenge::RealmMissing,
    ),
    (
        "a Bearer without realm behind a good one",
        &[r#"Bearer realm="https://auth.example/token", Bearer"#],
        InvalidChallenge::RealmMissing,
    ),
    (
        "a realm with nothing in it",
        &[r#"Bearer realm="""#],
        InvalidChallenge::Realm(InvalidRealm::NotAbsolute),
    ),
    (
        "a realm that is not absolute",
        &[r#"Bearer realm="/token""#],
        InvalidChallenge::Realm(InvalidRealm::NotAbsolute),
    ),
    (
        "a realm of another scheme",
        &[r#"Bearer realm="file:///etc/passwd", Basic"#],
        InvalidChallenge::Realm(InvalidRealm::NotAbsolute),
    ),
    (
        "a realm with a password",
        &[r#"Bearer realm="https://u:p@h/""#],
        InvalidChallenge::Realm(InvalidRealm::UserInfo),
    ),
    (
        "two realms",
        &[r#"Bearer realm="https://a.example/",REALM="https://b.example/""#],
        InvalidChallenge::Repeated,
    ),
    (
        "two services",
        &[r#"Bearer realm="https://a.example/",service=a,service=b"#],
        InvalidChallenge::Repeated,
    ),
    (
        "an open quote",
        &[r#"Bearer realm="https://auth.example/token"#],
        InvalidChallenge::Syntax,
    ),
    (
        "an open quote in Basic that takes Bearer in",
        &[r#"Basic realm="x, Bearer realm="https://auth.example/""#],
        InvalidChallenge::Syntax,
    ),
    (
        "a backslash at the end",
        &[r#"Bearer realm="https://auth.example/\"#],
        InvalidChallenge::Syntax,
    ),
    (
        "a realm without quotes",
        &["Bearer realm=https://auth.example/token"],
        InvalidChallenge::Syntax,
    ),
    (
        "a parameter without value",
        &["Bearer realm="],
        InvalidChallenge::Syntax,
    ),
    (
        "a parameter without value, then another",
        &[r#"Bearer service=,realm="https://a.example/""#],
        InvalidChallenge::Syntax,
    ),
    (
        "a parameter without name",
        &[r#"Bearer ="https://auth.example/token""#],
        InvalidChallenge::Syntax,
    ),
    (
        "a token where parameters should be",
        &["Bearer YIIB=="],
        InvalidChallenge::Syntax,
    ),
    (
        "Bearer as Basic's token",
        &["Basic Bearer"],
        InvalidChallenge::Syntax,
    ),
    (
        "Basic as Bearer's token",
        &["Bearer Basic"],
        InvalidChallenge::Syntax,
    ),
    (
        "a parameter before any scheme",
        &[r#"realm="https://auth.example/token""#],
        InvalidChallenge::Syntax,
    ),
    (
        "a parameter in a header of its own",
        &["Bearer", r#"realm="https://auth.example/token""#],
        InvalidChallenge::Syntax,
    ),
    (
        "no blank behind the scheme",
        &[r#"Bearer"x""#],
        InvalidChallenge::Syntax,
    ),
    (
        "nothing between parameters",
        &[r#"Bearer realm="https://a.example/"service="s""#],
        InvalidChallenge::Syntax,
    ),
    (
        "a scheme that is none",
        &[r#"Be(arer realm="https://auth.example/token""#],
        InvalidChallenge::Syntax,
    ),
    (
        "a line end",
        &["Bearer realm=\"https://a.example/\",service=\"a\r\nX: y\""],
        InvalidChallenge::Syntax,
    ),
    (
        "a NUL",
        &["Bearer realm=\"https://a.example/\0\""],
        InvalidChallenge::Syntax,
    ),
    (
        "a line end as a quoted pair",
        &["Bearer realm=\"https://a.example/\\\n\""],
        InvalidChallenge::Syntax,
    ),
    (
        "a service beyond ASCII",
        &["Bearer realm=\"https://a.example/\",service=\"\u{202e}s\""],
        InvalidChallenge::Text,
    ),
    (
        "a tab in the scope",
        &["Bearer realm=\"https://a.example/\",scope=\"a\tb\""],
        InvalidChallenge::Text,
    ),
];

#[test]
fn what_is_broken_is_refused_and_never_read_as_basic() {
    for (sentence, headers, expected) in BROKEN {
        assert_eq!(
            Challenge::read(headers.iter().copied()),
            Err(*expected),
            "{sentence}"
        );
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let long = "a".repeat(8192);
    assert_eq!(Challenge::read([long.as_str()]), Ok(Challenge::Unsupported));
    assert_eq!(
        Challenge::read([long.as_str(), "b"]),
        Err(InvalidChallenge::TooLong)
    );
    let many = |count| format!("Digest {}", "a=b,".repeat(count));
    assert_eq!(Challenge::read([many(64).as_str()]), Ok(Challenge::Unsupported));
    assert_eq!(
        Challenge::read([many(65).as_str()]),
        Err(InvalidChallenge::TooMany)
    );
    assert_eq!(
        Challenge::read([many(64).as_str(), "Digest c=d"]),
        Err(InvalidChallenge::TooMany)
    );
}

#[test]
fn errors_never_repeat_the_input() {
    for header in [
        "Bearer realm=\"https://canary@h/\"",
        "Bearer realm=\"canary\"",
        "Bearer realm=\"https://h/\",service=\"canary\u{fc}\"",
        "canary(",
    ] {
        let error = Challenge::read([header]).unwrap_err();
        assert!(
            !error.to_string().contains("canary") && !format!("{error:?}").contains("canary"),
            "{header}"
        );
    }
}
