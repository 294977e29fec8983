//! Any text as a token, and any bytes as the claims of one: opaque, or claims of which no scope allows what was not
//! there, and whose times are times.

#![no_main]

use docker_credential_scoped::hub::HubClaims;
use docker_credential_scoped::registry::{Claims, ScopeSet};
use docker_credential_scoped::secret::Secret;
use libfuzzer_sys::fuzz_target;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0_usize;
        for place in 0..3 {
            bits = bits << 8 | usize::from(group.get(place).copied().unwrap_or_default());
        }
        for place in 0..=group.len() {
            text.push(char::from(DIGITS[bits >> (18 - 6 * place) & 63]));
        }
    }
    text
}

fn check(token: &Secret) {
    let _ = HubClaims::read(token);
    let Some(claims) = Claims::read(token) else { return };
    assert_eq!(claims.is_for("registry"), claims.audience.is_empty() || claims.audience.iter().any(|one| one == "registry"));
    if let Some(access) = claims.access {
        let text = access.to_string();
        assert_eq!(text.parse::<ScopeSet>().as_ref(), Ok(&access), "{text}");
        assert!(!access.iter().any(|scope| scope.actions().next().is_none()));
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(&Secret::new(String::from_utf8_lossy(bytes).into_owned()));
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", encode(bytes));
    check(&Secret::new(token));
});
