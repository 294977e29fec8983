//! Registries as they are: what each takes and answers, on loopback, and a token all the same.

mod support;

use serde_json::json;
use support::fixture::answer::{Answer, jwt};
use support::fixture::request::Request;
use support::scene::{PASSWORD, REFRESH, Scene, is_refused};

/// Given to whoever asks rightly.
fn token() -> Answer {
    Answer::json(&json!({ "token": "opaque" }))
}

/// Serves GET with the password and scope of these tests, as every registry does.
fn by_get(request: &Request, refusal: Answer) -> Answer {
    if request.method != "GET" {
        return refusal;
    }
    if request.login() == Some(("user".to_owned(), PASSWORD.to_owned())) {
        token()
    } else {
        Answer::page(401)
    }
}

#[test]
fn a_server_of_get_only_is_asked_once_however_it_refuses_a_post() {
    for status in [404, 405, 400, 401, 403, 500] {
        let scene = Scene::usual(move |request| by_get(request, Answer::page(status))).with_password();
        scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
        let asked = scene.asked_once();
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str(), asked.query.as_str()),
            (
                "GET",
                "/token",
                "service=registry&scope=repository%3Aa%2Fb%3Apull&account=user"
            ),
            "{status}"
        );
        assert_eq!(asked.body, "");
    }
}

#[test]
fn a_refresh_token_has_no_other_way_than_post() {
    for status in [404, 405] {
        let scene = Scene::usual(move |request| by_get(request, Answer::page(status))).with_refresh_token();
        let outcome = scene.token(&["--pull", "a/b"]);
        let server = scene.fixture.address();
        assert_eq!(
            is_refused(&outcome),
            format!(
                "docker-credential-scoped: http://{server} takes no refresh tokens, and one is stored for it; log \
                 in again with a password or token"
            )
        );
        assert_eq!(scene.asked_once().method, "POST");
    }
}

#[test]
fn a_server_of_post_only_is_given_the_password_grant() {
    let scene = Scene::usual(|request| match request.method.as_str() {
        "POST" => Answer::json(&json!({ "access_token": "opaque" })),
        _ => Answer::page(405),
    })
    .with_password();
    scene
        .token(&["--pull", "a/b", "--push", "c/d"])
        .is("opaque\n", "", 0);
    let asked = scene.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let post = asked.last().unwrap();
    assert_eq!(
        post.body,
        format!(
            "grant_type=password&username=user&password={PASSWORD}&service=registry\
             &client_id=docker-credential-scoped&scope=repository%3Aa%2Fb%3Apull+repository%3Ac%2Fd%3Apull%2Cpush"
        )
    );
    assert_eq!(
        (
            post.query.as_str(),
            post.header("authorization"),
            post.header("content-type")
        ),
        ("", None, Some("application/x-www-form-urlencoded"))
    );
}

#[test]
fn nobody_in_particular_makes_no_post() {
    let scene = Scene::usual(|_| Answer::page(405));
    let outcome = scene.token(&["--pull", "a/b"]);
    assert!(is_refused(&outcome).ends_with(" answered 405"), "{outcome:?}");
    assert_eq!(scene.asked_once().method, "GET");
}

#[test]
fn harbor_wants_its_own_service_and_grants_all_there_is() {
    let scene = Scene::new(
        &[r#"Bearer realm="{here}/service/token",service="harbor-registry""#],
        |request| {
            if request.path != "/service/token" || request.value("service").as_deref() != Some("harbor-registry") {
                return Answer::page(400);
            }
            let all = json!([{ "type": "repository", "name": "a/b", "actions": ["pull", "push", "delete", "scanner-pull"] }]);
            let claims = json!({ "iss": "harbor-token-issuer", "aud": "harbor-registry", "iat": 1_000, "exp": 2_800, "access": all });
            Answer::json(&json!({ "token": jwt(&claims), "access_token": "", "expires_in": 1800, "issued_at": "2026-01-02T15:04:05Z" }))
        },
    )
    .with_password();
    let outcome = scene.token(&["--pull", "a/b"]).succeeds();
    assert_eq!(
        outcome.stderr,
        format!(
            "note: http://{} granted more than was asked for: repository:a/b:delete,push,scanner-pull\n",
            scene.fixture.address()
        )
    );
}

#[test]
fn quay_knows_a_scope_a_parameter_and_three_actions() {
    let scene = Scene::new(
        &[r#"Bearer realm="{here}/v2/auth",service="{here}""#],
        |request| {
            let is_known = |scope: &String| {
                scope
                    .strip_prefix("repository:")
                    .and_then(|rest| rest.rsplit_once(':'))
                    .is_some_and(|(name, actions)| {
                        !name.contains([' ', ':'])
                            && actions
                                .split(',')
                                .all(|action| ["pull", "push", "*"].contains(&action))
                    })
            };
            if request.values("scope").iter().all(is_known) {
                token()
            } else {
                Answer::json(&json!({ "error": "invalid" })).with_status(400)
            }
        },
    )
    .with_password();
    scene
        .token(&["--pull", "a/b", "--push", "c/d", "--scope", "repository:e/f:*"])
        .is("opaque\n", "", 0);
    assert_eq!(
        scene.asked_once().values("scope"),
        [
            "repository:a/b:pull",
            "repository:c/d:pull,push",
            "repository:e/f:*"
        ]
    );
    for scope in ["repository:a/b:delete", "registry:catalog:*"] {
        let outcome = scene.token(&["--scope", scope]);
        assert!(is_refused(&outcome).ends_with(" answered 400"), "{outcome:?}");
    }
}

#[test]
fn acr_answers_an_access_token_only_and_takes_refresh_tokens() {
    let serve = |request: &Request| match (request.method.as_str(), request.value("grant_type").as_deref()) {
        ("GET", _) | ("POST", Some("refresh_token")) => Answer::json(&json!({ "access_token": "opaque" })),
        _ => Answer::page(400),
    };
    let challenge = [r#"Bearer realm="{here}/oauth2/token",service="127.0.0.1""#];
    let nobody = "00000000-0000-0000-0000-000000000000";
    let scene = Scene::new(&challenge, serve).with(nobody, PASSWORD);
    scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
    assert_eq!(
        scene.asked_once().login(),
        Some((nobody.to_owned(), PASSWORD.to_owned()))
    );
    let scene = Scene::new(&challenge, serve).with_refresh_token();
    scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
    assert_eq!(
        scene.asked_once().body,
        format!(
            "grant_type=refresh_token&refresh_token={REFRESH}&service=127.0.0.1\
             &client_id=docker-credential-scoped&scope=repository%3Aa%2Fb%3Apull"
        )
    );
}

#[test]
fn openshift_names_no_service_and_is_told_none() {
    for scene in [
        Scene::new(&[r#"Bearer realm="{here}/openshift/token""#], |_| token()).with_password(),
        Scene::new(&[r#"Bearer realm="{here}/openshift/token",service="""#], |_| {
            token()
        })
        .with_refresh_token(),
    ] {
        scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
        assert_eq!(scene.asked_once().values("service"), [] as [String; 0]);
    }
}

#[test]
fn ngc_pings_with_an_empty_scope_and_has_a_user_with_a_dollar() {
    let scene = Scene::new(&[r#"Bearer realm="{here}/proxy_auth",scope="""#], |_| token())
        .with("$oauthtoken", PASSWORD);
    scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
    let asked = scene.asked_once();
    assert_eq!(
        asked.query,
        "scope=repository%3Aa%2Fb%3Apull&account=%24oauthtoken"
    );
    assert_eq!(
        asked.login(),
        Some(("$oauthtoken".to_owned(), PASSWORD.to_owned()))
    );
}

#[test]
fn a_token_without_any_scope_tells_who_somebody_is() {
    let scene = Scene::usual(|_| token()).with_password();
    scene.token(&[]).is("opaque\n", "", 0);
    assert_eq!(scene.asked_once().query, "service=registry&account=user");
    let scene = Scene::usual(|_| token()).with_refresh_token();
    scene.token(&[]).is("opaque\n", "", 0);
    assert_eq!(scene.asked_once().values("scope"), [] as [String; 0]);
}

#[test]
fn what_is_asked_is_added_to_the_realms_own_query() {
    let challenge = [r#"Bearer realm="{here}/token?tenant=a%20b&service=x",service="registry""#];
    let scene = Scene::new(&challenge, |_| token()).with_password();
    scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
    assert_eq!(
        scene.asked_once().query,
        "tenant=a%20b&service=x&service=registry&scope=repository%3Aa%2Fb%3Apull&account=user"
    );
    let scene = Scene::new(&challenge, |_| token()).with_refresh_token();
    scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
    assert_eq!(scene.asked_once().query, "tenant=a%20b&service=x");
}

#[test]
fn a_registry_without_tokens_is_said_to_be_one_and_shown_no_secret() {
    for (challenges, says) in [
        (
            &["Basic realm=\"ECR\""][..],
            "takes no tokens, only user name and password",
        ),
        (&["Negotiate"][..], "takes no tokens"),
        (&[][..], "asks for no token; it is open to all, or no registry"),
        (
            &["Bearer service=\"registry\""][..],
            "does not say where tokens are to be had (realm)",
        ),
        (
            &["Bearer realm=\"{here}/token\",realm=\"{here}/other\""][..],
            "says the same parameter twice",
        ),
        (
            &["Basic realm=\"x\"", "Bearer realm=\"/token\""][..],
            "is not an absolute URL",
        ),
        (&["Bearer realm=\"{here}/token"][..], "is not in the form"),
    ] {
        let scene = Scene::new(challenges, |_| token()).with_password();
        let outcome = scene.token(&["--pull", "a/b"]);
        assert_eq!(is_refused(&outcome).matches(says).count(), 1, "{outcome:?}");
        assert_eq!(scene.asked(), []);
        assert!(
            scene
                .fixture
                .requests()
                .iter()
                .all(|request| !request.shows(PASSWORD))
        );
        assert!(!support::scene::record(&scene.home, &scene.fixture.address()).exists());
    }
}

#[test]
fn the_bearer_among_several_challenges_is_taken() {
    let bearer = r#"bearer Realm = "{here}/token" , SERVICE=registry"#;
    for challenges in [
        &["Basic realm=\"x\"", bearer][..],
        &[bearer, "Basic realm=\"x\""][..],
        &["Negotiate", "Digest realm=\"x\", nonce=\"a,b\"", bearer][..],
        &[r#"Basic realm="x", Bearer realm="{here}/token",service="registry""#][..],
        &[bearer, r#"Bearer realm="{here}/other",service="other""#][..],
    ] {
        let scene = Scene::new(challenges, |_| token()).with_password();
        scene.token(&["--pull", "a/b"]).is("opaque\n", "", 0);
        let asked = scene.asked_once();
        assert_eq!(
            (asked.path.as_str(), asked.value("service").as_deref()),
            ("/token", Some("registry"))
        );
    }
}
