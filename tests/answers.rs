//! What is made of a token server's answer: how long its token lives, what it was granted, and what is kept of it.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::fixture::answer::{Answer, jwt};
use support::helper::Helper;
use support::home::HELPER;
use support::outcome::Outcome;
use support::scene::{PASSWORD, REFRESH, Scene, is_refused};

/// The life in seconds that is told of the token in this answer.
fn life(body: &Value) -> i64 {
    let answer = Answer::json(body);
    let scene = Scene::usual(move |_| answer.clone()).with_password();
    let outcome = scene.token(&["--pull", "a/b", "--output", "json"]).succeeds();
    assert_eq!(outcome.stderr, "");
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let moment = |name: &str| {
        let text = told.get(name).and_then(Value::as_str).unwrap();
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    (moment("expires") - moment("issued")).whole_seconds()
}

#[test]
fn the_life_of_a_token_is_read_however_it_is_written() {
    for (body, seconds) in [
        (json!({ "token": "t" }), 60),
        (json!({ "access_token": "t" }), 60),
        (
            json!({ "token": "t", "access_token": "t", "expires_in": 300 }),
            300,
        ),
        (json!({ "token": "t", "expires_in": 5 }), 5),
        (json!({ "token": "t", "expires_in": "300" }), 300),
        (json!({ "token": "t", "expires_in": 300.0 }), 300),
        (json!({ "token": "t", "expires_in": 0 }), 60),
        (json!({ "token": "t", "expires_in": null }), 60),
        (json!({ "token": "t", "expires_in": {} }), 60),
        (
            json!({ "token": jwt(&json!({ "iat": 1_000, "exp": 1_900 })) }),
            900,
        ),
        (
            json!({ "token": jwt(&json!({ "iat": 1_000, "exp": 1_900 })), "expires_in": 300 }),
            300,
        ),
    ] {
        assert_eq!(life(&body), seconds, "{body}");
    }
}

#[test]
fn an_odd_issued_at_counts_as_absent() {
    for issued_at in [
        json!("2026-01-02T15:04:05Z"),
        json!("2026-01-02T15:04:05.123456789+01:00"),
        json!("1970-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("0001-01-01T00:00:00Z"),
        json!("yesterday"),
        json!(""),
        json!(null),
        json!(1_800_000_000),
    ] {
        let body = json!({ "token": "t", "expires_in": 300, "issued_at": issued_at });
        assert_eq!(life(&body), 300, "{body}");
    }
}

#[test]
fn a_rotated_refresh_token_is_kept_in_place_of_the_one_that_was_used() {
    let scene = Scene::usual(|request| match request.value("refresh_token").as_deref() {
        Some(REFRESH) => {
            Answer::json(&json!({ "access_token": "first", "refresh_token": "the-next-refresh-token" }))
        }
        Some("the-next-refresh-token") => Answer::json(&json!({ "access_token": "second" })),
        _ => Answer::page(400),
    })
    .with_refresh_token();
    scene.token(&["--pull", "a/b"]).is("first\n", "", 0);
    assert_eq!(scene.stored().as_deref(), Some("the-next-refresh-token"));
    scene.token(&["--pull", "c/d"]).is("second\n", "", 0);
    assert_eq!(scene.stored().as_deref(), Some("the-next-refresh-token"));
    for secret in [REFRESH, "the-next-refresh-token"] {
        assert_eq!(
            scene.home.files_with("<token>", secret),
            [] as [std::path::PathBuf; 0]
        );
    }
}

#[test]
fn a_rotated_refresh_token_is_kept_though_the_token_beside_it_is_for_somebody_else() {
    let scene = Scene::usual(|_| {
        let token = jwt(&json!({ "aud": "another" }));
        Answer::json(&json!({ "access_token": token, "refresh_token": "the-next-refresh-token" }))
    })
    .with_refresh_token();
    let outcome = scene.token(&["--pull", "a/b"]);
    assert!(is_refused(&outcome).contains("audience"), "{outcome:?}");
    assert_eq!(scene.stored().as_deref(), Some("the-next-refresh-token"));
}

#[test]
fn who_logs_out_or_in_anew_during_a_rotation_is_not_overruled() {
    for (verb, input, left) in [
        ("erase", String::new(), None),
        ("store", "bob".to_owned(), Some("password-of-bob")),
    ] {
        let scene = Scene::usual(|_| {
            thread::sleep(Duration::from_millis(1500));
            Answer::json(&json!({ "access_token": "t", "refresh_token": "the-next-refresh-token" }))
        })
        .with_refresh_token();
        let server = scene.fixture.address();
        let message = match verb {
            "store" => {
                json!({ "ServerURL": server, "Username": input, "Secret": "password-of-bob" }).to_string()
            }
            _ => server,
        };
        thread::scope(|scope| {
            let token = scope.spawn(|| scene.token(&["--pull", "a/b"]));
            thread::sleep(Duration::from_millis(500));
            Helper::of(&scene.home).ask(verb, &message).is("", "", 0);
            token.join().unwrap().is("t\n", "", 0);
        });
        assert_eq!(scene.stored().as_deref(), left, "{verb}");
        let cache = Outcome::of(scene.home.command(HELPER).arg("cache"), b"");
        cache.is("Nothing is remembered.\n", "", 0);
    }
}

#[test]
fn a_wrong_password_is_shown_once_whatever_it_is_asked_for_until_the_next_login() {
    let scene = Scene::usual(|_| Answer::page(401)).with_password();
    let who = format!("http://{}", scene.fixture.address());
    for repository in ["a/b", "c/d", "e/f"] {
        let outcome = scene.token(&["--pull", repository]).fails();
        assert!(
            outcome
                .stderr
                .contains(&format!("{who} refused the credential (401)")),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(scene.asked().len(), 1);
    let scene = scene.with_password();
    scene.token(&["--pull", "a/b"]).fails();
    assert_eq!(scene.asked().len(), 2);
}

#[test]
fn a_refresh_token_is_remembered_as_refused_where_the_server_says_that_it_is_the_token() {
    for (status, code, asked) in [
        (400, "invalid_grant", 1),
        (401, "invalid_grant", 1),
        (400, "invalid_client", 2),
        (401, "invalid_client", 2),
        (400, "invalid_scope", 2),
        (400, "invalid_request", 2),
        (400, "slow_down", 2),
    ] {
        let scene = Scene::usual(move |_| Answer::json(&json!({ "error": code })).with_status(status))
            .with_refresh_token();
        is_refused(&scene.token(&["--pull", "a/b"]));
        is_refused(&scene.token(&["--pull", "c/d"]));
        assert_eq!(scene.asked().len(), asked, "{status} {code}");
        assert_eq!(scene.stored().as_deref(), Some(REFRESH));
    }
}

#[test]
fn a_password_that_the_password_grant_refuses_is_remembered_too() {
    let scene = Scene::usual(|request| match request.method.as_str() {
        "POST" => Answer::json(&json!({ "error": "invalid_grant" })).with_status(400),
        _ => Answer::page(405),
    })
    .with_password();
    let outcome = scene.token(&["--pull", "a/b"]);
    assert!(
        is_refused(&outcome).contains("refused the credential (400)"),
        "{outcome:?}"
    );
    is_refused(&scene.token(&["--pull", "c/d"]));
    assert_eq!(scene.asked().len(), 2);
}

#[test]
fn a_date_that_cannot_be_read_is_as_good_as_none() {
    for date in [
        "",
        "now",
        "Sun, 22 Nov 2026",
        "-1",
        "\u{e4}\u{202e}",
        "Sun, 99 Nov 99999 99:99:99 GMT",
    ] {
        let scene = Scene::usual(move |_| {
            let claims = json!({ "iat": 1_000, "exp": 1_900 });
            Answer::json(&json!({ "token": jwt(&claims) }))
                .with("Date", date)
                .with("Retry-After", date)
        })
        .with_password();
        let outcome = scene.token(&["--pull", "a/b"]).succeeds();
        assert_eq!(outcome.stderr, "", "{date}");
    }
}

#[test]
fn a_refresh_token_that_nobody_asked_for_is_not_kept() {
    let scene =
        Scene::usual(|_| Answer::json(&json!({ "token": "t", "refresh_token": "unasked" }))).with_password();
    scene.token(&["--pull", "a/b"]).is("t\n", "", 0);
    assert_eq!(scene.stored().as_deref(), Some(PASSWORD));
    assert_eq!(
        scene.home.files_with("user", "unasked"),
        [] as [std::path::PathBuf; 0]
    );
    let asked = scene.asked_once();
    assert_eq!(
        (asked.value("offline_token"), asked.value("access_type")),
        (None, None)
    );
}

#[test]
fn what_a_refresh_grant_answers_as_scope_is_what_was_granted() {
    let scene =
        Scene::usual(|_| Answer::json(&json!({ "access_token": "opaque", "scope": "repository:a/b:pull" })))
            .with_refresh_token();
    let who = format!("http://{}", scene.fixture.address());
    let note = format!("note: {who} did not grant repository:a/b:push\n");
    scene.token(&["--push", "a/b"]).is("opaque\n", &note, 0);
    let outcome = scene.token(&["--pull", "c/d"]);
    assert!(
        is_refused(&outcome).contains(" granted nothing of repository:c/d:pull"),
        "{outcome:?}"
    );
}

#[test]
fn some_of_what_a_star_stands_for_is_not_nothing() {
    let claims = json!({ "access": [{ "type": "repository", "name": "a/b", "actions": ["pull", "push"] }] });
    let scene = Scene::usual(move |_| Answer::json(&json!({ "token": jwt(&claims) }))).with_password();
    let outcome = scene.token(&["--scope", "repository:a/b:*"]).succeeds();
    let who = format!("http://{}", scene.fixture.address());
    assert_eq!(
        outcome.stderr,
        format!("note: {who} did not grant repository:a/b:*\n")
    );
}

#[test]
fn who_has_nothing_stored_is_not_told_that_it_is_wrong() {
    for status in [401, 403] {
        let scene = Scene::usual(move |_| Answer::page(status));
        let outcome = scene.token(&["--pull", "a/b"]);
        let line = is_refused(&outcome);
        assert!(!line.contains("refused the credential"), "{line}");
        assert!(line.contains("nothing is stored"), "{line}");
        assert!(line.contains(&scene.fixture.address()), "{line}");
    }
}

#[test]
fn a_refresh_token_is_for_the_registrys_own_audience() {
    let scene = Scene::usual(|_| {
        Answer::json(&json!({ "access_token": "opaque", "refresh_token": "for-another-audience" }))
    })
    .with_refresh_token();
    let outcome = scene.token(&["--service", "other", "--pull", "a/b"]);
    assert!(is_refused(&outcome).contains("audience"), "{outcome:?}");
    assert_eq!(scene.asked(), []);
    assert_eq!(scene.stored().as_deref(), Some(REFRESH));
    scene
        .token(&["--service", "registry", "--pull", "a/b"])
        .is("opaque\n", "", 0);
}

#[test]
fn what_a_server_grants_beyond_all_asking_is_told_in_short() {
    let all: Vec<_> = (1..10).map(|n| format!("repository:a/{n}:pull")).collect();
    let scope = all.join(" ");
    let scene = Scene::usual(move |_| Answer::json(&json!({ "access_token": "opaque", "scope": scope })))
        .with_password();
    let who = format!("http://{}", scene.fixture.address());
    let note = format!(
        "note: {who} granted more than was asked for: repository:a/2:pull repository:a/3:pull repository:a/4:pull \
         repository:a/5:pull repository:a/6:pull and 3 more\n"
    );
    scene.token(&["--pull", "a/1"]).is("opaque\n", &note, 0);
}

#[test]
fn an_empty_audience_is_none() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "opaque" }))).with_password();
    let outcome = scene.token(&["--service", ""]);
    assert!(
        is_refused(&outcome).contains("--service: is empty"),
        "{outcome:?}"
    );
    assert_eq!(scene.fixture.requests(), []);
}
