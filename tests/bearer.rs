//! What the exchange sends to whom, and what its token is good for: with a real registry, curl and skopeo.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use serde_json::{Value, json};
use support::bearer::claims;
use support::fixture::Fixture;
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::outcome::Outcome;
use support::scene::{is_refused, record, token};
use support::stage::{ALICE, Stage};
use support::token_server::request::Proof;

#[test]
fn a_registry_is_asked_once_and_what_it_says_is_recorded() {
    let Some(stage) = Stage::with(&[]) else { return };
    let realm = stage.token_server.realm();
    let registry = Fixture::start({
        let challenge = format!("Bearer realm=\"{realm}\",service=\"first\"");
        move |_| Answer::challenge(std::slice::from_ref(&challenge))
    });
    let address = registry.address();
    Helper::of(&stage.home).store(&address, "alice", ALICE);
    for (nth, repository) in ["team/a", "team/b", "team/c"].into_iter().enumerate() {
        token(&stage.home, &address, &["--pull", repository]).succeeds();
        assert_eq!(registry.requests().len(), 1);
        assert_eq!(stage.token_server.requests().len(), nth + 1);
    }
    let ping = registry.requests().remove(0);
    assert_eq!(
        (
            ping.method.as_str(),
            ping.path.as_str(),
            ping.header("authorization")
        ),
        ("GET", "/v2/", None)
    );
    assert!(!ping.shows(ALICE) && !ping.shows("alice"));
    let recorded: Value =
        serde_json::from_slice(&std::fs::read(record(&stage.home, &address)).unwrap()).unwrap();
    assert_eq!(recorded, json!({ "realm": realm, "service": "first" }));
    // What was learnt outlives the credential.
    Helper::of(&stage.home).ask("erase", &address).is("", "", 0);
    token(&stage.home, &address, &["--pull", "public/a"]).succeeds();
    assert_eq!(registry.requests().len(), 1);
}

#[test]
fn a_refresh_token_goes_to_the_token_server_only() {
    let Some(stage) = Stage::with(&["curl"]) else {
        return;
    };
    stage.token_server.set_refresh_tokens(true);
    let refresh = refresh_token(&stage);
    let registry = Fixture::start({
        let challenge = format!(
            "Bearer realm=\"{}\",service=\"first\"",
            stage.token_server.realm()
        );
        move |_| Answer::challenge(std::slice::from_ref(&challenge))
    });
    let address = registry.address();
    Helper::of(&stage.home).store(&address, "<token>", &refresh);
    let outcome = token(
        &stage.home,
        &address,
        &["--push", "team/app", "--pull", "team/base"],
    )
    .succeeds();
    assert_eq!(outcome.stderr, "");
    let request = stage.last_request();
    assert_eq!(
        request.shown(),
        ("POST", Proof::RefreshToken, Some("alice"), "first")
    );
    assert_eq!(request.client, "docker-credential-scoped");
    assert_eq!(
        request.scopes,
        ["repository:team/app:pull,push", "repository:team/base:pull"]
    );
    assert!(!request.offline);
    assert_eq!(registry.requests().len(), 1);
    assert!(!registry.requests().iter().any(|request| request.shows(&refresh)));
    assert!(!outcome.stdout.contains(&refresh));
    assert_eq!(
        stage.home.files_with("<token>", &refresh),
        [] as [std::path::PathBuf; 0]
    );
    // One that is good for nothing any more is refused, and kept.
    stage.token_server.refuse("alice");
    let outcome = token(&stage.home, &address, &["--pull", "team/other"]);
    assert!(
        is_refused(&outcome).contains("refused the credential (401)"),
        "{outcome:?}"
    );
    assert_eq!(Helper::of(&stage.home).get(&address).unwrap().secret, refresh);
}

/// alice's for the first registry, as an engine has it at `docker login`.
fn refresh_token(stage: &Stage) -> String {
    let url = format!(
        "{}?service=first&offline_token=true&client_id=docker",
        stage.token_server.realm()
    );
    let login = format!("alice:{ALICE}");
    let mut curl = stage.home.command("curl");
    curl.args(["--silent", "--user", &login, &url]);
    let answer: Value = serde_json::from_str(&Outcome::of(&mut curl, b"").succeeds().stdout).unwrap();
    let token = answer.get("refresh_token").and_then(Value::as_str);
    token.unwrap().to_owned()
}

#[test]
fn a_token_for_another_audience_is_for_that_one() {
    let Some(stage) = Stage::with_alice(&["curl"]) else {
        return;
    };
    let own = stage.raw(&["--pull", "team/app"]);
    let other = stage.raw(&["--pull", "team/app", "--service", "second"]);
    assert_eq!(
        (&claims(&own)["aud"], &claims(&other)["aud"]),
        (&json!("first"), &json!("second"))
    );
    assert_eq!(stage.last_request().service, "second");
    // Neither registry takes the other's, and nothing of this is recorded.
    let second = stage.second_registry();
    assert_eq!(stage.status(&own, "GET", ""), "200");
    assert_eq!(stage.status(&other, "GET", ""), "401");
    let url = format!("http://{}/v2/", second.address());
    let mut curl = stage.home.command("curl");
    curl.args([
        "--silent",
        "--fail",
        "--header",
        &format!("Authorization: Bearer {other}"),
        &url,
    ]);
    Outcome::of(&mut curl, b"").succeeds();
    let again = stage.raw(&["--pull", "team/other"]);
    assert_eq!(claims(&again)["aud"], json!("first"));
    let outcome = stage.token(&["--pull", "team/app", "--service", "third"]);
    assert!(is_refused(&outcome).ends_with(" answered 400"), "{outcome:?}");
}

#[test]
fn what_is_printed_works_inside_its_scope_and_nowhere_else() {
    let Some(stage) = Stage::with_alice(&["curl"]) else {
        return;
    };
    let reader = stage.raw(&["--pull", "team/app"]);
    let writer = stage.raw(&["--push", "team/app"]);
    let uploads = "team/app/blobs/uploads/";
    for (token, method, path, status) in [
        (&reader, "GET", "", "200"),
        (&reader, "GET", "team/app/tags/list", "404"),
        (&reader, "POST", uploads, "401"),
        (&reader, "GET", "team/other/tags/list", "401"),
        (&writer, "POST", uploads, "202"),
        (&writer, "POST", "team/other/blobs/uploads/", "401"),
        (&writer, "GET", "_catalog", "401"),
        (&"e30.e30.e30".to_owned(), "GET", "", "401"),
    ] {
        assert_eq!(stage.status(token, method, path), status, "{method} {path}");
    }
}

#[test]
fn skopeo_copies_and_inspects_with_what_is_printed() {
    let Some(stage) = Stage::with_alice(&["curl", "skopeo"]) else {
        return;
    };
    let layout = stage.home.path().join("image");
    support::image::layout(&layout, "proof of a token");
    let (reader, writer) = (
        stage.raw(&["--pull", "team/app"]),
        stage.raw(&["--push", "team/app"]),
    );
    let source = format!("oci:{}:latest", layout.display());
    let target = format!("docker://{}", stage.registry.image("team/app:1"));
    let skopeo = |arguments: &[&str]| {
        let mut skopeo = stage.home.command("skopeo");
        skopeo.arg("--insecure-policy").args(arguments);
        Outcome::of(&mut skopeo, b"")
    };
    let copy = |token: &str| {
        skopeo(&[
            "copy",
            "--dest-tls-verify=false",
            "--dest-registry-token",
            token,
            &source,
            &target,
        ])
    };
    copy(&reader).fails();
    copy(&writer).succeeds();
    let inspect = |token: &str| {
        skopeo(&[
            "inspect",
            "--tls-verify=false",
            "--registry-token",
            token,
            &target,
        ])
    };
    inspect(&reader).succeeds();
    inspect(&stage.raw(&["--pull", "team/other"])).fails();
    assert_eq!(stage.status(&reader, "GET", "team/app/tags/list"), "200");
}
