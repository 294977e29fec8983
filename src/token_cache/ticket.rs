//! Ticket: what is wanted of a token server and by whom, and under which name the answer is kept. Knows nothing of
//! the answer.

use crate::registry::ScopeSet;
use crate::seal::Key;
use crate::secret::Secret;

/// What is wanted of a token server.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The registry it is for, to be shown.
    pub server: &'a str,
    /// Who asks; `None` for who has no credential.
    pub subject: Option<Subject<'a>>,
    /// Where the token server is.
    pub realm: &'a str,
    /// The audience, where the challenge names one.
    pub service: Option<&'a str>,
    /// What the token is to allow.
    pub scope: &'a ScopeSet,
}

/// The credential that a token is asked for with.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The slot it is held in, or another name of where it comes from.
    pub slot: &'a str,
    /// The account.
    pub account: &'a str,
    /// How it proves who it is.
    pub proof: Proof<'a>,
}

/// The long-lived secret, and where it is from.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// From elsewhere. What it got is found under where that is, so that it can be forgotten without fetching the secret;
    /// of a secret that has changed there nothing is found.
    Fetched {
        /// Where it is from.
        reference: &'a str,
        /// What was found there, if anybody looked.
        secret: Option<&'a Secret>,
    },
    /// From the slot.
    Stored(&'a Secret),
}

/// Which of the two that a token server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AccessToken,
    RefreshToken,
}

/// The directory of all that one credential got: a keyed fingerprint, from which nothing of it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn new(key: &Key, subject: Option<&Subject<'_>>) -> Self {
        Self(key.fingerprint(&parts_of(subject)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wanted, and its place in the cache.
#[derive(Clone, Debug)]
pub struct Ticket<'a> {
    pub(super) wanted: Wanted<'a>,
    pub(super) scope: String,
    /// `None` where there is no key, and so no cache.
    pub(super) place: Option<Place>,
}

/// The two names of an entry: its directory's and its file's.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) fingerprint: Fingerprint,
    pub(super) hash: String,
}

impl Place {
    /// What an entry is sealed for: moved to another credential's directory it does not open.
    pub(super) fn name(&self) -> String {
        [self.fingerprint.as_str(), "/", &self.hash].concat()
    }
}

impl<'a> Ticket<'a> {
    pub(super) fn new(key: Option<&Key>, kind: Kind, wanted: Wanted<'a>) -> Self {
        // No service is not the same as an empty one.
        let kind: &[u8] = match (kind, wanted.service) {
            (Kind::AccessToken, Some(_)) => b"token",
            (Kind::AccessToken, None) => b"token without service",
            (Kind::RefreshToken, Some(_)) => b"refresh token",
            (Kind::RefreshToken, None) => b"refresh token without service",
        };
        Self::of(kind, key, wanted, wanted.scope.to_string())
    }

    /// That the realm refuses the credential itself: what is wrong is wrong for every audience and scope.
    pub(super) fn of_refusal(key: Option<&Key>, wanted: Wanted<'a>) -> Self {
        let wanted = Wanted {
            service: None,
            ..wanted
        };
        Self::of(b"refusal", key, wanted, String::new())
    }

    fn of(kind: &[u8], key: Option<&Key>, wanted: Wanted<'a>, scope: String) -> Self {
        let place = key.map(|key| {
            let service = wanted.service.unwrap_or_default().as_bytes();
            let fetched = match wanted.subject {
                Some(Subject {
                    account,
                    proof:
                        Proof::Fetched {
                            secret: Some(secret), ..
                        },
                    ..
                }) => [account.as_bytes(), secret.expose().as_bytes()],
                Some(_) | None => [b"".as_slice(); 2],
            };
            let [account, secret] = fetched;
            let realm = wanted.realm.as_bytes();
            let token = [kind, realm, scope.as_bytes(), service, account, secret];
            Place {
                fingerprint: Fingerprint::new(key, wanted.subject.as_ref()),
                hash: key.fingerprint(&token),
            }
        });
        Self { wanted, scope, place }
    }
}

fn parts_of<'a>(subject: Option<&Subject<'a>>) -> [&'a [u8]; 4] {
    match subject {
        Some(Subject {
            slot,
            account,
            proof: Proof::Stored(secret),
        }) => [
            b"credential",
            slot.as_bytes(),
            account.as_bytes(),
            secret.expose().as_bytes(),
        ],
        Some(Subject {
            slot,
            account: _,
            proof: Proof::Fetched { reference, secret: _ },
        }) => [b"reference", slot.as_bytes(), reference.as_bytes(), b""],
        None => [b"anonymous", b"", b"", b""],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_differs_in_what_is_wanted_has_a_place_of_its_own() {
        let key = Key::from_bytes([1; 32]);
        let (one, other) = (Secret::new("one".into()), Secret::new("other".into()));
        let subject = |slot, account, secret| {
            Some(Subject {
                slot,
                account,
                proof: Proof::Stored(secret),
            })
        };
        let fetched = |slot, account, reference, secret| {
            let secret = Some(secret);
            Some(Subject {
                slot,
                account,
                proof: Proof::Fetched { reference, secret },
            })
        };
        let (mut places, mut refusals) = (BTreeSet::new(), BTreeSet::new());
        let mut count = 0;
        for subject in [
            None,
            subject("", "", &one),
            subject("h@default", "u", &one),
            subject("h@default", "u", &other),
            subject("h@default", "v", &one),
            subject("h@ci", "u", &one),
            subject("h@", "ciu", &one),
            fetched("h@default", "u", "env A", &one),
            fetched("h@default", "u", "env A", &other),
            fetched("h@default", "v", "env A", &one),
            fetched("h@default", "u", "env B", &one),
            fetched("h@ci", "u", "env A", &one),
        ] {
            for realm in ["https://h/token", "https://i/token"] {
                for service in [None, Some(""), Some("h"), Some("i")] {
                    for scope in [
                        "",
                        "repository:a:pull",
                        "repository:a:pull,push",
                        "repository:a:pull repository:b:pull",
                    ] {
                        let scope = scope.parse().unwrap();
                        let wanted = Wanted {
                            server: "h",
                            subject,
                            realm,
                            service,
                            scope: &scope,
                        };
                        for kind in [Kind::AccessToken, Kind::RefreshToken] {
                            let ticket = Ticket::new(Some(&key), kind, wanted);
                            places.insert(ticket.place.unwrap().name());
                            count += 1;
                        }
                        let refusal = Ticket::of_refusal(Some(&key), wanted);
                        refusals.insert(refusal.place.unwrap().name());
                    }
                }
            }
        }
        assert_eq!(places.len(), count);
        assert_eq!(refusals.len(), 12 * 2, "one for each credential and realm");
        assert!(places.is_disjoint(&refusals));
    }

    #[test]
    fn one_scope_has_one_place_however_it_is_written() {
        let key = Key::from_bytes([1; 32]);
        let name = |scope: &str| {
            let scope = scope.parse().unwrap();
            let wanted = Wanted {
                server: "h",
                subject: None,
                realm: "r",
                service: None,
                scope: &scope,
            };
            Ticket::new(Some(&key), Kind::AccessToken, wanted)
                .place
                .unwrap()
                .name()
        };
        assert_eq!(
            name("repository:b:pull repository:a:push,pull"),
            name("repository:a:pull repository:a:push repository:b:pull")
        );
    }
}
