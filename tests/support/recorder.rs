//! A recorder between docker and its engine: it passes every byte on, and keeps what the client sent.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;
use tempfile::TempDir;

use super::engine::Engine;

/// A running recorder. It stops when dropped; connections that are open then end with the test.
pub(crate) struct Recorder {
    directory: TempDir,
    /// What was sent, by connections: what two of them send does not run into each other.
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    is_over: Arc<AtomicBool>,
}

impl Recorder {
    pub(crate) fn before(engine: &Engine) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(directory.path().join("socket")).expect("a socket");
        let behind = PathBuf::from(engine.host().strip_prefix("unix://").expect("a socket"));
        let sent = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        thread::spawn({
            let (sent, is_over) = (Arc::clone(&sent), Arc::clone(&is_over));
            move || {
                for client in listener.incoming() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let client = client.expect("a connection");
                    let engine = UnixStream::connect(&behind).expect("an engine");
                    let (mut from_client, mut to_engine) = (twin(&client), twin(&engine));
                    let sent = Arc::clone(&sent);
                    let connection = {
                        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                        sent.push(Vec::new());
                        sent.len() - 1
                    };
                    thread::spawn(move || {
                        pass(&mut from_client, &mut to_engine, |bytes| {
                            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                            sent[connection].extend_from_slice(bytes);
                        });
                    });
                    thread::spawn(move || {
                        let (mut from_engine, mut to_client) = (engine, client);
                        pass(&mut from_engine, &mut to_client, |_| {});
                    });
                }
            }
        });
        Self {
            directory,
            sent,
            is_over,
        }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.directory.path().join("socket").display())
    }

    /// What stood in the headers `X-Registry-Auth` and `X-Registry-Config`: the login for one registry, or for all
    /// (api/types/registry of moby).
    pub(crate) fn logins(&self) -> Vec<Value> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let texts: Vec<_> = sent.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        texts
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| {
                ["X-Registry-Auth", "X-Registry-Config"]
                    .iter()
                    .any(|header| header.eq_ignore_ascii_case(name))
            })
            .map(|(_, value)| serde_json::from_slice(&decoded(value.trim())).expect("JSON"))
            .collect()
    }

    /// Whether the text can be read anywhere in what was sent, or in those headers.
    pub(crate) fn shows(&self, text: &str) -> bool {
        let in_logins = self.logins().iter().any(|login| login.to_string().contains(text));
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!sent.is_empty(), "something was sent");
        let plain_or_encoded = [
            text.to_owned(),
            STANDARD_NO_PAD.encode(text),
            URL_SAFE_NO_PAD.encode(text),
        ];
        let is_sent = |text: &String| {
            sent.iter()
                .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        };
        in_logins || plain_or_encoded.iter().any(is_sent)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = UnixStream::connect(self.directory.path().join("socket"));
    }
}

/// docker writes these headers in one alphabet, other clients in another, with padding or without.
fn decoded(text: &str) -> Vec<u8> {
    let alphabets: [&GeneralPurpose; 4] = [&URL_SAFE, &URL_SAFE_NO_PAD, &STANDARD, &STANDARD_NO_PAD];
    alphabets
        .iter()
        .find_map(|alphabet| alphabet.decode(text).ok())
        .expect("base64")
}

fn twin(stream: &UnixStream) -> UnixStream {
    stream.try_clone().expect("a second handle")
}

/// Until one side is done; the other is told so.
fn pass(from: &mut UnixStream, to: &mut UnixStream, mut note: impl FnMut(&[u8])) {
    let mut part = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut part) {
        // Before it is passed on: who was answered may ask for it at once.
        note(&part[..length]);
        if to.write_all(&part[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
