//! Proxies in the way of the `token` process: each call ends in time with one safe line, the proxy's own credentials are
//! shown to nobody else, and what is not for a proxy goes without.

mod support;

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use support::certificate::{Root, VALID};
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::home::{HELPER, Home};
use support::listener::{Connection, Listener};
use support::outcome::Outcome;
use support::scene::{PASSWORD, REFRESH, Scene, command, is_refused, set};

const REGISTRY: &str = "registry.example";
const AUTH: &str = "auth.example";
const HUB: &str = "hub.example";
const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";

/// What a call may take, and a little for a machine that has many to do.
const LONGEST: Duration = Duration::from_secs(12);

/// Who asks, and of whom the line then is.
#[derive(Clone, Copy, Debug)]
enum Flow {
    FirstContact,
    Get,
    Post,
    Hub,
}

impl Flow {
    const ALL: [Self; 4] = [Self::FirstContact, Self::Get, Self::Post, Self::Hub];

    fn home(self) -> Home {
        let home = Home::new();
        let (user, secret) = match self {
            Self::FirstContact | Self::Get | Self::Hub => ("user", PASSWORD),
            Self::Post => ("<token>", REFRESH),
        };
        Helper::of(&home).store(REGISTRY, user, secret);
        match self {
            Self::FirstContact => {}
            Self::Get | Self::Post => {
                let realm = format!("https://{AUTH}/token");
                set(&home, REGISTRY, &json!({ "realm": realm, "service": "registry" }));
            }
            Self::Hub => {
                let hub = json!({ "hub": { "api": format!("https://{HUB}"), "registry": REGISTRY } });
                home.write(SETTINGS, &hub.to_string());
            }
        }
        home
    }

    fn server(self) -> &'static str {
        match self {
            Self::FirstContact => REGISTRY,
            Self::Get | Self::Post => AUTH,
            Self::Hub => HUB,
        }
    }

    /// The call, with these variables.
    fn call(self, home: &Home, variables: &[(&str, &str)]) -> Outcome {
        if !matches!(self, Self::Hub) {
            return token(home, variables);
        }
        let mut command = home.command(HELPER);
        command
            .args(["hub", "token", "list"])
            .envs(variables.iter().copied());
        Outcome::of(&mut command, b"")
    }
}

/// `token` with these variables.
fn token(home: &Home, variables: &[(&str, &str)]) -> Outcome {
    let mut command = command(home, REGISTRY);
    command.args(["--pull", "a/b"]).envs(variables.iter().copied());
    Outcome::of(&mut command, b"")
}

fn with_credentials(address: &str) -> String {
    format!("http://proxy-user:proxy-password@{address}")
}

#[track_caller]
fn is_safe(outcome: &Outcome) -> &str {
    let line = is_refused(outcome);
    assert!(
        !line.contains("proxy-user") && !line.contains("proxy-password"),
        "{line}"
    );
    line
}

/// What a proxy does, and what is to be said of it.
fn rows() -> Vec<(&'static str, Listener, &'static str)> {
    let answering = |answer: &'static str| {
        move |mut connection: Connection| {
            connection.read_request();
            let _ = connection.send(answer);
        }
    };
    let refuses = "the proxy refuses; check HTTPS_PROXY and NO_PROXY";
    let late = "did not answer in time; check the network and the proxy";
    vec![
        (
            "wants a password",
            Listener::plain(answering(
                "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"words-of-the-proxy\"\r\n\r\n",
            )),
            "the proxy wants a user name and password; check HTTPS_PROXY and NO_PROXY",
        ),
        (
            "forbids",
            Listener::plain(answering("HTTP/1.1 403 words-of-the-proxy\r\n\r\n")),
            refuses,
        ),
        (
            "knows no CONNECT",
            Listener::plain(answering("HTTP/1.1 405 No\r\n\r\n")),
            refuses,
        ),
        (
            "finds nobody",
            Listener::plain(answering("HTTP/1.1 502 No\r\n\r\n")),
            refuses,
        ),
        (
            "points elsewhere",
            Listener::plain(answering(
                "HTTP/1.1 307 No\r\nLocation: http://words-of-the-proxy/\r\n\r\n",
            )),
            refuses,
        ),
        (
            "is none",
            Listener::plain(answering("SSH-2.0-words-of-the-proxy\r\n\r\n")),
            refuses,
        ),
        ("hangs up", Listener::plain(answering("")), refuses),
        (
            "resets",
            // What was sent is not read, and so the system says reset.
            Listener::plain(|_| thread::sleep(Duration::from_millis(200))),
            refuses,
        ),
        (
            "says more than any proxy",
            Listener::plain(|mut connection| {
                connection.read_request();
                let _ = connection.send("HTTP/1.1 200 Connected\r\n");
                while connection.send("X-Word: words-of-the-proxy\r\n").is_ok() {}
            }),
            refuses,
        ),
        ("hangs", Listener::plain(|mut connection| connection.wait()), late),
        (
            "answers a byte a second",
            Listener::plain(|mut connection| {
                connection.read_request();
                connection.drip(b"HTTP/1.1 200 Connected");
            }),
            late,
        ),
        (
            "connects and hangs",
            Listener::plain(|mut connection| {
                connection.read_request();
                let _ = connection.send("HTTP/1.1 200 Connected\r\n\r\n");
                connection.wait();
            }),
            late,
        ),
        (
            "answers everything itself",
            Listener::plain(answering(
                "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\nwords-of-the-proxy",
            )),
            "",
        ),
    ]
}

#[test]
fn a_proxy_that_fails_is_told_as_such_in_time() {
    let rows = rows();
    thread::scope(|scope| {
        for (name, proxy, says) in &rows {
            for flow in Flow::ALL {
                scope.spawn(move || {
                    let home = flow.home();
                    let begun = Instant::now();
                    let proxy = with_credentials(&proxy.authority());
                    let outcome = flow.call(&home, &[("HTTPS_PROXY", &proxy)]);
                    let took = begun.elapsed();
                    let line = is_safe(&outcome);
                    assert!(line.contains(flow.server()), "{name}, {flow:?}: {line}");
                    assert!(line.contains(says), "{name}, {flow:?}: {line}");
                    assert!(!line.contains("words-of-the-proxy"), "{name}, {flow:?}: {line}");
                    assert!(took < LONGEST, "{name}, {flow:?}: took {took:?}");
                });
            }
        }
    });
    for (name, proxy, _) in &rows {
        let seen = proxy.seen();
        assert!(
            !seen.contains(PASSWORD) && !seen.contains(REFRESH),
            "{name}: {seen}"
        );
        assert!(
            !seen.contains("/token") && !seen.contains("/v2/"),
            "{name}: {seen}"
        );
        assert!(proxy.connections() <= 12, "{name}: three attempts a call at most");
    }
}

#[test]
fn a_proxy_that_is_not_there_or_not_named_well_is_told_without_its_credentials() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    for proxy in [
        with_credentials(&address),
        with_credentials("127.0.0.1:99999"),
        with_credentials(""),
        with_credentials("proxy host:1"),
        with_credentials("proxy.invalid:8080"),
        "ftp://proxy-user:proxy-password@127.0.0.1:1".to_owned(),
        "http://proxy-user:proxy-password".to_owned(),
        "proxy-password".to_owned(),
    ] {
        for flow in Flow::ALL {
            let outcome = flow.call(&flow.home(), &[("https_proxy", &proxy)]);
            let line = is_safe(&outcome);
            assert!(line.contains(flow.server()), "{proxy}: {line}");
        }
    }
}

#[test]
fn a_host_in_no_proxy_is_looked_for_without_the_proxy() {
    let refusing = || Listener::answering("HTTP/1.1 403 No\r\n\r\n");
    for (excepted, is_excepted) in [
        (AUTH, true),
        (".example", true),
        ("other.example, auth.example", true),
        ("*", true),
        ("other.example", false),
        ("uth.example", false),
        ("auth", false),
    ] {
        for variable in ["NO_PROXY", "no_proxy"] {
            let proxy = refusing();
            let variables = [
                ("HTTPS_PROXY", with_credentials(&proxy.authority())),
                (variable, excepted.to_owned()),
            ];
            let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
            is_safe(&token(&Flow::Get.home(), &variables));
            // The registry is asked where its tokens are by now, and is excepted or not for itself.
            let was_asked = proxy.seen().contains("CONNECT auth.example:443 ");
            assert_eq!(was_asked, !is_excepted, "{variable}={excepted}");
        }
    }
}

#[test]
fn this_machine_is_reached_without_a_proxy() {
    let proxy = Listener::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let through = with_credentials(&proxy.authority());
    let variables = [
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "https_proxy",
        "http_proxy",
    ]
    .map(|name| (name, &through));

    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "opaque" }))).with_password();
    let mut plain = command(&scene.home, &scene.fixture.address());
    Outcome::of(plain.args(["--pull", "a/b"]).envs(variables), b"").is("opaque\n", "", 0);

    let root = Root::new("a root");
    let body = json!({ "token": "over-tls" }).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = Listener::tls(root.server("localhost", VALID), move |mut connection| {
        connection.read_request();
        let _ = connection.send(&answer);
    });
    let home = Home::new();
    let registry = format!("localhost:{}", server.port());
    let realm = format!("https://{registry}/token");
    set(
        &home,
        &registry,
        &json!({ "realm": realm, "service": "registry" }),
    );
    let roots = home.write("root.pem", &root.pem());
    let mut tls = command(&home, &registry);
    tls.args(["--pull", "a/b"])
        .envs(variables)
        .env("SSL_CERT_FILE", roots);
    let outcome = Outcome::of(&mut tls, b"").succeeds();
    assert_eq!(outcome.stdout, "over-tls\n");
    assert_eq!(proxy.connections(), 0);
    assert!(!server.seen().contains("proxy-"));
}
