//! Session token: one that is made for a session of docker, or of this program, and not by hand. Which tokens are such,
//! and which of them are kept. Knows nothing of where they are kept, or of how one is revoked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use time::{Duration, OffsetDateTime};

use crate::credential::{Kind, Profile, TokenId};

/// How many are kept, as Docker Hub itself keeps them: the most recently used ones.
pub const KEPT: usize = 5;

/// The profile that a session is kept under where none is named.
pub const SESSION_PROFILE: &str = "session";

/// What a session token's label begins with. With the longest machine and profile it has 98 of the 100 characters that
/// Docker Hub takes.
const LABEL_PREFIX: &str = "docker-credential-scoped/session/";

/// What two clocks differ by that nobody can tell.
const INACCURACY: Duration = Duration::seconds(2);

/// How much later than a machine's clock shows something may have been written down there since it was looked at: a
/// command goes on for less.
const WHILE: Duration = Duration::minutes(20);

const MAX_MACHINE_BYTES: usize = 32;

/// How long after its access token docker's browser login has its personal access token: a request lies between them.
const BROWSER_LOGIN: Duration = Duration::minutes(5);

/// A machine, as the labels of its session tokens name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine(String);

impl Machine {
    /// The machine of this host name: what it may not hold is `-`, and of a long one it is the beginning.
    #[must_use]
    pub fn of_host_name(name: &str) -> Self {
        let allowed = |c: char| if is_of_machine(c) { c } else { '-' };
        // One byte each from here on.
        let text: String = name.chars().map(allowed).take(MAX_MACHINE_BYTES).collect();
        Self(if text.is_empty() {
            "unknown".to_owned()
        } else {
            text
        })
    }
}

impl FromStr for Machine {
    type Err = InvalidSessionLabel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=MAX_MACHINE_BYTES).contains(&text.len()) && text.chars().all(is_of_machine) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSessionLabel)
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_of_machine(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// The label that a session token has at Docker Hub: `docker-credential-scoped/session/MACHINE/PROFILE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionLabel {
    /// Where it was made.
    pub machine: Machine,
    /// The profile that it was made for.
    pub profile: Profile,
}

impl SessionLabel {
    /// Whether a label begins as those of sessions do: nothing else may be called so.
    #[must_use]
    pub fn is_reserved(label: &str) -> bool {
        label.starts_with(LABEL_PREFIX)
    }
}

impl fmt::Display for SessionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, profile } = self;
        write!(f, "{LABEL_PREFIX}{machine}/{profile}")
    }
}

impl FromStr for SessionLabel {
    type Err = InvalidSessionLabel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(LABEL_PREFIX).ok_or(InvalidSessionLabel)?;
        let (machine, profile) = rest.split_once('/').ok_or(InvalidSessionLabel)?;
        Ok(Self {
            machine: machine.parse()?,
            profile: profile.parse().map_err(|_| InvalidSessionLabel)?,
        })
    }
}

/// The text is not the label of a session token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a session token's label is docker-credential-scoped/session/MACHINE/PROFILE")]
pub struct InvalidSessionLabel;

/// Who made a token, as Docker Hub tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person, or a program through the API.
    Manual,
    /// Something else. Docker documents no other word.
    Other(String),
    /// Docker Hub does not tell.
    Untold,
}

impl Source {
    /// Reads the word that Docker Hub has for it.
    #[must_use]
    pub fn read(word: Option<&str>) -> Self {
        match word.map(str::trim) {
            None | Some("") => Self::Untold,
            Some(word) if word.eq_ignore_ascii_case("unknown") => Self::Untold,
            Some(word) if word.eq_ignore_ascii_case("manual") => Self::Manual,
            Some(word) => Self::Other(word.to_owned()),
        }
    }

    /// The word for it, as it came.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Manual => Some("manual"),
            Self::Other(word) => Some(word),
            Self::Untold => None,
        }
    }
}

/// A token, as far as Docker Hub's list tells whether it is a session token.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Docker Hub's name for it.
    pub id: &'a TokenId,
    /// The label.
    pub label: &'a str,
    /// Who made it.
    pub source: &'a Source,
}

/// Whether a token is surely a session token: one that is recorded here as such, or has the label of one; and where all
/// are meant that Docker Hub says were not made by hand, each of those.
///
/// Whoever cannot be told is none: it would be revoked, and somebody's job would stop.
#[must_use]
pub fn is_session(listed: &Listed<'_>, recorded: impl Fn(&TokenId) -> bool, all_auto: bool) -> bool {
    let Listed { id, label, source } = listed;
    recorded(id)
        || label.parse::<SessionLabel>().is_ok()
        || match source {
            Source::Other(_) => all_auto,
            Source::Manual | Source::Untold => false,
        }
}

/// What a token is that was taken for docker's browser login's when it was stored, once it is known which of Docker Hub's
/// it is: somebody may have logged in by hand a moment after. `None` where Docker Hub does not tell who made it.
#[must_use]
pub fn kind_of_stored(listed: &Listed<'_>) -> Option<Kind> {
    if is_session(listed, |_| false, true) {
        return Some(Kind::SessionToken);
    }
    match listed.source {
        Source::Manual => Some(Kind::PersonalAccessToken),
        Source::Other(_) | Source::Untold => None,
    }
}

/// Whether a token may be docker's browser login's that is held somewhere under no id: whatever was not made by hand, and
/// is not known as something else.
#[must_use]
pub fn may_be_nameless(listed: &Listed<'_>, recorded: impl Fn(&TokenId) -> bool) -> bool {
    matches!(listed.source, Source::Other(_)) && !is_session(listed, recorded, false)
}

/// Whether a personal access token is the one that docker's browser login got: that stores an access token for an
/// account, and then has Docker Hub make this one (docker/cli `internal/oauth/manager`).
#[must_use]
pub fn is_browser_login(
    pat_account: &str,
    pat_created: OffsetDateTime,
    access_token_account: &str,
    access_token_created: OffsetDateTime,
) -> bool {
    let between = pat_created - access_token_created;
    pat_account == access_token_account && (Duration::ZERO..=BROWSER_LOGIN).contains(&between)
}

/// A session token, and where it is kept. `P` is a place. All times are by Docker Hub's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionToken<P> {
    /// Docker Hub's name for it, where that is known.
    pub id: Option<TokenId>,
    /// Where this machine keeps it: nowhere, or in one place; more than one profile may have it.
    pub places: Vec<P>,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When it was last used, as far as anybody knows.
    pub last_used: Option<OffsetDateTime>,
}

impl<P> SessionToken<P> {
    /// The last that is known to have been done with it. One that was never used counts from when it was made: it may
    /// have been made a moment ago.
    fn recent(&self) -> OffsetDateTime {
        self.last_used.map_or(self.created, |used| used.max(self.created))
    }

    /// Takes in what somebody else knows of the same token. The later stands, so that it goes later rather than earlier.
    fn merge(&mut self, other: Self) {
        self.places.extend(other.places);
        self.created = self.created.max(other.created);
        self.last_used = self.last_used.max(other.last_used);
    }
}

/// How Docker Hub's clock and this machine's stand to each other. What is written down here of a token's use has this
/// machine's time, and what Docker Hub tells of it has Docker Hub's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    ours: OffsetDateTime,
    theirs: OffsetDateTime,
}

impl Clocks {
    /// What both show at one moment. Docker Hub tells whole seconds, and its answer is under way for a while: clocks that
    /// differ by no more than that are taken to show the same.
    #[must_use]
    pub fn new(ours: OffsetDateTime, theirs: OffsetDateTime) -> Self {
        let is_near = (theirs - ours).abs() <= INACCURACY;
        Self {
            ours,
            theirs: if is_near { ours } else { theirs },
        }
    }

    /// What Docker Hub's clock showed when this machine's showed that, as far as neither was set since. What is yet to
    /// come by this machine's clock was written down before that was put back, and is taken as it is: all of it would be
    /// from now otherwise, and in no order. Nothing has been done later than now.
    #[must_use]
    pub fn theirs(&self, ours: OffsetDateTime) -> OffsetDateTime {
        let was_put_back = ours - self.ours > WHILE;
        let theirs = if was_put_back {
            ours
        } else {
            ours.saturating_add(self.theirs - self.ours)
        };
        theirs.min(self.theirs)
    }

    /// The time by Docker Hub's clock.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.theirs
    }
}

/// Which session tokens of an account are kept, and which are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunePlan<P> {
    /// Those that are kept, the most recently used first.
    pub kept: Vec<SessionToken<P>>,
    /// Those that are to go, the least recently used first.
    pub pruned: Vec<SessionToken<P>>,
}

impl<P: Ord> PrunePlan<P> {
    /// Keeps the `keep` most recently used ones, and the one just made, which counts as one of them. `now` is by Docker
    /// Hub's clock: what is said to have been done later was done now, or a clock that once was ahead would have a token
    /// kept for good, and five others go.
    ///
    /// What Docker Hub knows of a token and what is known here may come as two with one id; they are one token. Of
    /// those that were used at the same time the one made later counts as the more recent, then the greater id, so that
    /// all machines come to the same plan.
    #[must_use]
    pub fn new(
        tokens: Vec<SessionToken<P>>,
        keep: usize,
        just_made: Option<&TokenId>,
        now: OffsetDateTime,
    ) -> Self {
        let mut kept = one_each(tokens);
        for token in &mut kept {
            token.places.sort();
            token.created = token.created.min(now);
            token.last_used = token.last_used.map(|used| used.min(now));
        }
        let order = |token: &SessionToken<P>| {
            // A clock that is behind would have the one just made be an old one.
            let is_just_made = just_made.is_some() && token.id.as_ref() == just_made;
            (is_just_made, token.recent(), token.created)
        };
        kept.sort_by(|one, other| {
            let by_name = || (&other.id, &other.places).cmp(&(&one.id, &one.places));
            order(other).cmp(&order(one)).then_with(by_name)
        });
        let is_first_just_made = kept.first().is_some_and(|first| order(first).0);
        let count = keep.max(usize::from(is_first_just_made)).min(kept.len());
        let mut pruned = kept.split_off(count);
        pruned.reverse();
        Self { kept, pruned }
    }
}

/// The tokens, of one id only one. Without an id nobody can tell that two are the same.
fn one_each<P>(tokens: Vec<SessionToken<P>>) -> Vec<SessionToken<P>> {
    let mut known = BTreeMap::new();
    let mut each: Vec<SessionToken<P>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let place = token.id.clone().map(|id| *known.entry(id).or_insert(each.len()));
        match place.and_then(|place| each.get_mut(place)) {
            Some(same) => same.merge(token),
            None => each.push(token),
        }
    }
    each
}

#[cfg(test)]
mod tests;
