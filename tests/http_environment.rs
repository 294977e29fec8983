//! HTTP as the environment has it: its roots and its proxies. Each request is made in a process of its own.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::time::Instant;

use libtest_mimic::{Arguments, Trial};
use support::certificate::{Root, VALID};
use support::http::{
    GRACE, LONG, OK, PATH, answers_at_once, ask, fails, http, http_url, https_url, tls_server,
};
use support::listener::Listener;
use support::outcome::Outcome;
use support::trials::trials;
use url::Url;

/// Before a URL: to ask there, and nothing else.
const ASK: &str = "--ask";
/// To count the threads that it takes to be ready.
const COUNT_THREADS: &str = "--count-threads";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let answer = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [ASK, url] => answer(&url.parse().unwrap()),
        [COUNT_THREADS] => threads_of_a_client(),
        _ => return libtest_mimic::run(&Arguments::from_args(), tests()).exit_code(),
    };
    io::stdout().write_all(answer.as_bytes()).unwrap();
    ExitCode::SUCCESS
}

fn tests() -> Vec<Trial> {
    trials![
        a_root_named_by_the_environment_is_accepted,
        a_system_without_roots_is_told_and_plain_http_needs_none,
        a_name_without_an_address_is_told,
        a_proxy_is_asked_for_a_tunnel_and_sees_the_host_only,
        a_proxy_in_the_way_is_told_as_such,
        a_proxy_that_answers_everything_itself_is_no_server,
        a_proxy_that_hangs_is_left,
        a_proxy_hears_nothing_of_plain_http_nor_of_loopback,
        #[cfg(target_os = "linux")]
        nothing_is_started_before_the_first_request,
    ]
}

/// What comes of a request, or why nothing does.
fn answer(url: &Url) -> String {
    match ask(url) {
        Ok(response) => format!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
        Err(error) => format!("{:?}", fails(Err(error))),
    }
}

fn threads_of_a_client() -> String {
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let http = http(LONG);
    let after = threads();
    assert!(!http.remaining().is_zero());
    format!("{} threads", after - before)
}

/// What a process says that has these variables and no others.
fn said_with(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied());
    Outcome::of(&mut command, b"").succeeds().stdout
}

/// The answer to a process that asks with these variables and no others.
fn ask_with(url: &Url, variables: &[(&str, &str)]) -> String {
    said_with(variables, &[ASK, url.as_str()])
}

fn a_root_named_by_the_environment_is_accepted() {
    let root = Root::new("a root");
    let server = tls_server(&root, "localhost", VALID);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("roots.pem");
    fs::File::create(&file)
        .unwrap()
        .write_all(root.pem().as_bytes())
        .unwrap();
    let url = https_url(&server);
    assert_eq!(
        ask_with(&url, &[("SSL_CERT_FILE", file.to_str().unwrap())]),
        "200 ok"
    );
    assert!(ask_with(&url, &[]).starts_with("Tls"));
}

fn a_system_without_roots_is_told_and_plain_http_needs_none() {
    let none = [
        ("SSL_CERT_FILE", "/nonexistent"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ];
    let server = Listener::answering(OK);
    assert_eq!(ask_with(&https_url(&server), &none), "NoRoots");
    assert_eq!(ask_with(&http_url(&server), &none), "200 ok");
}

fn a_name_without_an_address_is_told() {
    let answer = ask_with(&"https://registry.invalid/private-path".parse().unwrap(), &[]);
    // Without a network the system may try for longer than we wait.
    assert!(
        [
            "Dns { server: \"registry.invalid\" }",
            "Timeout { server: \"registry.invalid\" }"
        ]
        .contains(&answer.as_str()),
        "{answer}"
    );
}

fn a_proxy_is_asked_for_a_tunnel_and_sees_the_host_only() {
    let root = Root::new("a root");
    let server = tls_server(&root, "registry.example.com", VALID);
    let target = server.authority();
    let proxy = Listener::plain(move |mut connection| {
        connection.read_request();
        connection.send("HTTP/1.1 200 Connected\r\n\r\n").unwrap();
        connection.tunnel(TcpStream::connect(&target).unwrap());
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("roots.pem");
    fs::File::create(&file)
        .unwrap()
        .write_all(root.pem().as_bytes())
        .unwrap();
    let answer = ask_with(
        &format!("https://registry.example.com/{PATH}").parse().unwrap(),
        &[
            ("SSL_CERT_FILE", file.to_str().unwrap()),
            (
                "HTTPS_PROXY",
                &format!("http://proxy-user:proxy-password@{}", proxy.authority()),
            ),
        ],
    );
    assert_eq!(answer, "200 ok");
    let asked = proxy.seen();
    assert!(
        asked.starts_with("CONNECT registry.example.com:443 HTTP/1.1\r\n"),
        "{asked}"
    );
    let asked = asked.to_ascii_lowercase();
    assert!(asked.contains("\r\nproxy-authorization: basic "), "{asked}");
    assert!(
        !asked.contains("\r\nauthorization") && !asked.contains(PATH),
        "{asked}"
    );
    let heard = server.seen().to_ascii_lowercase();
    assert!(
        heard.contains("\r\nauthorization: basic ") && !heard.contains("proxy"),
        "{heard}"
    );
}

fn a_proxy_in_the_way_is_told_as_such() {
    let url = format!("https://registry.example.com/{PATH}").parse().unwrap();
    for (answer, told) in [
        (
            "HTTP/1.1 407 No\r\n\r\n",
            "Proxy { server: \"registry.example.com\", problem: Credentials }",
        ),
        (
            "HTTP/1.1 502 No\r\n\r\n",
            "Proxy { server: \"registry.example.com\", problem: Refused }",
        ),
        (
            "SSH-2.0\r\n",
            "Proxy { server: \"registry.example.com\", problem: Refused }",
        ),
        ("", "Proxy { server: \"registry.example.com\", problem: Refused }"),
    ] {
        let proxy = Listener::answering(answer);
        assert_eq!(
            ask_with(&url, &[("HTTPS_PROXY", &proxy.authority())]),
            told,
            "{answer}"
        );
    }
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    assert_eq!(
        ask_with(&url, &[("https_proxy", &address)]),
        "Proxy { server: \"registry.example.com\", problem: Unreachable }"
    );
}

fn a_proxy_that_answers_everything_itself_is_no_server() {
    let proxy = answers_at_once();
    let url = format!("https://registry.example.com/{PATH}").parse().unwrap();
    let answer = ask_with(&url, &[("HTTPS_PROXY", &proxy.authority())]);
    assert!(answer.starts_with("Tls {"), "{answer}");
}

fn a_proxy_that_hangs_is_left() {
    let proxy = Listener::plain(|mut connection| connection.wait());
    let url = format!("https://registry.example.com/{PATH}").parse().unwrap();
    let start = Instant::now();
    let answer = ask_with(&url, &[("HTTPS_PROXY", &proxy.authority())]);
    assert_eq!(answer, "Timeout { server: \"registry.example.com\" }");
    assert!(start.elapsed() < LONG + GRACE);
}

fn a_proxy_hears_nothing_of_plain_http_nor_of_loopback() {
    let proxy = Listener::answering(OK);
    let address = proxy.authority();
    let proxies = [
        ("HTTP_PROXY", address.as_str()),
        ("http_proxy", address.as_str()),
        ("HTTPS_PROXY", address.as_str()),
        ("ALL_PROXY", address.as_str()),
    ];
    let plain = Listener::answering(OK);
    assert_eq!(ask_with(&http_url(&plain), &proxies), "200 ok");
    let root = Root::new("a root");
    let server = tls_server(&root, "localhost", VALID);
    assert!(ask_with(&https_url(&server), &proxies).starts_with("Tls {"));
    // Where it is excepted, a name is looked for without it.
    let mut proxies = proxies.to_vec();
    proxies.push(("NO_PROXY", "registry.invalid"));
    ask_with(&"https://registry.invalid/".parse().unwrap(), &proxies);
    assert_eq!(proxy.connections(), 0);
}

#[cfg(target_os = "linux")]
fn nothing_is_started_before_the_first_request() {
    assert_eq!(said_with(&[], &[COUNT_THREADS]), "0 threads");
}
