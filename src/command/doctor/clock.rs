//! Clock: whether it says here what it says at the token servers. A token that is good for minutes is dead on arrival
//! where they differ by more.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Instant;

use time::{Duration, OffsetDateTime};

use super::Patient;
use super::finding::Finding;
use crate::command::obtain::{known_token_server, realm_host, trust};
use crate::http::{Authorization, Http, Method, Request, Trust};
use crate::registry::{Realm, Registry};

/// How long all of them may take together. A person waits.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(3);

/// The longest difference that harms nobody: servers that check a token's beginning allow for a minute.
const TOLERANCE: Duration = Duration::MINUTE;

/// Asks every token server that is known what time it is, all at once, and without a credential.
pub(super) fn clock(
    registries: &BTreeSet<Registry>,
    patient: Patient<'_>,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let servers = servers(registries, patient);
    let began = Instant::now();
    thread::scope(|scope| {
        let asked: Vec<_> = servers
            .iter()
            .map(|(realm, trust)| scope.spawn(move || ask(realm, trust, began, now)))
            .collect();
        // One that ends otherwise has shown nothing.
        asked.into_iter().filter_map(|asked| asked.join().ok()).collect()
    })
}

/// Where tokens come from, as far as that is known and anything may be sent there, a server once.
fn servers(registries: &BTreeSet<Registry>, patient: Patient<'_>) -> Vec<(Realm, Trust)> {
    let settings = patient.credentials.settings;
    let mut servers = BTreeMap::new();
    for registry in registries.iter().chain(settings.registries.keys()) {
        let own = settings.registry(registry);
        if let Ok(Some(known)) = known_token_server(registry, &own, patient.token_servers)
            && known.refusal(registry, own.insecure).is_none()
            && let Ok(trust) = trust(&[registry.to_string(), realm_host(&known.realm)], &own)
        {
            servers
                .entry(known.realm.origin())
                .or_insert((known.realm, trust));
        }
    }
    servers.into_values().collect()
}

fn ask(realm: &Realm, trust: &Trust, began: Instant, now: OffsetDateTime) -> Finding {
    let server = realm.origin();
    let http = Http::new(trust.clone(), began + LIMIT);
    let answer = http.ask(&Request {
        method: Method::Get,
        url: realm.url(),
        authorization: Authorization::None,
        allows_plain_http: realm.url().scheme() == "http",
    });
    let date = match answer {
        Ok(answer) => answer.server_time(),
        Err(error) => return Finding::note(format!("the clock is not compared: {error}")),
    };
    let Some(there) = date else {
        return Finding::note(format!(
            "the clock is not compared: {server} does not say what time it is"
        ));
    };
    let here = now.saturating_add(began.elapsed().try_into().unwrap_or_default());
    let ahead = here - there;
    if ahead.abs() <= TOLERANCE {
        return Finding::good(format!("the clock agrees with that of {server}"));
    }
    let way = if ahead.is_positive() { "ahead of" } else { "behind" };
    Finding::wrong(format!(
        "the clock is {} s {way} that of {server}",
        ahead.whole_seconds().unsigned_abs()
    ))
    .mended_by(if cfg!(windows) {
        "set the clock, as with: w32tm /resync"
    } else {
        "set the clock, as with: sudo timedatectl set-ntp true"
    })
}
