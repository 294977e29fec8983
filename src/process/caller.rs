//! Caller: the program that has started this one.

/// Its name, as far as the system tells: on Linux, up to 15 bytes of it.
#[must_use]
pub fn caller() -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        let parent = rustix::process::getppid()?.as_raw_nonzero();
        let name = std::fs::read(format!("/proc/{parent}/comm")).ok()?;
        Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
    }
    #[cfg(not(target_os = "linux"))]
    None
}
