//! Any bytes as what another helper or a command prints: refused, or what serde_json's own reading of it says; a secret
//! that stands alone is the one line that there is.

#![no_main]

use docker_credential_scoped::protocol::docker::{read_answer, read_listing};
use docker_credential_scoped::secret_source::from_person;
use libfuzzer_sys::fuzz_target;
use serde_json::{Deserializer, Value};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(secret) = from_person("here", bytes) {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert_eq!(secret.expose().as_bytes(), line);
        assert!(!line.is_empty() && !secret.expose().chars().any(char::is_control));
    }
    let text = String::from_utf8_lossy(bytes);
    let value = || Deserializer::from_str(&text).into_iter::<Value>().next()?.ok();
    if let Ok(Some((account, secret))) = read_answer(bytes) {
        assert!(!account.is_empty() || !secret.expose().is_empty());
        if let Some(value) = value() {
            let texts = |wanted: &str| -> Vec<_> {
                let fields = value.as_object().expect("an object").iter();
                fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.clone()).collect()
            };
            for (name, read) in [("Username", account.as_str()), ("Secret", secret.expose())] {
                let found = texts(name);
                assert!(
                    read.is_empty() || found.iter().any(|text| text.is_null() || text.as_str() == Some(read)),
                    "{name}"
                );
            }
        }
    }
    if let Ok(listing) = read_listing(bytes)
        && let Some(value) = value()
    {
        let object = value.as_object();
        assert_eq!(listing.len(), object.map_or(0, serde_json::Map::len));
        for (server, account) in &listing {
            assert_eq!(object.and_then(|object| object[server].as_str()), Some(account.as_str()));
        }
    }
});
