//! Which tokens are session tokens, and which of them are kept: by example, and over random histories.

mod histories;

use super::*;

/// Later than all that happens.
const NOW: i64 = 1000;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

fn id(text: &str) -> TokenId {
    text.parse().unwrap()
}

/// A token with an id, made and last used then.
fn token(name: &str, created: i64, last_used: Option<i64>) -> SessionToken<&'static str> {
    SessionToken {
        id: Some(id(name)),
        places: Vec::new(),
        created: at(created),
        last_used: last_used.map(at),
    }
}

fn names<P>(tokens: &[SessionToken<P>]) -> Vec<&str> {
    tokens
        .iter()
        .map(|token| token.id.as_ref().map_or("-", TokenId::as_str))
        .collect()
}

#[test]
fn only_what_begins_like_a_sessions_label_is_reserved() {
    assert!(SessionLabel::is_reserved("docker-credential-scoped/session/m/p"));
    assert!(SessionLabel::is_reserved("docker-credential-scoped/session/"));
    for label in [
        "",
        "ci",
        "docker-credential-scoped",
        "x docker-credential-scoped/session/m/p",
    ] {
        assert!(!SessionLabel::is_reserved(label), "{label}");
    }
}

#[test]
fn who_made_a_token_is_told_in_docker_hubs_word() {
    for (word, told) in [
        (None, None),
        (Some(""), None),
        (Some("Unknown"), None),
        (Some("MANUAL"), Some("manual")),
        (Some(" auto "), Some("auto")),
    ] {
        assert_eq!(Source::read(word).word(), told, "{word:?}");
    }
}

#[test]
fn a_machine_is_named_by_what_a_label_may_hold_of_its_host_name() {
    for (host_name, machine) in [
        ("build-7.example", "build-7.example"),
        ("Anna's Mac", "Anna-s-Mac"),
        ("caf\u{e9}/\n", "caf---"),
        ("", "unknown"),
        (&"x".repeat(64), &"x".repeat(32)),
        (&"\u{e9}".repeat(64), &"-".repeat(32)),
    ] {
        let named = Machine::of_host_name(host_name);
        assert_eq!(named.to_string(), machine, "{host_name:?}");
        assert_eq!(named.to_string().parse(), Ok(named));
    }
}

#[test]
fn a_label_is_read_as_it_is_written_and_never_longer_than_docker_hub_takes() {
    let label = SessionLabel {
        machine: Machine::of_host_name("laptop"),
        profile: "session".parse().unwrap(),
    };
    assert_eq!(
        label.to_string(),
        "docker-credential-scoped/session/laptop/session"
    );
    assert_eq!(label.to_string().parse(), Ok(label));
    let longest = SessionLabel {
        machine: Machine::of_host_name(&"m".repeat(300)),
        profile: "p".repeat(32).parse().unwrap(),
    };
    assert!(longest.to_string().len() <= 100);
    assert_eq!(longest.to_string().parse(), Ok(longest));
    for text in [
        "",
        "laptop",
        "docker-credential-scoped/session/",
        "docker-credential-scoped/session/laptop",
        "docker-credential-scoped/session/laptop/",
        "docker-credential-scoped/session//session",
        "docker-credential-scoped/session/laptop/session/more",
        "docker-credential-scoped/session/lap top/session",
        "docker-credential-scoped/session/laptop/Session",
        "docker-credential-scoped/session/laptop/session ",
        " docker-credential-scoped/session/laptop/session",
        "Docker-credential-scoped/session/laptop/session",
        &format!("docker-credential-scoped/session/{}/session", "m".repeat(33)),
    ] {
        assert_eq!(text.parse::<SessionLabel>(), Err(InvalidSessionLabel), "{text:?}");
    }
}

#[test]
fn a_session_token_is_one_that_can_be_told() {
    let ours = "docker-credential-scoped/session/laptop/session";
    let other = Source::read(Some("desktop"));
    // label, source, recorded, and whether it is one without and with all that were not made by hand
    let table = [
        ("mine", &Source::Manual, false, false, false),
        ("mine", &Source::Manual, true, true, true),
        (ours, &Source::Manual, false, true, true),
        (ours, &Source::Untold, false, true, true),
        ("docker-credential-scoped", &Source::Manual, false, false, false),
        ("Generated", &other, false, false, true),
        ("Generated", &Source::Untold, false, false, false),
        ("Generated", &Source::Untold, true, true, true),
    ];
    let id = id("b30bbf97");
    for (label, source, is_recorded, narrowly, widely) in table {
        let listed = Listed {
            id: &id,
            label,
            source,
        };
        let told = [false, true].map(|all_auto| is_session(&listed, |_| is_recorded, all_auto));
        assert_eq!(told, [narrowly, widely], "{label} {source:?} {is_recorded}");
    }
}

#[test]
fn what_was_taken_for_a_browser_logins_is_what_docker_hub_says_it_is() {
    let ours = "docker-credential-scoped/session/laptop/session";
    let other = Source::read(Some("desktop"));
    // label, source, what it is, and whether it may be one that is held under no id: not recorded, and recorded
    let table = [
        (
            "mine",
            &Source::Manual,
            Some(Kind::PersonalAccessToken),
            [false, false],
        ),
        (ours, &Source::Manual, Some(Kind::SessionToken), [false, false]),
        (ours, &other, Some(Kind::SessionToken), [false, false]),
        ("Generated", &other, Some(Kind::SessionToken), [true, false]),
        ("Generated", &Source::Untold, None, [false, false]),
    ];
    let id = id("b30bbf97");
    for (label, source, kind, may_be) in table {
        let listed = Listed {
            id: &id,
            label,
            source,
        };
        assert_eq!(kind_of_stored(&listed), kind, "{label} {source:?}");
        let told = [false, true].map(|is_recorded| may_be_nameless(&listed, |_| is_recorded));
        assert_eq!(told, may_be, "{label} {source:?}");
    }
}

#[test]
fn who_made_a_token_is_told_by_a_word_or_not_at_all() {
    for (word, source) in [
        (Some("manual"), Source::Manual),
        (Some("Manual "), Source::Manual),
        (Some("auto-generated"), Source::Other("auto-generated".to_owned())),
        (Some(""), Source::Untold),
        (Some("unknown"), Source::Untold),
        (None, Source::Untold),
    ] {
        assert_eq!(Source::read(word), source, "{word:?}");
    }
}

#[test]
fn the_token_of_a_browser_login_follows_its_access_token() {
    for (account, after, expected) in [
        ("alice", 0, true),
        ("alice", 300, true),
        ("alice", 301, false),
        ("alice", -1, false),
        ("bob", 1, false),
        ("Alice", 1, false),
    ] {
        let told = is_browser_login(account, at(1000 + after), "alice", at(1000));
        assert_eq!(told, expected, "{account} {after}");
    }
}

#[test]
fn the_most_recently_used_are_kept_and_the_least_recently_used_go_first() {
    let tokens = vec![
        token("used", 1, Some(90)),
        token("never-used", 80, None),
        token("old", 2, Some(3)),
        // A list that lags says it was used before it was made.
        token("lagging", 70, Some(5)),
        token("older", 1, None),
    ];
    let PrunePlan { kept, pruned } = PrunePlan::new(tokens.clone(), 3, None, at(NOW));
    assert_eq!(names(&kept), ["used", "never-used", "lagging"]);
    assert_eq!(names(&pruned), ["older", "old"]);
    let PrunePlan { kept, pruned } = PrunePlan::new(tokens.clone(), KEPT, None, at(NOW));
    assert_eq!((kept.len(), pruned.len()), (5, 0));
    let PrunePlan { kept, pruned } = PrunePlan::new(tokens, 0, None, at(NOW));
    assert_eq!((kept.len(), pruned.len()), (0, 5));
}

#[test]
fn the_one_just_made_is_kept_whatever_the_clock_says_and_counts_as_one() {
    let tokens = vec![
        token("a", 10, Some(100)),
        token("b", 10, Some(90)),
        token("made", 1, None),
    ];
    for (keep, expected) in [
        (0, vec!["made"]),
        (1, vec!["made"]),
        (2, vec!["made", "a"]),
        (9, vec!["made", "a", "b"]),
    ] {
        let plan = PrunePlan::new(tokens.clone(), keep, Some(&id("made")), at(NOW));
        assert_eq!(names(&plan.kept), expected, "{keep}");
    }
    // One that is not among them makes no room for another.
    let plan = PrunePlan::new(tokens, 0, Some(&id("gone")), at(NOW));
    assert_eq!(names(&plan.kept), Vec::<&str>::new());
}

#[test]
fn among_those_used_at_one_time_the_later_made_comes_first_and_then_the_greater_id() {
    let tokens = vec![
        token("a", 5, Some(9)),
        token("c", 4, Some(9)),
        token("b", 5, Some(9)),
        token("d", 9, None),
    ];
    let mut other_order = tokens.clone();
    other_order.reverse();
    for tokens in [tokens, other_order] {
        let plan = PrunePlan::new(tokens, 9, None, at(NOW));
        assert_eq!(names(&plan.kept), ["d", "b", "a", "c"]);
    }
}

#[test]
fn what_is_said_to_happen_later_than_now_happened_now() {
    let tokens = vec![
        token("ahead", 10, Some(NOW + 900)),
        token("made-ahead", NOW + 500, None),
        token("used", 20, Some(NOW)),
    ];
    let plan = PrunePlan::new(tokens, 2, None, at(NOW));
    let times = |token: &SessionToken<_>| (token.created, token.last_used);
    assert_eq!(names(&plan.kept), ["made-ahead", "used"]);
    assert_eq!(times(&plan.kept[0]), (at(NOW), None));
    assert_eq!(times(&plan.pruned[0]), (at(10), Some(at(NOW))));
}

#[test]
fn times_of_this_machine_are_told_by_docker_hubs_clock_and_never_later_than_now() {
    // ours, Docker Hub's, what is written down here, and what that is by Docker Hub's
    for (ours, theirs, written, expected) in [
        (1000, 4000, 900, 3900),
        (4000, 1000, 3900, 900),
        (1000, 1003, 900, 903),
        // As near as one can tell.
        (1000, 1002, 900, 900),
        (1000, 998, 900, 900),
        // Written down when this machine's clock was ahead.
        (1000, 4000, 5000, 4000),
        (1000, 1001, 5000, 1000),
        // Written down before it was put back; and while this is done.
        (1000, 4000, 3000, 3000),
        (1000, 4000, 2000, 4000),
        (1000, 4000, 2200, 4000),
        (1000, 4000, 2201, 2201),
    ] {
        let clocks = Clocks::new(at(ours), at(theirs));
        assert_eq!(
            clocks.theirs(at(written)),
            at(expected),
            "{ours} {theirs} {written}"
        );
        assert!(clocks.theirs(at(written)) <= clocks.now());
    }
}

#[test]
fn what_the_list_and_this_machine_know_of_a_token_is_taken_together() {
    let here = |name, place, last_used| SessionToken {
        places: vec![place],
        ..token(name, 12, Some(last_used))
    };
    let tokens = vec![
        token("a", 10, Some(20)),
        token("b", 11, Some(50)),
        here("a", "second", 60),
        here("a", "first", 30),
    ];
    let PrunePlan { kept, pruned } = PrunePlan::new(tokens, 1, None, at(NOW));
    let a = SessionToken {
        places: vec!["first", "second"],
        ..token("a", 12, Some(60))
    };
    assert_eq!(kept, [a]);
    assert_eq!(names(&pruned), ["b"]);
    // Of those without an id nobody knows whether they are one.
    let nameless = |place| SessionToken {
        id: None,
        ..here("x", place, 30)
    };
    let PrunePlan { kept, pruned } = PrunePlan::new(vec![nameless("two"), nameless("one")], 1, None, at(NOW));
    assert_eq!((&kept[0].places, &pruned[0].places), (&vec!["two"], &vec!["one"]));
}
