//! What settings.json and the environment say, and what of it is refused.

use super::*;
use crate::credential::{InvalidProfile, Kind};
use crate::settings::base_directories::of_this_user;
use crate::settings::environment::PROFILE_VARIABLE;
use std::ffi::OsString;

#[test]
fn the_directories_are_those_of_the_specification() {
    let directories = of_this_user().expect("a home");
    if cfg!(target_os = "linux") {
        for (base, directory) in [
            (Base::Cache, directories.cache_dir()),
            (Base::Config, directories.config_dir()),
            (Base::Data, directories.data_dir()),
            (Base::Home, directories.home_dir()),
        ] {
            assert_eq!(base.in_environment().as_deref(), Some(directory));
        }
        assert_eq!(runtime_directory().as_deref(), directories.runtime_dir());
    }
}

#[test]
fn the_auth_file_is_named_by_its_variable_or_temporary() {
    let named: Variables<'_> = &|name| match name {
        "REGISTRY_AUTH_FILE" => Some("/a.json".into()),
        _ => Some("/run/user/1000".into()),
    };
    let runtime: Variables<'_> = &|name| (name == "XDG_RUNTIME_DIR").then(|| "/run/user/1000".into());
    let file = containers_auth_file(1000, named).unwrap();
    assert_eq!((file.path, file.is_temporary), ("/a.json".into(), false));
    if cfg!(target_os = "linux") {
        let file = containers_auth_file(1000, runtime).unwrap();
        assert_eq!(file.path, PathBuf::from("/run/user/1000/containers/auth.json"));
        assert!(file.is_temporary);
        let file = containers_auth_file(1000, &|_| None).unwrap();
        assert_eq!(file.path, PathBuf::from("/run/containers/1000/auth.json"));
    }
}

#[test]
fn the_profile_comes_from_the_programs_name_before_the_variable() {
    let none: Variables<'_> = &|_| None;
    let set: Variables<'_> = &|name| (name == PROFILE_VARIABLE).then(|| "ci".into());
    let empty: Variables<'_> = &|_| Some(OsString::new());
    assert!(profile("docker-credential-scoped", none).unwrap().is_default());
    assert!(profile("docker-credential-scoped", empty).unwrap().is_default());
    assert_eq!(profile("docker-credential-scoped", set).unwrap().as_str(), "ci");
    assert_eq!(
        profile("docker-credential-scoped-team-a", set).unwrap().as_str(),
        "team-a"
    );
    assert!(profile("some-other-name", none).unwrap().is_default());
    assert_eq!(
        profile("docker-credential-scoped-", none),
        Err(ProfileError::ProgramName(InvalidProfile))
    );
    assert_eq!(
        profile("docker-credential-scoped-Team", none),
        Err(ProfileError::ProgramName(InvalidProfile))
    );
}

#[test]
fn what_is_handed_out_is_said_of_a_registry_under_any_of_its_names() {
    let text = br#"{"registries": {"https://h/v2/": {"handOut": "identity-token"}, "index.docker.io": {"handOut": "identity-token"}, "g": {"handOut": "secret"}}}"#;
    let settings = Settings::parse(text).unwrap();
    let table = [
        ("h", HandOut::IdentityToken),
        ("h:443", HandOut::IdentityToken),
        ("h/acme/app", HandOut::IdentityToken),
        ("https://index.docker.io/v1/", HandOut::IdentityToken),
        ("https://index.docker.io/v1/access-token", HandOut::Secret),
        ("https://index.docker.io/v1/refresh-token", HandOut::Secret),
        ("h:5000", HandOut::Secret),
        ("g", HandOut::Secret),
        ("other", HandOut::Secret),
        ("nerdctl-experimental://h", HandOut::Secret),
    ];
    for (url, hand_out) in table {
        let server_url: crate::registry::ServerUrl = url.parse().unwrap();
        assert_eq!(settings.hand_out(server_url.server()), hand_out, "{url}");
    }
}

#[test]
fn unknown_keys_and_bad_values_are_refused_with_field_line_and_column() {
    assert_eq!(Settings::parse(b"{}").unwrap(), Settings::default());
    assert_eq!(
        Settings::parse(br#"{"onUnavailable":"miss"}"#)
            .unwrap()
            .on_unavailable,
        OnUnavailable::Miss
    );
    assert_eq!(
        Settings::parse(br#"{"keyFile":"/run/credentials/key"}"#)
            .unwrap()
            .key_file
            .as_deref(),
        Some(Path::new("/run/credentials/key"))
    );
    for (text, expected) in [
        (
            "{\n \"onUnavailble\": \"miss\"}",
            "unknown field `onUnavailble`, expected one of `activityLog`, `onUnavailable`, `credentials`, `hub`, `keyFile`, `registries` at line 2 column 15",
        ),
        (
            "{\"onUnavailable\": \"never\"}",
            "onUnavailable: unknown variant `never`, expected `error` or `miss` at line 1 column 25",
        ),
        (
            "{\"registries\": {\"h/path\": {}}}",
            "registries: registry: names more than a host; write HOST or HOST:PORT at line 1 column 24",
        ),
        (
            "{\"registries\": {\"h\": {\"realm\": \"ftp://h\"}}}",
            "registries.h.realm: is not an absolute URL with http or https, as in https://HOST/token at line 1 column 41",
        ),
        (
            "{\"registries\":\n {\"h\": {\"handOut\": \"refresh-token\"}}}",
            "registries.h.handOut: unknown variant `refresh-token`, expected `secret` or `identity-token` at line 2 column 34",
        ),
        (
            "{\"registries\": {\"h\": {\"handout\": \"secret\"}}}",
            "registries.h: unknown field `handout`, expected one of `caFile`, `handOut`, `insecure`, `realm`, `service` at line 1 \
             column 31",
        ),
        (
            "{\n \"keyFile\": \"key\"}",
            "keyFile: is not an absolute path at line 2 column 18",
        ),
        (
            "{\"registries\": {\"h\": {\"caFile\": \"ca.pem\"}}}",
            "registries.h.caFile: is not an absolute path at line 1 column 41",
        ),
        ("{", "EOF while parsing an object at line 1 column 1"),
    ] {
        assert_eq!(
            Settings::parse(text.as_bytes()).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn credentials_are_declared_with_the_place_of_their_secret() {
    let text = r#"{"credentials": [
        {"server": "ghcr.io/acme", "profile": "ci", "username": "ci", "secret": {"env": "GHCR_PAT"},
         "scopes": ["repository:acme/*:pull"], "expires": "2027-01-01T00:00:00Z"},
        {"server": "https://index.docker.io/v1/", "secret": {"helper": "pass"}},
        {"server": "ghcr.io/acme", "username": "x", "kind": "personal-access-token", "secret": {"file": "/s"}, "scopes": []}
    ]}"#;
    let settings = Settings::parse(text.as_bytes()).unwrap();
    let [first, second, third] = settings
        .credentials
        .iter()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(first.server.server().to_string(), "ghcr.io/acme");
    assert_eq!(first.profile.as_str(), "ci");
    assert_eq!(first.expires.unwrap().0.unix_timestamp(), 1_798_761_600);
    assert_eq!(first.scopes.as_ref().unwrap().0.len(), 1);
    assert_eq!(
        (&second.username, &second.scopes, second.profile.is_default()),
        (&None, &None, true)
    );
    assert_eq!(third.kind, Some(Kind::PersonalAccessToken));
    assert!(third.scopes.as_ref().unwrap().0.is_empty());
}

#[test]
fn a_declaration_that_does_not_hold_is_refused_with_field_line_and_column_and_its_secret_not_repeated() {
    for (credential, expected) in [
        (
            r#"{"server": "h", "username": "u", "secret": "canary"}"#,
            r#"credentials[0].secret: say where it is: {"env": NAME}, {"file": PATH}, {"command": [PROGRAM, ...]} or {"helper": NAME}"#,
        ),
        (
            r#"{"server": "h", "username": "u", "secret": {"env": "A", "file": "/canary"}}"#,
            r#"credentials[0].secret: say where it is: {"env": NAME}, {"file": PATH}, {"command": [PROGRAM, ...]} or {"helper": NAME}"#,
        ),
        (
            r#"{"server": "h", "username": "u", "secret": {"file": "a"}}"#,
            "credentials[0].secret: file: give an absolute path",
        ),
        (
            r#"{"server": "h", "username": "u", "secret": {"helper": "scoped-x"}}"#,
            "credentials[0].secret: helper: that is this helper itself",
        ),
        (
            r#"{"server": "h", "username": "u"}"#,
            "credentials[0]: missing field `secret`",
        ),
        (
            r#"{"server": "h", "username": "", "secret": {"env": "A"}}"#,
            "credentials[0].username: is empty or has a control character",
        ),
        (
            r#"{"server": "u@h", "username": "u", "secret": {"env": "A"}}"#,
            "credentials[0].server: server URL: has user information before '@'; give the host only",
        ),
        (
            r#"{"server": "h", "profile": "CI", "username": "u", "secret": {"env": "A"}}"#,
            "credentials[0].profile: a profile's name is 1 to 32 lower-case letters, digits, '-', '_' or '.', the first a letter or digit",
        ),
        (
            r#"{"server": "h", "username": "u", "secret": {"env": "A"}, "scopes": ["read"]}"#,
            "credentials[0].scopes: scope: write TYPE:NAME:ACTION[,ACTION], as in repository:library/alpine:pull",
        ),
        (
            r#"{"server": "h", "username": "u", "secret": {"env": "A"}, "kind": "canary"}"#,
            "credentials[0].kind: is password, personal-access-token, organization-access-token or identity-token",
        ),
        (
            r#"{"server": "h", "username": "u", "secret": {"env": "A"}, "expires": "30d"}"#,
            "credentials[0].expires: write a date as in 2027-01-31, or a time as in 2027-01-31T12:00:00Z",
        ),
        (
            r#"{"server": "h", "secret": {"env": "A"}}"#,
            "credentials: h, profile default: has no username, which only a helper knows by itself",
        ),
        (
            r#"{"server": "h", "secret": {"helper": "pass"}}, {"server": "https://H:443", "secret": {"helper": "pass"}}"#,
            "credentials: h, profile default: is declared twice; leave one",
        ),
    ] {
        let text = format!("{{\"credentials\": [\n{credential} ]}}");
        let error = Settings::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error.split_once(" at line 2 column ").unwrap().0, expected);
    }
}

#[test]
fn one_registry_under_two_names_is_refused_where_the_second_stands() {
    for (one, other, registry) in [
        ("h", "h", "h"),
        ("h", "h:443", "h"),
        ("h", "H", "h"),
        ("h", "https://h", "h"),
        ("h:5000", "http://H:5000/", "h:5000"),
        ("docker.io", "https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "index.docker.io:443", "docker.io"),
    ] {
        let text = format!("{{\"registries\": {{\"{one}\": {{}}, \"a\": {{}},\n \"{other}\": {{}}}}}}");
        let error = Settings::parse(text.as_bytes()).unwrap_err().to_string();
        let expected = format!(
            "registries: `{other}` is the registry {registry}, which is there already; keep one of them at line 2 column {}",
            other.len() + 3
        );
        assert_eq!(error, expected);
    }
    let text = r#"{"registries": {"h": {}, "h:80": {}, "h.": {}, "hub.docker.com": {}, "docker.io": {}}}"#;
    assert_eq!(Settings::parse(text.as_bytes()).unwrap().registries.len(), 5);
}
