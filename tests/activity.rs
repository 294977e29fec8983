//! The activity log: what is written down of each command, in whole lines, in a file that is ours alone; and that
//! nobody goes without a credential for its sake.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test puts files in the way and stops where it errs"
)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use docker_credential_scoped::files::Location;
use serde_json::{Value, json};
use support::fixture::answer::{Answer, jwt};
use support::helper::{ask, found, message};
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::peer;
use support::scene::{PASSWORD, Scene, is_refused};

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";
const CANARY: &str = "canary-secret-that-is-nowhere";

fn home() -> Home {
    let home = Home::new();
    home.write(SETTINGS, r#"{ "activityLog": true }"#);
    home
}

fn run(home: &Home, arguments: &[&str]) -> Outcome {
    Outcome::of(home.command(HELPER).args(arguments), b"")
}

fn file(home: &Home) -> PathBuf {
    home.data().join("activity.jsonl")
}

/// This process, as the helpers that it starts know it.
fn us() -> String {
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    name.trim_end().to_owned()
}

/// The lines of the file, without their times, which have to be of today, and their caller, which has to be us.
#[track_caller]
fn lines(home: &Home) -> Vec<String> {
    let today = time::OffsetDateTime::now_utc().date().to_string();
    let text = fs::read_to_string(file(home)).unwrap();
    let caller = format!(",\"caller\":\"{}\"}}", us());
    let bare = |line: &str| {
        let line = line.strip_prefix("{\"time\":\"").unwrap();
        let (time, line) = line.split_once("\",").unwrap();
        assert!(time.starts_with(&today) && time.ends_with('Z'), "{time}");
        line.strip_suffix(&caller).unwrap().to_owned()
    };
    text.lines().map(bare).collect()
}

#[test]
fn what_clients_store_get_and_erase_is_written_down_and_nothing_that_changes_nothing() {
    let home = home();
    ask(&home, "get", "h").fails();
    ask(&home, "erase", "h").is("", "", 0);
    ask(&home, "store", &message("h/team", "alice", CANARY)).is("", "", 0);
    ask(&home, "store", &message("h/team", "alice", CANARY)).is("", "", 0);
    ask(&home, "get", "h/team/app").succeeds();
    home.link_helper("docker-credential-scoped-ci");
    let ci = |verb: &str, input: &str| {
        Outcome::of(
            home.command("docker-credential-scoped-ci").arg(verb),
            input.as_bytes(),
        )
    };
    ci("store", &message("h", "robot\n\u{202e}", CANARY)).fails();
    ci("store", &message("h", "robot\u{202e}", CANARY)).is("", "", 0);
    ci("get", "h").succeeds();
    ask(&home, "erase", "h/team").is("", "", 0);
    ask(&home, "erase", "h/team").is("", "", 0);
    assert_eq!(
        lines(&home),
        [
            r#""action":"store","server":"h/team","profile":"default","account":"alice""#,
            r#""action":"hand-out","server":"h/team","profile":"default","account":"alice""#,
            "\"action\":\"store\",\"server\":\"h\",\"profile\":\"ci\",\"account\":\"robot\u{202e}\"",
            "\"action\":\"hand-out\",\"server\":\"h\",\"profile\":\"ci\",\"account\":\"robot\u{202e}\"",
            r#""action":"erase","server":"h/team","profile":"default","account":"alice""#,
        ]
    );
    assert_eq!(fs::metadata(file(&home)).unwrap().mode() & 0o7777, 0o600);
    let shown = run(&home, &["log"]).succeeds();
    assert!(shown.stdout.contains(r"robot\u{202e}"), "{}", shown.stdout);
    let written = fs::read_to_string(file(&home)).unwrap();
    let shown = run(&home, &["log", "--json"]).succeeds();
    assert_eq!(shown.stdout, written.replace('\u{202e}', r"\u202e"));
    assert_eq!(home.files_with("alice", CANARY), Vec::<PathBuf>::new());
}

#[test]
fn what_is_expired_damaged_or_cannot_be_fetched_is_written_down_as_refused() {
    let home = home();
    let other = home.bin().join("docker-credential-other");
    fs::write(
        &other,
        "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n",
    )
    .unwrap();
    fs::set_permissions(other, Permissions::from_mode(0o755)).unwrap();
    home.write(
        SETTINGS,
        r#"{ "activityLog": true, "credentials": [
            { "server": "old", "username": "alice", "secret": { "env": "NOWHERE" }, "expires": "2020-01-01" },
            { "server": "gone", "username": "bob", "secret": { "env": "NOWHERE" } },
            { "server": "missing", "username": "dan", "secret": { "helper": "other" } } ] }"#,
    );
    ask(&home, "store", &message("h", "carol", CANARY)).is("", "", 0);
    fs::write(home.slots().join("h@default"), "notes").unwrap();
    for server in ["old", "gone", "h"] {
        ask(&home, "get", server).fails();
    }
    ask(&home, "get", "missing").is("credentials not found in native keychain\n", "", 1);
    assert_eq!(
        lines(&home)[1..],
        [
            r#""action":"refusal","server":"old","profile":"default","account":"alice""#,
            r#""action":"refusal","server":"gone","profile":"default","account":"bob""#,
            r#""action":"refusal","server":"h","profile":"default""#,
            r#""action":"refusal","server":"missing","profile":"default","account":"dan""#,
        ]
    );
}

#[test]
fn a_token_is_refused_to_the_one_whose_credential_cannot_be_used() {
    let scene = Scene::usual(|_| Answer::new(401, "{}"));
    let registry = scene.fixture.address();
    let declared = json!({ "activityLog": true, "credentials": [
        { "server": registry, "profile": "old", "username": "alice", "secret": { "env": "NOWHERE" },
          "expires": "2020-01-01" } ] });
    scene.home.write(SETTINGS, &declared.to_string());
    scene.home.link_helper("docker-credential-scoped-ci");
    for (program, server) in [
        ("docker-credential-scoped-ci", registry.clone()),
        ("docker-credential-scoped-ci", format!("{registry}/acme")),
    ] {
        let stored = message(&server, "bob", CANARY);
        Outcome::of(scene.home.command(program).arg("store"), stored.as_bytes()).is("", "", 0);
    }
    let file = |server: &str| server.replace(':', "%3A").replace('/', "%2F") + "@ci";
    scene.home.damage_file(&file(&format!("{registry}/acme")));
    scene.token(&["--pull", "acme/app"]).fails();
    scene.token(&["--pull", "acme/app", "--profile", "ci"]).fails();
    scene.home.damage_file(&file(&registry));
    scene.token(&["--pull", "other/app"]).fails();
    scene.token(&["--pull", "other/app", "--profile", "old"]).fails();
    let of = |server: &str, rest: &str| {
        format!(r#""action":"refusal","server":"{registry}{server}","profile":{rest}"#)
    };
    assert_eq!(
        lines(&scene.home)[2..],
        [
            of("/acme", r#""ci","scope":"repository:acme/app:pull""#),
            of("/acme", r#""ci","scope":"repository:acme/app:pull""#),
            of("", r#""ci","scope":"repository:other/app:pull""#),
            of(
                "",
                r#""old","account":"alice","scope":"repository:other/app:pull""#
            ),
        ]
    );
}

#[test]
fn an_exchange_says_what_was_granted_and_a_refusal_what_was_asked() {
    let scene = Scene::usual(|request| {
        if request.query.contains("forbidden") || request.body.contains("forbidden") {
            return Answer::new(401, "{}");
        }
        let token = jwt(
            &json!({ "access": [{ "type": "repository", "name": "a", "actions": ["pull"] }],
            "canary": CANARY }),
        );
        Answer::json(&json!({ "token": token, "expires_in": 300 }))
    });
    scene.home.write(SETTINGS, r#"{ "activityLog": true }"#);
    let scene = scene.with_password();
    let registry = scene.fixture.address();
    scene.token(&["--push", "a"]).succeeds();
    scene.token(&["--push", "a"]).succeeds();
    let exec = ["exec", "--server", &registry, "--scope"];
    let narrow = run(
        &scene.home,
        &[&exec[..], &["repository:a:pull", "--", "true"]].concat(),
    );
    narrow.is("", "", 0);
    run(
        &scene.home,
        &[&exec[..], &["repository:a:pull,push", "--", "true"]].concat(),
    )
    .fails();
    is_refused(&scene.token(&["--pull", "b"]));
    is_refused(&scene.token(&["--pull", "forbidden"]));
    let of = |action: &str, rest: &str| {
        format!(
            r#""action":"{action}","server":"{registry}","profile":"default","account":"user","scope":"repository:{rest}""#
        )
    };
    let narrowed = r#"a:pull,push","granted":"repository:a:pull"#;
    let other = r#"b:pull","granted":"repository:a:pull"#;
    assert_eq!(
        lines(&scene.home)[1..],
        [
            of("exchange", narrowed),
            of("hand-out", narrowed),
            of("hand-out", narrowed),
            of("exchange", "a:pull"),
            of("hand-out", "a:pull"),
            of("refusal", narrowed),
            of("exchange", other),
            of("refusal", other),
            of("refusal", "forbidden:pull"),
        ]
    );
    let text = fs::read_to_string(file(&scene.home)).unwrap();
    assert!(!text.contains(CANARY) && !text.contains(PASSWORD), "{text}");
}

#[test]
fn an_import_and_a_changed_hand_out_are_written_down() {
    let scene = Scene::usual(|_| {
        Answer::json(&json!({ "token": "short", "refresh_token": CANARY, "expires_in": 300 }))
    });
    let (home, registry) = (&scene.home, scene.fixture.address());
    home.write(SETTINGS, r#"{ "activityLog": true }"#);
    let config = home.write(
        "config.json",
        &json!({ "auths": { &registry: { "auth": "YWxpY2U6c2VjcmV0" } } }).to_string(),
    );
    let import = ["import", "--from", config.to_str().unwrap()];
    run(home, &import).succeeds();
    run(home, &import).succeeds();
    let configure = [
        "configure",
        "--registry",
        &registry,
        "--hand-out",
        "identity-token",
    ];
    run(home, &configure).succeeds();
    run(home, &configure).succeeds();
    ask(home, "get", &registry).succeeds();
    let of = |action: &str, account: &str| {
        format!(r#""action":"{action}","server":"{registry}","profile":"default"{account}"#)
    };
    let alice = r#","account":"alice""#;
    assert_eq!(
        lines(home),
        [
            of("import", alice),
            of("exchange", alice),
            of("exchange", alice),
            of("exchange", alice),
            of("configure", ""),
            of("exchange", alice),
            of("exchange", alice),
            of("exchange", alice),
            of("hand-out", alice),
        ]
    );
    assert_eq!(home.files_with("alice", CANARY), Vec::<PathBuf>::new());
}

#[test]
fn the_log_is_a_table_or_lines_since_when_it_is_asked_for() {
    let home = home();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    let old = "{\"time\":\"2020-01-01T00:00:00Z\",\"action\":\"exchange\",\"server\":\"h\",\"profile\":\"ci\",\
        \"scope\":\"repository:a:pull,push\",\"granted\":\"repository:a:pull\",\"caller\":\"x\\u001b[1m\"}\n";
    let new = fs::read_to_string(file(&home)).unwrap();
    // As a full disk leaves it: a line without its end, and the next one behind it.
    fs::write(
        file(&home),
        format!("{old}{{\"time\":\"2020-01-01T00:00:00Z\",\"act{new}"),
    )
    .unwrap();
    run(&home, &["log", "--json"]).is(&format!("{old}{new}"), "", 0);
    for since in ["1h", "2020-01-02", "2020-01-01T00:00:01Z"] {
        run(&home, &["log", "--json", "--since", since]).is(&new, "", 0);
    }
    for since in ["2020-01-01", "2020-01-01T01:00:00+01:00"] {
        run(&home, &["log", "--json", "--since", since]).is(&format!("{old}{new}"), "", 0);
    }
    let time = new.split('"').nth(3).unwrap();
    let caller = us();
    run(&home, &["log"]).is(
        &format!(
            "\
TIME                  ACTION    SERVER  PROFILE  ACCOUNT  SCOPE                                                CALLER
2020-01-01T00:00:00Z  exchange  h       ci       -        repository:a:pull,push (granted: repository:a:pull)  x\\u{{1b}}[1m
{time}  store     h       default  alice    -                                                    {caller}
"
        ),
        "",
        0,
    );
    run(&home, &["log", "--since", "soon"]).is(
        "",
        "docker-credential-scoped: --since: write a length as in 2h or 7d, a date as in 2027-01-31, or a time as in \
         2027-01-31T12:00:00Z\n",
        1,
    );
}

#[test]
fn a_line_that_is_cut_short_within_a_character_costs_no_other() {
    let home = home();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    let new = fs::read(file(&home)).unwrap();
    let cut = b"{\"time\":\"2020-01-01T00:00:00Z\",\"account\":\"\xc3";
    fs::write(file(&home), [cut.as_slice(), &new].concat()).unwrap();
    let new = String::from_utf8(new).unwrap();
    run(&home, &["log", "--json"]).is(&new, "", 0);
}

#[test]
fn nothing_is_written_down_unless_it_is_asked_for_and_log_says_how() {
    let home = Home::new();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    ask(&home, "get", "h").succeeds();
    assert!(!file(&home).exists());
    let note = format!(
        "note: nothing is being written down; to have it, put \"activityLog\": true into {}\n",
        home.path().join(SETTINGS).display()
    );
    run(&home, &["log"]).is("", &note, 0);
    home.write(SETTINGS, r#"{ "activityLog": true }"#);
    run(&home, &["log"]).is("", "note: nothing was written down in that time\n", 0);
    home.write(SETTINGS, r#"{ "activityLog": 1 }"#);
    ask(&home, "get", "h").fails();
}

#[test]
fn no_get_fails_for_the_sake_of_its_line() {
    let home = home();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    let answer = found("h", "alice", CANARY);
    let log = file(&home);
    let written = fs::read(&log).unwrap();
    let get = || ask(&home, "get", "h").is(&answer, "", 0);

    fs::set_permissions(&log, Permissions::from_mode(0o644)).unwrap();
    get();
    assert_eq!(fs::read(&log).unwrap(), written, "open to others");
    fs::remove_file(&log).unwrap();
    let target = home.path().join("target");
    fs::write(&target, "").unwrap();
    symlink(&target, &log).unwrap();
    get();
    assert_eq!(fs::read(&target).unwrap(), b"", "a link");
    fs::remove_file(&log).unwrap();
    assert!(Command::new("mkfifo").arg(&log).status().unwrap().success());
    get();
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    get();
    fs::remove_dir(&log).unwrap();
    let mut limited = home.command("sh");
    limited.args(["-c", "ulimit -f 0; exec docker-credential-scoped get"]);
    Outcome::of(&mut limited, b"h").is(&answer, "", 0);
    assert_eq!(fs::read(&log).unwrap(), b"", "no room for a file of any length");
    get();
    assert_eq!(lines(&home).len(), 1);
}

/// Runs a script in a mount namespace of its own, where `$1` is the directory above the home's data and `$2` the helper.
fn in_namespace(home: &Home, script: &str) -> Option<Outcome> {
    if !peer::can("unshare", &["-Urm", "true"]) {
        return None;
    }
    let mut command = home.command("unshare");
    command
        .args(["-Urm", "sh", "-ec", script, "sh"])
        .arg(home.path().join(".local/share"))
        .arg(HELPER);
    Some(Outcome::of(&mut command, b""))
}

#[test]
fn a_get_answers_from_a_read_only_home_and_a_full_disk() {
    let home = home();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    let before = fs::read(file(&home)).unwrap();
    let answer = found("h", "alice", CANARY);
    let script = "mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"; printf h | \"$2\" get";
    let Some(outcome) = in_namespace(&home, script) else {
        return;
    };
    outcome.is(&answer, "", 0);
    assert_eq!(fs::read(file(&home)).unwrap(), before);
    let script = "cp -a \"$1\" \"$HOME/kept\"; mount -t tmpfs -o size=64k,mode=700 none \"$1\"
        cp -a \"$HOME/kept/.\" \"$1\"; dd if=/dev/zero of=\"$1/fill\" bs=1k status=none 2>/dev/null || true
        for time in $(seq 40); do printf h | \"$2\" get >/dev/null; done; printf h | \"$2\" get";
    in_namespace(&home, script).unwrap().is(&answer, "", 0);
}

#[test]
fn fifty_at_once_write_fifty_whole_lines() {
    let home = home();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| ask(&home, "get", "h").succeeds());
        }
    });
    let hand_out = r#""action":"hand-out","server":"h","profile":"default","account":"alice""#;
    assert_eq!(lines(&home)[1..], vec![hand_out; 50]);
}

#[test]
fn at_a_mebibyte_the_file_is_put_aside_and_both_are_shown() {
    let home = home();
    ask(&home, "store", &message("h", "alice", CANARY)).is("", "", 0);
    let line = fs::read_to_string(file(&home)).unwrap();
    let most = 1024 * 1024 / line.len();
    let older = home.data().join("activity.jsonl.1");
    fs::write(&older, &line).unwrap();
    fs::set_permissions(&older, Permissions::from_mode(0o600)).unwrap();
    fs::write(file(&home), line.repeat(most)).unwrap();
    ask(&home, "get", "h").succeeds();
    assert_eq!(fs::read(&older).unwrap(), line.repeat(most).into_bytes());
    assert_eq!(lines(&home).len(), 1);
    for file in [file(&home), older] {
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o7777, 0o600);
    }
    let shown = run(&home, &["log", "--json"]).succeeds().stdout;
    assert_eq!(shown.lines().count(), most + 1);
    let last: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(last["action"], "hand-out");
}

#[test]
fn what_is_shown_in_json_drives_no_terminal() {
    let home = home();
    // Turned, not seen, a control character that JSON leaves as it is, and what takes two units.
    let account = "é\u{202e}\u{200b}\u{9b}\u{7f}\u{e0041}";
    let stored = message("h", "a", CANARY).replace("\"a\"", &format!("\"{}\"", "\u{202e}é\u{200b}\u{e0041}"));
    ask(&home, "store", &stored).is("", "", 0);
    let line = |account: &str| {
        format!(
            "{{\"time\":\"2020-01-01T00:00:00Z\",\"action\":\"store\",\"server\":\"h\",\"profile\":\"default\",\
             \"account\":\"{account}\"}}\n"
        )
    };
    fs::write(file(&home), line(account)).unwrap();
    run(&home, &["log", "--json"]).is(&line(r"\u00e9\u202e\u200b\u009b\u007f\udb40\udc41"), "", 0);
    let shown = run(&home, &["status", "--json"]).succeeds().stdout;
    assert!(
        shown.contains(r#""account": "\u202e\u00e9\u200b\udb40\udc41""#),
        "{shown}"
    );
    let rows: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(rows[0]["account"], "\u{202e}é\u{200b}\u{e0041}");
}

#[test]
fn an_account_as_long_as_a_message_does_not_fill_the_log() {
    let home = home();
    let long = "éa".repeat(50_000);
    ask(&home, "store", &message("h", &long, CANARY)).is("", "", 0);
    assert!(fs::metadata(file(&home)).unwrap().len() < 4096);
}

#[test]
fn lines_of_many_at_once_stand_whole_and_the_last_are_kept() {
    let home = tempfile::tempdir().unwrap();
    let directory = Location::new(home.path().join("log"), home.path())
        .create()
        .unwrap();
    thread::scope(|scope| {
        for writer in 0..8 {
            let directory = &directory;
            scope.spawn(move || {
                for number in 0..200 {
                    let line = format!("{writer} {number} {}\n", "x".repeat(100));
                    directory.append("lines", line.as_bytes(), 50_000).unwrap();
                }
            });
        }
    });
    let bytes = directory.read_grown("lines", 100_000).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.len() > 50_000 && text.len() <= 101_000, "{}", text.len());
    for line in text.lines() {
        assert!(
            line.ends_with(&"x".repeat(100)) && line.matches(' ').count() == 2,
            "{line}"
        );
    }
    for writer in 0..8 {
        assert!(text.contains(&format!("{writer} ")));
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_or_open_to_others_is_not_written_to() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = tempfile::tempdir().unwrap();
    let directory = Location::new(home.path().join("log"), home.path())
        .create()
        .unwrap();
    directory.append("lines", b"one\n", 100).unwrap();
    let path = directory.path().join("lines");
    fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
    assert!(directory.append("lines", b"two\n", 100).is_err());
    fs::remove_file(&path).unwrap();
    let target = home.path().join("target");
    symlink(&target, &path).unwrap();
    assert!(directory.append("lines", b"two\n", 100).is_err());
    assert!(!target.exists());
}
