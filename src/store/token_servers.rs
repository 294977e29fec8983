//! Token servers: the realm and service recorded for each registry. They outlive store and erase, and hold nothing
//! secret, so they are not sealed; but who could write them could have tokens sent to himself, so they are private.

use thiserror::Error;

use crate::files::{FileError, Location};
use crate::registry::{Registry, TokenServer};
use crate::store::slot;

const DIRECTORY: &str = "registries";

/// A realm has at most 2 KiB, a service some tens of bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// The records of one user, a file a registry.
#[derive(Debug)]
pub struct TokenServers {
    location: Option<Location>,
}

impl TokenServers {
    /// The records in the store's directory, which need not exist.
    #[must_use]
    pub fn at(location: Option<Location>) -> Self {
        Self { location }
    }

    /// What is recorded for a registry.
    pub fn get(&self, registry: &Registry) -> Result<Option<TokenServer>, TokenServersError> {
        let Some(root) = self.location.as_ref().map(Location::open).transpose()?.flatten() else {
            return Ok(None);
        };
        let Some(directory) = root.open_below(DIRECTORY)? else {
            return Ok(None);
        };
        let name = slot::escape(&registry.to_string());
        let Some(file) = directory.read(&name, MAX_BYTES)? else {
            return Ok(None);
        };
        match serde_json::from_slice(&file.bytes) {
            Ok(token_server) => Ok(Some(token_server)),
            // Asking anew instead would let whoever damaged it choose the moment.
            Err(_) => Err(TokenServersError::Damaged {
                path: directory.path().join(name),
            }),
        }
    }

    /// Records it, in place of what was.
    pub fn put(&self, registry: &Registry, token_server: &TokenServer) -> Result<(), TokenServersError> {
        let root = self
            .location
            .as_ref()
            .ok_or(TokenServersError::NoHome)?
            .create()?;
        let directory = root.create_below(DIRECTORY)?;
        let staging = root.create_below("staging")?;
        let bytes = serde_json::to_vec(token_server).map_err(|_| TokenServersError::NoHome)?;
        Ok(directory.replace(&slot::escape(&registry.to_string()), &bytes, &staging)?)
    }
}

/// Why a record could not be read or written.
#[derive(Debug, Error)]
pub enum TokenServersError {
    /// Not what was written.
    #[error("{}: is damaged; remove it, and the registry is asked again", path.display())]
    Damaged {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A file or directory could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nowhere to keep it.
    #[error("no home directory to keep records in; set HOME or XDG_DATA_HOME")]
    NoHome,
}
