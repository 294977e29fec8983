//! What is claimed of the server URL, row by row.

use super::*;

fn canonical(text: &str) -> String {
    text.parse::<ServerUrl>().unwrap().server().to_string()
}

#[test]
fn one_server_has_many_spellings() {
    let table = [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("http://ghcr.io/", "ghcr.io"),
        ("HTTPS://GHCR.IO:443/v2/", "ghcr.io"),
        ("ghcr.io:443", "ghcr.io"),
        ("ghcr.io:0443", "ghcr.io"),
        ("ghcr.io/v1", "ghcr.io"),
        ("http://h:80", "h:80"),
        ("localhost:5000", "localhost:5000"),
        ("127.0.0.1:5000/v2/", "127.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("[0:0::1]", "[::1]"),
        ("my_registry:5000", "my_registry:5000"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("example.com.", "example.com."),
    ];
    for (spelling, expected) in table {
        assert_eq!(canonical(spelling), expected, "{spelling}");
    }
}

#[test]
fn every_documented_name_of_docker_hub_is_one_server() {
    for host in Registry::DOCKER_HUB_NAMES {
        for scheme in ["", "https://", "http://"] {
            for port in ["", ":443"] {
                for path in ["", "/", "/v1", "/v1/", "/v2/"] {
                    let url: ServerUrl = format!("{scheme}{host}{port}{path}").parse().unwrap();
                    assert_eq!(url.server().to_string(), "docker.io");
                    assert_eq!(url.listed_as(), "https://index.docker.io/v1/");
                }
            }
        }
    }
}

#[test]
fn names_that_only_look_like_docker_hub_are_not() {
    for other in [
        "hub.docker.com",
        "docker.io.evil.example",
        "evil-docker.io",
        "docker.io:5000",
        "docker.io.",
    ] {
        assert_ne!(canonical(other), "docker.io", "{other}");
    }
}

#[test]
fn the_tokens_of_dockers_browser_login_are_servers_of_their_own() {
    for name in ["access-token", "refresh-token"] {
        let url: ServerUrl = format!("https://index.docker.io/v1/{name}").parse().unwrap();
        assert!(matches!(url.server(), Server::HubSession(_)));
        assert_eq!(
            url.server().to_string(),
            format!("https://index.docker.io/v1/{name}")
        );
        assert_eq!(url.listed_as(), format!("https://index.docker.io/v1/{name}"));
        assert_eq!(
            url,
            format!("https://index.docker.io/v1/{name}/").parse().unwrap()
        );
    }
    assert_eq!(canonical("ghcr.io/v1/access-token"), "ghcr.io/v1/access-token");
}

#[test]
fn a_path_is_answered_by_its_prefixes_the_longest_first_and_never_by_the_host() {
    let url: ServerUrl = "https://ghcr.io/acme/app/web/".parse().unwrap();
    let answers: Vec<_> = url
        .server()
        .answered_by()
        .map(|server| server.to_string())
        .collect();
    assert_eq!(
        answers,
        ["ghcr.io/acme/app/web", "ghcr.io/acme/app", "ghcr.io/acme"]
    );
    let host: ServerUrl = "ghcr.io".parse().unwrap();
    assert_eq!(host.server().answered_by().count(), 1);
}

#[test]
fn an_unknown_scheme_is_kept_word_for_word() {
    let text = "nerdctl-experimental://ns/host/h:443/Path";
    assert_eq!(canonical(text), text);
}

#[test]
fn hostile_input_is_refused_by_its_kind() {
    let table: &[(&[u8], InvalidServerUrl)] = &[
        (b"", InvalidServerUrl::Absent),
        (b" \r\n\t", InvalidServerUrl::Absent),
        (b"good.example\n.evil", InvalidServerUrl::ControlCharacter),
        (b"good.example\r.evil", InvalidServerUrl::ControlCharacter),
        (b"good.example\0", InvalidServerUrl::ControlCharacter),
        (b"good.example\x7f", InvalidServerUrl::ControlCharacter),
        (b"two words", InvalidServerUrl::ControlCharacter),
        (b"h\x1b[31m", InvalidServerUrl::ControlCharacter),
        ("b\u{fc}cher.example".as_bytes(), InvalidServerUrl::NotAscii),
        ("\u{feff}h".as_bytes(), InvalidServerUrl::NotAscii),
        (b"\xff\xfe", InvalidServerUrl::NotAscii),
        (b"user:pw@h", InvalidServerUrl::UserInfo),
        (b"https://user@h/", InvalidServerUrl::UserInfo),
        (b"other://user@h/", InvalidServerUrl::UserInfo),
        (b"https://", InvalidServerUrl::NoHost),
        (b"https:///path", InvalidServerUrl::NoHost),
        (b"/path", InvalidServerUrl::NoHost),
        (b"//h", InvalidServerUrl::NoHost),
        (b":5000", InvalidServerUrl::NoHost),
        (b"://h", InvalidServerUrl::Scheme),
        (b"a b://h", InvalidServerUrl::ControlCharacter),
        (b"1x://h", InvalidServerUrl::Scheme),
        (b"h:", InvalidServerUrl::Port),
        (b"h:0", InvalidServerUrl::Port),
        (b"h:65536", InvalidServerUrl::Port),
        (b"h:+80", InvalidServerUrl::Port),
        (b"h:https", InvalidServerUrl::Port),
        (b"::1", InvalidServerUrl::Host),
        (b"[::1", InvalidServerUrl::Host),
        (b"[::g]", InvalidServerUrl::Host),
        (b"[fe80::1%25eth0]", InvalidServerUrl::Host),
        (b"a..b", InvalidServerUrl::Host),
        (b".h", InvalidServerUrl::Host),
        (b"h\\evil", InvalidServerUrl::Host),
        (b"h%0a", InvalidServerUrl::Host),
        (b"*.example.com", InvalidServerUrl::Host),
        (b"{\"uri\":\"x\"}", InvalidServerUrl::Port),
        (b"{}", InvalidServerUrl::Host),
        (b"h/a%0ab", InvalidServerUrl::Path),
        (b"h/a\\b", InvalidServerUrl::Path),
        (b"h/../b", InvalidServerUrl::Path),
        (b"h/a//b", InvalidServerUrl::Path),
        (b"h?x=1", InvalidServerUrl::QueryOrFragment),
        (b"h/a#f", InvalidServerUrl::QueryOrFragment),
    ];
    for (bytes, expected) in table {
        assert_eq!(
            ServerUrl::read(bytes).unwrap_err(),
            *expected,
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_server_url_of_8_kib_and_a_path_of_255_bytes_are_the_longest() {
    assert!(ServerUrl::read(&[b'h'; 8192]).is_ok());
    for length in [8193, 8194, 20_000] {
        assert_eq!(
            ServerUrl::read(&vec![b'h'; length]).unwrap_err(),
            InvalidServerUrl::TooLong,
            "{length}"
        );
    }
    let with_path = |length| format!("h/{}", "a".repeat(length)).parse::<ServerUrl>();
    assert!(with_path(255).is_ok());
    for length in [256, 257, 4000] {
        assert_eq!(with_path(length).unwrap_err(), InvalidServerUrl::Path, "{length}");
    }
}

#[test]
fn server_urls_are_equal_where_they_mean_the_same_server() {
    let url = |text: &str| text.parse::<ServerUrl>().unwrap();
    assert_eq!(url("https://GHCR.io/"), url("ghcr.io:443"));
    for other in [
        "ghcr.io.evil.example",
        "evil-ghcr.io",
        "ghcr.io:5000",
        "ghcr.io/acme",
        "gcr.io",
    ] {
        assert_ne!(url("ghcr.io"), url(other), "{other}");
    }
}

#[test]
fn only_docker_hub_is_listed_by_another_name_than_it_was_stored_under() {
    for text in [
        "https://ghcr.io/v2/",
        "GHCR.io",
        "docker.io/acme",
        "docker.io:5000",
        "other://x",
    ] {
        assert_eq!(text.parse::<ServerUrl>().unwrap().listed_as(), text);
    }
}

#[test]
fn a_server_is_of_its_registry_and_of_no_other() {
    // The registry that it is a part of, and the one that a credential for it logs in to.
    let table = [
        ("ghcr.io", Some("ghcr.io"), Some("ghcr.io")),
        ("ghcr.io/acme/app", Some("ghcr.io"), Some("ghcr.io")),
        ("registry-1.docker.io", Some("docker.io"), Some("docker.io")),
        ("https://index.docker.io/v1/access-token", Some("docker.io"), None),
        ("other://ghcr.io", None, None),
    ];
    for (text, part_of, logs_in_to) in table {
        let url: ServerUrl = text.parse().unwrap();
        for registry in ["ghcr.io", "docker.io", "ghcr.io:5000", "ghcr.io.evil.example"] {
            let registry: Registry = registry.parse().unwrap();
            let (name, server) = (registry.to_string(), url.server());
            assert_eq!(server.is_of(&registry), part_of == Some(&*name), "{text} {name}");
            assert_eq!(
                server.registry() == Some(&registry),
                logs_in_to == Some(&*name),
                "{text} {name}"
            );
        }
    }
}
