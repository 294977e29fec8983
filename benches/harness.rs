//! What the benches that `benches/run` calls have in common.

use std::env;
use std::time::Duration;

/// What the bench was called with, but for the `--bench` that `cargo bench` says to every bench.
pub(crate) fn arguments() -> Vec<String> {
    env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect()
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
