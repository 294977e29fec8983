//! The credential store as the commands use it: what is changed or forgotten is what was meant, and nothing beside it.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where it errs, and damages files by hand"
)]

mod support;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use docker_credential_scoped::credential::{
    AllowedScopes, Credential, KeptSecret, Kind, Origin, Profile, TokenId,
};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::protocol::docker::MAX_STORE_BYTES;
use docker_credential_scoped::registry::{Registry, Server, ServerUrl, TokenServer};
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::store::{
    CredentialStore, Home as StoreHome, Put, Slot, StoreError, TokenServers,
};
use support::home::Home;
use time::OffsetDateTime;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
}

fn open(home: &Home) -> CredentialStore {
    CredentialStore::at(Some(Location::new(home.data(), &home.path())))
}

fn server(url: &str) -> Server {
    url.parse::<ServerUrl>().unwrap().server().clone()
}

fn slot(url: &str, profile: &str) -> Slot {
    Slot::new(server(url), profile.parse().unwrap())
}

fn credential(url: &str, account: &str, secret: &str) -> Credential {
    Credential {
        server_url: url.parse().unwrap(),
        account: account.to_owned(),
        secret: KeptSecret::Here(Secret::new(secret.to_owned())),
        kind: Kind::Password,
        token_id: None,
        allowed: AllowedScopes::Unknown,
        expires: None,
        created: Some(at(0)),
        origin: Origin::Client,
    }
}

/// Who is in a slot, with what secret, as what, and when it was used.
fn told(store: &CredentialStore, slot: &Slot) -> Option<(String, String, Kind, OffsetDateTime)> {
    let held = store.get(slot).unwrap()?;
    let KeptSecret::Here(secret) = &held.credential.secret else {
        panic!("kept elsewhere");
    };
    let account = held.credential.account.clone();
    Some((
        account,
        secret.expose().to_owned(),
        held.credential.kind,
        held.last_used,
    ))
}

#[test]
fn what_is_learnt_is_written_down_of_the_credential_that_was_seen_and_no_other() {
    let home = Home::new();
    let store = open(&home);
    let slot = slot("h", "default");
    let id = |text: &str| Some(text.parse::<TokenId>().unwrap());
    let held = Credential {
        token_id: id("1-a"),
        kind: Kind::PersonalAccessToken,
        ..credential("h", "u", "s")
    };
    let learnt = Credential {
        kind: Kind::SessionToken,
        ..held.clone()
    };
    assert!(
        !store.describe(&slot, &held, &learnt, at(9)).unwrap(),
        "nothing is there"
    );
    assert!(matches!(store.put(&slot, &held, at(1)).unwrap(), Put::New));
    // A file is of when it was written; of the second one it is told when that was.
    assert!(matches!(store.put(&slot, &held, at(1)).unwrap(), Put::Unchanged));
    let with = |change: &dyn Fn(&mut Credential)| {
        let mut seen = held.clone();
        change(&mut seen);
        seen
    };
    for (what, seen) in [
        ("account", with(&|seen| "v".clone_into(&mut seen.account))),
        (
            "secret",
            with(&|seen| seen.secret = KeptSecret::Here(Secret::new("t".to_owned()))),
        ),
        ("kind", with(&|seen| seen.kind = Kind::Password)),
        ("id", with(&|seen| seen.token_id = id("1-b"))),
        ("no id", with(&|seen| seen.token_id = None)),
    ] {
        assert!(!store.describe(&slot, &seen, &learnt, at(9)).unwrap(), "{what}");
        let is = ("u".to_owned(), "s".to_owned(), Kind::PersonalAccessToken, at(1));
        assert_eq!(told(&store, &slot), Some(is), "{what}");
    }
    assert!(store.describe(&slot, &held, &learnt, at(9)).unwrap());
    let is = ("u".to_owned(), "s".to_owned(), Kind::SessionToken, at(1));
    assert_eq!(told(&store, &slot), Some(is), "it is no use of it");
}

#[test]
fn a_login_under_another_spelling_of_its_server_keeps_what_is_known_of_it() {
    let home = Home::new();
    let store = open(&home);
    let slot = slot("h", "default");
    let known = Credential {
        kind: Kind::SessionToken,
        ..credential("h", "u", "s")
    };
    store.put(&slot, &known, at(0)).unwrap();
    let put = store
        .put(&slot, &credential("https://h", "u", "s"), at(1))
        .unwrap();
    assert!(matches!(put, Put::Replaced(_)), "{put:?}");
    let held = store.get(&slot).unwrap().unwrap();
    assert_eq!(held.credential.server_url.as_str(), "https://h");
    assert_eq!(
        (held.credential.kind, held.last_used > at(1)),
        (Kind::SessionToken, false)
    );
    let put = store
        .put(&slot, &credential("https://h", "u", "s"), at(900))
        .unwrap();
    assert!(matches!(put, Put::Unchanged), "{put:?}");
    assert_eq!(told(&store, &slot).unwrap().3, at(900));
}

/// One file is locked for a slot, and another where the holder of that does not move.
#[test]
fn a_turn_is_one_at_a_time_and_who_has_waited_long_enough_is_told_so() {
    let home = Home::new();
    let store = open(&home);
    let slot = slot("h", "default");
    let now = Instant::now();
    assert!(
        store.turn(&slot, now).unwrap().is_none(),
        "there is nothing to have a turn at"
    );
    store.put(&slot, &credential("h", "u", "s"), at(0)).unwrap();
    let turn = store.turn(&slot, now).unwrap();
    assert!(turn.is_some());
    let long_ago = now.checked_sub(Duration::from_secs(20)).unwrap();
    let error = open(&home).turn(&slot, long_ago).unwrap_err();
    assert!(matches!(error, StoreError::Crowded), "{error}");
    assert!(now.elapsed() < Duration::from_secs(9));
    drop(turn);
    assert!(open(&home).turn(&slot, Instant::now()).unwrap().is_some());
}

#[test]
fn what_is_renewed_is_what_it_was_renewed_with() {
    let home = Home::new();
    let store = open(&home);
    let slot = slot("h", "default");
    let (used, renewed) = (credential("h", "u", "one"), credential("h", "u", "two"));
    assert!(
        !store.renew(&slot, &used, &renewed, at(1)).unwrap(),
        "nothing is there"
    );
    assert!(told(&store, &slot).is_none(), "who has logged out has meant it");
    store.put(&slot, &credential("h", "u", "another"), at(0)).unwrap();
    assert!(!store.renew(&slot, &used, &renewed, at(1)).unwrap());
    assert_eq!(
        told(&store, &slot).unwrap().1,
        "another",
        "who has logged in anew, too"
    );
    store.put(&slot, &used, at(0)).unwrap();
    assert!(store.renew(&slot, &used, &renewed, at(1)).unwrap());
    assert_eq!(told(&store, &slot).unwrap().1, "two");
}

#[test]
fn what_is_removed_is_what_was_meant_and_where_it_was_meant() {
    let home = Home::new();
    let store = open(&home);
    let (one, other) = (slot("h", "default"), slot("h", "ci"));
    assert!(
        store.remove_if(&one, |_| true).unwrap().is_none(),
        "nothing is there"
    );
    assert!(!store.remove(&one).unwrap());
    for slot in [&one, &other] {
        store.put(slot, &credential("h", "u", "s"), at(0)).unwrap();
    }
    let is_of = |account: &'static str| move |credential: &Credential| credential.account == account;
    assert!(store.remove_if(&one, is_of("v")).unwrap().is_none());
    assert!(told(&store, &one).is_some(), "somebody else's is there now");
    assert_eq!(store.remove_if(&one, is_of("u")).unwrap().unwrap().account, "u");
    assert!(told(&store, &one).is_none() && told(&store, &other).is_some());
    assert!(!store.remove(&one).unwrap());
    assert!(store.remove(&other).unwrap());
    assert!(told(&store, &other).is_none());
}

#[test]
fn a_profile_is_forgotten_whole_and_no_other_is() {
    let home = Home::new();
    let store = open(&home);
    let profile = |name: &str| name.parse::<Profile>().unwrap();
    assert!(store.remove_profile(&profile("ci")).unwrap().is_empty());
    for (url, of) in [
        ("h", "ci"),
        ("i", "ci"),
        ("h", "default"),
        ("h", "ci2"),
        ("ci", "c"),
    ] {
        store
            .put(&slot(url, of), &credential(url, "u", "s"), at(0))
            .unwrap();
    }
    // What does not open is forgotten, too.
    home.damage_file("i@ci");
    let removed = store.remove_profile(&profile("ci")).unwrap();
    let removed: Vec<_> = removed
        .iter()
        .map(|entry| (entry.server.as_str(), entry.profile.as_str(), entry.held.is_ok()))
        .collect();
    assert_eq!(removed, [("h", "ci", true), ("i", "ci", false)]);
    let left = store.entries().unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|entry| (entry.server.as_str(), entry.profile.as_str()))
        .collect();
    assert_eq!(left, [("ci", "c"), ("h", "ci2"), ("h", "default")]);
}

#[test]
fn what_is_told_of_a_registry_is_its_own_whether_it_opens_or_not() {
    let home = Home::new();
    let store = open(&home);
    let long = |registry: &str, end: &str| format!("{registry}/{}{end}", "x".repeat(120));
    let (asked, not_asked) = (long("h", "/asked"), long("h", "/not"));
    let others = ["h.evil", "h-b", "g", "i"].map(str::to_owned);
    let mut all = vec!["h".to_owned(), "h/a".to_owned(), asked.clone(), not_asked];
    all.extend(
        others
            .iter()
            .cloned()
            .chain(["h.evil/h".to_owned(), long("i", "")]),
    );
    for url in &all {
        let put = store.put(&slot(url, "default"), &credential(url, "u", "s"), at(0));
        assert!(matches!(put.unwrap(), Put::New), "{url}");
    }
    let registry = server("h").registry().unwrap().clone();
    let found = |is_open: bool| {
        let asked = || vec![server(&asked), server(&long("i", ""))];
        let mut found: Vec<_> = store.of_registry(&registry, asked).unwrap();
        found.sort_by_key(|(slot, _)| slot.server().to_string());
        found
            .into_iter()
            .map(|(slot, held)| {
                assert_eq!(held.is_ok(), is_open, "{slot:?}");
                assert_eq!(slot.profile().as_str(), "default");
                slot.server().to_string()
            })
            .collect::<Vec<_>>()
    };
    let mut own = all[..4].to_vec();
    own.sort();
    assert_eq!(found(true), own);
    for file in fs::read_dir(home.slots()).unwrap() {
        home.damage_file(file.unwrap().file_name().to_str().unwrap());
    }
    assert_eq!(
        found(false),
        ["h", "h/a", &asked],
        "of the other only the beginning can be read"
    );
}

#[test]
fn who_changes_a_slot_is_waited_for_by_who_changes_it_next() {
    let home = Home::new();
    let store = open(&home);
    let slot = slot("h", "default");
    store.put(&slot, &credential("h", "u", "s"), at(0)).unwrap();
    thread::scope(|scope| {
        let changed = store.change(&slot, at(1), |before| {
            let after = Credential {
                kind: Kind::PersonalAccessToken,
                ..before.unwrap().clone()
            };
            scope.spawn(|| assert!(open(&home).remove(&slot).unwrap()));
            // So long that it would be done, if it did not wait.
            thread::sleep(Duration::from_millis(500));
            Ok::<_, StoreError>(after)
        });
        let (after, before) = changed.unwrap();
        assert_eq!(
            (after.kind, before.unwrap().kind),
            (Kind::PersonalAccessToken, Kind::Password)
        );
    });
    assert!(told(&store, &slot).is_none(), "what was removed is back");
}

#[test]
fn it_is_known_before_something_is_had_that_it_cannot_be_kept() {
    assert!(matches!(
        CredentialStore::at(None).prepare(at(0)).unwrap_err(),
        StoreError::NoHome
    ));
    let home = Home::new();
    open(&home).prepare(at(0)).unwrap();
    assert_eq!(
        fs::read_dir(home.slots()).unwrap().count(),
        0,
        "nothing is kept yet"
    );
    fs::create_dir(home.slots().join("probe")).unwrap();
    assert!(matches!(
        open(&home).prepare(at(0)).unwrap_err(),
        StoreError::File(_)
    ));
    fs::remove_dir_all(home.slots()).unwrap();
    fs::write(home.slots(), "no directory").unwrap();
    assert!(matches!(
        open(&home).prepare(at(0)).unwrap_err(),
        StoreError::File(_)
    ));
    fs::remove_file(home.slots()).unwrap();
    home.damage_key();
    assert!(matches!(
        open(&home).prepare(at(0)).unwrap_err(),
        StoreError::Key(_)
    ));
}

#[test]
fn where_the_key_is_lost_no_move_makes_another() {
    let home = Home::new();
    open(&home)
        .put(&slot("h", "default"), &credential("h", "u", "s"), at(0))
        .unwrap();
    let key = home.data().join("key");
    fs::remove_file(&key).unwrap();
    let is_missing = |error: StoreError| error.to_string().contains("the key is missing");
    assert!(is_missing(open(&home).key_state().unwrap_err()));
    assert!(is_missing(open(&home).open_key().unwrap_err()));
    let passphrase = Secret::new("correct horse".to_owned());
    for to in [StoreHome::KeyFile, StoreHome::Passphrase(&passphrase)] {
        assert!(is_missing(open(&home).move_key(to).unwrap_err()));
        assert!(!key.exists());
    }
}

#[test]
fn the_longest_that_can_be_stored_is_had_again() {
    let home = Home::new();
    let (store, slot) = (open(&home), slot("h", "default"));
    let longest = "x".repeat(MAX_STORE_BYTES);
    store.put(&slot, &credential("h", "u", &longest), at(0)).unwrap();
    assert!(told(&store, &slot).unwrap().1 == longest);
    assert!(matches!(
        store.put(&slot, &credential("h", "u", &longest), at(0)).unwrap(),
        Put::Unchanged
    ));
}

#[test]
fn the_token_server_of_a_registry_is_recorded_for_that_registry() {
    let home = Home::new();
    let open = || TokenServers::at(Some(Location::new(home.data(), &home.path())));
    let registry = |text: &str| text.parse::<Registry>().unwrap();
    let of = |length: usize| TokenServer {
        realm: format!("https://h/{}", "x".repeat(length)).parse().unwrap(),
        service: Some("h".to_owned()),
    };
    assert!(open().get(&registry("h")).unwrap().is_none());
    for length in [5, 2000] {
        open().put(&registry("h"), &of(length)).unwrap();
        let found = open().get(&registry("h")).unwrap().unwrap();
        assert_eq!(
            (found.realm, found.service),
            (of(length).realm, of(length).service)
        );
    }
    for other in ["i", "h:5000"] {
        assert!(open().get(&registry(other)).unwrap().is_none(), "{other}");
    }
}
