//! What a record says, and what is none.

use super::*;
use crate::secret::Secret;

fn read(text: &str) -> Result<Elsewhere, &'static str> {
    parse(text.as_bytes()).map_err(|why| match why {
        Unread::Damaged => "damaged",
        Unread::Newer => "newer",
    })
}

fn wrapped() -> Wrapped {
    Wrapped {
        memory: 65536,
        passes: 3,
        lanes: 4,
        salt: "AQ".repeat(12),
        sealed: "Ag".repeat(66),
    }
}

#[test]
fn what_is_written_of_a_place_is_read_as_that_place() {
    let key = Key::from_bytes([7; 32]);
    let id = new_id().unwrap();
    for place in [
        Place::Environment,
        Place::KeyFile,
        Place::Keyring { id },
        Place::Passphrase(wrapped()),
    ] {
        let elsewhere = Elsewhere::of(&key, place);
        let line = write(&elsewhere).unwrap();
        assert!(line.ends_with("}\n") && line.lines().count() == 1, "{}", *line);
        assert!(line.len() < usize::try_from(MAX_BYTES).unwrap());
        assert_eq!(read(&line), Ok(elsewhere));
    }
}

#[test]
fn a_later_format_and_an_unknown_source_are_a_newer_version() {
    let check = "0".repeat(32);
    for text in [
        format!(r#"{{"format":2,"source":"environment","check":"{check}"}}"#),
        format!(r#"{{"format":1,"source":"tpm","check":"{check}"}}"#),
        r#"{"format":2,"source":"tpm","more":[]}"#.to_owned(),
        format!(r#"{{"format":1,"source":"environment","check":"{check}","more":1}}"#),
        format!(r#"{{"format":"1.1","source":"environment","check":"{check}"}}"#),
        r#"{"format":2}"#.to_owned(),
        r#"{"format":2,"source":{"kind":"tpm"}}"#.to_owned(),
    ] {
        assert_eq!(read(&text), Err("newer"), "{text}");
    }
}

#[test]
fn what_says_nothing_of_use_is_damaged() {
    let check = "0".repeat(32);
    for text in [
        "{",
        "{}",
        r#"{"format":1,"source":"environment"}"#,
        r#"{"format":1,"source":"environment","check":"../../../../x"}"#,
        r#"{"format":1,"source":7}"#,
        &format!(r#"{{"format":1,"source":"keyring","check":"{check}"}}"#),
        &format!(r#"{{"format":1,"source":"keyring","check":"{check}","id":"../x"}}"#),
        &format!(r#"{{"format":1,"source":"passphrase","check":"{check}"}}"#),
    ] {
        assert_eq!(read(text), Err("damaged"), "{text}");
    }
}

#[test]
fn no_work_is_begun_that_would_never_end() {
    let line = |memory: u32, passes: u32, lanes: u32| {
        let wrapped = Wrapped {
            memory,
            passes,
            lanes,
            ..wrapped()
        };
        let elsewhere = Elsewhere::of(&Key::from_bytes([7; 32]), Place::Passphrase(wrapped));
        read(&write(&elsewhere).unwrap()).is_ok()
    };
    assert!(line(65536, 3, 4) && line(1024 * 1024, 4, 16) && line(65536, 64, 16));
    assert!(!line(1024 * 1024, 5, 16) && !line(131_072, 33, 4), "hours");
    assert!(!line(1024 * 1024 + 1, 3, 4) && !line(65536, 65, 4) && !line(65536, 3, 17));
    assert!(!line(65536, 0, 4) && !line(65536, 3, 0) && !line(31, 3, 4));
}

#[test]
fn what_is_sealed_with_a_passphrase_costs_what_rfc_9106_asks_for() {
    let sealed = Wrapped::seal(
        &Key::from_bytes([7; 32]),
        &Secret::new("correct horse".to_owned()),
    )
    .unwrap();
    assert_eq!((sealed.memory, sealed.passes, sealed.lanes), (64 * 1024, 3, 4));
    // The salt is random, and of 16 bytes.
    assert_eq!(sealed.salt.len(), 24);
}

#[test]
fn another_key_is_told_from_the_right_one() {
    let elsewhere = Elsewhere::of(&Key::from_bytes([7; 32]), Place::Environment);
    let place = || "VARIABLE".to_owned();
    assert!(elsewhere.checked(Key::from_bytes([7; 32]), place).is_ok());
    let other = elsewhere.checked(Key::from_bytes([8; 32]), place).unwrap_err();
    assert_eq!(
        other.to_string(),
        "VARIABLE: is another key than the one the credentials here are sealed with; put that one back"
    );
}

#[test]
fn a_record_is_of_the_key_that_it_is_or_names_and_of_no_other() {
    let (key, other) = (Key::from_bytes([7; 32]), Key::from_bytes([8; 32]));
    for record in [
        Record::Embedded(key.clone()),
        Record::Elsewhere(Elsewhere::of(&key, Place::Environment)),
    ] {
        assert!(record.is_of(&key) && !record.is_of(&other), "{record:?}");
    }
}

#[test]
fn an_id_is_32_hexadecimal_digits_in_lower_case() {
    assert!(is_id(&new_id().unwrap()) && is_id(&"09af".repeat(8)));
    for text in [
        "",
        "0",
        &"0".repeat(31),
        &"0".repeat(33),
        &"A".repeat(32),
        &"g".repeat(32),
        &"../a".repeat(8),
    ] {
        assert!(!is_id(text), "{text}");
    }
}
