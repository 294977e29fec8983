//! The arguments of `session`, as clap reads them.

use clap::{Args, Subcommand};

use crate::credential::Profile;

/// The arguments of `session`.
#[derive(Debug, Args)]
pub struct Session {
    /// What is to be done.
    #[command(subcommand)]
    pub command: SessionCommand,
}

/// What is done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Revoke a session's token at Docker Hub, and remove it here
    #[command(long_about = include_str!("long/session_end.txt").trim_end())]
    End(SessionEnd),
    /// List the session tokens of an account, the most recently used first; where nobody can ask Docker Hub, those that
    /// are held here
    List(SessionList),
    /// Have Docker Hub make a token that may do little and ends by itself, and keep it for a profile
    #[command(long_about = include_str!("long/session_start.txt").trim_end())]
    Start(SessionStart),
}

/// The arguments of `session end`.
#[derive(Debug, Args)]
pub struct SessionEnd {
    /// The profile that it is kept for [default: `DOCKER_CREDENTIAL_SCOPED_PROFILE`, else session]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
}

/// The arguments of `session list`.
#[derive(Debug, Args)]
pub struct SessionList {
    /// Of this account
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `session start`.
#[derive(Debug, Args)]
pub struct SessionStart {
    /// What it may do: repo:admin, repo:write, repo:read or `repo:public_read`; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", default_value = "repo:read")]
    pub scopes: Vec<String>,
    /// When it ends: 8h, 2d, 2027-01-31, 2027-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "8h")]
    pub expires: String,
    /// Keep it for this profile [default: `DOCKER_CREDENTIAL_SCOPED_PROFILE`, else session]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Of this account
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
}
