//! Any bytes as `WWW-Authenticate` headers, one a line: refused, or a challenge that reads back from its plainest
//! spelling, whose realm is no other to another reading and goes unasked to nobody but the registry's own.

#![no_main]

use docker_credential_scoped::registry::{BearerChallenge, Challenge, Judgement, Realm, Registry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(Challenge::Bearer(challenge)) = Challenge::read(text.split('\n')) else { return };
    let BearerChallenge { realm, service, scope, error } = &challenge;
    assert_eq!(realm.to_string().parse::<Realm>().as_ref(), Ok(realm));
    assert!(!realm.to_string().contains(['\'', '"', '\\', ' ']));

    let mut plain = format!("Bearer realm=\"{realm}\"");
    for (name, value) in [("service", service), ("scope", scope), ("error", error)] {
        let Some(value) = value else { continue };
        assert!(!value.is_empty() && value.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        plain += &format!(",{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    if plain.len() <= 8 * 1024 {
        assert_eq!(Challenge::read([plain.as_str()]), Ok(Challenge::Bearer(challenge.clone())));
    }

    let url = realm.url();
    let host = url.host_str().expect("a host");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    let registry: Registry = "registry.example".parse().expect("a registry");
    for insecure in [false, true] {
        match realm.judge(&registry, insecure) {
            Judgement::Trusted => {
                assert!(host == "registry.example" && (insecure || url.scheme() == "https"));
            }
            Judgement::NeedsConfirmation => assert!(url.scheme() == "https" || host == "registry.example"),
            Judgement::Refused(_) => {}
        }
    }
});
