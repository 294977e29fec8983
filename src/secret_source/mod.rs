//! Secrets that are kept elsewhere, a file a source.

mod helper;

pub use helper::{Helper, HelperError, InvalidHelperName};
