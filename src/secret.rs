//! Secret: text that only an edge of the program may see. Knows nothing of what the text is for.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Padded or not.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

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

    /// Whether the other can be read out of this one by anybody: it is the same, or `user:other` or the other alone in
    /// base64, which some registries take for a token.
    #[must_use]
    pub fn shows(&self, other: &Self) -> bool {
        self.is_same_as(other)
            || [&alphabet::STANDARD, &alphabet::URL_SAFE]
                .into_iter()
                .any(|alphabet| {
                    GeneralPurpose::new(alphabet, LENIENT)
                        .decode(self.0.as_bytes())
                        .map(Zeroizing::new)
                        .ok()
                        .and_then(|bytes| {
                            let user = bytes.strip_suffix(other.0.as_bytes())?;
                            Some(user.is_empty() || user.ends_with(b":"))
                        })
                        .unwrap_or(false)
                })
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
    fn a_text_that_is_only_encoded_shows_another() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let password = secret("pass>?word");
        for text in [
            "pass>?word",
            "cGFzcz4/d29yZA==",
            "cGFzcz4_d29yZA",
            "YWxpY2U6cGFzcz4/d29yZA==",
        ] {
            assert!(secret(text).shows(&password), "{text}");
        }
        // Another's, a longer one's, and what is no base64.
        for text in ["Ym9iOm90aGVy", "eHBhc3M+P3dvcmQ=", "pass>?word2", ""] {
            assert!(!secret(text).shows(&password), "{text}");
        }
    }

    #[test]
    fn debug_output_never_shows_the_text() {
        assert_eq!(format!("{:?}", Secret::new("canary".into())), "Secret(redacted)");
    }
}
