//! Secrets that are kept elsewhere: where each kind of reference is followed to.

mod helper;
mod program;
mod text;

pub use helper::{Helper, HelperError};
pub use program::{Depth, TooDeep};
pub use text::{
    LIMIT, MAX_SECRET_BYTES, SourceError, from_command, from_environment, from_file, from_person,
};
