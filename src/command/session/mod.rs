//! `session`: tokens of Docker Hub that are made for a while, kept for a profile, and ended; and what `prune` shares
//! with it.

pub mod end;
pub mod list;
mod nameless;
pub mod sessions;
pub mod start;

use crate::credential::Machine;
use crate::process::host_name;
use crate::settings::{self, InvalidMachine, Variables};

/// This machine, as the labels of its session tokens name it.
pub fn this_machine(variables: Variables<'_>) -> Result<Machine, InvalidMachine> {
    Ok(settings::machine(variables)?.unwrap_or_else(|| Machine::of_host_name(&host_name())))
}
