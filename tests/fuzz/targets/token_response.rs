//! Any bytes as a token server's answer: refused, or a token that a header can carry, with a life that begins when it
//! was asked for and lasts a day at most.

#![no_main]

use docker_credential_scoped::registry::TokenResponse;
use libfuzzer_sys::fuzz_target;
use time::{Duration, OffsetDateTime};

fuzz_target!(|input: (i64, &[u8])| {
    let (server_time, body) = input;
    let Ok(response) = TokenResponse::read(body) else { return };
    let asked = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
    let server_time = OffsetDateTime::from_unix_timestamp(server_time).ok();
    let Ok(token) = response.access_token(Some("registry"), asked, server_time) else { return };
    assert!(!token.token.expose().is_empty() && token.token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(token.issued, asked);
    let life = token.expires - token.issued;
    assert!(life >= Duration::ZERO && life <= Duration::days(1), "{life}");
});
