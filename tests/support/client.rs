//! A plain HTTP client, which knows nothing of the program under test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

/// A connection that is kept for one request after the other.
pub(crate) struct Client {
    authority: String,
    reader: BufReader<TcpStream>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Client {
    /// Connects to where a URL is.
    pub(crate) fn to(url: &str) -> Self {
        let url: Url = url.parse().expect("a URL");
        let authority = url.authority().to_owned();
        let stream = TcpStream::connect(&authority).expect("a server");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        Self {
            authority,
            reader: BufReader::new(stream),
        }
    }

    /// Nothing where the connection ends before there is an answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &str,
        authorization: Option<&str>,
        body: Option<&Value>,
    ) -> Option<Reply> {
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n"));
        let body = body.map(Value::to_string);
        self.send(
            method,
            target,
            &authorization.unwrap_or_default(),
            &body.unwrap_or_default(),
        )
    }

    /// Sends a form as it is.
    pub(crate) fn post_form(&mut self, target: &str, form: &str) -> Option<Reply> {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.send("POST", target, kind, form)
    }

    fn send(&mut self, method: &str, target: &str, header: &str, body: &str) -> Option<Reply> {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\n{header}Content-Length: {}\r\n\r\n{body}",
            self.authority,
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes()).ok()?;
        self.read()
    }

    fn read(&mut self) -> Option<Reply> {
        let status = self.line()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut reply = Reply {
            status,
            headers,
            text: String::new(),
        };
        let length = reply
            .header("content-length")
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).ok()?;
        reply.text = String::from_utf8(body).expect("text");
        Some(reply)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line).ok()?;
        Some(line.strip_suffix("\r\n")?.to_owned())
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }
}

/// Basic credentials.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
