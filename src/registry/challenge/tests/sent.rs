//! Challenges as registries send them, and what is read in them.

use super::super::*;

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
