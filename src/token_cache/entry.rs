//! Entry: what is remembered for a ticket, and its sealed file. Knows nothing of where the file is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::{LONGEST_LIFE, Ticket, Unobtained};
use crate::registry::{AccessToken, ScopeSet};
use crate::seal::{self, Key};
use crate::secret::Secret;

/// A larger token would not fit into a header anywhere; what JSON and the rest of the content take besides.
pub(super) const MAX_BYTES: u64 = 256 * 1024;

/// How long a refusal is remembered: long enough that a build with a wrong password asks once, short enough that
/// who has put it right on the server need not wonder.
const REFUSED_FOR: Duration = Duration::seconds(30);

/// How far ahead of our own `now` an entry may have been written. Each process takes `now` once, when it begins: one
/// that was kept waiting since reads what others wrote later, and nobody's clock is wrong. More is a clock put back.
const AHEAD: Duration = Duration::seconds(5);

/// What is remembered for a ticket.
#[derive(Clone, Debug)]
pub enum Remembered {
    /// A token.
    Token(AccessToken),
    /// That an exchange was refused.
    Refusal {
        /// The caller's word for it.
        word: String,
        /// When it was refused.
        since: OffsetDateTime,
    },
}

impl Remembered {
    pub(super) fn refusal(word: String, now: OffsetDateTime) -> Self {
        Self::Refusal { word, since: now }
    }

    /// The answer to who asks again.
    pub(super) fn answer<E>(self) -> Result<AccessToken, Unobtained<E>> {
        let until = self.until();
        match self {
            Self::Token(token) => Ok(token),
            Self::Refusal { word, since: _ } => Err(Unobtained::Refused { word, until }),
        }
    }

    /// From when on it is good for nothing.
    pub(super) fn until(&self) -> OffsetDateTime {
        match self {
            Self::Token(token) => token.expires,
            Self::Refusal { word: _, since } => since.saturating_add(REFUSED_FOR),
        }
    }

    fn since(&self) -> OffsetDateTime {
        match self {
            Self::Token(token) => token.issued,
            Self::Refusal { word: _, since } => *since,
        }
    }

    /// Whether it is good now: not over, not from the future, not for longer than anything is kept.
    pub(super) fn is_good(&self, now: OffsetDateTime) -> bool {
        let since = self.since();
        let now = if since - now <= AHEAD { now.max(since) } else { now };
        since <= now
            && self.until() - since <= LONGEST_LIFE
            && match self {
                Self::Token(token) => token.is_fresh(now),
                Self::Refusal { .. } => now < self.until(),
            }
    }
}

/// An entry as people see it: all but the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The registry it is for.
    pub server: String,
    /// Whose it is; `None` for what was had without a credential.
    pub account: Option<String>,
    /// The token server.
    pub realm: String,
    /// The audience.
    pub service: Option<String>,
    /// What was asked for.
    pub scope: String,
    /// What it allows, where that is known; or the caller's word for why it was refused.
    pub answer: Result<Option<String>, String>,
    /// When it was asked for.
    pub issued: OffsetDateTime,
    /// Until when it is good.
    pub expires: OffsetDateTime,
}

/// The content of a sealed file. Another field needs another format version of the seal, or none: what an older
/// program cannot read is a miss to it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    #[serde(borrow)]
    server: Cow<'a, str>,
    account: Option<Cow<'a, str>>,
    #[serde(borrow)]
    realm: Cow<'a, str>,
    service: Option<Cow<'a, str>>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    /// Seconds since 1970, as `expires`; fractions are cut off both, so that nothing lives longer than it did.
    issued: i64,
    expires: i64,
    #[serde(borrow)]
    answer: Answer<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Answer<'a> {
    Token {
        #[serde(borrow)]
        token: Cow<'a, str>,
        granted: Option<Cow<'a, str>>,
    },
    Refusal {
        #[serde(borrow)]
        word: Cow<'a, str>,
    },
}

/// Seals what is to be remembered for a ticket; `None` where that cannot be done.
pub(super) fn seal(key: &Key, name: &str, ticket: &Ticket<'_>, what: &Remembered) -> Option<Vec<u8>> {
    let granted;
    let (answer, length) = match what {
        Remembered::Token(AccessToken {
            token,
            granted: allowed,
            issued: _,
            expires: _,
        }) => {
            granted = allowed.as_ref().map(ScopeSet::to_string);
            let answer = Answer::Token {
                token: token.expose().into(),
                granted: granted.as_deref().map(Into::into),
            };
            (
                answer,
                2 * token.expose().len() + granted.as_ref().map_or(0, String::len),
            )
        }
        Remembered::Refusal { word, since: _ } => (Answer::Refusal { word: word.into() }, word.len()),
    };
    let wanted = &ticket.wanted;
    let account = wanted.subject.map(|subject| subject.account);
    // Room enough that it need not grow: growing leaves a copy behind that nobody wipes. JSON writes a byte of the
    // token as two at most, any other as six.
    let shown = [wanted.server, wanted.realm, &ticket.scope]
        .map(str::len)
        .iter()
        .sum::<usize>()
        + account.map_or(0, str::len)
        + wanted.service.map_or(0, str::len);
    let mut bytes = Zeroizing::new(Vec::with_capacity(256 + 6 * shown + 2 * length));
    let content = Content {
        server: wanted.server.into(),
        account: account.map(Into::into),
        realm: wanted.realm.into(),
        service: wanted.service.map(Into::into),
        scope: ticket.scope.as_str().into(),
        issued: what.since().unix_timestamp(),
        expires: what.until().unix_timestamp(),
        answer,
    };
    serde_json::to_writer(&mut *bytes, &content).ok()?;
    let sealed = seal::seal(key, name, &bytes).ok()?;
    // It would not be read again.
    u64::try_from(sealed.len())
        .is_ok_and(|length| length <= MAX_BYTES)
        .then_some(sealed)
}

/// What a file of this name remembers for a ticket, if it is good now. Whatever is wrong with it, it is a miss.
pub(super) fn open(
    key: &Key,
    name: &str,
    ticket: Option<&Ticket<'_>>,
    file: &[u8],
    now: OffsetDateTime,
) -> Option<Remembered> {
    let bytes = seal::open(key, name, file).ok()?;
    let content: Content<'_> = serde_json::from_slice(&bytes).ok()?;
    content
        .remembered(ticket)
        .filter(|remembered| remembered.is_good(now))
}

/// What a file of this name says to people, and whether it is good now.
pub(super) fn show(key: &Key, name: &str, file: &[u8], now: OffsetDateTime) -> Option<(Entry, bool)> {
    let bytes = seal::open(key, name, file).ok()?;
    let content: Content<'_> = serde_json::from_slice(&bytes).ok()?;
    let entry = Entry {
        server: content.server.clone().into_owned(),
        account: content.account.clone().map(Cow::into_owned),
        realm: content.realm.clone().into_owned(),
        service: content.service.clone().map(Cow::into_owned),
        scope: content.scope.clone().into_owned(),
        answer: match &content.answer {
            Answer::Token { token: _, granted } => Ok(granted.clone().map(Cow::into_owned)),
            Answer::Refusal { word } => Err(word.clone().into_owned()),
        },
        issued: moment(content.issued)?,
        expires: moment(content.expires)?,
    };
    let is_good = content.remembered(None)?.is_good(now);
    Some((entry, is_good))
}

impl Content<'_> {
    fn remembered(self, ticket: Option<&Ticket<'_>>) -> Option<Remembered> {
        let since = moment(self.issued)?;
        Some(match self.answer {
            Answer::Token { token, granted } => Remembered::Token(AccessToken {
                token: Secret::new(token.into_owned()),
                granted: match granted {
                    // Most often all that was asked for, and then it need not be read.
                    Some(granted) if ticket.is_some_and(|ticket| ticket.scope == granted) => {
                        ticket.map(|ticket| ticket.wanted.scope.clone())
                    }
                    Some(granted) => Some(granted.parse().ok()?),
                    None => None,
                },
                issued: since,
                expires: moment(self.expires)?,
            }),
            Answer::Refusal { word } => Remembered::refusal(word.into_owned(), since),
        })
    }
}

fn moment(seconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token_cache::{Subject, Wanted};

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
        let secret = Secret::new("long-lived".into());
        let scope = "repository:a/b:pull,push".parse().unwrap();
        let ticket = Ticket::new(
            Some(&key()),
            Wanted {
                server: "h",
                subject: Some(Subject {
                    slot: "h@default",
                    account: "\u{1}\"u\"",
                    secret: &secret,
                }),
                realm: "https://h/token",
                service: None,
                scope: &scope,
            },
        );
        seal(&key(), NAME, &ticket, what).unwrap()
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
        assert_eq!(shown.answer, Ok(Some("repository:a/b:pull".into())));
        assert_eq!(open(&key(), "other/hash", None, &file, at(0)).map(|_| ()), None);
        assert!(open(&Key::from_bytes([2; 32]), NAME, None, &file, at(0)).is_none());
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
        assert_eq!((shown.answer, shown.expires), (Err("401".into()), at(30)));
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
}
