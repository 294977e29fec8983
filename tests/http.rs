//! HTTP against servers on loopback that do everything but answer well. No credential gets anywhere it is not
//! meant for, every call ends, and no text says more than it has to.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::env;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use docker_credential_scoped::http::{
    Authorization, BUDGET, CertificateFile, CertificateProblem, Field, Http, HttpError, Method, RateLimit,
    Request, Response, Trust,
};
use docker_credential_scoped::secret::Secret;
use support::certificate::{EXPIRED, NOT_YET_VALID, Root, VALID, Years, self_signed};
use support::listener::Listener;
use url::Url;

/// A secret. No server but the one that is asked may see it, and no text may show it.
const CANARY: &str = "canary-2f6c";

/// A part of each URL that no text may show.
const PATH: &str = "private-path";

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Enough for loopback on a busy machine.
const LONG: Duration = Duration::from_secs(8);

/// The deadline where it is what ends a call, and how much later than that it may end.
const SHORT: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(2);

// What is asked.

#[test]
fn a_get_says_who_asks_and_nothing_more() {
    let server = Listener::answering(OK);
    let response = ask(&http_url(&server)).unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (200, b"ok".as_slice())
    );
    let seen = server.seen().to_ascii_lowercase();
    let mut lines: Vec<_> = seen.trim_end().lines().collect();
    lines.sort_unstable();
    let expected = [
        "accept: */*".to_owned(),
        // anna:canary-2f6c
        "authorization: basic YW5uYTpjYW5hcnktMmY2Yw==".to_ascii_lowercase(),
        format!("get /{PATH}?q={PATH} http/1.1"),
        format!("host: {}", server.authority()),
        format!(
            "user-agent: docker-credential-scoped/{}",
            env!("CARGO_PKG_VERSION")
        ),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_form_carries_its_fields_in_order_and_escaped() {
    let server = Listener::answering(OK);
    let secret = Secret::new("a+b&c=d %\u{e9}".to_owned());
    let fields = [
        ("grant_type", Field::Text("refresh_token")),
        ("refresh_token", Field::Secret(&secret)),
        ("scope", Field::Text("")),
    ];
    let request = Request {
        method: Method::PostForm(&fields),
        authorization: Authorization::None,
        url: &http_url(&server),
        allows_plain_http: true,
    };
    http(LONG).send(&request).unwrap();
    let seen = server.seen();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /"), "{head}");
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded"),
        "{head}"
    );
    assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
    assert_eq!(
        body,
        "grant_type=refresh_token&refresh_token=a%2Bb%26c%3Dd+%25%C3%A9&scope="
    );
}

#[test]
fn json_is_sent_as_it_is_and_no_debug_output_shows_it() {
    let text = format!(r#"{{"secret":"{CANARY}"}}"#);
    for (method, name) in [
        (Method::PostJson(text.as_bytes()), "POST"),
        (Method::PatchJson(text.as_bytes()), "PATCH"),
    ] {
        let server = Listener::answering(OK);
        let url = http_url(&server);
        let request = Request { method, ..get(&url) };
        assert!(!format!("{request:?}").contains("99, 97, 110, 97"), "{request:?}");
        http(LONG).send(&request).unwrap();
        let seen = server.seen();
        let (head, body) = seen.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("{name} /")), "{head}");
        assert!(head.contains("content-type: application/json\r\n"), "{head}");
        assert_eq!(body, text);
    }
}

#[test]
fn a_delete_has_no_body() {
    let server = Listener::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let response = http(LONG)
        .send(&Request {
            method: Method::Delete,
            ..get(&http_url(&server))
        })
        .unwrap();
    assert_eq!((response.status, response.body.len()), (204, 0));
    let seen = server.seen().to_ascii_lowercase();
    assert!(seen.starts_with("delete /"), "{seen}");
    assert!(
        !seen.contains("content-type") && seen.ends_with("\r\n\r\n"),
        "{seen}"
    );
}

#[test]
fn a_token_goes_into_its_header_as_it_is() {
    let server = Listener::answering(OK);
    let token = Secret::new(CANARY.to_owned());
    http(LONG)
        .send(&Request {
            authorization: Authorization::Bearer(&token),
            ..get(&http_url(&server))
        })
        .unwrap();
    assert!(
        server
            .seen()
            .contains(&format!("authorization: Bearer {CANARY}\r\n"))
    );
}

#[test]
fn two_requests_go_over_one_connection() {
    let server = Listener::plain(|mut connection| {
        while !connection.read_request().is_empty() {
            connection.send(OK).unwrap();
        }
    });
    let http = http(LONG);
    for _ in 0..2 {
        http.send(&get(&http_url(&server))).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

// What is answered.

#[test]
fn how_much_more_may_be_asked_is_read_where_it_is_a_number() {
    let of = |headers: &str| {
        let server = Listener::answering(format!("HTTP/1.1 429 No\r\n{headers}Content-Length: 0\r\n\r\n"));
        http(LONG).send(&get(&http_url(&server))).unwrap().rate_limit
    };
    assert_eq!(
        of("X-RateLimit-Remaining: 0\r\nx-ratelimit-reset: 1800000000\r\nX-Retry-After:  1800000001 \r\n"),
        RateLimit {
            remaining: Some(0),
            reset: Some(1_800_000_000),
            retry_after: Some(1_800_000_001),
        }
    );
    assert_eq!(
        of("X-RateLimit-Remaining: -1\r\nX-RateLimit-Reset: soon\r\nX-Retry-After: 1.5\r\n"),
        RateLimit::default()
    );
}

#[test]
fn a_refusal_is_an_answer_with_its_headers() {
    let server = Listener::answering(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"https://a/t\"\r\n\
         WWW-Authenticate: Basic realm=\"b\"\r\nRetry-After: 7\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    );
    let response = ask(&http_url(&server)).unwrap();
    assert_eq!(response.status, 401);
    assert_eq!(
        response.www_authenticate,
        ["Bearer realm=\"https://a/t\"", "Basic realm=\"b\""]
    );
    assert_eq!(response.retry_after.as_deref(), Some("7"));
    assert_eq!(response.date.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(response.content_type.as_deref(), Some("application/json"));
}

#[test]
fn debug_output_of_an_answer_leaves_the_body_out() {
    let server = Listener::answering(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{CANARY}",
        CANARY.len()
    ));
    let response = ask(&http_url(&server)).unwrap();
    assert_eq!(
        format!("{response:?}"),
        "Response { status: 200, body: \"11 bytes\", .. }".replace('"', "")
    );
}

#[test]
fn a_packed_body_is_not_unpacked() {
    let server = Listener::answering(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\u{8}ab".as_bytes(),
    );
    let response = ask(&http_url(&server)).unwrap();
    assert_eq!(response.body.as_slice(), b"\x1f\x08ab");
    assert!(!server.seen().to_ascii_lowercase().contains("accept-encoding"));
}

#[test]
fn the_longest_body_is_read_whole() {
    let body = vec![b'x'; 256 * 1024];
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend(&body);
    let server = Listener::answering(answer);
    assert_eq!(ask(&http_url(&server)).unwrap().body.as_slice(), body);
}

#[test]
fn a_body_of_a_mebibyte_is_refused() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n".to_vec();
    answer.resize(answer.len() + 1024 * 1024, b'x');
    let server = Listener::answering(answer);
    assert!(matches!(
        fails(ask(&http_url(&server))),
        HttpError::TooLarge { .. }
    ));
}

#[test]
fn a_body_without_an_end_is_refused() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        connection
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        while connection.send(&chunk).is_ok() {}
    });
    assert!(matches!(
        fails(ask(&http_url(&server))),
        HttpError::TooLarge { .. }
    ));
}

#[test]
fn headers_without_an_end_are_refused() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\n").unwrap();
        while connection.send(format!("X: {}\r\n", "x".repeat(1000))).is_ok() {}
    });
    assert!(matches!(
        fails(ask(&http_url(&server))),
        HttpError::Incomplete { .. }
    ));
}

#[test]
fn what_is_no_http_is_refused() {
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "\r\n\r\n<html>canary-2f6c</html>",
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nok",
        "HTTP/1.1 200 OK\r\nWWW-Authenticate: a\u{1}b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nWWW-Authenticate: a\0b\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let server = Listener::answering(answer);
        let error = fails(ask(&http_url(&server)));
        assert!(
            matches!(error, HttpError::Incomplete { .. }),
            "{answer}: {error:?}"
        );
    }
}

#[test]
fn of_an_answer_in_its_headers_no_body_is_read() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        let head = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = connection.send(head);
        connection.wait();
    });
    let url = http_url(&server);
    let response = http(LONG).ask(&get(&url)).unwrap();
    assert_eq!((response.status, response.body.len()), (401, 0));
    assert_eq!(response.www_authenticate, ["Basic"]);
}

#[test]
fn a_challenge_that_is_not_ascii_is_refused_and_another_header_is_not_missed() {
    let server = Listener::answering(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer \u{202e}\r\nContent-Length: 0\r\n\r\n",
    );
    let error = fails(ask(&http_url(&server)));
    assert!(
        matches!(&error, HttpError::Header { name, .. } if name == "www-authenticate"),
        "{error:?}"
    );
    let server = Listener::answering(
        "HTTP/1.1 200 OK\r\nDate: \u{202e}\r\nRetry-After: \u{202e}\r\nContent-Type: \u{202e}\r\nContent-Length:          0\r\n\r\n",
    );
    let response = ask(&http_url(&server)).unwrap();
    assert_eq!(
        (response.date, response.retry_after, response.content_type),
        (None, None, None)
    );
}

// Where nothing is sent.

#[test]
fn a_redirect_is_refused_and_the_second_server_hears_nothing() {
    let second = Listener::answering(OK);
    for status in [300, 301, 302, 303, 307, 308] {
        let first = Listener::answering(format!(
            "HTTP/1.1 {status} Moved\r\nLocation: http://{}/{PATH}?{CANARY}\r\nContent-Length: 0\r\n\r\n",
            second.authority()
        ));
        let error = fails(ask(&http_url(&first)));
        let HttpError::Redirect { to, .. } = &error else {
            panic!("{status}: {error:?}");
        };
        assert_eq!(to.as_deref(), Some(second.authority().as_str()));
    }
    assert_eq!(second.connections(), 0);
}

#[test]
fn a_redirect_from_https_to_plain_http_is_refused() {
    let second = Listener::answering(OK);
    let root = Root::new("a root");
    let location = format!("http://{}/{PATH}", second.authority());
    let first = Listener::tls(root.server("localhost", VALID), move |mut connection| {
        connection.read_request();
        let _ = connection.send(format!(
            "HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ));
    });
    let error = fails(http_trusting(&root.pem()).send(&get(&https_url(&first))));
    assert!(matches!(error, HttpError::Redirect { .. }), "{error:?}");
    assert_eq!(second.connections(), 0);
}

#[test]
fn a_redirect_to_the_same_host_or_nowhere_is_refused() {
    let long = format!("Location: https://{}/\r\n", "a".repeat(10_000));
    for (location, is_known) in [
        (long.as_str(), false),
        ("Location: /private-path\r\n", true),
        ("Location: ///\r\n", false),
        ("Location: \u{202e}\r\n", false),
        ("Location: mailto:a@b\r\n", false),
        ("", false),
    ] {
        let server = Listener::answering(format!(
            "HTTP/1.1 302 Found\r\n{location}Content-Length: 0\r\n\r\n"
        ));
        let error = fails(ask(&http_url(&server)));
        let HttpError::Redirect { to, .. } = &error else {
            panic!("{location}: {error:?}");
        };
        assert_eq!(to.is_some(), is_known, "{location}");
    }
}

#[test]
fn plain_http_that_was_not_allowed_is_not_spoken() {
    let server = Listener::answering(OK);
    let url = http_url(&server);
    let request = Request {
        allows_plain_http: false,
        ..get(&url)
    };
    assert!(matches!(fails(http(LONG).send(&request)), HttpError::Url { .. }));
    assert_eq!(server.connections(), 0);
}

#[test]
fn other_schemes_and_users_in_a_url_are_refused() {
    let server = Listener::answering(OK);
    for url in [
        format!("ftp://{}/", server.authority()),
        format!("http://user@{}/", server.authority()),
        format!("http://:{CANARY}@{}/", server.authority()),
        "data:text/plain,ok".to_owned(),
        "file:///private-path".to_owned(),
    ] {
        let error = fails(ask(&url.parse().unwrap()));
        assert!(matches!(error, HttpError::Url { .. }), "{url}: {error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_token_that_would_begin_another_header_is_not_sent() {
    let server = Listener::answering(OK);
    for token in ["a\r\nX: b", "a\nb", "a b", "a\0", "a\u{7f}", "\u{e9}"] {
        let token = Secret::new(format!("{CANARY}{token}"));
        let request_url = http_url(&server);
        let error = fails(http(LONG).send(&Request {
            authorization: Authorization::Bearer(&token),
            ..get(&request_url)
        }));
        assert!(matches!(error, HttpError::Credential { .. }), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_user_that_would_move_into_the_password_is_not_sent() {
    let server = Listener::answering(OK);
    for (user, password) in [("a:b", "c"), ("a\n", "c"), ("a", "c\r\n")] {
        let password = Secret::new(password.to_owned());
        let request_url = http_url(&server);
        let error = fails(http(LONG).send(&Request {
            authorization: Authorization::Basic {
                user,
                password: &password,
            },
            ..get(&request_url)
        }));
        assert!(matches!(error, HttpError::Credential { .. }), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

// What takes too long, or is not there.

#[test]
fn a_server_that_says_nothing_is_left_at_the_deadline() {
    let server = Listener::plain(|mut connection| connection.wait());
    ends_at_the_deadline(&http_url(&server));
}

#[test]
fn headers_of_a_byte_a_second_are_left_at_the_deadline() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        connection.drip(b"HTTP/1.1 200 OK\r\n");
    });
    ends_at_the_deadline(&http_url(&server));
}

#[test]
fn a_body_of_a_byte_a_second_is_left_at_the_deadline() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        connection
            .send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            .unwrap();
        connection.drip(b"x");
    });
    ends_at_the_deadline(&http_url(&server));
}

#[test]
fn interim_answers_without_an_end_are_left_at_the_deadline() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        while connection.send("HTTP/1.1 103 Early Hints\r\n\r\n").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    ends_at_the_deadline(&http_url(&server));
}

#[test]
fn a_tls_handshake_that_stalls_is_left_at_the_deadline() {
    let server = Listener::plain(|mut connection| connection.wait());
    ends_at_the_deadline(&https_url(&server));
}

#[test]
fn a_request_has_ten_seconds_however_far_off_the_deadline_is() {
    let server = Listener::plain(|mut connection| {
        connection.read_request();
        let _ = connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        connection.wait();
    });
    let start = Instant::now();
    let error = fails(ask_within(&http_url(&server), 6 * BUDGET));
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
    assert!(
        (BUDGET..BUDGET + GRACE).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_deadline_is_for_all_requests_together() {
    let slow = Listener::plain(|mut connection| connection.wait());
    let quick = Listener::answering(OK);
    let http = http(SHORT);
    assert!(matches!(
        fails(http.send(&get(&http_url(&slow)))),
        HttpError::Timeout { .. }
    ));
    assert!(http.remaining().is_zero());
    assert!(matches!(
        fails(http.send(&get(&http_url(&quick)))),
        HttpError::Timeout { .. }
    ));
    assert_eq!(quick.connections(), 0);
}

#[test]
fn a_port_where_nobody_listens_is_told() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/{PATH}", free.local_addr().unwrap());
    drop(free);
    let error = fails(ask(&url.parse().unwrap()));
    assert!(
        matches!(
            error,
            HttpError::Connect {
                cause: ErrorKind::ConnectionRefused,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_connection_reset_in_the_body_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/{PATH}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.peek(&mut [0]).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nok")
            .unwrap();
        thread::sleep(Duration::from_millis(100));
        // Closed with the request unread: the kernel answers with a reset.
        drop(stream);
    });
    let error = fails(ask(&url.parse().unwrap()));
    assert!(matches!(error, HttpError::Incomplete { .. }), "{error:?}");
}

// Whose certificates are believed.

#[test]
fn a_certificate_under_a_given_root_is_accepted() {
    let root = Root::new("a root");
    let server = tls_server(&root, "localhost", VALID);
    let response = http_trusting(&root.pem())
        .send(&get(&https_url(&server)))
        .unwrap();
    assert_eq!(response.status, 200);
}

#[test]
fn bad_certificates_are_refused_before_anything_is_sent() {
    let root = Root::new("a root");
    let (other, namesake) = (Root::new("another root"), Root::new("a root"));
    for (server, problem) in [
        (
            tls_server(&root, "localhost", EXPIRED),
            CertificateProblem::Expired,
        ),
        (
            tls_server(&root, "localhost", NOT_YET_VALID),
            CertificateProblem::NotYetValid,
        ),
        (
            tls_server(&root, "registry.example.com", VALID),
            CertificateProblem::OtherName,
        ),
        (
            tls_server(&namesake, "localhost", VALID),
            CertificateProblem::UnknownIssuer,
        ),
        (
            tls_server(&other, "localhost", VALID),
            CertificateProblem::UnknownIssuer,
        ),
        (
            self_signed_server("localhost", VALID, false).0,
            CertificateProblem::UnknownIssuer,
        ),
        (
            self_signed_server("localhost", VALID, true).0,
            CertificateProblem::UnknownIssuer,
        ),
    ] {
        let error = fails(http_trusting(&root.pem()).send(&get(&https_url(&server))));
        assert!(
            matches!(&error, HttpError::Tls { problem: told, .. } if *told == problem),
            "{problem:?}: {error:?}"
        );
        assert_eq!(server.seen(), "");
    }
}

#[test]
fn a_certificate_that_signed_itself_is_accepted_where_it_was_given() {
    for is_authority in [false, true] {
        let (server, pem) = self_signed_server("localhost", VALID, is_authority);
        let response = http_trusting(&pem).send(&get(&https_url(&server))).unwrap();
        assert_eq!(response.status, 200);
    }
}

#[test]
fn a_certificate_that_was_given_is_still_one_name_and_one_time() {
    for (name, years, problem) in [
        ("localhost", EXPIRED, CertificateProblem::Expired),
        ("localhost", NOT_YET_VALID, CertificateProblem::NotYetValid),
        ("registry.example.com", VALID, CertificateProblem::OtherName),
    ] {
        for is_authority in [false, true] {
            let (server, pem) = self_signed_server(name, years, is_authority);
            let error = fails(http_trusting(&pem).send(&get(&https_url(&server))));
            assert!(
                matches!(&error, HttpError::Tls { problem: told, .. } if *told == problem),
                "{problem:?}: {error:?}"
            );
            assert_eq!(server.seen(), "");
        }
    }
}

#[test]
fn a_root_that_cannot_be_read_is_told_by_its_path_and_only_when_it_is_needed() {
    let server = Listener::answering(OK);
    for pem in [
        "",
        "none",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let http = http_trusting(pem);
        let error = fails(http.send(&get(&https_url(&server))));
        assert!(error.to_string().starts_with("certs.d/ca.crt: "), "{error}");
        assert_eq!(server.connections(), 0);
    }
    assert_eq!(
        http_trusting("none")
            .send(&get(&http_url(&server)))
            .unwrap()
            .status,
        200
    );
}

#[test]
fn plain_http_behind_https_is_told() {
    let server = answers_at_once();
    let error = fails(ask(&https_url(&server)));
    assert!(
        matches!(
            error,
            HttpError::Tls {
                problem: CertificateProblem::Handshake,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!server.seen().contains(CANARY));
}

// What the environment says, to a process of its own.

#[test]
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

#[test]
fn a_system_without_roots_is_told_and_plain_http_needs_none() {
    let none = [
        ("SSL_CERT_FILE", "/nonexistent"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ];
    let server = Listener::answering(OK);
    assert_eq!(ask_with(&https_url(&server), &none), "NoRoots");
    assert_eq!(ask_with(&http_url(&server), &none), "200 ok");
}

#[test]
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

#[test]
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

#[test]
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

#[test]
fn a_proxy_that_answers_everything_itself_is_no_server() {
    let proxy = answers_at_once();
    let url = format!("https://registry.example.com/{PATH}").parse().unwrap();
    let answer = ask_with(&url, &[("HTTPS_PROXY", &proxy.authority())]);
    assert!(answer.starts_with("Tls {"), "{answer}");
}

#[test]
fn a_proxy_that_hangs_is_left() {
    let proxy = Listener::plain(|mut connection| connection.wait());
    let url = format!("https://registry.example.com/{PATH}").parse().unwrap();
    let start = Instant::now();
    let answer = ask_with(&url, &[("HTTPS_PROXY", &proxy.authority())]);
    assert_eq!(answer, "Timeout { server: \"registry.example.com\" }");
    assert!(start.elapsed() < LONG + GRACE);
}

#[test]
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

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_started_before_the_first_request() {
    assert_eq!(
        ask_with(
            &"https://registry.invalid/".parse().unwrap(),
            &[("ONLY_MADE", "1")]
        ),
        "0 threads"
    );
}

/// Not a test: what the tests above start, to have an environment of its own.
#[test]
#[ignore = "other tests start it"]
#[expect(
    clippy::disallowed_methods,
    reason = "it is told by its environment what to ask"
)]
fn asked_in_a_process_of_its_own() {
    let url: Url = env::var("URL").unwrap().parse().unwrap();
    let answer = if env::var_os("ONLY_MADE").is_some() {
        let threads = || fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        let http = http(LONG);
        let after = threads();
        assert!(!http.remaining().is_zero());
        format!("{} threads", after - before)
    } else {
        match ask(&url) {
            Ok(response) => format!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
            Err(error) => format!("{:?}", fails(Err(error))),
        }
    };
    writeln!(std::io::stdout(), "\nanswer: {answer}").unwrap();
}

/// What [`asked_in_a_process_of_its_own`] says with these variables and no others.
fn ask_with(url: &Url, variables: &[(&str, &str)]) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "asked_in_a_process_of_its_own",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("URL", url.as_str())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("answer: "))
        .unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
        .to_owned()
}

fn http(budget: Duration) -> Http {
    Http::new(Trust::default(), Instant::now() + budget)
}

fn http_trusting(pem: &str) -> Http {
    let trust = Trust {
        files: vec![CertificateFile {
            path: "certs.d/ca.crt".into(),
            pem: pem.as_bytes().to_vec(),
        }],
    };
    Http::new(trust, Instant::now() + LONG)
}

/// A request without authorization, in the clear where the URL says so.
fn get(url: &Url) -> Request<'_> {
    Request {
        method: Method::Get,
        url,
        authorization: Authorization::None,
        allows_plain_http: true,
    }
}

/// Asks with the canary as a password.
fn ask(url: &Url) -> Result<Response, HttpError> {
    ask_within(url, LONG)
}

fn ask_within(url: &Url, budget: Duration) -> Result<Response, HttpError> {
    let password = Secret::new(CANARY.to_owned());
    http(budget).send(&Request {
        authorization: Authorization::Basic {
            user: "anna",
            password: &password,
        },
        ..get(url)
    })
}

/// The error, in whose texts there is nothing that is not for everybody.
#[track_caller]
fn fails(result: Result<Response, HttpError>) -> HttpError {
    let error = result.unwrap_err();
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains(CANARY) && !text.contains(PATH), "{text}");
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
    }
    error
}

#[track_caller]
fn ends_at_the_deadline(url: &Url) {
    let start = Instant::now();
    let error = fails(ask_within(url, SHORT));
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < SHORT + GRACE, "{:?}", start.elapsed());
}

fn http_url(server: &Listener) -> Url {
    format!("http://{}/{PATH}?q={PATH}", server.authority())
        .parse()
        .unwrap()
}

fn https_url(server: &Listener) -> Url {
    format!("https://localhost:{}/{PATH}", server.port())
        .parse()
        .unwrap()
}

fn tls_server(root: &Root, name: &str, years: Years) -> Listener {
    Listener::tls(root.server(name, years), |mut connection| {
        connection.read_request();
        let _ = connection.send(OK);
    })
}

/// Answers whatever it is sent, and does not read it.
fn answers_at_once() -> Listener {
    Listener::plain(|mut connection| while !connection.read().is_empty() && connection.send(OK).is_ok() {})
}

fn self_signed_server(name: &str, years: Years, is_authority: bool) -> (Listener, String) {
    let (config, pem) = self_signed(name, years, is_authority);
    let server = Listener::tls(config, |mut connection| {
        connection.read_request();
        let _ = connection.send(OK);
    });
    (server, pem)
}
