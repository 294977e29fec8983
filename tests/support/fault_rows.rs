//! The ways in which a token server fails, each with what is to come of it.

use std::time::Duration;

use serde_json::json;

use crate::support::fixture::answer::{Answer, jwt};

/// Stands in every body, and is to be read nowhere else.
pub(crate) const SPOILT: &str = "body-of-the-answer";

/// Sunday, and a second, a day later.
const DATES: [&str; 3] = [
    "Sun, 22 Nov 2026 08:00:00 GMT",
    "Sun, 22 Nov 2026 08:00:01 GMT",
    "Mon, 23 Nov 2026 08:00:00 GMT",
];

/// One way to fail.
pub(crate) struct Row {
    pub(crate) name: String,
    /// `{here}` is where it is, `{second}` where a second server is.
    pub(crate) answer: Answer,
    /// How often it is to be asked.
    pub(crate) attempts: usize,
    /// What is to be said of it, for GET and for POST.
    pub(crate) says: (&'static str, &'static str),
    /// Whether it takes all of the time there is.
    pub(crate) lasts: bool,
}

impl Row {
    fn new(name: &str, answer: Answer, says: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            answer,
            attempts: 1,
            says: (says, says),
            lasts: false,
        }
    }

    fn tried(self, attempts: usize) -> Self {
        Self { attempts, ..self }
    }

    fn lasting(self) -> Self {
        Self { lasts: true, ..self }
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = statuses();
    rows.extend(busy());
    rows.extend(redirects());
    rows.extend(bodies());
    rows.extend(connections());
    rows
}

fn statuses() -> Vec<Row> {
    let page =
        |status| Answer::new(status, format!("<html>{SPOILT}</html>")).with("Content-Type", "text/html");
    let refused = "refused the credential";
    let none = "takes no refresh tokens";
    let mut rows = Vec::new();
    for (status, says, attempts) in [
        (
            400,
            (
                "answered 400",
                "answered 400 and does not say why; if that stays so, log in again",
            ),
            1,
        ),
        (401, (refused, refused), 1),
        (402, ("answered 402", "answered 402"), 1),
        (403, (refused, refused), 1),
        (404, ("answered 404", none), 1),
        (405, ("answered 405", none), 1),
        (406, ("answered 406", "answered 406"), 1),
        (407, ("", ""), 1),
        (408, ("answered 408", "answered 408"), 1),
        (409, ("answered 409", "answered 409"), 1),
        (410, ("answered 410", "answered 410"), 1),
        (412, ("answered 412", "answered 412"), 1),
        (413, ("answered 413", "answered 413"), 1),
        (418, ("answered 418", "answered 418"), 1),
        (421, ("answered 421", "answered 421"), 1),
        (422, ("answered 422", "answered 422"), 1),
        (425, ("answered 425", "answered 425"), 1),
        (429, ("too many requests", "too many requests"), 3),
        (451, ("answered 451", "answered 451"), 1),
        (500, ("answered 500", "answered 500"), 3),
        (501, ("answered 501", "answered 501"), 1),
        (502, ("answered 502", "answered 502"), 3),
        (503, ("answered 503", "answered 503"), 3),
        (504, ("answered 504", "answered 504"), 3),
        (507, ("answered 507", "answered 507"), 1),
        (599, ("answered 599", "answered 599"), 1),
    ] {
        let row = Row::new(&status.to_string(), page(status), "").tried(attempts);
        rows.push(Row { says, ..row });
    }
    rows.push(Row::new(
        "400 with a secret in it",
        Answer::new(400, json!({ "error": SPOILT, "token": SPOILT }).to_string()),
        "answered 400",
    ));
    for (status, code, says) in [
        (400, "invalid_grant", "refused the credential (400)"),
        (400, "invalid_client", "(invalid_client)"),
        (400, "invalid_request", "(invalid_request)"),
        (400, "invalid_scope", "(invalid_scope)"),
        (400, "unauthorized_client", "(unauthorized_client)"),
        (400, "unsupported_grant_type", "(unsupported_grant_type)"),
        (401, "invalid_client", "(invalid_client)"),
        (401, "invalid_grant", "refused the credential (401)"),
    ] {
        let body = json!({ "error": code, "error_description": SPOILT, "error_uri": SPOILT });
        rows.push(Row {
            says: (
                if status == 401 {
                    "refused the credential (401)"
                } else {
                    "answered 400"
                },
                says,
            ),
            ..Row::new(
                &format!("{status} {code}"),
                Answer::new(status, body.to_string()),
                "",
            )
        });
    }
    rows.push(Row::new(
        "204",
        Answer::raw("HTTP/1.1 204 X\r\nConnection: close\r\n\r\n"),
        "not JSON",
    ));
    rows
}

fn busy() -> Vec<Row> {
    let busy = |when: &str| Answer::new(429, SPOILT).with("Retry-After", when);
    let says = "too many requests";
    let [date, later, tomorrow] = DATES;
    vec![
        Row::new("429, retry at once", busy("0"), says).tried(3),
        Row::new("429, retry after a second", busy("1"), says).tried(3),
        Row::new("429, retry after an hour", busy("3600"), says),
        Row::new("429, retry after ages", busy("99999999999999999999999"), says),
        Row::new("429, retry some time", busy("garbage \"; $(x)"), says),
        Row::new("429, retry never", busy(""), says),
        Row::new("429, retry at a date", busy(later).with("Date", date), says).tried(3),
        Row::new(
            "429, retry at a date gone by",
            busy(date).with("Date", later),
            says,
        )
        .tried(3),
        Row::new("429, retry tomorrow", busy(tomorrow).with("Date", date), says),
        Row::new("429, retry at a date of no clock", busy(later), says),
        Row::new(
            "503, retry after a minute",
            Answer::new(503, SPOILT).with("Retry-After", "60"),
            "answered 503",
        ),
    ]
}

fn redirects() -> Vec<Row> {
    let mut rows = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        rows.push(Row::new(
            &format!("{status} to another server"),
            Answer::new(status, SPOILT).with("Location", "{second}/token"),
            "redirects to 127.0.0.1:",
        ));
    }
    let to = |location: &'static str| Answer::new(307, SPOILT).with("Location", location);
    rows.push(Row::new(
        "307 to itself",
        Answer::new(307, SPOILT).with("Location", "{here}/login"),
        "redirects to 127.0.0.1:",
    ));
    for (name, location) in [
        ("307 to a path", "/login?token=body-of-the-answer"),
        ("307 to a user", "https://body-of-the-answer@auth.example/"),
        ("307 to another scheme", "ftp://auth.example/body-of-the-answer"),
        ("307 to a file", "file:///etc/body-of-the-answer"),
        ("307 to nowhere", "http://:"),
    ] {
        rows.push(Row::new(name, to(location), "redirects to "));
    }
    rows.push(Row::new(
        "302 without a target",
        Answer::new(302, SPOILT),
        "a place that cannot be read",
    ));
    rows.push(Row::new(
        "304",
        Answer::raw("HTTP/1.1 304 X\r\nConnection: close\r\n\r\n"),
        "answered 304 (not modified), as if it had been asked before",
    ));
    rows
}

fn bodies() -> Vec<Row> {
    let json = |text: &str| Answer::new(200, text).with("Content-Type", "application/json");
    let deep = |before: &str| json(&format!("{before}{}", "[".repeat(100_000)));
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let other = json!({ "token": jwt(&json!({ "aud": [SPOILT] })) }).to_string();
    let mut rows = Vec::new();
    for (name, answer) in [
        ("an empty body", json("")),
        ("HTML", Answer::new(200, format!("<html>{SPOILT}</html>"))),
        ("cut JSON", json("{\"token\": \"body-of-the-answer")),
        ("two values", json("{\"token\": \"body-of-the-answer\"} {}")),
        ("deep JSON", deep("")),
        (
            "deep JSON in a field",
            deep("{\"token\": \"body-of-the-answer\", \"expires_in\": "),
        ),
        (
            "deep JSON as a time",
            json(&format!(
                "{{\"token\": \"body-of-the-answer\", \"expires_in\": {nested}}}"
            )),
        ),
        (
            "a key twice",
            json("{\"token\": \"body-of-the-answer\", \"token\": \"other\"}"),
        ),
        ("a number for a token", json("{\"token\": 5}")),
        (
            "a list for a token",
            json("{\"token\": [\"body-of-the-answer\"]}"),
        ),
        ("a list", json("[\"body-of-the-answer\"]")),
        ("a text", json("\"body-of-the-answer\"")),
        ("null", json("null")),
        (
            "no UTF-8",
            Answer::new(200, b"{\"token\": \"\xff\xfe\"}".to_vec()),
        ),
        ("half a pair", json("{\"token\": \"\\ud800\"}")),
        (
            "a byte order mark",
            json("\u{feff}{\"token\": \"body-of-the-answer\"}"),
        ),
        (
            "gzip",
            Answer::new(200, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec())
                .with("Content-Encoding", "gzip"),
        ),
    ] {
        rows.push(Row::new(name, answer, " answered something that is not JSON"));
    }
    for (name, text, says) in [
        ("no token", "{}", "without a token"),
        ("an empty token", "{\"token\": \"\"}", "without a token"),
        ("null for a token", "{\"token\": null}", "without a token"),
        (
            "an error with 200",
            "{\"error\": \"body-of-the-answer\"}",
            "without a token",
        ),
        (
            "a refresh token alone",
            "{\"refresh_token\": \"body-of-the-answer\"}",
            "without a token",
        ),
        (
            "two tokens",
            "{\"token\": \"body-of-the-answer\", \"access_token\": \"b\"}",
            "two different tokens",
        ),
        (
            "a line break in a token",
            "{\"token\": \"body-of-the-answer\\r\\nX: y\"}",
            "characters that no token has",
        ),
        (
            "an escape in a token",
            "{\"token\": \"body-of-the-answer\\u001b[2J\"}",
            "characters that no token has",
        ),
        (
            "letters in a token",
            "{\"token\": \"body-of-the-answer\u{e4}\"}",
            "characters that no token has",
        ),
        (
            "a line break in a refresh token",
            "{\"token\": \"t\", \"refresh_token\": \"body-of-the-answer\\n\"}",
            "characters that no token has",
        ),
        ("another audience", other.as_str(), "another audience"),
    ] {
        rows.push(Row::new(name, json(text), says));
    }
    let long = format!("{{\"token\": \"{}\"}}", SPOILT.repeat(1024 * 1024 / SPOILT.len()));
    rows.push(Row::new("a mebibyte", json(&long), "longer than 256 KiB"));
    rows
}

fn connections() -> Vec<Row> {
    let token = "{\"token\": \"body-of-the-answer\"}";
    let second = Duration::from_secs(1);
    let broken = "no HTTP, or was broken off";
    let late = "did not answer in time";
    let header = |line: &str| {
        Answer::raw(format!(
            "HTTP/1.1 200 X\r\n{line}\r\nContent-Length: 2\r\n\r\n{{}}"
        ))
    };
    vec![
        Row::new("nothing at all", Answer::raw(""), broken),
        Row::new(
            "no HTTP",
            Answer::raw("SSH-2.0-body-of-the-answer\r\n\r\n"),
            broken,
        ),
        Row::new("half a status", Answer::raw("HTTP/1.1 20"), broken),
        Row::new(
            "half a header",
            Answer::raw("HTTP/1.1 200 X\r\nDate: body-of"),
            broken,
        ),
        Row::new(
            "headers without a body",
            Answer::new(200, token).broken_off_after(0),
            broken,
        ),
        Row::new(
            "half a body",
            Answer::new(200, token).broken_off_after(10),
            broken,
        ),
        Row::new(
            "half a chunk",
            Answer::raw("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"token\":"),
            broken,
        ),
        Row::new(
            "no chunk",
            Answer::raw("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nbody-of-the-answer\r\n"),
            broken,
        ),
        Row::new("two lengths", header("Content-Length: 7"), broken),
        Row::new(
            "a header that is too long",
            header(&format!("X: {}", "x".repeat(1024 * 1024))),
            broken,
        ),
        Row::new(
            "a thousand headers",
            header(&vec!["X: y"; 1000].join("\r\n")),
            broken,
        ),
        Row::new(
            "a challenge of other letters",
            header("WWW-Authenticate: body-of-the-answer \u{e4}"),
            "www-authenticate",
        ),
        Row::new(
            "chunks without an end",
            Answer::endless(Duration::ZERO),
            "longer than 256 KiB",
        ),
        Row::new("now and then a chunk", Answer::endless(second), late).lasting(),
        Row::new("a byte a second", Answer::new(200, token).slowly(), late).lasting(),
        Row::new(
            "a body of a byte a second",
            Answer::new(200, token).with_slow_body(),
            late,
        )
        .lasting(),
    ]
}
