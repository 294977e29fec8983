//! A docker credential helper that keeps each registry's tokens sealed, knows what each may do, and hands out the
//! least that is needed.
//!
//! The rooms, from the pure ones up. Each may use those above it in this list, and none below; `tests/house.rs`
//! holds them to it.
//!
//! - pure, no file, environment, network, clock or standard stream: [`secret`]; [`seal`], the cipher; [`registry`], the field's
//!   nouns;
//!   [`credential`], what is kept for a server; [`protocol`], what callers speak; [`client_config`], what clients'
//!   configuration files say
//! - of the process as a whole: [`deadline`], when a call has to be answered, and its end where it is not; whoever waits
//!   says so there
//! - one outside thing each: [`settings`], the environment and the directories; [`files`]; [`store`], the
//!   credentials store, sealed files on disk, and the key to them wherever it is (it uses [`files`]); [`token_cache`], access and refresh tokens until they
//!   expire (it too); [`activity_log`], what was done, for who wants that written down (it too); [`secret_source`],
//!   secrets kept elsewhere; [`process`], what the system sees of us, and a program
//!   that runs in our place; [`http`], requests and their answers, the only room with TLS
//! - services, which speak a remote's language over http: [`token`], the exchange; [`hub`], Docker Hub's API
//! - [`command`], the use cases, one a file
//! - [`app`], the composition root, and [`cli`], which only it knows
//!
//! The library is how the tests and the fuzz targets reach the rooms; it promises nothing to other programs.

pub mod activity_log;
pub mod app;
pub mod cli;
pub mod client_config;
pub mod command;
pub mod credential;
pub mod deadline;
pub mod files;
pub mod http;
pub mod hub;
pub mod process;
pub mod protocol;
pub mod registry;
pub mod seal;
pub mod secret;
pub mod secret_source;
pub mod settings;
pub mod store;
pub mod token;
pub mod token_cache;
