//! The arguments of `hub`, as clap reads them.

use clap::{Args, Subcommand};

use crate::credential::Profile;

/// The arguments of `hub`.
#[derive(Debug, Args)]
pub struct Hub {
    /// What is to be done.
    #[command(subcommand)]
    pub command: HubCommand,
}

/// What is done with Docker Hub.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Say which account can manage tokens from here; and where none can, why, and what to do: exit status 1 then
    #[command(long_about = include_str!("long/hub_status.txt").trim_end())]
    Status,
    /// Make, list, change, rotate and revoke access tokens, personal ones and organizations'
    #[command(long_about = include_str!("long/hub_token.txt").trim_end())]
    Token(Box<HubToken>),
}

/// The arguments of `hub token`.
#[derive(Debug, Args)]
pub struct HubToken {
    /// What is to be done.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What is done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Have a token made, and keep it at once
    #[command(long_about = include_str!("long/hub_token_create.txt").trim_end())]
    Create(Create),
    /// Show the tokens that there are, and which of them this machine holds; never a secret
    List(List),
    /// Revoke tokens, and remove them here
    Revoke(Revoke),
    /// Have another made in place of a token that this machine holds, and revoke the old one
    #[command(long_about = include_str!("long/hub_token_rotate.txt").trim_end())]
    Rotate(Rotate),
    /// Change a token's label, or whether it is taken; scopes and expiry cannot be changed
    Update(Update),
}

/// Whose tokens are meant, and who manages them.
#[derive(Debug, Args)]
pub struct Whose {
    /// The tokens of this organization, and not the account's own
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// Manage them as this account, where several can from here
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
}

/// The arguments of `hub token create`.
#[derive(Debug, Args)]
pub struct Create {
    /// What it is called, so that somebody knows it again
    #[arg(long, value_name = "TEXT")]
    pub label: String,
    /// What a personal token may do, in all repositories of the account: `repo:public_read`, repo:read, repo:write or
    /// repo:admin; may be repeated
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        required_unless_present = "org",
        conflicts_with = "org"
    )]
    pub scopes: Vec<String>,
    /// What an organization's token may do, as in acme/app:pull,push or acme/*:pull; may be repeated
    #[arg(
        long,
        value_name = "IMAGE:ACTIONS",
        requires = "org",
        conflicts_with = "scopes"
    )]
    pub allow: Vec<String>,
    /// What it may do with the organization itself, as in scope-member-read
    #[arg(long, value_name = "SCOPES", requires = "org", conflicts_with = "scopes")]
    pub allow_org: Option<String>,
    /// What is written about an organization's token
    #[arg(long, value_name = "TEXT", requires = "org", conflicts_with = "scopes")]
    pub description: Option<String>,
    /// Until when it is good: 2027-01-31, 2027-01-31T12:00:00Z, 30d or 8h [default: it does not expire]
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
    /// Keep it under this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Whose it is.
    #[command(flatten)]
    pub whose: Whose,
    /// Print the secret, too
    #[arg(long)]
    pub print: bool,
}

/// The arguments of `hub token list`.
#[derive(Debug, Args)]
pub struct List {
    /// Whose they are.
    #[command(flatten)]
    pub whose: Whose,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `hub token revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The tokens, by id, or by a label that only one has
    #[arg(value_name = "TOKEN", required = true)]
    pub tokens: Vec<String>,
    /// Whose they are.
    #[command(flatten)]
    pub whose: Whose,
}

/// The arguments of `hub token rotate`.
#[derive(Debug, Args)]
pub struct Rotate {
    /// The token, by id, or by a label that only one has
    #[arg(value_name = "TOKEN")]
    pub token: String,
    /// Keep the new one under this profile, too
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Until when the new one is good: 2027-01-31, 2027-01-31T12:00:00Z, 30d or 8h; `never`
    /// [default: as long as the old one was]
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
    /// Revoke the old one before the new one is made: for who may not have two, though there is none for a moment
    #[arg(long)]
    pub revoke_first: bool,
    /// Whose it is.
    #[command(flatten)]
    pub whose: Whose,
}

/// The arguments of `hub token update`.
#[derive(Debug, Args)]
pub struct Update {
    /// The token, by id, or by a label that only one has
    #[arg(value_name = "TOKEN")]
    pub token: String,
    /// Call it this
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Have it taken again
    #[arg(long, conflicts_with = "inactive")]
    pub active: bool,
    /// Have it taken nowhere, until it is made active again
    #[arg(long)]
    pub inactive: bool,
    /// Whose it is.
    #[command(flatten)]
    pub whose: Whose,
}
