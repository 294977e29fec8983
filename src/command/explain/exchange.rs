//! Exchange: what is remembered of it, and what would be sent for it.

use anyhow::Result;
use time::OffsetDateTime;

use super::line;
use crate::command::obtain::{Rooms, Wanted, is_service_unknown, known_token_server};
use crate::command::{Report, kept_subject, rfc3339};
use crate::credential::{Credential, KeptSecret, Kind};
use crate::registry::{Registry, TokenServer};
use crate::store::Slot;
use crate::token_cache::{Answered, Entry};

/// What is remembered of the exchange, and what would be sent for it.
pub(super) fn say_exchange(
    chosen: Option<(&Slot, &Credential)>,
    wanted: &Wanted,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
    report: &mut Report,
) -> Result<()> {
    let registry = &wanted.registry;
    let own = rooms.credentials.settings.registry(registry);
    let Some(known) = known_token_server(registry, &own, rooms.token_servers)? else {
        line(report, "cache", "nothing");
        let then = "and then the token server that it names, if that may be trusted";
        line(
            report,
            "wire",
            &format!("asks {registry} first where its tokens come from, {then}"),
        );
        return Ok(());
    };
    let scope = wanted.scope.to_string();
    let is_kept_here = chosen.is_none_or(|(_, credential)| matches!(credential.secret, KeptSecret::Here(_)));
    let if_same = if is_kept_here {
        ""
    } else {
        ", if the secret is still the one that was sent then"
    };
    let mut cached = Vec::new();
    let mut ends = None;
    for entry in remembered(chosen, registry, &known, rooms, now) {
        let until = rfc3339(entry.expires);
        let is_of_scope = entry.scope == scope && entry.service == known.service;
        match entry.answer {
            Answered::Token(_) if is_of_scope => {
                cached.push(format!("an access token until {until}"));
                ends = Some(format!("nothing: the access token is remembered{if_same}"));
            }
            Answered::RefreshToken => cached.push(format!("a refresh token until {until}")),
            // Of the credential itself, whatever it is used for, or of this scope.
            Answered::Refusal(word) if is_of_scope || entry.scope.is_empty() && entry.service.is_none() => {
                cached.push(format!("a refusal until {until}: {word}"));
                ends.get_or_insert_with(|| {
                    format!("nothing before that, since the credential was refused{if_same}")
                });
            }
            Answered::Token(_) | Answered::Refusal(_) => {}
        }
    }
    if cached.is_empty() {
        cached.push("nothing".to_owned());
    }
    for cached in cached {
        line(report, "cache", &cached);
    }
    let wire = if let Some(why) = known.refusal(registry, own.insecure) {
        format!("nothing: {}: {why}", known.realm.origin())
    } else if let Some(ends) = ends {
        ends
    } else {
        let asks = if is_service_unknown(registry, &own, &known, rooms.token_servers)? {
            format!("asks {registry} first for the service; then ")
        } else {
            String::new()
        };
        asks + &request(chosen.map(|(_, credential)| credential), wanted, &known)
    };
    line(report, "wire", &wire);
    Ok(())
}

/// The request that would be made of the token server.
fn request(credential: Option<&Credential>, wanted: &Wanted, token_server: &TokenServer) -> String {
    let (method, who) = match credential {
        None => ("GET", "as nobody".to_owned()),
        Some(Credential {
            kind: Kind::IdentityToken,
            ..
        }) => ("POST", "with the refresh token in the form".to_owned()),
        Some(Credential { account, .. }) if account.is_empty() => (
            "GET",
            "as the account that the helper names (POST, if that is <token>)".to_owned(),
        ),
        Some(Credential { account, .. }) => ("GET", format!("as {account}")),
    };
    let service = match &token_server.service {
        Some(service) => format!("service {service}"),
        None => "no service".to_owned(),
    };
    let scopes = if wanted.scope.is_empty() {
        "no scope".to_owned()
    } else {
        format!("scope {}", wanted.scope)
    };
    format!("{method} {}, {service}, {scopes}, {who}", token_server.realm)
}

/// What is remembered of a credential for a registry and its token server.
pub(super) fn remembered(
    chosen: Option<(&Slot, &Credential)>,
    registry: &Registry,
    token_server: &TokenServer,
    rooms: Rooms<'_>,
    now: OffsetDateTime,
) -> Vec<Entry> {
    let name = chosen.map(|(slot, _)| slot.file_name()).unwrap_or_default();
    let reference = chosen.and_then(|(_, credential)| credential.secret.reference());
    let subject = chosen.map(|(_, credential)| kept_subject(&name, credential, reference.as_deref()));
    let (server, realm) = (registry.to_string(), token_server.realm.to_string());
    let Some(fingerprint) = rooms.cache.fingerprint(subject.as_ref()) else {
        return Vec::new();
    };
    let mut entries = rooms.cache.entries_of(&fingerprint, now);
    entries.retain(|entry| entry.server == server && entry.realm == realm);
    entries
}
