//! Any text as what people write on a command line or into a file: refused, or something that reads back from its own
//! text.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use docker_credential_scoped::credential::{
    AllowedScope, Expiry, ExpiryDate, HelperName, Profile, SecretReference, TokenId,
};
use docker_credential_scoped::hub::Organization;
use docker_credential_scoped::registry::{Image, Realm, Registry};
use docker_credential_scoped::store::KeySource;
use libfuzzer_sys::fuzz_target;
use time::OffsetDateTime;

fn reads_back<Word: FromStr + Display + Debug + PartialEq>(text: &str) -> Option<Word> {
    let word: Word = text.parse().ok()?;
    let shown = word.to_string();
    let Ok(again) = shown.parse::<Word>() else { panic!("{shown}") };
    assert_eq!(again, word, "{shown}");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    Some(word)
}

fuzz_target!(|text: &str| {
    reads_back::<AllowedScope>(text);
    reads_back::<HelperName>(text);
    reads_back::<Profile>(text);
    reads_back::<Registry>(text);
    if let Some(realm) = reads_back::<Realm>(text) {
        assert!(realm.url().username().is_empty() && realm.url().password().is_none());
    }
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
    if let Ok(expiry) = text.parse::<Expiry>() {
        assert!(!matches!(expiry, Expiry::In(_)) || expiry.from(now) >= now);
    }
    let _ = serde_json::from_value::<ExpiryDate>(text.into());
    let _ = text.parse::<KeySource>();
    if let Ok(id) = text.parse::<TokenId>() {
        assert_eq!(id.as_str(), text);
    }
    if let Ok(organization) = text.parse::<Organization>() {
        assert!(organization.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')));
    }
    if let Ok(reference) = text.parse::<SecretReference>() {
        let json = serde_json::to_string(&reference).expect("JSON");
        assert_eq!(serde_json::from_str::<SecretReference>(&json).ok(), Some(reference));
    }
    if let Ok(reference) = serde_json::from_str::<SecretReference>(text) {
        let json = serde_json::to_string(&reference).expect("JSON");
        assert_eq!(serde_json::from_str::<SecretReference>(&json).ok(), Some(reference));
    }
    if let Ok(image) = text.parse::<Image>() {
        // As it is spelt: a name in capitals is a host, and in small letters it need not be.
        let host = image.spelling.as_deref().unwrap_or("docker.io");
        let again: Image = format!("{host}/{}", image.repository).parse().expect("an image");
        assert_eq!((again.registry, again.repository), (image.registry, image.repository));
    }
});
