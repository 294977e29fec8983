//! Challenges in every way that a registry may write one, and whatever else may come in their place.

use proptest::prelude::*;

use super::super::*;

/// How a registry may write one parameter or the room between two.
#[derive(Clone, Debug)]
struct Style {
    upper: bool,
    escape: bool,
    around: &'static str,
    between: &'static str,
}

fn style() -> impl Strategy<Value = Style> {
    (
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec!["", " ", "\t "]),
        prop::sample::select(vec![",", ", ", " ", " ,,\t"]),
    )
        .prop_map(|(upper, escape, around, between)| Style {
            upper,
            escape,
            around,
            between,
        })
}

impl Style {
    fn name(&self, name: &str) -> String {
        if self.upper {
            name.to_ascii_uppercase()
        } else {
            name.to_owned()
        }
    }

    fn write(&self, name: &str, value: &str) -> String {
        let mut quoted = String::new();
        for character in value.chars() {
            if self.escape || matches!(character, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(character);
        }
        let Self { around, between, .. } = self;
        format!("{}{around}={around}\"{quoted}\"{between}", self.name(name))
    }
}

proptest! {
    #[test]
    fn a_challenge_that_was_written_reads_back(
        realm in "https?://[a-z]{1,9}\\.example(:[1-9][0-9]{0,3})?/[a-z/]{0,9}(\\?[a-z]=[a-z,]{1,9})?",
        service in prop::option::of("[ -~]{1,20}"),
        scope in prop::option::of("[ -~]{1,40}"),
        error in prop::option::of("[a-z_]{1,20}"),
        other in prop::option::of("[ -~]{0,20}"),
        styles in prop::array::uniform6(style()),
        before in prop::sample::select(vec!["", "Basic realm=\"x\", ", "NTLM,", "Negotiate YII=, "]),
        after in prop::sample::select(vec!["", "Basic realm=\"x\"", "Digest realm=\"a\", nonce=b"]),
        apart in any::<bool>(),
    ) {
        let [scheme, rest @ ..] = &styles;
        let written = [
            ("realm", Some(&realm)),
            ("service", service.as_ref()),
            ("x-note", other.as_ref()),
            ("scope", scope.as_ref()),
            ("error", error.as_ref()),
        ];
        let mut header = format!("{before}{} ", scheme.name("Bearer"));
        for ((name, value), style) in written.into_iter().zip(rest) {
            header.extend(value.map(|value| style.write(name, value)));
        }
        let headers = if apart { vec![header, after.to_owned()] } else { vec![header + after] };
        let expected = BearerChallenge { realm: realm.parse().unwrap(), service, scope, error };
        prop_assert_eq!(
            Challenge::read(headers.iter().map(String::as_str)),
            Ok(Challenge::Bearer(expected)),
            "{:?}", headers
        );
    }

    #[test]
    fn the_reader_takes_anything(headers in prop::collection::vec(any::<String>(), 0..4)) {
        let _ = Challenge::read(headers.iter().map(String::as_str));
    }

    #[test]
    fn the_reader_takes_anything_that_looks_like_a_challenge(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Bearer", "basic", "realm", "scope", "=", "\"", "\\", ",", " ", "\t", "https://h/", "a", "==", "\u{fc}", "\0",
            ]),
            0..24,
        )
    ) {
        let header = parts.concat();
        let challenge = Challenge::read([header.as_str()]);
        // Whatever precedes it, a Bearer that is stated is either read or an error.
        if challenge == Ok(Challenge::Basic) {
            let bearer = format!("{header}, Bearer");
            prop_assert_eq!(Challenge::read([bearer.as_str()]), Err(InvalidChallenge::RealmMissing), "{}", header);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_as_the_text_they_may_be(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Challenge::read([String::from_utf8_lossy(&bytes).as_ref()]);
    }
}
