//! Answer: what `get` would answer, without fetching, sending or writing anything for it.

use time::OffsetDateTime;

use super::exchange::remembered;
use super::line;
use crate::command::credentials::{Found, expired_text};
use crate::command::get::identified;
use crate::command::obtain::{Rooms, Wanted, known_token_server};
use crate::command::{Report, rfc3339};
use crate::credential::{Credential, KeptSecret, Profile};
use crate::registry::{Registry, Server};
use crate::settings::{OnUnavailable, Settings};
use crate::store::Slot;
use crate::token_cache::{Answered, Entry};

/// What `get` would answer for a server. The same questions in the same order, and nothing is fetched.
pub(super) fn say_get(
    server: &Server,
    wanted: &Wanted,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
    report: &mut Report,
) {
    let credentials = rooms.credentials;
    let profile = wanted.profile.clone().unwrap_or_default();
    let answer = match credentials.find(server, &profile) {
        Ok(None) => "not found; clients go on without a credential".to_owned(),
        Ok(Some(found)) => answer(&found, &profile, rooms, now),
        Err(error) => unavailable(&error.to_string(), credentials.settings),
    };
    line(report, "get", &format!("{server}, profile {profile}: {answer}"));
}

fn answer(found: &Found, profile: &Profile, rooms: Rooms<'_>, now: OffsetDateTime) -> String {
    let credential = found.credential();
    let settings = rooms.credentials.settings;
    let slot = Slot::new(credential.server_url.server().clone(), profile.clone());
    if let Some(expired) = credential.expired(now) {
        return unavailable(&expired_text(&slot, credential, expired), settings);
    }
    if let Some(registry) = identified(credential, settings) {
        return identity_token(&slot, credential, registry, rooms, now);
    }
    match &credential.secret {
        KeptSecret::Here(_) => format!(
            "account {}, and the {} stored",
            credential.account,
            credential.kind.name()
        ),
        KeptSecret::Elsewhere(reference) => match credential.known_account() {
            None => format!("account and secret from {reference}"),
            Some(account) => format!("account {account}, and the secret from {reference}"),
        },
    }
}

fn identity_token(
    slot: &Slot,
    credential: &Credential,
    registry: &Registry,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
) -> String {
    let own = rooms.credentials.settings.registry(registry);
    let token_server = match known_token_server(registry, &own, rooms.token_servers) {
        Ok(Some(known)) => known,
        Ok(None) => return "an error: where identity tokens come from is not known yet".to_owned(),
        Err(error) => return format!("an error: {error}"),
    };
    if let Some(why) = token_server.refusal(registry, own.insecure) {
        return format!("an error: {}: {why}", token_server.realm.origin());
    }
    let mut remembered = remembered(Some((slot, credential)), registry, &token_server, rooms, now);
    // A client asks with it for whatever it needs, so that it is for no scope.
    remembered.retain(|entry| entry.scope.is_empty());
    let until = |entry: &Entry| rfc3339(entry.expires);
    let is_refresh_token = |entry: &&Entry| entry.answer == Answered::RefreshToken;
    if let Some(entry) = remembered.iter().find(is_refresh_token) {
        return format!(
            "<token>, and an identity token that is remembered until {}",
            until(entry)
        );
    }
    let refusal = remembered.iter().find_map(|entry| match &entry.answer {
        Answered::Refusal(word) => Some(format!("an error until {}: {word}", until(entry))),
        Answered::RefreshToken | Answered::Token(_) => None,
    });
    refusal.unwrap_or_else(|| {
        format!(
            "<token>, and an identity token that {} is asked for",
            token_server.realm
        )
    })
}

fn unavailable(error: &str, settings: &Settings) -> String {
    match settings.on_unavailable {
        OnUnavailable::Error => format!("an error: {error}"),
        OnUnavailable::Miss => format!("not found, since onUnavailable is miss: {error}"),
    }
}
