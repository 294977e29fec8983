//! Prompt: asks the person at the terminal for something that is not shown while it is typed. Knows nothing of what for.

use std::io;

use zeroize::Zeroizing;

/// Asks at the terminal, whatever the standard streams are, and gives the line that was typed.
pub fn prompt(question: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(question).map(Zeroizing::new)
}
