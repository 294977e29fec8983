//! The Docker Hub of these tests keeps to what is documented: what is proved against it depends on that.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where it errs"
)]

mod support;

use std::time::Instant;

use serde_json::{Value, json};
use support::bearer::claims;
use support::client::{Client, Reply, basic};
use support::fixture::answer::Answer;
use support::hub::account::{Account, Organization};
use support::hub::fault::Fault;
use support::hub::log::Proof;
use support::hub::token::Token;
use support::hub::{ANNA, BEN, Config, Hub};
use support::hub_scene::HubScene;
use support::peer;
use support::registry::REGISTRY;
use time::{Duration, OffsetDateTime};

const PERSONAL: &str = "/v2/access-tokens";
const OF_ACME: &str = "/v2/orgs/acme/access-tokens";
const FROM_PERSONAL: &str = "token issued from personal access token is not allowed";
const FROM_ORGANIZATION: &str = "token issued from organization access token is not allowed";

/// Somebody with a bearer, or nobody.
struct Caller<'a> {
    hub: &'a Hub,
    authorization: Option<String>,
}

impl<'a> Caller<'a> {
    fn nobody(hub: &'a Hub) -> Self {
        Self {
            hub,
            authorization: None,
        }
    }

    fn with(hub: &'a Hub, bearer: &str) -> Self {
        Self {
            hub,
            authorization: Some(format!("Bearer {bearer}")),
        }
    }

    #[track_caller]
    fn signed_in(hub: &'a Hub, name: &str, secret: &str) -> Self {
        let reply = sign_in(hub, name, secret);
        assert_eq!(reply.status, 200, "{reply:?}");
        Self::with(hub, text(&reply.json()["access_token"]))
    }

    fn anna(hub: &'a Hub) -> Self {
        Self::signed_in(hub, "anna", ANNA)
    }

    /// Nothing where the connection ends.
    fn try_to(&self, method: &str, target: &str, body: Option<&Value>) -> Option<Reply> {
        Client::to(&self.hub.api()).ask(method, target, self.authorization.as_deref(), body)
    }

    #[track_caller]
    fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Reply {
        self.try_to(method, target, body).expect("an answer")
    }

    #[track_caller]
    fn get(&self, target: &str) -> Value {
        let reply = self.ask("GET", target, None);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    #[track_caller]
    fn post(&self, target: &str, body: &Value) -> Reply {
        self.ask("POST", target, Some(body))
    }

    /// A new personal token, with its secret.
    #[track_caller]
    fn make(&self, label: &str, scope: &str) -> Value {
        let reply = self.post(PERSONAL, &json!({ "token_label": label, "scopes": [scope] }));
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()
    }
}

fn sign_in(hub: &Hub, name: &str, secret: &str) -> Reply {
    let body = json!({ "identifier": name, "secret": secret });
    Caller::nobody(hub).post("/v2/auth/token", &body)
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The labels on a page.
fn labels(page: &Value) -> Vec<&str> {
    let results = page["results"].as_array().expect("a list");
    results.iter().map(|token| text(&token["token_label"])).collect()
}

/// What of everything there is the authorization server lets somebody do with a repository; nothing where it does
/// not know them.
fn may(hub: &Hub, name: &str, secret: &str, repository: &str) -> Option<String> {
    let target = format!("/token?service=registry&scope=repository:{repository}:pull,push,delete");
    let reply = Client::to(&hub.realm())
        .ask("GET", &target, Some(&basic(name, secret)), None)
        .expect("an answer");
    if reply.status == 401 {
        return None;
    }
    let claims = claims(text(&reply.json()["token"]));
    let actions = claims["access"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|scope| scope["actions"].as_array().expect("a list"))
        .map(text);
    Some(actions.collect::<Vec<_>>().join(","))
}

fn long_ago(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() - Duration::days(days)
}

#[test]
fn a_password_is_exchanged_for_a_bearer_of_ten_minutes() {
    let hub = Hub::start(Config::default());
    let reply = sign_in(&hub, "anna", ANNA).json();
    let claims = claims(text(&reply["access_token"]));
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(
        (life, &claims["https://hub.docker.com"]["username"]),
        (600, &json!("anna"))
    );
    let anna = Caller::with(&hub, text(&reply["access_token"]));
    assert_eq!(anna.get(PERSONAL)["count"], 0);
    hub.advance(Duration::minutes(10));
    assert_eq!(anna.ask("GET", PERSONAL, None).status, 401);
}

#[test]
fn who_is_not_known_is_told_401() {
    let hub = Hub::start(Config {
        accounts: vec![
            Account::new("anna", ANNA),
            Account::new("cleo", "password-of-cleo").with_second_factor(),
        ],
        ..Config::default()
    });
    for (name, secret) in [("anna", "no"), ("nobody", ANNA), ("acme", ANNA)] {
        assert_eq!(sign_in(&hub, name, secret).status, 401, "{name}");
    }
    let reply = sign_in(&hub, "cleo", "password-of-cleo");
    assert_eq!(reply.status, 401);
    assert!(reply.json()["login_2fa_token"].is_string());
    assert_eq!(may(&hub, "cleo", "password-of-cleo", "cleo/app"), None);

    let made_up = sign_in(&Hub::start(Config::default()), "anna", ANNA).json();
    for caller in [
        Caller::nobody(&hub),
        Caller::with(&hub, "a.b.c"),
        Caller::with(&hub, text(&made_up["access_token"])),
    ] {
        for (method, path) in [
            ("GET", PERSONAL),
            ("POST", OF_ACME),
            ("DELETE", "/v2/access-tokens/x"),
        ] {
            assert_eq!(caller.ask(method, path, None).status, 401, "{method} {path}");
        }
    }
    assert_eq!(
        hub.requests().last().map(|request| request.proof),
        Some(Proof::Unknown)
    );
}

#[test]
fn a_bearer_that_was_made_from_a_token_manages_nothing() {
    let hub = Hub::start(Config::default());
    let personal = hub.generate("anna", "manual", "ci", long_ago(1), None);
    let organization = hub.generate_for_organization("acme", "ci", &[("acme/app", &["scope-image-pull"])]);
    for (name, token, source, message) in [
        ("anna", &personal, "docker_pat|", FROM_PERSONAL),
        ("acme", &organization, "docker_oat|", FROM_ORGANIZATION),
    ] {
        let reply = sign_in(&hub, name, &token.secret).json();
        let bearer = text(&reply["access_token"]);
        let told = &claims(bearer)["https://hub.docker.com"];
        assert_eq!(told["source"], format!("{source}{}", token.id));
        let caller = Caller::with(&hub, bearer);
        let one = format!("{PERSONAL}/{}", personal.id);
        for (method, path) in [
            ("GET", PERSONAL),
            ("POST", PERSONAL),
            ("GET", &one),
            ("PATCH", &one),
            ("DELETE", &one),
            ("POST", "/v2/access-tokens/desktop-generate"),
            ("GET", OF_ACME),
            ("POST", OF_ACME),
        ] {
            let reply = caller.ask(method, path, None);
            assert_eq!((reply.status, &reply.json()["message"]), (403, &json!(message)));
        }
        assert!(
            hub.requests()
                .iter()
                .all(|request| request.who.as_deref() != Some("ben"))
        );
        hub.revoke(&token.id);
        assert_eq!(caller.ask("GET", PERSONAL, None).status, 401);
    }
    assert_eq!(hub.tokens("anna"), []);
}

#[test]
fn a_personal_token_is_made_listed_changed_and_deleted() {
    let hub = Hub::start(Config::default());
    let anna = Caller::anna(&hub);
    let expires = "2999-01-31T12:00:00Z";
    let reply = anna.post(
        PERSONAL,
        &json!({ "token_label": "ci", "scopes": ["repo:read"], "expires_at": expires }),
    );
    let made = reply.json();
    assert_eq!(reply.status, 201);
    assert!(text(&made["token"]).starts_with("dckr_pat_"));
    assert_eq!(
        (&made["generated_by"], &made["last_used"], &made["expires_at"]),
        (
            &json!("manual"),
            &Value::Null,
            &json!("2999-01-31T12:00:00.000000Z")
        )
    );

    let one = format!("{PERSONAL}/{}", text(&made["uuid"]));
    let mut unseen = made.clone();
    unseen["token"] = json!("");
    assert_eq!(anna.get(&one), unseen, "its secret is shown once");
    assert_eq!(
        anna.get(PERSONAL),
        json!({ "count": 1, "next": null, "previous": null, "active_count": 1, "results": [unseen] })
    );

    let change = json!({ "token_label": "ci 2", "is_active": false });
    let changed = anna.ask("PATCH", &one, Some(&change)).json();
    assert_eq!(
        (&changed["token_label"], &changed["is_active"]),
        (&json!("ci 2"), &json!(false))
    );
    assert_eq!(anna.get(PERSONAL)["active_count"], 0);
    let change = json!({ "expires_at": "2999-02-01T00:00:00Z" });
    assert_eq!(
        anna.ask("PATCH", &one, Some(&change)).status,
        400,
        "it cannot be prolonged"
    );

    let deleted = anna.ask("DELETE", &one, None);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(anna.ask(method, &one, Some(&json!({}))).status, 404, "{method}");
    }
}

#[test]
fn what_is_not_in_order_is_refused() {
    let hub = Hub::start(Config::default());
    let anna = Caller::anna(&hub);
    let long = "x".repeat(101);
    for body in [
        json!({}),
        json!({ "token_label": "ci" }),
        json!({ "token_label": "", "scopes": ["repo:read"] }),
        json!({ "token_label": long, "scopes": ["repo:read"] }),
        json!({ "token_label": "ci", "scopes": [] }),
        json!({ "token_label": "ci", "scopes": ["repo:everything"] }),
        json!({ "token_label": "ci", "scopes": ["repo:read"], "expires_at": "2020-01-01T00:00:00Z" }),
        json!({ "token_label": "ci", "scopes": ["repo:read"], "expires_at": "tomorrow" }),
    ] {
        assert_eq!(anna.post(PERSONAL, &body).status, 400, "{body}");
    }
    let pull = |path: &str| json!({ "type": "TYPE_REPO", "path": path, "scopes": ["scope-image-pull"] });
    let too_many: Vec<_> = (0..51).map(|number| pull(&format!("acme/{number}"))).collect();
    for body in [
        json!({ "label": "ci" }),
        json!({ "label": "ci", "resources": [] }),
        json!({ "label": "", "resources": [pull("acme/app")] }),
        json!({ "label": "ci", "description": "x".repeat(201), "resources": [pull("acme/app")] }),
        json!({ "label": "ci", "resources": too_many }),
        json!({ "label": "ci", "resources": [pull("other/app")] }),
        json!({ "label": "ci", "resources": [pull("acme")] }),
        json!({ "label": "ci", "resources": [{ "type": "TYPE_X", "path": "acme/app", "scopes": ["x"] }] }),
        json!({ "label": "ci", "resources": [{ "type": "TYPE_REPO", "path": "acme/app", "scopes": [] }] }),
    ] {
        assert_eq!(anna.post(OF_ACME, &body).status, 400, "{body}");
    }
    assert_eq!((hub.tokens("anna"), hub.tokens("acme")), (vec![], vec![]));
}

#[test]
fn an_organization_token_is_made_listed_changed_and_deleted() {
    let hub = Hub::start(Config::default());
    let anna = Caller::anna(&hub);
    let resources = json!([
        { "type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull", "scope-image-push"] },
        { "type": "TYPE_ORG", "path": "acme", "scopes": ["scope-member-read"] },
    ]);
    let body = json!({ "label": "ci", "description": "of the pipeline", "resources": resources, "expires_at": null });
    let reply = anna.post(OF_ACME, &body);
    let made = reply.json();
    assert_eq!(reply.status, 201);
    assert!(text(&made["token"]).starts_with("dckr_oat_"));
    assert_eq!(
        (&made["created_by"], &made["resources"]),
        (&json!("anna"), &resources)
    );

    let listed = anna.get(OF_ACME);
    assert_eq!((&listed["total"], &listed["next"]), (&json!(1), &json!("")));
    assert!(listed["results"][0].get("resources").is_none());
    let one = format!("{OF_ACME}/{}", text(&made["id"]));
    let shown = anna.get(&one);
    assert_eq!(shown["resources"], resources);
    assert!(shown.get("token").is_none());

    let change = json!({ "label": "ci 2", "is_active": false });
    assert_eq!(anna.ask("PATCH", &one, Some(&change)).json()["label"], "ci 2");
    assert_eq!(anna.ask("DELETE", &one, None).status, 204);
    assert_eq!(anna.ask("DELETE", &one, None).status, 404);
}

#[test]
fn each_manages_what_is_theirs_only() {
    let hub = Hub::start(Config::default());
    let of_anna = hub.generate("anna", "manual", "ci", long_ago(1), None);
    let of_acme = hub.generate_for_organization("acme", "ci", &[("acme/app", &["scope-image-pull"])]);
    let ben = Caller::signed_in(&hub, "ben", BEN);
    assert_eq!(ben.get(PERSONAL)["count"], 0);
    for method in ["GET", "PATCH", "DELETE"] {
        let body = Some(json!({}));
        for (path, status) in [
            (format!("{PERSONAL}/{}", of_anna.id), 404),
            (format!("{PERSONAL}/{}", of_acme.id), 404),
            (format!("{OF_ACME}/{}", of_acme.id), 403),
            (format!("/v2/orgs/other/access-tokens/{}", of_acme.id), 404),
        ] {
            assert_eq!(
                ben.ask(method, &path, body.as_ref()).status,
                status,
                "{method} {path}"
            );
        }
    }
    let anna = Caller::anna(&hub);
    assert_eq!(
        anna.ask("GET", &format!("{OF_ACME}/{}", of_anna.id), None).status,
        404
    );
    assert_eq!(
        (hub.tokens("anna"), hub.tokens("acme")),
        (vec![of_anna], vec![of_acme])
    );
}

#[test]
fn an_owner_with_all_the_tokens_it_can_have_makes_no_more() {
    let hub = Hub::start(Config {
        accounts: vec![Account::new("anna", ANNA).at_most(1)],
        organizations: vec![Organization::new("acme", &["anna"]).at_most(1)],
        ..Config::default()
    });
    let anna = Caller::anna(&hub);
    hub.browser_login("anna");
    let first = anna.make("first", "repo:read");
    let second = json!({ "token_label": "second", "scopes": ["repo:read"] });
    let refused = anna.post(PERSONAL, &second);
    assert_eq!(
        (refused.status, &refused.json()["text"]),
        (400, &json!("maximum number of personal access tokens reached: 1"))
    );
    anna.ask("DELETE", &format!("{PERSONAL}/{}", text(&first["uuid"])), None);
    assert_eq!(anna.post(PERSONAL, &second).status, 201);

    let body = json!({ "label": "ci", "resources": [
        { "type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"] },
    ]});
    let first = anna.post(OF_ACME, &body).json();
    hub.change(text(&first["id"]), |token| {
        token.is_active = false;
        token.expires = Some(long_ago(1));
    });
    let refused = anna.post(OF_ACME, &body);
    assert_eq!(
        (refused.status, &refused.json()["message"]),
        (
            403,
            &json!("maximum number of organization access tokens reached: 1")
        )
    );
}

#[test]
fn a_list_comes_in_pages_the_newest_first() {
    let hub = Hub::start(Config {
        page_cap: 20,
        ..Config::default()
    });
    for number in 0..25 {
        hub.generate(
            "anna",
            "manual",
            &number.to_string(),
            long_ago(100 - number),
            None,
        );
    }
    let anna = Caller::anna(&hub);
    let first = anna.get(PERSONAL);
    assert_eq!((labels(&first).len(), labels(&first)[0]), (10, "24"));
    let url = format!("{}{PERSONAL}", hub.api());
    assert_eq!(
        (&first["count"], &first["next"], &first["previous"]),
        (
            &json!(25),
            &json!(format!("{url}?page=2&page_size=10")),
            &Value::Null
        )
    );
    let last = anna.get(&format!("{PERSONAL}?page=2&page_size=100"));
    assert_eq!(labels(&last), ["4", "3", "2", "1", "0"]);
    assert_eq!(
        (&last["next"], &last["previous"]),
        (&Value::Null, &json!(format!("{url}?page=1&page_size=20")))
    );
    for (query, status) in [
        ("page=3&page_size=20", 404),
        ("page=0", 400),
        ("page_size=x", 400),
    ] {
        let reply = anna.ask("GET", &format!("{PERSONAL}?{query}"), None);
        assert_eq!(reply.status, status, "{query}");
    }
}

#[test]
fn a_thousand_tokens_are_ten_pages() {
    let hub = Hub::start(Config::default());
    for number in 0..1000 {
        hub.generate("anna", "manual", &number.to_string(), long_ago(number), None);
    }
    let anna = Caller::anna(&hub);
    let start = Instant::now();
    let mut client = Client::to(&hub.api());
    let mut seen = 0;
    for page in 1..=10 {
        let target = format!("{PERSONAL}?page={page}&page_size=100");
        let reply = client.ask("GET", &target, anna.authorization.as_deref(), None);
        seen += labels(&reply.expect("an answer on the same connection").json()).len();
    }
    assert_eq!(seen, 1000);
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

#[test]
fn the_sixth_browser_login_ends_the_one_that_was_used_least_recently() {
    let hub = Hub::start(Config::default());
    let manual = hub.generate("anna", "manual", "ci", long_ago(100), None);
    let mut logins: Vec<Token> = (0..5)
        .map(|_| {
            hub.advance(Duration::minutes(1));
            hub.browser_login("anna").token
        })
        .collect();
    assert_eq!(hub.tokens("anna").len(), 6);
    hub.advance(Duration::minutes(1));
    hub.use_token(&logins[0].id);

    let bearer = hub.browser_login("anna").access_token;
    let ended = logins.remove(1);
    assert_eq!(hub.token(&ended.id), None);
    assert_eq!(may(&hub, "anna", &ended.secret, "anna/app"), None);
    for kept in &logins {
        assert!(hub.is_good("anna", &kept.secret));
    }
    assert!(hub.is_good("anna", &manual.secret));

    let anna = Caller::with(&hub, &bearer);
    let path = "/v2/access-tokens/desktop-generate";
    let reply = anna.ask("POST", path, None);
    let secret = reply.json()["data"]["token"].clone();
    let made = hub.token_of("anna", text(&secret)).expect("a token");
    assert_eq!((reply.status, made.source.as_str()), (201, "auto-generated"));
    assert_eq!(hub.token(&logins[1].id), None, "they were never used");
    assert_eq!(Caller::anna(&hub).ask("POST", path, None).status, 403);
    assert_eq!(anna.get(PERSONAL)["count"], 6, "it manages tokens");
    assert_eq!(claims(&bearer)["https://hub.docker.com"]["username"], "anna");
}

#[test]
fn the_registry_lets_a_token_do_what_its_scopes_say() {
    let hub = Hub::start(Config {
        public: vec!["library/*".to_owned()],
        ..Config::default()
    });
    let is = |name: &str, secret: &str, repository: &str, actions: &str| {
        let granted = may(&hub, name, secret, repository);
        assert_eq!(granted.as_deref(), Some(actions), "{name} in {repository}");
    };
    let anna = Caller::anna(&hub);
    for (scope, actions) in [
        ("repo:admin", "pull,push,delete"),
        ("repo:write", "pull,push"),
        ("repo:read", "pull"),
        ("repo:public_read", ""),
    ] {
        let made = anna.make(scope, scope);
        let secret = text(&made["token"]);
        is("anna", secret, "anna/app", actions);
        is("anna", secret, "acme/app", actions);
        is("anna", secret, "ben/app", "");
        is("anna", secret, "library/app", "pull");
        assert_eq!(may(&hub, "ben", secret, "ben/app"), None, "{scope}");
    }
    is("anna", ANNA, "anna/app", "pull,push,delete");

    let pull: &[&str] = &["scope-image-pull"];
    let both: &[&str] = &["scope-image-pull", "scope-image-push"];
    let resources = [("acme/app", both), ("acme/a*", pull)];
    let token = hub.generate_for_organization("acme", "ci", &resources);
    is("acme", &token.secret, "acme/app", "pull,push");
    is("acme", &token.secret, "acme/apple", "pull");
    is("acme", &token.secret, "acme/other", "");
    assert_eq!(may(&hub, "anna", &token.secret, "acme/app"), None);
}

#[test]
fn the_registry_takes_a_token_for_as_long_as_it_is_good() {
    let hub = Hub::start(Config::default());
    let make = || hub.generate("anna", "manual", "ci", long_ago(1), None);
    let token = make();
    assert!(may(&hub, "anna", &token.secret, "anna/app").is_some());
    let used = hub.token(&token.id).unwrap().last_used.expect("a use");
    assert!(used > token.created && used <= hub.now());
    let anna = Caller::anna(&hub);
    let listed = &anna.get(PERSONAL)["results"][0]["last_used"];
    assert!(listed.is_string());

    let now = hub.now();
    hub.change(&token.id, |token| token.is_active = false);
    assert_eq!(may(&hub, "anna", &token.secret, "anna/app"), None);
    hub.change(&token.id, |token| {
        token.is_active = true;
        token.expires = Some(now + Duration::hours(1));
    });
    assert!(may(&hub, "anna", &token.secret, "anna/app").is_some());
    hub.advance(Duration::hours(1));
    assert_eq!(may(&hub, "anna", &token.secret, "anna/app"), None);
    assert_eq!(sign_in(&hub, "anna", &token.secret).status, 401);

    let token = make();
    hub.revoke(&token.id);
    assert_eq!(may(&hub, "anna", &token.secret, "anna/app"), None);
}

#[test]
fn a_refresh_token_ends_with_the_token_that_it_was_given_for() {
    let hub = Hub::start(Config::default());
    hub.token_server.set_refresh_tokens(true);
    let token = hub.generate("anna", "manual", "ci", long_ago(1), None);
    let mut client = Client::to(&hub.realm());
    let target = "/token?service=registry&offline_token=true";
    let given = client
        .ask("GET", target, Some(&basic("anna", &token.secret)), None)
        .expect("an answer")
        .json();
    let form = format!(
        "grant_type=refresh_token&service=registry&client_id=x&refresh_token={}",
        text(&given["refresh_token"])
    );
    let mut status = || client.post_form("/token", &form).expect("an answer").status;
    assert_eq!(status(), 200);
    hub.revoke(&token.id);
    assert_eq!(status(), 401);
}

#[test]
fn a_registry_denies_what_a_token_does_not_allow() {
    if !peer::present(&[REGISTRY]) {
        return;
    }
    let scene = HubScene::real(Config::default());
    let anna = Caller::anna(&scene.hub);
    let mut registry = Client::to(&format!("http://{}", scene.registry()));
    let mut pushes = |scope: &str| {
        let made = anna.make(scope, scope);
        let target = "/token?service=registry&scope=repository:anna/app:pull,push";
        let login = basic("anna", text(&made["token"]));
        let reply = Client::to(&scene.hub.realm()).ask("GET", target, Some(&login), None);
        let bearer = format!("Bearer {}", text(&reply.expect("an answer").json()["token"]));
        let mut status = |method, target| {
            let reply = registry.ask(method, target, Some(&bearer), None);
            reply.expect("an answer").status
        };
        (
            status("GET", "/v2/anna/app/tags/list"),
            status("POST", "/v2/anna/app/blobs/uploads/"),
        )
    };
    assert_eq!(pushes("repo:public_read"), (401, 401));
    assert_eq!(pushes("repo:read"), (404, 401), "there is nothing yet");
    assert_eq!(pushes("repo:write"), (404, 202));
}

#[test]
fn the_registry_can_refuse_everybody_for_a_while() {
    let hub = Hub::start(Config::default());
    hub.refuse_logins(true);
    assert_eq!(may(&hub, "anna", ANNA, "anna/app"), None);
    hub.refuse_logins(false);
    assert!(may(&hub, "anna", ANNA, "anna/app").is_some());
}

#[test]
fn who_asks_too_often_is_told_when_to_ask_again() {
    let hub = Hub::start(Config {
        requests: 3,
        window: Duration::minutes(1),
        ..Config::default()
    });
    let anna = Caller::anna(&hub);
    let number = |reply: &Reply, name: &str| reply.header(name).expect(name).parse::<i64>().unwrap();
    for remaining in [1, 0] {
        let reply = anna.ask("GET", PERSONAL, None);
        assert_eq!(reply.status, 200);
        assert_eq!(
            (
                number(&reply, "x-ratelimit-limit"),
                number(&reply, "x-ratelimit-remaining")
            ),
            (3, remaining)
        );
        assert_eq!(reply.header("x-retry-after"), None);
    }
    let refused = anna.ask("GET", PERSONAL, None);
    let after = number(&refused, "x-retry-after");
    let wait = after - hub.now().unix_timestamp();
    assert_eq!(
        (refused.status, after),
        (429, number(&refused, "x-ratelimit-reset"))
    );
    assert!((58..=61).contains(&wait), "{wait}");
    hub.advance(Duration::seconds(wait + 1));
    assert_eq!(anna.ask("GET", PERSONAL, None).status, 200);
    let statuses: Vec<_> = hub.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 200].map(Some));
}

#[test]
fn what_is_to_go_wrong_goes_wrong_and_no_more() {
    let hub = Hub::start(Config::default());
    let anna = Caller::anna(&hub);
    let body = json!({ "token_label": "ci", "scopes": ["repo:read"] });
    let count = || hub.tokens("anna").len();
    let statuses = |times: usize| -> Vec<Option<u16>> {
        (0..times)
            .map(|_| {
                anna.try_to("POST", PERSONAL, Some(&body))
                    .map(|reply| reply.status)
            })
            .collect()
    };

    hub.fail("POST", PERSONAL, 2, Fault::Status(503));
    assert_eq!((statuses(3), count()), (vec![Some(503), Some(503), Some(201)], 1));
    hub.fail_later("POST", "/v2/*", 1, 1, Fault::DropBefore);
    assert_eq!((statuses(3), count()), (vec![Some(201), None, Some(201)], 3));
    hub.fail("*", "*", 1, Fault::DropAfter);
    assert_eq!((statuses(1), count()), (vec![None], 4));
    hub.fail("POST", PERSONAL, 1, Fault::DoneThen(Answer::page(502)));
    assert_eq!((statuses(1), count()), (vec![Some(502)], 5));
    hub.fail("POST", PERSONAL, 1, Fault::Answer(Answer::raw("garbage")));
    assert_eq!((statuses(1), count()), (vec![None], 5));
    hub.fail(
        "POST",
        PERSONAL,
        1,
        Fault::Late(std::time::Duration::from_millis(300)),
    );
    let start = Instant::now();
    assert_eq!((statuses(1), count()), (vec![Some(201)], 6));
    assert!(start.elapsed().as_millis() >= 300);

    hub.fail("POST", PERSONAL, 1, Fault::TooMany(7));
    let refused = anna.post(PERSONAL, &body);
    let after: i64 = refused.header("x-retry-after").unwrap().parse().unwrap();
    let wait = after - hub.now().unix_timestamp();
    assert!(refused.status == 429 && (6..=7).contains(&wait), "{refused:?}");
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));

    hub.fail("DELETE", "*", 9, Fault::Status(500));
    hub.mend();
    assert_eq!(anna.ask("DELETE", "/v2/access-tokens/x", None).status, 404);
    let last = hub.requests().pop().unwrap();
    assert_eq!(
        (
            last.method.as_str(),
            last.path.as_str(),
            last.who.as_deref(),
            last.proof
        ),
        ("DELETE", "/v2/access-tokens/x", Some("anna"), Proof::Password)
    );
}

#[test]
fn bearers_can_be_forgotten() {
    let hub = Hub::start(Config::default());
    let anna = Caller::anna(&hub);
    hub.forget_bearers();
    assert_eq!(anna.ask("GET", PERSONAL, None).status, 401);
    assert_eq!(Caller::anna(&hub).get(PERSONAL)["count"], 0);
}
