//! Deadline: when a call has to be answered, and the end of the process where it is not. Knows nothing of what is waited
//! for, but its name.
//!
//! docker waits for its helpers without a limit, and buildkit asks one after the other. Each wait has a limit of its own;
//! what they are in sum ends here. Who is about to wait says so first: only then is there a thread that looks at the clock.
//! A call that is answered from disk has none, and a disk that hangs, as one on the network may, is waited for.
//!
//! The process may be ended at any moment: files are old or new and never between.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a call may take, whatever it waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// How long somebody may take to read the answer, or why there is none; and a program to be ended.
const FAREWELL: Duration = Duration::from_millis(500);

/// A thread that looks at the clock needs little.
const STACK_BYTES: usize = 128 * 1024;

static DEADLINE: OnceLock<Deadline> = OnceLock::new();

/// Where it is said that there is no answer.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// Where docker reads it.
    Stdout,
    /// Where a person reads it.
    Stderr,
}

struct Deadline {
    end: Instant,
    stream: Stream,
    awaited: Mutex<String>,
    watch: Once,
    /// Whether somebody has begun to say what there is to say: who comes second says nothing.
    is_answered: AtomicBool,
}

impl Deadline {
    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

/// From here on the process has its time. Whoever serves a person who may be asked something does not begin it.
pub fn begin(stream: Stream) {
    DEADLINE.get_or_init(|| Deadline {
        end: Instant::now() + LIMIT,
        stream,
        awaited: Mutex::default(),
        watch: Once::new(),
        is_answered: AtomicBool::new(false),
    });
}

/// What is left of the time; `None` where nobody has begun it.
#[must_use]
pub fn left() -> Option<Duration> {
    Some(DEADLINE.get()?.left())
}

/// Says what is waited for next. From the first time on the clock is looked at.
pub fn will_wait_for(what: &dyn Display) {
    let Some(deadline) = DEADLINE.get() else { return };
    *lock(&deadline.awaited) = what.to_string();
    deadline.watch.call_once(|| {
        // Without it each wait still has its own limit.
        let _ = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(|| watch(deadline));
    });
}

/// Says that the answer is there. What is said on a stream is then the answer's alone.
pub fn answer() {
    if let Some(deadline) = DEADLINE.get()
        && deadline.is_answered.swap(true, Ordering::Relaxed)
    {
        // Too late: it is said at this moment that there is none.
        loop {
            thread::park();
        }
    }
}

#[expect(clippy::exit, reason = "what is waited for may never come back")]
fn watch(deadline: &'static Deadline) {
    // Sleeping would begin again with what was left where a signal came between, as a stopped process gets them.
    while let left = deadline.left()
        && !left.is_zero()
    {
        thread::park_timeout(left);
    }
    if !deadline.is_answered.swap(true, Ordering::Relaxed) {
        // Nobody may read there.
        let _ = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || say(deadline));
    }
    // The answer may be about to be whole. And a program that is still run is about to be ended by who waits for it: after
    // a stop, both have slept for too long.
    thread::sleep(FAREWELL);
    std::process::exit(1);
}

fn say(deadline: &Deadline) -> io::Result<()> {
    let awaited = lock(&deadline.awaited).escape_debug().to_string();
    let what = format!(
        "not done within {} s; it last waited for {awaited}\n",
        LIMIT.as_secs()
    );
    match deadline.stream {
        Stream::Stdout => io::stdout().write_all(what.as_bytes()),
        Stream::Stderr => io::stderr().write_all(format!("docker-credential-scoped: {what}").as_bytes()),
    }
}

fn lock(awaited: &Mutex<String>) -> std::sync::MutexGuard<'_, String> {
    awaited.lock().unwrap_or_else(PoisonError::into_inner)
}
