//! Serving `configure`: a client, what is handed out, or all back as it was.

use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::{Result, anyhow};

use super::super::locations::data_location;
use super::super::{Process, Said};
use super::{read_registries, with_rooms};
use crate::cli::Configure;
use crate::command::configure::{self, Client, Configured};
use crate::command::recorder::Recorder;
use crate::command::{Report, import};
use crate::credential::Profile;
use crate::files;
use crate::settings::{self, Settings};
use crate::store::CredentialStore;
use crate::token_cache;

/// As far as an answer to a question is listened to.
const MAX_ANSWER_BYTES: u64 = 64;

/// Does the one of the three that the options name.
pub(super) fn configure(
    arguments: Configure,
    program: &str,
    credentials: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    let Configure {
        registries,
        profile,
        podman,
        hand_out: handed_out,
        dry_run,
        undo,
    } = arguments;
    if undo {
        return configure::undo(data_location(), dry_run);
    }
    if let Some(handed_out) = handed_out {
        return hand_out(&handed_out, &registries, profile, program, credentials, process);
    }
    let request = configure::Request {
        registries: read_registries(&registries)?,
        // The variable is not asked: it reaches the helper by itself, and a link for it would outlive it.
        profile: profile.map_or_else(|| settings::profile(program, &|_| None), Ok)?,
        client: if podman {
            Client::Containers
        } else {
            Client::Docker
        },
        is_dry_run: dry_run,
    };
    configure_client(&request, credentials, process)
}

/// Says in settings.json what is to be handed out for registries.
fn hand_out(
    handed_out: &str,
    registries: &[String],
    profile: Option<Profile>,
    program: &str,
    credentials: &CredentialStore,
    process: &Process<'_>,
) -> Result<Report> {
    let handed_out = handed_out.parse().map_err(|why| anyhow!("--hand-out: {why}"))?;
    let registries = read_registries(registries)?;
    let profile = profile.map_or_else(|| settings::profile(program, process.variables), Ok)?;
    with_rooms(credentials, token_cache::read_key, process.variables, |rooms| {
        configure::hand_out(
            &registries,
            handed_out,
            &profile,
            rooms,
            data_location().as_ref(),
            process.now,
        )
    })
}

/// Configures a client; where a person is there, asks whether what could be imported then should be.
fn configure_client(
    request: &configure::Request,
    credentials: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    let mut configured = configure::configure(request, data_location(), process.variables)?;
    let commands = configured.commands();
    let Configured { report, offers } = &mut configured;
    if offers.is_empty() || request.is_dry_run || !(process.is_interactive)() {
        report.notes += &commands;
        return Ok(configured.report);
    }
    Said::from(std::mem::take(report)).write(process.stdout, process.stderr)?;
    if !is_agreed("Import them now? [y/N] ", process.stdin, process.stderr)? {
        report.notes = commands;
        return Ok(configured.report);
    }
    let recorder = Recorder::new(&Settings::load(files::user_id())?, data_location);
    for offer in offers {
        let imported = import::import(
            offer,
            process.variables,
            credentials,
            &recorder,
            data_location(),
            process.now,
        )?;
        report.text += &imported.text;
        report.notes += &imported.notes;
        report.is_incomplete |= imported.is_incomplete;
    }
    Ok(configured.report)
}

/// Puts a question to a person; anything but a yes is a no.
fn is_agreed(question: &str, stdin: &mut dyn Read, stderr: &mut dyn Write) -> io::Result<bool> {
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    // What cannot be read is no yes, and neither is what is longer than one.
    let _ = BufReader::new(stdin.take(MAX_ANSWER_BYTES)).read_line(&mut answer);
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
