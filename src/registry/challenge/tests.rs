//! Challenges as registries send them, as they garble them, and as an attacker would.

use proptest::prelude::*;

use super::*;

const REALM: &str = "https://auth.example/token";

/// A sentence, the headers, and what is read.
const READ: &[(&str, &[&str], &str)] = &[
    (
        "Docker Hub at a ping",
        &[r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#],
        "bearer https://auth.docker.io/token service=registry.docker.io",
    ),
    (
        "GitLab, with a comma in quotes",
        &[
            r#"Bearer realm="https://gitlab.com/jwt/auth",service="container_registry",scope="repository:a/b:pull,push""#,
        ],
        "bearer https://gitlab.com/jwt/auth service=container_registry scope=repository:a/b:pull,push",
    ),
    (
        "GCR leaves the quotes of the service out",
        &[r#"Bearer realm="https://gcr.io/v2/token",service=gcr.io"#],
        "bearer https://gcr.io/v2/token service=gcr.io",
    ),
    (
        "NGC has no service, and a scope without anything in it",
        &[r#"Bearer realm="https://nvcr.io/proxy_auth",scope="""#],
        "bearer https://nvcr.io/proxy_auth",
    ),
    (
        "public ECR's scope is not in the grammar of scopes",
        &[r#"Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws""#],
        "bearer https://public.ecr.aws/token/ service=public.ecr.aws scope=aws",
    ),
    (
        "private ECR",
        &[r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#],
        "basic",
    ),
    (
        "OpenShift offers both, in two headers",
        &[
            r#"Basic realm="openshift""#,
            r#"Bearer realm="https://auth.example/token""#,
        ],
        "bearer https://auth.example/token",
    ),
    (
        "a realm keeps its own query",
        &[r#"Bearer realm="https://auth.example/token?account=a&x=1",service="s""#],
        "bearer https://auth.example/token?account=a&x=1 service=s",
    ),
    (
        "several scopes",
        &[r#"Bearer realm="https://auth.example/token",scope="repository:a:pull repository:b:push""#],
        "bearer https://auth.example/token scope=repository:a:pull repository:b:push",
    ),
    (
        "case does not matter, in schemes or names",
        &[r#"BEARER Realm="https://auth.example/token",SERVICE="s",scOPE="repository:a/b:pull,push""#],
        "bearer https://auth.example/token service=s scope=repository:a/b:pull,push",
    ),
    (
        "blanks around everything",
        &[
            " \t Bearer   realm = \"https://auth.example/token\" ,\tservice= s , scope =\"repository:a/b:pull,push\"  ",
        ],
        "bearer https://auth.example/token service=s scope=repository:a/b:pull,push",
    ),
    (
        "commas are missing",
        &[r#"Bearer realm="https://auth.example/token" service="s" scope="repository:a/b:pull,push""#],
        "bearer https://auth.example/token service=s scope=repository:a/b:pull,push",
    ),
    (
        "commas are too many",
        &[
            r#",,Bearer ,realm="https://auth.example/token",,service="s", ,scope="repository:a/b:pull,push",,"#,
        ],
        "bearer https://auth.example/token service=s scope=repository:a/b:pull,push",
    ),
    (
        "quoted pairs",
        &[r#"Bearer realm="https:\/\/auth.example/\token",service="\s",scope="repository:a/b:pull\,push""#],
        "bearer https://auth.example/token service=s scope=repository:a/b:pull,push",
    ),
    (
        "a quote and a backslash in a value that nobody needs",
        &[
            r#"Bearer realm="https://auth.example/token",note="a \"quoted\" \\, realm=\"https://evil.example\"""#,
        ],
        "bearer https://auth.example/token",
    ),
    (
        "a tab in a value that nobody needs",
        &["Bearer realm=\"https://auth.example/token\",note=\"a\tb\""],
        "bearer https://auth.example/token",
    ),
    (
        "parameters that nobody knows",
        &[r#"Bearer realm="https://auth.example/token",nonce=7,x!#$%&'*+-.^_`|~="y""#],
        "bearer https://auth.example/token",
    ),
    (
        "Basic, then Bearer in one header",
        &[r#"Basic realm="x", Bearer realm="https://auth.example/token""#],
        "bearer https://auth.example/token",
    ),
    (
        "Bearer, then Basic, and the comma between them is missing",
        &[r#"Bearer realm="https://auth.example/token" Basic realm="x""#],
        "bearer https://auth.example/token",
    ),
    (
        "Negotiate with a token, NTLM with nothing, then Bearer",
        &[r#"Negotiate YIIB+/8=, NTLM, Bearer realm="https://auth.example/token""#],
        "bearer https://auth.example/token",
    ),
    (
        "NTLM with nothing, and no comma",
        &[r#"NTLM Bearer realm="https://auth.example/token""#],
        "bearer https://auth.example/token",
    ),
    (
        "of two Bearers the first",
        &[
            r#"Bearer realm="https://auth.example/token""#,
            r#"Bearer realm="https://other.example/token""#,
        ],
        "bearer https://auth.example/token",
    ),
    (
        "letters beyond ASCII in another scheme's realm",
        &[
            "Basic realm=\"K\u{fc}che\"",
            r#"Bearer realm="https://auth.example/token""#,
        ],
        "bearer https://auth.example/token",
    ),
    ("Basic with nothing", &["basic"], "basic"),
    (
        "Basic goes before what is not spoken here",
        &[
            "Negotiate",
            r#"Digest realm="x",qop="auth,auth-int",nonce="n""#,
            r#"Basic realm="x""#,
        ],
        "basic",
    ),
    (
        "only what is not spoken here",
        &["Negotiate", "NTLM"],
        "unsupported",
    ),
    ("no header", &[], "absent"),
    ("headers with nothing in them", &["", " , \t,"], "absent"),
    (
        "why a token was not enough",
        &[r#"Bearer realm="https://auth.example/token",error="insufficient_scope""#],
        "bearer https://auth.example/token error=insufficient_scope",
    ),
];

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

/// What was read, on one line.
fn told(challenge: &Challenge) -> String {
    let Challenge::Bearer(bearer) = challenge else {
        return format!("{challenge:?}").to_ascii_lowercase();
    };
    let BearerChallenge {
        realm,
        service,
        scope,
        error,
    } = bearer;
    let mut told = format!("bearer {realm}");
    for (name, value) in [("service", service), ("scope", scope), ("error", error)] {
        told.extend(value.iter().map(|value| format!(" {name}={value}")));
    }
    told
}

#[test]
fn challenges_are_read_as_registries_send_them() {
    for (sentence, headers, expected) in READ {
        let challenge = Challenge::read(headers.iter().copied()).expect(sentence);
        assert_eq!(told(&challenge), *expected, "{sentence}");
    }
}

#[test]
fn scopes_are_read_where_they_are_in_the_grammar() {
    for (scope, expected) in [
        ("", Ok("")),
        (
            "repository:b:push repository:a:pull",
            Ok("repository:a:pull repository:b:push"),
        ),
        ("aws", Err(InvalidScope::Shape)),
    ] {
        let header = format!(r#"Bearer realm="{REALM}",scope="{scope}""#);
        let Ok(Challenge::Bearer(challenge)) = Challenge::read([header.as_str()]) else {
            panic!("a Bearer challenge");
        };
        assert_eq!(
            challenge.scopes().map(|set| set.to_string()),
            expected.map(str::to_owned),
            "{scope}"
        );
    }
}

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
    let long = "a".repeat(MAX_BYTES);
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

/// How a registry may write one parameter or the room between two.
#[derive(Clone, Debug)]
struct Style {
    upper: bool,
    escape: bool,
    around: &'static str,
    between: &'static str,
}

fn style() -> impl Strategy<Value = Style> {
    (
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec!["", " ", "\t "]),
        prop::sample::select(vec![",", ", ", " ", " ,,\t"]),
    )
        .prop_map(|(upper, escape, around, between)| Style {
            upper,
            escape,
            around,
            between,
        })
}

impl Style {
    fn name(&self, name: &str) -> String {
        if self.upper {
            name.to_ascii_uppercase()
        } else {
            name.to_owned()
        }
    }

    fn write(&self, name: &str, value: &str) -> String {
        let mut quoted = String::new();
        for character in value.chars() {
            if self.escape || matches!(character, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(character);
        }
        let Self { around, between, .. } = self;
        format!("{}{around}={around}\"{quoted}\"{between}", self.name(name))
    }
}

proptest! {
    #[test]
    fn a_challenge_that_was_written_reads_back(
        realm in "https?://[a-z]{1,9}\\.example(:[1-9][0-9]{0,3})?/[a-z/]{0,9}(\\?[a-z]=[a-z,]{1,9})?",
        service in prop::option::of("[ -~]{1,20}"),
        scope in prop::option::of("[ -~]{1,40}"),
        error in prop::option::of("[a-z_]{1,20}"),
        other in prop::option::of("[ -~]{0,20}"),
        styles in prop::array::uniform6(style()),
        before in prop::sample::select(vec!["", "Basic realm=\"x\", ", "NTLM,", "Negotiate YII=, "]),
        after in prop::sample::select(vec!["", "Basic realm=\"x\"", "Digest realm=\"a\", nonce=b"]),
        apart in any::<bool>(),
    ) {
        let [scheme, rest @ ..] = &styles;
        let written = [
            ("realm", Some(&realm)),
            ("service", service.as_ref()),
            ("x-note", other.as_ref()),
            ("scope", scope.as_ref()),
            ("error", error.as_ref()),
        ];
        let mut header = format!("{before}{} ", scheme.name("Bearer"));
        for ((name, value), style) in written.into_iter().zip(rest) {
            header.extend(value.map(|value| style.write(name, value)));
        }
        let headers = if apart { vec![header, after.to_owned()] } else { vec![header + after] };
        let expected = BearerChallenge { realm: realm.parse().unwrap(), service, scope, error };
        prop_assert_eq!(
            Challenge::read(headers.iter().map(String::as_str)),
            Ok(Challenge::Bearer(expected)),
            "{:?}", headers
        );
    }

    #[test]
    fn the_reader_takes_anything(headers in prop::collection::vec(any::<String>(), 0..4)) {
        let _ = Challenge::read(headers.iter().map(String::as_str));
    }

    #[test]
    fn the_reader_takes_anything_that_looks_like_a_challenge(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Bearer", "basic", "realm", "scope", "=", "\"", "\\", ",", " ", "\t", "https://h/", "a", "==", "\u{fc}", "\0",
            ]),
            0..24,
        )
    ) {
        let header = parts.concat();
        let challenge = Challenge::read([header.as_str()]);
        // Whatever precedes it, a Bearer that is stated is either read or an error.
        if challenge == Ok(Challenge::Basic) {
            let bearer = format!("{header}, Bearer");
            prop_assert_eq!(Challenge::read([bearer.as_str()]), Err(InvalidChallenge::RealmMissing), "{}", header);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_as_the_text_they_may_be(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Challenge::read([String::from_utf8_lossy(&bytes).as_ref()]);
    }
}
