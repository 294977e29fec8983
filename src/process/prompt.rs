//! Prompt: asks the person at the terminal for something that is not shown while it is typed. Knows nothing of what for.

use std::io;

use zeroize::Zeroizing;

/// Asks at the terminal, whatever the standard streams are, and gives the line that was typed.
pub fn prompt(question: &str) -> io::Result<Zeroizing<String>> {
    #[cfg(unix)]
    ended::leave_terminal_as_it_is();
    let typed = rpassword::prompt_password(question).map(Zeroizing::new);
    #[cfg(unix)]
    if let Err(error) = &typed
        && error.kind() == io::ErrorKind::Interrupted
    {
        ended::by_person();
    }
    typed
}

/// Whoever is asked may want out, and a terminal that shows nothing any more would be left to him.
#[cfg(unix)]
mod ended {
    use std::fs::File;
    use std::io;
    use std::sync::Once;
    use std::thread;

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use crate::process::child::signals::is_ignored;

    /// From here on a signal that ends us puts the terminal right before.
    pub(super) fn leave_terminal_as_it_is() {
        static CAUGHT: Once = Once::new();
        CAUGHT.call_once(|| {
            // Without it the prompt works too.
            let _ = catch();
        });
    }

    fn catch() -> io::Result<()> {
        let terminal = File::open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let heeded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]
            .into_iter()
            .filter(|signal| !is_ignored(*signal));
        let mut signals = Signals::new(heeded)?;
        thread::Builder::new().spawn(move || {
            for signal in signals.forever() {
                let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
                let _ = emulate_default_handler(signal);
            }
        })?;
        Ok(())
    }

    /// Ctrl-C is a character to a prompt that reads each one, and the terminal is right again.
    pub(super) fn by_person() {
        if !is_ignored(SIGINT) {
            let _ = emulate_default_handler(SIGINT);
        }
    }
}
