//! Token cache: access and refresh tokens, sealed on disk until they expire, and one exchange however many ask. Knows
//! nothing of how a token is exchanged, or where the key and the directory come from.
//!
//! In its directory: `tokens/FINGERPRINT/HASH`, one sealed file a token; `locks/`, permanent files that are only
//! ever locked; `staging/` for files being written. FINGERPRINT is of the credential, so that what a credential got
//! is one directory, gone when the credential is; HASH is of the kind of token, realm, service and scope. Nobody is
//! given what another credential was: a changed password is another fingerprint, and having none is one of its own.
//!
//! Whatever is wrong with the cache costs exchanges and is never an error: a file that does not open is a miss and
//! is replaced, and a directory that others can reach is not used.

mod entry;
mod key;
mod room;
mod ticket;

use std::time::Instant;

use time::OffsetDateTime;

pub use entry::{Answered, Entry, Remembered, Token};
pub use key::{make_key, read_key};
pub use ticket::{Fingerprint, Proof, Subject, Ticket, Wanted};

use crate::files::{Location, PrivateDirectory};
use crate::registry::AccessToken;
use crate::seal::Key;
use room::{Room, files_of, names_in};
use ticket::Kind;

/// No entry lives longer than a day, so one whose file says so has another clock.
const LONGEST_LIFE: time::Duration = time::Duration::DAY;

/// Access tokens, refresh tokens and refusals, until they expire.
#[derive(Debug)]
pub struct TokenCache {
    location: Option<Location>,
    key: Option<Key>,
}

impl TokenCache {
    /// The cache in this directory, which need not exist, sealed with this key. Without either nothing is kept, and
    /// every call is an exchange.
    #[must_use]
    pub fn new(location: Option<Location>, key: Option<Key>) -> Self {
        Self { location, key }
    }

    /// A place in the cache for the access token that is wanted.
    #[must_use]
    pub fn ticket<'a>(&self, wanted: Wanted<'a>) -> Ticket<'a> {
        Ticket::new(self.key.as_ref(), Kind::AccessToken, wanted)
    }

    /// A place in the cache for a refresh token of this subject, token server and audience, and no other.
    #[must_use]
    pub fn refresh_ticket<'a>(&self, wanted: Wanted<'a>) -> Ticket<'a> {
        Ticket::new(self.key.as_ref(), Kind::RefreshToken, wanted)
    }

    /// What all that a credential gets is kept under; without a subject, what is had without a credential.
    #[must_use]
    pub fn fingerprint(&self, subject: Option<&Subject<'_>>) -> Option<Fingerprint> {
        self.key.as_ref().map(|key| Fingerprint::new(key, subject))
    }

    /// What is remembered for a ticket and still good. Takes no lock, and makes no file or directory.
    #[must_use]
    pub fn look_up(&self, ticket: &Ticket<'_>, now: OffsetDateTime) -> Option<Remembered> {
        let root = self.location.as_ref()?.open().ok()??;
        let tokens = root.open_below("tokens").ok()??;
        self.read(&tokens, ticket, now)
    }

    /// The token for a ticket: the one remembered, or else by an exchange, one for all who ask at the same time.
    ///
    /// A refused exchange is remembered for half a minute where `refusal` has a word for it, which is then the
    /// answer to whoever asks again: a wrong password repeated by every layer of a build would lock the account.
    /// The word is for the caller to read; it is no place for what a server said.
    pub fn obtain<T: Token, E>(
        &self,
        ticket: &Ticket<'_>,
        now: OffsetDateTime,
        exchange: impl FnOnce() -> Result<T, E>,
        refusal: impl FnOnce(&E) -> Option<String>,
    ) -> Result<T, Unobtained<E>> {
        if let Some(answer) = self.look_up(ticket, now).and_then(Remembered::answer) {
            return answer;
        }
        let began = Instant::now();
        // `now` was taken when the process began, and it may have waited long for its turn since.
        let later = || now.saturating_add(began.elapsed().try_into().unwrap_or(time::Duration::ZERO));
        let Some(room) = self.room() else {
            return exchange().map_err(Unobtained::Failed);
        };
        let (turn, remembered) = room.turn(ticket, || self.read(&room.tokens, ticket, later()));
        if let Some(answer) = remembered.and_then(Remembered::answer) {
            return answer;
        }
        let result = exchange();
        match &result {
            Ok(token) => self.keep(&room, ticket, &token.clone().into(), later()),
            Err(error) => {
                if let Some(word) = refusal(error) {
                    self.keep(&room, ticket, &Remembered::refusal(word, later()), later());
                }
            }
        }
        drop(turn);
        room.prune(later());
        result.map_err(Unobtained::Failed)
    }

    /// Keeps a token for a ticket that nobody else exchanges for, or that was had under another one.
    pub fn put(&self, ticket: &Ticket<'_>, token: &AccessToken, now: OffsetDateTime) {
        if let Some(room) = self.room() {
            self.keep(&room, ticket, &Remembered::Token(token.clone()), now);
        }
    }

    /// The caller's word for why the realm refused the credential itself, where that was shortly before.
    #[must_use]
    pub fn refusal(&self, wanted: Wanted<'_>, now: OffsetDateTime) -> Option<String> {
        match self.look_up(&Ticket::of_refusal(self.key.as_ref(), wanted), now)? {
            Remembered::Refusal { word, since: _ } => Some(word),
            Remembered::Token(_) | Remembered::RefreshToken(_) => None,
        }
    }

    /// Remembers for half a minute that the realm refused the credential itself, whatever was wanted of it.
    pub fn refuse(&self, wanted: Wanted<'_>, word: String, now: OffsetDateTime) {
        if let Some(room) = self.room() {
            let ticket = Ticket::of_refusal(self.key.as_ref(), wanted);
            self.keep(&room, &ticket, &Remembered::refusal(word, now), now);
        }
    }

    /// Forgets all that a credential got.
    pub fn forget(&self, fingerprint: &Fingerprint) {
        if let Some(tokens) = self.tokens() {
            // What cannot be removed expires.
            let _ = tokens.remove_below(fingerprint.as_str());
        }
    }

    /// Forgets all there is, whether it opens or not; needs no key. Says how many entries went.
    #[expect(clippy::must_use_candidate, reason = "the number is for who wants to say it")]
    pub fn clear(&self) -> usize {
        let Some(tokens) = self.tokens() else { return 0 };
        let count = |bucket: &String| files_of(&tokens, bucket).map_or(0, |(_, names)| names.len());
        names_in(&tokens)
            .iter()
            .map(|bucket| (count(bucket), tokens.remove_below(bucket)))
            .filter_map(|(count, removed)| removed.is_ok().then_some(count))
            .sum()
    }

    /// Forgets what was had for a server, as [`Entry::server`] shows it. Says how many entries went.
    #[expect(clippy::must_use_candidate, reason = "the number is for who wants to say it")]
    pub fn clear_server(&self, server: &str) -> usize {
        let mut count = 0;
        self.each_file(OffsetDateTime::UNIX_EPOCH, |bucket, name, shown| {
            if shown.is_some_and(|(entry, _)| entry.server == server)
                && bucket.remove(name).is_ok_and(|removed| removed)
            {
                count += 1;
            }
        });
        count
    }

    /// What is remembered and still good, for people to look at: never a token.
    #[must_use]
    pub fn entries(&self, now: OffsetDateTime) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.each_file(now, |_, _, shown| {
            if let Some((entry, true)) = shown {
                entries.push(entry);
            }
        });
        entries
    }

    /// The same of one credential.
    #[must_use]
    pub fn entries_of(&self, fingerprint: &Fingerprint, now: OffsetDateTime) -> Vec<Entry> {
        let mut entries = Vec::new();
        if let Some(tokens) = self.tokens() {
            self.each_file_of(fingerprint.as_str(), &tokens, now, |_, _, shown| {
                if let Some((entry, true)) = shown {
                    entries.push(entry);
                }
            });
        }
        entries
    }

    /// How many files are there that do not open and are not over: damaged, sealed with another key, or with one that
    /// is missing now. Whose they are cannot be told.
    #[must_use]
    pub fn unopened(&self, now: OffsetDateTime) -> usize {
        let mut count = 0;
        self.each_file(now, |bucket, name, shown| {
            if shown.is_none() && bucket.modified(name).is_some_and(|until| until > now) {
                count += 1;
            }
        });
        count
    }

    /// The directories to keep something in; without a key nothing can be, and none is made.
    fn room(&self) -> Option<Room> {
        self.key.as_ref()?;
        Room::make(self.location.as_ref()?)
    }

    fn read(
        &self,
        tokens: &PrivateDirectory,
        ticket: &Ticket<'_>,
        now: OffsetDateTime,
    ) -> Option<Remembered> {
        let (key, place) = (self.key.as_ref()?, ticket.place.as_ref()?);
        let bucket = tokens.open_below(place.fingerprint.as_str()).ok()??;
        let file = bucket.read(&place.hash, entry::MAX_BYTES).ok()??;
        entry::open(key, &place.name(), Some(ticket), &file.bytes, now)
    }

    /// Best effort: what cannot be kept is asked for again.
    fn keep(&self, room: &Room, ticket: &Ticket<'_>, what: &Remembered, now: OffsetDateTime) {
        // A token that would not be handed out again is not worth a file.
        if !what.is_good(now) {
            return;
        }
        if let (Some(key), Some(place)) = (&self.key, &ticket.place)
            && let Some(sealed) = entry::seal(key, &place.name(), ticket, what)
        {
            // Another process may find the directory empty and remove it before the file is in it.
            let _ = (0..3).any(|_| {
                room.tokens
                    .create_below(place.fingerprint.as_str())
                    .and_then(|bucket| {
                        bucket.replace_dated(&place.hash, &sealed, what.until(), &room.staging)
                    })
                    .is_ok()
            });
        }
    }

    fn tokens(&self) -> Option<PrivateDirectory> {
        self.location.as_ref()?.open().ok()??.open_below("tokens").ok()?
    }

    /// Visits each file with what it says, if it opens, and whether that is good now.
    fn each_file(
        &self,
        now: OffsetDateTime,
        mut visit: impl FnMut(&PrivateDirectory, &str, Option<(Entry, bool)>),
    ) {
        let Some(tokens) = self.tokens() else { return };
        for fingerprint in names_in(&tokens) {
            self.each_file_of(&fingerprint, &tokens, now, &mut visit);
        }
    }

    fn each_file_of(
        &self,
        fingerprint: &str,
        tokens: &PrivateDirectory,
        now: OffsetDateTime,
        mut visit: impl FnMut(&PrivateDirectory, &str, Option<(Entry, bool)>),
    ) {
        let Some((bucket, names)) = files_of(tokens, fingerprint) else {
            return;
        };
        for name in names {
            let file = bucket.read(&name, entry::MAX_BYTES).ok().flatten();
            let shown =
                self.key.as_ref().zip(file).and_then(|(key, file)| {
                    entry::show(key, &format!("{fingerprint}/{name}"), &file.bytes, now)
                });
            visit(&bucket, &name, shown);
        }
    }
}

/// Why there is no token.
#[derive(Debug)]
pub enum Unobtained<E> {
    /// The exchange failed, just now.
    Failed(E),
    /// An exchange was refused shortly before, and was not tried again.
    Refused {
        /// The caller's own word for it.
        word: String,
        /// From when on it is tried again.
        until: OffsetDateTime,
    },
}
