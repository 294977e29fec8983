//! HTTP against servers on loopback that do everything but answer well. No credential gets anywhere it is not
//! meant for, every call ends, and no text says more than it has to.

mod support;

use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use docker_credential_scoped::http::{
    Authorization, BUDGET, CertificateFile, CertificateProblem, Field, Http, HttpError, Method, RateLimit,
    Request, Trust,
};
use docker_credential_scoped::secret::Secret;
use support::certificate::{EXPIRED, NOT_YET_VALID, Root, VALID, Years, self_signed};
use support::http::{
    CANARY, GRACE, LONG, OK, PATH, answers_at_once, ask, ask_within, fails, get, http, http_url, https_url,
    tls_server, tls_server_with,
};
use support::listener::Listener;
use url::Url;

/// The deadline where it is what ends a call.
const SHORT: Duration = Duration::from_secs(1);

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
        (
            tls_server_with(root.server_as_client("localhost")),
            CertificateProblem::Unfit,
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

#[test]
fn tls_that_fails_after_the_request_went_out_is_an_answer_broken_off() {
    let root = Root::new("a root");
    // A record that nobody can decipher, and the end.
    for (bytes, number) in [(&b"\x17\x03\x03\x00\x20no"[..], 1), (&[b'x'; 64], 2), (b"", 3)] {
        let server = Listener::tls(root.server("localhost", VALID), move |mut connection| {
            connection.read_request();
            let _ = connection.send_bare(bytes);
        });
        let error = fails(http_trusting(&root.pem()).send(&get(&https_url(&server))));
        assert!(
            matches!(error, HttpError::Incomplete { .. }),
            "{number}: {error:?}"
        );
        assert!(server.seen().contains("GET "), "{number}");
    }
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

#[track_caller]
fn ends_at_the_deadline(url: &Url) {
    let start = Instant::now();
    let error = fails(ask_within(url, SHORT));
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < SHORT + GRACE, "{:?}", start.elapsed());
}

fn self_signed_server(name: &str, years: Years, is_authority: bool) -> (Listener, String) {
    let (config, pem) = self_signed(name, years, is_authority);
    let server = Listener::tls(config, |mut connection| {
        connection.read_request();
        let _ = connection.send(OK);
    });
    (server, pem)
}
