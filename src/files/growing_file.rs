//! Growing file: lines are added at its end, and when it is long it is put aside in place of an older one. Knows nothing
//! of what the lines say.

use std::fs::{self, File};
use std::io::{self, Write};
use std::time::Duration;

use super::{FileError, PrivateDirectory, Unfit, access};

/// What the name of the older file ends in.
const OLDER_SUFFIX: &str = ".1";

/// Whoever puts the file aside does one rename. A line is not worth waiting longer for.
const PATIENCE: Duration = Duration::from_millis(100);

impl PrivateDirectory {
    /// Adds a line, with its end, at the end of a file of at most `limit` bytes. In one write: lines of processes that
    /// write at the same time stand one after the other.
    pub fn append(&self, name: &str, line: &[u8], limit: u64) -> Result<(), FileError> {
        let (mut file, mut length) = self.open_to_append(name)?;
        if length.saturating_add(line.len() as u64) > limit && length > 0 {
            if let Some(_turn) = self.lock(&format!("{name}.lock"), PATIENCE, || false) {
                // Looked at again: another process may have put it aside since.
                let (_, length) = self.open_to_append(name)?;
                if length.saturating_add(line.len() as u64) > limit {
                    let path = self.path.join(name);
                    fs::rename(&path, self.path.join(format!("{name}{OLDER_SUFFIX}")))
                        .map_err(|error| FileError::io("put aside", &path, error))?;
                }
            }
            (file, length) = self.open_to_append(name)?;
        }
        let failed = |error| FileError::io("write", &self.path.join(name), error);
        if length.saturating_add(line.len() as u64) > access::longest_file() {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        file.write_all(line).map_err(failed)
    }

    /// The bytes of the older file, if there is one, and of this one.
    pub fn read_grown(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        for name in [format!("{name}{OLDER_SUFFIX}"), name.to_owned()] {
            if let Some(file) = self.read(&name, limit)? {
                bytes.extend(file.bytes);
            }
        }
        Ok(bytes)
    }

    fn open_to_append(&self, name: &str) -> Result<(File, u64), FileError> {
        let path = self.path.join(name);
        let file = access::open_to_append(&path).map_err(|error| FileError::io("open", &path, error))?;
        let metadata = file
            .metadata()
            .map_err(|error| FileError::io("look at", &path, error))?;
        let why = self.owner.distrusts_file(&metadata).or_else(|| {
            (!access::is_closed_to_others(&metadata)).then(|| Unfit::OpenToOthers(access::mode(&metadata)))
        });
        if let Some(why) = why {
            return Err(FileError::Unfit { path, why });
        }
        if metadata.len() == 0 {
            self.owner.give(&self.path, &file);
        }
        Ok((file, metadata.len()))
    }
}
