//! `configure`, run as a person runs it.

#![cfg(unix)]

mod command;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;

use command::{Home, is_there};

const CONFIG: &str = "[T]/home/.docker/config.json";
const BACKUP: &str = "The file as it was: [T]/home/.docker/config.json.before-docker-credential-scoped\n";

fn now(key: &str, helper: &str, before: &str) -> String {
    format!("{CONFIG}: {key} is \"{helper}\" now, {before}\n")
}

#[test]
fn a_fresh_home_gets_what_docker_would_write_and_undo_removes_it() {
    let home = Home::new();
    home.run(&["configure"])
        .is(0, &now("credsStore", "scoped", "was not set"), "");
    assert_eq!(home.config(), "{\n\t\"credsStore\": \"scoped\"\n}");
    assert_eq!(home.mode("home/.docker"), 0o700);
    assert_eq!(home.mode("home/.docker/config.json"), 0o600);

    home.run(&["configure", "--undo"]).is(
        0,
        &format!("{CONFIG}: credsStore is not set any more\n{CONFIG}: is removed, nothing is left in it\n"),
        "",
    );
    assert!(!is_there(&home.at("home/.docker/config.json")));
    home.run(&["configure", "--undo"])
        .is(0, "There is nothing to undo.\n", "");
}

#[test]
fn every_other_byte_of_the_file_stays_and_so_do_mode_and_copy() {
    let home = Home::new();
    let before = "{\n  \"zebra\" : 12345678901234567890123,\n  \"HttpHeaders\": {\"a\":   [1e400, \"\\u00e9\"]},\n  \"CredsStore\": \"\",\n  \"auths\": {}\n}\n\n";
    home.write_config(before);
    home.set_mode("home/.docker/config.json", 0o644);
    home.run(&["configure"])
        .is(0, &(now("credsStore", "scoped", "was not set") + BACKUP), "");
    assert_eq!(
        home.config(),
        before.replace("\"CredsStore\": \"\"", "\"CredsStore\": \"scoped\"")
    );
    assert_eq!(home.backup(), before);
    assert_eq!(home.mode("home/.docker/config.json"), 0o644);
    assert_eq!(
        home.mode("home/.docker/config.json.before-docker-credential-scoped"),
        0o600
    );
}

#[test]
fn twice_is_once() {
    let home = Home::new();
    home.write_config("{\"credsStore\":\"\",\"x\":1}\n");
    home.run(&["configure"]);
    let (config, backup) = (home.config(), home.backup());
    let record = home.read("home/.local/share/docker-credential-scoped/configured.json");
    home.run(&["configure"])
        .is(0, &format!("{CONFIG}: credsStore is \"scoped\" already\n"), "");
    assert_eq!((home.config(), home.backup()), (config, backup));
    assert_eq!(
        home.read("home/.local/share/docker-credential-scoped/configured.json"),
        record
    );
}

#[test]
fn the_target_of_a_link_is_replaced_and_the_link_kept() {
    let home = Home::new();
    home.write("home/dotfiles/docker.json", "{}\n");
    fs::create_dir(home.at("home/.docker")).unwrap();
    symlink("../dotfiles/docker.json", home.at("home/.docker/config.json")).unwrap();
    home.run(&["configure"]).is(
        0,
        &(now("credsStore", "scoped", "was not set")
            + "The file as it was: [T]/home/dotfiles/docker.json.before-docker-credential-scoped\n"),
        "",
    );
    assert!(home.at("home/.docker/config.json").is_symlink());
    assert_eq!(
        home.read("home/dotfiles/docker.json"),
        "{\n\t\"credsStore\": \"scoped\"\n}\n"
    );
}

#[test]
fn what_is_no_json_is_named_with_its_place_and_left_alone() {
    for (text, error) in [
        (
            "{\n\t\"auths\": {}\n\t\"x\": 1\n}",
            "line 3 column 2: is not JSON: expected `,` or `}`",
        ),
        (
            "{\"credsStore\": 7}",
            "line 1 column 2: \"credsStore\" must be a string",
        ),
        (
            "\u{feff}{}",
            "begins with a byte order mark, which docker does not read; save it as UTF-8 without one",
        ),
    ] {
        let home = Home::new();
        home.write_config(text);
        home.run(&["configure"])
            .is(1, "", &format!("docker-credential-scoped: {CONFIG}: {error}\n"));
        assert_eq!(home.config(), text);
        let files = fs::read_dir(home.at("home/.docker")).unwrap().count();
        assert_eq!(files, 1, "no copy of what was not changed");
    }
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let home = Home::new();
    let config = "{\"auths\": {\"ghcr.io\": {\"auth\": \"dTpw\"}}}";
    home.write_config(config);
    home.run(&["configure", "--profile", "ci", "--dry-run"]).is(
        0,
        &format!(
            "Dry run, nothing is changed. Without --dry-run:\n\
             [T]/bin/docker-credential-scoped-ci: links to docker-credential-scoped now\n{}",
            now("credsStore", "scoped-ci", "was not set")
        ),
        &format!(
            "In plain text in {CONFIG}, where docker does not look any more: ghcr.io\n\
             To import them, run: docker-credential-scoped import --profile ci\n"
        ),
    );
    assert_eq!(home.config(), config);
    assert_eq!(fs::read_dir(home.at("home/.docker")).unwrap().count(), 1);
    assert!(!is_there(&home.at("home/.local")));
    assert!(!is_there(&home.at("bin/docker-credential-scoped-ci")));
}

#[test]
fn named_registries_get_their_own_helper_under_dockers_keys() {
    let home = Home::new();
    home.write_config("{\n    \"credsStore\": \"scoped\",\n    \"credHelpers\": {\"gcr.io\": \"gcloud\"}\n}");
    home.run(&[
        "configure",
        "--registry",
        "docker.io",
        "--registry",
        "https://GHCR.io/",
    ])
    .is(
        0,
        &(now(
            "credHelpers of https://index.docker.io/v1/",
            "scoped",
            "was not set",
        ) + &now("credHelpers of ghcr.io", "scoped", "was not set")
            + BACKUP),
        "",
    );
    assert_eq!(
        home.config(),
        "{\n    \"credsStore\": \"scoped\",\n    \"credHelpers\": {\"gcr.io\": \"gcloud\",\"https://index.docker.io/v1/\": \"scoped\",\"ghcr.io\": \"scoped\"}\n}"
    );
    let refused = home.run(&["configure", "--registry", "ghcr.io/acme"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stderr
            .contains("registry: names more than a host; write HOST or HOST:PORT"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_file_of_helpers_only_makes_docker_keep_the_rest_in_plain_text() {
    let home = Home::new();
    home.run(&["configure", "--registry", "localhost:5000"]).is(
        0,
        &now("credHelpers of localhost:5000", "scoped", "was not set"),
        "note: without credsStore, docker keeps logins to all other registries in plain text\n",
    );
    assert_eq!(
        home.config(),
        "{\n\t\"credHelpers\": {\n\t\t\"localhost:5000\": \"scoped\"\n\t}\n}"
    );
}

#[test]
fn what_nobody_asks_for_any_more_is_named_and_imported_when_asked() {
    let home = Home::new();
    home.install_helper(
        "old",
        &[("quay.io", "q", "s1"), ("https://index.docker.io/v1/", "d", "s2")],
    );
    home.write_config(
        "{\"credsStore\": \"old\", \"credHelpers\": {\"gcr.io\": \"gcloud\"}, \"auths\": {\"ghcr.io\": {\"auth\": \"dTpw\"}, \"gcr.io\": {\"auth\": \"dTpw\"}, \"quay.io\": {}}}",
    );
    home.run(&["configure"]).is(
        0,
        &(now("credsStore", "scoped", "was \"old\"") + BACKUP),
        &format!(
            "In plain text in {CONFIG}, where docker does not look any more: ghcr.io\n\
             In docker-credential-old, which docker does not ask any more: https://index.docker.io/v1/, quay.io\n\
             note: credHelpers goes on sending gcr.io to docker-credential-gcloud; to change that, name it with \
             --registry\n\
             To import them, run: docker-credential-scoped import\n\
             To import them, run: docker-credential-scoped import --from helper:old\n"
        ),
    );
    assert_eq!(home.asked("old"), "list unused\n");
}

#[test]
fn what_docker_keeps_in_the_file_for_one_registry_goes_on_being_kept_there() {
    let home = Home::new();
    let config =
        r#"{"credsStore":"scoped","credHelpers":{"g.example":""},"auths":{"g.example":{"auth":"dTpw"}}}"#;
    home.write_config(config);
    home.run(&["configure"]).is(
        0,
        &format!("{CONFIG}: credsStore is \"scoped\" already\n"),
        "note: credHelpers goes on keeping logins to g.example in plain text in this file; to change that, name it with \
         --registry\n",
    );
    home.run(&["configure", "--registry", "g.example"]).is(
        0,
        &(now("credHelpers of g.example", "scoped", "was \"\"") + BACKUP),
        &format!(
            "In plain text in {CONFIG}, where docker does not look any more: g.example\n\
             To import them, run: docker-credential-scoped import --registry g.example\n"
        ),
    );
    home.run(&["configure", "--undo"]).is(
        0,
        &format!("{CONFIG}: credHelpers of g.example is \"\" again\n"),
        "",
    );
    assert_eq!(home.config(), config);
}

#[test]
fn for_one_registry_only_what_it_hides_is_named() {
    let home = Home::new();
    home.install_helper("old", &[("quay.io", "q", "s1"), ("ghcr.io", "d", "s2")]);
    home.write_config(
        "{\"credsStore\":\"old\",\"auths\":{\"https://ghcr.io/v2/\":{\"auth\":\"dTpw\"},\"quay.io\":{\"auth\":\"dTpw\"},\"ghcr.io/acme\":{\"auth\":\"dTpw\"}}}",
    );
    home.run(&["configure", "--registry", "ghcr.io"]).is(
        0,
        &(now("credHelpers of ghcr.io", "scoped", "was not set") + BACKUP),
        &format!(
            "In plain text in {CONFIG}, where docker does not look any more: https://ghcr.io/v2/\n\
             In docker-credential-old, which docker does not ask any more: ghcr.io\n\
             To import them, run: docker-credential-scoped import --registry ghcr.io\n\
             To import them, run: docker-credential-scoped import --from helper:old --registry ghcr.io\n"
        ),
    );
}

#[test]
fn a_helper_that_does_not_answer_is_named_and_stops_nothing() {
    let home = Home::new();
    home.install("docker-credential-old", "echo canary; echo canary >&2; exit 3\n");
    home.write_config("{\"credsStore\":\"old\"}");
    home.run(&["configure"]).is(
        0,
        &(now("credsStore", "scoped", "was \"old\"") + BACKUP),
        "docker does not ask docker-credential-old any more, and what it holds is not known: \
         docker-credential-old list failed (exit status: 3); run it yourself to see why\n",
    );
}

#[test]
fn a_person_is_asked_and_a_yes_imports() {
    let config = "{\"auths\": {\"ghcr.io\": {\"auth\": \"dTpw\"}}}";
    for (answer, is_imported) in [("y\n", true), ("\n", false), ("no\n", false)] {
        let home = Home::new();
        home.write_config(config);
        let seen = home.run_in_terminal(&["configure"], answer);
        assert!(seen.contains("Import them now? [y/N] "), "{seen}");
        assert_eq!(home.config().contains("dTpw"), !is_imported, "{seen}");
        assert_eq!(home.backup().contains("dTpw"), !is_imported, "{seen}");
        let stored = home.stored("docker-credential-scoped", "ghcr.io");
        assert_eq!(stored.as_deref(), is_imported.then_some("u p"));
        assert_eq!(
            seen.contains("To import them, run: docker-credential-scoped import\n"),
            !is_imported,
            "{seen}"
        );
    }
}

#[test]
fn of_many_who_configure_at_once_all_are_heeded_and_all_undone() {
    let home = Home::new();
    let registries: Vec<_> = (0..12).map(|number| format!("r{number}.example")).collect();
    thread::scope(|scope| {
        for registry in &registries {
            let home = &home;
            scope.spawn(move || assert_eq!(home.run(&["configure", "--registry", registry]).code, Some(0)));
        }
    });
    for registry in &registries {
        assert!(
            home.config().contains(&format!("\"{registry}\": \"scoped\"")),
            "{}",
            home.config()
        );
    }
    let said = home.run(&["configure", "--undo"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(!is_there(&home.at("home/.docker/config.json")));
}

#[test]
fn undo_puts_back_what_still_is_as_it_was_set() {
    let home = Home::new();
    home.write_config("{\"credsStore\":\"old\",\"credHelpers\":{\"a\":\"x\"}}");
    home.run(&["configure"]);
    home.run(&[
        "configure",
        "--registry",
        "a",
        "--registry",
        "b",
        "--registry",
        "c",
    ]);
    // Somebody else goes on with the file.
    let edited = home
        .config()
        .replace("\"b\":\"scoped\"", "\"b\":\"other\"")
        .replace("{\"credsStore\"", "{\"new\":1,\"credsStore\"");
    home.write_config(&edited);
    home.run(&["configure", "--undo"]).is(
        0,
        &format!(
            "{CONFIG}: credHelpers of c is not set any more\n\
             {CONFIG}: credHelpers of a is \"x\" again\n\
             {CONFIG}: credsStore is \"old\" again\n"
        ),
        &format!("{CONFIG}: credHelpers of b is left, it is \"other\" now\n"),
    );
    assert_eq!(
        home.config(),
        "{\"new\":1,\"credsStore\":\"old\",\"credHelpers\":{\"a\":\"x\",\"b\":\"other\"}}"
    );
    assert!(!is_there(
        &home.at("home/.docker/config.json.before-docker-credential-scoped")
    ));
    home.run(&["configure", "--undo"])
        .is(0, "There is nothing to undo.\n", "");
}

#[test]
fn undo_keeps_the_record_of_a_file_that_it_cannot_read() {
    let home = Home::new();
    home.run(&["configure"]);
    home.write_config("{");
    home.run(&["configure", "--undo"]).is(
        1,
        "",
        &format!("{CONFIG}: line 1 column 1: is not JSON: EOF while parsing an object\n"),
    );
    assert_eq!(home.config(), "{");
    home.write_config("{\"credsStore\":\"scoped\"}");
    assert_eq!(home.run(&["configure", "--undo", "--dry-run"]).code, Some(0));
    assert_eq!(home.run(&["configure", "--undo"]).code, Some(0));
    assert!(!is_there(&home.at("home/.docker/config.json")));
}

#[test]
fn docker_config_is_honoured() {
    let home = Home::new().with("DOCKER_CONFIG", "[T]/elsewhere");
    home.run(&["configure"]).is(
        0,
        "[T]/elsewhere/config.json: credsStore is \"scoped\" now, was not set\n",
        "",
    );
    assert!(!is_there(&home.at("home/.docker")));
}

#[test]
fn docker_auth_config_stands_before_any_helper() {
    let home = Home::new().with("DOCKER_AUTH_CONFIG", "{}");
    home.run(&["configure"]).is(
        0,
        &now("credsStore", "scoped", "was not set"),
        "warning: DOCKER_AUTH_CONFIG is set, and docker takes what is in it before it asks a helper; unset it\n",
    );
}

#[test]
fn what_cannot_be_written_is_named_and_not_recorded() {
    let home = Home::new();
    // A file in the place of the directory keeps root out too.
    home.write("home/.docker", "");
    home.run(&["configure"]).is(
        1,
        "",
        "docker-credential-scoped: cannot replace [T]/home/.docker/config.json: Not a directory (os error 20)\n",
    );
    home.run(&["configure", "--undo"])
        .is(0, "There is nothing to undo.\n", "");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let home = Home::new();
    home.write_config("{}");
    home.set_mode("home/.docker", 0o500);
    let said = home.run(&["configure"]);
    home.set_mode("home/.docker", 0o700);
    if rustix::process::geteuid().is_root() {
        return;
    }
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.starts_with(
            "docker-credential-scoped: cannot write [T]/home/.docker/config.json.before-docker-credential-scoped: "
        ),
        "{}",
        said.stderr
    );
    assert_eq!(home.config(), "{}");
}

#[test]
fn the_helper_before_may_ask_at_the_terminal() {
    let home = Home::new();
    home.write_config(r#"{"credsStore": "old"}"#);
    home.install(
        "docker-credential-old",
        "read -r word </dev/tty; echo \"{\\\"$word.example\\\":\\\"u\\\"}\"\n",
    );
    let seen = home.run_in_terminal(&["configure"], "word\nn\n");
    assert_eq!(
        seen,
        "word\nn\n\
         [T]/home/.docker/config.json: credsStore is \"scoped\" now, was \"old\"\n\
         The file as it was: [T]/home/.docker/config.json.before-docker-credential-scoped\n\
         In docker-credential-old, which docker does not ask any more: word.example\n\
         Import them now? [y/N] To import them, run: docker-credential-scoped import --from helper:old\n"
    );
}

#[test]
fn a_profile_is_a_link_beside_the_program() {
    let home = Home::new();
    let link = "[T]/bin/docker-credential-scoped-ci: ";
    home.run(&["configure", "--profile", "ci"]).is(
        0,
        &format!(
            "{link}links to docker-credential-scoped now\n{}",
            now("credsStore", "scoped-ci", "was not set")
        ),
        "",
    );
    assert_eq!(
        fs::read_link(home.at("bin/docker-credential-scoped-ci")).unwrap(),
        Path::new("docker-credential-scoped")
    );
    home.run(&["configure", "--profile", "ci"]).is(
        0,
        &format!("{link}is there already\n{CONFIG}: credsStore is \"scoped-ci\" already\n"),
        "",
    );
    home.run(&["configure", "--undo"]).is(
        0,
        &format!(
            "{CONFIG}: credsStore is not set any more\n{CONFIG}: is removed, nothing is left in it\n{link}is removed\n"
        ),
        "",
    );
    assert!(!is_there(&home.at("bin/docker-credential-scoped-ci")));
}

#[test]
fn another_program_in_the_links_place_is_refused() {
    let home = Home::new();
    home.install("docker-credential-scoped-ci", "");
    home.run(&["configure", "--profile", "ci"]).is(
        1,
        "",
        "docker-credential-scoped: [T]/bin/docker-credential-scoped-ci: is there and is another program; move it \
         away\n",
    );
    assert!(!is_there(&home.at("home/.docker")));
}

#[test]
fn a_program_that_clients_would_not_find_is_warned_of() {
    let home = Home::new().with("PATH", "/usr/bin:/bin");
    let said = home.run(&["configure"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(
        said.stderr,
        format!(
            "warning: docker does not find docker-credential-scoped on PATH; run: sudo ln -s {} \
             /usr/local/bin/docker-credential-scoped\n",
            env!("CARGO_BIN_EXE_docker-credential-scoped")
        )
    );

    let home = Home::new().with("PATH", "[T]/other:[T]/bin:/usr/bin:/bin");
    home.write("other/docker-credential-scoped", "#!/bin/sh\n");
    home.set_mode("other/docker-credential-scoped", 0o755);
    let said = home.run(&["configure"]);
    assert_eq!(
        said.stderr,
        format!(
            "warning: docker finds [T]/other/docker-credential-scoped, which is another program than {}; remove it, \
             or put this one before it on PATH\n",
            env!("CARGO_BIN_EXE_docker-credential-scoped")
        )
    );
}

#[test]
fn podman_gets_a_drop_in_of_its_own_that_names_this_helper_alone() {
    let home = Home::new();
    let path = "home/.config/containers/registries.conf.d/docker-credential-scoped.conf";
    home.run(&["configure", "--podman"])
        .is(0, &format!("[T]/{path}: names scoped now, was not there\n"), "");
    assert!(home.read(path).ends_with("\ncredential-helpers = [\"scoped\"]\n"));
    assert!(!is_there(&home.at("home/.docker")));
    assert!(!is_there(&home.at("home/.config/containers/registries.conf")));
    home.run(&["configure", "--podman"])
        .is(0, &format!("[T]/{path}: names scoped already\n"), "");
    home.run(&["configure", "--undo"])
        .is(0, &format!("[T]/{path}: is removed\n"), "");
    assert!(!is_there(&home.at(path)));
}

#[test]
fn what_podman_reads_no_more_is_named() {
    let home = Home::new();
    let directory = "[T]/home/.config/containers/registries.conf.d";
    let auth = "[T]/run/containers/auth.json";
    home.install_helper("old", &[("quay.io", "q", "s1"), ("ghcr.io", "q", "s2")]);
    home.write(
        "run/containers/auth.json",
        "{\"auths\":{\"a\":{\"auth\":\"dTpw\"},\"a/b\":{\"auth\":\"dTpw\"}},\"credHelpers\":{\"quay.io\":\"old\"}}",
    );
    home.write_config("{\"auths\":{\"d\":{\"auth\":\"dTpw\"}}}");
    home.write(
        "home/.config/containers/registries.conf.d/aa.conf",
        "credential-helpers = [\"x\"]\n",
    );
    home.write(
        "home/.config/containers/registries.conf.d/zz.conf",
        "credential-helpers = [\"y\"]\n",
    );
    home.run(&["configure", "--podman"]).is(
        0,
        &format!("{directory}/docker-credential-scoped.conf: names scoped now, was not there\n"),
        &format!(
            "note: {directory}/aa.conf names helpers that are not asked any more: credential-helpers = [\"x\"]\n\
             warning: {directory}/zz.conf is read later and wins; remove its line: credential-helpers = [\"y\"]\n\
             In plain text in {auth}, where podman does not look any more: a\n\
             In {auth}, where podman does not look any more, and not importable, since it asks helpers for whole \
             registries only: a/b\n\
             In docker-credential-old, which podman does not ask any more: quay.io\n\
             In plain text in {CONFIG}, where podman does not look any more: d\n\
             To import them, run: docker-credential-scoped import --from {auth}\n\
             To import them, run: docker-credential-scoped import --from helper:old --registry quay.io\n"
        ),
    );
}

#[test]
fn an_auth_file_that_podman_does_not_look_into_is_warned_of() {
    let home = Home::new();
    home.run(&["configure", "--podman"]);
    let said = home.run(&["configure", "--podman", "--registry", "ghcr.io"]);
    assert_eq!(
        said.stderr.lines().nth(1).unwrap(),
        "warning: podman does not look into [T]/run/containers/auth.json while \
         [T]/home/.config/containers/registries.conf.d/docker-credential-scoped.conf says: credential-helpers = \
         [\"scoped\"]"
    );
}

#[test]
fn podmans_drop_in_is_left_where_somebody_changed_it() {
    let home = Home::new();
    let path = "home/.config/containers/registries.conf.d/docker-credential-scoped.conf";
    home.run(&["configure", "--podman"]);
    home.write(path, "credential-helpers = []\n");
    home.run(&["configure", "--undo"]).is(
        0,
        "",
        &format!("[T]/{path}: is left, it is not the text that was written\n"),
    );
    assert_eq!(home.read(path), "credential-helpers = []\n");
}

#[test]
fn podman_gets_helpers_for_named_registries_in_its_auth_file() {
    let home = Home::new();
    let auth = "[T]/run/containers/auth.json";
    home.write(
        "run/containers/auth.json",
        "{\n\t\"auths\": {\n\t\t\"docker.io\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t},\n\t\t\"docker.io/acme\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}\n}",
    );
    home.run(&["configure", "--podman", "--registry", "docker.io"]).is(
        0,
        &format!(
            "{auth}: credHelpers of docker.io is \"scoped\" now, was not set\n\
             The file as it was: {auth}.before-docker-credential-scoped\n"
        ),
        &format!(
            "note: {auth} is gone after logout; without --registry, or with REGISTRY_AUTH_FILE set, the change lasts\n\
             In plain text in {auth}, where podman does not look any more: docker.io\n\
             In {auth}, where podman does not look any more, and not importable, since it asks helpers for whole \
             registries only: docker.io/acme\n\
             To import them, run: docker-credential-scoped import --from {auth} --registry docker.io\n"
        ),
    );
    assert!(
        home.read("run/containers/auth.json")
            .ends_with(",\n\t\"credHelpers\": {\n\t\t\"docker.io\": \"scoped\"\n\t}\n}")
    );
}

#[test]
fn registry_auth_file_is_honoured() {
    let home = Home::new().with("REGISTRY_AUTH_FILE", "[T]/home/auth.json");
    home.run(&["configure", "--podman", "--registry", "ghcr.io"]).is(
        0,
        "[T]/home/auth.json: credHelpers of ghcr.io is \"scoped\" now, was not set\n",
        "",
    );
}
