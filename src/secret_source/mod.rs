//! Secrets that are kept elsewhere: where each kind of reference is followed to.

mod depth;
mod helper;
mod output;
mod program;
mod text;

pub use depth::{Depth, TooDeep};
pub use helper::{Helper, HelperError};
pub use text::{
    LIMIT, MAX_SECRET_BYTES, SourceError, from_command, from_environment, from_file, from_person,
};
