//! The helper protocol, byte for byte on both streams, as docker/docker-credential-helpers and its callers have it.

mod support;

use serde_json::json;
use support::helper::{MISS, ask, found, message};
use support::home::{HELPER, Home};
use support::outcome::Outcome;

fn store(home: &Home, server: &str, account: &str, secret: &str) {
    ask(home, "store", &message(server, account, secret)).is("", "", 0);
}

#[test]
fn what_is_stored_is_answered_with_the_server_url_as_it_was_asked() {
    let home = Home::new();
    store(&home, "ghcr.io", "u", "s");
    for asked in [
        "ghcr.io",
        "https://ghcr.io",
        "http://ghcr.io/",
        "GHCR.io:443",
        "https://ghcr.io/v2/",
    ] {
        ask(&home, "get", asked).is(&found(asked, "u", "s"), "", 0);
    }
}

#[test]
fn white_space_around_a_server_url_counts_for_nothing() {
    let home = Home::new();
    store(&home, "h", "u", "s");
    for asked in ["h", "h\n", "h\r\n", "  h\t\r\n\n", "\nh"] {
        ask(&home, "get", asked).is(&found("h", "u", "s"), "", 0);
    }
}

#[test]
fn a_missing_credential_is_reported_on_stdout() {
    let home = Home::new();
    ask(&home, "get", "ghcr.io").is(MISS, "", 1);
    store(&home, "ghcr.io", "u", "s");
    for other in [
        "evil-ghcr.io",
        "ghcr.io.evil.example",
        "ghcr.io:5000",
        "hcr.io",
        "sub.ghcr.io",
        "ghcr.io.",
    ] {
        ask(&home, "get", other).is(MISS, "", 1);
    }
}

#[test]
fn nothing_is_written_for_a_miss() {
    let home = Home::new();
    ask(&home, "get", "ghcr.io").is(MISS, "", 1);
    ask(&home, "list", "unused").is("{}\n", "", 0);
    ask(&home, "erase", "ghcr.io").is("", "", 0);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn an_empty_server_url_has_the_text_that_docker_compares() {
    let home = Home::new();
    for input in ["", "\n", " \r\n"] {
        for verb in ["get", "erase", "store"] {
            ask(&home, verb, input).is("no credentials server URL\n", "", 1);
        }
    }
}

#[test]
fn a_store_message_without_server_url_or_username_has_the_text_that_docker_compares() {
    let home = Home::new();
    ask(&home, "store", r#"{"Username":"u","Secret":"s"}"#).is("no credentials server URL\n", "", 1);
    ask(&home, "store", r#"{"ServerURL":"h","Secret":"s"}"#).is("no credentials username\n", "", 1);
    ask(&home, "store", r#"{"ServerURL":"h","Username":"u","Secret":""}"#).is("", "", 0);
    ask(&home, "get", "h").is(&found("h", "u", ""), "", 0);
}

#[test]
fn store_reads_keys_in_any_case_and_only_the_first_value() {
    let home = Home::new();
    let message = "{\"serverurl\":\"h\",\"USERNAME\":\"u\",\"secret\":\"s\",\"later\":[1]}{\"ServerURL\":\"other\"}\n\0";
    ask(&home, "store", message).is("", "", 0);
    ask(&home, "get", "h").is(&found("h", "u", "s"), "", 0);
    ask(&home, "list", "").is("{\"h\":\"u\"}\n", "", 0);
}

#[test]
fn secrets_and_accounts_come_back_as_they_were_stored() {
    let home = Home::new();
    let long = format!("eyJ{}", "x".repeat(8 * 1024));
    for (account, secret) in [
        ("<token>", "refresh"),
        ("u", long.as_str()),
        ("b\u{fc}cher \u{1f511}", "p\u{e4}ss"),
        ("u:v", "line\nbreak \"quote\" back\\slash tab\t nul\0 <&>\u{2028}"),
        ("u", " \n"),
    ] {
        store(&home, "h", account, secret);
        ask(&home, "get", "h").is(&found("h", account, secret), "", 0);
    }
}

#[test]
fn hostile_server_urls_are_refused_and_change_nothing() {
    let home = Home::new();
    store(&home, "good.example", "u", "s");
    let control =
        "server URL: has a blank, line break or control character inside; give one server URL on one line\n";
    let user = "server URL: has user information before '@'; give the host only\n";
    let none = "server URL: has no host; write HOST, HOST:PORT or https://HOST\n";
    let long = "x".repeat(8 * 1024 + 1);
    for (input, answer) in [
        ("good\n.example", control),
        ("good.example\ngood.example", control),
        ("good.example\rx", control),
        ("good.example\0", control),
        ("good.example\x1b[2J", control),
        ("https://u:p@good.example", user),
        ("https://", none),
        (long.as_str(), "server URL: is longer than 8 KiB\n"),
    ] {
        for verb in ["get", "erase"] {
            ask(&home, verb, input).is(answer, "", 1);
        }
        let message = json!({ "ServerURL": input, "Username": "u", "Secret": "other" });
        ask(&home, "store", &message.to_string()).is(answer, "", 1);
    }
    ask(&home, "list", "").is("{\"good.example\":\"u\"}\n", "", 0);
    ask(&home, "get", "good.example").is(&found("good.example", "u", "s"), "", 0);
}

#[test]
fn input_beyond_the_caps_is_refused_without_reading_all_of_it() {
    let home = Home::new();
    ask(&home, "get", &" ".repeat(1 << 20)).is("standard input: is longer than 8 KiB\n", "", 1);
    ask(&home, "erase", &"x".repeat(1 << 20)).is("standard input: is longer than 8 KiB\n", "", 1);
    ask(&home, "store", &" ".repeat(1 << 20)).is("standard input: is longer than 256 KiB\n", "", 1);
    let message = json!({ "ServerURL": "h", "Username": "u", "Secret": "s".repeat(256 * 1024) });
    ask(&home, "store", &message.to_string()).is("store message: is longer than 256 KiB\n", "", 1);
    let message = json!({ "ServerURL": "h", "Username": "u", "Secret": "s".repeat(255 * 1024) });
    ask(&home, "store", &message.to_string()).is("", "", 0);
}

#[test]
fn erasing_is_done_once_nothing_is_left() {
    let home = Home::new();
    store(&home, "h:5000", "u", "s");
    ask(&home, "erase", "http://h:5000").is("", "", 0);
    ask(&home, "get", "h:5000").is(MISS, "", 1);
    ask(&home, "erase", "h:5000").is("", "", 0);
}

#[test]
fn after_two_logins_and_a_logout_nothing_is_left() {
    let home = Home::new();
    store(&home, "h", "first", "1");
    store(&home, "https://h", "second", "2");
    ask(&home, "get", "h").is(&found("h", "second", "2"), "", 0);
    ask(&home, "erase", "h").is("", "", 0);
    ask(&home, "get", "h").is(MISS, "", 1);
}

#[test]
fn all_names_of_docker_hub_reach_one_credential_and_its_login_tokens_never_do() {
    let home = Home::new();
    let tokens = [
        "https://index.docker.io/v1/access-token",
        "https://index.docker.io/v1/refresh-token",
    ];
    store(&home, tokens[0], "u", "access");
    store(&home, tokens[1], "u", "refresh");
    ask(&home, "get", "https://index.docker.io/v1/").is(MISS, "", 1);
    store(&home, "docker.io", "u", "pat");
    for host in [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "registry.hub.docker.com",
        "auth.docker.io",
    ] {
        for (scheme, end) in [
            ("", ""),
            ("https://", "/v1/"),
            ("https://", "/v1"),
            ("http://", ":443/v2/"),
        ] {
            let asked = format!("{scheme}{host}{end}");
            ask(&home, "get", &asked).is(&found(&asked, "u", "pat"), "", 0);
        }
    }
    ask(&home, "get", "hub.docker.com").is(MISS, "", 1);
    ask(&home, "get", tokens[0]).is(&found(tokens[0], "u", "access"), "", 0);
    ask(&home, "erase", "https://registry-1.docker.io").is("", "", 0);
    ask(&home, "get", "https://index.docker.io/v1/").is(MISS, "", 1);
    ask(&home, "get", tokens[1]).is(&found(tokens[1], "u", "refresh"), "", 0);
}

#[test]
fn a_listing_has_docker_hub_under_its_index_url_and_after_its_login_tokens() {
    let home = Home::new();
    for (server, account) in [
        ("registry-1.docker.io", "hub"),
        ("https://index.docker.io/v1/refresh-token", "r"),
        ("https://a.example/", "a"),
        ("https://index.docker.io/v1/access-token", "t"),
        ("b.example:5000", "b"),
        ("ghcr.io/acme", "prefix"),
        ("other://h/x", "o"),
    ] {
        store(&home, server, account, "s");
    }
    let listing = concat!(
        "{\"https://index.docker.io/v1/access-token\":\"t\",\"https://index.docker.io/v1/refresh-token\":\"r\",",
        "\"https://a.example/\":\"a\",\"b.example:5000\":\"b\",\"https://index.docker.io/v1/\":\"hub\",",
        "\"other://h/x\":\"o\"}\n"
    );
    ask(&home, "list", "unused").is(listing, "", 0);
}

#[test]
fn a_path_is_a_miss_unless_a_prefix_of_it_is_stored() {
    let home = Home::new();
    store(&home, "ghcr.io", "host", "s");
    ask(&home, "get", "ghcr.io/acme/app").is(MISS, "", 1);
    store(&home, "ghcr.io/acme", "acme", "s");
    store(&home, "ghcr.io/acme/app/web", "web", "s");
    for (asked, account) in [
        ("ghcr.io/acme", "acme"),
        ("ghcr.io/acme/app", "acme"),
        ("https://ghcr.io/acme/app/web/deep", "web"),
        ("ghcr.io", "host"),
    ] {
        ask(&home, "get", asked).is(&found(asked, account, "s"), "", 0);
    }
    ask(&home, "get", "ghcr.io/acme-evil/app").is(MISS, "", 1);
    ask(&home, "erase", "ghcr.io/acme/app").is("", "", 0);
    ask(&home, "get", "ghcr.io/acme/app").is(&found("ghcr.io/acme/app", "acme", "s"), "", 0);
}

#[test]
fn an_unknown_scheme_is_kept_word_for_word() {
    let home = Home::new();
    let server = "nerdctl-experimental://ns/host/H.example:443/path";
    store(&home, server, "u", "s");
    ask(&home, "get", server).is(&found(server, "u", "s"), "", 0);
    ask(&home, "get", "H.example:443").is(MISS, "", 1);
}

#[test]
fn a_profile_is_the_programs_name_then_the_variable_and_never_falls_back() {
    let home = Home::new();
    let ci = format!("{HELPER}-ci");
    home.link_helper(&ci);
    store(&home, "h", "default", "s");
    Outcome::of(home.command(&ci).arg("get"), b"h").is(MISS, "", 1);
    let message = br#"{"ServerURL":"h","Username":"ci","Secret":"s"}"#;
    Outcome::of(home.command(&ci).arg("store"), message).is("", "", 0);
    let variable = "DOCKER_CREDENTIAL_SCOPED_PROFILE";
    Outcome::of(home.command(HELPER).arg("get").env(variable, "ci"), b"h").is(&found("h", "ci", "s"), "", 0);
    Outcome::of(home.command(&ci).arg("get").env(variable, "other"), b"h").is(&found("h", "ci", "s"), "", 0);
    Outcome::of(home.command(HELPER).arg("list").env(variable, "other"), b"").is("{}\n", "", 0);
    Outcome::of(home.command(&ci).arg("erase"), b"h").is("", "", 0);
    ask(&home, "get", "h").is(&found("h", "default", "s"), "", 0);
    let refused = "DOCKER_CREDENTIAL_SCOPED_PROFILE: a profile's name is 1 to 32 lower-case letters, digits, '-', '_' or '.', the first a letter or digit\n";
    Outcome::of(home.command(HELPER).arg("get").env(variable, "../x"), b"h").is(refused, "", 1);
}

#[test]
fn a_program_name_that_no_profile_has_is_refused_and_never_the_default_profile() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::process::CommandExt as _;

    let home = Home::new();
    store(&home, "h", "default", "s");
    for name in [
        b"docker-credential-scoped-\xff".as_slice(),
        b"docker-credential-scoped-Team",
    ] {
        let mut command = home.command(HELPER);
        command.arg0(std::ffi::OsStr::from_bytes(name)).arg("get");
        let refused = Outcome::of(&mut command, b"h").fails();
        assert!(
            refused
                .stdout
                .starts_with("the program's name after docker-credential-scoped-: "),
            "{}",
            refused.stdout
        );
    }
}

#[test]
fn usage_errors_keep_the_text_of_the_reference_and_tell_people_where_to_look() {
    let home = Home::new();
    let hint = "docker-credential-scoped --help names the commands for people\n";
    let usage = "Usage: docker-credential-scoped <store|get|erase|list|version>\n";
    Outcome::of(&mut home.command(HELPER), b"").is(usage, hint, 1);
    Outcome::of(home.command(HELPER).args(["get", "h"]), b"").is(usage, hint, 1);
    Outcome::of(home.command(HELPER).args(["frobnicate", "h"]), b"").is(usage, hint, 1);
    let unknown = "docker-credential-scoped: unknown action: frobnicate\n";
    Outcome::of(home.command(HELPER).arg("frobnicate"), b"").is(unknown, hint, 1);
    let escaped = "docker-credential-scoped: unknown action: \\u{1b}[2J\n";
    Outcome::of(home.command(HELPER).arg("\x1b[2J"), b"").is(escaped, hint, 1);
}

#[test]
fn the_version_is_name_package_version() {
    let home = Home::new();
    let version = concat!(
        "docker-credential-scoped (docker-credential-scoped) v",
        env!("CARGO_PKG_VERSION"),
        "\n"
    );
    for verb in ["version", "--version", "-v"] {
        ask(&home, verb, "").is(version, "", 0);
    }
}

#[test]
fn help_is_for_people_and_names_every_command() {
    let home = Home::new();
    let help = ask(&home, "--help", "").succeeds();
    assert_eq!(help.stderr, "");
    for word in ["status", "credsStore", "get, store, erase, list"] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
    assert_eq!(ask(&home, "-h", "").succeeds().stdout, help.stdout);
}

#[test]
fn a_caller_that_cannot_be_answered_is_not_told_that_it_was() {
    let home = Home::new();
    store(&home, "h", "u", "s");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for words in [
        &["list"][..],
        &["status"],
        &["add", "i", "--username", "u", "--from", "env:ABSENT"],
    ] {
        let output = home
            .command(HELPER)
            .args(words)
            .stdout(full.try_clone().unwrap())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let last =
            "docker-credential-scoped: the answer cannot be written: No space left on device (os error 28)\n";
        assert!(stderr.ends_with(last), "{words:?}: {stderr}");
    }
}

#[test]
fn who_has_gone_is_told_nothing() {
    let home = Home::new();
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let output = home.command(HELPER).arg("list").stdout(write).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(1), Vec::new()));
}
