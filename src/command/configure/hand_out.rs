//! Hand out: what `get` is to answer for a registry, written into settings.json once it was seen to work.

use std::cell::Cell;
use std::slice;

use anyhow::{Context, Result, anyhow, ensure};
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::client_config::set_hand_out;
use crate::command::obtain::refresh_token::{Login, obtain, prove};
use crate::command::obtain::{Rooms, Wanted, find_token_server};
use crate::command::turn::{SETTINGS, turn};
use crate::command::{Report, forget_tokens, quoted};
use crate::credential::{Kind, Profile};
use crate::files::{self, Location, foreign};
use crate::http::BUDGET;
use crate::registry::{Registry, ScopeSet, Server};
use crate::settings::{HandOut, Settings};
use crate::store::Slot;

/// Sets what is handed out for these registries. An identity token must be had with this profile's credential first;
/// where one registry gives none, nothing is changed for any.
pub fn hand_out(
    registries: &[Registry],
    hand_out: HandOut,
    profile: &Profile,
    rooms: Rooms<'_>,
    data: Option<&Location>,
    now: OffsetDateTime,
) -> Result<Report> {
    let mut report = Report::default();
    let record = |action, registry| {
        let slot = slot(registry, profile);
        rooms.credentials.record(action, &slot, None, now);
    };
    if hand_out == HandOut::IdentityToken {
        for registry in registries {
            try_out(registry, profile, rooms, now)
                .inspect_err(|_| record(Action::Refusal, registry))
                .with_context(|| format!("{registry}: settings.json is left as it was"))?;
        }
    }
    // Of two that change settings.json at once the second would write it without what the first has said, and a registry
    // go on to be answered with its secret.
    let _turn = turn(SETTINGS, data);
    write(registries, hand_out, &mut report)?;
    for registry in registries {
        if rooms.credentials.settings.registry(registry).hand_out != hand_out {
            record(Action::Configure, registry);
        }
    }
    Ok(report)
}

/// Finds the token server, has a refresh token issued and uses it twice. What was cached is forgotten first: it would
/// show what the server did yesterday.
fn try_out(registry: &Registry, profile: &Profile, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<()> {
    let slot = slot(registry, profile);
    let held = rooms.credentials.get(&slot)?.with_context(|| {
        let name = quoted(&registry.to_string());
        if profile.is_default() {
            format!("nothing is stored for it; docker login {name} first")
        } else {
            format!(
                "nothing is stored for it in profile {profile}; docker-credential-scoped add {name} --profile \
                 {profile} first"
            )
        }
    })?;
    if held.credential().kind == Kind::IdentityToken {
        // It is handed out as it is, and to ask for another with it could use it up.
        return Ok(());
    }
    let wanted = Wanted {
        registry: registry.clone(),
        scope: ScopeSet::default(),
        service: None,
        profile: Some(profile.clone()),
        confirmed: None,
    };
    let left = Cell::new(BUDGET);
    let own = rooms.credentials.settings.registry(registry);
    let token_server = find_token_server(&wanted, &own, rooms, &left)?;
    let usable = rooms
        .credentials
        .fetch(held.credential())?
        .context("the helper that keeps its secret has none for it")?;
    let login = Login {
        registry,
        slot: &slot,
        credential: &usable,
    };
    let forget = || forget_tokens(&slot, held.credential(), slice::from_ref(rooms.cache));
    forget();
    let token = obtain(login, &token_server, rooms, &left, now)?;
    prove(&token, login, &token_server, rooms, &left, now).inspect_err(|_| forget())
}

fn slot(registry: &Registry, profile: &Profile) -> Slot {
    Slot::new(Server::Registry(registry.clone()), profile.clone())
}

/// Writes settings.json, every other byte of it as it was.
fn write(registries: &[Registry], hand_out: HandOut, report: &mut Report) -> Result<()> {
    let path = Settings::path().context("no home directory; set HOME or XDG_CONFIG_HOME")?;
    let shown = path.display();
    let before = foreign::read(&path)?
        .map_or_else(|| Ok("{}\n".to_owned()), String::from_utf8)
        .with_context(|| format!("{shown}: is not a text"))?;
    // It may have been changed while the token servers were asked.
    let mut wanted = Settings::parse(before.as_bytes()).with_context(|| shown.to_string())?;
    let mut text = before.clone();
    let unchangeable = || anyhow!("{shown}: cannot be changed; write handOut there by hand");
    let word = hand_out.word();
    for registry in registries {
        let was = wanted.registry(registry).hand_out;
        if was == hand_out {
            report.say(format_args!(
                "{shown}: handOut of {registry} is \"{word}\" already"
            ));
            continue;
        }
        report.say(format_args!(
            "{shown}: handOut of {registry} is \"{word}\" now, was \"{}\"",
            was.word()
        ));
        wanted.registries.entry(registry.clone()).or_default().hand_out = hand_out;
        let is_it = |name: &str| name.parse::<Registry>().is_ok_and(|other| other == *registry);
        // The default is not worth a line.
        let word = (hand_out != HandOut::default()).then_some(word);
        text = set_hand_out(&text, &registry.to_string(), is_it, word).map_err(|_| unchangeable())?;
    }
    if text == before {
        return Ok(());
    }
    let written = Settings::parse(text.as_bytes()).ok();
    ensure!(
        written.is_some_and(|written| registries
            .iter()
            .all(|registry| written.registry(registry) == wanted.registry(registry))),
        unchangeable()
    );
    Ok(files::rewrite(&path, text.as_bytes())?)
}
