//! Text: a secret that stands alone: in a variable, in a file, or in what a program prints. Knows nothing of accounts.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::secret_source::depth::Depth;
use crate::secret_source::program::{Audience, Problem, run};

/// The longest secret: registries and proxies cap a header, in which it has to fit in base64, at 8 to 32 KiB.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// How long a program may take: `op read` takes two seconds at times, and docker waits for us meanwhile.
pub const LIMIT: Duration = Duration::from_secs(5);

/// The secret in a variable of the environment.
pub fn from_environment(
    name: &str,
    variables: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Secret, SourceError> {
    let failed = |why| SourceError {
        place: format!("environment variable {name}"),
        why,
    };
    let text = variables(name).ok_or_else(|| failed(Reason::NotSet))?;
    let bytes = Zeroizing::new(text.into_encoded_bytes());
    alone(&bytes).map_err(failed)
}

/// The secret in a file.
pub fn from_file(path: &Path) -> Result<Secret, SourceError> {
    let failed = |why| SourceError {
        place: format!("file {}", path.display()),
        why,
    };
    let read = || -> io::Result<Zeroizing<Vec<u8>>> {
        // Looked at first: to open a pipe in its place would hold us up for ever. A link is followed: mounted secrets
        // are links.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("is not a regular file"));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        let most = u64::try_from(MAX_SECRET_BYTES + 2).unwrap_or(u64::MAX);
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| failed(Reason::Unreadable(error)))?;
    alone(&bytes).map_err(failed)
}

/// The secret that a program prints. It is run as it is, without a shell, and asked nothing on its standard input.
pub fn from_command(words: &[String], depth: Depth) -> Result<Secret, SourceError> {
    let (program, arguments) = words
        .split_first()
        .map_or(("", [].as_slice()), |(program, arguments)| {
            (program.as_str(), arguments)
        });
    let failed = |why| SourceError {
        // The arguments are not shown: nobody knows what they hold.
        place: format!("command {program}"),
        why,
    };
    let mut command = Command::new(program);
    let answer = run(command.args(arguments), None, depth, Audience::Client, LIMIT)
        .map_err(|problem| failed(Reason::Program(problem)))?;
    if !answer.succeeded {
        return Err(failed(Reason::Program(answer.problem())));
    }
    alone(&answer.stdout).map_err(failed)
}

/// The secret that somebody gave at a place that we have read already.
pub fn from_person(place: &str, bytes: &[u8]) -> Result<Secret, SourceError> {
    alone(bytes).map_err(|why| SourceError {
        place: place.to_owned(),
        why,
    })
}

/// The one line that there is, without its end.
fn alone(bytes: &[u8]) -> Result<Secret, Reason> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Reason::Empty);
    }
    if line.len() > MAX_SECRET_BYTES {
        return Err(Reason::TooLong);
    }
    if line.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(Reason::Lines);
    }
    match str::from_utf8(line) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(Secret::new(text.to_owned())),
        Ok(_) | Err(_) => Err(Reason::NotText),
    }
}

/// A secret could not be had from where it is kept. Texts say where that is, and nothing of what was found there.
#[derive(Debug, Error)]
#[error("{place}: {why}")]
pub struct SourceError {
    place: String,
    why: Reason,
}

#[derive(Debug, Error)]
enum Reason {
    #[error("holds nothing")]
    Empty,
    #[error("holds more than one line, where the secret is to stand alone")]
    Lines,
    #[error("is not set")]
    NotSet,
    #[error("holds a control character or is not UTF-8")]
    NotText,
    #[error(transparent)]
    Program(Problem),
    #[error("holds more than 64 KiB")]
    TooLong,
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_and_its_end_is_not_part_of_it() {
        for bytes in ["s", "s\n", "s\r\n"] {
            assert_eq!(alone(bytes.as_bytes()).unwrap().expose(), "s", "{bytes:?}");
        }
        assert_eq!(alone(b" s \n").unwrap().expose(), " s ");
        let long = "x".repeat(MAX_SECRET_BYTES + 1);
        let table: [(&[u8], &str); 9] = [
            (b"", "holds nothing"),
            (b"\n", "holds nothing"),
            (
                b"s\n\n",
                "holds more than one line, where the secret is to stand alone",
            ),
            (
                b"s\nt",
                "holds more than one line, where the secret is to stand alone",
            ),
            (
                b"s\rt",
                "holds more than one line, where the secret is to stand alone",
            ),
            (b"s\0t", "holds a control character or is not UTF-8"),
            (b"s\x1b[2J", "holds a control character or is not UTF-8"),
            (b"\xff", "holds a control character or is not UTF-8"),
            (long.as_bytes(), "holds more than 64 KiB"),
        ];
        for (bytes, why) in table {
            assert_eq!(alone(bytes).unwrap_err().to_string(), why, "{bytes:?}");
        }
    }

    #[test]
    fn where_there_is_no_secret_it_is_said_where() {
        assert_eq!(
            from_environment("GHCR_PAT", &|_| None).unwrap_err().to_string(),
            "environment variable GHCR_PAT: is not set"
        );
        let found = from_environment("GHCR_PAT", &|name| (name == "GHCR_PAT").then(|| "s".into()));
        assert_eq!(found.unwrap().expose(), "s");
        assert_eq!(
            from_file(Path::new("/")).unwrap_err().to_string(),
            "file /: cannot be read: is not a regular file"
        );
        assert!(
            from_file(Path::new("/nowhere/at/all"))
                .unwrap_err()
                .to_string()
                .starts_with("file /nowhere/at/all: cannot be read: ")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_program_prints_the_secret_and_is_not_repeated() {
        let ask = |script: &str| {
            let words = ["sh", "-c", script].map(str::to_owned);
            from_command(&words, Depth::default())
                .map(|secret| secret.expose().to_owned())
                .map_err(|error| error.to_string())
        };
        assert_eq!(ask("echo s; echo canary >&2"), Ok("s".to_owned()));
        assert_eq!(ask("cat; echo s"), Ok("s".to_owned()));
        for (script, why) in [
            (
                "echo canary; exit 3",
                "failed (exit status: 3); run it yourself to see why",
            ),
            (
                "echo canary; echo canary",
                "holds more than one line, where the secret is to stand alone",
            ),
            ("true", "holds nothing"),
            ("yes canary", "gave more than 1 MiB"),
        ] {
            assert_eq!(ask(script), Err(format!("command sh: {why}")), "{script}");
        }
    }
}
