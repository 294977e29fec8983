//! Child: a program that is run in our place. It has our terminal and streams; what is sent to us is passed on to it,
//! and its end is ours.

use std::io;
use std::process::{Child as Running, Command, ExitStatus};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};
#[cfg(unix)]
use std::thread;

/// A program that runs.
#[derive(Debug)]
pub struct Child {
    running: Running,
    #[cfg(unix)]
    signals: signals::Signals,
}

impl Child {
    /// Starts it. From here on signals that would end us are kept for it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        #[cfg(windows)]
        outlive_ctrl_c()?;
        Ok(Self {
            // Before it is there: a signal in between would end us and leave it alone.
            #[cfg(unix)]
            signals: signals::catch()?,
            running: command.spawn()?,
        })
    }

    /// Waits for its end, and passes on what is sent to us until then. Its exit code, as shells tell it: 128 and the
    /// signal's number where it was ended by one.
    pub fn wait(mut self) -> io::Result<u8> {
        Ok(code(self.wait_for_end()?))
    }

    /// Waits itself and not for `SIGCHLD`, which does not come where whoever started us has blocked it.
    #[cfg(unix)]
    fn wait_for_end(&mut self) -> io::Result<ExitStatus> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, waitid};

        let Self { running, signals } = self;
        let pid = Pid::from_child(running);
        // As long as its end was not asked for, its number is not another program's.
        let is_ours = Mutex::new(true);
        let caught = signals.handle();
        thread::scope(|scope| {
            scope.spawn(|| {
                for signal in signals.forever() {
                    let is_ours = is_ours.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(signal) = signals::to_pass_on(&signal).filter(|_| *is_ours) {
                        // It has ended, or has made itself another user's.
                        let _ = kill_process(pid, signal);
                    }
                }
            });
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let ended = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options));
            *is_ours.lock().unwrap_or_else(PoisonError::into_inner) = false;
            caught.close();
            ended?;
            running.wait()
        })
    }

    #[cfg(windows)]
    fn wait_for_end(&mut self) -> io::Result<ExitStatus> {
        self.running.wait()
    }
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(windows)]
    let signal = None;
    let code = status.code().or(signal);
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Ctrl-C and Ctrl-Break go to all that share a console, so the program has them already. Without this they would end us
/// before it, and what is put in order after it would not be.
#[cfg(windows)]
fn outlive_ctrl_c() -> io::Result<()> {
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGBREAK, SIGINT};

    // That there is a handler is enough: nobody looks at what it says.
    static HAS_COME: AtomicBool = AtomicBool::new(false);
    for signal in [SIGINT, SIGBREAK] {
        signal_hook::flag::register(signal, &HAS_COME)?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) mod signals {
    use std::fs;
    use std::io;

    use rustix::process::Signal;
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::origin::WithOrigin;
    use signal_hook::low_level::siginfo::{Cause, Origin};

    pub(super) type Signals = SignalsInfo<WithOrigin>;

    /// What would end us, but for what nobody can catch.
    const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

    /// Those that are ignored stay so, for us and for the program: `nohup`, and a shell that starts something in
    /// the background, mean it like that. `SIGCHLD` does not: the system tells nobody who ignores it how a program
    /// ended.
    pub(super) fn catch() -> io::Result<Signals> {
        let ignored = ignored();
        let heeded = PASSED_ON
            .into_iter()
            .filter(|signal| ignored & (1 << (signal - 1)) == 0);
        SignalsInfo::new(heeded.chain([SIGCHLD]))
    }

    /// What a signal is to the program. A terminal sends its own to all of its foreground, which the program belongs
    /// to as we do: passed on, it would be there twice, and docker takes the third Ctrl-C for "at once".
    pub(super) fn to_pass_on(origin: &Origin) -> Option<Signal> {
        let is_everyones = origin.signal == SIGCHLD || matches!(origin.cause, Cause::Kernel);
        (!is_everyones)
            .then(|| Signal::from_named_raw(origin.signal))
            .flatten()
    }

    /// Whether somebody had this signal ignored.
    pub(in crate::process) fn is_ignored(signal: i32) -> bool {
        ignored() & (1 << (signal - 1)) != 0
    }

    /// The signals that are ignored, a bit each from 1 (proc(5), `SigIgn`); none where the system does not say.
    fn ignored() -> u64 {
        fs::read_to_string("/proc/self/status")
            .ok()
            .and_then(|status| {
                let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
                u64::from_str_radix(mask.trim(), 16).ok()
            })
            .unwrap_or_default()
    }
}
