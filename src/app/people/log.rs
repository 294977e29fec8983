//! `log`, from the command line to what is said.

use anyhow::Result;
use time::OffsetDateTime;

use super::format_of;
use crate::activity_log::ActivityLog;
use crate::app::locations::data_location;
use crate::cli::Log;
use crate::command::{Report, log};
use crate::files;
use crate::settings::Settings;

/// Shows what was written down.
pub(super) fn log(arguments: &Log, now: OffsetDateTime) -> Result<Report> {
    let Log { since, json } = arguments;
    let settings = Settings::load(files::user_id())?;
    log::log(
        since.as_deref(),
        format_of(*json),
        &ActivityLog::new(data_location()),
        &settings,
        now,
    )
}
