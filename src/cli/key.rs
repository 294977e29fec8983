//! The arguments of `key`, `unlock` and `lock`, as clap reads them.
//!
//! What could be a passphrase in the wrong place stays text: clap would repeat it.

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// The arguments of `key`.
#[derive(Debug, Args)]
pub struct Key {
    /// What is to be done.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What is done with the key.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Put the key somewhere else: into the OS keyring, a key file, the environment, or under a passphrase
    #[command(long_about = include_str!("long/key_move.txt").trim_end())]
    Move(KeyMove),
    /// Say where the key is, and until when it rests opened; it is not opened, and nobody is asked
    Status(KeyStatus),
    /// A passphrase where it does not belong, so that it is we who refuse it.
    #[command(external_subcommand)]
    Misplaced(Vec<OsString>),
}

/// The arguments of `key move`.
#[derive(Debug, Args)]
pub struct KeyMove {
    /// Where to: keyring, key-file, environment or passphrase
    ///
    /// - keyring: the OS keyring
    /// - key-file: the file that settings.json names as keyFile, else the one beside the credentials
    /// - environment: the variable `DOCKER_CREDENTIAL_SCOPED_KEY`, which has to hold the key already
    /// - passphrase: beside the credentials, sealed with one; or with another one
    #[arg(long, value_name = "SOURCE", verbatim_doc_comment)]
    pub to: String,
    /// A passphrase where it does not belong, so that it is we who refuse it.
    #[arg(hide = true)]
    pub misplaced: Vec<OsString>,
}

/// The arguments of `key status`.
#[derive(Debug, Args)]
pub struct KeyStatus {
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
    /// A passphrase where it does not belong, so that it is we who refuse it.
    #[arg(hide = true)]
    pub misplaced: Vec<OsString>,
}

/// The arguments of `lock`.
#[derive(Debug, Args)]
pub struct Lock {
    /// A passphrase where it does not belong, so that it is we who refuse it.
    #[arg(hide = true)]
    pub misplaced: Vec<OsString>,
}

/// The arguments of `unlock`.
#[derive(Debug, Args)]
pub struct Unlock {
    /// For how long the key rests opened: 8h, 30min, 2d; at most 30d
    #[arg(long = "for", value_name = "LENGTH", default_value = "8h")]
    pub rest: String,
    /// A passphrase where it does not belong, so that it is we who refuse it.
    #[arg(hide = true)]
    pub misplaced: Vec<OsString>,
}
