//! Any bytes as the input of `get` or `erase`: refused, or one server URL whose meaning does not change with
//! another reading and whose slot is one plain file name.

#![no_main]

use docker_credential_scoped::credential::Profile;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::store::Slot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(url) = ServerUrl::read(bytes) else { return };
    assert_eq!(url.as_str().as_bytes(), bytes.trim_ascii());
    assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    for text in [url.server().to_string(), url.listed_as().to_owned()] {
        assert_eq!(text.parse::<ServerUrl>().as_ref(), Ok(&url), "{text}");
    }
    for server in url.server().answered_by() {
        let name = Slot::new(server, Profile::default()).file_name();
        assert!(name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\\', '\0']), "{name}");
    }
});
