//! Profile: the name under which one of several credentials of a server is kept. Knows nothing of programs' names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest profile name: with an escaped server name before it, a slot's file name stays below the 255
/// bytes that file systems take.
const MAX_PROFILE_BYTES: usize = 32;

/// A profile. The default one is what docker's own login, pull and logout see.
///
/// Lower case only: a profile is part of a program's name and of a file's, and on macOS and Windows two names
/// that differ in case are one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Profile(String);

impl Profile {
    const DEFAULT: &'static str = "default";

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the profile used when none is named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl FromStr for Profile {
    type Err = InvalidProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if starts_well && text.len() <= MAX_PROFILE_BYTES && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProfile)
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name is not one a profile can have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "a profile's name is 1 to 32 lower-case letters, digits, '-', '_' or '.', the first a letter or digit"
)]
pub struct InvalidProfile;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_a_short_lower_case_word() {
        for name in ["ci", "default", "team-a", "0", "a.b_c", &"x".repeat(32)] {
            assert_eq!(name.parse::<Profile>().unwrap().as_str(), name);
        }
        for name in [
            "",
            "CI",
            "-ci",
            ".hidden",
            "a/b",
            "a@b",
            "a b",
            "caf\u{e9}",
            "a\n",
            &"x".repeat(33),
        ] {
            assert_eq!(name.parse::<Profile>(), Err(InvalidProfile), "{name:?}");
        }
        assert!(Profile::default().is_default());
    }
}
