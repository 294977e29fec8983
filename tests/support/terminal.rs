//! A terminal of its own for a command, and somebody there who types what is asked for.

use std::process::Command;

use super::home::Home;
use super::outcome::Outcome;
use super::peer;

/// Runs a command where somebody types the lines, one for each prompt, and gives what is seen and the exit code.
const TYPIST: &str = r#"
import os, pty, sys, termios, time
lines, arguments = sys.argv[1].splitlines(True), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(arguments[0], arguments)
seen = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        part = b""
    if not part:
        break
    seen += part
    if lines and seen.endswith(b": "):
        # Whoever types, types after the prompt was seen.
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.01)
        os.write(terminal, lines.pop(0).encode())
sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// The command that runs the words at a terminal.
pub(crate) fn at_terminal(home: &Home, lines: &str, words: &[&str]) -> Command {
    let mut python = home.command("python3");
    python.args(["-c", TYPIST, lines]).args(words);
    python
}

/// What is seen of it.
pub(crate) fn typed(home: &Home, lines: &str, words: &[&str]) -> Outcome {
    Outcome::of(&mut at_terminal(home, lines, words), b"")
}

/// Whether there are terminals to be had.
pub(crate) fn has_terminals() -> bool {
    peer::can("python3", &["-c", "import pty"])
}
