//! `exec`, with a registry and a token server on loopback and commands that say what they were given.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use support::helper::Helper;
use support::home::{HELPER, Home};
use support::listener::Listener;
use support::outcome::Outcome;
use support::peer;
use support::registry::REGISTRY;
use support::stage::{ALICE, BOB, Stage};

const SAY_CONFIG: [&str; 4] = ["--", "sh", "-c", "cat \"$DOCKER_CONFIG/config.json\""];

#[test]
fn the_command_is_given_a_token_for_what_is_named_and_nothing_else() {
    let Some(stage) = set() else { return };
    let registry = stage.registry.address();
    let image = stage.registry.image("team/app:v1");

    let config = given(&stage, &["--pull", &image]);
    assert_eq!(config["auths"].as_object().unwrap().len(), 1);
    assert_eq!(config.as_object().unwrap().len(), 1, "{config}");
    let claims = claims(&config, registry);
    assert_eq!(
        claims["access"],
        json!([{"type": "repository", "name": "team/app", "actions": ["pull"]}])
    );
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&json!("alice"), &json!("first"))
    );

    let config = given(
        &stage,
        &["--pull", &image, "--push", &stage.registry.image("team/other")],
    );
    let access = &self::claims(&config, registry)["access"];
    assert_eq!(
        access,
        &json!([
            {"type": "repository", "name": "team/app", "actions": ["pull"]},
            {"type": "repository", "name": "team/other", "actions": ["pull", "push"]},
        ]),
        "one token a registry"
    );
}

#[test]
fn the_configuration_is_private_and_gone_with_the_command() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let script = "stat -c %a \"$DOCKER_CONFIG\" \"$DOCKER_CONFIG/config.json\"; echo \"$DOCKER_CONFIG\"; \
                  test \"$REGISTRY_AUTH_FILE\" = \"$DOCKER_CONFIG/config.json\" && \
                  test \"$HELM_REGISTRY_CONFIG\" = \"$REGISTRY_AUTH_FILE\"";
    let said = exec(&stage, &["--pull", &image, "--", "sh", "-c", script]).succeeds();
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines[..2], ["700", "600"]);
    assert!(
        Path::new(lines[2]).starts_with(stage.home.runtime()),
        "{}",
        lines[2]
    );
    assert_eq!(runs(&stage.home), Vec::<PathBuf>::new());

    // A runtime directory that is not there is not made.
    let mut command = command(
        &stage.home,
        &["--pull", &image, "--", "sh", "-c", "echo $DOCKER_CONFIG"],
    );
    let temporary = stage.home.directory().join("tmp");
    fs::create_dir(&temporary).unwrap();
    command
        .env("XDG_RUNTIME_DIR", stage.home.directory().join("none"))
        .env("TMPDIR", &temporary);
    let said = Outcome::of(&mut command, b"").succeeds();
    assert!(
        Path::new(said.stdout.trim()).starts_with(&temporary),
        "{}",
        said.stdout
    );
    assert!(!stage.home.directory().join("none").exists());
}

#[test]
fn no_secret_reaches_the_command() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let auth = json!({"auths": {stage.registry.address(): {"auth": base64("alice", ALICE)}}});
    let mut own = auth.clone();
    own["credsStore"] = json!("scoped");
    own["credHelpers"] = json!({"h.example": "scoped"});
    own["HttpHeaders"] = json!({"X-Auth": ALICE});
    own["currentContext"] = json!("remote");
    stage.home.write(".docker/config.json", &own.to_string());
    stage
        .home
        .write(".docker/contexts/meta/m/meta.json", "the context");
    stage.home.write(".docker/cli-plugins/docker-mine", "the plugin");
    stage.home.write(".docker/ca.pem", "the authority");
    stage.home.write(".docker/buildx/instances/b", "another builder");
    stage.home.write(".docker/other", ALICE);
    stage.home.write("builders/instances/b", "the builder");
    stage.home.write("builders/current", "the current one");
    stage
        .home
        .write("builders/config/h/config.json", &auth.to_string());

    let out = stage.home.directory().join("seen");
    fs::create_dir(&out).unwrap();
    let script = format!(
        "cp --recursive --dereference \"$DOCKER_CONFIG\" '{0}/tree'; env >'{0}/env'; \
                          cat /proc/$PPID/cmdline /proc/$$/environ >'{0}/process'",
        out.display()
    );
    let mut command = command(&stage.home, &["--pull", &image, "--", "sh", "-c", &script]);
    command
        .env("DOCKER_AUTH_CONFIG", auth.to_string())
        .env("BUILDX_CONFIG", stage.home.path().join("builders"))
        .env("DOCKER_CREDENTIAL_SCOPED_PROFILE", "")
        .env("DOCKER_CREDENTIAL_SCOPED_KEY", ALICE)
        .env("KEPT", "kept");
    Outcome::of(&mut command, b"").succeeds();

    // What a search for the secret would find is there: the search is no proof without this.
    let tree = out.join("tree");
    let read = |path: &str| fs::read_to_string(tree.join(path)).unwrap();
    assert_eq!(read("contexts/meta/m/meta.json"), "the context");
    assert_eq!(read("cli-plugins/docker-mine"), "the plugin");
    assert_eq!(read("ca.pem"), "the authority");
    assert_eq!(read("buildx/instances/b"), "the builder");
    assert_eq!(read("buildx/current"), "the current one");
    assert!(!tree.join("buildx/config").exists());
    assert!(!tree.join("other").exists());
    let config: Value = serde_json::from_str(&read("config.json")).unwrap();
    assert_eq!(config["currentContext"], "remote");
    assert_eq!(config.as_object().unwrap().len(), 2, "{config}");
    let environment = fs::read_to_string(out.join("env")).unwrap();
    assert!(environment.contains("KEPT=kept"));
    for name in ["DOCKER_AUTH_CONFIG", "BUILDX_CONFIG", "DOCKER_CREDENTIAL_SCOPED_"] {
        assert!(!environment.contains(name), "{environment}");
    }

    let found = stage.home.files_with("alice", ALICE);
    assert!(!found.is_empty(), "the search finds the files that were planted");
    assert!(found.iter().all(|file| !file.starts_with(&out)), "{found:?}");
    assert!(
        stage.home.path().join("builders/instances/b").exists(),
        "what links lead to stays"
    );
}

#[test]
fn the_exit_code_is_the_commands() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let run = |command: &[&str]| exec(&stage, &[&["--pull", &image, "--"], command].concat());
    run(&["sh", "-c", "cat; echo out; echo err >&2"]).is("out\n", "err\n", 0);
    run(&["sh", "-c", "exit 42"]).is("", "", 42);
    run(&["sh", "-c", "kill -TERM $$"]).is("", "", 128 + 15);
    run(&["/no/such/command"]).is(
        "",
        "docker-credential-scoped: /no/such/command: there is no such command\n",
        127,
    );
    let refused = run(&["/"]);
    assert!(
        refused.stderr.contains("/: cannot be run: "),
        "{}",
        refused.stderr
    );
    refused.is(
        "",
        "docker-credential-scoped: /: cannot be run: Permission denied (os error 13)\n",
        126,
    );
    assert_eq!(runs(&stage.home), Vec::<PathBuf>::new());
}

#[test]
fn the_command_reads_our_input() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let mut command = command(&stage.home, &["--pull", &image, "--", "cat"]);
    Outcome::of(&mut command, b"typed").is("typed", "", 0);
}

#[test]
fn signals_are_passed_on() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    for (name, signal) in [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("TERM", Signal::TERM),
        ("USR1", Signal::USR1),
    ] {
        let script = format!("trap 'exit 7' {name}; touch ready; while :; do sleep 0.02; done");
        let mut child = start(&stage.home, &["--pull", &image, "--", "sh", "-c", &script]);
        wait_for(&stage.home.path().join("ready"));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7), "{name}");
        fs::remove_file(stage.home.path().join("ready")).unwrap();
        assert_eq!(runs(&stage.home), Vec::<PathBuf>::new(), "{name}");
    }
}

#[test]
fn what_the_terminal_sends_is_not_sent_again() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let count = "$SIG{INT} = sub { $got++ }; open(F, '>', 'ready'); close(F); my $end = time + 2; \
                 select(undef, undef, undef, 0.05) while time < $end; exit(10 + $got)";
    // In a session of its own the command gets from the terminal what it gets without us: nothing. That tells what
    // was passed on from what was sent to both.
    for (program, code) in [(vec!["perl"], 11), (vec!["setsid", "perl"], 10)] {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("a terminal");
        unlockpt(&terminal).expect("a terminal");
        let name = ptsname(&terminal, Vec::new()).expect("a terminal");
        let inside = fs::File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("a path"));
        let mut command = stage.home.command("setsid");
        command.args(["--ctty", "--wait", HELPER, "exec", "--pull", &image, "--"]);
        command.args(&program).args(["-e", count]);
        let mut child = command
            .stdin(inside.expect("a terminal"))
            .spawn()
            .expect("setsid");
        let ready = stage.home.path().join("ready");
        wait_for(&ready);
        let mut terminal = fs::File::from(terminal);
        terminal.write_all(b"\x03").expect("Ctrl-C");
        assert_eq!(child.wait().unwrap().code(), Some(code), "{program:?}");
        fs::remove_file(ready).unwrap();
    }
}

#[test]
fn what_is_ignored_stays_ignored() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let script = "trap '' HUP; exec \"$@\"";
    let mut command = stage.home.command("sh");
    command.args(["-c", script, "sh", HELPER, "exec", "--pull", &image, "--"]);
    command.args(["sh", "-c", "touch ready; sleep 0.5; grep SigIgn /proc/$$/status"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    wait_for(&stage.home.path().join("ready"));
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    let mask = u64::from_str_radix(said.trim_start_matches("SigIgn:").trim(), 16).unwrap();
    assert_eq!(mask & 1, 1, "SIGHUP: {said}");
}

#[test]
fn the_end_of_the_command_is_seen_whatever_becomes_of_the_signal_for_it() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    for treatment in ["--block-signal=CHLD", "--ignore-signal=CHLD"] {
        let run = |script: &str| {
            let mut command = stage.home.command("env");
            command.args([treatment, HELPER, "exec", "--pull", &image, "--"]);
            command.args(["sh", "-c", script]);
            command
        };
        for (script, code) in [("exit 42", 42), ("kill -KILL $$", 128 + 9), ("sleep 0.2", 0)] {
            let mut child = run(script).spawn().unwrap();
            assert_eq!(
                ends_within_seconds(&mut child),
                Some(code),
                "{treatment} {script}"
            );
        }
        let script = "trap 'exit 7' TERM; touch ready; while :; do sleep 0.02; done";
        let mut child = run(script).spawn().unwrap();
        let ready = stage.home.path().join("ready");
        wait_for(&ready);
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(ends_within_seconds(&mut child), Some(7), "{treatment}");
        fs::remove_file(ready).unwrap();
    }
    assert_eq!(runs(&stage.home), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_run_left_goes_at_the_next() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let long = [
        "--pull",
        &image,
        "--",
        "sh",
        "-c",
        "echo $$ >pid; mv pid ready; exec sleep 60",
    ];
    let mut killed = start(&stage.home, &long);
    let ready = stage.home.path().join("ready");
    wait_for(&ready);
    let orphan: i32 = fs::read_to_string(&ready).unwrap().trim().parse().unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    kill_process(Pid::from_raw(orphan).unwrap(), Signal::KILL).unwrap();
    let left = runs(&stage.home);
    assert_eq!(left.len(), 1, "{left:?}");
    fs::remove_file(&ready).unwrap();

    let mut living = start(&stage.home, &long);
    wait_for(&ready);
    let now = runs(&stage.home);
    assert_eq!(now.len(), 1, "{now:?}");
    assert_ne!(now, left);

    exec(&stage, &["--pull", &image, "--", "true"]).succeeds();
    assert_eq!(runs(&stage.home), now, "that of a run that goes on stays");
    kill_process(Pid::from_child(&living), Signal::TERM).unwrap();
    assert_eq!(living.wait().unwrap().code(), Some(128 + 15));
    assert_eq!(runs(&stage.home), Vec::<PathBuf>::new());
}

#[test]
fn the_token_is_renewed_while_the_command_runs() {
    let Some(stage) = set_with_tokens_of(4) else {
        return;
    };
    let image = stage.registry.image("team/app");
    // Every look finds a whole file, and no token is older than half of its life and what a renewal takes.
    let script =
        "for look in $(seq 70); do cat \"$DOCKER_CONFIG/config.json\" || exit 1; date +%s; sleep 0.1; done";
    let said = exec(&stage, &["--pull", &image, "--", "sh", "-c", script]).succeeds();
    let mut issued = std::collections::BTreeSet::new();
    let mut lines = said.stdout.lines();
    while let Some(line) = lines.next() {
        if let Ok(now) = line.parse::<i64>() {
            let age = now - issued.last().unwrap();
            assert!(age <= 3, "a token of {age} s");
        } else {
            let mut text = line.to_owned();
            while !text.ends_with('}') || serde_json::from_str::<Value>(&text).is_err() {
                text += lines.next().expect("the rest of the file");
            }
            let config: Value = serde_json::from_str(&text).unwrap();
            issued.insert(claims(&config, stage.registry.address())["iat"].as_i64().unwrap());
        }
    }
    assert!(issued.len() >= 3, "{issued:?}");
    assert_eq!(said.stderr, "");
}

#[test]
fn a_renewal_that_fails_is_told_of_once_and_the_command_goes_on() {
    let Some(stage) = set_with_tokens_of(2) else {
        return;
    };
    let image = stage.registry.image("team/app");
    let child = start(
        &stage.home,
        &[
            "--pull",
            &image,
            "--",
            "sh",
            "-c",
            "touch ready; sleep 5; echo done",
        ],
    );
    wait_for(&stage.home.path().join("ready"));
    stage.token_server.refuse("alice");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(output.stdout, b"done\n");
    assert_eq!(said.matches("was not renewed").count(), 1, "{said}");
    assert!(said.contains(stage.registry.address()), "{said}");
    let refused = stage
        .token_server
        .requests()
        .iter()
        .filter(|request| request.status == 401)
        .count();
    assert_eq!(
        refused, 1,
        "a refusal is remembered for a while, and not asked for again"
    );
}

#[test]
fn two_registries_are_two_tokens() {
    let Some(stage) = set() else { return };
    let second = stage.second_registry();
    Helper::of(&stage.home).store(second.address(), "bob", BOB);
    let config = given(
        &stage,
        &[
            "--pull",
            &stage.registry.image("team/app"),
            "--server",
            second.address(),
            "--scope",
            "repository:bob/app:pull,push",
        ],
    );
    assert_eq!(config["auths"].as_object().unwrap().len(), 2);
    let (first, second) = (
        claims(&config, stage.registry.address()),
        claims(&config, second.address()),
    );
    assert_eq!((&first["sub"], &first["aud"]), (&json!("alice"), &json!("first")));
    assert_eq!(
        (&second["sub"], &second["aud"]),
        (&json!("bob"), &json!("second"))
    );
    assert_eq!(second["access"][0]["actions"], json!(["pull", "push"]));
}

#[test]
fn a_job_has_its_defaults_in_its_environment() {
    let Some(stage) = set() else { return };
    let set_up = |arguments: &[&str]| {
        let mut command = command(&stage.home, &[arguments, &SAY_CONFIG].concat());
        command
            .env("DOCKER_CREDENTIAL_SCOPED_SERVER", stage.registry.address())
            .env("DOCKER_CREDENTIAL_SCOPED_SCOPE", "repository:team/app:pull");
        Outcome::of(&mut command, b"").succeeds()
    };
    for (arguments, repository, actions) in [
        (vec![], "team/app", json!(["pull"])),
        (
            vec!["--scope", "repository:team/x:push"],
            "team/x",
            json!(["push"]),
        ),
        (
            vec!["--push", &stage.registry.image("team/y")],
            "team/y",
            json!(["pull", "push"]),
        ),
    ] {
        let config: Value = serde_json::from_str(&set_up(&arguments).stdout).unwrap();
        let access = &claims(&config, stage.registry.address())["access"];
        assert_eq!(access.as_array().unwrap().len(), 1, "{access}");
        assert_eq!(
            (&access[0]["name"], &access[0]["actions"]),
            (&json!(repository), &actions)
        );
    }
}

#[test]
fn what_is_lacking_is_said_and_the_command_is_not_run() {
    let Some(stage) = set() else { return };
    let registry = stage.registry.address();
    let refused = |arguments: &[&str], why: &[&str]| {
        let ran = stage.home.path().join("ran");
        let said = exec(&stage, &[arguments, &["--", "touch", "ran"]].concat()).fails();
        for part in why {
            assert!(said.stderr.contains(part), "{}", said.stderr);
        }
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
        let line = said.stderr.clone();
        said.is("", &line, 125);
        assert!(!ran.exists());
    };
    refused(
        &["--push", &stage.registry.image("bob/app")],
        &["does not grant alice repository:bob/app:pull,push", registry],
    );
    let other = stage.second_registry();
    refused(
        &["--pull", &other.image("team/app")],
        &["nothing is stored for", other.address(), "docker login"],
    );
    refused(
        &["--push", &other.image("public/base")],
        &["nothing is stored for", other.address(), "push"],
    );
    refused(&[], &["no image and no scope"]);
    refused(&["--server", registry], &["--server: no scope"]);
    refused(
        &["--scope", "repository:a/b:pull"],
        &["no registry for the scope"],
    );
    refused(
        &["--pull", "Team/App"],
        &["--pull: image: write [HOST/]REPOSITORY[:TAG]"],
    );
    stage.home.damage(registry);
    refused(
        &["--pull", &stage.registry.image("team/app")],
        &[registry, "log out of that registry and in again"],
    );
}

#[test]
fn a_refusal_to_everybody_names_what_is_not_stored() {
    let home = Home::new();
    let registry = Listener::plain(|mut connection| {
        let request = connection.read_request();
        let host = request
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .expect("a host");
        let challenge = format!("www-authenticate: Bearer realm=\"http://{host}/token\",service=\"s\"\r\n");
        let challenge = if request.starts_with("GET /v2/") {
            challenge
        } else {
            String::new()
        };
        let _ = connection.send(format!(
            "HTTP/1.1 401 Unauthorized\r\n{challenge}content-length: 0\r\nconnection: close\r\n\r\n"
        ));
    });
    let image = format!("{}/team/app", registry.authority());
    let said = Outcome::of(
        &mut command(&home, &["--pull", &image, "--", "touch", "ran"]),
        b"",
    )
    .fails();
    let expected = format!(
        "nothing is stored for {0} (docker login {0}), and everybody is refused",
        registry.authority()
    );
    assert!(said.stderr.contains(&expected), "{}", said.stderr);
    assert!(!home.path().join("ran").exists());
}

#[test]
fn what_is_public_needs_nothing_stored() {
    let Some(stage) = set() else { return };
    let other = stage.second_registry();
    let config = given(&stage, &["--pull", &other.image("public/base")]);
    assert_eq!(
        claims(&config, other.address())["access"][0]["name"],
        "public/base"
    );
}

#[test]
fn clients_that_cannot_use_such_a_token_are_refused_with_what_works() {
    let home = Home::new();
    for (program, way) in [
        ("skopeo", "skopeo inspect --registry-token"),
        ("/usr/bin/podman", "configure --podman"),
        ("buildah", "configure --podman"),
        ("nerdctl", "configure --profile"),
    ] {
        let arguments = ["--pull", "h.example/team/app", "--", program, "--version"];
        let said = Outcome::of(&mut command(&home, &arguments), b"").fails();
        assert!(
            said.stderr.contains(&format!("{program}: takes ")),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains(way), "{}", said.stderr);
        let line = said.stderr.clone();
        said.is("", &line, 125);
    }
}

#[test]
fn a_directory_that_somebody_could_change_is_not_used() {
    let Some(stage) = set() else { return };
    let image = stage.registry.image("team/app");
    let ours = stage.home.runtime().join(HELPER);
    let stranger = stage.home.directory().join("stranger");
    fs::create_dir(&stranger).unwrap();
    symlink(&stranger, &ours).unwrap();
    let open = stage.home.directory().join("tmp");
    fs::create_dir_all(open.join(format!("{HELPER}-{}", rustix::process::geteuid().as_raw()))).unwrap();
    fs::set_permissions(
        open.join(format!("{HELPER}-{}", rustix::process::geteuid().as_raw())),
        fs::Permissions::from_mode(0o777),
    )
    .unwrap();
    let mut command = command(
        &stage.home,
        &["--pull", &image, "--", "sh", "-c", "echo $DOCKER_CONFIG"],
    );
    let said = Outcome::of(command.env("TMPDIR", &open), b"").succeeds();
    assert!(
        Path::new(said.stdout.trim()).starts_with(stage.home.path().join(".cache")),
        "{}",
        said.stdout
    );
    assert_eq!(fs::read_dir(&stranger).unwrap().count(), 0);
}

/// A stage on which alice is logged in, where there is a registry.
fn set() -> Option<Stage> {
    set_with_tokens_of(300)
}

fn set_with_tokens_of(seconds: u32) -> Option<Stage> {
    if !peer::present(&[REGISTRY, "setpriv"]) {
        return None;
    }
    let stage = Stage::with_tokens_of(seconds);
    Helper::of(&stage.home).store(stage.registry.address(), "alice", ALICE);
    Some(stage)
}

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(HELPER);
    command.arg("exec").args(arguments);
    command
}

fn exec(stage: &Stage, arguments: &[&str]) -> Outcome {
    Outcome::of(&mut command(&stage.home, arguments), b"")
}

/// The config.json that a command is given.
#[track_caller]
fn given(stage: &Stage, arguments: &[&str]) -> Value {
    let said = exec(stage, &[arguments, &SAY_CONFIG].concat()).succeeds();
    assert_eq!(said.stderr, "");
    serde_json::from_str(&said.stdout).expect("a configuration")
}

/// What the token for a registry says of itself.
#[track_caller]
fn claims(config: &Value, registry: &str) -> Value {
    let entry = &config["auths"][registry];
    assert_eq!(entry.as_object().expect("an entry").len(), 1, "{entry}");
    let token = entry["registrytoken"].as_str().expect("a token");
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).expect("a JWT"))
        .expect("a JWT");
    serde_json::from_slice(&claims).expect("claims")
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    command(home, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the helper")
}

/// The exit code, of what does not go on for ever.
fn ends_within_seconds(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child");
    child.wait().expect("an end");
    None
}

#[track_caller]
fn wait_for(file: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !file.exists() {
        assert!(Instant::now() < deadline, "{} does not come", file.display());
        thread::sleep(Duration::from_millis(5));
    }
}

/// The directories of runs.
fn runs(home: &Home) -> Vec<PathBuf> {
    let directory = home.runtime().join(HELPER).join("runs");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect())
        .unwrap_or_default();
    paths.retain(|path| path.is_dir());
    paths
}

fn base64(user: &str, password: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
}
