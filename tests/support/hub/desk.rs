//! Docker Hub's API as connections see it: one request after the other, each answered, refused or dropped.

use std::fmt::Write as _;
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::json;
use time::Duration;

use super::super::fixture::answer::Answer;
use super::super::fixture::request::Request as Incoming;
use super::Config;
use super::api::{self, Reply};
use super::fault::{Fault, Faults};
use super::log::Request;
use super::rate::Rate;
use super::records::Records;

/// Everything there is to a Docker Hub, with one lock for all of it.
#[derive(Clone)]
pub(super) struct Desk(Arc<Mutex<State>>);

pub(super) struct State {
    pub(super) records: Records,
    pub(super) faults: Faults,
    pub(super) log: Vec<Request>,
    /// Method and path of each request, before anything is done for it.
    pub(super) arrived: Vec<(String, String)>,
    rate: Rate,
}

/// What is sent: bytes, or nothing and the connection ends.
enum Sent {
    Bytes(Vec<u8>),
    Answer(Answer),
    Nothing,
}

impl Desk {
    pub(super) fn new(config: Config) -> Self {
        let rate = Rate::new(config.requests, config.window);
        Self(Arc::new(Mutex::new(State {
            records: Records::new(config),
            faults: Faults::default(),
            log: Vec::new(),
            arrived: Vec::new(),
            rate,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection for as long as the other side keeps it.
    pub(super) fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
        while let Some(request) = Incoming::read(&mut reader) {
            match self.take(&request) {
                Sent::Bytes(bytes) if stream.write_all(&bytes).is_ok() => {}
                Sent::Answer(answer) => return answer.write(&mut stream),
                Sent::Bytes(_) | Sent::Nothing => return,
            }
        }
    }

    fn take(&self, request: &Incoming) -> Sent {
        let fault = {
            let mut state = self.lock();
            let arrived = (request.method.clone(), request.path.clone());
            state.arrived.push(arrived);
            state.faults.next(request)
        };
        match fault {
            None => Sent::Bytes(self.lock().answer(request)),
            Some(Fault::Late(time)) => {
                let bytes = self.lock().answer(request);
                thread::sleep(time);
                Sent::Bytes(bytes)
            }
            Some(Fault::Slow(time)) => {
                thread::sleep(time);
                Sent::Bytes(self.lock().answer(request))
            }
            Some(Fault::DropAfter) => {
                self.lock().answer_unheard(request);
                Sent::Nothing
            }
            Some(Fault::DoneThen(answer)) => {
                self.lock().answer_unheard(request);
                Sent::Answer(answer)
            }
            Some(Fault::DropBefore) => {
                self.lock().note(request, None);
                Sent::Nothing
            }
            Some(Fault::Answer(answer)) => {
                self.lock().note(request, None);
                Sent::Answer(answer)
            }
            Some(Fault::Status(status)) => Sent::Bytes(self.lock().refuse(request, status)),
            Some(Fault::TooMany(seconds)) => {
                let mut state = self.lock();
                state.note(request, Some(429));
                let until = state.records.now() + Duration::seconds(seconds.into());
                Sent::Bytes(state.too_many(Some(until)))
            }
        }
    }
}

impl State {
    fn answer(&mut self, request: &Incoming) -> Vec<u8> {
        if !self.rate.admits(self.records.now()) {
            self.note(request, Some(429));
            return self.too_many(None);
        }
        let here = format!("http://{}", request.host());
        // Before it is done: who asked may be known no more when it is.
        self.note(request, None);
        let reply = api::answer(&mut self.records, request, &here);
        self.answered(Some(reply.0));
        self.encode(&reply, &self.rate.headers())
    }

    /// Does what is asked for; the caller does not hear of it.
    fn answer_unheard(&mut self, request: &Incoming) {
        self.answer(request);
        self.answered(None);
    }

    fn refuse(&mut self, request: &Incoming, status: u16) -> Vec<u8> {
        self.note(request, Some(status));
        self.encode(&(status, Some(json!({}))), &self.rate.headers())
    }

    fn too_many(&self, until: Option<time::OffsetDateTime>) -> Vec<u8> {
        let body = json!({ "detail": "Rate limit exceeded", "error": false });
        self.encode(&(429, Some(body)), &self.rate.refusal(until))
    }

    /// Remembers a request.
    fn note(&mut self, request: &Incoming, status: Option<u16>) {
        let (who, proof) = api::caller(&self.records, request);
        self.log.push(Request {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            who,
            proof,
            status,
        });
    }

    /// How the last of them was answered.
    fn answered(&mut self, status: Option<u16>) {
        if let Some(request) = self.log.last_mut() {
            request.status = status;
        }
    }

    fn encode(&self, (status, body): &Reply, headers: &[(&'static str, String)]) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {status} X\r\nDate: {}\r\n", self.records.date());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").expect("a string takes any text");
        }
        match body {
            Some(body) => {
                let body = body.to_string();
                write!(
                    head,
                    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .expect("a string takes any text");
            }
            // 204 has no length (RFC 9110, 8.6).
            None if *status == 204 => head.push_str("\r\n"),
            None => head.push_str("Content-Length: 0\r\n\r\n"),
        }
        head.into_bytes()
    }
}
