//! What the end-to-end tests are played with: real peers on loopback, each stopped and removed when dropped.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test crate uses a part of it"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect, and reads PATH to find its peers"
)]

pub(crate) mod bearer;
pub(crate) mod bounds;
pub(crate) mod canaries;
pub(crate) mod certificate;
pub(crate) mod changes;
pub(crate) mod client;
pub(crate) mod containers;
pub(crate) mod disk;
pub(crate) mod docker;
pub(crate) mod engine;
pub(crate) mod fixture;
pub(crate) mod helper;
pub(crate) mod home;
pub(crate) mod http;
pub(crate) mod hub;
pub(crate) mod hub_scene;
pub(crate) mod image;
pub(crate) mod key;
#[cfg(target_os = "linux")]
pub(crate) mod keyring;
pub(crate) mod listener;
pub(crate) mod outcome;
pub(crate) mod packaged;
pub(crate) mod peer;
pub(crate) mod recorder;
pub(crate) mod registry;
pub(crate) mod rounds;
pub(crate) mod scene;
#[cfg(target_os = "linux")]
pub(crate) mod secret_service;
pub(crate) mod sessions;
pub(crate) mod stage;
pub(crate) mod strace;
pub(crate) mod terminal;
pub(crate) mod token_cache;
pub(crate) mod token_server;
pub(crate) mod trials;
pub(crate) mod tunnel;
pub(crate) mod world;
