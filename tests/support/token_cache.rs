//! A token cache in a place of its own, and what is wanted of it.

use std::fs;
use std::path::{Path, PathBuf};

use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::{AccessToken, ScopeSet};
use docker_credential_scoped::seal::Key;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::token_cache::{Proof, Remembered, Subject, TokenCache, Wanted};
use tempfile::TempDir;
use time::OffsetDateTime;

/// A secret that no file may show.
pub(crate) const CANARY: &str = "canary-of-a-long-lived-secret";

pub(crate) const REALM: &str = "https://auth.example.com/token";

/// A place for a cache, and the key to it.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    pub(crate) fn cache(&self) -> TokenCache {
        cache_at(&self.path())
    }

    pub(crate) fn entries(&self) -> Vec<PathBuf> {
        files_below(&self.path().join("tokens"))
    }
}

pub(crate) fn cache_at(path: &Path) -> TokenCache {
    let location = Location::of_cache(path.to_owned(), Path::new("/nowhere"));
    TokenCache::new(Some(location), Some(Key::from_bytes([7; 32])))
}

pub(crate) fn files_below(path: &Path) -> Vec<PathBuf> {
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

pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn token(text: &str, issued: OffsetDateTime, life: i64) -> AccessToken {
    AccessToken {
        token: Secret::new(text.to_owned()),
        granted: Some("repository:a/b:pull".parse().unwrap()),
        issued,
        expires: issued + time::Duration::seconds(life),
    }
}

/// What is wanted with a credential, for a repository.
pub(crate) struct Want {
    pub(crate) secret: Option<Secret>,
    pub(crate) service: &'static str,
    pub(crate) scope: ScopeSet,
}

impl Want {
    pub(crate) fn new(secret: &str, repository: &str) -> Self {
        Self {
            secret: Some(Secret::new(secret.to_owned())),
            service: "registry.example.com",
            scope: format!("repository:{repository}:pull").parse().unwrap(),
        }
    }

    pub(crate) fn wanted(&self) -> Wanted<'_> {
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
    pub(crate) fn obtain(&self, cache: &TokenCache, now: i64, text: &str) -> (String, bool) {
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

    pub(crate) fn look_up(&self, cache: &TokenCache, now: i64) -> Option<String> {
        match cache.look_up(&cache.ticket(self.wanted()), at(now))? {
            Remembered::Token(token) => Some(token.token.expose().to_owned()),
            Remembered::RefreshToken(_) | Remembered::Refusal { .. } => panic!("an access token"),
        }
    }
}
