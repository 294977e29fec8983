//! Journal: the record of what was changed, on disk beside the credentials.

use anyhow::{Context, Result};

use crate::client_config::{Change, Record};
use crate::files::Location;

const FILE: &str = "configured.json";

/// A change takes some two hundred bytes, and nobody configures a thousand registries by hand.
const MAX_BYTES: u64 = 1024 * 1024;

/// The record, as it is on disk.
pub(super) struct Journal {
    location: Location,
    record: Record,
}

impl Journal {
    /// Reads the record; an empty one when there is none.
    pub(super) fn open(data: Option<Location>) -> Result<Self> {
        let location = data.context("no home directory; set HOME or XDG_DATA_HOME")?;
        let file = match location.open()? {
            Some(directory) => directory.read(FILE, MAX_BYTES)?,
            None => None,
        };
        let record = match file {
            Some(file) => serde_json::from_slice(&file.bytes).with_context(|| {
                format!(
                    "{}: is damaged; move it away",
                    location.path().join(FILE).display()
                )
            })?,
            None => Record::default(),
        };
        Ok(Self { location, record })
    }

    /// All changes that were not undone.
    pub(super) fn changes(&self) -> &[Change] {
        &self.record.changes
    }

    /// Makes changes: first they are on record, so that none is made that cannot be undone; where making them
    /// fails and all `is_as_before`, the record is put back.
    pub(super) fn make(
        &mut self,
        changes: Vec<Change>,
        make: impl FnOnce() -> Result<()>,
        is_as_before: impl FnOnce() -> bool,
    ) -> Result<()> {
        let earlier = self.record.changes.clone();
        for change in changes {
            self.record.add(change);
        }
        self.save()?;
        let outcome = make();
        // A change that was made, and of which it is not certain only that it will last, can be undone all the same.
        if outcome.is_err() && is_as_before() {
            self.record.changes = earlier;
            // What stopped the change is the news; a record too many harms nobody, since only what still is as it
            // was set is ever undone.
            let _ = self.save();
        }
        outcome
    }

    /// Keeps only these.
    pub(super) fn keep(&mut self, changes: Vec<Change>) -> Result<()> {
        self.record.changes = changes;
        self.save()
    }

    fn save(&self) -> Result<()> {
        let directory = self.location.create()?;
        if self.record.changes.is_empty() {
            directory.remove(FILE)?;
            return Ok(());
        }
        let staging = directory.create_below("staging")?;
        let bytes = serde_json::to_vec_pretty(&self.record)
            .context("the change cannot be recorded: a path is not UTF-8")?;
        Ok(directory.replace(FILE, &bytes, &staging)?)
    }
}
