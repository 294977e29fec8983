//! Invalid settings: which field of settings.json is wrong, how, and where it stands. Reads once more what was read in
//! vain: whose settings are right pays nothing for it.

use std::fmt;

use thiserror::Error;

use super::Settings;

/// What is wrong with a settings.json, with line and column.
#[derive(Debug, Error)]
pub struct InvalidSettings {
    /// As `credentials[0].server`; empty where it is the whole file.
    field: String,
    cause: serde_json::Error,
}

impl InvalidSettings {
    /// Finds the field of what cannot be read, and for what `cause` was.
    pub(super) fn find(bytes: &[u8], cause: serde_json::Error) -> Self {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        match serde_path_to_error::deserialize::<_, Settings>(&mut json) {
            Err(error) => Self {
                // What is the whole file is `.` there, and what ends before its name `?`.
                field: error.path().to_string().trim_end_matches(['.', '?']).to_owned(),
                cause: error.into_inner(),
            },
            // There is more behind what can be read.
            Ok(Settings { .. }) => Self {
                field: String::new(),
                cause,
            },
        }
    }
}

impl fmt::Display for InvalidSettings {
    /// What says of itself which field it is about says it once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = without_text(self.cause.to_string());
        let field = self.field.as_str();
        let (parent, name) = field.rsplit_once('.').unwrap_or(("", field));
        let is_named = |field: &str| {
            said.strip_prefix(field)
                .is_some_and(|rest| rest.starts_with([':', '.']))
        };
        let (before, mark) = if said.starts_with("unknown field") {
            (parent, ": ")
        } else if is_named(field) {
            ("", "")
        } else if is_named(name) {
            (parent, ".")
        } else {
            (field, ": ")
        };
        match before {
            "" => f.write_str(&said),
            _ => write!(f, "{before}{mark}{said}"),
        }
    }
}

/// serde repeats a text that stands where there is to be something else. It may be a secret, pasted one line too high.
fn without_text(said: String) -> String {
    let expected = said
        .strip_prefix("invalid type: string \"")
        .and_then(|rest| rest.rsplit_once("\", expected "));
    match expected {
        Some((_, expected)) => format!("invalid type: string, expected {expected}"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_named_once_and_the_first_reading_said_the_same_of_it() {
        for (text, expected) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("{} x", "trailing characters at line 1 column 4"),
            (
                "3",
                "invalid type: integer `3`, expected an object at line 1 column 1",
            ),
            (
                r#"{"registries": {"h": {"#,
                "registries.h: EOF while parsing an object at line 1 column 22",
            ),
            (
                r#"{"activityLog": 1}"#,
                "activityLog: invalid type: integer `1`, expected a boolean at line 1 column 17",
            ),
            (
                r#"{"onUnavailable": 3}"#,
                "onUnavailable: expected value at line 1 column 19",
            ),
            (
                r#"{"keyFile": 3}"#,
                "keyFile: invalid type: integer `3`, expected path string at line 1 column 13",
            ),
            (
                r#"{"hub": {"api": 3}}"#,
                "hub.api: invalid type: integer `3`, expected a string at line 1 column 17",
            ),
            (
                r#"{"registries": {"ghcr.io": {"insecure": "yes"}}}"#,
                "registries.ghcr.io.insecure: invalid type: string, expected a boolean at line 1 column 45",
            ),
            (
                r#"{"registries": {"h": "a \", expected b"}}"#,
                "registries.h: invalid type: string, expected an object at line 1 column 39",
            ),
            (
                r#"{"registries": {"h": 3}}"#,
                "registries.h: invalid type: integer `3`, expected an object at line 1 column 22",
            ),
            (
                r#"{"credentials": {}}"#,
                "credentials: invalid type: map, expected a sequence at line 1 column 16",
            ),
            (
                r#"{"credentials": [3]}"#,
                "credentials[0]: invalid type: integer `3`, expected an object with `server` and `secret` \
                 at line 1 column 18",
            ),
            (
                r#"{"credentials": [{"server": 3}]}"#,
                "credentials[0].server: invalid type: integer `3`, expected a string at line 1 column 29",
            ),
            (
                r#"{"credentials": [{"server": "h", "user": "u"}]}"#,
                "credentials[0]: unknown field `user`, expected one of `server`, `profile`, `username`, `kind`, \
                 `secret`, `scopes`, `expires` at line 1 column 39",
            ),
            (
                r#"{"credentials": [{"server": "h", "scopes": ["repository:a:pull", 3]}]}"#,
                "credentials[0].scopes[1]: invalid type: integer `3`, expected a string at line 1 column 66",
            ),
        ] {
            let first = serde_json::from_slice::<Settings>(text.as_bytes())
                .unwrap_err()
                .to_string();
            let found = Settings::parse(text.as_bytes()).unwrap_err().to_string();
            assert_eq!(found, expected);
            assert!(found.ends_with(&without_text(first)), "{found}");
        }
    }
}
