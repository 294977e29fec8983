//! Depth: how many of us have run each other for a secret, so that a circle of programs comes to an end.

use std::ffi::OsString;
use std::process::Command;

use thiserror::Error;

/// How many of us there may be in a row, each asked by another program that the one before has run. Nobody means to
/// have more than one below another; who goes round in a circle is to notice.
const DEEPEST: u8 = 4;

const DEPTH_VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_DEPTH";

/// How many of us there are in a row, this one included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth(u8);

impl Depth {
    /// As the one before has left it in the environment.
    pub fn read(variables: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, TooDeep> {
        let depth = match variables(DEPTH_VARIABLE) {
            None => 0,
            // What is none of our numbers is nobody's: it is not started from again.
            Some(text) => text
                .to_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or(DEEPEST),
        };
        if depth < DEEPEST {
            Ok(Self(depth))
        } else {
            Err(TooDeep)
        }
    }

    /// Leaves it to a program that may ask us again.
    pub(super) fn deeper(self, command: &mut Command) -> &mut Command {
        command.env(DEPTH_VARIABLE, self.0.saturating_add(1).to_string())
    }

    /// Whether none of us is above this one.
    pub(super) fn is_outermost(self) -> bool {
        self.0 == 0
    }
}

/// Programs ask each other in a circle.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a secret's program asks this helper again, which runs a program again, and so on; break the circle")]
pub struct TooDeep;

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_circle_of_programs_comes_to_an_end() {
        let at = |text: &'static str| Depth::read(&move |name| (name == DEPTH_VARIABLE).then(|| text.into()));
        assert_eq!(Depth::read(&|_| None), Ok(Depth(0)));
        assert_eq!(at("3"), Ok(Depth(3)));
        for text in ["4", "255", "256", "-1", "", "x"] {
            assert_eq!(at(text), Err(TooDeep), "{text}");
        }
        let mut command = Command::new("sh");
        Depth(2).deeper(&mut command);
        let left = command.get_envs().next();
        assert_eq!(left, Some((OsStr::new(DEPTH_VARIABLE), Some(OsStr::new("3")))));
    }
}
