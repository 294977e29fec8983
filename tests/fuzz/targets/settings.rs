//! Any bytes as settings.json: refused, or settings whose every declared credential can be found in one place; and what
//! `configure` changes of them for one registry changes nothing else.

#![no_main]

use docker_credential_scoped::client_config::set_hand_out;
use docker_credential_scoped::registry::{Registry, Server};
use docker_credential_scoped::settings::{HandOut, Settings};
use docker_credential_scoped::store::Slot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(settings) = Settings::parse(bytes) else { return };
    let mut slots: Vec<_> = settings
        .credentials
        .iter()
        .map(|declared| Slot::new(declared.server.server().clone(), declared.profile.clone()))
        .collect();
    let all = slots.len();
    slots.sort();
    slots.dedup();
    assert_eq!(slots.len(), all, "two in one place");
    let _ = settings.hub();

    let registry: Registry = "registry.example".parse().expect("a registry");
    let server = Server::Registry(registry.clone());
    let is_it = |name: &str| name.parse::<Registry>().is_ok_and(|other| other == registry);
    let text = str::from_utf8(bytes).expect("JSON");
    for hand_out in [HandOut::IdentityToken, HandOut::Secret] {
        let Ok(changed) = set_hand_out(text, "registry.example", is_it, Some(hand_out.word())) else { continue };
        let Ok(mut again) = Settings::parse(changed.as_bytes()) else { panic!("{changed}") };
        assert_eq!(again.hand_out(&server), hand_out);
        let mut before = settings.clone();
        before.registries.entry(registry.clone()).or_default().hand_out = hand_out;
        again.registries.entry(registry.clone()).or_default();
        assert_eq!(again, before, "{changed}");
    }
});
