//! Secret reference: where a secret is that is kept elsewhere. Knows nothing of how it is fetched.

use std::fmt;
use std::path::{Path, PathBuf, is_separator};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Where a secret is. It is fetched when it is needed, and never written down.
///
/// In settings.json and in sealed files: `{"env": "GHCR_PAT"}`, `{"file": "/run/secrets/ghcr"}`,
/// `{"command": ["op", "read", "op://ci/ghcr/token"]}`, `{"helper": "pass"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Value")]
pub enum SecretReference {
    /// In a variable of the environment.
    #[serde(rename = "env")]
    Environment(String),
    /// In a file that holds nothing else.
    File(PathBuf),
    /// What a program prints: its name and its arguments. No shell sees them.
    Command(Vec<String>),
    /// What another docker credential helper answers, the account included.
    Helper(HelperName),
}

impl SecretReference {
    /// The program with these arguments.
    pub fn of_command(words: Vec<String>) -> Result<Self, InvalidSecretReference> {
        // A relative path would be run from wherever a client is run, which may be a stranger's repository.
        let is_found = |program: &String| {
            !program.is_empty() && (Path::new(program).is_absolute() || !program.contains(is_separator))
        };
        if words.first().is_some_and(is_found) && !words.iter().any(|word| word.contains('\0')) {
            Ok(Self::Command(words))
        } else {
            Err(InvalidSecretReference::Command)
        }
    }

    fn of_environment(name: String) -> Result<Self, InvalidSecretReference> {
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name {
            Ok(Self::Environment(name))
        } else {
            Err(InvalidSecretReference::Environment)
        }
    }

    fn of_file(path: PathBuf) -> Result<Self, InvalidSecretReference> {
        // Another would be read from wherever a client is run, which may be a stranger's repository.
        if path.is_absolute() {
            Ok(Self::File(path))
        } else {
            Err(InvalidSecretReference::File)
        }
    }
}

/// As a command line names it; a command stands behind `--`, so its words are not here.
impl FromStr for SecretReference {
    type Err = InvalidSecretReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) => Self::of_environment(name.to_owned()),
            Some(("file", path)) => Self::of_file(path.into()),
            Some(("helper", name)) => Ok(Self::Helper(name.parse()?)),
            Some(_) | None => Err(InvalidSecretReference::Kind),
        }
    }
}

/// Where it is, for a person. Of a command the program only: nobody knows what its arguments hold.
impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(words) => write!(f, "command {}", words.first().map_or("", String::as_str)),
            Self::Helper(name) => write!(f, "helper {name}"),
        }
    }
}

/// From JSON. By hand, since what serde says of a value that does not fit repeats it, and people write the secret itself
/// where its place belongs.
impl TryFrom<Value> for SecretReference {
    type Error = InvalidSecretReference;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let Value::Object(members) = value else {
            return Err(InvalidSecretReference::Json);
        };
        let mut members = members.into_iter();
        let (Some((kind, value)), None) = (members.next(), members.next()) else {
            return Err(InvalidSecretReference::Json);
        };
        match (kind.as_str(), value) {
            ("env", Value::String(name)) => Self::of_environment(name),
            ("env", _) => Err(InvalidSecretReference::Environment),
            ("file", Value::String(path)) => Self::of_file(path.into()),
            ("file", _) => Err(InvalidSecretReference::File),
            ("helper", Value::String(name)) => Ok(Self::Helper(name.parse()?)),
            ("helper", _) => Err(InvalidHelperName::Characters.into()),
            ("command", Value::Array(words)) => {
                let text = |word| match word {
                    Value::String(text) => Some(text),
                    _ => None,
                };
                let words = words.into_iter().map(text).collect::<Option<_>>();
                Self::of_command(words.ok_or(InvalidSecretReference::Command)?)
            }
            ("command", _) => Err(InvalidSecretReference::Command),
            (_, _) => Err(InvalidSecretReference::Json),
        }
    }
}

/// The name of another credential helper: what follows `docker-credential-`.
///
/// It stays below that: no path, no option, nothing for a terminal to act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HelperName(String);

impl FromStr for HelperName {
    type Err = InvalidHelperName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || !text.chars().all(is_allowed) {
            return Err(InvalidHelperName::Characters);
        }
        if text == "scoped" || text.starts_with("scoped-") {
            return Err(InvalidHelperName::Ourselves);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text names no other helper.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidHelperName {
    /// Empty, or a character that no helper's name has.
    #[error("helper: a name is what follows docker-credential-: letters, digits, '-', '_' or '.'")]
    Characters,
    /// This program.
    #[error("helper: that is this helper itself")]
    Ourselves,
}

/// Why a text says not where a secret is. It is not repeated: it may be the secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidSecretReference {
    /// No program, or an argument that none can be given.
    #[error(
        "command: name a program on PATH or its absolute path, and its arguments, each a text of its own"
    )]
    Command,
    /// Not a variable's name.
    #[error("env: name a variable: letters, digits and '_', the first no digit")]
    Environment,
    /// Not an absolute path.
    #[error("file: give an absolute path")]
    File,
    /// Not a helper's name.
    #[error(transparent)]
    Helper(#[from] InvalidHelperName),
    /// Not an object with one of the kinds.
    #[error(
        "secret: say where it is: {{\"env\": NAME}}, {{\"file\": PATH}}, {{\"command\": [PROGRAM, ...]}} or {{\"helper\": NAME}}"
    )]
    Json,
    /// None of the kinds there are.
    #[error("write env:NAME, file:PATH or helper:NAME, or command and the command behind --")]
    Kind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_from_a_command_line_and_from_json() {
        let table = [
            (
                "env:GHCR_PAT",
                r#"{"env":"GHCR_PAT"}"#,
                "environment variable GHCR_PAT",
            ),
            (
                "file:/run/secrets/a:b",
                r#"{"file":"/run/secrets/a:b"}"#,
                "file /run/secrets/a:b",
            ),
            (
                "helper:ecr-login",
                r#"{"helper":"ecr-login"}"#,
                "helper ecr-login",
            ),
        ];
        for (text, json, shown) in table {
            let reference: SecretReference = text.parse().unwrap();
            assert_eq!(serde_json::from_str::<SecretReference>(json).unwrap(), reference);
            assert_eq!(serde_json::to_string(&reference).unwrap(), json);
            assert_eq!(reference.to_string(), shown);
        }
        let json = r#"{"command":["op","read","op://ci/ghcr/token"]}"#;
        let reference: SecretReference = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&reference).unwrap(), json);
        assert_eq!(reference.to_string(), "command op");
    }

    #[test]
    fn what_says_not_where_a_secret_is_is_refused_and_not_repeated() {
        let table = [
            ("", InvalidSecretReference::Kind),
            ("canary-secret", InvalidSecretReference::Kind),
            ("command:gh", InvalidSecretReference::Kind),
            ("ENV:A", InvalidSecretReference::Kind),
            ("env:", InvalidSecretReference::Environment),
            ("env:A=B", InvalidSecretReference::Environment),
            ("env:1A", InvalidSecretReference::Environment),
            ("file:secret", InvalidSecretReference::File),
            ("file:~/secret", InvalidSecretReference::File),
            (
                "helper:",
                InvalidSecretReference::Helper(InvalidHelperName::Characters),
            ),
            (
                "helper:../x",
                InvalidSecretReference::Helper(InvalidHelperName::Characters),
            ),
            (
                "helper:scoped",
                InvalidSecretReference::Helper(InvalidHelperName::Ourselves),
            ),
            (
                "helper:scoped-ci",
                InvalidSecretReference::Helper(InvalidHelperName::Ourselves),
            ),
        ];
        for (text, why) in table {
            assert_eq!(text.parse::<SecretReference>(), Err(why), "{text}");
            assert!(!why.to_string().contains("canary"));
        }
        for json in [
            r#""canary-secret""#,
            r#"{"env":""}"#,
            r#"{"env":4711}"#,
            r#"{"canary":"A"}"#,
            r#"{"file":"relative"}"#,
            r#"{"command":[]}"#,
            r#"{"command":[""]}"#,
            r#"{"command":["./op","read"]}"#,
            r#"{"command":["bin/op"]}"#,
            r#"{"command":"op read x"}"#,
            r#"{"helper":"scoped"}"#,
            r#"{"env":"A","file":"/b"}"#,
        ] {
            let error = serde_json::from_str::<SecretReference>(json).unwrap_err();
            for value in ["canary", "op read", "4711"] {
                assert!(!error.to_string().contains(value), "{error}");
            }
        }
    }

    #[test]
    fn a_helpers_name_is_no_path_and_not_our_own() {
        for name in ["pass", "ecr-login", "osxkeychain", "desktop.exe"] {
            assert_eq!(name.parse::<HelperName>().unwrap().to_string(), name);
        }
        for name in ["", "a/b", "../x", "a b", "a\n"] {
            assert_eq!(name.parse::<HelperName>(), Err(InvalidHelperName::Characters));
        }
        for name in ["scoped", "scoped-ci"] {
            assert_eq!(name.parse::<HelperName>(), Err(InvalidHelperName::Ourselves));
        }
    }
}
