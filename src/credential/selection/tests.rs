//! Which credential is used, row by row; and that it covers the request, and that none that may do less would have.

use proptest::prelude::*;
use time::Duration;

use super::*;
use crate::registry::ServerUrl;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// A candidate as a row writes it: `PROFILE[@PATH]`, then its scopes or `?` where nobody knows them, and `!DAYS` that
/// it has left.
#[derive(Debug)]
struct Written {
    server: Server,
    profile: Profile,
    allowed: AllowedScopes,
    expires: Option<OffsetDateTime>,
}

impl Written {
    fn read(text: &str) -> Self {
        let mut words = text.split(' ');
        let name = words.next().unwrap();
        let (profile, path) = name.split_once('@').unwrap_or((name, ""));
        let server: ServerUrl = format!("registry.example/{path}").parse().unwrap();
        let mut written = Self {
            server: server.server().clone(),
            profile: profile.parse().unwrap(),
            allowed: AllowedScopes::from_iter([]),
            expires: None,
        };
        for word in words {
            if let Some(days) = word.strip_prefix('!') {
                written.expires = Some(NOW + Duration::days(days.parse().unwrap()));
            } else if word == "?" {
                written.allowed = AllowedScopes::Unknown;
            } else if let AllowedScopes::Known(scopes) = &mut written.allowed {
                scopes.insert(word.parse().unwrap());
            }
        }
        written
    }

    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            server: &self.server,
            profile: &self.profile,
            allowed: &self.allowed,
            expires: self.expires,
        }
    }
}

fn verdicts(request: &str, candidates: &[&str]) -> Vec<String> {
    let request = request.parse().unwrap();
    let written: Vec<_> = candidates.iter().map(|text| Written::read(text)).collect();
    let candidates: Vec<_> = written.iter().map(Written::candidate).collect();
    let words = select(&request, &candidates, NOW)
        .into_iter()
        .map(|verdict| match verdict {
            Verdict::Chosen => "chosen".to_owned(),
            Verdict::ChosenIfPublic => "chosen if public".to_owned(),
            Verdict::Expired(_) => "expired".to_owned(),
            Verdict::Lacks(scopes) => format!("lacks {scopes}"),
            Verdict::Wider => "wider".to_owned(),
            Verdict::Later => "later".to_owned(),
            Verdict::OnlyPublic => "only public".to_owned(),
        });
    words.collect()
}

#[test]
fn only_two_verdicts_choose() {
    assert!(Verdict::Chosen.is_chosen() && Verdict::ChosenIfPublic.is_chosen());
    for verdict in [
        Verdict::Expired(NOW),
        Verdict::Lacks(ScopeSet::default()),
        Verdict::Wider,
        Verdict::Later,
        Verdict::OnlyPublic,
    ] {
        assert!(!verdict.is_chosen(), "{verdict:?}");
    }
}

const PULL: &str = "repository:acme/app:pull";
const PUSH: &str = "repository:acme/app:pull,push";
const TWO: &str = "repository:acme/app:pull repository:acme/base:pull";
const OFFICIAL: &str = "repository:library/alpine:pull";
const CATALOG: &str = "registry:catalog:*";

/// A request, the candidates, and what comes of each.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip] // A row a line.
const TABLE: &[Row] = &[
    // One.
    (PULL, &[], &[]),
    (PULL, &["default ?"], &["chosen"]),
    (PULL, &["ci repo:read"], &["chosen"]),
    (PULL, &["ci repo:write"], &["chosen"]),
    (PULL, &["ci repo:admin"], &["chosen"]),
    (PULL, &["ci repo:public_read"], &["chosen if public"]),
    (OFFICIAL, &["ci repo:public_read"], &["chosen"]),
    (PULL, &["ci repository:acme/app:pull"], &["chosen"]),
    (PULL, &["ci repository:acme/*:pull"], &["chosen"]),
    (PULL, &["ci repository:*:*"], &["chosen"]),
    (PULL, &["ci repository:acme/app:push"], &["lacks repository:acme/app:pull"]),
    (PULL, &["ci repository:acme/base:pull"], &["lacks repository:acme/app:pull"]),
    (PULL, &["ci repository:acme:pull"], &["lacks repository:acme/app:pull"]),
    (PULL, &["ci registry:catalog:*"], &["lacks repository:acme/app:pull"]),
    (PULL, &["ci"], &["lacks repository:acme/app:pull"]),
    (PUSH, &["ci repo:read"], &["lacks repository:acme/app:push"]),
    (PUSH, &["ci repo:write"], &["chosen"]),
    (PUSH, &["ci repo:public_read"], &["lacks repository:acme/app:push"]),
    (PUSH, &["ci repository:acme/*:pull repository:acme/app:push"], &["chosen"]),
    (PUSH, &["ci repository:acme/*:pull repository:acme/base:push"], &["lacks repository:acme/app:push"]),
    (PUSH, &["ci acme/app:scope-image-pull,scope-image-push"], &["chosen"]),
    (PUSH, &["ci acme/*:scope-image-push"], &["lacks repository:acme/app:pull"]),
    (TWO, &["ci repository:acme/app:pull"], &["lacks repository:acme/base:pull"]),
    (TWO, &["ci repository:acme/app:pull repository:acme/base:pull"], &["chosen"]),
    (TWO, &["ci repository:other:pull"], &["lacks repository:acme/app:pull repository:acme/base:pull"]),
    (CATALOG, &["ci repo:admin"], &["lacks registry:catalog:*"]),
    (CATALOG, &["ci registry:catalog:*"], &["chosen"]),
    (CATALOG, &["default ?"], &["chosen"]),
    ("repository:acme/app:*", &["ci repo:write"], &["lacks repository:acme/app:*"]),
    ("repository:acme/app:*", &["ci repo:admin"], &["chosen"]),
    ("repository(plugin):acme/app:pull", &["ci repo:read"], &["chosen"]),
    ("", &["ci"], &["chosen"]),
    // Expiry.
    (PULL, &["ci repo:read !1"], &["chosen"]),
    (PULL, &["ci repo:read !0"], &["expired"]),
    (PULL, &["ci repo:read !-1"], &["expired"]),
    (PULL, &["ci repo:read !-1", "default ?"], &["expired", "chosen"]),
    (PULL, &["a repo:read !9", "b repo:read !2"], &["later", "chosen"]),
    (PULL, &["a repo:read", "b repo:read !900"], &["later", "chosen"]),
    (PULL, &["a repo:read", "b repo:write !1"], &["chosen", "wider"]),
    // The narrowest.
    (PULL, &["default ?", "ci repo:read"], &["wider", "chosen"]),
    (PULL, &["ci repo:read", "default ?"], &["chosen", "wider"]),
    (PULL, &["a repo:admin", "b repo:write", "c repo:read"], &["wider", "wider", "chosen"]),
    (PUSH, &["a repo:admin", "b repo:write", "c repo:read"], &["wider", "chosen", "lacks repository:acme/app:push"]),
    (PULL, &["a repo:read", "b repo:public_read"], &["chosen", "only public"]),
    (OFFICIAL, &["a repo:read", "b repo:public_read"], &["wider", "chosen"]),
    (PULL, &["a repository:acme/*:pull", "b repository:acme/app:pull"], &["wider", "chosen"]),
    (PULL, &["a repository:acme/*:pull", "b repository:*/app:pull"], &["chosen", "later"]),
    (PULL, &["a repository:acme/*:pull,push", "b repository:*:pull"], &["chosen", "later"]),
    (PULL, &["a repository:acme/*:*", "b repository:acme/*:pull,push,delete"], &["wider", "chosen"]),
    (PULL, &["a repo:read repository:other:push", "b repo:read"], &["wider", "chosen"]),
    (PULL, &["a repository:*:pull", "b repo:read"], &["chosen", "later"]),
    (TWO, &["a repository:acme/*:pull", "b repository:acme/app:pull"], &["chosen", "lacks repository:acme/base:pull"]),
    // Prefixes.
    (PULL, &["default@acme ?"], &["chosen"]),
    (PULL, &["default@acme/app ?"], &["chosen"]),
    (PULL, &["default@acme/ap ?"], &["lacks repository:acme/app:pull"]),
    (PULL, &["default@other ?"], &["lacks repository:acme/app:pull"]),
    (TWO, &["default@acme/app ?"], &["lacks repository:acme/base:pull"]),
    (PULL, &["default ?", "default@acme ?"], &["wider", "chosen"]),
    (PULL, &["default@acme ?", "default@acme/app ?"], &["wider", "chosen"]),
    (PULL, &["default@acme ?", "ci repository:acme/*:*"], &["wider", "chosen"]),
    (PULL, &["default@acme repo:read", "ci repository:acme/*:pull"], &["wider", "chosen"]),
    (PULL, &["default@acme/app repo:read", "ci repository:acme/app:pull"], &["wider", "chosen"]),
    (PULL, &["x@acme repository:acme/app:pull", "ci repository:acme/app:pull"], &["chosen", "later"]),
    (PULL, &["x@acme repository:*pp:pull", "ci repository:acme/*:pull"], &["chosen", "wider"]),
    (PUSH, &["default@acme repo:read", "default ?"], &["lacks repository:acme/app:push", "chosen"]),
    (CATALOG, &["default@acme ?"], &["lacks registry:catalog:*"]),
    // Names, where nothing else tells.
    (PULL, &["b repo:read", "a repo:read"], &["later", "chosen"]),
    (PULL, &["a ?", "default ?"], &["later", "chosen"]),
    (PULL, &["b ? !3", "a ? !3", "default ?"], &["later", "chosen", "later"]),
    (PULL, &["a repo:public_read", "default repo:public_read"], &["later", "chosen if public"]),
];

#[test]
fn the_least_that_is_needed_is_chosen() {
    for (request, candidates, expected) in TABLE {
        assert_eq!(
            verdicts(request, candidates),
            *expected,
            "{request} of {candidates:?}"
        );
    }
}

fn written() -> impl Strategy<Value = Written> {
    let scope = prop_oneof![
        Just("?".to_owned()),
        "repo:(admin|write|read|public_read)",
        "repository:(acme|library|\\*)(/(app|base|\\*))?:(pull|push|pull,push|\\*)",
    ];
    (
        "[ab]",
        prop_oneof![Just(""), Just("@acme"), Just("@acme/app")],
        prop::collection::vec(scope, 0..3),
        prop::option::of(-1..4_i8),
    )
        .prop_map(|(profile, path, scopes, days)| {
            let mut text = format!("{profile}{path}");
            for scope in scopes {
                text = format!("{text} {scope}");
            }
            if let Some(days) = days {
                text = format!("{text} !{days}");
            }
            Written::read(&text)
        })
}

proptest! {
    #[test]
    fn the_chosen_covers_the_request_and_none_that_may_less_does(
        written in prop::collection::vec(written(), 0..6),
        request in "repository:(acme|library)/(app|base):(pull|pull,push)( repository:acme/base:pull)?",
    ) {
        let request: ScopeSet = request.parse().unwrap();
        let candidates: Vec<_> = written.iter().map(Written::candidate).collect();
        let verdicts = select(&request, &candidates, NOW);
        let reaches: Vec<_> = candidates.iter().map(Reach::of).collect();
        let usable = |place: usize, is_public| {
            candidates[place].expires.is_none_or(|expires| expires > NOW)
                && reaches[place].lacking(&request, is_public).is_empty()
        };
        let is_chosen = |verdict: &Verdict| matches!(verdict, Verdict::Chosen | Verdict::ChosenIfPublic);
        let chosen: Vec<_> = (0..candidates.len()).filter(|place| is_chosen(&verdicts[*place])).collect();
        let is_public = !(0..candidates.len()).any(|place| usable(place, false));
        let covering: Vec<_> = (0..candidates.len()).filter(|place| usable(*place, is_public)).collect();
        prop_assert_eq!(chosen.len(), usize::from(!covering.is_empty()));
        for chosen in chosen {
            prop_assert!(covering.contains(&chosen));
            for other in &covering {
                let is_narrower = reaches[chosen].covers(&reaches[*other]) && !reaches[*other].covers(&reaches[chosen]);
                prop_assert!(!is_narrower, "{:?} is narrower", candidates[*other]);
            }
        }
    }

    #[test]
    fn the_order_of_the_candidates_makes_no_difference(
        mut written in prop::collection::vec(written(), 0..6), seed in any::<prop::sample::Index>(),
    ) {
        // No two credentials share a slot.
        written.sort_by(|one, other| (&one.server, &one.profile).cmp(&(&other.server, &other.profile)));
        written.dedup_by(|one, other| one.server == other.server && one.profile == other.profile);
        let request: ScopeSet = PULL.parse().unwrap();
        let chosen = |written: &[Written]| {
            let candidates: Vec<_> = written.iter().map(Written::candidate).collect();
            let verdicts = select(&request, &candidates, NOW);
            let chosen = verdicts.iter().position(|verdict| matches!(verdict, Verdict::Chosen | Verdict::ChosenIfPublic));
            chosen.map(|place| (written[place].server.clone(), written[place].profile.clone()))
        };
        let before = chosen(&written);
        if !written.is_empty() {
            let middle = seed.index(written.len());
            written.rotate_left(middle);
        }
        prop_assert_eq!(chosen(&written), before.clone());
        written.reverse();
        prop_assert_eq!(chosen(&written), before);
    }

    #[test]
    fn to_cover_is_a_preorder(one in written(), other in written(), third in written()) {
        let [one, other, third] = [one, other, third].map(|written| Reach::of(&written.candidate()));
        prop_assert!(one.covers(&one));
        if one.covers(&other) && other.covers(&third) {
            prop_assert!(one.covers(&third));
        }
    }
}
