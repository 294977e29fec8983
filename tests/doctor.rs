//! `doctor`: each thing that commonly goes wrong, made wrong once, with the line and the mend that are said of it; and a
//! home in which nothing is.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test stops where it errs, and damages files plainly"
)]

mod command;
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use command::{Home, Said};
use serde_json::{Value, json};
use support::fixture::Fixture;
use support::fixture::answer::Answer;
use support::listener::Listener;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

const DATA: &str = "home/.local/share/docker-credential-scoped";
const SETTINGS: &str = "home/.config/docker-credential-scoped/settings.json";
const CONFIG: &str = "[T]/home/.docker/config.json";

/// A home whose PATH leads to the helper alone, with docker there and nothing wrong.
fn healthy() -> Home {
    let home = Home::new().with("PATH", "[T]/bin");
    home.install("docker", "");
    home.write_config(r#"{"credsStore": "scoped"}"#);
    store(&home, "registry.example");
    home
}

fn store(home: &Home, server: &str) {
    let login = json!({ "ServerURL": server, "Username": "user", "Secret": "canary-secret" });
    home.ask("docker-credential-scoped", "store", &login.to_string())
        .is(0, "", "");
}

fn declare(home: &Home, credential: &Value) {
    let mut whole = json!({ "server": "declared.example", "username": "ci" });
    whole
        .as_object_mut()
        .unwrap()
        .extend(credential.as_object().unwrap().clone());
    home.write(SETTINGS, &json!({ "credentials": [whole] }).to_string());
}

fn doctor(home: &Home) -> Said {
    let said = home.run(&["doctor"]);
    assert!(!said.stdout.contains("canary"), "{said:?}");
    said
}

/// Exactly these lines are not as it should be, and the exit code says whether one is wrong.
#[track_caller]
fn finds(home: &Home, lines: &[&str]) {
    let said = doctor(home);
    let mut found: Vec<_> = said
        .stdout
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    let last = found.pop().unwrap();
    assert_eq!(
        (found.as_slice(), said.stderr.as_str()),
        (lines, ""),
        "{}",
        said.stdout
    );
    let count = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    let good = said.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    let (wrong, notes) = (count("WRONG "), count("note "));
    assert_eq!(
        last,
        format!("{wrong} wrong, {notes} to note, {good} as it should be.")
    );
    assert_eq!(said.code, Some(i32::from(wrong > 0)));
}

fn day(days: i64) -> (String, String) {
    let moment = (OffsetDateTime::now_utc() + time::Duration::days(days)).truncate_to_second();
    let text = moment.format(&Rfc3339).unwrap();
    (text.clone(), text)
}

#[test]
fn a_healthy_home_is_said_to_be_healthy() {
    doctor(&healthy()).is(
        0,
        &format!(
            "ok     there is no settings.json, and none is needed\n\
             ok     [T]/{DATA} is yours alone\n\
             ok     the key is there, and yours alone ([T]/{DATA}/key)\n\
             ok     1 stored credential opens\n\
             ok     docker asks docker-credential-scoped ({CONFIG})\n\
             ok     docker-credential-scoped is on PATH ([T]/bin/docker-credential-scoped)\n\
             0 wrong, 0 to note, 6 as it should be.\n"
        ),
        "",
    );
}

#[test]
fn looking_changes_nothing() {
    let home = Home::new().with("PATH", "[T]/bin");
    doctor(&home);
    for directory in ["home", "run"] {
        assert_eq!(
            fs::read_dir(home.at(directory)).unwrap().count(),
            0,
            "{directory}"
        );
    }
}

#[test]
fn docker_that_does_not_ask_is_named() {
    let configure = "       mend: docker-credential-scoped configure";
    let home = healthy();
    fs::remove_file(home.at("home/.docker/config.json")).unwrap();
    finds(
        &home,
        &[
            &format!("WRONG  docker does not ask this helper: {CONFIG} is not there"),
            configure,
        ],
    );
    for (config, what) in [
        ("{}", format!("{CONFIG} names no helper")),
        (r#"{"credsStore": ""}"#, format!("{CONFIG} names no helper")),
        (
            r#"{"credsStore": "desktop"}"#,
            format!("docker asks docker-credential-desktop ({CONFIG})"),
        ),
        (
            r#"{"credsStore": "scopedx"}"#,
            format!("docker asks docker-credential-scopedx ({CONFIG})"),
        ),
    ] {
        home.write_config(config);
        finds(&home, &[&format!("WRONG  {what}"), configure]);
    }
    home.write_config("{");
    let said = doctor(&home);
    assert!(
        said.stdout.contains(&format!("WRONG  {CONFIG}: line 1 column ")),
        "{said:?}"
    );
    assert!(
        said.stdout.contains("\n       mend: put it right in an editor\n"),
        "{said:?}"
    );
}

#[test]
fn a_helper_of_a_registry_stands_over_all_others() {
    let home = healthy();
    home.write_config(r#"{"credsStore": "scoped", "credHelpers": {"registry.example": "pass", "h": "gcr"}}"#);
    finds(
        &home,
        &[
            "WRONG  credHelpers sends registry.example to docker-credential-pass, whatever credsStore says; what is stored \
             here for it is never asked for",
            "       mend: docker-credential-scoped configure --registry registry.example",
            "note   credHelpers sends h to docker-credential-gcr, whatever credsStore says",
        ],
    );
    home.write_config(r#"{"credsStore": "scoped", "credHelpers": {"registry.example": ""}}"#);
    finds(
        &home,
        &[
            "WRONG  credHelpers keeps logins to registry.example in plain text in this file, whatever credsStore says; what \
             is stored here for it is never asked for",
            "       mend: docker-credential-scoped configure --registry registry.example",
        ],
    );
    home.write_config(r#"{"credHelpers": {"h": "scoped"}}"#);
    finds(
        &home,
        &[
            &format!(
                "WRONG  docker does not ask this helper for registry.example, which is stored here ({CONFIG})"
            ),
            "       mend: docker-credential-scoped configure --registry registry.example",
        ],
    );
    home.write_config(r#"{"credHelpers": {"https://registry.example/v2/": "scoped"}}"#);
    finds(&home, &[]);
}

#[test]
fn the_program_of_each_name_has_to_be_on_the_path() {
    let home = healthy();
    home.write_config(r#"{"credsStore": "scoped-ci"}"#);
    finds(
        &home,
        &[
            "WRONG  docker-credential-scoped-ci is not on PATH, so no client finds it",
            "       mend: docker-credential-scoped configure --profile ci",
        ],
    );
    let program = env!("CARGO_BIN_EXE_docker-credential-scoped");
    symlink(program, home.at("bin/docker-credential-scoped-ci")).unwrap();
    finds(&home, &[]);

    let home = healthy().with("PATH", "[T]/other");
    home.write("other/unused", "");
    finds(
        &home,
        &[
            "WRONG  docker-credential-scoped is not on PATH, so no client finds it",
            &format!("       mend: sudo ln -s {program} /usr/local/bin/docker-credential-scoped"),
        ],
    );
    home.install("../other/docker-credential-scoped", "");
    finds(
        &home,
        &[
            "WRONG  docker-credential-scoped on PATH is [T]/other/docker-credential-scoped, which is another program",
            &format!("       mend: remove it, or put {program} before it on PATH"),
        ],
    );
}

#[test]
fn what_lies_in_plain_text_is_named_and_not_shown() {
    let home = healthy();
    // u:canary
    home.write_config(r#"{"credsStore": "scoped", "auths": {"h": {"auth": "dTpjYW5hcnk="}, "i": {}}}"#);
    finds(
        &home,
        &[
            &format!("WRONG  logins in plain text in {CONFIG}: h"),
            "       mend: docker-credential-scoped import",
        ],
    );
    home.write_config(r#"{"credsStore": "scoped", "auths": {"h": {"auth": "!"}}}"#);
    finds(
        &home,
        &[
            &format!("WRONG  logins in plain text in {CONFIG}: h"),
            "       mend: remove what cannot be read from the file, and log in again",
        ],
    );
    let home = healthy().with("DOCKER_AUTH_CONFIG", "{\"auths\": {}}");
    finds(
        &home,
        &[
            "WRONG  DOCKER_AUTH_CONFIG is set, and docker takes what is in it before it asks a helper",
            "       mend: unset DOCKER_AUTH_CONFIG",
        ],
    );
}

#[test]
fn podman_that_does_not_ask_is_noted() {
    let home = healthy();
    home.install("podman", "");
    let mend = "       mend: docker-credential-scoped configure --podman";
    finds(
        &home,
        &[
            "note   podman, skopeo and buildah ignore docker's credsStore and do not ask this helper",
            mend,
        ],
    );
    let file = "home/.config/containers/registries.conf";
    for other in [
        "credential-helpers = [\"unscoped\"]",
        "credential-helpers = [\n  'unscoped', # not \"scoped\"\n]",
    ] {
        home.write(file, other);
        finds(
            &home,
            &[
                &format!("note   podman asks unscoped and not this helper ([T]/{file})"),
                mend,
            ],
        );
    }
    home.write(file, "credential-helpers = [\"scoped-ci\"]");
    finds(
        &home,
        &[
            "WRONG  docker-credential-scoped-ci is not on PATH, so no client finds it",
            "       mend: docker-credential-scoped configure --profile ci",
        ],
    );
    home.write(file, "credential-helpers = [\"scoped\"]");
    home.write(
        "run/containers/auth.json",
        r#"{"auths": {"h": {"auth": "dTpjYW5hcnk="}}}"#,
    );
    finds(
        &home,
        &[
            "WRONG  logins in plain text in [T]/run/containers/auth.json: h",
            "       mend: docker-credential-scoped import --from [T]/run/containers/auth.json",
        ],
    );
}

#[test]
fn gitlab_runner_has_to_allow_it() {
    let home = healthy();
    let file = "home/.gitlab-runner/config.toml";
    for text in [
        "[[runners]]\n",
        "[[runners]]\n[runners.docker]\n# allowed_docker_credential_helpers = [\"scoped\"]\n",
        "[[runners]]\n[runners.docker]\nallowed_docker_credential_helpers = [\"scopedx\"]\n",
    ] {
        home.write(file, text);
        finds(
            &home,
            &[
                &format!("WRONG  GitLab Runner does not let jobs name this helper ([T]/{file})"),
                "       mend: add to [runners.docker]: allowed_docker_credential_helpers = [\"scoped\"]",
            ],
        );
    }
    home.write(
        file,
        "[runners.docker]\nallowed_docker_credential_helpers = [\n  \"scoped-ci\",\n]\n",
    );
    finds(&home, &[]);
}

#[test]
fn settings_that_cannot_be_read_are_named_with_their_place() {
    let home = healthy();
    home.write(SETTINGS, "{\n  \"nonsense\": 1\n}");
    finds(
        &home,
        &[
            &format!(
                "WRONG  [T]/{SETTINGS}: unknown field `nonsense`, expected one of `activityLog`, `onUnavailable`, `credentials`, `hub`, `keyFile`, \
                 `registries` at line 2 column 12"
            ),
            "       mend: put it right in an editor; until then nothing is handed out",
        ],
    );
    home.write(SETTINGS, "{}");
    home.set_mode(SETTINGS, 0o666);
    finds(
        &home,
        &[
            &format!("WRONG  cannot read [T]/{SETTINGS}: any user of this machine can write it"),
            &format!("       mend: chmod o-w [T]/{SETTINGS}"),
        ],
    );
}

#[test]
fn what_is_open_to_others_is_named_with_the_command_that_closes_it() {
    for (path, mode) in [
        (DATA.to_owned(), 0o755),
        (format!("{DATA}/slots"), 0o750),
        ("home/.cache/docker-credential-scoped".to_owned(), 0o777),
    ] {
        let home = healthy();
        fs::create_dir_all(home.at(&path)).unwrap();
        home.set_mode(&path, mode);
        finds(
            &home,
            &[
                &format!("WRONG  [T]/{path}: is open to other users (mode {mode:04o})"),
                &format!("       mend: chmod go-rwx [T]/{path}"),
            ],
        );
    }
    let home = healthy();
    home.set_mode(&format!("{DATA}/key"), 0o644);
    finds(
        &home,
        &[
            &format!("WRONG  [T]/{DATA}/key: the key is open to other users"),
            &format!("       mend: chmod go-rwx [T]/{DATA}/key"),
        ],
    );
}

#[test]
fn a_key_that_is_gone_or_damaged_is_said_once() {
    let home = healthy();
    store(&home, "second.example");
    home.write(&format!("{DATA}/key"), "no key");
    finds(
        &home,
        &[
            &format!("WRONG  [T]/{DATA}/key: is not a key (64 hexadecimal digits)"),
            "       mend: restore it, or remove it and slots/ beside it and log in again",
        ],
    );
    fs::remove_file(home.at(&format!("{DATA}/key"))).unwrap();
    finds(
        &home,
        &[
            &format!("WRONG  [T]/{DATA}/key: the key is missing, and credentials are sealed with it"),
            "       mend: restore it, or remove slots/ beside it and log in again",
        ],
    );
}

#[test]
fn a_key_that_is_set_and_of_no_use_is_said_before_anything_is_stored() {
    let unborn = || {
        let home = Home::new().with("PATH", "[T]/bin");
        home.install("docker", "");
        home.write_config(r#"{"credsStore": "scoped"}"#);
        home
    };
    let home = unborn();
    finds(&home, &[]);
    let path = home.at("mounted");
    home.write(SETTINGS, &json!({ "keyFile": path }).to_string());
    finds(
        &home,
        &[
            "WRONG  [T]/mounted: the key file that settings.json names is not there",
            "       mend: bring it, or have one made: docker-credential-scoped key move --to key-file",
        ],
    );
    home.write("mounted", "no key");
    let no_key = "is not a key (64 hexadecimal digits)";
    finds(
        &home,
        &[
            &format!("WRONG  [T]/mounted: {no_key}"),
            "       mend: put the key back",
        ],
    );
    home.write("mounted", &"0".repeat(64));
    finds(&home, &[]);
    let home = unborn().with("DOCKER_CREDENTIAL_SCOPED_KEY", "no key");
    finds(
        &home,
        &[
            &format!("WRONG  DOCKER_CREDENTIAL_SCOPED_KEY: {no_key}"),
            "       mend: put the key back",
        ],
    );
}

#[test]
fn a_key_that_is_locked_is_said_once_with_what_opens_it() {
    let home = healthy();
    store(&home, "second.example");
    let moving = ["key", "move", "--to"];
    home.ask_through(
        "docker-credential-scoped",
        &moving,
        "passphrase",
        "correct horse battery",
    );
    let said = doctor(&home);
    assert!(
        said.stdout.contains(&format!(
            "\nok     the key is in [T]/{DATA}/key, sealed with a passphrase, and opens; it rests opened until "
        )),
        "{said:?}"
    );
    home.run(&["lock"]);
    finds(
        &home,
        &[
            "WRONG  the key is locked with a passphrase",
            "       mend: unlock it: docker-credential-scoped unlock",
        ],
    );
}

#[test]
fn a_key_that_is_set_and_not_used_is_pointed_out() {
    let key = "0123456789abcdef".repeat(4);
    let home = healthy().with("DOCKER_CREDENTIAL_SCOPED_KEY", &key);
    let mounted = home.at("mounted");
    home.write("mounted", &key);
    home.write(SETTINGS, &json!({ "keyFile": mounted }).to_string());
    let elsewhere = format!("is not used: the key is in the key file [T]/{DATA}/key");
    finds(
        &home,
        &[
            &format!("note   the keyFile of settings.json ([T]/mounted) {elsewhere}"),
            "       mend: take it out there; or have it used: docker-credential-scoped key move --to key-file",
            &format!("note   DOCKER_CREDENTIAL_SCOPED_KEY {elsewhere}"),
            "       mend: unset it; or have it used: docker-credential-scoped key move --to environment",
        ],
    );
}

#[test]
fn a_key_file_that_others_can_read_is_pointed_out() {
    let home = healthy();
    let mounted = home.at("mounted");
    home.write(SETTINGS, &json!({ "keyFile": mounted }).to_string());
    home.run(&["key", "move", "--to", "key-file"]);
    let said = doctor(&home);
    assert!(
        said.stdout
            .contains("\nok     the key is in the key file [T]/mounted, and opens\n"),
        "{said:?}"
    );
    home.set_mode("mounted", 0o644);
    finds(
        &home,
        &[
            "note   [T]/mounted: other users can read the key",
            "       mend: have it mounted so that only you can read it, with mode 0400; where that cannot be, nobody \
             else may be on the machine",
        ],
    );
}

#[test]
fn a_slot_that_does_not_open_is_named_and_the_others_are_not() {
    let home = healthy();
    store(&home, "second.example");
    let slot = format!("{DATA}/slots/registry.example@default");
    let mut bytes = fs::read(home.at(&slot)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(home.at(&slot), bytes).unwrap();
    finds(
        &home,
        &[
            &format!("WRONG  [T]/{slot}: is damaged or sealed with another key"),
            "       mend: log out of that registry and in again",
        ],
    );
    let home = healthy();
    let record = format!("{DATA}/registries/registry.example");
    home.write(&record, "{");
    home.set_mode(&format!("{DATA}/registries"), 0o700);
    finds(
        &home,
        &[
            &format!("WRONG  [T]/{record}: is damaged"),
            "       mend: remove it, and the registry is asked again",
        ],
    );
}

#[test]
fn a_damaged_slot_that_no_logout_empties_is_mended_by_what_does() {
    let home = healthy();
    symlink(
        "docker-credential-scoped",
        home.at("bin/docker-credential-scoped-ci"),
    )
    .unwrap();
    let long = format!("registry.example/{}", "a".repeat(120));
    store(&home, "registry.example/acme");
    store(&home, &long);
    let login = json!({ "ServerURL": "registry.example", "Username": "user", "Secret": "canary-secret" });
    home.ask("docker-credential-scoped-ci", "store", &login.to_string())
        .is(0, "", "");
    let names = fs::read_dir(home.at(&format!("{DATA}/slots"))).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "registry.example@default")
        .collect();
    names.sort();
    let mends = [
        "move it away",
        "docker-credential-scoped remove registry.example/acme",
        "docker-credential-scoped remove registry.example --profile ci",
    ];
    let mut expected = Vec::new();
    for (name, mend) in names.iter().zip(mends) {
        let slot = format!("{DATA}/slots/{name}");
        let mut bytes = fs::read(home.at(&slot)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(home.at(&slot), bytes).unwrap();
        expected.push(format!(
            "WRONG  [T]/{slot}: is damaged or sealed with another key"
        ));
        expected.push(format!("       mend: {mend}"));
    }
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    finds(&home, &expected);
    home.run(&["remove", "registry.example/acme"])
        .is(0, "registry.example/acme: removed\n", "");
    home.run(&["remove", "registry.example", "--profile", "ci"]).is(
        0,
        "registry.example, profile ci: removed\n",
        "",
    );
    finds(&home, &expected[..2]);
}

#[test]
fn what_has_expired_or_will_within_a_week_is_named() {
    let mend = "       mend: put another in its place, and when that ends into settings.json";
    let place = "declared.example, profile default: the credential of ci";
    for (days, said) in [
        (-1, Some("expired")),
        (6, Some("expires within 7 days,")),
        (8, None),
    ] {
        let home = healthy().with("CI_TOKEN", "canary");
        let (expires, shown) = day(days);
        declare(
            &home,
            &json!({ "secret": { "env": "CI_TOKEN" }, "expires": expires }),
        );
        match said {
            Some(said) => finds(&home, &[&format!("WRONG  {place} {said} {shown}"), mend]),
            None => finds(&home, &[]),
        }
    }
    let home = healthy().with("CI_TOKEN", "canary");
    declare(
        &home,
        &json!({ "secret": { "env": "CI_TOKEN" }, "expires": "2020-01-01" }),
    );
    finds(&home, &[&format!("WRONG  {place} expired 2020-01-01"), mend]);
    // The account is known to the helper only.
    let home = healthy();
    home.install("docker-credential-other", "");
    home.write(
        SETTINGS,
        r#"{ "credentials": [{ "server": "declared.example", "secret": { "helper": "other" }, "expires": "2020-01-01" }] }"#,
    );
    let what = "WRONG  declared.example, profile default: the credential expired 2020-01-01";
    finds(&home, &[what, mend]);
}

#[test]
fn a_secret_that_is_not_where_it_should_be_is_named() {
    let place = "declared.example, profile default";
    let missing = "cannot be read: No such file or directory (os error 2)";
    for (secret, what, mend) in [
        (
            json!({ "env": "CI_TOKEN" }),
            "environment variable CI_TOKEN: is not set".to_owned(),
            "set CI_TOKEN where clients are run",
        ),
        (
            json!({ "file": "/nowhere/token" }),
            format!("file /nowhere/token: {missing}"),
            "put the secret there, alone in the file",
        ),
        (
            json!({ "command": ["nowhere", "canary"] }),
            "command nowhere: there is no such program".to_owned(),
            "install nowhere, or put its directory on PATH",
        ),
        (
            json!({ "helper": "nowhere" }),
            "helper nowhere: docker-credential-nowhere is not on PATH".to_owned(),
            "install docker-credential-nowhere, or put its directory on PATH",
        ),
    ] {
        let home = healthy();
        declare(&home, &json!({ "secret": secret }));
        finds(
            &home,
            &[
                &format!("WRONG  {place}: {what}"),
                &format!("       mend: {mend}"),
            ],
        );
    }
    let home = healthy();
    home.install("vault", "exit 1");
    declare(&home, &json!({ "secret": { "command": ["vault"] } }));
    finds(&home, &[]);
}

/// A home in which tokens come from there.
fn with_token_server(authority: &str) -> Home {
    let home = healthy();
    let own = json!({ "realm": format!("http://{authority}/token") });
    home.write(SETTINGS, &json!({ "registries": { authority: own } }).to_string());
    home
}

#[test]
fn a_clock_that_differs_from_a_token_servers_is_wrong() {
    for (skew, word) in [
        (-3600, Some("ahead of")),
        (3600, Some("behind")),
        (-30, None),
        (30, None),
    ] {
        let fixture = Fixture::start(move |_| {
            let there = (OffsetDateTime::now_utc() + time::Duration::seconds(skew)).truncate_to_second();
            let date = there.format(&Rfc2822).unwrap().replace("+0000", "GMT");
            Answer::new(401, "{}").with("Date", &date)
        });
        let server = fixture.address();
        let home = with_token_server(&server);
        let said = doctor(&home).stdout;
        match word {
            // A second is lost where the date is rounded, or passes meanwhile.
            Some(word) => assert!(
                (3598..=3602).any(|seconds| said.contains(&format!(
                    "\nWRONG  the clock is {seconds} s {word} that of http://{server}\n       mend: set the clock, as with: \
                     sudo timedatectl set-ntp true\n1 wrong, "
                ))),
                "{said}"
            ),
            None => assert!(
                said.contains(&format!("\nok     the clock agrees with that of http://{server}\n0 wrong, ")),
                "{said}"
            ),
        }
        let requests = fixture.requests();
        assert_eq!(requests.len(), 1);
        assert!(
            !format!("{requests:?}").to_lowercase().contains("authorization"),
            "{requests:?}"
        );
    }
}

#[test]
fn a_token_server_that_does_not_answer_is_noted_in_time() {
    let silent: Vec<_> = (0..3)
        .map(|_| Listener::plain(|_| thread::sleep(Duration::from_secs(30))))
        .collect();
    let home = healthy();
    let own = silent.iter().map(|listener| {
        let server = listener.authority();
        let realm = format!("http://{server}/token");
        (server, json!({ "realm": realm }))
    });
    let registries: serde_json::Map<String, Value> = own.collect();
    home.write(SETTINGS, &json!({ "registries": registries }).to_string());
    let began = Instant::now();
    let said = doctor(&home);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(said.code, Some(0), "{said:?}");
    for listener in &silent {
        let line = format!(
            "note   the clock is not compared: {} did not answer in time",
            listener.authority()
        );
        assert!(said.stdout.contains(&line), "{said:?}");
    }
    let fixture = Fixture::start(|_| Answer::new(401, "{}"));
    let server = fixture.address();
    finds(
        &with_token_server(&server),
        &[&format!(
            "note   the clock is not compared: http://{server} does not say what time it is"
        )],
    );
}
