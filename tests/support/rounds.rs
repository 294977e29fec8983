//! How long the long tests run: short, or as before a release.

pub(crate) fn rounds(short: u32, full: u32) -> u32 {
    if std::env::var_os("SCOPED_FULL_ROUNDS").is_some() {
        full
    } else {
        short
    }
}
