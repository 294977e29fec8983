//! Writes the manual and the shells' completions from the definitions of the commands: `manual DIRECTORY YYYY-MM-DD`,
//! the date being that of what they describe.
//!
//! In the directory: `man/NAME.SECTION`, and `completions/` with a file for each shell.

mod completion;
mod page;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use docker_credential_scoped::cli::CommandLine;

#[derive(Parser)]
struct Arguments {
    directory: PathBuf,
    date: String,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let written = page::written()?;
    for (name, text) in page::pages(CommandLine::command(), &arguments.date, &written)? {
        write(&arguments.directory.join("man").join(name), &text)?;
    }
    for (name, text) in completion::completions(CommandLine::command()) {
        write(&arguments.directory.join("completions").join(name), &text)?;
    }
    Ok(())
}

fn write(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::File::create(path)?.write_all(text)?;
    Ok(())
}
