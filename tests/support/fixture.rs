//! A server on loopback that answers as a test says, and remembers what it was asked. Knows nothing of tokens.

pub(crate) mod answer;
pub(crate) mod request;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use answer::Answer;
use request::Request;

/// A running server. It stops when dropped; what it is still sending then ends with the test.
pub(crate) struct Fixture {
    address: SocketAddr,
    log: Log,
    is_over: Arc<AtomicBool>,
}

/// Every request so far, oldest first.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Request>>>);

impl Fixture {
    pub(crate) fn start(behaviour: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let log = Log::default();
        let (address, is_over) = accept({
            let log = log.clone();
            move |stream| serve(stream, &behaviour, &log)
        });
        Self {
            address,
            log,
            is_over,
        }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.requests()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        stop(self.address, &self.is_over);
    }
}

impl Log {
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, request: Request) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
    }
}

/// Serves each connection on a thread of its own, until [`stop`].
pub(crate) fn accept(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let is_over = Arc::new(AtomicBool::new(false));
    let serve = Arc::new(serve);
    let ends = Arc::clone(&is_over);
    thread::spawn(move || {
        for stream in listener.incoming() {
            if ends.load(Ordering::Relaxed) {
                return;
            }
            let Ok(stream) = stream else { continue };
            // Nobody in these tests sends slowly; a client that died must not keep a thread.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    (address, is_over)
}

pub(crate) fn stop(address: SocketAddr, is_over: &AtomicBool) {
    is_over.store(true, Ordering::Relaxed);
    let _ = TcpStream::connect(address);
}

/// One request a connection. What is no HTTP, as the first words of TLS, is hung up on.
pub(crate) fn serve(mut stream: impl Read + Write, behaviour: &impl Fn(&Request) -> Answer, log: &Log) {
    let Some(request) = Request::read(&mut stream) else {
        return;
    };
    let answer = behaviour(&request);
    // Before it is answered: who was answered may look at the log at once.
    log.note(request);
    answer.write(&mut stream);
}
