//! The process as the system sees it: streams without buffers, memory that is not dumped, how a panic ends, a
//! prompt, the name of this machine, and a program that runs in its place. Knows nothing of what is read or written.

mod awaited;
mod caller;
mod child;
mod host;
mod prompt;

use std::io::{self, Read, Write};
use std::panic;

pub use awaited::Awaited;
pub use caller::caller;
pub use child::Child;
pub use host::host_name;
pub use prompt::prompt;

/// A standard stream without the standard library's buffer, which would keep a copy of each secret that went
/// through it, and nobody could wipe it.
#[derive(Debug)]
pub struct Unbuffered<Stream>(pub Stream);

#[cfg(unix)]
impl<Stream: std::os::fd::AsFd> Read for Unbuffered<Stream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.0, buffer)?)
    }
}

#[cfg(unix)]
impl<Stream: std::os::fd::AsFd> std::os::fd::AsFd for Unbuffered<Stream> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(unix)]
impl<Stream: std::os::fd::AsFd> Write for Unbuffered<Stream> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.0, buffer)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A console is left to the standard library: its characters are no bytes.
#[cfg(windows)]
impl<Stream: Read + io::IsTerminal + std::os::windows::io::AsHandle> Read for Unbuffered<Stream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_terminal() {
            return self.0.read(buffer);
        }
        file_of(&self.0)?.read(buffer)
    }
}

#[cfg(windows)]
impl<Stream: Write + io::IsTerminal + std::os::windows::io::AsHandle> Write for Unbuffered<Stream> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.0.is_terminal() {
            return self.0.write(buffer);
        }
        file_of(&self.0)?.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(windows)]
fn file_of(stream: &impl std::os::windows::io::AsHandle) -> io::Result<std::fs::File> {
    Ok(stream.as_handle().try_clone_to_owned()?.into())
}

/// Lets no core dump be written, and no other process of the user read our memory. Not handed on to children: the
/// kernel forgets it when they start their program.
pub fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        // Where it cannot be, docker's user is better served by an answer than by none.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Ends a panic as every other failure ends: one line on stdout, which is all that docker shows, and exit code 1.
/// The message of the panic is left out, for it may hold what was being worked on.
#[expect(
    clippy::exit,
    reason = "a panic has no other way out with an exit code of its own"
)]
pub fn end_panics_in_one_line() {
    panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|place| format!(" ({}:{})", place.file(), place.line()));
        let line = format!(
            "docker-credential-scoped: internal error{}; please report it\n",
            place.unwrap_or_default()
        );
        // There is nobody left to tell.
        let _ = io::stdout().write_all(line.as_bytes());
        std::process::exit(1);
    }));
}
