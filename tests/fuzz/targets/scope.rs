//! Any text as scopes: refused, or a set whose text reads back as itself and that covers each of its parts.

#![no_main]

use docker_credential_scoped::registry::{Scope, ScopeSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(set) = text.parse::<ScopeSet>() else { return };
    let normal = set.to_string();
    assert_eq!(normal.parse::<ScopeSet>().as_ref(), Ok(&set), "{normal}");
    assert!(set.lacking(&set).is_empty());
    for part in text.split_ascii_whitespace() {
        let scope: Scope = part.parse().expect("a part of what was read");
        assert!(set.covers(&std::iter::once(scope).collect()), "{normal} does not cover {part}");
    }
});
