//! Config file: docker's config.json, and the auth.json of podman, skopeo and buildah, which has the same fields.
//! Knows nothing of where the file is.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::client_config::auth_entry::AuthEntry;
use crate::client_config::json_text::{self, Field};

const AUTHS: &str = "auths";
const CRED_HELPERS: &str = "credHelpers";
const CREDS_STORE: &str = "credsStore";

/// The text of a configuration file. What is not changed stays as it is, byte for byte.
///
/// Go finds fields by their names in any case, and of two equal ones takes the last, or merges them where they
/// are objects. A file that has a field twice which matters here is refused: whichever of the two were changed,
/// the other would be lost or win.
pub struct ConfigFile {
    text: Zeroizing<String>,
}

/// A key of the file that names a helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Key {
    /// `credHelpers`, of one registry.
    CredHelpers(String),
    /// `credsStore`, for all registries.
    CredsStore,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CredHelpers(registry) => write!(f, "{CRED_HELPERS} of {registry}"),
            Self::CredsStore => f.write_str(CREDS_STORE),
        }
    }
}

impl ConfigFile {
    /// Reads a file. An empty one is an empty object, as for docker, which takes the end of the file for that.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidConfigFile> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            return Err(InvalidConfigFile::ByteOrderMark);
        }
        let text = str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = str::from_utf8(valid).unwrap_or_default();
            let (line, column) = json_text::line_and_column(valid, valid.len());
            InvalidConfigFile::NotUtf8 { line, column }
        })?;
        let text = if text.trim_ascii().is_empty() { "{}" } else { text };
        check(text)?;
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
        })
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Whether there is not one field in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// The helper that a key names. An empty name is none for `credsStore`; for one registry it is the file itself,
    /// whatever `credsStore` says (docker/cli `getConfiguredCredentialStore`).
    #[must_use]
    pub fn helper(&self, key: &Key) -> Option<String> {
        match key {
            Key::CredHelpers(registry) => self
                .cred_helpers()
                .into_iter()
                .find_map(|(key, helper)| (key == *registry).then_some(helper)),
            Key::CredsStore => self
                .field(CREDS_STORE)
                .and_then(|field| string(field.value))
                .filter(|helper| !helper.is_empty()),
        }
    }

    /// Registries that have a helper of their own, and it.
    #[must_use]
    pub fn cred_helpers(&self) -> Vec<(String, String)> {
        self.entries(CRED_HELPERS, |field| {
            string(field.value).map(|helper| (field.name.clone(), helper))
        })
    }

    /// The entries of `auths`, by their keys.
    #[must_use]
    pub fn auths(&self) -> Vec<(String, AuthEntry)> {
        self.entries(AUTHS, |field| {
            Some((field.name.clone(), AuthEntry::read(field.value)))
        })
    }

    /// Whether there is an object for the registries that have a helper of their own.
    #[must_use]
    pub fn has_cred_helpers(&self) -> bool {
        self.field(CRED_HELPERS)
            .is_some_and(|field| field.value != "null")
    }

    /// Names the helper for a key.
    pub fn set_helper(&mut self, key: &Key, helper: &str) -> Result<(), InvalidConfigFile> {
        let value = serde_json::to_string(helper).map_err(|error| invalid(&error))?;
        let path = self.path(key);
        self.edit(|text| json_text::set(text, &path_of(&path), &value))
    }

    /// Names no helper for a key.
    pub fn remove_helper(&mut self, key: &Key) -> Result<(), InvalidConfigFile> {
        let path = self.path(key);
        self.edit(|text| json_text::remove(text, &path_of(&path)))
    }

    /// Removes the object for the registries that have a helper of their own, if none has.
    pub fn remove_empty_cred_helpers(&mut self) -> Result<(), InvalidConfigFile> {
        let name = self.name(CRED_HELPERS);
        if self.has_cred_helpers() && self.cred_helpers().is_empty() {
            self.edit(|text| json_text::remove(text, &[&name]))?;
        }
        Ok(())
    }

    /// Takes the login out of an entry of `auths`. The entry stays, as the mark that docker leaves for a helper.
    pub fn remove_login(&mut self, key: &str) -> Result<(), InvalidConfigFile> {
        let auths = self.name(AUTHS);
        let fields: Vec<String> = self
            .entries(AUTHS, |entry| {
                (entry.name == key).then(|| json_text::fields(entry.value).unwrap_or_default())
            })
            .into_iter()
            .flatten()
            .map(|field| field.name)
            .filter(|name| {
                AuthEntry::LOGIN_FIELDS
                    .iter()
                    .any(|field| field.eq_ignore_ascii_case(name))
            })
            .collect();
        for field in fields {
            self.edit(|text| json_text::remove(text, &[&auths, key, &field]))?;
        }
        Ok(())
    }

    /// The value of a field that has nothing to do with credentials, as it is written.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.field(name).map(|field| field.value)
    }

    fn edit(
        &mut self,
        edit: impl FnOnce(&str) -> Result<String, serde_json::Error>,
    ) -> Result<(), InvalidConfigFile> {
        self.text = Zeroizing::new(edit(&self.text).map_err(|error| invalid(&error))?);
        Ok(())
    }

    fn path(&self, key: &Key) -> Vec<String> {
        match key {
            Key::CredHelpers(registry) => vec![self.name(CRED_HELPERS), registry.clone()],
            Key::CredsStore => vec![self.name(CREDS_STORE)],
        }
    }

    /// A name as this file spells it.
    fn name(&self, name: &str) -> String {
        self.field(name).map_or(name.to_owned(), |field| field.name)
    }

    fn fields(&self) -> Vec<Field<'_>> {
        // It was read before, so it is an object.
        json_text::fields(&self.text).unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<Field<'_>> {
        self.fields()
            .into_iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    fn entries<'a, T>(&'a self, name: &str, read: impl FnMut(&Field<'a>) -> Option<T>) -> Vec<T> {
        let object = self.field(name);
        let entries = object.and_then(|field| json_text::fields(field.value).ok());
        entries.unwrap_or_default().iter().filter_map(read).collect()
    }
}

/// Why a file is not changed. Texts never repeat what is in it: it may be a secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidConfigFile {
    /// Three bytes that no client reads past.
    #[error("begins with a byte order mark, which docker does not read; save it as UTF-8 without one")]
    ByteOrderMark,
    /// Go would merge both, or take the last.
    #[error("line {line} column {column}: {name:?} is there twice; leave one")]
    Duplicate {
        /// Line of the second, from 1.
        line: usize,
        /// Column of the second, from 1.
        column: usize,
        /// The name.
        name: String,
    },
    /// Not JSON.
    #[error("line {line} column {column}: is not JSON: {what}")]
    Json {
        /// Line of the place, from 1.
        line: usize,
        /// Column of the place, from 1.
        column: usize,
        /// What the parser wanted there.
        what: String,
    },
    /// JSON, only not an object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// Bytes that are not UTF-8, and so not JSON.
    #[error("line {line} column {column}: is not JSON: a character is not UTF-8")]
    NotUtf8 {
        /// Line of the place, from 1.
        line: usize,
        /// Column of the place, from 1.
        column: usize,
    },
    /// docker does not start with such a file either.
    #[error("line {line} column {column}: {name:?} must be {wanted}")]
    WrongType {
        /// Line of the field, from 1.
        line: usize,
        /// Column of the field, from 1.
        column: usize,
        /// The field.
        name: String,
        /// What it must be.
        wanted: &'static str,
    },
}

/// Holds the text to what docker reads.
fn check(text: &str) -> Result<(), InvalidConfigFile> {
    let fields = json_text::fields(text).map_err(|error| invalid(&error))?;
    let known = |field: &&Field<'_>| {
        [AUTHS, CRED_HELPERS, CREDS_STORE]
            .iter()
            .any(|name| field.name.eq_ignore_ascii_case(name))
    };
    let mut seen = BTreeSet::new();
    for field in fields.iter().filter(known) {
        let name = field.name.to_ascii_lowercase();
        let wrong_type = |wanted| {
            let (line, column) = json_text::line_and_column(text, field.start);
            InvalidConfigFile::WrongType {
                line,
                column,
                name: field.name.clone(),
                wanted,
            }
        };
        if name == CREDS_STORE.to_ascii_lowercase() {
            if serde_json::from_str::<Option<String>>(field.value).is_err() {
                return Err(wrong_type("a string"));
            }
        } else if field.value != "null" {
            let entries = json_text::fields(field.value).map_err(|_| wrong_type("an object"))?;
            let offset = field.value.as_ptr().addr() - text.as_ptr().addr();
            let mut keys = BTreeSet::new();
            for entry in &entries {
                if !keys.insert(&entry.name) {
                    return Err(duplicate(text, offset + entry.start, &entry.name));
                }
                if name == CRED_HELPERS.to_ascii_lowercase()
                    && serde_json::from_str::<Option<String>>(entry.value).is_err()
                {
                    return Err(wrong_type("an object of strings"));
                }
            }
        }
        if !seen.insert(name) {
            return Err(duplicate(text, field.start, &field.name));
        }
    }
    Ok(())
}

fn duplicate(text: &str, offset: usize, name: &str) -> InvalidConfigFile {
    let (line, column) = json_text::line_and_column(text, offset);
    InvalidConfigFile::Duplicate {
        line,
        column,
        name: name.to_owned(),
    }
}

fn invalid(error: &serde_json::Error) -> InvalidConfigFile {
    match error.classify() {
        // Its message repeats the value that is there.
        Category::Data => InvalidConfigFile::NotAnObject,
        Category::Eof | Category::Io | Category::Syntax => {
            let text = error.to_string();
            let what = text
                .rsplit_once(" at line ")
                .map_or(text.as_str(), |(what, _)| what);
            InvalidConfigFile::Json {
                line: error.line(),
                column: error.column(),
                what: what.to_owned(),
            }
        }
    }
}

fn string(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

fn path_of(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests;
