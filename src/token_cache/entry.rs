//! Entry: what is remembered for a ticket, and its sealed file. Knows nothing of where the file is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::{LONGEST_LIFE, Ticket, Unobtained};
use crate::registry::{AccessToken, RefreshToken, ScopeSet};
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
    /// An access token.
    Token(AccessToken),
    /// A refresh token.
    RefreshToken(RefreshToken),
    /// That an exchange was refused.
    Refusal {
        /// The caller's word for it.
        word: String,
        /// When it was refused.
        since: OffsetDateTime,
    },
}

/// A token that is kept until it expires.
pub trait Token: Clone + Into<Remembered> {
    /// The token of this kind that is remembered; `None` where it is another.
    fn of(remembered: Remembered) -> Option<Self>;
}

impl From<AccessToken> for Remembered {
    fn from(token: AccessToken) -> Self {
        Self::Token(token)
    }
}

impl From<RefreshToken> for Remembered {
    fn from(token: RefreshToken) -> Self {
        Self::RefreshToken(token)
    }
}

impl Token for AccessToken {
    fn of(remembered: Remembered) -> Option<Self> {
        match remembered {
            Remembered::Token(token) => Some(token),
            Remembered::RefreshToken(_) | Remembered::Refusal { .. } => None,
        }
    }
}

impl Token for RefreshToken {
    fn of(remembered: Remembered) -> Option<Self> {
        match remembered {
            Remembered::RefreshToken(token) => Some(token),
            Remembered::Token(_) | Remembered::Refusal { .. } => None,
        }
    }
}

impl Remembered {
    pub(super) fn refusal(word: String, now: OffsetDateTime) -> Self {
        Self::Refusal { word, since: now }
    }

    /// The answer to who asks again for such a token; `None` where it is another, as in no ticket's place.
    pub(super) fn answer<T: Token, E>(self) -> Option<Result<T, Unobtained<E>>> {
        let until = self.until();
        match self {
            Self::Refusal { word, since: _ } => Some(Err(Unobtained::Refused { word, until })),
            token @ (Self::Token(_) | Self::RefreshToken(_)) => T::of(token).map(Ok),
        }
    }

    /// From when on it is good for nothing.
    pub(super) fn until(&self) -> OffsetDateTime {
        match self {
            Self::Token(token) => token.expires,
            Self::RefreshToken(token) => token.expires,
            Self::Refusal { word: _, since } => since.saturating_add(REFUSED_FOR),
        }
    }

    fn since(&self) -> OffsetDateTime {
        match self {
            Self::Token(token) => token.issued,
            Self::RefreshToken(token) => token.issued,
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
                Self::RefreshToken(token) => token.is_fresh(now),
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
    /// What it was answered.
    pub answer: Answered,
    /// When it was asked for.
    pub issued: OffsetDateTime,
    /// Until when it is good.
    pub expires: OffsetDateTime,
}

/// An answer as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// An access token, with what it allows where that is known.
    Token(Option<String>),
    /// A refresh token.
    RefreshToken,
    /// A refusal, in the caller's word for it.
    Refusal(String),
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
    RefreshToken {
        #[serde(borrow)]
        token: Cow<'a, str>,
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
        Remembered::RefreshToken(RefreshToken {
            token,
            issued: _,
            expires: _,
        }) => {
            let token = token.expose();
            (Answer::RefreshToken { token: token.into() }, 2 * token.len())
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
            Answer::Token { token: _, granted } => Answered::Token(granted.clone().map(Cow::into_owned)),
            Answer::RefreshToken { token: _ } => Answered::RefreshToken,
            Answer::Refusal { word } => Answered::Refusal(word.clone().into_owned()),
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
            Answer::RefreshToken { token } => Remembered::RefreshToken(RefreshToken {
                token: Secret::new(token.into_owned()),
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
mod tests;
