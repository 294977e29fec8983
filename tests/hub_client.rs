//! Docker Hub's API against a server on loopback that answers as Docker Hub may, and as it should not. What is asked
//! for is sent once where it makes something, no text says what a server said, and every call ends.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fmt::Debug;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docker_credential_scoped::http::{Http, HttpError, Trust};
use docker_credential_scoped::hub::{
    Change, Hub, HubClaims, HubError, InvalidAnswer, NewToken, NotForManagement, Owner, Revoked,
};
use docker_credential_scoped::secret::Secret;
use serde_json::{Value, json};
use support::fixture::Fixture;
use support::fixture::answer::{Answer, jwt};
use support::fixture::request::Request;
use time::OffsetDateTime;
use url::Url;

/// A secret. It is sent where it has to be, and no text shows it.
const CANARY: &str = "canary-2f6c";

/// What a server says that no text repeats.
const GOSSIP: &str = "gossip-81d0";

/// Enough for loopback on a busy machine.
const LONG: Duration = Duration::from_secs(60);

const ID: &str = "b30bbf97-506c-4ecd-aabc-842f3cb484fb";

// Signing in.

#[test]
fn a_sign_in_sends_the_secret_in_its_body_and_nowhere_else() {
    let token = jwt(&json!({
        "iat": 1_000, "exp": 1_300, "https://hub.docker.com": {"username": "anna", "source": "docker_pat|1"}
    }));
    let server = Fixture::start(move |_| Answer::json(&json!({ "access_token": token })));
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let bearer = hub(&server, |hub| hub.sign_in("anna", &canary(), now)).unwrap();
    let [request] = requests(&server);
    assert_eq!(
        (
            request.method.as_str(),
            request.path.as_str(),
            request.query.as_str()
        ),
        ("POST", "/v2/auth/token", "")
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(
        request.body,
        format!(r#"{{"identifier":"anna","secret":"{CANARY}"}}"#)
    );
    assert_eq!((bearer.issued - now).whole_seconds(), 0);
    assert_eq!((bearer.expires - now).whole_seconds(), 300);
    let claims = HubClaims::read(&bearer.token);
    assert_eq!(claims.username.as_deref(), Some("anna"));
    assert_eq!(claims.may_manage(), Err(NotForManagement::PersonalToken));
}

#[test]
fn a_sign_in_that_is_refused_says_what_to_do() {
    let detail = json!({ "detail": GOSSIP });
    let second = json!({ "detail": "Require secondary authentication", "login_2fa_token": CANARY });
    let table = [
        (Answer::json(&detail).with_status(401), "SignIn"),
        (Answer::json(&detail).with_status(400), "SignIn"),
        (Answer::json(&detail).with_status(403), "SignIn"),
        (Answer::page(401), "SignIn"),
        (Answer::json(&second).with_status(401), "SecondFactor"),
        (Answer::page(404), "Answer"),
        (Answer::json(&detail).with_status(404), "NotFound"),
        (Answer::page(500), "Status"),
        (Answer::page(200), "Answer"),
        (Answer::json(&json!({})), "Answer"),
        (Answer::json(&json!({ "access_token": "a\r\nb" })), "Answer"),
        (Answer::new(200, vec![b' '; 300_000]), "Http"),
    ];
    for (answer, kind) in table {
        let server = Fixture::start(move |_| answer.clone());
        let result = hub(&server, |hub| {
            hub.sign_in("anna", &canary(), OffsetDateTime::UNIX_EPOCH)
        });
        assert_eq!(kind_of(&fails(result)), kind);
        assert_eq!(server.requests().len(), 1, "{kind}: a password is tried once");
    }
}

// Lists.

#[test]
fn a_list_is_read_page_by_page_and_by_our_own_count() {
    let elsewhere = Fixture::start(|_| Answer::page(200));
    let next = format!("http://{}/v2/access-tokens?page=2", elsewhere.address());
    let server = Fixture::start(move |request| {
        let results = |ids: &[&str]| {
            ids.iter()
                .map(|id| json!({ "uuid": id, "new": {} }))
                .collect::<Vec<_>>()
        };
        Answer::json(&match request.value("page").as_deref() {
            Some("1") => {
                json!({ "count": 3, "next": next, "previous": null, "results": results(&["a", "b"]) })
            }
            Some("2") => json!({ "count": 3, "next": null, "results": results(&["b", "c"]) }),
            page => panic!("{page:?}"),
        })
    });
    let mut told = Vec::new();
    let tokens = hub(&server, |hub| {
        hub.tokens(&canary(), &Owner::Account, &mut |read, of| told.push((read, of)))
    })
    .unwrap();
    let ids: Vec<_> = tokens.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(told, [(2, Some(3)), (3, Some(3))]);
    let [first, second] = requests(&server);
    assert_eq!(
        (first.path.as_str(), first.query.as_str()),
        ("/v2/access-tokens", "page=1&page_size=100")
    );
    assert_eq!(second.query, "page=2&page_size=100");
    for request in [first, second] {
        assert_eq!(
            request.header("authorization"),
            Some(format!("Bearer {CANARY}").as_str())
        );
    }
    assert_eq!(elsewhere.requests(), []);
}

#[test]
fn an_organizations_list_is_below_the_api_wherever_that_is() {
    for (prefix, path) in [
        ("", "/v2/orgs/acme/access-tokens"),
        ("/", "/v2/orgs/acme/access-tokens"),
        ("/hub", "/hub/v2/orgs/acme/access-tokens"),
        ("/hub/", "/hub/v2/orgs/acme/access-tokens"),
    ] {
        let server = Fixture::start(|_| Answer::json(&json!({ "total": 0, "next": "", "results": null })));
        let api = format!("http://{}{prefix}", server.address()).parse().unwrap();
        let tokens = at(&api, LONG, |hub| hub.tokens(&canary(), &acme(), &mut |_, _| {})).unwrap();
        assert_eq!(tokens, []);
        let [request] = requests(&server);
        assert_eq!(request.path, path, "{prefix}");
    }
}

#[test]
fn a_list_that_never_ends_is_left_and_not_cut() {
    let asked = AtomicUsize::new(0);
    let server = Fixture::start(move |_| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        Answer::json(&json!({ "next": "more", "results": [{ "uuid": number.to_string() }] }))
    });
    let result = hub(&server, |hub| {
        hub.tokens(&canary(), &Owner::Account, &mut |_, _| {})
    });
    assert_eq!(kind_of(&fails(result)), "TooMany");
    assert_eq!(server.requests().len(), 100);
}

#[test]
fn what_is_no_list_is_an_error_by_what_there_is_to_do() {
    let says = |status: u16, text: &str| Answer::json(&json!({ "detail": text })).with_status(status);
    let table = [
        (says(401, GOSSIP), "Unauthorized"),
        (
            says(403, "token issued from personal access token is not allowed"),
            "FromToken(PersonalToken)",
        ),
        (
            Answer::json(&json!({ "message": "token issued from organization access token is not allowed" }))
                .with_status(403),
            "FromToken(OrganizationToken)",
        ),
        (says(403, GOSSIP), "Forbidden"),
        (Answer::page(403), "Answer"),
        (says(404, GOSSIP), "NotFound"),
        (says(400, GOSSIP), "Invalid"),
        (says(418, GOSSIP), "Status"),
        (Answer::page(200), "Answer"),
        (Answer::json(&json!([])), "Answer"),
        (
            Answer::json(&json!({ "results": [{ "uuid": "../users" }] })),
            "Answer",
        ),
        (
            Answer::new(302, "").with("Location", "http://127.0.0.1:1/"),
            "Http",
        ),
        (Answer::new(200, vec![b' '; 300_000]), "Http"),
    ];
    for (answer, kind) in table {
        let server = Fixture::start(move |_| answer.clone());
        for owner in [Owner::Account, acme()] {
            let result = hub(&server, |hub| hub.tokens(&canary(), &owner, &mut |_, _| {}));
            assert_eq!(kind_of(&fails(result)), kind);
        }
        assert_eq!(server.requests().len(), 2, "{kind}");
    }
}

// Making one.

#[test]
fn a_token_is_made_and_its_secret_is_told_once() {
    let server = Fixture::start(|_| {
        Answer::json(&json!({
            "uuid": ID, "token": CANARY, "token_label": "ci", "scopes": ["repo:read"], "generated_by": "manual",
            "created_at": "2026-11-22T08:00:00Z"
        }))
        .with_status(201)
    });
    let expires = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let new = NewToken::personal("ci", vec!["repo:read".into()], Some(expires)).unwrap();
    let created = hub(&server, |hub| hub.create(&bearer(), &new)).unwrap();
    assert_eq!((created.token.id.as_str(), created.secret.expose()), (ID, CANARY));
    // As it was asked for, where that is not told.
    assert_eq!(created.token.expires, Some(expires));
    assert!(!format!("{created:?}").contains(CANARY));
    let [request] = requests(&server);
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v2/access-tokens")
    );
    assert_eq!(
        request.body,
        r#"{"expires_at":"2027-01-15T08:00:00Z","scopes":["repo:read"],"token_label":"ci"}"#
    );
}

#[test]
fn what_is_told_of_a_new_tokens_end_stands_and_a_later_one_is_noticed() {
    let asked = "2027-01-15T08:00:00Z";
    let expires = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let table = [
        (json!({}), Some(0), false),
        (json!({ "expires_at": asked }), Some(0), false),
        (json!({ "expires_at": "2027-01-15T08:00:00.9Z" }), Some(0), false),
        (json!({ "expires_at": "2027-01-15T07:59:00Z" }), Some(-60), false),
        (json!({ "expires_at": "2027-01-15T08:01:00Z" }), Some(60), true),
        (json!({ "expires_at": null }), None, true),
        (json!({ "expires_at": "" }), None, true),
        (json!({ "expires_at": "0001-01-01T00:00:00Z" }), None, true),
        (json!({ "expires_at": "some day" }), None, true),
        (json!({ "expires_at": 1_800_000_000 }), None, true),
    ];
    for (told, seconds, is_longer) in table {
        let mut answer = told.clone();
        answer["uuid"] = ID.into();
        answer["token"] = CANARY.into();
        let server = Fixture::start(move |_| Answer::json(&answer).with_status(201));
        let new = NewToken::personal("ci", vec!["repo:read".into()], Some(expires)).unwrap();
        let created = hub(&server, |hub| hub.create(&bearer(), &new)).unwrap();
        let recorded = created.token.expires.map(|told| (told - expires).whole_seconds());
        assert_eq!((recorded, created.is_longer), (seconds, is_longer), "{told}");
        // Who asked for no end has what was asked for, and what is told.
        let created = hub(&server, |hub| hub.create(&bearer(), &personal())).unwrap();
        assert!(!created.is_longer, "{told}");
    }
}

#[test]
fn an_organizations_token_is_made_with_its_resources() {
    let resource = json!({ "type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"] });
    let answered = json!({ "id": "7", "token": CANARY, "label": "ci", "resources": [resource] });
    let server = Fixture::start(move |_| Answer::json(&answered).with_status(201));
    let resources = vec!["acme/app:pull".parse().unwrap()];
    let new = NewToken::of_organization("acme".parse().unwrap(), "ci", None, resources, None).unwrap();
    let created = hub(&server, |hub| hub.create(&bearer(), &new)).unwrap();
    assert_eq!(created.token.permissions.to_string(), "acme/app:pull");
    let [request] = requests(&server);
    assert_eq!(request.path, "/v2/orgs/acme/access-tokens");
    assert_eq!(
        request.body,
        r#"{"label":"ci","resources":[{"path":"acme/app","scopes":["scope-image-pull"],"type":"TYPE_REPO"}]}"#
    );
}

#[test]
fn a_token_that_is_not_made_is_no_riddle() {
    let says = |status: u16, body: Value| Answer::json(&body).with_status(status);
    let table = [
        (says(401, json!({})), "Unauthorized"),
        (
            says(
                403,
                json!({ "detail": "token issued from personal access token is not allowed" }),
            ),
            "FromToken(PersonalToken)",
        ),
        (says(403, json!({ "detail": GOSSIP })), "Forbidden"),
        (
            says(403, json!({ "message": "access token limit reached: 10" })),
            "Limit(Some(10))",
        ),
        (
            says(
                400,
                json!({ "text": "maximum number of tokens reached", "fields": {} }),
            ),
            "Limit(None)",
        ),
        (
            says(
                400,
                json!({ "text": GOSSIP, "fields": { "token_label": GOSSIP } }),
            ),
            "Invalid",
        ),
        (says(422, json!({ "errinfo": { GOSSIP: 1 } })), "Invalid"),
        (says(404, json!({})), "NotFound"),
    ];
    for (answer, kind) in table {
        let server = Fixture::start(move |_| answer.clone());
        let error = fails(hub(&server, |hub| hub.create(&bearer(), &personal())));
        assert_eq!(kind_of(&error), kind);
        assert_eq!(server.requests().len(), 1, "{kind}");
    }
}

#[test]
fn a_refusal_names_the_field_it_is_about() {
    let server = Fixture::start(|_| {
        let fields = json!({ "token_label": [GOSSIP], "expires_at": GOSSIP, GOSSIP: 1 });
        Answer::json(&json!({ "fields": fields, "text": GOSSIP })).with_status(400)
    });
    let error = fails(hub(&server, |hub| hub.create(&bearer(), &personal())));
    assert_eq!(
        error.to_string(),
        format!(
            "{} does not take it (400): check expires, label",
            server.address()
        )
    );
}

#[test]
fn a_token_is_asked_for_once_whatever_comes_of_it() {
    let whole = Answer::json(&json!({ "uuid": ID, "token": CANARY }));
    let table = [
        (Answer::page(500), "Unsure(Status)"),
        (Answer::page(503), "Unsure(Status)"),
        (Answer::raw(""), "Unsure(Http)"),
        (Answer::raw("SSH-2.0\r\n"), "Unsure(Http)"),
        (whole.clone().broken_off_after(9), "Unsure(Http)"),
        (whole.slowly(), "Unsure(Http)"),
        (Answer::new(201, vec![b' '; 300_000]), "Unsure(Http)"),
        (Answer::page(201), "Unsure(Answer)"),
        (Answer::json(&json!({ "uuid": ID })), "Unsure(Answer)"),
        (
            Answer::json(&json!({ "uuid": ID, "token": "" })),
            "Unsure(Answer)",
        ),
        (
            Answer::json(&json!({ "uuid": ID, "token": "a\nb" })),
            "Unsure(Answer)",
        ),
        (Answer::json(&json!({ "token": CANARY })), "Unsure(Answer)"),
    ];
    for (answer, kind) in table {
        let server = Fixture::start(move |_| answer.clone());
        let error = fails(at(&api(&server), Duration::from_secs(2), |hub| {
            hub.create(&bearer(), &personal())
        }));
        assert_eq!(kind_of(&error), kind);
        assert_eq!(server.requests().len(), 1, "{kind}");
    }
}

#[test]
fn a_token_that_nobody_was_asked_for_was_not_made() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let api = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
    drop(free);
    let error = fails(at(&api, LONG, |hub| hub.create(&bearer(), &personal())));
    assert!(
        matches!(error, HubError::Http(HttpError::Connect { .. })),
        "{error:?}"
    );
}

// One token.

#[test]
fn one_token_is_asked_for_changed_and_revoked_by_its_id() {
    let server = Fixture::start(|request| match request.method.as_str() {
        "DELETE" => Answer::new(204, ""),
        _ => Answer::json(&json!({ "uuid": ID, "is_active": false })),
    });
    let id = ID.parse().unwrap();
    let change = Change::new(None, Some(false)).unwrap();
    hub(&server, |hub| {
        let token = hub.token(&bearer(), &Owner::Account, &id).unwrap().unwrap();
        assert_eq!(token.id, id);
        let token = hub.update(&bearer(), &acme(), &id, &change).unwrap().unwrap();
        assert!(!token.is_active);
        assert_eq!(hub.revoke(&bearer(), &Owner::Account, &id).unwrap(), Revoked::Now);
    });
    let said: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| (request.method, request.path, request.body))
        .collect();
    let [own, other] =
        ["/v2/access-tokens", "/v2/orgs/acme/access-tokens"].map(|list| format!("{list}/{ID}"));
    assert_eq!(
        said,
        [
            ("GET".into(), own.clone(), String::new()),
            ("PATCH".into(), other, r#"{"is_active":false}"#.into()),
            ("DELETE".into(), own, String::new()),
        ]
    );
}

#[test]
fn a_token_that_is_not_there_is_no_error() {
    let server = Fixture::start(|_| Answer::json(&json!({ "detail": GOSSIP })).with_status(404));
    let id = ID.parse().unwrap();
    let change = Change::new(Some("new"), None).unwrap();
    hub(&server, |hub| {
        assert_eq!(hub.token(&bearer(), &Owner::Account, &id).unwrap(), None);
        assert_eq!(
            hub.update(&bearer(), &Owner::Account, &id, &change).unwrap(),
            None
        );
        assert_eq!(
            hub.revoke(&bearer(), &Owner::Account, &id).unwrap(),
            Revoked::WasGone
        );
    });
    for status in [200, 202, 204] {
        let server = Fixture::start(move |_| Answer::new(status, ""));
        let revoked = hub(&server, |hub| hub.revoke(&bearer(), &Owner::Account, &id));
        assert_eq!(revoked.unwrap(), Revoked::Now);
    }
}

#[test]
fn an_absence_or_a_revocation_that_somebody_else_tells_of_is_none() {
    let id = ID.parse().unwrap();
    let change = Change::new(Some("new"), None).unwrap();
    for answer in [
        Answer::page(404),
        Answer::new(404, ""),
        Answer::json(&json!([])).with_status(404),
    ] {
        let server = Fixture::start(move |_| answer.clone());
        for owner in [Owner::Account, acme()] {
            let errors = hub(&server, |hub| {
                [
                    fails(hub.token(&bearer(), &owner, &id)),
                    fails(hub.update(&bearer(), &owner, &id, &change)),
                    fails(hub.revoke(&bearer(), &owner, &id)),
                    fails(hub.tokens(&bearer(), &owner, &mut |_, _| {})),
                    fails(hub.create(&bearer(), &personal())),
                ]
            });
            for error in errors {
                assert_eq!(
                    error.to_string(),
                    format!(
                        "{} answered that there is nothing (404), and not as Docker Hub does; check hub.api in \
                         settings.json",
                        server.address()
                    )
                );
            }
        }
    }
    for answer in [Answer::page(410), Answer::page(200)] {
        let server = Fixture::start(move |_| answer.clone());
        let result = hub(&server, |hub| hub.revoke(&bearer(), &Owner::Account, &id));
        assert_eq!(kind_of(&fails(result)), "Answer");
    }
}

#[test]
fn a_list_whose_next_page_somebody_else_has_not_is_not_whole() {
    let server = Fixture::start(|request| match request.value("page").as_deref() {
        Some("1") => Answer::json(&json!({ "next": "more", "results": [{ "uuid": "a" }] })),
        _ => Answer::page(404),
    });
    let result = hub(&server, |hub| {
        hub.tokens(&bearer(), &Owner::Account, &mut |_, _| {})
    });
    assert_eq!(kind_of(&fails(result)), "Answer");
}

// Faults and haste.

#[test]
fn what_reads_or_revokes_is_tried_again_and_what_changes_is_not() {
    let id = ID.parse().unwrap();
    let change = Change::new(Some("new"), None).unwrap();
    for fault in [Answer::page(500), Answer::page(502), Answer::raw("")] {
        let faults = |count: usize| {
            let (asked, fault) = (AtomicUsize::new(0), fault.clone());
            Fixture::start(move |request| match asked.fetch_add(1, Ordering::Relaxed) {
                number if number < count => fault.clone(),
                _ if request.method == "DELETE" => Answer::new(204, ""),
                _ => Answer::json(&json!({ "uuid": ID })),
            })
        };
        let twice = faults(2);
        assert!(hub(&twice, |hub| hub.token(&bearer(), &Owner::Account, &id)).is_ok());
        let twice = faults(2);
        assert!(hub(&twice, |hub| hub.revoke(&bearer(), &Owner::Account, &id)).is_ok());
        assert_eq!(twice.requests().len(), 3);
        let thrice = faults(3);
        fails(hub(&thrice, |hub| hub.revoke(&bearer(), &Owner::Account, &id)));
        assert_eq!(thrice.requests().len(), 3);
        let once = faults(1);
        fails(hub(&once, |hub| {
            hub.update(&bearer(), &Owner::Account, &id, &change)
        }));
        assert_eq!(once.requests().len(), 1);
    }
}

#[test]
fn who_is_told_to_wait_waits_by_the_servers_clock() {
    // 2009-11-22T08:00:00Z, and a second later.
    let table = [
        ("X-Retry-After", "1258876801"),
        ("X-Retry-After", "1"),
        ("Retry-After", "1"),
        ("Retry-After", "Sun, 22 Nov 2009 08:00:01 GMT"),
    ];
    for (name, text) in table {
        let server = busy_once(
            Answer::page(429)
                .with(name, text)
                .with("Date", "Sun, 22 Nov 2009 08:00:00 GMT"),
        );
        let start = Instant::now();
        // Even what makes something: it was refused.
        hub(&server, |hub| hub.create(&bearer(), &personal())).unwrap();
        let took = start.elapsed();
        assert!(
            (Duration::from_secs(1)..Duration::from_secs(10)).contains(&took),
            "{name}: {text}: {took:?}"
        );
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn who_is_told_to_wait_for_long_says_so_at_once() {
    let answer = |text: &str| {
        Answer::page(429)
            .with("X-Retry-After", text)
            .with("Date", "Sun, 22 Nov 2009 08:00:00 GMT")
    };
    for text in ["1258876866", "66"] {
        let server = busy_once(answer(text));
        let error = fails(at(&api(&server), LONG * 15, |hub| {
            hub.tokens(&bearer(), &Owner::Account, &mut |_, _| {})
        }));
        assert_eq!(
            error.to_string(),
            format!(
                "{} answers too many requests (429); try again after 2009-11-22T08:01:06Z",
                server.address()
            )
        );
        assert_eq!(server.requests().len(), 1);
    }
    // Nor is it waited for beyond the deadline.
    let server = busy_once(answer("1258876805"));
    let start = Instant::now();
    let result = at(&api(&server), Duration::from_secs(3), |hub| {
        hub.create(&bearer(), &personal())
    });
    assert_eq!(kind_of(&fails(result)), "Busy");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn who_is_busy_and_does_not_say_until_when_is_asked_three_times() {
    let server = Fixture::start(|_| Answer::page(429).with("X-Retry-After", "soon"));
    let error = fails(hub(&server, |hub| hub.create(&bearer(), &personal())));
    assert_eq!(
        error.to_string(),
        format!(
            "{} answers too many requests (429); try again later",
            server.address()
        )
    );
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn the_last_request_that_is_allowed_delays_the_next_one() {
    let id = ID.parse().unwrap();
    let took = |remaining: &'static str, reset: &'static str| {
        let server = Fixture::start(move |_| {
            Answer::new(204, "")
                .with("X-RateLimit-Limit", "60")
                .with("X-RateLimit-Remaining", remaining)
                .with("X-RateLimit-Reset", reset)
                .with("Date", "Sun, 22 Nov 2009 08:00:00 GMT")
        });
        hub(&server, |hub| {
            hub.revoke(&bearer(), &Owner::Account, &id).unwrap();
            let start = Instant::now();
            hub.revoke(&bearer(), &Owner::Account, &id).unwrap();
            start.elapsed()
        })
    };
    let two = Duration::from_secs(2) - Duration::from_millis(50);
    assert!(took("0", "1258876802") > two);
    for (remaining, reset) in [
        ("1", "1258876802"),
        ("0", "1258876800"),
        ("0", "1258876023"),
        ("0", "x"),
        ("0", "1258885022"),
    ] {
        assert!(took(remaining, reset) < two, "{remaining} {reset}");
    }
}

#[test]
fn the_time_there_is_that_of_the_last_answer_which_told_it() {
    let dates = [
        "Sun, 22 Nov 2009 08:00:00 GMT",
        "Sun, 22 Nov 2009 08:00:07 GMT",
        "noon",
    ];
    let asked = AtomicUsize::new(0);
    let server = Fixture::start(move |_| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let status = [204, 500, 204][number.min(2)];
        Answer::new(status, "").with("Date", dates[number.min(2)])
    });
    let id = ID.parse().unwrap();
    hub(&server, |hub| {
        assert_eq!(hub.heard(), None);
        let revoke = || hub.revoke(&bearer(), &Owner::Account, &id).unwrap();
        revoke();
        let first = hub.heard().unwrap();
        assert_eq!(first.time.unix_timestamp(), 1_258_876_800);
        // A fault that passed, and an answer that tells nothing.
        revoke();
        assert_eq!(hub.heard(), Some(first));
        assert!(first.at.elapsed() < LONG);
    });
}

#[test]
fn nothing_is_sent_in_the_clear_but_to_this_machine() {
    for api in [
        "http://hub.example.com",
        "http://hub.example.com:80/x",
        "http://10.0.0.1/",
    ] {
        let error = fails(at(&api.parse().unwrap(), LONG, |hub| {
            hub.sign_in("anna", &canary(), OffsetDateTime::UNIX_EPOCH)
        }));
        assert!(
            matches!(error, HubError::Http(HttpError::Url { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn every_call_ends_at_the_deadline() {
    let server = Fixture::start(|_| Answer::json(&json!({ "results": [] })).with_slow_body());
    let start = Instant::now();
    let error = fails(at(&api(&server), Duration::from_secs(1), |hub| {
        hub.tokens(&bearer(), &Owner::Account, &mut |_, _| {})
    }));
    assert!(
        matches!(error, HubError::Http(HttpError::Timeout { .. })),
        "{error:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(3));
}

fn hub<T>(server: &Fixture, ask: impl FnOnce(&Hub<'_>) -> T) -> T {
    at(&api(server), LONG, ask)
}

fn at<T>(api: &Url, budget: Duration, ask: impl FnOnce(&Hub<'_>) -> T) -> T {
    let http = Http::new(Trust::default(), Instant::now() + budget);
    ask(&Hub::new(api, &http))
}

fn api(server: &Fixture) -> Url {
    format!("http://{}", server.address()).parse().unwrap()
}

/// Busy the first time, and then makes a token.
fn busy_once(busy: Answer) -> Fixture {
    let asked = AtomicUsize::new(0);
    Fixture::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => busy.clone(),
        _ => Answer::json(&json!({ "uuid": ID, "token": CANARY })),
    })
}

fn canary() -> Secret {
    Secret::new(CANARY.to_owned())
}

fn bearer() -> Secret {
    canary()
}

fn acme() -> Owner {
    Owner::Organization("acme".parse().unwrap())
}

fn personal() -> NewToken {
    NewToken::personal("ci", vec!["repo:read".into()], None).unwrap()
}

#[track_caller]
fn requests<const N: usize>(server: &Fixture) -> [Request; N] {
    server.requests().try_into().unwrap()
}

/// The error, in whose texts there is nothing that is secret or that a server said.
#[track_caller]
fn fails<T: Debug>(result: Result<T, HubError>) -> HubError {
    let error = result.unwrap_err();
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains(CANARY) && !text.contains(GOSSIP), "{text}");
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
    }
    error
}

fn kind_of(error: &HubError) -> String {
    match error {
        HubError::FromToken(why) => format!("FromToken({why:?})"),
        HubError::Limit { most, .. } => format!("Limit({most:?})"),
        HubError::Unsure { why, .. } => format!("Unsure({})", kind_of(why)),
        HubError::Answer {
            why: InvalidAnswer::Bearer(_),
            ..
        } => "Answer".to_owned(),
        error => format!("{error:?}")
            .split([' ', '(', '{'])
            .next()
            .unwrap()
            .to_owned(),
    }
}
