//! Run config: the docker configuration of one run, in a private directory that goes with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::client_config::{ConfigFile, TokenConfig};
use crate::command::exec::Spellings;
use crate::command::exec::grant::Grant;
use crate::files::{FileError, Location, PrivateDirectory, RunDirectory, foreign};
use crate::settings::{self, Variables};

const FILE: &str = "config.json";

/// What of the user's docker directory is linked to: plugins, contexts, and the certificates that docker shows its
/// engine where `DOCKER_CERT_PATH` does not say otherwise. None of it is for registries.
const LINKED: [&str; 5] = ["ca.pem", "cert.pem", "cli-plugins", "contexts", "key.pem"];

/// What of buildx's directory is not linked to: credentials by repository (buildx `dockerconfig` `configprovider.go`).
const BUILDX_CREDENTIALS: &str = "config";

/// The directory and what the user's settings add to the tokens.
#[derive(Debug)]
pub(super) struct RunConfig {
    run: RunDirectory,
    settings: TokenConfig,
    spellings: Spellings,
}

impl RunConfig {
    /// Makes the directory, with links to what is the user's, and removes those that killed runs have left.
    pub(super) fn create(
        locations: &[Location],
        spellings: Spellings,
        variables: Variables<'_>,
    ) -> Result<Self> {
        for location in locations {
            if let Ok(Some(root)) = location.open()
                && let Ok(Some(runs)) = root.open_below(RUNS)
            {
                RunDirectory::sweep(&runs);
            }
        }
        let run = create_directory(locations)?;
        let mut settings = TokenConfig::default();
        let path = run.directory().path();
        if let Some(own_file) = settings::docker_config_file(variables) {
            if let Some(bytes) = foreign::read(&own_file)? {
                let own = ConfigFile::read(&bytes).with_context(|| own_file.display().to_string())?;
                settings = TokenConfig::beside(&own);
            }
            let own = own_file.parent().unwrap_or(Path::new("."));
            for name in LINKED {
                link(&path.join(name), &own.join(name))?;
            }
        }
        if let Some(own) = settings::buildx_directory(variables) {
            let buildx = run.directory().create_below("buildx")?;
            for name in foreign::names_in(&own) {
                if !name.eq_ignore_ascii_case(BUILDX_CREDENTIALS) {
                    link(&buildx.path().join(&name), &own.join(&name))?;
                }
            }
        }
        Ok(Self {
            run,
            settings,
            spellings,
        })
    }

    /// The config.json.
    pub(super) fn file(&self) -> PathBuf {
        self.run.directory().path().join(FILE)
    }

    /// Puts the tokens into it, in place of those that are there.
    pub(super) fn write(&self, grants: &[Grant]) -> Result<()> {
        let keys_of = |grant: &Grant| {
            let mut keys = grant.registry().auth_keys();
            keys.extend(
                self.spellings
                    .get(grant.registry())
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            keys
        };
        let tokens: Vec<_> = grants
            .iter()
            .map(|grant| (keys_of(grant), grant.token()))
            .collect();
        let each_key = tokens
            .iter()
            .flat_map(|(keys, token)| keys.iter().map(move |key| (key.as_str(), *token)));
        let text = self.settings.with(each_key)?;
        let directory = self.run.directory();
        Ok(directory.replace(FILE, text.as_bytes(), directory)?)
    }
}

const RUNS: &str = "runs";

/// In the first place that can be used.
fn create_directory(locations: &[Location]) -> Result<RunDirectory> {
    let create = |location: &Location| -> Result<RunDirectory, FileError> {
        let runs: PrivateDirectory = location.create()?.create_below(RUNS)?;
        RunDirectory::create(&runs)
    };
    let mut refusal = None;
    for location in locations {
        match create(location) {
            Ok(run) => return Ok(run),
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        Some(error) => Err(error).context("nowhere to put the command's configuration"),
        None => anyhow::bail!("nowhere to put the command's configuration; set XDG_RUNTIME_DIR or TMPDIR"),
    }
}

fn link(path: &Path, target: &Path) -> Result<()> {
    if foreign::is_there(target) {
        foreign::link(path, &foreign::absolute(target)?)?;
    }
    Ok(())
}
