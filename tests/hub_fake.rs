//! Docker Hub on loopback enforces what it says.

mod support;

use support::hub::{Config, Hub};

#[test]
fn it_starts() {
    let hub = Hub::start(Config::default());
    assert!(hub.requests().is_empty());
}
