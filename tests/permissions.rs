//! Everything that is written here is ours alone from the moment it is there, whatever the umask: the mode is in the call
//! that makes it, which follows no link, and nothing is closed only afterwards.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use support::fixture::answer::Answer;
use support::helper::message;
use support::home::HELPER;
use support::outcome::Outcome;
use support::scene::{PASSWORD, Scene};
use support::strace;

const MAKING: &str =
    "trace=open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,chmod,fchmod,fchmodat,symlink,symlinkat";

const PASSPHRASE: &str = "correct horse battery staple\n";

const CONFIG: &str = ".docker/config.json";

/// What is wrong with a call, if anything is.
fn fault(call: &str, home: &Path) -> Option<&'static str> {
    let (name, rest) = call.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end();
    if result.starts_with('-') || !call.contains(home.to_str().expect("UTF-8")) {
        return None;
    }
    // What other programs or its owner wrote keeps the mode that it had.
    let is_others = call.contains("/.docker/") || call.contains("/.config/");
    match name {
        "open" | "openat" if arguments.contains("O_CREAT") => {
            if !arguments.ends_with(", 0600)") {
                Some("not for its owner alone")
            } else if !arguments.contains("O_EXCL") && !arguments.contains("O_NOFOLLOW") {
                Some("a link would be followed")
            } else {
                None
            }
        }
        "mkdir" | "mkdirat" => (!arguments.ends_with(", 0700)")).then_some("not for its owner alone"),
        "open" | "openat" => None,
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" if is_others => None,
        "symlink" | "symlinkat" if call.contains("/bin/") => None,
        _ => Some("made or changed in another way"),
    }
}

/// The kinds of files that are there: their names without what differs.
fn kinds(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let metadata = fs::symlink_metadata(&path).expect("an entry");
        let mode = metadata.permissions().mode() & 0o7777;
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", path.display());
        found.insert(path.file_name().expect("a name").to_string_lossy().into_owned());
        found.extend(kinds(&path));
    }
    found
}

fn whatever_the_umask(umask: &str) {
    if !strace::is_there() {
        return;
    }
    let answer = json!({ "token": "t", "refresh_token": "r", "expires_in": 3600 });
    let scene = Scene::usual(move |_| Answer::json(&answer));
    let (home, server) = (&scene.home, scene.fixture.address());
    let config = home.write(CONFIG, "{\"auths\": {\"imported\": {\"auth\": \"dTpw\"}}}");
    home.write(
        ".config/docker-credential-scoped/settings.json",
        "{\"activityLog\": true}",
    );
    let script = format!("umask {umask}; exec strace -f -y -qq -s 1000 -e {MAKING} -o \"$0\" \"$@\"");
    let trace = home.directory().join("trace");
    let mut count = 0;
    let mut run = |words: &[&str], input: &str, has_runtime: bool| {
        let mut command = home.command("sh");
        command.args(["-c", &script]).arg(&trace).arg(HELPER).args(words);
        if !has_runtime {
            command.env_remove("XDG_RUNTIME_DIR");
        }
        Outcome::of(&mut command, input.as_bytes()).succeeds();
        let trace = fs::read_to_string(&trace).expect("a trace");
        for line in trace.lines() {
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            assert_eq!(fault(call, home.directory()), None, "{words:?}: {call}");
            count += usize::from(call.contains("O_CREAT") || call.starts_with("mkdir"));
        }
    };
    let pull = ["token", &server, "--pull", "a/b"];
    run(&pull, "", true);
    run(&["store"], &message(&server, "u", PASSWORD), true);
    run(&pull, "", true);
    run(&pull, "", false);
    run(&["add", "h", "--username", "u"], "secret\n", true);
    run(
        &["configure", "--registry", &server, "--hand-out", "identity-token"],
        "",
        true,
    );
    run(&["get"], &server, true);
    run(&["configure"], "", true);
    run(&["configure", "--undo"], "", true);
    run(&["configure"], "", true);
    run(&["import"], "", true);
    run(
        &["exec", "--pull", &format!("{server}/a/b"), "--", "true"],
        "",
        true,
    );
    run(&["key", "move", "--to", "passphrase"], PASSPHRASE, true);
    run(&["lock"], "", true);
    run(&["unlock"], PASSPHRASE, true);
    run(&["key", "move", "--to", "key-file"], PASSPHRASE, true);
    run(&["remove", "h"], "", true);
    run(&["cache", "--clear"], "", true);
    assert!(count > 40, "{count}");
    let mut kept = BTreeSet::new();
    for directory in [home.data(), home.runtime(), home.path().join(".cache")] {
        kept.extend(kinds(&directory));
    }
    for kind in [
        "slots",
        "staging",
        "locks",
        "registries",
        "key",
        "activity.jsonl",
        "configured.json",
        "tokens",
        "keys",
    ] {
        assert!(kept.contains(kind), "{kind}: {kept:?}");
    }
    for of_others in [
        &config,
        &config.with_extension("json.before-docker-credential-scoped"),
    ] {
        let mode = fs::metadata(of_others).expect("a file").permissions().mode();
        assert_eq!(mode & 0o022, 0, "{}", of_others.display());
    }
}

#[test]
fn with_an_open_umask_everything_is_private_from_the_moment_it_is_there() {
    whatever_the_umask("000");
}

#[test]
fn with_a_closed_umask_everything_is_there_for_its_owner() {
    whatever_the_umask("077");
}
