//! Any bytes as an answer of Docker Hub's API: refused, or tokens that can be asked for by their names, in paths and
//! headers that hold nothing else; and of a refusal nothing is repeated but our own words.

#![no_main]

use docker_credential_scoped::hub::{Created, HubToken, NewToken, Page, Refusal};
use libfuzzer_sys::fuzz_target;

fn check(token: &HubToken) {
    let id = token.id.as_str();
    assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    assert_eq!(id.parse().as_ref(), Ok(&token.id));
    assert!(token.is_use_told || token.last_used.is_none());
    assert!(token.is_end_told || token.expires.is_none());
}

fuzz_target!(|body: &[u8]| {
    if let Some(token) = HubToken::read(body) {
        check(&token);
    }
    if let Some(page) = Page::read(body) {
        page.tokens.iter().for_each(check);
    }
    let new = NewToken::personal("label", vec!["repo:read".to_owned()], None);
    if let Ok(new) = new
        && let Ok(created) = Created::read(body, &new)
    {
        check(&created.token);
        let secret = created.secret.expose();
        assert!(!secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(HubToken::read(body).is_some(), "what is made can be read again");
    }
    let refusal = Refusal::read(body);
    assert!(refusal.fields().is_sorted());
    assert!(refusal.limit().and_then(|limit| limit.most).is_none_or(|most| most < 1_000_000));
});
