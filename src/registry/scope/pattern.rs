//! Scope pattern: a scope whose name may hold `*`, for any run of characters; what a credential may do is written in
//! them. Knows nothing of credentials.

use std::fmt;
use std::str::FromStr;

use super::{Actions, InvalidScope, Resource, Scope};

/// A scope with a name that may stand for many: `repository:acme/*:pull`.
///
/// `*` stands for any run of characters, `/` among them, as `repository:*:pull` means every repository. A pattern
/// without a class allows every class: the class tells what kind of image is pulled, not whose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopePattern(Scope);

impl ScopePattern {
    /// Everything in one repository.
    pub(crate) fn of_repository(name: &str, actions: &str) -> Result<Self, InvalidScope> {
        format!("repository:{name}:{actions}").parse()
    }

    /// The resources it is about; the name may hold `*`.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.0.resource
    }

    /// What may be done to them.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.0.actions()
    }

    /// Whether this may be done to this resource. The name may hold `*` itself: then to every one that it stands for.
    #[must_use]
    pub fn allows(&self, resource: &Resource, action: &str) -> bool {
        let Scope {
            resource: own,
            actions,
        } = &self.0;
        own.kind == resource.kind
            && (own.class.is_none() || own.class == resource.class)
            && (actions.0.contains(Actions::ALL) || actions.0.contains(action))
            && matches(own.name.as_bytes(), resource.name.as_bytes())
    }

    /// What of it lies in a path of whole components: in the repository of that name, and in those below it.
    #[must_use]
    pub fn within(&self, path: &str) -> Vec<Self> {
        let name = self.0.resource.name.as_str();
        let itself = matches(name.as_bytes(), path.as_bytes()).then(|| path.to_owned());
        let below = format!("{path}/");
        let below = rests(name, &below).into_iter().map(|rest| below.clone() + rest);
        itself
            .into_iter()
            .chain(below)
            .map(|name| self.named(name))
            .collect()
    }

    fn named(&self, name: String) -> Self {
        let Scope { resource, actions } = self.0.clone();
        Self(Scope {
            resource: Resource { name, ..resource },
            actions,
        })
    }
}

impl FromStr for ScopePattern {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for ScopePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const ANY: u8 = b'*';

/// Whether a pattern stands for a name, or for all that another pattern stands for: a `*` there is matched by a `*`
/// alone, since it may stand for what no other part of the pattern is.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut in_pattern, mut in_name) = (0, 0);
    // Where the last `*` was, and how much of the name it has taken: if the rest does not fit, it takes one more.
    let mut last_any: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(in_name) {
        match pattern.get(in_pattern) {
            Some(&ANY) => {
                last_any = Some((in_pattern, in_name));
                in_pattern += 1;
            }
            Some(own) if own == byte => {
                in_pattern += 1;
                in_name += 1;
            }
            Some(_) | None => match &mut last_any {
                Some((any, taken)) => {
                    *taken += 1;
                    (in_pattern, in_name) = (*any, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(in_pattern).all(|byte| *byte == ANY)
}

/// What may follow after `start` in the names that a pattern stands for; none where none of them begins so.
fn rests<'a>(pattern: &'a str, start: &str) -> Vec<&'a str> {
    let mut places = vec![0];
    for wanted in start.bytes() {
        let mut next = Vec::new();
        for place in through_any(pattern, &places) {
            match pattern.as_bytes().get(place) {
                Some(&ANY) => next.push(place),
                Some(own) if *own == wanted => next.push(place + 1),
                Some(_) | None => {}
            }
        }
        places = next;
        places.sort_unstable();
        places.dedup();
    }
    places
        .into_iter()
        .filter_map(|place| pattern.get(place..))
        .filter(|rest| !rest.is_empty())
        .collect()
}

/// The places with those behind a `*`, which may stand for nothing.
fn through_any(pattern: &str, places: &[usize]) -> Vec<usize> {
    let mut all = Vec::new();
    for place in places {
        let skipped = pattern
            .bytes()
            .skip(*place)
            .take_while(|byte| *byte == ANY)
            .count();
        all.extend(*place..=place + skipped);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> ScopePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters_and_nothing_else_does() {
        let table = [
            ("repository:*:pull", "repository:library/alpine:pull", true),
            ("repository:acme/*:pull", "repository:acme/app:pull", true),
            ("repository:acme/*:pull", "repository:acme/team/app:pull", true),
            ("repository:acme/*:pull", "repository:acme:pull", false),
            ("repository:acme/*:pull", "repository:acmes/app:pull", false),
            ("repository:acme/*:pull", "repository:acme/app:push", false),
            ("repository:acme/*:*", "repository:acme/app:delete", true),
            ("repository:acme/*:pull", "repository:acme/app:*", false),
            ("repository:a*b*c:pull", "repository:a/b/b/c:pull", true),
            ("repository:a*b*c:pull", "repository:a/b/b/d:pull", false),
            ("repository:*-ci:pull", "repository:acme/app-ci:pull", true),
            ("repository:*-ci:pull", "repository:acme/app-ci/x:pull", false),
            ("repository:acme/a?p:pull", "repository:acme/app:pull", false),
            (
                "repository:acme/app:pull",
                "repository(plugin):acme/app:pull",
                true,
            ),
            (
                "repository(plugin):acme/app:pull",
                "repository:acme/app:pull",
                false,
            ),
            ("registry:*:*", "repository:a:pull", false),
            ("registry:catalog:*", "registry:catalog:*", true),
            // Patterns by patterns.
            ("repository:*:pull", "repository:acme/*:pull", true),
            ("repository:acme/*:pull", "repository:*:pull", false),
            ("repository:acme/*:pull", "repository:acme/a*z:pull", true),
            ("repository:*a*:pull", "repository:*:pull", false),
            ("repository:**:pull", "repository:*:pull", true),
        ];
        for (allowed, wanted, expected) in table {
            let scope: Scope = wanted.parse().unwrap();
            let all = scope
                .actions()
                .all(|action| pattern(allowed).allows(scope.resource(), action));
            assert_eq!(all, expected, "{allowed} for {wanted}");
        }
    }

    #[test]
    fn within_a_path_is_what_both_allow() {
        let table: [(&str, &str, &[&str]); 8] = [
            (
                "repository:*:pull",
                "acme",
                &["repository:acme:pull", "repository:acme/*:pull"],
            ),
            ("repository:acme/*:pull", "acme", &["repository:acme/*:pull"]),
            ("repository:acme/app:pull", "acme", &["repository:acme/app:pull"]),
            (
                "repository:acme/app:pull",
                "acme/app",
                &["repository:acme/app:pull"],
            ),
            ("repository:acme/app:pull", "ac", &[]),
            ("repository:other/*:pull", "acme", &[]),
            ("repository:*-ci:pull", "acme", &["repository:acme/*-ci:pull"]),
            (
                "repository:a*e:pull",
                "acme",
                &["repository:acme:pull", "repository:acme/*e:pull"],
            ),
        ];
        for (allowed, path, expected) in table {
            let within: Vec<_> = pattern(allowed)
                .within(path)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(within, expected, "{allowed} within {path}");
        }
    }

    proptest! {
        #[test]
        fn what_a_pattern_covers_is_what_every_name_of_the_other_is_allowed(
            wide in "[ab*]{1,5}", narrow in "[ab*]{1,5}", fillings in prop::collection::vec("[abc]{0,3}", 5),
        ) {
            let (wide, narrow) = (format!("repository:{wide}:pull"), format!("repository:{narrow}:pull"));
            let (wide, narrow) = (pattern(&wide), pattern(&narrow));
            // One name that the narrow one stands for.
            let mut fillings = fillings.iter();
            let mut name = String::new();
            for c in narrow.resource().name().chars() {
                if c == '*' { name += fillings.next().unwrap() } else { name.push(c) }
            }
            prop_assume!(!name.is_empty());
            let scope: Scope = format!("repository:{name}:pull").parse().unwrap();
            prop_assert!(narrow.allows(scope.resource(), "pull"));
            if wide.allows(narrow.resource(), "pull") {
                prop_assert!(wide.allows(scope.resource(), "pull"));
            }
        }

        #[test]
        fn within_a_path_nothing_is_added_and_nothing_lost(
            text in "[ab/*]{1,6}", path in "[ab]{1,2}(/[ab]{1,2})?", name in "[ab]{1,2}(/[ab]{1,2}){0,3}",
        ) {
            let whole = pattern(&format!("repository:{text}:pull"));
            let scope: Scope = format!("repository:{name}:pull").parse().unwrap();
            let lies_within = name == path || name.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
            let expected = lies_within && whole.allows(scope.resource(), "pull");
            let found = whole.within(&path).iter().any(|part| part.allows(scope.resource(), "pull"));
            prop_assert_eq!(found, expected);
        }
    }
}
