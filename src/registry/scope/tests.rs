//! What is claimed of scopes, row by row.

use proptest::prelude::*;

use super::*;

#[test]
fn scopes_are_read_into_their_normal_form() {
    let table = [
        ("repository:library/alpine:pull", "repository:library/alpine:pull"),
        ("repository:a/b:push,pull,push", "repository:a/b:pull,push"),
        ("repository:a/b:pull,*,push", "repository:a/b:*"),
        (
            "repository:localhost:5000/a/b:pull",
            "repository:localhost:5000/a/b:pull",
        ),
        ("repository(plugin):a/b:pull", "repository(plugin):a/b:pull"),
        ("registry:catalog:*", "registry:catalog:*"),
        (
            "repository:a/b:metadata_read,pull",
            "repository:a/b:metadata_read,pull",
        ),
    ];
    for (text, normal) in table {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), normal, "{text}");
    }
}

#[test]
fn what_is_no_scope_is_refused_by_its_part() {
    let table = [
        ("", InvalidScope::Shape),
        ("repository", InvalidScope::Shape),
        ("repository:a/b", InvalidScope::Shape),
        (":a/b:pull", InvalidScope::Type),
        ("Repository:a/b:pull", InvalidScope::Type),
        ("repository(:a/b:pull", InvalidScope::Type),
        ("repository():a/b:pull", InvalidScope::Type),
        ("repository)(x:a/b:pull", InvalidScope::Type),
        ("repository::pull", InvalidScope::Name),
        ("repository:a b:pull", InvalidScope::Name),
        ("repository:a\nb:pull", InvalidScope::Name),
        ("repository:a/b:", InvalidScope::Action),
        ("repository:a/b:pull,,push", InvalidScope::Action),
        ("repository:a/b:pu*", InvalidScope::Action),
    ];
    for (text, error) in table {
        assert_eq!(text.parse::<Scope>(), Err(error), "{text}");
    }
}

#[test]
fn a_name_of_512_bytes_is_the_longest() {
    let named = |length| format!("repository:{}:pull", "a".repeat(length)).parse::<Scope>();
    assert!(named(512).is_ok());
    for length in [513, 514, 4000] {
        assert_eq!(named(length), Err(InvalidScope::Name), "{length}");
    }
}

#[test]
fn a_resource_is_told_by_type_class_and_name() {
    for (text, kind, class, name) in [
        ("repository:a/b:pull", "repository", None, "a/b"),
        ("repository(plugin):a:pull", "repository", Some("plugin"), "a"),
        ("registry:catalog:*", "registry", None, "catalog"),
    ] {
        let scope: Scope = text.parse().unwrap();
        let resource = scope.resource();
        assert_eq!(
            (resource.kind(), resource.class(), resource.name()),
            (kind, class, name)
        );
    }
}

#[test]
fn repositories_are_named_as_in_docker() {
    let (hub, other): (Registry, Registry) = ("docker.io".parse().unwrap(), "ghcr.io".parse().unwrap());
    assert_eq!(
        Scope::pull("alpine", &hub).unwrap().to_string(),
        "repository:library/alpine:pull"
    );
    assert_eq!(
        Scope::pull("alpine", &other).unwrap().to_string(),
        "repository:alpine:pull"
    );
    assert_eq!(
        Scope::push("acme/app", &hub).unwrap().to_string(),
        "repository:acme/app:pull,push"
    );
    for name in ["a-b", "a--b", "a_b/c__d", "0.1"] {
        assert!(Scope::pull(name, &other).is_ok(), "{name}");
    }
    for name in [
        "",
        "a:1",
        "a@sha256:0",
        "A",
        "a//b",
        "/a",
        "a b",
        "a,b",
        "a/../b",
        "..",
        "a/.",
        ".a",
        "a-",
        "a___b",
        "a._b",
    ] {
        assert_eq!(Scope::pull(name, &hub), Err(InvalidScope::Repository), "{name}");
    }
}

#[test]
fn a_set_merges_what_is_about_one_resource() {
    let set: ScopeSet = "repository:b:push registry:catalog:* repository:a:pull  repository:b:pull"
        .parse()
        .unwrap();
    assert_eq!(
        set.to_string(),
        "registry:catalog:* repository:a:pull repository:b:pull,push"
    );
    assert_eq!("".parse::<ScopeSet>().unwrap(), ScopeSet::default());
}

#[test]
fn what_is_lacking_is_named() {
    let allowed: ScopeSet = "repository:a:pull repository:b:*".parse().unwrap();
    let lacking = |wanted: &str| allowed.lacking(&wanted.parse().unwrap()).to_string();
    assert_eq!(lacking("repository:a:pull repository:b:delete"), "");
    assert_eq!(
        lacking("repository:a:pull,push repository:c:pull"),
        "repository:a:push repository:c:pull"
    );
    assert_eq!(lacking("repository(plugin):a:pull"), "repository(plugin):a:pull");
    assert_eq!(lacking("repository:a:*"), "repository:a:*");
}

fn scope() -> impl Strategy<Value = Scope> {
    (
        "(repository|registry)(\\(plugin\\))?",
        "[ab](:[1-3]/[ab])?",
        "(pull|push|delete|\\*)(,(pull|push|x_y)){0,3}",
    )
        .prop_map(|(kind, name, actions)| format!("{kind}:{name}:{actions}").parse().expect("a scope"))
}

fn set() -> impl Strategy<Value = ScopeSet> {
    prop::collection::vec(scope(), 0..5).prop_map(|scopes| scopes.into_iter().collect())
}

proptest! {
    #[test]
    fn text_and_set_are_each_others_inverse(set in set()) {
        prop_assert_eq!(set.to_string().parse::<ScopeSet>(), Ok(set));
    }

    #[test]
    fn covering_is_a_preorder_and_agrees_with_what_is_lacking(a in set(), b in set(), c in set()) {
        prop_assert!(a.covers(&a));
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
        prop_assert_eq!(a.covers(&b) && b.covers(&a), a == b);
    }

    #[test]
    fn a_merge_covers_both_and_nothing_narrower_does(a in set(), b in set()) {
        let mut both = a.clone();
        both.extend(b.iter());
        prop_assert!(both.covers(&a) && both.covers(&b));
        let mut other_way = b.clone();
        other_way.extend(a.iter());
        prop_assert_eq!(&both, &other_way);
        let mut rest = a.clone();
        rest.extend(a.lacking(&both).iter());
        prop_assert_eq!(rest, both);
    }
}
