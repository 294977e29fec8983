//! What the benches' registry and token server answer to the one request of a connection.

use std::io::{self, BufRead, BufReader, Read, Write};

/// Header, claims and signature, as long as those of most registries: the claims name `acme/app`, the audience `bench`
/// and a life of an hour.
const TOKEN: [&str; 3] = [
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJhdWQiOiJiZW5jaCIsInN1YiI6ImNpIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDM2MDAsImFjY2VzcyI6W3sidHlwZSI6InJlcG\
     9zaXRvcnkiLCJuYW1lIjoiYWNtZS9hcHAiLCJhY3Rpb25zIjpbInB1bGwiXX1dfQ",
    "c2lnbmVkLWJ5LW5vYm9keS1zaWduZWQtYnktbm9ib2R5LXNpZ25lZC1ieS1ub2JvZHktc2lnbmVkLWJ5LW5vYm9k",
];

/// Reads a request and answers it: a challenge at `/v2/`, a token everywhere else. The token for an `acme/other…` is as
/// long, and says nothing of itself.
pub(crate) fn serve(mut stream: impl Read + Write, origin: &str) -> io::Result<()> {
    let mut lines = BufReader::new(&mut stream).lines();
    let asked = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, header, body) = if asked.starts_with("GET /v2/") {
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{origin}/token\",service=\"bench\"\r\n");
        ("401 Unauthorized", challenge, String::new())
    } else {
        let body = if asked.contains("other") {
            format!(r#"{{"token":"{}","expires_in":3600}}"#, TOKEN.concat())
        } else {
            format!(r#"{{"token":"{}"}}"#, TOKEN.join("."))
        };
        ("200 OK", String::new(), body)
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{header}Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )?;
    stream.flush()
}
