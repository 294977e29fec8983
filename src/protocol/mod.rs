//! What callers speak. Pure: bytes in, messages out.

pub mod docker;
