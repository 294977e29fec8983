//! The commands for people, as clap reads them. No verb of the helper protocol gets here.

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::registry::ServerUrl;

/// The command line of a person.
#[derive(Debug, Parser)]
#[command(
    name = "docker-credential-scoped",
    version,
    disable_help_subcommand = true,
    about = "A docker credential helper that keeps tokens sealed and hands them out narrowly",
    after_help = "docker and other clients call get, store, erase, list and version by themselves once their \
                  configuration says\n\"credsStore\": \"scoped\"; these read from standard input."
)]
pub struct CommandLine {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

impl CommandLine {
    /// Whether a first argument is for us and not an unknown verb of the protocol.
    #[must_use]
    pub fn begins_with(argument: &str) -> bool {
        matches!(argument, "--help" | "-h") || Self::command().find_subcommand(argument).is_some()
    }
}

/// The commands for people.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is stored: server, profile, account, kind, created, last used; never a secret
    Status(Status),
}

/// The arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only what is stored for this registry
    #[arg(value_name = "SERVER")]
    pub server: Option<ServerUrl>,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}
