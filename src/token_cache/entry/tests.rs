//! What is claimed of an entry: how long it is handed out, and what of a file is believed.

use proptest::prelude::*;

use super::*;
use crate::token_cache::ticket::Kind;
use crate::token_cache::{Proof, Subject, Wanted};

const NOW: i64 = 1_800_000_000;
const NAME: &str = "fingerprint/hash";
const DAY: i64 = 86400;

fn key() -> Key {
    Key::from_bytes([1; 32])
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW + seconds).unwrap()
}

fn token(issued: i64, expires: i64) -> Remembered {
    Remembered::Token(AccessToken {
        token: Secret::new("canary\"\\".into()),
        granted: Some("repository:a/b:pull".parse().unwrap()),
        issued: at(issued),
        expires: at(expires),
    })
}

fn sealed(what: &Remembered) -> Vec<u8> {
    with_ticket(|ticket| seal(&key(), NAME, ticket, what).unwrap())
}

fn with_ticket<T>(use_it: impl FnOnce(&Ticket<'_>) -> T) -> T {
    let secret = Secret::new("long-lived".into());
    let scope = "repository:a/b:pull,push".parse().unwrap();
    let ticket = Ticket::new(
        Some(&key()),
        Kind::AccessToken,
        Wanted {
            server: "h",
            subject: Some(Subject {
                slot: "h@default",
                account: "\u{1}\"u\"",
                proof: Proof::Stored(&secret),
            }),
            realm: "https://h/token",
            service: None,
            scope: &scope,
        },
    );
    use_it(&ticket)
}

fn is_good(file: &[u8], now: i64) -> bool {
    open(&key(), NAME, None, file, at(now)).is_some()
}

#[test]
fn what_is_remembered_is_read_again_as_it_was() {
    let file = sealed(&token(0, 300));
    let Some(Remembered::Token(read)) = open(&key(), NAME, None, &file, at(0)) else {
        panic!("a token")
    };
    assert_eq!(read.token.expose(), "canary\"\\");
    assert_eq!(read.granted, Some("repository:a/b:pull".parse().unwrap()));
    assert_eq!((read.issued, read.expires), (at(0), at(300)));
    let (shown, is_good) = show(&key(), NAME, &file, at(0)).unwrap();
    assert!(is_good && !format!("{shown:?}").contains("canary"));
    assert_eq!(shown.account.as_deref(), Some("\u{1}\"u\""));
    assert_eq!(shown.scope, "repository:a/b:pull,push");
    assert_eq!(shown.answer, Answered::Token(Some("repository:a/b:pull".into())));
    assert_eq!(open(&key(), "other/hash", None, &file, at(0)).map(|_| ()), None);
    assert!(open(&Key::from_bytes([2; 32]), NAME, None, &file, at(0)).is_none());
}

#[test]
fn what_was_granted_is_what_the_file_says_and_not_what_is_asked_for() {
    for granted in [
        "repository:a/b:pull",
        "repository:a/b:pull,push",
        "",
        "repository:c:pull",
    ] {
        let Remembered::Token(token) = token(0, 300) else {
            panic!("a token")
        };
        let file = sealed(&Remembered::Token(AccessToken {
            granted: Some(granted.parse().unwrap()),
            ..token
        }));
        let read = with_ticket(|ticket| open(&key(), NAME, Some(ticket), &file, at(0)));
        let Some(Remembered::Token(read)) = read else {
            panic!("{granted}: a token")
        };
        assert_eq!(
            read.granted.map(|granted| granted.to_string()).as_deref(),
            Some(granted)
        );
    }
}

#[test]
fn each_kind_of_token_is_answered_for_itself_only() {
    let access = token(0, 300);
    let Remembered::Token(AccessToken { token, .. }) = access.clone() else {
        panic!("a token")
    };
    let refresh = Remembered::RefreshToken(RefreshToken {
        token,
        issued: at(0),
        expires: at(300),
    });
    let refusal = Remembered::refusal("401".into(), at(0));
    assert!(matches!(access.clone().answer::<AccessToken, ()>(), Some(Ok(_))));
    assert!(access.answer::<RefreshToken, ()>().is_none());
    assert!(matches!(
        refresh.clone().answer::<RefreshToken, ()>(),
        Some(Ok(_))
    ));
    assert!(refresh.answer::<AccessToken, ()>().is_none());
    assert!(matches!(
        refusal.answer::<AccessToken, ()>(),
        Some(Err(Unobtained::Refused { .. }))
    ));
}

#[test]
fn no_more_is_sealed_than_would_be_read_again() {
    let of = |length| {
        let token = AccessToken {
            token: Secret::new("t".repeat(length)),
            granted: None,
            issued: at(0),
            expires: at(300),
        };
        with_ticket(|ticket| seal(&key(), NAME, ticket, &Remembered::Token(token)))
    };
    let room = 256 * 1024 - (of(0).unwrap().len());
    assert_eq!(of(room).unwrap().len(), 256 * 1024);
    assert!(of(room + 1).is_none() && of(room + 1000).is_none());
}

#[test]
fn no_flipped_bit_and_no_cut_is_ever_a_token() {
    let file = sealed(&token(0, 300));
    for length in 0..file.len() {
        assert!(!is_good(&file[..length], 0), "cut to {length}");
    }
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_good(&flipped, 0), "bit {bit}");
    }
    assert!(is_good(&file, 0));
}

#[test]
fn a_token_is_good_from_when_it_was_issued_and_as_long_as_it_is_fresh() {
    let table = [
        ("at once", (0, 300), 0, true),
        ("half used", (0, 300), 150, true),
        ("more than half used", (0, 300), 151, false),
        ("five minutes left of an hour", (0, 3600), 3300, true),
        ("less", (0, 3600), 3301, false),
        ("used up", (0, 300), 300, false),
        ("read by a process that began before", (3, 303), 0, true),
        ("written by a clock since put back", (6, 306), 0, false),
        ("a day", (0, DAY), 0, true),
        ("longer than anything is kept", (0, DAY + 1), 0, false),
        ("no life at all", (0, 0), 0, false),
        ("ending before it begins", (0, -5), 0, false),
        ("ten years later", (0, DAY), 3653 * DAY, false),
        ("ten years earlier", (0, DAY), -3653 * DAY, false),
        ("a day later", (0, DAY), DAY, false),
        ("a day earlier", (0, DAY), -DAY, false),
        ("an hour later", (0, 3600), 3600, false),
        ("an hour earlier", (0, 3600), -3600, false),
    ];
    for (what, (issued, expires), now, expected) in table {
        assert_eq!(is_good(&sealed(&token(issued, expires)), now), expected, "{what}");
    }
}

#[test]
fn a_refusal_is_remembered_for_half_a_minute() {
    let file = sealed(&Remembered::refusal("401".into(), at(0)));
    for (now, expected) in [
        (-6, false),
        (-5, true),
        (0, true),
        (29, true),
        (30, false),
        (DAY, false),
    ] {
        assert_eq!(is_good(&file, now), expected, "{now}");
    }
    let (shown, _) = show(&key(), NAME, &file, at(0)).unwrap();
    assert_eq!(
        (shown.answer, shown.expires),
        (Answered::Refusal("401".into()), at(30))
    );
}

#[test]
fn a_content_we_do_not_know_is_a_miss() {
    let good = r#"{"server":"h","account":null,"realm":"r","service":null,"scope":"","issued":1800000000,"expires":1800000300,"answer":{"token":{"token":"t","granted":null}}}"#;
    let reads = |content: &str| is_good(&seal::seal(&key(), NAME, content.as_bytes()).unwrap(), 0);
    assert!(reads(good));
    for (what, content) in [
        (
            "a field more",
            good.replace("\"realm\"", "\"only\":\"pull\",\"realm\""),
        ),
        (
            "a field more in the answer",
            good.replace("\"granted\"", "\"only\":1,\"granted\""),
        ),
        ("another answer", good.replace("{\"token\":{", "{\"ticket\":{")),
        (
            "a scope that is none",
            good.replace("\"granted\":null", "\"granted\":\"x\""),
        ),
        (
            "a time beyond all",
            good.replace("1800000300", "9223372036854775807"),
        ),
        ("something behind it", format!("{good}{good}")),
        ("nothing", String::new()),
    ] {
        assert!(!reads(&content), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(10_000)))]

    #[test]
    fn whatever_the_clock_does_no_token_is_used_past_its_life(
        issued in -4_000_000_000_i64..4_000_000_000, life in -10_i64..200_000, now in -4_000_000_000_i64..4_000_000_000,
        near in -100_i64..200_000,
    ) {
        let what = Remembered::Token(AccessToken {
            token: Secret::new("t".into()),
            granted: None,
            issued: OffsetDateTime::from_unix_timestamp(issued).unwrap(),
            expires: OffsetDateTime::from_unix_timestamp(issued + life).unwrap(),
        });
        for now in [now, issued + near] {
            let good = what.is_good(OffsetDateTime::from_unix_timestamp(now).unwrap());
            prop_assert!(!good || (issued - 5..issued + life).contains(&now) && life <= DAY);
        }
    }
}
