//! The token cache with many processes at once, processes that are killed or stopped, directories that are not what
//! they should be, and files that somebody else wrote: one exchange however many ask, never another's token, and
//! never an error for the cache's sake.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test damages files by hand, tells its processes what to do, and stops where it errs"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::{AccessToken, RefreshToken, ScopeSet};
use docker_credential_scoped::seal::Key;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::token_cache::{
    Answered, Proof, Remembered, Subject, TokenCache, Unobtained, Wanted, make_key, read_key,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use time::OffsetDateTime;

const CANARY: &str = "canary-of-a-long-lived-secret";
const REALM: &str = "https://auth.example.com/token";

// ---- one process ----

/// A place for a cache, and the key to it.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn cache(&self) -> TokenCache {
        cache_at(&self.path())
    }

    fn entries(&self) -> Vec<PathBuf> {
        files_below(&self.path().join("tokens"))
    }
}

fn cache_at(path: &Path) -> TokenCache {
    let location = Location::of_cache(path.to_owned(), Path::new("/nowhere"));
    TokenCache::new(Some(location), Some(Key::from_bytes([7; 32])))
}

fn files_below(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
}

fn token(text: &str, issued: OffsetDateTime, life: i64) -> AccessToken {
    AccessToken {
        token: Secret::new(text.to_owned()),
        granted: Some("repository:a/b:pull".parse().unwrap()),
        issued,
        expires: issued + time::Duration::seconds(life),
    }
}

/// What is wanted with a credential, for a repository.
struct Want {
    secret: Option<Secret>,
    service: &'static str,
    scope: ScopeSet,
}

impl Want {
    fn new(secret: &str, repository: &str) -> Self {
        Self {
            secret: Some(Secret::new(secret.to_owned())),
            service: "registry.example.com",
            scope: format!("repository:{repository}:pull").parse().unwrap(),
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            server: "registry.example.com",
            subject: self.secret.as_ref().map(|secret| Subject {
                slot: "registry.example.com@default",
                account: "u",
                proof: Proof::Stored(secret),
            }),
            realm: REALM,
            service: Some(self.service),
            scope: &self.scope,
        }
    }

    /// The token by an exchange that answers `text`, or the cache's; and whether it was exchanged.
    fn obtain(&self, cache: &TokenCache, now: i64, text: &str) -> (String, bool) {
        let mut exchanged = false;
        let got = cache.obtain(
            &cache.ticket(self.wanted()),
            at(now),
            || {
                exchanged = true;
                Ok::<_, ()>(token(text, at(now), 300))
            },
            |()| None,
        );
        (got.unwrap().token.expose().to_owned(), exchanged)
    }

    fn look_up(&self, cache: &TokenCache, now: i64) -> Option<String> {
        match cache.look_up(&cache.ticket(self.wanted()), at(now))? {
            Remembered::Token(token) => Some(token.token.expose().to_owned()),
            Remembered::RefreshToken(_) | Remembered::Refusal { .. } => panic!("an access token"),
        }
    }
}

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

// ---- many processes ----

/// Tells a process started from this program that it is to obtain a token, and how.
const ROLE: &str = "TOKEN_CACHE_TEST_ROLE";

/// Not a test of its own: what the processes of the tests below run.
#[test]
fn process() {
    let Some(role) = env::var_os(ROLE) else { return };
    let role = role.into_string().unwrap();
    let [address, path, secret, repository] = role.split('|').collect::<Vec<_>>()[..] else {
        panic!("a role")
    };
    // All begin when the last has been started.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let now = OffsetDateTime::now_utc();
    let (cache, want) = (cache_at(Path::new(path)), Want::new(secret, repository));
    let got = cache.obtain(
        &cache.ticket(want.wanted()),
        now,
        || -> Result<_, String> {
            let mut server = TcpStream::connect(address).unwrap();
            writeln!(server, "{} {secret} {repository}", std::process::id()).unwrap();
            let mut answer = String::new();
            server.read_to_string(&mut answer).unwrap();
            match answer.as_str() {
                "refused" => Err(answer),
                _ => Ok(token(&answer, now, 300)),
            }
        },
        |word| Some(word.clone()),
    );
    match got {
        Ok(token) => println!("\nANSWER {}", token.token.expose()),
        Err(_) => println!("\nANSWER refused"),
    }
}

/// A token server that counts: its first requests are held until the test lets go of them.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    held: Mutex<Receiver<(i32, Instant, TcpStream)>>,
}

impl Server {
    fn start(holds: usize, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (hold, requests_held): (Sender<(i32, Instant, TcpStream)>, _) = channel();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let (seen, hold) = (Arc::clone(&seen), hold.clone());
                thread::spawn(move || {
                    let mut line = String::new();
                    BufReader::new(&stream).read_line(&mut line).unwrap();
                    let (pid, what) = line.trim_end().split_once(' ').unwrap();
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(what.to_owned());
                        seen.len()
                    };
                    if number <= holds {
                        // The test may have no more use for it.
                        let _ = hold.send((pid.parse().unwrap(), Instant::now(), stream));
                        return;
                    }
                    thread::sleep(delay);
                    Self::answer(&stream, &format!("token-{number} for {what}"));
                });
            }
        });
        Self {
            address,
            requests,
            held: Mutex::new(requests_held),
        }
    }

    fn answer(mut stream: &TcpStream, text: &str) {
        let text = if text.contains("wrong-password") {
            "refused"
        } else {
            text
        };
        // Who asked may have been killed.
        let _ = stream.write_all(text.as_bytes());
    }

    /// The next request that is held: who asked, when it came, and where to answer.
    fn held(&self) -> (i32, Instant, TcpStream) {
        self.held.lock().unwrap().recv().unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Processes that wait for their start.
struct Crowd {
    children: Vec<Child>,
    start: io::PipeWriter,
}

impl Crowd {
    fn gather(place: &Place, server: &Server, wants: &[(&str, String)]) -> Self {
        let (wait, start) = io::pipe().unwrap();
        let children = wants
            .iter()
            .map(|(secret, repository)| {
                let role = [
                    &server.address,
                    place.path().to_str().unwrap(),
                    secret,
                    repository,
                ]
                .join("|");
                // The umask of a careless system: nothing may rely on it.
                Command::new("sh")
                    .args([
                        "-c",
                        "umask 000; exec \"$0\" --exact process --nocapture --test-threads 1",
                    ])
                    .arg(env::current_exe().unwrap())
                    .env(ROLE, role)
                    .stdin(wait.try_clone().unwrap())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        Self { children, start }
    }

    /// Lets them go, and collects what each answered; nothing from who was killed.
    fn answers(self) -> Vec<Option<String>> {
        drop(self.start);
        self.children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                text.lines()
                    .find_map(|line| line.strip_prefix("ANSWER ").map(str::to_owned))
            })
            .collect()
    }
}

fn one_ticket(count: usize) -> Vec<(&'static str, String)> {
    vec![(CANARY, "a/b".to_owned()); count]
}

#[test]
fn two_hundred_processes_make_one_exchange_and_leave_nothing_readable() {
    let place = Place::new();
    let server = Server::start(0, Duration::from_millis(100));
    let answers = Crowd::gather(&place, &server, &one_ticket(200)).answers();
    assert_eq!(server.requests(), 1);
    let expected = format!("token-1 for {CANARY} a/b");
    assert!(
        answers.iter().all(|answer| answer.as_ref() == Some(&expected)),
        "{answers:?}"
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for file in files_below(&place.path()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        assert!(!file.to_str().unwrap().contains("canary"));
        let content = fs::read(&file).unwrap();
        for readable in ["canary", "a/b", "example.com"] {
            let found = content
                .windows(readable.len())
                .any(|window| window == readable.as_bytes());
            assert!(!found, "{}: {readable}", file.display());
        }
        let directory = file.parent().unwrap();
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
    assert_eq!(mode(&place.path()), 0o700);
    assert_eq!(mode(&place.path().join("staging")), 0o700);
    assert_eq!(fs::read_dir(place.path().join("staging")).unwrap().count(), 0);
}

#[test]
fn eight_tickets_of_twenty_five_processes_make_eight_exchanges() {
    let place = Place::new();
    let server = Server::start(0, Duration::from_millis(50));
    let wants: Vec<_> = (0..200)
        .map(|number| {
            let secret = if number % 2 == 0 { "first" } else { "second" };
            (secret, format!("r/{}", number % 8))
        })
        .collect();
    let answers = Crowd::gather(&place, &server, &wants).answers();
    assert_eq!(server.requests(), 8);
    let mut by_want = BTreeMap::new();
    for ((secret, repository), answer) in wants.iter().zip(answers) {
        let answer = answer.unwrap();
        assert!(
            answer.ends_with(&format!(" for {secret} {repository}")),
            "{answer}"
        );
        assert_eq!(
            by_want
                .entry((secret, repository))
                .or_insert_with(|| answer.clone()),
            &answer
        );
    }
    assert_eq!(by_want.len(), 8);
}

#[test]
fn a_wrong_password_is_tried_once_however_many_try() {
    let place = Place::new();
    let server = Server::start(0, Duration::from_millis(50));
    let wants = vec![("wrong-password", "a/b".to_owned()); 50];
    let answers = Crowd::gather(&place, &server, &wants).answers();
    assert_eq!(server.requests(), 1);
    assert!(
        answers.iter().all(|answer| answer.as_deref() == Some("refused")),
        "{answers:?}"
    );
}

#[test]
fn where_the_holder_is_killed_the_next_takes_over_at_once() {
    let place = Place::new();
    let server = Server::start(2, Duration::ZERO);
    let crowd = Crowd::gather(&place, &server, &one_ticket(20));
    let (answers, taken_over) = thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let (holder, _, _stream) = server.held();
            // The others are waiting by now, and their pauses are as long as they get.
            thread::sleep(Duration::from_millis(500));
            let killed = Instant::now();
            kill_process(Pid::from_raw(holder).unwrap(), Signal::KILL).unwrap();
            let (_, began, stream) = server.held();
            Server::answer(&stream, "second");
            began - killed
        });
        (crowd.answers(), killer.join().unwrap())
    });
    assert_eq!(server.requests(), 2);
    assert!(taken_over < Duration::from_secs(1), "{taken_over:?}");
    let second = answers
        .iter()
        .filter(|answer| answer.as_deref() == Some("second"));
    assert_eq!(second.count(), 19, "{answers:?}");
}

#[test]
fn where_the_holder_is_stopped_the_others_go_on_after_a_while_with_one_exchange_more() {
    let place = Place::new();
    let server = Server::start(1, Duration::ZERO);
    let crowd = Crowd::gather(&place, &server, &one_ticket(50));
    let began = Instant::now();
    let answers = thread::scope(|scope| {
        let stopper = scope.spawn(|| {
            let (holder, _, stream) = server.held();
            let holder = Pid::from_raw(holder).unwrap();
            kill_process(holder, Signal::STOP).unwrap();
            thread::sleep(Duration::from_secs(8));
            // Back again with an answer of its own, it puts that in the place of the other: either is good.
            Server::answer(&stream, "first");
            drop(stream);
            kill_process(holder, Signal::CONT).unwrap();
        });
        let answers = crowd.answers();
        stopper.join().unwrap();
        answers
    });
    assert_eq!(
        server.requests(),
        2,
        "one for the one that was stopped, one for all others"
    );
    assert!(began.elapsed() < Duration::from_secs(12));
    let count = |text: &str| {
        answers
            .iter()
            .filter(|answer| answer.as_deref() == Some(text))
            .count()
    };
    assert_eq!(count("first"), 1, "{answers:?}");
    assert_eq!(count(&format!("token-2 for {CANARY} a/b")), 49, "{answers:?}");
}
