//! The token server as a program, for trying things by hand: `token-server --config FILE --root-certificate FILE`.
//!
//! It prints its realm on one line when it is ready, and serves until it is killed.

#![allow(dead_code, reason = "what only tests look at is not used here")]
#![allow(clippy::expect_used, reason = "a test server may stop at what cannot happen")]

mod token_server;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use token_server::{Config, TokenServer};

#[derive(Parser)]
struct Arguments {
    /// Users, services and the rest, as JSON
    #[arg(long)]
    config: PathBuf,
    /// Where to write the certificate for the registry's rootcertbundle, before the realm is printed
    #[arg(long)]
    root_certificate: PathBuf,
    /// The address to listen on, in place of the one in the config
    #[arg(long)]
    listen: Option<SocketAddr>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut config: Config = serde_json::from_slice(&fs::read(&arguments.config)?)?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    let server = TokenServer::start(config)?;
    let mut certificate = fs::File::create(&arguments.root_certificate)?;
    certificate.write_all(server.root_certificate().as_bytes())?;
    writeln!(std::io::stdout(), "{}", server.realm())?;
    server.join();
    Ok(())
}
