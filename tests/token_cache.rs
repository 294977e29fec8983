//! The token cache in directories that are not what they should be, and with files that somebody else wrote: never
//! another's token, and never an error for the cache's sake.

#![expect(clippy::disallowed_methods, reason = "a test damages files by hand")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::{AccessToken, RefreshToken, ScopeSet};
use docker_credential_scoped::seal::Key;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::token_cache::{Answered, TokenCache, Unobtained, Wanted, make_key, read_key};
use support::token_cache::{CANARY, Place, REALM, Want, at, cache_at, token};

#[test]
fn a_token_is_exchanged_once_until_half_its_life_is_over() {
    let place = Place::new();
    let (cache, want) = (place.cache(), Want::new(CANARY, "a/b"));
    assert_eq!(want.look_up(&cache, 0), None);
    assert!(!place.path().exists(), "a look makes nothing");
    assert_eq!(want.obtain(&cache, 0, "one"), ("one".into(), true));
    assert_eq!(want.obtain(&cache, 150, "two"), ("one".into(), false));
    assert_eq!(want.obtain(&cache, 151, "two"), ("two".into(), true));
    assert_eq!(want.look_up(&cache, 151), Some("two".into()));
    assert_eq!(place.entries().len(), 1);
}

#[test]
fn what_does_not_open_is_counted_until_it_is_over() {
    let place = Place::new();
    Want::new(CANARY, "a/b").obtain(&place.cache(), 0, "one");
    let location = || Location::of_cache(place.path(), Path::new("/nowhere"));
    let other = TokenCache::new(Some(location()), Some(Key::from_bytes([8; 32])));
    let without = TokenCache::new(Some(location()), None);
    assert_eq!(place.cache().unopened(at(0)), 0);
    for cache in [other, without] {
        assert_eq!([299, 300, 301].map(|now| cache.unopened(at(now))), [1, 0, 0]);
    }
}

#[test]
fn a_refresh_token_is_kept_beside_the_access_tokens_and_never_answered_for_one() {
    let place = Place::new();
    let cache = place.cache();
    // Of all that can be wanted, the scope that nothing else tells apart from a refresh token's.
    let want = Want {
        scope: ScopeSet::default(),
        ..Want::new(CANARY, "a/b")
    };
    let refresh = |now: i64, text: &str| {
        let exchange = || Ok::<_, ()>(RefreshToken::new(Secret::new(text.to_owned()), at(now)).unwrap());
        let ticket = cache.refresh_ticket(want.wanted());
        let got = cache.obtain(&ticket, at(now), exchange, |()| None);
        got.unwrap().token.expose().to_owned()
    };
    assert_eq!(refresh(0, "refresh"), "refresh");
    assert_eq!(want.obtain(&cache, 0, "access"), ("access".into(), true));
    assert_eq!(refresh(80_000, "another"), "refresh");
    assert_eq!(refresh(86_400, "another"), "another");
    let shown = cache.entries(at(86_400));
    assert_eq!(shown.len(), 1);
    assert_eq!(shown.first().unwrap().answer, Answered::RefreshToken);
    assert!(!format!("{shown:?}").contains("another"));
    for file in place.entries() {
        assert!(!String::from_utf8_lossy(&fs::read(file).unwrap()).contains("another"));
    }
    cache.forget(&cache.fingerprint(want.wanted().subject.as_ref()).unwrap());
    assert_eq!(refresh(86_400, "anew"), "anew");
}

#[test]
fn another_audience_credential_or_none_is_another_token() {
    let place = Place::new();
    let cache = place.cache();
    let want = Want::new(CANARY, "a/b");
    let other_service = Want {
        service: "other.example.com",
        ..Want::new(CANARY, "a/b")
    };
    let nobody = Want {
        secret: None,
        ..Want::new("", "a/b")
    };
    let rotated = Want::new("new-secret", "a/b");
    for (want, text) in [
        (&want, "one"),
        (&other_service, "two"),
        (&nobody, "three"),
        (&rotated, "four"),
    ] {
        assert_eq!(want.obtain(&cache, 0, text), (text.into(), true));
    }
    assert_eq!(want.look_up(&cache, 0), Some("one".into()));
    assert_eq!(nobody.look_up(&cache, 0), Some("three".into()));
    let fingerprint = cache.fingerprint(want.wanted().subject.as_ref()).unwrap();
    cache.forget(&fingerprint);
    assert_eq!(want.look_up(&cache, 0), None);
    assert_eq!(other_service.look_up(&cache, 0), None);
    assert_eq!(nobody.look_up(&cache, 0), Some("three".into()));
    assert_eq!(rotated.look_up(&cache, 0), Some("four".into()));
    let shown = cache.entries(at(0));
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().any(|entry| entry.account.is_none()));
    assert!(!format!("{shown:?} {cache:?}").contains("three"));
    assert_eq!(cache.clear_server("other.example.com"), 0);
    assert_eq!(cache.clear_server("registry.example.com"), 2);
    assert_eq!(want.obtain(&cache, 0, "one"), ("one".into(), true));
    let without_key = TokenCache::new(
        Some(Location::of_cache(place.path(), Path::new("/nowhere"))),
        None,
    );
    assert_eq!(without_key.clear(), 1);
    assert_eq!(place.entries().len(), 0);
}

/// 2 credentials and none, 50 scopes, 10,000 random looks, exchanges, forgettings and prunings: each token says for
/// whom and what it is, and nobody is ever given another.
#[test]
fn no_credential_and_no_scope_is_ever_given_anothers_token() {
    let place = Place::new();
    let cache = place.cache();
    let wants: Vec<_> = [Some("first"), Some("second"), None]
        .into_iter()
        .flat_map(|secret| {
            (0..50).map(move |repository| Want {
                secret: secret.map(|secret| Secret::new(secret.to_owned())),
                ..Want::new("", &format!("r/{repository}"))
            })
        })
        .collect();
    let mut random = 1_u64;
    let mut hits = 0;
    for step in 0..10_000_i64 {
        // The minimal standard generator, as good as the choice needs.
        random = random * 48271 % 0x7fff_ffff;
        let place = usize::try_from(random).unwrap() % wants.len();
        let want = &wants[place];
        match random / 1000 % 40 {
            0 => cache.forget(&cache.fingerprint(want.wanted().subject.as_ref()).unwrap()),
            1 => cache.refuse(want.wanted(), "401".to_owned(), at(step)),
            2..=20 => {
                if let Some(found) = want.look_up(&cache, step) {
                    assert_eq!(found, place.to_string());
                    hits += 1;
                }
            }
            _ => assert_eq!(want.obtain(&cache, step, &place.to_string()).0, place.to_string()),
        }
    }
    assert!(hits > 1000, "{hits}");
}

#[test]
fn an_entry_that_is_damaged_moved_or_not_ours_is_replaced() {
    let place = Place::new();
    let (cache, want) = (place.cache(), Want::new(CANARY, "a/b"));
    let other = Want::new("other", "a/b");
    want.obtain(&cache, 0, "one");
    let path = place.entries().pop().unwrap();
    let good = fs::read(&path).unwrap();
    other.obtain(&cache, 0, "other");
    let others = place.entries().into_iter().find(|entry| *entry != path).unwrap();
    assert_eq!(path.file_name(), others.file_name());
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bytes in [
        flipped,
        good[..good.len() - 1].to_vec(),
        Vec::new(),
        b"notes".to_vec(),
        b"docker-credential-scoped 2\nlater".to_vec(),
        fs::read(&others).unwrap(),
        vec![0; 1024 * 1024],
    ] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(want.look_up(&cache, 0), None);
        assert_eq!(want.obtain(&cache, 0, "two"), ("two".into(), true));
        assert_eq!(want.look_up(&cache, 0), Some("two".into()));
    }
    // A link is not followed, and a pipe not waited for.
    fs::remove_file(&path).unwrap();
    symlink(&others, &path).unwrap();
    assert_eq!(want.obtain(&cache, 0, "three"), ("three".into(), true));
    assert_eq!(want.look_up(&cache, 0), Some("three".into()));
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(want.obtain(&cache, 0, "four"), ("four".into(), true));
    // What cannot be replaced costs an exchange each time.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(want.obtain(&cache, 0, "five"), ("five".into(), true));
    assert_eq!(want.obtain(&cache, 0, "six"), ("six".into(), true));
    assert_eq!(other.look_up(&cache, 0), Some("other".into()));
}

#[test]
fn whatever_the_clock_does_there_is_a_token_and_none_is_used_past_its_life() {
    const DAY: i64 = 86400;
    let place = Place::new();
    let (cache, want) = (place.cache(), Want::new(CANARY, "a/b"));
    for offset in [-3653 * DAY, -DAY, -3600, 3600, DAY, 3653 * DAY] {
        cache.clear();
        want.obtain(&cache, 0, "before");
        assert_eq!(want.look_up(&cache, offset), None, "{offset}");
        assert_eq!(want.obtain(&cache, offset, "after"), ("after".into(), true));
        assert_eq!(want.obtain(&cache, offset, "again"), ("after".into(), false));
        assert_eq!(want.obtain(&cache, 0, "back"), ("back".into(), true), "{offset}");
    }
}

#[test]
fn a_refusal_is_remembered_for_half_a_minute_and_for_that_secret_only() {
    let place = Place::new();
    let cache = place.cache();
    let ask = |secret: &str, now: i64, error: &'static str| {
        let want = Want::new(secret, "a/b");
        let mut asked = false;
        let result = cache.obtain(
            &cache.ticket(want.wanted()),
            at(now),
            || {
                asked = true;
                Err::<AccessToken, _>(error)
            },
            |error| (*error == "bad password").then(|| "401".to_owned()),
        );
        (asked, result.map(|_| ()).unwrap_err())
    };
    let (asked, error) = ask("wrong", 0, "bad password");
    assert!(asked && matches!(error, Unobtained::Failed("bad password")));
    for now in [0, 29] {
        let (asked, error) = ask("wrong", now, "bad password");
        assert!(!asked);
        let Unobtained::Refused { word, until } = error else {
            panic!("a refusal that is remembered")
        };
        assert_eq!(word, "401");
        // Counted from when it was refused, a moment after it was asked.
        assert!((at(29)..=at(31)).contains(&until));
    }
    assert!(
        ask("right", 0, "bad password").0,
        "a changed secret is not refused"
    );
    assert!(ask("wrong", 31, "server is down").0);
    // What has no word is not remembered.
    assert!(ask("wrong", 31, "server is down").0);
    let shown = cache.entries(at(0));
    assert!(
        shown
            .iter()
            .all(|entry| entry.answer == Answered::Refusal("401".into())),
        "{shown:?}"
    );
}

#[test]
fn a_refused_credential_is_refused_for_every_scope_of_that_realm_and_no_other_credential() {
    let place = Place::new();
    let cache = place.cache();
    let (wrong, right) = (Want::new("wrong", "a/b"), Want::new("right", "a/b"));
    cache.refuse(wrong.wanted(), "401".to_owned(), at(0));
    let elsewhere = Want {
        service: "other",
        ..Want::new("wrong", "c/d")
    };
    for now in [0, 29] {
        for want in [&wrong, &elsewhere] {
            assert_eq!(cache.refusal(want.wanted(), at(now)), Some("401".to_owned()));
        }
    }
    assert_eq!(cache.refusal(wrong.wanted(), at(30)), None);
    assert_eq!(cache.refusal(right.wanted(), at(0)), None);
    let other_realm = Wanted {
        realm: "https://other.example.com/token",
        ..wrong.wanted()
    };
    assert_eq!(cache.refusal(other_realm, at(0)), None);
    // It is no answer to what was wanted of it, and is shown as what it is.
    assert!(cache.look_up(&cache.ticket(wrong.wanted()), at(0)).is_none());
    let shown = cache.entries(at(0)).pop().unwrap();
    assert_eq!(
        (
            shown.realm.as_str(),
            shown.service,
            shown.scope.as_str(),
            shown.answer
        ),
        (REALM, None, "", Answered::Refusal("401".into()))
    );
    let subject = wrong.wanted().subject;
    cache.forget(&cache.fingerprint(subject.as_ref()).unwrap());
    assert_eq!(cache.refusal(wrong.wanted(), at(0)), None);
}

#[test]
fn what_is_kept_for_a_credential_is_shown_for_it_and_for_no_other_while_it_is_good() {
    let place = Place::new();
    let cache = place.cache();
    let (one, other) = (Want::new("one", "a/b"), Want::new("other", "a/b"));
    let shown = |want: &Want, now| {
        let fingerprint = cache.fingerprint(want.wanted().subject.as_ref()).unwrap();
        cache.entries_of(&fingerprint, at(now))
    };
    cache.put(&cache.ticket(one.wanted()), &token("one", at(0), 300), at(0));
    assert_eq!(one.look_up(&cache, 0), Some("one".into()));
    assert_eq!(other.look_up(&cache, 0), None);
    assert_eq!((shown(&one, 0).len(), shown(&other, 0).len()), (1, 0));
    other.obtain(&cache, 100, "other");
    assert_eq!(shown(&one, 150).first().unwrap().expires, at(300));
    assert_eq!(shown(&other, 150).first().unwrap().expires, at(400));
    assert_eq!((shown(&one, 151).len(), shown(&other, 151).len()), (0, 1));
}

#[test]
fn a_miss_sweeps_out_what_is_over_and_what_is_good_stays() {
    let place = Place::new();
    let cache = place.cache();
    let old = Want::new("old", "a/b");
    let good = Want::new("good", "a/b");
    old.obtain(&cache, 0, "old");
    good.obtain(&cache, 200, "good");
    assert_eq!(place.entries().len(), 2);
    let abandoned = place.path().join("staging/new-abandoned");
    fs::write(&abandoned, "x").unwrap();
    let file = fs::File::options().write(true).open(&abandoned).unwrap();
    file.set_modified((at(200) - time::Duration::hours(2)).into())
        .unwrap();
    // A hit reads one file and sweeps nothing.
    good.obtain(&cache, 301, "unused");
    assert_eq!(place.entries().len(), 2);
    Want::new("second", "a/b").obtain(&cache, 301, "second");
    assert_eq!(place.entries().len(), 2);
    assert_eq!(fs::read_dir(place.path().join("tokens")).unwrap().count(), 2);
    assert!(!abandoned.exists());
    assert_eq!(good.look_up(&cache, 301), Some("good".into()));
    assert_eq!(old.look_up(&cache, 0), None);
    Want::new("third", "a/b").obtain(&cache, 700, "third");
    assert_eq!(place.entries().len(), 1);
}

#[test]
fn a_miss_looks_at_some_of_very_many_and_the_next_ones_at_the_rest() {
    let place = Place::new();
    let cache = place.cache();
    let good = Want::new("good", "a/b");
    good.obtain(&cache, 1000, "good");
    let entry = place.entries().pop().unwrap();
    for number in 0..2500 {
        let until = if number < 1200 { at(2000) } else { at(0) };
        let other = fs::File::create(entry.with_file_name(format!("{number:064x}"))).unwrap();
        other.set_modified(until.into()).unwrap();
    }
    // Another credential's, so that the number of these changes by what is swept out.
    let another = Want::new("another", "a/b");
    let another_fingerprint = cache.fingerprint(another.wanted().subject.as_ref()).unwrap();
    let mut swept = Vec::new();
    for now in 1001..1100 {
        let before = place.entries().len();
        another.obtain(&cache, now, "another");
        cache.forget(&another_fingerprint);
        swept.push(before - place.entries().len());
        if swept.iter().sum::<usize>() == 1300 {
            break;
        }
    }
    assert!(swept.iter().all(|swept| *swept <= 1000), "{swept:?}");
    assert_eq!(swept.iter().sum::<usize>(), 1300, "{swept:?}");
    assert_eq!(good.look_up(&cache, 1100), Some("good".into()));
}

#[test]
fn what_would_be_kept_for_longer_than_a_day_is_swept_out() {
    let place = Place::new();
    let cache = place.cache();
    Want::new("old", "a/b").obtain(&cache, 0, "old");
    let entry = place.entries().pop().unwrap();
    for (seconds, is_kept) in [(86_400, true), (86_401, false)] {
        let file = fs::File::options().write(true).open(&entry).unwrap();
        file.set_modified(at(seconds).into()).unwrap();
        Want::new(if is_kept { "one" } else { "two" }, "a/b").obtain(&cache, 0, "new");
        assert_eq!(entry.exists(), is_kept, "{seconds}");
    }
}

/// Whoever replaces an entry holds its lock, and would lose what had just come; but nobody holds one for an hour.
#[test]
fn what_another_process_is_busy_with_is_swept_out_an_hour_later() {
    let lock_of = |want: &Want| {
        let place = Place::new();
        want.obtain(&place.cache(), 0, "one");
        let mut locks = fs::read_dir(place.path().join("locks")).unwrap();
        locks.next().unwrap().unwrap().file_name()
    };
    let old = Want::new("old", "a/b");
    let lock = lock_of(&old);
    let mut others = ["one", "two", "three", "four"]
        .map(|secret| Want::new(secret, "a/b"))
        .into_iter();
    let other = others.find(|other| lock_of(other) != lock).unwrap();
    let place = Place::new();
    let cache = place.cache();
    old.obtain(&cache, 0, "old");
    let entry = place.entries().pop().unwrap();
    let content = fs::read(&entry).unwrap();
    let held = fs::File::open(place.path().join("locks").join(lock)).unwrap();
    held.lock().unwrap();
    let (hour, day) = (3600, 86_400);
    for (seconds, is_kept) in [
        (60 - hour, true),
        (-60 - hour, false),
        (day + hour - 60, true),
        (day + hour + 60, false),
    ] {
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        fs::set_permissions(entry.parent().unwrap(), Permissions::from_mode(0o700)).unwrap();
        fs::write(&entry, &content).unwrap();
        let file = fs::File::options().write(true).open(&entry).unwrap();
        file.set_modified(at(seconds).into()).unwrap();
        other.obtain(&cache, 0, "other");
        cache.forget(&cache.fingerprint(other.wanted().subject.as_ref()).unwrap());
        assert_eq!(entry.exists(), is_kept, "{seconds}");
    }
}

#[test]
fn nothing_that_others_can_reach_is_used_and_nothing_written_there() {
    let want = Want::new(CANARY, "a/b");
    let no_cache = |cache: &TokenCache, what: &str| {
        for text in ["one", "two"] {
            assert_eq!(want.obtain(cache, 0, text), (text.into(), true), "{what}");
            assert_eq!(want.look_up(cache, 0), None, "{what}");
        }
        cache.refuse(want.wanted(), "401".to_owned(), at(0));
        assert_eq!(cache.refusal(want.wanted(), at(0)), None, "{what}");
        assert_eq!((cache.clear(), cache.entries(at(0)).len()), (0, 0), "{what}");
    };
    let is_empty = |path: &Path| fs::read_dir(path).unwrap().count() == 0;

    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    for mode in [0o777, 0o755, 0o1777, 0o750] {
        fs::set_permissions(place.path(), Permissions::from_mode(mode)).unwrap();
        no_cache(&place.cache(), "open to others");
        assert!(is_empty(&place.path()));
        let location = Location::of_cache(place.path(), Path::new("/nowhere"));
        assert!(make_key(&location).is_none() && is_empty(&place.path()));
    }
    let target = place.directory.path().join("target");
    fs::create_dir(&target).unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o700)).unwrap();
    let link = place.directory.path().join("link");
    symlink(&target, &link).unwrap();
    no_cache(&cache_at(&link), "a link");
    assert!(is_empty(&target));
    if rustix::process::geteuid().is_root() {
        chown(&target, Some(12345), None).unwrap();
        no_cache(&cache_at(&target), "foreign");
        assert!(is_empty(&target));
    }
    let file = place.directory.path().join("file");
    fs::write(&file, "x").unwrap();
    no_cache(&cache_at(&file), "a file");
    no_cache(&cache_at(Path::new("/dev/null/cache")), "nowhere");
    no_cache(&TokenCache::new(None, None), "no directory");
    no_cache(
        &TokenCache::new(None, Some(Key::from_bytes([7; 32]))),
        "no directory",
    );
    let no_key = TokenCache::new(
        Some(Location::of_cache(
            place.directory.path().join("new"),
            Path::new("/"),
        )),
        None,
    );
    no_cache(&no_key, "no key");
    assert!(!place.directory.path().join("new").exists());

    // A directory inside that was opened up, or replaced by a link.
    let place = Place::new();
    let cache = place.cache();
    want.obtain(&cache, 0, "one");
    fs::set_permissions(place.path().join("tokens"), Permissions::from_mode(0o777)).unwrap();
    no_cache(&cache, "tokens open to others");
}

/// As on file systems without locks, or with none to be had: an exchange more at worst, and no waiting.
#[test]
fn where_nothing_can_be_locked_there_is_a_token_all_the_same() {
    let place = Place::new();
    let (cache, want) = (place.cache(), Want::new(CANARY, "a/b"));
    want.obtain(&cache, 0, "one");
    let locks = place.path().join("locks");
    assert_eq!(fs::read_dir(&locks).unwrap().count(), 1);
    fs::remove_dir_all(&locks).unwrap();
    fs::create_dir(&locks).unwrap();
    fs::set_permissions(&locks, Permissions::from_mode(0o700)).unwrap();
    for number in 0..64 {
        fs::create_dir(locks.join(format!("{number:02}"))).unwrap();
    }
    let began = Instant::now();
    assert_eq!(want.obtain(&cache, 200, "two"), ("two".into(), true));
    assert_eq!(want.obtain(&cache, 200, "three"), ("two".into(), false));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn below_a_runtime_directory_that_is_missing_or_open_to_others_there_is_no_place() {
    let place = Place::new();
    let runtime = Location::of_cache(place.path(), Path::new("/nowhere"));
    assert!(runtime.open().unwrap().is_none());
    fs::create_dir(place.path()).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(runtime.open().is_err());
    fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
    let below = runtime
        .open()
        .unwrap()
        .unwrap()
        .location_below("docker-credential-scoped");
    assert_eq!(below.path(), place.path().join("docker-credential-scoped"));
}

#[test]
fn a_key_is_made_once_and_a_damaged_or_open_one_is_replaced() {
    let place = Place::new();
    let location = Location::of_cache(place.path(), Path::new("/nowhere"));
    assert!(read_key(&location).is_none() && !place.path().exists());
    let made = make_key(&location).unwrap();
    assert_eq!(make_key(&location).unwrap().bytes(), made.bytes());
    assert_eq!(read_key(&location).unwrap().bytes(), made.bytes());
    let path = place.path().join("key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for damage in [&b""[..], &[1; 31], &[1; 33]] {
        fs::write(&path, damage).unwrap();
        assert!(read_key(&location).is_none());
        let new = make_key(&location).unwrap();
        assert_eq!(read_key(&location).unwrap().bytes(), new.bytes());
    }
    let known = make_key(&location).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(read_key(&location).is_none(), "others may have read it");
    assert_ne!(make_key(&location).unwrap().bytes(), known.bytes());
}
