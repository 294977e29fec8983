//! Secret: text that only an edge of the program may see. Knows nothing of what the text is for.

use std::fmt;

use zeroize::Zeroizing;

/// A password or token.
///
/// There is no `Display` and no `Serialize`; `Debug` prints a placeholder; the memory is wiped on drop.
/// [`Secret::expose`] is the only way out, so that every place where a secret leaves can be found by name.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text in, at the edge where it came from outside.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the edge where it leaves: the answer to a caller, or the cipher.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both hold the same text. Not constant in time: both sides are the caller's own.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_the_text() {
        assert_eq!(format!("{:?}", Secret::new("canary".into())), "Secret(redacted)");
    }
}
