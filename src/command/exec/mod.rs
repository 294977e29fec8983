//! `exec`: run a command that can log in to the registries it was named, for what it was named there, and to nothing
//! else.
//!
//! It gets a docker configuration of its own with registry tokens in it, which are renewed as long as it runs. This
//! narrows what the command is given; whoever runs as the user can still ask the helper.

mod grant;
mod run_config;
mod unable;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use thiserror::Error;
use time::OffsetDateTime;

use crate::command::obtain::{Obtained, Wanted};
use crate::command::printable;
use crate::files::Location;
use crate::process::Child;
use crate::registry::Registry;
use crate::settings::{self, Variables};

pub use self::grant::record;

use grant::Grant;
use run_config::RunConfig;

/// How tokens are had, from any thread.
pub type Obtain = Arc<dyn Fn(&Wanted, OffsetDateTime) -> Result<Obtained> + Send + Sync>;

/// Whether what is held for this now is a refresh token, which may be good for a single use.
pub type IsUsedUp<'a> = &'a dyn Fn(&Wanted) -> bool;

/// Registries as they were spelt: clients look them up by that.
pub type Spellings = BTreeMap<Registry, BTreeSet<String>>;

/// What is to be run, and with what.
pub struct Request<'a> {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// A token for each registry, no registry twice.
    pub wanted: Vec<Wanted>,
    /// How registries were spelt.
    pub spellings: Spellings,
    /// Where the directory of the run may be, the best place first.
    pub locations: Vec<Location>,
    /// The names of all variables of the environment.
    pub variable_names: Vec<OsString>,
    /// What is asked of a renewal that is under way when the command ends.
    pub is_used_up: IsUsedUp<'a>,
    /// The names of those that hold credentials' secrets.
    pub secret_variables: BTreeSet<String>,
}

/// Why the command was not run though all else was ready, with the exit codes of env(1).
#[derive(Debug, Error)]
pub enum NotRun {
    /// It is there, and the system does not run it.
    #[error("{0}: cannot be run: {1}")]
    Refused(String, std::io::Error),
    /// There is no such program.
    #[error("{0}: there is no such command")]
    Unknown(String),
}

impl NotRun {
    /// What env(1) ends with.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Refused(..) => 126,
            Self::Unknown(_) => 127,
        }
    }
}

/// What happens while the command runs.
enum Event {
    Ended(std::io::Result<u8>),
    /// A token for the registry of this place was had, or not.
    Answered(usize, Box<Result<Obtained>>),
}

/// No look at the clock is further off: while the machine sleeps, waiting does not go on, and tokens expire.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Runs the command to its end and gives its exit code.
pub fn exec(
    request: Request<'_>,
    obtain: &Obtain,
    variables: Variables<'_>,
    stderr: &mut dyn Write,
    clock: fn() -> OffsetDateTime,
) -> Result<u8> {
    let Request {
        command,
        wanted,
        spellings,
        locations,
        variable_names,
        is_used_up,
        secret_variables,
    } = request;
    let (program, arguments) = command.split_first().context("no command to run")?;
    if let Some(way) = unable::way_for(program) {
        return Err(anyhow!("{}: {way}", program.display()));
    }
    let mut grants = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let grant = Grant::first(wanted, obtain, clock())?;
        note(stderr, grant.notes());
        grants.push(grant);
    }
    let config = RunConfig::create(&locations, spellings, variables)?;
    config.write(&grants)?;

    let mut command = Command::new(program);
    command.args(arguments);
    for name in settings::withheld_variables(variable_names) {
        command.env_remove(name);
    }
    // With the secret itself it could have tokens for anything that the secret allows.
    for name in secret_variables {
        command.env_remove(name);
    }
    command.envs(settings::client_variables(&config.file()));
    let name = program.display().to_string();
    let child = Child::start(&mut command).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => NotRun::Unknown(name.clone()),
        _ => NotRun::Refused(name.clone(), error),
    })?;
    accompany(child, grants, &config, obtain, is_used_up, stderr, clock)
        .with_context(|| format!("cannot wait for {name}"))
}

/// Keeps the tokens fresh until the command ends.
fn accompany(
    child: Child,
    mut grants: Vec<Grant>,
    config: &RunConfig,
    obtain: &Obtain,
    is_used_up: IsUsedUp<'_>,
    stderr: &mut dyn Write,
    clock: fn() -> OffsetDateTime,
) -> std::io::Result<u8> {
    let (sender, events) = mpsc::channel();
    let ended = sender.clone();
    // Threads of their own, so that no signal waits for a token server. Who is not done when the command is ends with
    // the process, unless a refresh token would be lost.
    thread::spawn(move || {
        // Nobody is there to listen only when the process is ending.
        let _ = ended.send(Event::Ended(child.wait()));
    });
    loop {
        let now = clock();
        for (place, grant) in grants.iter_mut().enumerate() {
            if let Some(wanted) = grant.begin_renewal(now) {
                let (sender, obtain) = (sender.clone(), Arc::clone(obtain));
                thread::spawn(move || {
                    let _ = sender.send(Event::Answered(place, Box::new(obtain(&wanted, clock()))));
                });
            }
        }
        let next = grants.iter().filter_map(|grant| grant.wait(now)).min();
        match events.recv_timeout(next.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)) {
            Ok(Event::Ended(code)) => {
                finish(&mut grants, &events, is_used_up, stderr, clock);
                return code;
            }
            Ok(Event::Answered(place, answer)) => {
                if let Some(grant) = grants.get_mut(place) {
                    note(stderr, grant.renew(*answer, clock()));
                }
                if let Err(error) = config.write(&grants) {
                    note(stderr, [format!("warning: {error:#}")]);
                }
            }
            // We hold a sender ourselves.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// Waits for those who use up a refresh token: the one that comes for it is to be kept. Each comes to an end by
/// itself. What is held is looked at now: somebody may have logged in anew since the command was started.
fn finish(
    grants: &mut [Grant],
    events: &Receiver<Event>,
    is_used_up: IsUsedUp<'_>,
    stderr: &mut dyn Write,
    clock: fn() -> OffsetDateTime,
) {
    while grants.iter().filter_map(Grant::under_way).any(is_used_up) {
        if let Ok(Event::Answered(place, answer)) = events.recv()
            && let Some(grant) = grants.get_mut(place)
        {
            // That there is no new access token does not matter any more.
            let warning = answer
                .as_ref()
                .as_ref()
                .ok()
                .and_then(|obtained| obtained.warning.clone());
            let _ = grant.renew(*answer, clock());
            note(stderr, warning);
        }
    }
}

/// Says something beside the command. Best effort: what it says itself goes the same way.
fn note(stderr: &mut dyn Write, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        let _ = writeln!(stderr, "docker-credential-scoped: {}", printable(&line));
    }
}
