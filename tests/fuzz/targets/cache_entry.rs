//! Any bytes as a file of the token cache, and any content in one that is sealed as it should be: a miss, or a token
//! that is fresh, lasts a day at most and is for what was asked; never an error. What is listed is what opens.

#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs, process};

use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::{AccessToken, ScopeSet};
use docker_credential_scoped::seal::{self, Key};
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::token_cache::{Proof, Remembered, Subject, TokenCache, Wanted};
use libfuzzer_sys::fuzz_target;
use time::{Duration, OffsetDateTime};

/// A cache, and the file of the one entry in it.
struct Place {
    cache: TokenCache,
    file: PathBuf,
    name: String,
}

fn key() -> Key {
    Key::from_bytes([7; 32])
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
}

fn with_wanted<T>(then: impl FnOnce(Wanted<'_>) -> T) -> T {
    let scope: ScopeSet = "repository:a/b:pull".parse().expect("a scope");
    let secret = Secret::new("secret".to_owned());
    let subject = Some(Subject { slot: "h@default", account: "u", proof: Proof::Stored(&secret) });
    then(Wanted { server: "h", subject, realm: "https://h/token", service: Some("h"), scope: &scope })
}

fn only_in(directory: &Path) -> PathBuf {
    fs::read_dir(directory).expect("a directory").next().expect("an entry").expect("an entry").path()
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    // In memory where there is such a directory: each run writes the file anew.
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let root = root.join(format!("fuzz-cache-entry-{}", process::id()));
    let cache = TokenCache::new(Some(Location::of_cache(root.clone(), Path::new("/nowhere"))), Some(key()));
    let token = AccessToken {
        token: Secret::new("t".to_owned()),
        granted: None,
        issued: now(),
        expires: now() + Duration::HOUR,
    };
    with_wanted(|wanted| {
        cache.obtain(&cache.ticket(wanted), now(), || Ok::<_, ()>(token), |()| None).expect("a token")
    });
    let bucket = only_in(&root.join("tokens"));
    let file = only_in(&bucket);
    let part = |path: &Path| path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let name = format!("{}/{}", part(&bucket), part(&file));
    Place { cache, file, name }
});

fuzz_target!(|bytes: &[u8]| {
    let Place { cache, file, name } = &*PLACE;
    // Nobody without the key makes a file that opens.
    fs::write(file, bytes).expect("a file");
    assert!(cache.entries(now()).is_empty());
    with_wanted(|wanted| assert!(cache.look_up(&cache.ticket(wanted), now()).is_none()));

    fs::write(file, seal::seal(&key(), name, bytes).expect("random bytes")).expect("a file");
    let entries = cache.entries(now());
    let unopened = cache.unopened(OffsetDateTime::UNIX_EPOCH);
    assert!(entries.len() + unopened <= 1);
    with_wanted(|wanted| match cache.look_up(&cache.ticket(wanted), now()) {
        Some(Remembered::Token(token)) => {
            // Another process may have asked for it a moment later than this one began.
            let since = token.issued.max(now());
            assert!(since - now() <= Duration::seconds(5) && token.is_fresh(since));
            assert!(token.expires - token.issued <= Duration::DAY);
            assert_eq!(entries.len(), 1);
        }
        Some(Remembered::RefreshToken(token)) => {
            assert!(token.expires > now() && token.expires - now() <= Duration::DAY);
            assert_eq!(entries.len(), 1);
        }
        Some(Remembered::Refusal { since, .. }) => assert!((now() - since).abs() <= Duration::minutes(1)),
        None => assert!(entries.is_empty()),
    });
});
