//! Record: what `configure` changed, so that it can be put back. Knows nothing of where it is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::client_config::Key;

/// All changes that were not undone, in the order they were made.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The changes.
    pub changes: Vec<Change>,
}

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The file.
    pub file: PathBuf,
    /// What of it.
    pub what: What,
    /// What was there; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What was put there.
    pub set: String,
    /// Whether the file was made for it.
    #[serde(default)]
    pub made_file: bool,
    /// Whether the object around it was made for it.
    #[serde(default)]
    pub made_object: bool,
}

/// What of a file was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// The helper that a key names.
    Helper(Key),
    /// A symbolic link, and where it points to.
    Link,
    /// The whole text.
    Text,
}

impl Record {
    /// Adds a change. What we set ourselves is not what was there before us: of two changes of one thing, the
    /// second keeps the first's `before`, unless somebody else changed it in between.
    pub fn add(&mut self, change: Change) {
        let same = |other: &&mut Change| other.file == change.file && other.what == change.what;
        match self.changes.iter_mut().find(same) {
            Some(earlier) if change.before.as_ref() == Some(&earlier.set) => earlier.set = change.set,
            Some(earlier) => {
                *earlier = Change {
                    made_file: change.made_file || earlier.made_file,
                    made_object: change.made_object || earlier.made_object,
                    ..change
                }
            }
            None => self.changes.push(change),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: Option<&str>, set: &str) -> Change {
        Change {
            file: "/home/u/.docker/config.json".into(),
            what: What::Helper(Key::CredsStore),
            before: before.map(str::to_owned),
            set: set.to_owned(),
            made_file: false,
            made_object: false,
        }
    }

    #[test]
    fn what_was_there_before_us_is_kept_over_changes_of_our_own() {
        let mut record = Record::default();
        record.add(change(Some("desktop"), "scoped"));
        record.add(change(Some("scoped"), "scoped-ci"));
        assert_eq!(record.changes, [change(Some("desktop"), "scoped-ci")]);
        record.add(change(Some("pass"), "scoped"));
        assert_eq!(record.changes, [change(Some("pass"), "scoped")]);
        record.add(change(None, "scoped"));
        assert_eq!(record.changes, [change(None, "scoped")]);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::default();
        record.add(change(None, "scoped"));
        record.add(Change {
            what: What::Helper(Key::CredHelpers("ghcr.io".into())),
            made_object: true,
            ..change(Some("x"), "scoped")
        });
        record.add(Change {
            what: What::Link,
            ..change(None, "docker-credential-scoped")
        });
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        assert!(
            text.contains(r#""what":{"helper":{"credHelpers":"ghcr.io"}}"#),
            "{text}"
        );
    }
}
