//! Everything another helper lists. It is only asked, never told to forget anything.

use std::time::Duration;

use crate::client_config::Login;
use crate::command::Report;
use crate::command::import::keep::Keeper;
use crate::command::import::{Request, sentence};
use crate::registry::ServerUrl;
use crate::secret_source::{Helper, HelperError};

/// How long one answer may take: a person may have to unlock a keyring first.
const LIMIT: Duration = Duration::from_secs(30);

/// Asks for each server URL that is listed and keeps what is answered.
pub(super) fn import(helper: &Helper, request: &Request, keeper: &Keeper<'_>) -> Report {
    let mut report = Report::default();
    let listing = match helper.list(LIMIT) {
        Ok(listing) => listing,
        Err(error) => {
            report.fail(error);
            return report;
        }
    };
    for key in listing.keys() {
        match import_one(helper, key, request, keeper) {
            Ok(Some(sentence)) => report.say(sentence),
            Ok(None) => {}
            Err(error) => {
                report.fail(format_args!("{key}: not imported: {error:#}"));
                if error
                    .downcast_ref::<HelperError>()
                    .is_some_and(HelperError::is_timeout)
                {
                    break;
                }
            }
        }
    }
    if report.text.is_empty() && !report.is_incomplete {
        report.say(format_args!("Nothing to import from {helper}."));
    }
    report
}

/// What is to be said of one server URL, unless it was not asked for.
fn import_one(
    helper: &Helper,
    key: &str,
    request: &Request,
    keeper: &Keeper<'_>,
) -> anyhow::Result<Option<String>> {
    let server_url: ServerUrl = key.parse()?;
    if !request.registries.is_empty()
        && !request
            .registries
            .iter()
            .any(|registry| server_url.server().is_of(registry))
    {
        return Ok(None);
    }
    let Some((account, secret)) = helper.get(key, LIMIT)? else {
        anyhow::bail!("{helper} lists it and does not have it");
    };
    anyhow::ensure!(
        !account.is_empty() && !account.chars().any(char::is_control),
        "its account is empty or has a control character"
    );
    let login = Login { account, secret };
    let kept = keeper.keep(server_url, &login)?;
    Ok(Some(sentence(key, &login.account, kept)))
}
