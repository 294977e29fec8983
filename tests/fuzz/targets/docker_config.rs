//! Any bytes as docker's config.json or podman's auth.json: refused, or changed in what was asked for and in nothing else,
//! and back as it was when that is undone.

#![no_main]

use docker_credential_scoped::client_config::{ConfigFile, Key, TokenConfig, credential_helpers_line, toml_lists};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn value(file: &ConfigFile) -> Option<Value> {
    // What a field says that is nothing to us may be beyond what a value can hold.
    serde_json::from_slice(file.as_bytes()).ok()
}

fn without(mut value: Value, key: &Key) -> Value {
    let object = value.as_object_mut().expect("an object");
    let name = |object: &serde_json::Map<String, Value>, wanted: &str| {
        object.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned()
    };
    match key {
        Key::CredsStore => {
            name(object, "credsStore").map(|name| object.remove(&name));
        }
        Key::CredHelpers(registry) => {
            if let Some(name) = name(object, "credHelpers") {
                let is_left = object[&name].as_object_mut().is_some_and(|helpers| {
                    helpers.remove(registry);
                    !helpers.is_empty()
                });
                if !is_left {
                    object.remove(&name);
                }
            }
        }
    }
    value
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = toml_lists(&text, "unqualified-search-registries");
    if let Some(line) = credential_helpers_line(&text) {
        assert!(text.contains(line));
    }
    let Ok(read) = ConfigFile::read(bytes) else { return };
    let _ = TokenConfig::beside(&read);
    for key in [Key::CredsStore, Key::CredHelpers("registry.example".to_owned())] {
        let mut file = ConfigFile::read(bytes).expect("what was read");
        file.set_helper(&key, "scoped").expect("a file that was read");
        let again = ConfigFile::read(file.as_bytes()).expect("what was written");
        assert_eq!(again.helper(&key).as_deref(), Some("scoped"));
        if let (Some(before), Some(after)) = (value(&read), value(&again)) {
            assert_eq!(without(before, &key), without(after, &key));
        }
        let text = file.as_bytes().to_vec();
        file.set_helper(&key, "scoped").expect("a file that was written");
        assert_eq!(file.as_bytes(), text, "what is so already is left");
        file.remove_helper(&key).expect("a file that was written");
        assert_eq!(file.helper(&key), None);
        if let (Some(before), Some(after)) = (value(&read), value(&file)) {
            assert_eq!(without(before, &key), without(after, &key));
        }
    }
    let mut file = ConfigFile::read(bytes).expect("what was read");
    for (key, _) in read.auths() {
        file.remove_login(&key).expect("a file that was read");
        ConfigFile::read(file.as_bytes()).expect("what was written");
    }
    assert_eq!(file.auths().len(), read.auths().len(), "the entries stay");
});
