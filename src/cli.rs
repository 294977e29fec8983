//! The commands for people, as clap reads them. No verb of the helper protocol gets here.
//!
//! Server URLs stay text here: clap repeats what it refuses, and one may hold a password.

mod hub;
mod key;
mod plain;
mod prune;
mod session;

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::credential::{Profile, holds_hub_token};

pub use hub::{Create, Hub, HubCommand, List, Revoke, Rotate, TokenCommand, Update, Whose};
pub use key::{Key, KeyCommand, KeyMove, KeyStatus, Lock, Unlock};
pub use prune::Prune;
pub use session::{Session, SessionCommand, SessionEnd, SessionList, SessionStart};

/// The command line of a person.
#[derive(Debug, Parser)]
#[command(
    name = "docker-credential-scoped",
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
        matches!(argument, "--help" | "-h") || Command::has_subcommand(argument)
    }

    /// Reads a command line, the program's name first; what is no command line is a message, or help.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let rest = arguments.get(1..).unwrap_or_default();
        if has_token(rest) {
            return Err(token_refused(ErrorKind::ValueValidation));
        }
        match plain::read(rest) {
            Some(token) => Ok(Self {
                command: Command::Token(token),
            }),
            None => Self::try_parse_from(arguments).map_err(unrepeated),
        }
    }
}

/// Whether somebody wrote a token of Docker Hub among our arguments, where it would be taken for a name or a label, and
/// be sent or repeated as one. Another program's command is its own.
fn has_token(arguments: &[OsString]) -> bool {
    let takes_command = arguments
        .first()
        .is_some_and(|command| command == "add" || command == "exec");
    arguments
        .iter()
        .take_while(|word| !(takes_command && *word == "--"))
        .any(|word| holds_hub_token(&word.to_string_lossy()))
}

/// clap's message; or ours, where clap repeats a token that is part of another program's command.
fn unrepeated(message: clap::Error) -> clap::Error {
    if holds_hub_token(&message.to_string()) {
        token_refused(message.kind())
    } else {
        message
    }
}

fn token_refused(kind: ErrorKind) -> clap::Error {
    clap::Error::raw(
        kind,
        "an argument is a token's secret, or has one in it: secrets are read from standard input, and others can see \
         what is on a command line; revoke it if somebody may have\n",
    )
}

/// The commands for people.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keep a credential with what it may do and until when; or change what is known of one
    #[command(long_about = include_str!("cli/long/add.txt").trim_end())]
    Add(Add),
    /// Show what tokens are remembered, for whom and until when; or forget them
    #[command(long_about = include_str!("cli/long/cache.txt").trim_end())]
    Cache(Cache),
    /// Make docker, or podman, skopeo and buildah, ask this helper
    #[command(long_about = include_str!("cli/long/configure.txt").trim_end())]
    Configure(Configure),
    /// Look for what commonly goes wrong, and say what helps: exit status 1 when something is wrong
    #[command(long_about = include_str!("cli/long/doctor.txt").trim_end())]
    Doctor,
    /// Run a command that can log in for what is named only, with tokens that are renewed while it runs
    #[command(long_about = include_str!("cli/long/exec.txt").trim_end())]
    Exec(Exec),
    /// Say which credential would be used and why, what `get` would answer, what is remembered, and what would be sent
    #[command(long_about = include_str!("cli/long/explain.txt").trim_end())]
    Explain(Explain),
    /// Make, list, change, rotate and revoke Docker Hub's access tokens; their secrets go into the store
    #[command(long_about = include_str!("cli/long/hub.txt").trim_end())]
    Hub(Hub),
    /// Take credentials from a config.json or another helper into the store
    Import(Import),
    /// Show what a token on standard input says of itself: subject, audience, access, times
    #[command(long_about = include_str!("cli/long/inspect.txt").trim_end())]
    Inspect(Inspect),
    /// Say where the key is that the credentials are sealed with, or put it somewhere else
    #[command(long_about = include_str!("cli/long/key.txt").trim_end())]
    Key(Key),
    /// Have the key rest no more: it has to be opened anew, at the OS keyring or with the passphrase
    #[command(long_about = include_str!("cli/long/lock.txt").trim_end())]
    Lock(Lock),
    /// Show what was handed out, exchanged, refused and changed, when and for which program; never a secret
    #[command(long_about = include_str!("cli/long/log.txt").trim_end())]
    Log(Log),
    /// Keep the session tokens of a Docker Hub account down to the five most recently used: remove the others here, and
    /// revoke them there
    #[command(long_about = include_str!("cli/long/prune.txt").trim_end())]
    Prune(Prune),
    /// Remove a credential, or all that a profile has
    Remove(Remove),
    /// Work at Docker Hub with a token that may do little and ends by itself: start, list and end sessions
    Session(Session),
    /// Show what is held: what each credential may do and until when, where its secret is and what is handed out; never
    /// a secret
    #[command(long_about = include_str!("cli/long/status.txt").trim_end())]
    Status(Status),
    /// Print an access token for a registry: short-lived, and for what is named only
    #[command(long_about = include_str!("cli/long/token.txt").trim_end())]
    Token(Token),
    /// Open the key and have it rest opened for a while, so that nobody is asked meanwhile
    #[command(long_about = include_str!("cli/long/unlock.txt").trim_end())]
    Unlock(Unlock),
}

/// The arguments of `add`.
///
/// What could be a secret in the wrong place stays text: clap would repeat it.
#[derive(Debug, Args)]
pub struct Add {
    /// The registry, or a part of it as in ghcr.io/acme
    #[arg(value_name = "SERVER[/PREFIX]")]
    pub server: String,
    /// Keep it under this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// The account; `<token>` for an identity token. A helper (--from) knows it by itself
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// password, personal-access-token, organization-access-token or identity-token
    /// [default: what account and secret tell]
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// What it may do, as in repo:read (Docker Hub), repository:acme/*:pull or acme/app:scope-image-pull; may be
    /// repeated; `unknown` takes it back
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Until when it is good: 2027-01-31, 2027-01-31T12:00:00Z, 30d or 8h; `never` takes it back
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
    /// Where its secret is kept, if not here: `env:NAME`, `file:PATH`, `helper:NAME`, or `command` and the
    /// command behind --. It is fetched whenever it is needed. With `stdin` a new secret is read for one that is kept
    /// though something else is named, too
    #[arg(long, value_name = "PLACE")]
    pub from: Option<String>,
    /// A secret where it does not belong, so that it is we who refuse it: clap would repeat it.
    #[arg(hide = true)]
    pub misplaced: Vec<OsString>,
    /// The program that prints the secret, with --from command
    #[arg(last = true, value_name = "PROGRAM")]
    pub command: Vec<String>,
}

/// The arguments of `cache`.
#[derive(Debug, Args)]
pub struct Cache {
    /// Only what is remembered for this registry
    #[arg(value_name = "SERVER")]
    pub server: Option<String>,
    /// Forget it
    #[arg(long, conflicts_with = "json")]
    pub clear: bool,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `configure`.
#[derive(Debug, Args)]
pub struct Configure {
    /// Only for this registry (credHelpers instead of credsStore); may be repeated
    #[arg(long = "registry", value_name = "HOST")]
    pub registries: Vec<String>,
    /// Hand out the credentials of this profile, by the name docker-credential-scoped-NAME
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Configure podman, skopeo and buildah instead of docker
    #[arg(long)]
    pub podman: bool,
    /// What clients are given for these registries: `identity-token`, a refresh token and never what is stored, which
    /// is tried out first; or `secret`, what is stored. Goes into settings.json, and changes nothing else
    #[arg(long, value_name = "WHAT", requires = "registries", conflicts_with_all = ["podman", "dry_run"])]
    pub hand_out: Option<String>,
    /// Say what would be changed and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Put back all that configure has changed in the clients' files
    #[arg(long, conflicts_with_all = ["registries", "profile", "podman", "hand_out"])]
    pub undo: bool,
}

/// The arguments of `exec`.
///
/// With neither an image nor a scope the command is given `DOCKER_CREDENTIAL_SCOPED_SCOPE`.
#[derive(Debug, Args)]
pub struct Exec {
    /// Allow pulling this image's repository; may be repeated
    #[arg(long, value_name = "IMAGE")]
    pub pull: Vec<String>,
    /// Allow pushing to this image's repository, and pulling; may be repeated
    #[arg(long, value_name = "IMAGE")]
    pub push: Vec<String>,
    /// The registry that --scope is about [default: `DOCKER_CREDENTIAL_SCOPED_SERVER`]
    #[arg(long, value_name = "SERVER")]
    pub server: Option<String>,
    /// Allow this, as in repository:acme/app:pull; may be repeated
    /// [default, where no image is named: `DOCKER_CREDENTIAL_SCOPED_SCOPE`]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Use the credentials of this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The registry, and behind a slash the repository that is to be pulled
    #[arg(value_name = "SERVER[/REPO]")]
    pub server: String,
    /// What is to be allowed, as in repository:acme/app:pull; may be repeated
    /// [default: pulling REPO, else `DOCKER_CREDENTIAL_SCOPED_SCOPE`]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Use the credential of this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
}

/// The arguments of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// A file like docker's config.json, or helper:NAME for docker-credential-NAME [default: docker's config.json]
    #[arg(long, value_name = "FILE|helper:NAME")]
    pub from: Option<String>,
    /// Only what belongs to this registry; may be repeated
    #[arg(long = "registry", value_name = "HOST")]
    pub registries: Vec<String>,
    /// Import into this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Say what would be imported and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

const DEFAULT_OUTPUT: &str = "raw";

/// The arguments of `token`.
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Token {
    /// The registry [default: `DOCKER_CREDENTIAL_SCOPED_SERVER`]
    #[arg(value_name = "SERVER")]
    pub server: Option<String>,
    /// What the token is to allow, as in repository:acme/app:pull; may be repeated
    /// [default: `DOCKER_CREDENTIAL_SCOPED_SCOPE`]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Allow pulling this repository; may be repeated
    #[arg(long, value_name = "REPOSITORY")]
    pub pull: Vec<String>,
    /// Allow pushing to this repository, and pulling; may be repeated
    #[arg(long, value_name = "REPOSITORY")]
    pub push: Vec<String>,
    /// Another audience than the registry's own, of the same token server
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Use the credential of this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Confirm that the registry's tokens come from this URL, and record it
    #[arg(long, value_name = "REALM")]
    pub trust_realm: Option<String>,
    /// raw, json or header
    #[arg(long, value_name = "FORMAT", default_value = DEFAULT_OUTPUT)]
    pub output: String,
}

/// The arguments of `inspect`.
///
/// Scopes stay text, too: somebody may write a token in their place.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The token has to be for this service (its audience), and valid now
    #[arg(long, value_name = "SERVICE", value_parser = NonEmptyStringValueParser::new())]
    pub service: Option<String>,
    /// The token has to allow this, as in repository:you/app:pull,push, and be valid now; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub require: Vec<String>,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
    /// A token where it does not belong, so that it is we who refuse it: clap would repeat it.
    #[arg(hide = true)]
    pub misplaced: Vec<OsString>,
}

/// The arguments of `log`.
#[derive(Debug, Args)]
pub struct Log {
    /// Only what happened in this time or since then: 2h, 7d, 2026-11-22, 2026-11-22T08:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Print lines of JSON, in ASCII, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// The registry, or a part of it
    #[arg(value_name = "SERVER[/PREFIX]")]
    pub server: Option<String>,
    /// Of this profile; without a server, all that it has
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
}

/// The arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only what is stored for this registry
    #[arg(value_name = "SERVER")]
    pub server: Option<String>,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}
