//! Credentials that settings.json declares, asked for as clients ask, with nothing else in the home.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect, and writes files plainly"
)]

mod command;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use command::{Home, Said, is_there};
use serde_json::{Value, json};

const SCOPED: &str = "docker-credential-scoped";
const SETTINGS: &str = "home/.config/docker-credential-scoped/settings.json";
const MISS: &str = "credentials not found in native keychain\n";
/// What no output may hold.
const CANARY: &str = "canary-of-the-test";

fn declare(home: &Home, credentials: &Value) {
    home.write(SETTINGS, &json!({ "credentials": credentials }).to_string());
}

/// A home that declares ghcr.io with this secret, its directory written `[T]`.
fn home_with(secret: &Value) -> Home {
    let home = Home::new();
    let secret = secret
        .to_string()
        .replace("[T]", home.at("").to_str().unwrap().trim_end_matches('/'));
    let secret: Value = serde_json::from_str(&secret).unwrap();
    declare(
        &home,
        &json!([{ "server": "ghcr.io", "username": "ci", "secret": secret }]),
    );
    home
}

fn get(home: &Home, server: &str) -> Said {
    home.ask(SCOPED, "get", server)
}

fn answer(server: &str, account: &str, secret: &str) -> String {
    json_line(&[("ServerURL", server), ("Username", account), ("Secret", secret)])
}

fn json_line(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{value}\""))
        .collect();
    format!("{{{}}}\n", fields.join(","))
}

#[test]
fn a_secret_is_fetched_from_where_it_is_declared_and_nothing_is_written() {
    let home = Home::new()
        .with("GHCR_PAT", "from-env")
        .with("XDG_RUNTIME_DIR", "[T]/none");
    home.install_helper("other", &[("quay.io", "robot", "from-helper")]);
    home.install("say", "printf '%s\\n' \"from-$1\"\n");
    let file = home.write("secret", "from-file\n");
    declare(
        &home,
        &json!([
            { "server": "ghcr.io", "username": "ci", "secret": { "env": "GHCR_PAT" } },
            { "server": "registry.example.com", "username": "ci", "secret": { "file": file } },
            { "server": "docker.io", "username": "ci", "secret": { "command": ["say", "command; $(id)"] } },
            { "server": "quay.io", "secret": { "helper": "other" } },
            { "server": "https://gitlab.example.com/", "username": "named", "secret": { "helper": "other" } },
        ]),
    );
    for (server, account, secret) in [
        ("ghcr.io", "ci", "from-env"),
        ("https://registry.example.com", "ci", "from-file"),
        // No shell has seen the argument.
        ("https://index.docker.io/v1/", "ci", "from-command; $(id)"),
        ("quay.io", "robot", "from-helper"),
    ] {
        get(&home, server).is(0, &answer(server, account, secret), "");
    }
    // What the other helper says is passed on.
    get(&home, "gitlab.example.com").is(1, MISS, "");
    assert_eq!(home.asked("other"), "get quay.io\nget gitlab.example.com\n");

    home.ask(SCOPED, "list", "").is(
        0,
        &json_line(&[
            ("https://index.docker.io/v1/", "ci"),
            ("ghcr.io", "ci"),
            ("https://gitlab.example.com/", "named"),
            ("quay.io", ""),
            ("registry.example.com", "ci"),
        ]),
        "",
    );
    for never in ["home/.local", "home/.cache", "none"] {
        assert!(!is_there(&home.at(never)), "{never}");
    }
}

#[test]
fn no_home_is_needed_at_all() {
    let home = Home::new()
        .with("HOME", "")
        .with("XDG_CONFIG_HOME", "[T]/home/.config")
        .with("GHCR_PAT", "from-env");
    declare(
        &home,
        &json!([{ "server": "ghcr.io", "username": "ci", "secret": { "env": "GHCR_PAT" } }]),
    );
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", "from-env"), "");
    home.ask(SCOPED, "list", "").is(0, "{\"ghcr.io\":\"ci\"}\n", "");
}

#[test]
fn what_is_stored_stands_over_what_is_declared() {
    let home = home_with(&json!({ "file": "[T]/secret" }));
    home.write("secret", "declared");
    let stored = answer("ghcr.io", "me", "stored");
    home.ask(SCOPED, "store", &stored).is(0, "", "");
    get(&home, "ghcr.io").is(0, &stored, "");
    home.ask(SCOPED, "list", "").is(0, "{\"ghcr.io\":\"me\"}\n", "");

    // It stands there though it does not open: which of the two was meant nobody knows.
    let slot = home.at("home/.local/share/docker-credential-scoped/slots/ghcr.io@default");
    let sealed = fs::read(&slot).unwrap();
    fs::write(&slot, "damaged").unwrap();
    let said = get(&home, "ghcr.io");
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("slots/ghcr.io@default"), "{said:?}");
    home.ask(SCOPED, "list", "").is(0, "{}\n", "");
    fs::write(&slot, sealed).unwrap();

    home.ask(SCOPED, "erase", "ghcr.io")
        .is(0, "", "ghcr.io is declared in settings.json, and stays there\n");
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", "declared"), "");
}

#[test]
fn a_declared_slot_is_not_erased_and_it_is_said_where_it_is() {
    let home = home_with(&json!({ "env": "GHCR_PAT" })).with("GHCR_PAT", CANARY);
    let settings = home.read(SETTINGS);
    for spelling in ["ghcr.io", "https://ghcr.io", "http://ghcr.io", "ghcr.io/v2/"] {
        home.ask(SCOPED, "erase", spelling).is(
            0,
            "",
            "ghcr.io is declared in settings.json, and stays there\n",
        );
    }
    home.ask(SCOPED, "erase", "quay.io").is(0, "", "");
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", CANARY), "");
    assert_eq!(home.read(SETTINGS), settings);
}

/// `docker login` without a password does that.
#[test]
fn to_store_what_was_answered_changes_nothing() {
    let home = Home::new().with("GHCR_PAT", "from-env");
    home.install_helper("other", &[("quay.io", "robot", "from-helper")]);
    declare(
        &home,
        &json!([
            { "server": "ghcr.io", "username": "ci", "secret": { "env": "GHCR_PAT" } },
            { "server": "quay.io", "secret": { "helper": "other" } },
        ]),
    );
    for server in ["ghcr.io", "quay.io"] {
        let answered = get(&home, server).stdout;
        home.ask(SCOPED, "store", &answered).is(0, "", "");
        get(&home, server).is(0, &answered, "");
    }
    assert!(!is_there(&home.at("home/.local")), "nothing is stored");

    // Another secret, or another account, is another login.
    for other in [
        answer("ghcr.io", "ci", "typed"),
        answer("ghcr.io", "me", "from-env"),
    ] {
        home.ask(SCOPED, "store", &other).is(0, "", "");
        get(&home, "ghcr.io").is(0, &other, "");
    }
}

#[test]
fn a_part_of_a_registry_and_a_profile_are_had_as_stored_ones_are() {
    let home = Home::new().with("A", "of-acme").with("B", "of-ci");
    std::os::unix::fs::symlink(
        home.at("bin").join(SCOPED),
        home.at("bin/docker-credential-scoped-ci"),
    )
    .unwrap();
    declare(
        &home,
        &json!([
            { "server": "ghcr.io/acme", "username": "acme", "secret": { "env": "A" } },
            { "server": "ghcr.io", "profile": "ci", "username": "ci", "secret": { "env": "B" } },
        ]),
    );
    // go-containerregistry asks for the repository first, and then for the host.
    get(&home, "ghcr.io/acme/app").is(0, &answer("ghcr.io/acme/app", "acme", "of-acme"), "");
    for miss in ["ghcr.io", "ghcr.io/acmeister/app", "ghcr.io/other"] {
        get(&home, miss).is(1, MISS, "");
    }
    home.ask("docker-credential-scoped-ci", "get", "ghcr.io")
        .is(0, &answer("ghcr.io", "ci", "of-ci"), "");
    home.ask("docker-credential-scoped-ci", "get", "ghcr.io/acme/app")
        .is(1, MISS, "");
    home.ask(SCOPED, "list", "").is(0, "{}\n", "");
    home.ask("docker-credential-scoped-ci", "list", "")
        .is(0, "{\"ghcr.io\":\"ci\"}\n", "");
}

#[test]
fn what_has_expired_is_not_handed_out() {
    let home = Home::new().with("GHCR_PAT", CANARY);
    let declared = |expires: &str| {
        declare(
            &home,
            &json!([{ "server": "ghcr.io", "username": "ci", "secret": { "env": "GHCR_PAT" }, "expires": expires }]),
        );
    };
    declared("2020-01-01T00:00:00Z");
    let said = get(&home, "ghcr.io");
    assert_eq!((said.code, said.stdout.lines().count()), (Some(1), 1), "{said:?}");
    let named = "ghcr.io: the credential of ci expired 2020-01-01T00:00:00Z; ";
    assert!(
        said.stdout.starts_with(named),
        "with the mend behind it: {said:?}"
    );
    home.ask(SCOPED, "list", "").is(0, "{}\n", "");
    // Nobody is there to be asked, and nobody need be.
    let none = "docker-credential-scoped: ghcr.io: no stored credential may do repository:a/b:pull: profile default \
                expired 2020-01-01T00:00:00Z (renew it, and say in settings.json until when it is good)\n";
    home.run(&["token", "ghcr.io", "--pull", "a/b"]).is(1, "", none);
    let said = home.run(&["token", "ghcr.io"]);
    assert!(said.stderr.contains(named), "with the mend behind it: {said:?}");
    declared("2999-01-01T00:00:00Z");
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", CANARY), "");
}

/// Fails unless `get` says exactly this of a secret, on one line, as an error or, where that is wanted, as a miss.
#[track_caller]
fn is_unavailable(home: &Home, said: &str) {
    get(home, "ghcr.io").is(1, &format!("{said}\n"), "");
    let settings = home.read(SETTINGS);
    home.write(
        SETTINGS,
        &settings.replacen('{', "{\"onUnavailable\":\"miss\",", 1),
    );
    get(home, "ghcr.io").is(1, MISS, "");
    home.write(SETTINGS, &settings);
}

#[test]
fn a_variable_without_a_secret_is_named() {
    for (value, why) in [
        (None, "is not set"),
        (Some(""), "holds nothing"),
        (
            Some("canary-of-the-test\nsecond"),
            "holds more than one line, where the secret is to stand alone",
        ),
        (
            Some("canary-of-the-test\x1b[2J"),
            "holds a control character or is not UTF-8",
        ),
    ] {
        let mut home = home_with(&json!({ "env": "GHCR_PAT" }));
        if let Some(value) = value {
            home = home.with("GHCR_PAT", value);
        }
        is_unavailable(&home, &format!("environment variable GHCR_PAT: {why}"));
        home.ask(SCOPED, "list", "").is(0, "{}\n", "");
    }
}

#[test]
fn a_file_without_a_secret_is_named() {
    let home = home_with(&json!({ "file": "[T]/secret" }));
    let is_unavailable = |why: &str| {
        is_unavailable(&home, &format!("file [T]/secret: {why}"));
        home.ask(SCOPED, "list", "").is(0, "{}\n", "");
    };
    is_unavailable("cannot be read: No such file or directory (os error 2)");
    let path = home.at("secret");
    fs::create_dir(&path).unwrap();
    is_unavailable("cannot be read: is not a regular file");
    fs::remove_dir(&path).unwrap();
    // Nobody writes to it: who opened it would wait for ever.
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    is_unavailable("cannot be read: is not a regular file");
    fs::remove_file(&path).unwrap();
    for (content, why) in [
        (String::new(), "holds nothing"),
        ("\n".to_owned(), "holds nothing"),
        (
            format!("{CANARY}\n{CANARY}\n"),
            "holds more than one line, where the secret is to stand alone",
        ),
        (format!("{CANARY}\0"), "holds a control character or is not UTF-8"),
        (CANARY.repeat(8 * 1024), "holds more than 64 KiB"),
    ] {
        fs::write(&path, content).unwrap();
        is_unavailable(why);
    }
    // A mounted secret is a link.
    home.write("data", "from-link\r\n");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("data", &path).unwrap();
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", "from-link"), "");
}

#[test]
fn a_command_without_a_secret_is_named_without_its_arguments() {
    for (script, why) in [
        (
            "echo canary-of-the-test; echo canary-of-the-test >&2; exit 3",
            "failed (exit status: 3); run it yourself to see why",
        ),
        (
            "kill -9 $$",
            "failed (signal: 9 (SIGKILL)); run it yourself to see why",
        ),
        (
            "echo canary-of-the-test; echo two",
            "holds more than one line, where the secret is to stand alone",
        ),
        ("echo canary-of-the-test >&2", "holds nothing"),
        (
            "printf 'canary-of-the-test\\033[2J'",
            "holds a control character or is not UTF-8",
        ),
        (
            "printf 'canary-of-the-test\\377'",
            "holds a control character or is not UTF-8",
        ),
        ("yes canary-of-the-test", "gave more than 1 MiB"),
        (
            "yes canary-of-the-test | tr -d '\\n' | head -c 70000",
            "holds more than 64 KiB",
        ),
    ] {
        let home = home_with(&json!({ "command": ["fetch", "canary-of-the-test"] }));
        home.install("fetch", script);
        is_unavailable(&home, &format!("command fetch: {why}"));
    }
    let home = home_with(&json!({ "command": ["fetch", "canary-of-the-test"] }));
    is_unavailable(&home, "command fetch: cannot be run: it is not on PATH");
    home.write("bin/fetch", "no program");
    is_unavailable(
        &home,
        "command fetch: cannot be run: Permission denied (os error 13)",
    );
}

#[test]
fn a_command_is_asked_nothing_and_its_words_on_stderr_are_shown_to_nobody() {
    let home = home_with(&json!({ "command": ["fetch"] }));
    home.install(
        "fetch",
        "echo canary-of-the-test >&2\ntest -z \"$(cat)\" && test ! -t 0 && echo from-command\n",
    );
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", "from-command"), "");
}

/// Whether the process with this number in a file of the home has ended, though nobody may have asked how.
#[cfg(target_os = "linux")]
fn is_over(home: &Home, file: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", home.read(file).trim()));
    state.map_or(true, |state| state.contains(") Z "))
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_hangs_is_ended_after_five_seconds() {
    let home = home_with(&json!({ "command": ["fetch"] }));
    home.install(
        "fetch",
        &format!(
            "echo $$ >'{}'; echo {CANARY}; exec sleep 60\n",
            home.at("pid").display()
        ),
    );
    let begun = Instant::now();
    get(&home, "ghcr.io").is(1, "command fetch: did not answer within 5 s and was ended\n", "");
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert!(is_over(&home, "pid"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_helper_that_hangs_is_ended_after_five_seconds() {
    let home = home_with(&json!({ "helper": "other" }));
    home.install(
        "docker-credential-other",
        &format!(
            "echo $$ >'{}'; echo {CANARY}; exec sleep 60\n",
            home.at("pid").display()
        ),
    );
    let begun = Instant::now();
    get(&home, "ghcr.io").is(
        1,
        "docker-credential-other get did not answer within 5 s and was ended\n",
        "",
    );
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert!(is_over(&home, "pid"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_program_has_started_is_ended_with_it() {
    for (program, secret, said) in [
        (
            "fetch",
            json!({ "command": ["fetch"] }),
            "command fetch: did not answer within 5 s and was ended\n",
        ),
        (
            "docker-credential-other",
            json!({ "helper": "other" }),
            "docker-credential-other get did not answer within 5 s and was ended\n",
        ),
    ] {
        let home = home_with(&secret);
        let at = |file| home.at(file).display().to_string();
        home.install(
            program,
            &format!(
                "sleep 100 & echo $! >'{}'\nsleep 100 & echo $! >'{}'\necho {CANARY}\nwait\n",
                at("one"),
                at("other")
            ),
        );
        get(&home, "ghcr.io").is(1, said, "");
        let asked = Instant::now();
        while !(is_over(&home, "one") && is_over(&home, "other")) {
            assert!(asked.elapsed() < Duration::from_secs(10), "{program}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_program_has_us_run_in_turn_is_ended_with_it() {
    let home = Home::new();
    std::os::unix::fs::symlink(SCOPED, home.at("bin/docker-credential-scoped-ci")).unwrap();
    declare(
        &home,
        &json!([
            { "server": "ghcr.io", "username": "ci", "secret": { "command": ["outer"] } },
            { "server": "ghcr.io", "profile": "ci", "username": "ci", "secret": { "command": ["inner"] } },
        ]),
    );
    let at = |file| home.at(file).display().to_string();
    // It waits before it asks: its time is over first.
    home.install(
        "outer",
        "sleep 1; printf ghcr.io | docker-credential-scoped-ci get\n",
    );
    home.install(
        "inner",
        &format!(
            "sleep 100 & echo $! >'{}'\necho $$ >'{}'\nwait\n",
            at("started"),
            at("pid")
        ),
    );
    get(&home, "ghcr.io").is(1, "command outer: did not answer within 5 s and was ended\n", "");
    let asked = Instant::now();
    while !(is_over(&home, "pid") && is_over(&home, "started")) {
        assert!(asked.elapsed() < Duration::from_secs(10));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_has_left_its_group_is_ended_all_the_same() {
    let home = home_with(&json!({ "command": ["fetch"] }));
    home.install(
        "fetch",
        &format!(
            "echo $$ >'{}'; exec perl -e 'setpgrp(0, getpgrp(getppid())); sleep 60'\n",
            home.at("pid").display()
        ),
    );
    get(&home, "ghcr.io").is(1, "command fetch: did not answer within 5 s and was ended\n", "");
    assert!(is_over(&home, "pid"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_cannot_be_ended_is_not_waited_for() {
    // As with sudo: another user's, which only root can prepare.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = home_with(&json!({ "command": ["fetch"] }));
    home.install(
        "fetch",
        &format!(
            "echo $$ >'{}'; exec setpriv --reuid=65534 sleep 15\n",
            home.at("pid").display()
        ),
    );
    let program = home.at("bin").join(SCOPED);
    let without_kill = ["--bounding-set=-kill", program.to_str().unwrap()];
    let begun = Instant::now();
    home.ask_through("setpriv", &without_kill, "get", "ghcr.io").is(
        1,
        "command fetch: did not answer within 5 s and was ended\n",
        "",
    );
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert!(!is_over(&home, "pid"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_has_ended_has_answered_though_what_it_started_goes_on() {
    for (program, secret, script) in [
        ("fetch", json!({ "command": ["fetch"] }), "echo the-secret"),
        (
            "docker-credential-other",
            json!({ "helper": "other" }),
            "echo '{\"Username\":\"ci\",\"Secret\":\"the-secret\"}'",
        ),
    ] {
        let home = home_with(&secret);
        let agent = home.at("agent").display().to_string();
        home.install(program, &format!("sleep 30 & echo $! >'{agent}'\n{script}\n"));
        let begun = Instant::now();
        get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", "the-secret"), "");
        assert!(begun.elapsed() < Duration::from_secs(3), "{program}");
        // An agent is not ended for having been started.
        assert!(!is_over(&home, "agent"), "{program}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_program_wrote_before_its_end_is_heard_however_late_we_are() {
    let home = home_with(&json!({ "command": ["fetch"] }));
    // We are stopped while it writes and ends, and what it leaves behind keeps the pipe open.
    home.install(
        "fetch",
        "printf first-; sleep 0.2; kill -STOP $PPID\n\
         (sleep 0.5; kill -CONT $PPID; sleep 5) &\n\
         head -c 60000 /dev/zero | tr '\\0' x; echo -last\n",
    );
    let secret = format!("first-{}-last", "x".repeat(60_000));
    get(&home, "ghcr.io").is(0, &answer("ghcr.io", "ci", &secret), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_is_heard_where_its_end_was_to_be_ignored() {
    for (script, code, said) in [
        ("echo the-secret", 0, answer("ghcr.io", "ci", "the-secret")),
        (
            "exit 3",
            1,
            "command fetch: failed (exit status: 3); run it yourself to see why\n".to_owned(),
        ),
        // Its own children's ends are not ignored for our sake.
        (
            "sh -c 'exit 7' & wait $!; echo $?",
            0,
            answer("ghcr.io", "ci", "7"),
        ),
    ] {
        let home = home_with(&json!({ "command": ["fetch"] }));
        home.install("fetch", &format!("{script}\n"));
        let program = home.at("bin").join(SCOPED);
        let ignoring = [
            "-e",
            "$SIG{CHLD} = 'IGNORE'; exec @ARGV",
            program.to_str().unwrap(),
        ];
        home.ask_through("perl", &ignoring, "get", "ghcr.io")
            .is(code, &said, "");
    }
}

#[test]
fn a_helper_that_has_nothing_is_repeated_word_for_word() {
    let home = home_with(&json!({ "helper": "other" }));
    home.install_helper("other", &[]);
    get(&home, "ghcr.io").is(1, MISS, "");
    home.install(
        "docker-credential-other",
        "echo 'credentials not found in native keychain'; exit 1\n",
    );
    get(&home, "ghcr.io").is(1, MISS, "");
}

#[test]
fn a_helper_that_does_not_answer_as_one_is_named() {
    let strange = "gave an answer that is not one of the helper protocol";
    for (script, why) in [
        ("echo canary-of-the-test", strange),
        (
            "echo '{\"ServerURL\":\"h\",\"Username\":\"u\"}'",
            "gave an empty secret",
        ),
        (
            "echo '{\"Username\":\"u\",\"Secret\":canary-of-the-test}'",
            strange,
        ),
        ("true", strange),
        (
            "echo canary-of-the-test; exit 1",
            "failed (exit status: 1); run it yourself to see why",
        ),
        ("yes canary-of-the-test", "gave more than 1 MiB"),
    ] {
        let home = home_with(&json!({ "helper": "other" }));
        home.install("docker-credential-other", script);
        is_unavailable(&home, &format!("docker-credential-other get {why}"));
    }
    let home = home_with(&json!({ "helper": "other" }));
    is_unavailable(
        &home,
        "docker-credential-other get cannot be run: it is not on PATH",
    );
}

#[test]
fn a_circle_of_helpers_comes_to_an_end() {
    let home = home_with(&json!({ "helper": "other" }));
    home.install(
        "docker-credential-other",
        &format!(
            "echo . >>'{}'; exec docker-credential-scoped \"$1\"\n",
            home.at("times").display()
        ),
    );
    is_unavailable(
        &home,
        "docker-credential-other get failed (exit status: 1); run it yourself to see why",
    );
    assert_eq!(home.read("times"), ".\n".repeat(8), "four times a question");
}

#[test]
fn ourselves_under_any_name_are_no_helper_to_ask() {
    for name in ["scoped", "scoped-ci"] {
        let home = home_with(&json!({ "helper": name }));
        let said = get(&home, "ghcr.io");
        assert_eq!(said.code, Some(1));
        assert!(said.stdout.contains("that is this helper itself"), "{said:?}");
        assert!(said.stdout.contains("line 1 column "), "{said:?}");
    }
}
