//! Serving `inspect`: the token from standard input, and what is required of it.

use anyhow::{Context, Result, bail};

use super::super::{Process, read_message};
use super::format_of;
use crate::cli::Inspect;
use crate::command::Report;
use crate::command::inspect::{self, MAX_TOKEN_BYTES, Required};
use crate::registry::Scope;

/// Shows what a token says of itself.
pub(super) fn inspect(arguments: Inspect, process: &mut Process<'_>) -> Result<Report> {
    let Inspect {
        service,
        require,
        json,
        misplaced,
    } = arguments;
    if !misplaced.is_empty() {
        bail!("inspect: reads the token from standard input; others can see what is on a command line");
    }
    let scopes = require
        .iter()
        .map(|scope| scope.parse::<Scope>())
        .collect::<Result<_, _>>()
        .context("--require")?;
    let input = read_message(process.stdin, MAX_TOKEN_BYTES)?;
    inspect::inspect(
        &input,
        &Required { service, scopes },
        format_of(json),
        process.now,
    )
}
