//! Output: what comes out of a program, up to a length and without waiting for it. Knows nothing of when it ends.

use std::io::{self, Read};
use std::process::ChildStdout;

use zeroize::Zeroizing;

use super::program::Problem;

/// The most that is read of an answer: far more than a person's logins.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How much is heard at a time: a login fits into it.
const PIECE_BYTES: usize = 4096;

/// What comes out of a program, piece by piece.
pub(super) struct Output {
    pipe: Pipe,
    pieces: Vec<Zeroizing<Vec<u8>>>,
    length: usize,
    is_all: bool,
}

impl Output {
    pub(super) fn of(stdout: ChildStdout) -> io::Result<Self> {
        Ok(Self {
            pipe: Pipe::of(stdout)?,
            pieces: Vec::new(),
            length: 0,
            is_all: false,
        })
    }

    /// Takes all that is there, and waits for nothing. Says whether there was anything.
    pub(super) fn hear(&mut self) -> Result<bool, Problem> {
        let before = self.length;
        while !self.is_all {
            match self.pipe.take() {
                Ok(Some(piece)) if piece.is_empty() => self.is_all = true,
                Ok(Some(piece)) => {
                    self.length += piece.len();
                    self.pieces.push(piece);
                }
                Ok(None) => break,
                Err(error) => return Err(Problem::NotStarted(error)),
            }
            if self.length > MAX_ANSWER_BYTES {
                return Err(Problem::TooLong);
            }
        }
        Ok(self.length > before)
    }

    /// Whether nobody can write more.
    pub(super) fn is_all(&self) -> bool {
        self.is_all
    }

    /// In one piece that never grew: growing leaves a copy behind that nobody wipes.
    pub(super) fn joined(&self) -> Zeroizing<Vec<u8>> {
        let mut all = Zeroizing::new(Vec::with_capacity(self.length));
        for piece in &self.pieces {
            all.extend_from_slice(piece);
        }
        all
    }
}

/// Up to a piece of what there is; nothing at its end.
fn read_piece(stdout: &mut ChildStdout) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut piece = Zeroizing::new(vec![0; PIECE_BYTES]);
    loop {
        match stdout.read(&mut piece) {
            Ok(count) => {
                piece.truncate(count);
                return Ok(piece);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The end of a pipe that is read where there is something.
#[cfg(unix)]
struct Pipe(ChildStdout);

#[cfg(unix)]
impl Pipe {
    fn of(stdout: ChildStdout) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&stdout, true)?;
        Ok(Self(stdout))
    }

    /// The next piece, the one after the last of which is empty; `None` where there is none now.
    fn take(&mut self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        match read_piece(&mut self.0) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            piece => piece.map(Some),
        }
    }
}

/// The same where reading waits: on its own thread, which is left behind where it waits for ever.
#[cfg(windows)]
struct Pipe(std::sync::mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>);

#[cfg(windows)]
impl Pipe {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "where reading does not wait, it can fail"
    )]
    fn of(mut stdout: ChildStdout) -> io::Result<Self> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            loop {
                let piece = read_piece(&mut stdout);
                let is_last = piece.as_ref().map_or(true, |piece| piece.is_empty());
                // Nobody listens any more when it took too long.
                if sender.send(piece).is_err() || is_last {
                    break;
                }
            }
        });
        Ok(Self(receiver))
    }

    fn take(&mut self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        self.0.try_recv().ok().transpose()
    }
}
