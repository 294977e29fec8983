//! Any bytes as the input of `store`: refused, or read as serde_json's own reading of the first value says.

#![no_main]

use docker_credential_scoped::protocol::docker::{StoreMessage, answer};
use libfuzzer_sys::fuzz_target;
use serde_json::{Deserializer, Value};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = StoreMessage::read(bytes) else { return };
    let StoreMessage { server_url, account, secret } = message;
    // A value that we pass over may hold what serde_json's own value cannot, such as a number beyond a double.
    let text = String::from_utf8_lossy(bytes);
    let Some(Ok(value)) = Deserializer::from_str(&text).into_iter::<Value>().next() else { return };
    let object = value.as_object().expect("an object");
    // Which of several keys that differ in case comes last, an object does not tell: any of them may be it.
    let is_one_of = |key: &str, text: &str| {
        let mut values = object.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).peekable();
        (text.is_empty() && values.peek().is_none_or(|(_, value)| value.is_null()))
            || values.any(|(_, value)| value.as_str() == Some(text) || value.is_null())
    };
    assert!(is_one_of("Username", &account));
    assert!(is_one_of("Secret", secret.expose()));
    assert!(!account.is_empty() && !account.chars().any(char::is_control));
    let answered = answer(&server_url, &account, &secret).expect("text is JSON");
    let answered: Value = serde_json::from_str(answered.expose()).expect("one JSON object");
    assert_eq!(answered["ServerURL"], server_url.as_str());
    assert_eq!(answered["Username"], account);
    assert_eq!(answered["Secret"], secret.expose());
});
