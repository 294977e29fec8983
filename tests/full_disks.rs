//! Real disks that are full or read-only, and homes and runtime directories that are not what they should be: commands
//! that change something leave what was or what was asked for, and what can be had without a disk is given.
//!
//! The disks are small ones in memory, mounted in a namespace of its own, which takes no privilege.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test stops where it errs"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use serde_json::json;
use support::changes::CHANGES;
use support::fixture::answer::Answer;
use support::helper::{MISS, found, message};
use support::home::{HELPER, Home};
use support::key::files;
use support::outcome::Outcome;
use support::peer;
use support::rounds::rounds;
use support::scene::Scene;

/// Puts `$1`, home and runtime directory, onto a disk with so many free blocks as `$2` says, runs the rest there, and
/// takes back what has become of it.
const ON_A_FULL_DISK: &str = r#"
    place=$1 room=$2 disk=$1/disk; shift 2
    mkdir "$disk" && mount -t tmpfs -o size=1m,mode=700 none "$disk" || exit 99
    for part in home run; do
        cp -aT "$place/$part" "$disk/$part" && mount --bind "$disk/$part" "$place/$part" || exit 99
    done
    cd "$place/home" || exit 99
    dd if=/dev/zero of="$disk/fill" bs=4k 2>/dev/null
    truncate -s "-$((room * 4096))" "$disk/fill" || exit 99
    "$@"
    code=$?
    cd /
    for part in home run; do
        umount -l "$place/$part" && find "$place/$part" -mindepth 1 -delete || exit 99
        cp -aT "$disk/$part" "$place/$part" || exit 99
    done
    exit $code"#;

const READ_ONLY: &str = r#"
    place=$1; shift 2
    for part in home run; do
        mount --bind "$place/$part" "$place/$part" && mount -o remount,ro,bind "$place/$part" || exit 99
    done
    cd "$place/home" && exec "$@""#;

fn can_mount() -> bool {
    peer::can("unshare", &["-Urm", "true"])
}

/// Runs every command that changes something on such a disk, and tells what does not hold.
fn every_change_on(script: &str, rooms: &[u32]) -> Vec<(&'static str, u32, Outcome)> {
    let (mut wrong, mut outcomes) = (Vec::new(), Vec::new());
    for change in CHANGES {
        let mut stage = Some(change.stage());
        for room in rooms {
            let on = stage.take().expect("a stage");
            let place = on.home().directory().to_str().expect("UTF-8").to_owned();
            let words = ["-Urm", "sh", "-uc", script, "sh", &place, &room.to_string()];
            let outcome = change.run(&on, "unshare", &words);
            assert_ne!(outcome.code, Some(99), "{outcome:?}");
            if let Err(why) = change.holds(&on, &outcome) {
                let said = format!("{}{}", outcome.stdout, outcome.stderr);
                wrong.push(format!(
                    "{} with {room} free: {why}\n  it said {said:?}",
                    change.name
                ));
            }
            let disk = on.home().directory().join("disk");
            if disk.exists() {
                fs::remove_dir(disk).expect("a directory");
            }
            outcomes.push((change.name, *room, outcome));
            stage = Some(change.reset(on));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    outcomes
}

/// What is given without a disk: what is asked for is had from elsewhere.
const NEED_NONE: [&str; 2] = ["token", "get that exchanges"];

#[test]
fn on_a_full_disk_every_command_leaves_what_was_or_what_was_asked_for() {
    if !can_mount() {
        return;
    }
    let rooms: Vec<u32> = (0..rounds(3, 9)).collect();
    let outcomes = every_change_on(ON_A_FULL_DISK, &rooms);
    let has_failed = |name: &str| {
        outcomes
            .iter()
            .any(|(of, _, outcome)| *of == name && !outcome.has_succeeded())
    };
    assert!(has_failed("store") && has_failed("add") && has_failed("import") && has_failed("configure"));
    assert!(!NEED_NONE.iter().any(|name| has_failed(name)), "{outcomes:?}");
    assert!(
        !has_failed("erase") && !has_failed("remove"),
        "what is taken away needs no room"
    );
}

#[test]
fn in_a_read_only_home_nothing_is_claimed_and_what_needs_no_disk_is_given() {
    if !can_mount() {
        return;
    }
    for (name, _, outcome) in every_change_on(READ_ONLY, &[0]) {
        let is_given =
            NEED_NONE.contains(&name) || name == "cache --clear" && outcome.stdout == "0 forgotten.\n";
        assert_eq!(outcome.has_succeeded(), is_given, "{name}: {outcome:?}");
    }
}

#[test]
fn a_runtime_directory_that_is_not_ours_alone_is_left_alone_and_tokens_are_had_without() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t", "expires_in": 3600 }))).with_password();
    let server = scene.fixture.address();
    let elsewhere = scene.home.directory().join("elsewhere");
    let runtime = scene.home.directory().join("runtime");
    let make = |mode: u32| {
        fs::create_dir(&runtime).expect("a new directory");
        fs::set_permissions(&runtime, Permissions::from_mode(mode)).expect("a directory of ours");
    };
    let kinds: [(&str, &dyn Fn()); 6] = [
        ("missing", &|| {}),
        ("a file", &|| fs::write(&runtime, "").expect("a file")),
        ("open to all", &|| make(0o777)),
        ("open to a group", &|| make(0o750)),
        ("a link", &|| {
            fs::create_dir(&elsewhere).expect("a new directory");
            fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).expect("a directory of ours");
            symlink(&elsewhere, &runtime).expect("a link");
        }),
        ("somebody else's", &|| {
            make(0o700);
            if peer::root() {
                chown(&runtime, Some(65534), Some(65534)).expect("root");
            }
        }),
    ];
    for (kind, make) in kinds {
        if kind == "somebody else's" && !peer::root() {
            continue;
        }
        make();
        let run = |words: &[&str], input: &str| {
            let mut command = scene.home.command(HELPER);
            command.args(words).env("XDG_RUNTIME_DIR", &runtime);
            Outcome::of(&mut command, input.as_bytes())
        };
        for _ in 0..2 {
            run(&["token", &server, "--pull", "a/b"], "").is("t\n", "", 0);
        }
        run(&["store"], &message("h", "u", "s")).is("", "", 0);
        run(&["get"], "h").is(&found("h", "u", "s"), "", 0);
        run(&["erase"], "h").is("", "", 0);
        run(&["get"], "h").is(MISS, "", 1);
        assert!(
            files(&runtime).is_empty() && files(&elsewhere).is_empty(),
            "{kind}"
        );
        remove(&runtime);
    }
    scene
        .home
        .files_with("user", support::scene::PASSWORD)
        .is_empty()
        .then_some(())
        .expect("nothing in plain text");
}

fn remove(path: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.expect("something of ours");
}

#[test]
fn without_a_runtime_directory_or_any_variable_the_home_that_the_system_knows_is_used() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let script = r#"
        own=$(getent passwd 0 | cut -d: -f6)
        mount -t tmpfs -o mode=700 none "$own" && mount -t tmpfs none /run || exit 99
        unset HOME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
        printf '{"ServerURL":"h","Username":"u","Secret":"s"}' | "$1" store
        printf h | "$1" get
        [ -f "$own/.local/share/docker-credential-scoped/slots/h@default" ] || echo elsewhere
        printf h | "$1" erase
        printf h | "$1" get"#;
    let mut command = home.command("unshare");
    command.args(["-Urm", "sh", "-c", script, "sh", HELPER]);
    Outcome::of(&mut command, b"").is(&(found("h", "u", "s") + MISS), "", 1);
    assert!(files(&home.path()).is_empty());
}
