//! Helper: another credential helper, asked as docker asks it. Only ever `list` and `get`: nothing changes in it.

use std::collections::BTreeMap;
use std::fmt;
use std::process::Command;
use std::time::Duration;

use thiserror::Error;

use crate::credential::HelperName;
use crate::protocol::docker::{self, CREDENTIALS_NOT_FOUND};
use crate::secret::Secret;
use crate::secret_source::depth::Depth;
use crate::secret_source::program::{Answer, Audience, Problem, run};

/// Another helper, by the name that a configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    name: HelperName,
    depth: Depth,
    audience: Audience,
}

impl Helper {
    /// The helper of that name, asked from this depth.
    #[must_use]
    pub fn new(name: HelperName, depth: Depth) -> Self {
        Self {
            name,
            depth,
            audience: Audience::Client,
        }
    }

    /// The same, and it may ask the person at the terminal.
    #[must_use]
    pub fn for_person(self) -> Self {
        Self {
            audience: Audience::Person,
            ..self
        }
    }

    /// Accounts by server URL.
    pub fn list(&self, limit: Duration) -> Result<BTreeMap<String, String>, HelperError> {
        // The word is what docker's client writes (docker-credential-helpers `client.List`).
        let answer = self.ask("list", "unused", limit)?;
        docker::read_listing(&answer.stdout)
            .ok()
            .filter(|_| answer.succeeded)
            .ok_or_else(|| self.error("list", answer.problem()))
    }

    /// Account and secret for a server URL, which are absent at times for what was listed.
    pub fn get(&self, server_url: &str, limit: Duration) -> Result<Option<(String, Secret)>, HelperError> {
        let answer = self.ask("get", server_url, limit)?;
        if !answer.succeeded && answer.stdout.trim_ascii() == CREDENTIALS_NOT_FOUND.as_bytes() {
            return Ok(None);
        }
        if answer.succeeded
            && let Ok(found) = docker::read_answer(&answer.stdout)
        {
            return Ok(found);
        }
        Err(self.error("get", answer.problem()))
    }

    fn ask(&self, verb: &'static str, input: &str, limit: Duration) -> Result<Answer, HelperError> {
        run(
            Command::new(self.to_string()).arg(verb),
            Some(input),
            self.depth,
            self.audience,
            limit,
        )
        .map_err(|problem| self.error(verb, problem))
    }

    fn error(&self, verb: &'static str, problem: Problem) -> HelperError {
        HelperError {
            program: self.to_string(),
            verb,
            problem,
        }
    }
}

/// The program's name.
impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker-credential-{}", self.name)
    }
}

/// A helper did not answer. Texts never repeat what it said: it may hold a secret.
#[derive(Debug, Error)]
#[error("{program} {verb} {problem}")]
pub struct HelperError {
    program: String,
    verb: &'static str,
    problem: Problem,
}

impl HelperError {
    /// Whether it took too long: it would the next time too.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.problem, Problem::TimedOut(_))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_that_is_not_there_is_named() {
        let helper = Helper::new("not-installed-anywhere".parse().unwrap(), Depth::default());
        assert_eq!(
            helper.list(Duration::from_secs(1)).unwrap_err().to_string(),
            "docker-credential-not-installed-anywhere list cannot be run: it is not on PATH"
        );
    }
}
