//! What `get` hands out in place of a stored secret, and how that is configured.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::fixture::Fixture;
use support::fixture::answer::{Answer, jwt};
use support::helper::{Credential, Helper};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::scene::{PASSWORD, REFRESH, Scene, is_refused, set};
use support::stage::ALICE;
use support::token_server::request::{Proof, Request};
use support::token_server::{Config, TokenServer, User};
use support::tunnel::Tunnel;

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";

/// A token server that issues refresh tokens, a registry that names it, and alice's password in a home.
struct Desk {
    token_server: TokenServer,
    registry: Fixture,
    home: Home,
}

impl Desk {
    fn new() -> Self {
        let token_server = TokenServer::start(Config {
            services: vec!["first".to_owned(), "second".to_owned()],
            users: vec![User::new("alice", ALICE).may(&["pull"], "*")],
            refresh_tokens: true,
            ..Config::default()
        })
        .unwrap();
        let challenge = format!("Bearer realm=\"{}\",service=\"first\"", token_server.realm());
        let desk = Self {
            token_server,
            registry: Fixture::start(move |_| Answer::challenge(std::slice::from_ref(&challenge))),
            home: Home::new(),
        };
        desk.helper().store(&desk.address(), "alice", ALICE);
        desk
    }

    /// The same, told to hand out identity tokens.
    fn configured() -> Self {
        let desk = Self::new();
        desk.configure("identity-token").succeeds();
        desk
    }

    fn address(&self) -> String {
        self.registry.address()
    }

    fn helper(&self) -> Helper<'_> {
        Helper::of(&self.home)
    }

    fn configure(&self, hand_out: &str) -> Outcome {
        configure(&self.home, &self.address(), hand_out)
    }

    /// The identity token that `get` answers.
    #[track_caller]
    fn identity_token(&self) -> String {
        identity_token(&self.helper(), &self.address())
    }

    /// Those requests alone that asked for a refresh token.
    fn exchanges(&self) -> Vec<Request> {
        let mut requests = self.token_server.requests();
        requests.retain(|request| request.offline);
        requests
    }

    /// Writes into settings.json what is to be known of the registry.
    fn set(&self, settings: &Value) {
        set(&self.home, &self.address(), settings);
    }
}

fn configure(home: &Home, registry: &str, hand_out: &str) -> Outcome {
    let mut command = home.command(HELPER);
    command.args(["configure", "--registry", registry, "--hand-out", hand_out]);
    Outcome::of(&mut command, b"")
}

#[track_caller]
fn identity_token(helper: &Helper<'_>, server: &str) -> String {
    let Credential { username, secret } = helper.get(server).unwrap();
    assert_eq!(username, "<token>");
    assert!(secret != ALICE && secret != PASSWORD, "a password");
    secret
}

/// Has settings.json say so of the scene's registry, without trying out, and gives the address.
fn hand_out_identity_tokens(scene: &Scene) -> String {
    let address = scene.fixture.address();
    let realm = format!("http://{address}/token");
    set(
        &scene.home,
        &address,
        &json!({ "handOut": "identity-token", "realm": realm, "service": "registry" }),
    );
    address
}

fn settings_file(home: &Home) -> PathBuf {
    home.path().join(SETTINGS)
}

/// One safe line on stdout, which docker shows, no miss and no secret.
#[track_caller]
fn is_error(outcome: &Outcome) -> &str {
    assert_eq!(
        (outcome.stderr.as_str(), outcome.code),
        ("", Some(1)),
        "{outcome:?}"
    );
    let line = outcome.stdout.strip_suffix('\n').unwrap();
    assert!(
        !line.chars().any(char::is_control) && line.len() < 1024,
        "{outcome:?}"
    );
    for secret in [ALICE, PASSWORD, "credentials not found"] {
        assert!(!line.contains(secret), "{outcome:?}");
    }
    line
}

#[test]
fn once_configured_get_answers_a_refresh_token_and_never_the_password() {
    let desk = Desk::new();
    let address = desk.address();
    let path = settings_file(&desk.home);
    let shown = path.display();
    desk.configure("identity-token").is(
        &format!("{shown}: handOut of {address} is \"identity-token\" now, was \"secret\"\n"),
        "",
        0,
    );
    assert_eq!(desk.registry.requests().len(), 1, "it was asked once");
    let requests = desk.token_server.requests();
    let told: Vec<_> = requests
        .iter()
        .map(|request| (request.method, request.proof, request.offline, request.status))
        .collect();
    assert_eq!(
        told,
        [
            ("GET", Proof::Password, true, 200),
            ("POST", Proof::RefreshToken, false, 200),
            ("POST", Proof::RefreshToken, false, 200)
        ],
        "one was issued, and is taken twice"
    );
    for request in &requests {
        assert_eq!(
            (request.service.as_str(), request.client.as_str()),
            ("first", "docker-credential-scoped")
        );
        assert_eq!(request.scopes, [] as [&str; 0]);
    }
    let handed_out = desk.identity_token();
    assert_eq!(desk.identity_token(), handed_out);
    for spelling in [format!("https://{address}"), format!("http://{address}/v2/")] {
        let outcome = desk.helper().ask("get", &spelling).succeeds();
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(
            answer,
            json!({ "ServerURL": spelling, "Username": "<token>", "Secret": handed_out })
        );
    }
    assert_eq!(
        desk.token_server.requests().len(),
        3,
        "the rest came from the cache"
    );
    desk.configure("identity-token").is(
        &format!("{shown}: handOut of {address} is \"identity-token\" already\n"),
        "",
        0,
    );

    desk.configure("secret").is(
        &format!("{shown}: handOut of {address} is \"secret\" now, was \"identity-token\"\n"),
        "",
        0,
    );
    assert_eq!(desk.helper().get(&address).unwrap().secret, ALICE);
}

#[test]
fn neither_password_nor_refresh_token_can_be_read_on_disk() {
    let desk = Desk::configured();
    let handed_out = desk.identity_token();
    for (user, secret) in [("alice", ALICE), ("<token>", &handed_out)] {
        assert_eq!(desk.home.files_with(user, secret), [] as [PathBuf; 0]);
    }
    let mut command = desk.home.command(HELPER);
    let shown = Outcome::of(command.args(["cache", "--json"]), b"")
        .succeeds()
        .stdout;
    assert!(!shown.contains(&handed_out), "{shown}");
    let rows: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(rows[0]["answer"], json!("refresh token"));
    assert_eq!(
        (&rows[0]["server"], &rows[0]["account"], &rows[0]["service"]),
        (&json!(desk.address()), &json!("alice"), &json!("first"))
    );
}

#[test]
fn what_is_stored_anew_or_erased_takes_its_refresh_token_with_it() {
    let desk = Desk::configured();
    let address = desk.address();
    let first = desk.identity_token();
    assert_eq!(desk.exchanges().len(), 1);
    // As a login does that ends with the same password.
    desk.helper().store(&address, "alice", ALICE);
    let second = desk.identity_token();
    assert_ne!(first, second);
    assert_eq!(desk.exchanges().len(), 2);
    desk.helper().ask("erase", &address).is("", "", 0);
    assert_eq!(desk.helper().get(&address), None);
    desk.helper().store(&address, "alice", ALICE);
    assert_ne!(desk.identity_token(), second);
    assert_eq!(desk.exchanges().len(), 3);
    // Another's password gets nothing of hers.
    desk.helper().store(&address, "alice", "not-her-password");
    let outcome = desk.helper().ask("get", &address);
    assert!(
        is_error(&outcome).contains("refused the credential (401)"),
        "{outcome:?}"
    );
    is_error(&desk.helper().ask("get", &address));
    assert_eq!(desk.exchanges().len(), 4, "it was not asked again at once");
}

#[test]
fn who_logs_out_while_tokens_are_asked_for_leaves_none_behind() {
    for is_get in [true, false] {
        let (begun, begins) = mpsc::channel();
        let scene = Scene::usual(move |_| {
            begun.send(()).unwrap();
            thread::sleep(Duration::from_secs(1));
            Answer::json(&json!({ "token": "t", "refresh_token": "issued", "expires_in": 300 }))
        })
        .with_password();
        let address = hand_out_identity_tokens(&scene);
        let helper = Helper::of(&scene.home);
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                if is_get {
                    assert_eq!(identity_token(&helper, &address), "issued");
                } else {
                    scene.token(&["--pull", "a/b"]).is("t\n", "", 0);
                }
            });
            begins.recv().unwrap();
            helper.ask("erase", &address).is("", "", 0);
            asking.join().unwrap();
        });
        let mut cache = scene.home.command(HELPER);
        Outcome::of(cache.arg("cache"), b"").is("Nothing is remembered.\n", "", 0);
    }
}

#[test]
fn one_refresh_token_is_for_one_audience() {
    let desk = Desk::configured();
    let first = desk.identity_token();
    let realm = desk.token_server.realm();
    desk.set(&json!({ "handOut": "identity-token", "realm": realm, "service": "second" }));
    let second = desk.identity_token();
    assert_ne!(first, second);
    assert_eq!(desk.exchanges().last().unwrap().service, "second");
    desk.set(&json!({ "handOut": "identity-token" }));
    assert_eq!(desk.identity_token(), first);
    assert_eq!(desk.exchanges().len(), 2);
}

#[test]
fn each_profile_has_a_refresh_token_of_its_own() {
    let desk = Desk::configured();
    desk.home.link_helper("docker-credential-scoped-ci");
    let ci = Helper::for_profile(&desk.home, "ci");
    assert_eq!(ci.get(&desk.address()), None);
    ci.store(&desk.address(), "alice", ALICE);
    assert_ne!(identity_token(&ci, &desk.address()), desk.identity_token());
    assert_eq!(desk.exchanges().len(), 2);
    desk.helper().ask("erase", &desk.address()).is("", "", 0);
    identity_token(&ci, &desk.address());
    assert_eq!(desk.exchanges().len(), 2);
}

#[test]
fn a_path_is_answered_by_its_own_credentials_refresh_token() {
    let desk = Desk::configured();
    let path = format!("{}/team", desk.address());
    desk.helper().store(&path, "alice", ALICE);
    let of_path = identity_token(&desk.helper(), &format!("{path}/app"));
    assert_ne!(of_path, desk.identity_token());
    assert_eq!(desk.exchanges().len(), 2);
    desk.helper().ask("erase", &path).is("", "", 0);
    desk.helper().store(&path, "alice", ALICE);
    assert_ne!(identity_token(&desk.helper(), &format!("{path}/app")), of_path);
}

#[test]
fn fifty_who_ask_at_once_are_one_exchange() {
    let desk = Desk::configured();
    desk.helper().store(&desk.address(), "alice", ALICE);
    let before = desk.exchanges().len();
    let tokens: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..50).map(|_| scope.spawn(|| desk.identity_token())).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(desk.exchanges().len(), before + 1);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
}

#[test]
fn where_none_is_issued_nothing_is_configured_and_nothing_answered() {
    let desk = Desk::new();
    desk.token_server.set_refresh_tokens(false);
    let (address, server) = (desk.address(), desk.token_server.realm().replace("/token", ""));
    let outcome = desk.configure("identity-token");
    assert_eq!(
        is_refused(&outcome),
        format!(
            "docker-credential-scoped: {address}: settings.json is left as it was: {server} issued no refresh token"
        )
    );
    assert!(!settings_file(&desk.home).exists());
    assert_eq!(desk.helper().get(&address).unwrap().secret, ALICE);

    desk.set(&json!({ "handOut": "identity-token" }));
    let before = fs::read(settings_file(&desk.home)).unwrap();
    is_refused(&desk.configure("identity-token"));
    assert_eq!(fs::read(settings_file(&desk.home)).unwrap(), before);
    // The failed attempt is remembered, as that of an earlier `get` would be.
    let asked = desk.token_server.requests().len();
    let outcome = desk.helper().ask("get", &address);
    let line = is_error(&outcome);
    let begin = format!("{address}: no identity token to hand out: {server} issued no refresh token");
    assert!(line.starts_with(&begin), "{line}");
    let mend = format!("run docker-credential-scoped configure --registry {address} --hand-out secret");
    assert!(line.ends_with(&mend), "{line}");
    assert_eq!(desk.token_server.requests().len(), asked);
    desk.configure("secret").succeeds();
    assert_eq!(desk.helper().get(&address).unwrap().secret, ALICE);
}

#[test]
fn a_token_server_that_cannot_be_reached_is_an_error_and_no_miss() {
    let desk = Desk::configured();
    let address = desk.address();
    desk.identity_token();
    let Desk {
        token_server, home, ..
    } = desk;
    drop(token_server);
    let helper = Helper::of(&home);
    // Not even asked, as long as there is one in the cache.
    identity_token(&helper, &address);
    Outcome::of(home.command(HELPER).args(["cache", "--clear"]), b"").succeeds();
    for on_unavailable in ["error", "miss"] {
        let settings = json!({
            "registries": { &address: { "handOut": "identity-token" } }, "onUnavailable": on_unavailable,
        });
        home.write(SETTINGS, &settings.to_string());
        let outcome = helper.ask("get", &address);
        let line = is_error(&outcome);
        assert!(
            line.starts_with(&format!(
                "{address}: no identity token to hand out: cannot connect to "
            )),
            "{line}"
        );
    }
}

#[test]
fn get_does_not_ask_a_registry_where_its_tokens_come_from() {
    let desk = Desk::new();
    desk.set(&json!({ "handOut": "identity-token" }));
    let address = desk.address();
    let outcome = desk.helper().ask("get", &address);
    assert_eq!(
        is_error(&outcome),
        format!(
            "{address}: no identity token to hand out: where its tokens come from is not known yet; run \
             docker-credential-scoped configure --registry {address} --hand-out identity-token"
        )
    );
    assert_eq!(desk.registry.requests().len(), 0);
    // docker takes all that is listed to be had.
    assert!(desk.helper().list().is_empty());
    desk.configure("identity-token").succeeds();
    desk.identity_token();
    assert_eq!(desk.helper().list()[&address], "<token>");
}

#[test]
fn an_identity_token_that_is_stored_is_handed_out_as_it_is() {
    let desk = Desk::new();
    let address = desk.address();
    desk.helper().store(&address, "<token>", REFRESH);
    desk.configure("identity-token").succeeds();
    assert_eq!(desk.identity_token(), REFRESH);
    assert_eq!(desk.token_server.requests(), []);
    assert_eq!(desk.helper().list()[&address], "<token>");
}

#[test]
fn status_and_list_say_what_is_handed_out() {
    let desk = Desk::configured();
    let address = desk.address();
    desk.helper().store("other.example.com", "bob", "password");
    desk.helper().store("third.example.com", "<token>", REFRESH);
    let listed: Vec<_> = desk.helper().list().into_iter().collect();
    let pair = |server: &str, account: &str| (server.to_owned(), account.to_owned());
    assert_eq!(
        listed,
        [
            pair(&address, "<token>"),
            pair("other.example.com", "bob"),
            pair("third.example.com", "<token>")
        ]
    );
    let status = |arguments: &[&str]| {
        let mut command = desk.home.command(HELPER);
        Outcome::of(command.arg("status").args(arguments), b"")
            .succeeds()
            .stdout
    };
    let rows: Value = serde_json::from_str(&status(&["--json"])).unwrap();
    let told: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["account"].as_str().unwrap(),
                row["handsOut"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("alice", "identity-token"),
            ("bob", "secret"),
            ("<token>", "identity-token")
        ]
    );
    let table = status(&[]);
    let mut lines = table.lines();
    assert!(lines.next().unwrap().contains("KIND      ") && table.contains("HANDS OUT"));
    assert!(
        lines.next().unwrap().contains("password        identity-token  "),
        "{table}"
    );
}

#[test]
fn all_else_in_the_settings_stays_as_it_is() {
    let desk = Desk::new();
    let address = desk.address();
    let path = settings_file(&desk.home);
    for text in [
        "{ \"onUnavailable\": \"miss\" }".to_owned(),
        "{\r\n    \"onUnavailable\" : \"error\",\r\n    \"registries\" : { \"other.example.com\" : { \"insecure\" : true } }\r\n}\r\n"
            .to_owned(),
        format!("{{\n  \"registries\": {{\n    \"https://{address}/v2/\": {{\n      \"service\": \"first\"\n    }}\n  }}\n}}\n"),
    ] {
        desk.home.write(SETTINGS, &text);
        desk.configure("identity-token").succeeds();
        let changed = fs::read_to_string(&path).unwrap();
        assert_ne!(changed, text);
        for line in text.trim_end_matches(['\n', '}', ' ', '\r']).lines() {
            assert!(changed.contains(line.trim_end_matches([' ', '}'])), "{changed}");
        }
        desk.identity_token();
        desk.configure("secret").succeeds();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    // Which of two of one name would be changed, and which counts?
    let twice = format!("{{\"registries\": {{\"{address}\": {{}}, \"{address}\": {{}}}}}}");
    desk.home.write(SETTINGS, &twice);
    is_refused(&desk.configure("identity-token"));
    assert_eq!(fs::read_to_string(&path).unwrap(), twice);
    // Where settings cannot be read, they are not changed either.
    desk.home.write(SETTINGS, "{ \"unknown\": 1 }");
    let outcome = desk.configure("identity-token");
    assert!(
        is_refused(&outcome).contains("unknown field `unknown`"),
        "{outcome:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "{ \"unknown\": 1 }");
}

#[test]
fn of_two_who_configure_at_once_both_are_heeded() {
    let desk = Desk::new();
    let others: Vec<_> = (0..8)
        .map(|_| {
            let challenge = format!("Bearer realm=\"{}\",service=\"first\"", desk.token_server.realm());
            Fixture::start(move |_| Answer::challenge(std::slice::from_ref(&challenge)))
        })
        .collect();
    for other in &others {
        desk.helper().store(&other.address(), "alice", ALICE);
    }
    thread::scope(|scope| {
        for other in &others {
            scope.spawn(|| configure(&desk.home, &other.address(), "identity-token").succeeds());
        }
    });
    for other in &others {
        identity_token(&desk.helper(), &other.address());
    }
}

#[cfg(unix)]
#[test]
fn settings_that_were_not_there_are_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::configured();
    let path = settings_file(&desk.home);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["settings.json"]);
}

#[test]
fn what_cannot_be_configured_is_one_line_with_the_mend() {
    let desk = Desk::new();
    desk.home.link_helper("docker-credential-scoped-ci");
    let run = |arguments: &[&str]| {
        let mut command = desk.home.command(HELPER);
        Outcome::of(command.arg("configure").args(arguments), b"")
    };
    let address = desk.address();
    let outcome = run(&["--registry", "other.example.com", "--hand-out", "identity-token"]);
    assert_eq!(
        is_refused(&outcome),
        "docker-credential-scoped: other.example.com: settings.json is left as it was: nothing is stored for it; \
         docker login other.example.com first"
    );
    let outcome = run(&[
        "--registry",
        &address,
        "--hand-out",
        "identity-token",
        "--profile",
        "ci",
    ]);
    assert!(
        is_refused(&outcome).contains("nothing is stored for it in profile ci; "),
        "{outcome:?}"
    );
    let outcome = run(&["--registry", &address, "--hand-out", "token"]);
    assert_eq!(
        is_refused(&outcome),
        "docker-credential-scoped: --hand-out: is secret or identity-token"
    );
    run(&["--hand-out", "secret"]).fails();
    run(&["--hand-out", "secret", "--registry", &address, "--podman"]).fails();
    run(&["--hand-out", "secret", "--registry", &address, "--dry-run"]).fails();
    // One of two that gives none is none for both.
    let outcome = run(&[
        "--registry",
        &address,
        "--registry",
        "other.example.com",
        "--hand-out",
        "identity-token",
    ]);
    is_refused(&outcome);
    assert!(!settings_file(&desk.home).exists());
    assert_eq!(desk.helper().get(&address).unwrap().secret, ALICE);
}

#[test]
fn a_server_whose_refresh_tokens_would_not_do_is_not_configured() {
    let token = json!({ "access_token": "access" });
    let with = |refresh: &str| json!({ "access_token": "access", "refresh_token": refresh });
    let table = [
        (
            "issued no refresh token",
            Answer::json(&with(PASSWORD)),
            Answer::json(&token),
        ),
        (
            "issued no refresh token",
            Answer::json(&with(&jwt(&json!({ "iat": 5, "exp": 5 })))),
            Answer::json(&token),
        ),
        (
            "takes a refresh token only once, so that one handed out would serve no second command",
            Answer::json(&with(REFRESH)),
            Answer::json(&with("the-next-one")),
        ),
        (
            "issues refresh tokens and takes none",
            Answer::json(&with(REFRESH)),
            Answer::page(404),
        ),
        (
            "refused the refresh token that it had just issued (400)",
            Answer::json(&with(REFRESH)),
            Answer::json(&json!({ "error": "invalid_grant" })).with_status(400),
        ),
    ];
    for (why, issued, used) in table {
        let scene = Scene::usual(move |request| {
            let answer = if request.method == "GET" { &issued } else { &used };
            answer.clone()
        })
        .with_password();
        let address = scene.fixture.address();
        let outcome = configure(&scene.home, &address, "identity-token");
        assert_eq!(
            is_refused(&outcome),
            format!(
                "docker-credential-scoped: {address}: settings.json is left as it was: http://{address} {why}"
            )
        );
        assert!(!settings_file(&scene.home).exists());
        assert_eq!(scene.stored().unwrap(), PASSWORD);
    }
}

#[test]
fn a_server_that_takes_each_refresh_token_once_and_gives_no_other_is_not_configured() {
    let is_used = AtomicBool::new(false);
    let scene = Scene::usual(move |request| {
        if request.method == "GET" {
            Answer::json(&json!({ "access_token": "access", "refresh_token": REFRESH }))
        } else if is_used.swap(true, Ordering::Relaxed) {
            Answer::json(&json!({ "error": "invalid_grant" })).with_status(400)
        } else {
            Answer::json(&json!({ "access_token": "access" }))
        }
    })
    .with_password();
    let address = scene.fixture.address();
    let outcome = configure(&scene.home, &address, "identity-token");
    let why = "takes a refresh token only once, so that one handed out would serve no second command";
    assert!(is_refused(&outcome).ends_with(why), "{outcome:?}");
    assert!(!settings_file(&scene.home).exists());
}

#[test]
fn a_password_that_comes_back_as_refresh_token_is_not_handed_out() {
    let encoded = STANDARD.encode(format!("user:{PASSWORD}"));
    for shown in [PASSWORD.to_owned(), encoded] {
        let scene = Scene::usual(move |_| Answer::json(&json!({ "token": "t", "refresh_token": shown })))
            .with_password();
        let address = hand_out_identity_tokens(&scene);
        let outcome = Helper::of(&scene.home).ask("get", &address);
        assert!(
            is_error(&outcome).contains("issued no refresh token"),
            "{outcome:?}"
        );
    }
}

#[test]
fn where_get_is_not_served_it_is_asked_for_by_post() {
    let scene = Scene::usual(|request| match request.method.as_str() {
        "GET" => Answer::page(405),
        _ if request.value("grant_type").as_deref() == Some("refresh_token") => {
            Answer::json(&json!({ "access_token": "access" }))
        }
        _ => Answer::json(&json!({ "access_token": "access", "refresh_token": REFRESH })),
    })
    .with_password();
    let address = scene.fixture.address();
    configure(&scene.home, &address, "identity-token").succeeds();
    let asked = scene.asked();
    let [get, post, used, _] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (
            get.value("offline_token").as_deref(),
            get.value("client_id").as_deref()
        ),
        (Some("true"), Some("docker-credential-scoped"))
    );
    assert_eq!(
        (
            post.value("grant_type").as_deref(),
            post.value("access_type").as_deref(),
            post.value("service").as_deref()
        ),
        (Some("password"), Some("offline"), Some("registry"))
    );
    assert_eq!(used.value("refresh_token").as_deref(), Some(REFRESH));
    assert!(!used.shows(PASSWORD));
    assert_eq!(identity_token(&Helper::of(&scene.home), &address), REFRESH);
    assert_eq!(scene.asked().len(), 4);
}

#[test]
fn a_refresh_token_is_answered_for_as_long_as_it_says_it_lives() {
    let short = jwt(&json!({ "iat": 1_800_000_000, "exp": 1_800_000_002 }));
    let scene =
        Scene::usual(move |_| Answer::json(&json!({ "token": "t", "refresh_token": short }))).with_password();
    let address = hand_out_identity_tokens(&scene);
    let helper = Helper::of(&scene.home);
    identity_token(&helper, &address);
    thread::sleep(Duration::from_millis(1500));
    identity_token(&helper, &address);
    assert_eq!(scene.asked().len(), 2);
}

#[test]
fn where_docker_hubs_tokens_come_from_is_known_without_asking() {
    let tunnel = Tunnel::start(|_| Answer::json(&json!({ "token": "t", "refresh_token": REFRESH })));
    let home = Home::new();
    let root = home.write("root.pem", tunnel.root());
    let helper = Helper::of(&home);
    let index = "https://index.docker.io/v1/";
    helper.store(index, "user", PASSWORD);
    // What docker keeps beside it for the session in the browser, and needs to end it.
    let session = format!("{index}refresh-token");
    helper.store(&session, "user", "session..client");
    set(&home, "docker.io", &json!({ "handOut": "identity-token" }));
    let get = |server: &str| {
        let mut command = home.command(HELPER);
        command.arg("get").env("SSL_CERT_FILE", &root);
        let outcome = Outcome::of(tunnel.lead(&mut command), server.as_bytes()).succeeds();
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        (answer["Username"].clone(), answer["Secret"].clone())
    };
    for name in [index, "docker.io", "https://index.docker.io/v1"] {
        assert_eq!(get(name), (json!("<token>"), json!(REFRESH)));
    }
    assert_eq!(get(&session), (json!("user"), json!("session..client")));
    assert_eq!(tunnel.tunnels(), ["auth.docker.io:443"]);
    let asked = tunnel.requests().remove(0);
    assert_eq!(
        (
            asked.value("service").as_deref(),
            asked.value("offline_token").as_deref()
        ),
        (Some("registry.docker.io"), Some("true"))
    );
    let listed: Vec<_> = helper.list().into_iter().collect();
    let pair = |server: &str, account: &str| (server.to_owned(), account.to_owned());
    assert_eq!(listed, [pair(index, "<token>"), pair(&session, "user")]);
}

#[test]
fn a_token_server_that_dawdles_holds_docker_up_for_ten_seconds() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t" })).slowly()).with_password();
    let address = hand_out_identity_tokens(&scene);
    let began = Instant::now();
    let outcome = Helper::of(&scene.home).ask("get", &address);
    assert!(began.elapsed() < Duration::from_secs(12));
    assert!(
        is_error(&outcome).contains("did not answer in time"),
        "{outcome:?}"
    );
}
