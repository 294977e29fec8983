//! Host: what this machine calls itself.

/// The name that the system knows this machine by; empty where it has none that is asked for here.
#[must_use]
pub fn host_name() -> String {
    #[cfg(unix)]
    {
        let system = rustix::system::uname();
        system.nodename().to_string_lossy().into_owned()
    }
    #[cfg(windows)]
    {
        String::new()
    }
}
