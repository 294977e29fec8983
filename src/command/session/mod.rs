//! `session`: tokens of Docker Hub that are made for a while, kept for a profile, and ended; and what `prune` shares
//! with it.

pub mod end;
pub mod list;
mod nameless;
pub mod sessions;
pub mod start;

use anyhow::Result;

use crate::command::hub::{Desk, Manager};
use crate::credential::Machine;
use crate::process::host_name;
use crate::settings::{self, InvalidMachine, Variables};

/// This machine, as the labels of its session tokens name it.
pub fn this_machine(variables: Variables<'_>) -> Result<Machine, InvalidMachine> {
    Ok(settings::machine(variables)?.unwrap_or_else(|| Machine::of_host_name(&host_name())))
}

/// Who manages the tokens of this account. Somebody may sign in by another name than the account's, as by an address.
fn manager_of<'a>(account: &str, desk: Desk<'a>) -> Result<Manager<'a>> {
    Manager::choose(Some(account), desk).or_else(|error| match Manager::choose(None, desk) {
        Ok(manager) if manager.account() == account => Ok(manager),
        Ok(_) | Err(_) => Err(error),
    })
}
