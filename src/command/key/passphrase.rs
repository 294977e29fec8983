//! Passphrase: how one is asked for, a new one twice, and what is wrong with one before it is used.

use std::io;

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::secret_source::from_person;

pub use crate::secret_source::MAX_SECRET_BYTES;

/// A shorter one is guessed, however dear each guess is.
const LEAST_CHARACTERS: usize = 8;

/// Who is asked for passphrases.
pub enum Passphrases<'a> {
    /// A person at a terminal.
    Typed(&'a dyn Fn(&str) -> io::Result<Zeroizing<String>>),
    /// Standard input, which is read when one is needed.
    Piped(&'a mut dyn FnMut() -> Result<Zeroizing<Vec<u8>>>),
}

impl Passphrases<'_> {
    /// The one that the key is sealed with.
    pub fn present(&mut self) -> Result<Secret> {
        match self {
            Self::Typed(prompt) => typed(prompt, "Passphrase: "),
            Self::Piped(read) => piped(&read()?),
        }
    }

    /// Another, which the key is to be sealed with.
    pub fn another(&mut self) -> Result<Secret> {
        match self {
            Self::Typed(prompt) => typed_twice(prompt),
            Self::Piped(read) => long_enough(piped(&read()?)?),
        }
    }

    /// The one that the key is sealed with, which `check` has to take, and then another.
    pub fn change(&mut self, check: impl FnOnce(&Secret) -> Result<()>) -> Result<Secret> {
        match self {
            Self::Typed(prompt) => {
                check(&typed(prompt, "Passphrase: ")?)?;
                typed_twice(prompt)
            }
            Self::Piped(read) => {
                let lines = read()?;
                let end = lines.iter().position(|byte| *byte == b'\n');
                let (present, new) = match end.and_then(|end| lines.split_at_checked(end + 1)) {
                    Some((present, new)) if !new.is_empty() => (piped(present)?, long_enough(piped(new)?)?),
                    Some(_) | None => {
                        bail!(
                            "standard input: give the present passphrase on one line, and the new one on the next"
                        )
                    }
                };
                check(&present)?;
                Ok(new)
            }
        }
    }
}

fn typed(prompt: &dyn Fn(&str) -> io::Result<Zeroizing<String>>, question: &str) -> Result<Secret> {
    let text = prompt(question).context("the passphrase cannot be asked for")?;
    Ok(from_person("passphrase", text.as_bytes())?)
}

/// Nobody sees what he types, and what is sealed with a passphrase that nobody knows is lost.
fn typed_twice(prompt: &dyn Fn(&str) -> io::Result<Zeroizing<String>>) -> Result<Secret> {
    let new = long_enough(typed(prompt, "New passphrase: ")?)?;
    if !typed(prompt, "The same again: ")?.is_same_as(&new) {
        bail!("passphrase: that was another one; nothing was changed");
    }
    Ok(new)
}

fn piped(bytes: &[u8]) -> Result<Secret> {
    Ok(from_person("standard input", bytes)?)
}

fn long_enough(passphrase: Secret) -> Result<Secret> {
    if passphrase.expose().chars().count() < LEAST_CHARACTERS {
        bail!("passphrase: has less than {LEAST_CHARACTERS} characters; take a longer one");
    }
    Ok(passphrase)
}
