//! Awaited: a stream that somebody else writes to, and may keep open for ever. It is waited for until the process's time
//! is over.

use std::io::{self, Read};

use crate::deadline;

/// A standard stream that is read within the time that the process has.
#[derive(Debug)]
pub struct Awaited<Stream> {
    stream: Stream,
    /// Whether all is there, or comes without being waited for.
    is_all_there: bool,
}

impl<Stream> Awaited<Stream> {
    /// Of which nothing was read yet.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            is_all_there: false,
        }
    }
}

#[cfg(unix)]
impl<Stream: Read + std::os::fd::AsFd> Read for Awaited<Stream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        while !self.is_all_there
            && let Some(left) = deadline::left()
        {
            let mut stream = [PollFd::new(&self.stream, PollFlags::IN)];
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut stream, Some(&left)) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "it was not closed in time",
                    ));
                }
                Ok(_) if stream[0].revents().intersects(PollFlags::IN | PollFlags::HUP) => {
                    // Once its writer is gone, nothing of it is waited for: it is looked at once, mostly.
                    self.is_all_there = stream[0].revents().contains(PollFlags::HUP);
                    break;
                }
                Err(rustix::io::Errno::INTR) => {}
                // What cannot be looked at, as a terminal on macOS, is read.
                Ok(_) | Err(_) => {
                    deadline::will_wait_for(&"standard input");
                    break;
                }
            }
        }
        self.stream.read(buffer)
    }
}

/// Where waiting has no limit of its own.
#[cfg(windows)]
impl<Stream: Read> Read for Awaited<Stream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_all_there {
            deadline::will_wait_for(&"standard input");
            self.is_all_there = true;
        }
        self.stream.read(buffer)
    }
}
