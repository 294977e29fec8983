//! The arguments of `prune`, as clap reads them.

use clap::Args;

use crate::credential::KEPT;

/// The arguments of `prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// How many are kept
    #[arg(long, value_name = "COUNT", default_value_t = KEPT)]
    pub keep: usize,
    /// Say what would be done and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Of this account
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Count whatever Docker Hub says was not made by hand, on whichever machine
    #[arg(long)]
    pub all_auto: bool,
}
