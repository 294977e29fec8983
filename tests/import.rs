//! `import`, run as a person runs it.

#![cfg(unix)]

mod command;

use std::fs;
use std::os::unix::fs::symlink;

use command::{Home, is_there};

const SCOPED: &str = "docker-credential-scoped";
const CONFIG: &str = "[T]/home/.docker/config.json";

/// A home whose docker asks this helper, and an `auths` of that text.
fn home_with(auths: &str) -> Home {
    let home = Home::new();
    home.write_config(&config(auths));
    home
}

fn config(auths: &str) -> String {
    format!("{{\n  \"auths\": {auths},\n  \"credsStore\": \"scoped\",\n  \"n\": 1e400\n}}\n")
}

#[test]
fn logins_are_stored_and_taken_out_and_all_else_stays() {
    let home = home_with(
        r#"{"ghcr.io": {"auth": "dTpw", "email": "e"}, "https://index.docker.io/v1/": {"username": "h", "password": "dckr_pat_x"}, "acr.example": {"auth": "dTo=", "identitytoken": "refresh"}, "mark": {}}"#,
    );
    home.run(&["import"]).is(
        0,
        &format!(
            "ghcr.io: imported, account u; removed from {CONFIG}\n\
             https://index.docker.io/v1/: imported, account h; removed from {CONFIG}\n\
             acr.example: imported, account <token>; removed from {CONFIG}\n"
        ),
        "",
    );
    assert_eq!(
        home.config(),
        config(
            r#"{"ghcr.io": {"email": "e"}, "https://index.docker.io/v1/": {}, "acr.example": {}, "mark": {}}"#
        )
    );
    assert_eq!(home.stored(SCOPED, "ghcr.io").unwrap(), "u p");
    assert_eq!(home.stored(SCOPED, "docker.io").unwrap(), "h dckr_pat_x");
    assert_eq!(home.stored(SCOPED, "acr.example").unwrap(), "<token> refresh");
    home.run(&["import"])
        .is(0, &format!("Nothing to import from {CONFIG}.\n"), "");
}

#[test]
fn a_dry_run_writes_nothing() {
    let home = home_with(r#"{"ghcr.io": {"auth": "dTpw"}}"#);
    home.run(&["import", "--dry-run"]).is(
        0,
        &format!("ghcr.io: would be imported, account u; would be removed from {CONFIG}\n"),
        "",
    );
    assert_eq!(home.config(), config(r#"{"ghcr.io": {"auth": "dTpw"}}"#));
    assert!(!is_there(&home.at("home/.local")));
}

#[test]
fn another_credential_in_the_slot_is_never_replaced() {
    let home = home_with(r#"{"ghcr.io": {"auth": "dTpw"}}"#);
    home.ask(
        SCOPED,
        "store",
        r#"{"ServerURL":"ghcr.io","Username":"other","Secret":"kept"}"#,
    );
    home.run(&["import"]).is(
        1,
        "",
        &format!(
            "ghcr.io: left in {CONFIG}: another credential is stored for it (account other); erase that one first\n"
        ),
    );
    assert_eq!(home.stored(SCOPED, "ghcr.io").unwrap(), "other kept");
    assert_eq!(home.config(), config(r#"{"ghcr.io": {"auth": "dTpw"}}"#));
}

#[test]
fn the_same_credential_in_the_slot_is_as_good_as_imported() {
    let home = home_with(r#"{"ghcr.io": {"auth": "dTpw"}}"#);
    home.ask(
        SCOPED,
        "store",
        r#"{"ServerURL":"ghcr.io","Username":"u","Secret":"p"}"#,
    );
    home.run(&["import"]).is(
        0,
        &format!("ghcr.io: was stored already, account u; removed from {CONFIG}\n"),
        "",
    );
    assert_eq!(home.config(), config(r#"{"ghcr.io": {}}"#));
}

#[test]
fn of_two_spellings_the_one_that_docker_looks_up_is_taken() {
    let home = home_with(r#"{"https://ghcr.io/v2/": {"auth": "dTpx"}, "ghcr.io": {"auth": "dTpw"}}"#);
    let left = format!(
        "https://ghcr.io/v2/: left in {CONFIG}: another credential is stored for it (account u); erase that one \
         first\n"
    );
    home.run(&["import", "--dry-run"]).is(
        1,
        &format!("ghcr.io: would be imported, account u; would be removed from {CONFIG}\n"),
        &left,
    );
    home.run(&["import"]).is(
        1,
        &format!("ghcr.io: imported, account u; removed from {CONFIG}\n"),
        &left,
    );
    assert_eq!(home.stored(SCOPED, "ghcr.io").unwrap(), "u p");
    assert_eq!(
        home.config(),
        config(r#"{"https://ghcr.io/v2/": {"auth": "dTpx"}, "ghcr.io": {}}"#)
    );
}

#[test]
fn what_cannot_be_imported_is_named_and_left() {
    let auths = r#"{"a": {"auth": "%%%"}, "b c": {"auth": "dTpw"}, "d": {"registrytoken": "canary"}, "e": {"auth": "dTpw", "identitytoken": "canary"}, "g": {"auth": "dTpw"}}"#;
    let home = home_with(auths);
    home.run(&["import"]).is(
        1,
        &format!("g: imported, account u; removed from {CONFIG}\n"),
        &format!(
            "a: left in {CONFIG}: its \"auth\" is not base64 of user:password\n\
             b c: left in {CONFIG}: its name is no server URL (server URL: has a blank, line break or control \
             character inside; give one server URL on one line)\n\
             d: left in {CONFIG}: a registry token lives for minutes and is not for keeping\n\
             e: left in {CONFIG}: it has a password and an identity token, and a helper keeps one of them; remove \
             the other\n"
        ),
    );
    assert_eq!(
        home.config(),
        config(auths).replace(r#""g": {"auth": "dTpw"}"#, r#""g": {}"#)
    );
}

#[test]
fn a_registry_token_alone_is_nothing_to_fail_for() {
    let home = home_with(r#"{"d": {"auth": "dTpw", "registrytoken": "r"}}"#);
    let said = home.run(&["import"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(home.config(), config(r#"{"d": {"registrytoken": "r"}}"#));
}

#[test]
fn what_cannot_be_stored_stays_in_the_file() {
    let home = home_with(r#"{"ghcr.io": {"auth": "dTpw"}}"#);
    home.write("home/.local/share/docker-credential-scoped", "");
    home.run(&["import"]).is(
        1,
        "",
        &format!(
            "ghcr.io: left in {CONFIG}: [T]/home/.local/share/docker-credential-scoped: is not a directory (links \
             are not followed); move it away\n"
        ),
    );
    assert_eq!(home.config(), config(r#"{"ghcr.io": {"auth": "dTpw"}}"#));
}

#[test]
fn the_copy_that_configure_made_keeps_no_secret_either() {
    let home = Home::new();
    home.write(
        "dotfiles/config.json",
        "{\"auths\":{\"ghcr.io\":{\"auth\":\"dTpw\"}}}",
    );
    fs::create_dir(home.at("home/.docker")).unwrap();
    symlink(
        home.at("dotfiles/config.json"),
        home.at("home/.docker/config.json"),
    )
    .unwrap();
    home.run(&["configure"]);
    let backup = "dotfiles/config.json.before-docker-credential-scoped";
    assert!(home.read(backup).contains("dTpw"));
    home.run(&["import"]).is(
        0,
        &format!("ghcr.io: imported, account u; removed from {CONFIG}\n"),
        "",
    );
    assert_eq!(home.read(backup), "{\"auths\":{\"ghcr.io\":{}}}");
    assert_eq!(
        home.config(),
        "{\"auths\":{\"ghcr.io\":{}},\"credsStore\":\"scoped\"}"
    );
    assert!(home.at("home/.docker/config.json").is_symlink());
}

#[test]
fn a_docker_that_does_not_ask_yet_is_pointed_out() {
    let home = Home::new();
    home.write_config("{\"auths\":{\"ghcr.io\":{\"auth\":\"dTpw\"}}}");
    home.run(&["import", "--profile", "ci"]).is(
        0,
        &format!("ghcr.io: imported, account u; removed from {CONFIG}\n"),
        "docker-credential-scoped-ci is not asked for ghcr.io yet; run docker-credential-scoped configure --profile \
         ci\n",
    );
    let said = home.run(&["status"]);
    assert!(said.stdout.contains("ci"), "{}", said.stdout);
    assert_eq!(home.stored(SCOPED, "ghcr.io"), None);

    for (helper, config) in [
        (
            "another helper",
            r#"{"credsStore":"scoped","credHelpers":{"g":"pass"},"auths":{"g":{"auth":"dTpw"}}}"#,
        ),
        (
            "the file itself",
            r#"{"credsStore":"scoped","credHelpers":{"g":""},"auths":{"g":{"auth":"dTpw"}}}"#,
        ),
    ] {
        let home = Home::new();
        home.write_config(config);
        let said = home.run(&["import"]);
        assert_eq!(
            said.stderr,
            "docker-credential-scoped is not asked for g yet; run docker-credential-scoped configure --registry g\n",
            "{helper}"
        );
    }
}

#[test]
fn a_file_of_any_name_is_the_one_in_this_directory() {
    let home = home_with(r#"{"mine.example": {"auth": "dTpw"}}"#);
    let before = home.config();
    home.write("home/config.json", r#"{"auths":{"old.example":{"auth":"dTpw"}}}"#);
    let said = home.run(&["import", "--from", "config.json"]);
    assert_eq!(
        said.stdout, "old.example: imported, account u; removed from config.json\n",
        "{said:?}"
    );
    assert_eq!(home.config(), before);
}

#[test]
fn named_registries_only() {
    let home = home_with(r#"{"ghcr.io": {"auth": "dTpw"}, "quay.io": {"auth": "dTpw"}}"#);
    home.run(&["import", "--registry", "quay.io"]).is(
        0,
        &format!("quay.io: imported, account u; removed from {CONFIG}\n"),
        "",
    );
    assert_eq!(
        home.config(),
        config(r#"{"ghcr.io": {"auth": "dTpw"}, "quay.io": {}}"#)
    );
}

#[test]
fn an_auth_file_of_podman_keeps_the_parts_of_registries() {
    let home = Home::new();
    let auth = "[T]/run/containers/auth.json";
    home.run(&["configure", "--podman"]);
    let path = home.write(
        "run/containers/auth.json",
        "{\"auths\":{\"docker.io\":{\"auth\":\"dTpw\"},\"quay.io/acme\":{\"auth\":\"dTpw\"}}}",
    );
    home.run(&["import", "--from", path.to_str().unwrap()]).is(
        1,
        &format!("docker.io: imported, account u; removed from {auth}\n"),
        &format!("quay.io/acme: left in {auth}: podman asks no helper for a part of a registry\n"),
    );
    assert_eq!(
        home.read("run/containers/auth.json"),
        "{\"auths\":{\"docker.io\":{},\"quay.io/acme\":{\"auth\":\"dTpw\"}}}"
    );
}

#[test]
fn a_file_that_is_not_there_or_not_json_is_named() {
    let home = Home::new();
    home.run(&["import"])
        .is(0, &format!("Nothing to import: {CONFIG} is not there.\n"), "");
    home.run(&["import", "--from", "absent.json"]).is(
        1,
        "",
        "docker-credential-scoped: absent.json: is not there\n",
    );
    home.write_config("{\"auths\": canary}");
    home.run(&["import"]).is(
        1,
        "",
        &format!("docker-credential-scoped: {CONFIG}: line 1 column 11: is not JSON: expected value\n"),
    );
}

#[test]
fn another_helper_is_only_asked() {
    let home = Home::new();
    home.install_helper(
        "old",
        &[("https://index.docker.io/v1/", "h", "s1"), ("quay.io", "q", "s2")],
    );
    home.run(&["import", "--from", "helper:old"]).is(
        0,
        "https://index.docker.io/v1/: imported, account h\nquay.io: imported, account q\n",
        "",
    );
    assert_eq!(
        home.asked("old"),
        "list unused\nget https://index.docker.io/v1/\nget quay.io\n"
    );
    assert_eq!(home.stored(SCOPED, "docker.io").unwrap(), "h s1");
    assert_eq!(home.stored(SCOPED, "quay.io").unwrap(), "q s2");
    home.run(&["import", "--from", "helper:old", "--registry", "quay.io"])
        .is(0, "quay.io: was stored already, account q\n", "");
}

#[test]
fn another_helper_may_ask_at_the_terminal() {
    let home = Home::new();
    home.install(
        "docker-credential-old",
        "case $1 in\n\
         list) echo '{\"h\":\"u\"}' ;;\n\
         get) read -r word </dev/tty; echo \"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"$word\\\"}\" ;;\n\
         esac\n",
    );
    let seen = home.run_in_terminal(&["import", "--from", "helper:old"], "word\n");
    assert_eq!(seen, "word\nh: imported, account u\n");
    assert_eq!(home.stored(SCOPED, "h").unwrap(), "u word");
}

#[test]
fn a_helper_that_fails_for_one_is_asked_for_the_rest() {
    let home = Home::new();
    home.install_helper("old", &[("a", "u", "s1"), ("b", "u", "s2"), ("c", "u", "s3")]);
    fs::remove_file(home.at("helper-old/a")).unwrap();
    home.write("helper-old/b", "canary\n");
    home.run(&["import", "--from", "helper:old"]).is(
        1,
        "c: imported, account u\n",
        "a: not imported: docker-credential-old lists it and does not have it\n\
         b: not imported: docker-credential-old get gave an answer that is not one of the helper protocol\n",
    );
}

#[test]
fn what_a_failing_helper_says_is_repeated_nowhere() {
    let home = Home::new();
    home.install("docker-credential-old", "echo canary; echo canary >&2; exit 2\n");
    home.run(&["import", "--from", "helper:old"]).is(
        1,
        "",
        "docker-credential-old list failed (exit status: 2); run it yourself to see why\n",
    );
    for (from, error) in [
        (
            "helper:absent",
            "docker-credential-absent list cannot be run: it is not on PATH\n",
        ),
        (
            "helper:scoped",
            "docker-credential-scoped: helper: that is this helper itself\n",
        ),
        (
            "helper:../x",
            "docker-credential-scoped: helper: a name is what follows docker-credential-: letters, digits, '-', \
             '_' or '.'\n",
        ),
    ] {
        home.run(&["import", "--from", from]).is(1, "", error);
    }
}
