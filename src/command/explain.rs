//! `explain`: which credential would be used for a request and why, which ones not and why, what `get` would answer, what
//! is remembered, and what would be sent. Sends nothing, writes nothing and fetches no secret.

use anyhow::Result;
use time::OffsetDateTime;

use crate::command::credentials::{Found, expired_text};
use crate::command::get::identified;
use crate::command::obtain::{
    Judged, Rooms, Wanted, choose, concerns, is_service_unknown, judge, known_token_server, name,
};
use crate::command::{Report, kept_subject, rfc3339};
use crate::credential::{Credential, KeptSecret, Kind, Profile, Verdict};
use crate::registry::{Registry, Server, ServerUrl, TokenServer};
use crate::settings::{OnUnavailable, Settings};
use crate::store::{Slot, StoreError};
use crate::token_cache::{Answered, Entry};

/// Says what would come of a request, and of a `get` for `asked`.
pub fn explain(asked: &ServerUrl, wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<Report> {
    let mut report = Report::default();
    let scope = if wanted.scope.is_empty() {
        "no scope".to_owned()
    } else {
        wanted.scope.to_string()
    };
    line(&mut report, "request", &format!("{}, {scope}", wanted.registry));
    let chosen = say_choice(wanted, rooms, now, &mut report)?;
    for server in [
        Some(Server::Registry(wanted.registry.clone())),
        // The clients that ask with a path ask for the registry next.
        Some(asked.server().clone()).filter(|server| matches!(server, Server::Prefix { .. })),
    ]
    .into_iter()
    .flatten()
    {
        say_get(&server, wanted, rooms, now, &mut report);
    }
    match &chosen {
        Choice::Unusable => {
            line(&mut report, "cache", "not looked into");
            line(
                &mut report,
                "wire",
                "nothing: without a credential that can be used it ends here",
            );
        }
        Choice::Nobody => say_exchange(None, wanted, rooms, now, &mut report)?,
        Choice::Used(slot, found) => {
            say_exchange(Some((slot, found.credential())), wanted, rooms, now, &mut report)?;
        }
    }
    report.say("Nothing was sent, and nothing was written.");
    report.is_incomplete = !matches!(chosen, Choice::Used(..));
    Ok(report)
}

/// Who would ask for a token.
enum Choice {
    Nobody,
    Unusable,
    Used(Slot, Box<Found>),
}

fn say_choice(wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime, report: &mut Report) -> Result<Choice> {
    let credentials = rooms.credentials;
    let held = credentials.of_registry(&wanted.registry)?;
    let is_judged = wanted.profile.is_none() && !wanted.scope.is_empty();
    let judged = is_judged.then(|| judge(wanted, credentials, now)).transpose()?;
    let choice = match choose(wanted, credentials, now) {
        Ok(Some((slot, found))) => {
            let why = why_used(&slot, wanted, judged.as_ref());
            let what = description(found.credential());
            line(report, "used", &format!("{}: {what}", name(&slot)));
            line(report, "", &format!("because {why}"));
            Choice::Used(slot, Box::new(found))
        }
        Ok(None) => {
            let whose = match &wanted.profile {
                Some(profile) => format!("for {} in profile {profile}", wanted.registry),
                None => format!("for {}", wanted.registry),
            };
            line(
                report,
                "used",
                &format!("none: nothing is held {whose} that could be used; what is public needs none"),
            );
            Choice::Nobody
        }
        Err(error) => {
            // The rest is said of each below.
            let error = match &judged {
                Some(judged) if judged.unopened.is_empty() => {
                    format!("no stored credential may do {}", wanted.scope)
                }
                Some(_) | None => format!("{error:#}"),
            };
            line(report, "used", &format!("none: {error}"));
            Choice::Unusable
        }
    };
    let used = match &choice {
        Choice::Used(slot, _) => Some(slot),
        Choice::Nobody | Choice::Unusable => None,
    };
    for (slot, held) in &held {
        if Some(slot) == used {
            continue;
        }
        let what = match held {
            Ok(found) => format!(" ({})", description(found.credential())),
            Err(_) => String::new(),
        };
        let why = why_not(slot, held, wanted, judged.as_ref(), now);
        line(report, "not used", &format!("{}{what}: {why}", name(slot)));
    }
    Ok(choice)
}

fn why_used(slot: &Slot, wanted: &Wanted, judged: Option<&Judged>) -> String {
    let Some(Judged { found, verdicts, .. }) = judged else {
        let longest = match slot.server() {
            Server::Prefix { .. } => ", and of what is held there it is for the longest part of the path",
            Server::HubSession(_) | Server::Registry(_) | Server::UnknownScheme(_) => "",
        };
        return match &wanted.profile {
            Some(profile) => format!("profile {profile} is named{longest}"),
            None => "no scope is asked for, and so it is the one that docker's own login has".to_owned(),
        };
    };
    let chosen = found.iter().zip(verdicts).find(|((of, _), _)| of == slot);
    if let Some((_, Verdict::ChosenIfPublic)) = chosen {
        return "it is of use if that is public, and no other may do it".to_owned();
    }
    let others = verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::Wider | Verdict::Later | Verdict::OnlyPublic))
        .count();
    if others == 0 {
        "no other may do this".to_owned()
    } else {
        "none of those that may do this may do less".to_owned()
    }
}

fn why_not(
    slot: &Slot,
    held: &Result<Found, StoreError>,
    wanted: &Wanted,
    judged: Option<&Judged>,
    now: OffsetDateTime,
) -> String {
    let found = match held {
        Ok(found) => found,
        Err(error) => return format!("cannot be opened: {error}"),
    };
    if !wanted.scope.is_empty() && !concerns(slot, &wanted.scope) {
        return "is for another part of the registry".to_owned();
    }
    let Some(Judged {
        found: of, verdicts, ..
    }) = judged
    else {
        let profile = wanted.profile.clone().unwrap_or_default();
        return if *slot.profile() != profile {
            match &wanted.profile {
                Some(profile) => format!("profile {profile} is named"),
                None => "no scope is asked for, and then only the default profile is looked into".to_owned(),
            }
        } else if let Some(expired) = found.credential().expired(now) {
            format!("expired {}", rfc3339(expired))
        } else if wanted.scope.is_empty() {
            "is for a part of the registry, and no scope is asked for".to_owned()
        } else {
            "is not for the longest part of the path that one is held for".to_owned()
        };
    };
    let verdict = of.iter().zip(verdicts).find(|((of, _), _)| of == slot);
    match verdict.map(|(_, verdict)| verdict) {
        Some(Verdict::Expired(expired)) => format!("expired {}", rfc3339(*expired)),
        Some(Verdict::Lacks(scopes)) => format!("may not do {scopes}"),
        Some(Verdict::Wider) => "may do more".to_owned(),
        Some(Verdict::Later) => {
            "may do no less, and comes later (longest path, earliest expiry, default profile, name)"
                .to_owned()
        }
        Some(Verdict::OnlyPublic) => "is of use only if that is public".to_owned(),
        // Held since, or changed.
        Some(Verdict::Chosen | Verdict::ChosenIfPublic) | None => "was changed just now".to_owned(),
    }
}

/// What is known of a credential, and where its secret is.
fn description(credential: &Credential) -> String {
    let Credential {
        server_url: _,
        account,
        secret,
        kind,
        allowed,
        expires,
        created: _,
        origin: _,
    } = credential;
    let account = match account.as_str() {
        "" => "account known to the helper only".to_owned(),
        account => format!("account {account}"),
    };
    let secret = match secret {
        KeptSecret::Here(_) => kind.name().to_owned(),
        KeptSecret::Elsewhere(reference) => format!("secret in {reference}, not fetched now"),
    };
    let expires = expires.map_or_else(String::new, |expires| format!(", until {}", rfc3339(expires)));
    format!("{account}, {secret}, allowed scopes {allowed}{expires}")
}

/// What `get` would answer for a server. The same questions in the same order, and nothing is fetched.
fn say_get(server: &Server, wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime, report: &mut Report) {
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
        KeptSecret::Elsewhere(reference) => match credential.account.as_str() {
            "" => format!("account and secret from {reference}"),
            account => format!("account {account}, and the secret from {reference}"),
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
    let remembered = remembered(Some((slot, credential)), registry, &token_server, rooms, now);
    let is_refresh_token = |entry: &&Entry| entry.answer == Answered::RefreshToken;
    match remembered.iter().find(is_refresh_token) {
        Some(entry) => format!(
            "<token>, and an identity token that is remembered until {}",
            rfc3339(entry.expires)
        ),
        None => format!(
            "<token>, and an identity token that {} is asked for",
            token_server.realm
        ),
    }
}

fn unavailable(error: &str, settings: &Settings) -> String {
    match settings.on_unavailable {
        OnUnavailable::Error => format!("an error: {error}"),
        OnUnavailable::Miss => format!("not found, since onUnavailable is miss: {error}"),
    }
}

/// What is remembered of the exchange, and what would be sent for it.
fn say_exchange(
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
        ", if the secret is still the one that it was had with"
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
            Answered::Token(_) => {}
            Answered::RefreshToken => cached.push(format!("a refresh token until {until}")),
            // Of the credential itself, whatever it is used for, or of this scope.
            Answered::Refusal(word) if is_of_scope || entry.scope.is_empty() && entry.service.is_none() => {
                cached.push(format!("a refusal until {until}: {word}"));
                ends.get_or_insert_with(|| {
                    "nothing before that, since the credential was refused".to_owned()
                });
            }
            Answered::Refusal(_) => {}
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
fn remembered(
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

fn line(report: &mut Report, word: &str, text: &str) {
    report.say(format_args!("{word:<9} {text}"));
}
