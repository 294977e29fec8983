//! What `cache` says and forgets: with the key and without it, and in each of the places where tokens may be.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;

use serde_json::json;
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::home::HELPER;
use support::outcome::Outcome;
use support::peer;
use support::scene::Scene;

fn scene() -> Scene {
    Scene::usual(|_| Answer::json(&json!({ "token": "opaque", "expires_in": 3600 }))).with_password()
}

fn cache(scene: &Scene, arguments: &[&str]) -> Outcome {
    Outcome::of(scene.home.command(HELPER).arg("cache").args(arguments), b"")
}

#[test]
fn what_is_forgotten_of_a_registry_leaves_the_others() {
    let scene = scene();
    let server = scene.fixture.address();
    for repository in ["a/b", "c/d"] {
        scene.token(&["--pull", repository]).succeeds();
    }
    let listed = cache(&scene, &[]).succeeds();
    assert_eq!((listed.stdout.lines().count(), listed.stderr.as_str()), (3, ""));
    cache(&scene, &["other.example"]).is("Nothing is remembered.\n", "", 0);
    cache(&scene, &["--clear", "other.example"]).is("0 forgotten.\n", "", 0);
    cache(&scene, &["--clear", &server]).is("2 forgotten.\n", "", 0);
    cache(&scene, &[]).is("Nothing is remembered.\n", "", 0);
}

#[test]
fn without_the_key_it_is_said_how_much_cannot_be_opened_and_all_of_it_can_be_forgotten() {
    for is_damaged in [false, true] {
        let scene = scene();
        let server = scene.fixture.address();
        for repository in ["a/b", "c/d"] {
            scene.token(&["--pull", repository]).succeeds();
        }
        if is_damaged {
            scene.home.damage_key();
        } else {
            fs::remove_file(scene.home.data().join("key")).unwrap();
        }
        let note = "note: 2 cannot be opened, sealed with another key or damaged; docker-credential-scoped cache \
                    --clear forgets them with all the rest\n";
        cache(&scene, &[]).is("Nothing is remembered that can be opened.\n", note, 0);
        cache(&scene, &["--json", &server]).is("[]\n", note, 0);
        let lacking = format!(
            "2 cannot be opened, so that nobody can tell whether they are for {server}; forget all there is: \
             docker-credential-scoped cache --clear\n"
        );
        cache(&scene, &["--clear", &server]).is("0 forgotten.\n", &lacking, 1);
        cache(&scene, &["--clear"]).is("2 forgotten.\n", "", 0);
        cache(&scene, &[]).is("Nothing is remembered.\n", "", 0);
        assert_eq!(entries(&scene), 0);
    }
}

#[test]
fn what_a_job_without_a_runtime_directory_keeps_is_found_from_a_session_and_goes_with_the_credential() {
    let scene = scene();
    let server = scene.fixture.address();
    let without = |arguments: &[&str], input: &str| {
        let mut command = scene.home.command(HELPER);
        command.args(arguments).env_remove("XDG_RUNTIME_DIR");
        Outcome::of(&mut command, input.as_bytes())
    };
    without(&["token", &server, "--pull", "a/b"], "").is("opaque\n", "", 0);
    scene.token(&["--pull", "c/d"]).succeeds();
    let listed = cache(&scene, &[]).succeeds();
    assert_eq!((listed.stdout.lines().count(), listed.stderr.as_str()), (3, ""));
    cache(&scene, &["--clear"]).is("2 forgotten.\n", "", 0);

    without(&["token", &server, "--pull", "a/b"], "").is("opaque\n", "", 0);
    scene.token(&["--pull", "c/d"]).succeeds();
    assert_eq!(entries(&scene), 2);
    Helper::of(&scene.home).ask("erase", &server).is("", "", 0);
    assert_eq!(entries(&scene), 0);
}

#[test]
fn what_a_session_keeps_goes_with_a_credential_that_is_erased_or_replaced_outside_of_it() {
    if !peer::can("unshare", &["-Urm", "true"]) {
        return;
    }
    let scene = scene();
    let server = scene.fixture.address();
    let erase = format!("printf %s {server} | $1 erase");
    let login = json!({ "ServerURL": server, "Username": "u", "Secret": "another" });
    let store = format!("printf %s '{login}' | $1 store");
    for (how, left) in [
        (store.as_str(), "0"),
        // As systemd makes it, or else it is not looked into.
        ("chmod 755 /run/user/0; $1 cache --clear", "2"),
        ("$1 cache --clear", "0"),
        (erase.as_str(), "0"),
    ] {
        let script = format!(
            "mount -t tmpfs none /run && mkdir /run/user && mkdir -m 700 /run/user/0
            for repository in a/b c/d; do
                XDG_RUNTIME_DIR=/run/user/0 $1 token {server} --pull $repository >/dev/null
            done
            unset XDG_RUNTIME_DIR
            kept() {{ find /run/user/0 -path '*/tokens/*/*' | wc -l; }}
            [ $(kept) = 2 ]
            {{ {how}; }} >/dev/null
            kept"
        );
        let mut command = scene.home.command("unshare");
        command.args(["-Urm", "sh", "-ec", &script, "sh", HELPER]);
        Outcome::of(&mut command, b"").is(&format!("{left}\n"), "", 0);
    }
}

/// How many tokens are kept, in whichever place.
fn entries(scene: &Scene) -> usize {
    let mut found = 0;
    let mut directories = vec![
        scene.home.runtime().join("docker-credential-scoped/tokens"),
        scene.home.path().join(".cache/docker-credential-scoped/tokens"),
    ];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found += 1;
            }
        }
    }
    found
}
