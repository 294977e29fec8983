//! All that is read has an end here, whoever gives it and however much there is: one line, in time, and little memory.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use support::helper::{ask, message};
use support::home::{HELPER, Home};

/// What a command may take that has five seconds for a program, on a machine that is busy with other tests.
const LONGEST: Duration = Duration::from_secs(20);

/// What a call may take of the system for its data, in KiB: more, and it is refused it and aborts.
const MOST_DATA: u64 = 64 * 1024;

/// What stands in the place of a file.
#[derive(Clone, Copy, Debug)]
enum Flood {
    /// Nobody ever writes to it.
    Pipe,
    /// It never ends.
    Zeros,
    /// It ends, but far off.
    Gibibyte,
}

const FLOODS: [Flood; 3] = [Flood::Pipe, Flood::Zeros, Flood::Gibibyte];

impl Flood {
    fn put(self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // There may be a file of the name.
        let _ = fs::remove_file(path);
        match self {
            Self::Pipe => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            Self::Zeros => symlink("/dev/zero", path).unwrap(),
            Self::Gibibyte => File::create(path).unwrap().set_len(1 << 30).unwrap(),
        }
        if !matches!(self, Self::Zeros) {
            let status = Command::new("chmod").arg("600").arg(path).status().unwrap();
            assert!(status.success());
        }
    }
}

/// Calls the helper with little memory, and gives all that it said. It has to fail, with one line.
#[track_caller]
fn refused(case: &str, home: &Home, arguments: &[&str], input: impl Into<Stdio>) -> String {
    refused_with(case, home, arguments, input, &[])
}

#[track_caller]
fn refused_with(
    case: &str,
    home: &Home,
    arguments: &[&str],
    input: impl Into<Stdio>,
    variables: &[(&str, &Path)],
) -> String {
    let began = Instant::now();
    let output = home
        .command("sh")
        .args([
            "-c",
            &format!("ulimit -d {MOST_DATA}; exec \"$0\" \"$@\""),
            HELPER,
        ])
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(input)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.code(), Some(1), "{case}: {said}");
    assert_eq!(said.lines().count(), 1, "{case}: {said}");
    assert!(said.len() < 400, "{case}: {said}");
    assert!(began.elapsed() < LONGEST, "{case}: {:?}", began.elapsed());
    said
}

fn zeros() -> File {
    File::open("/dev/zero").unwrap()
}

fn text(text: &str) -> Stdio {
    let mut child = Command::new("printf")
        .args(["%s", text])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    child.wait().unwrap();
    stdout.into()
}

fn settings(home: &Home, settings: &serde_json::Value) {
    let path = ".config/docker-credential-scoped/settings.json";
    home.write(path, &settings.to_string());
}

#[test]
fn standard_input_without_an_end_is_refused() {
    let home = Home::new();
    for (arguments, limit) in [
        (["get"].as_slice(), "8 KiB"),
        (&["erase"], "8 KiB"),
        (&["store"], "KiB"),
        (&["add", "h", "--username", "u", "--from", "stdin"], "KiB"),
        (&["inspect"], "KiB"),
    ] {
        let said = refused(&format!("{arguments:?}"), &home, arguments, zeros());
        assert!(said.contains("standard input: is longer than"), "{said}");
        assert!(said.contains(limit), "{said}");
    }
}

#[test]
fn a_file_without_an_end_is_refused_wherever_one_is_read() {
    thread::scope(|scope| {
        for flood in FLOODS {
            scope.spawn(move || our_own_files(flood));
            scope.spawn(move || named_files(flood));
            scope.spawn(move || files_of_clients(flood));
            scope.spawn(move || certificates(flood));
        }
    });
}

fn our_own_files(flood: Flood) {
    let home = Home::new();
    flood.put(&home.path().join(".config/docker-credential-scoped/settings.json"));
    refused(&format!("settings.json, {flood:?}"), &home, &["get"], text("h"));
    for file in ["key", "slots/h@default"] {
        let home = Home::new();
        ask(&home, "store", &message("h", "u", "p")).succeeds();
        flood.put(&home.data().join(file));
        refused(&format!("{file}, {flood:?}"), &home, &["get"], text("h"));
    }
    let home = Home::new();
    flood.put(&home.data().join("registries/registry.example"));
    for directory in [home.data(), home.data().join("registries")] {
        Command::new("chmod").arg("700").arg(directory).status().unwrap();
    }
    let token = ["token", "registry.example", "--pull", "a/b"];
    refused(
        &format!("a registry's record, {flood:?}"),
        &home,
        &token,
        Stdio::null(),
    );
    flood.put(&home.data().join("activity.jsonl"));
    refused(
        &format!("the activity log, {flood:?}"),
        &home,
        &["log"],
        Stdio::null(),
    );
}

fn named_files(flood: Flood) {
    let home = Home::new();
    let file = home.path().join("named");
    flood.put(&file);
    settings(&home, &json!({ "keyFile": file }));
    let login = text(&message("h", "u", "p"));
    refused(&format!("keyFile, {flood:?}"), &home, &["store"], login);
    let credential = json!({ "server": "h", "username": "u", "secret": { "file": file } });
    settings(&home, &json!({ "credentials": [credential] }));
    refused(&format!("a secret's file, {flood:?}"), &home, &["get"], text("h"));
}

fn files_of_clients(flood: Flood) {
    let home = Home::new();
    flood.put(&home.path().join(".docker/config.json"));
    for arguments in [["configure"].as_slice(), &["import"]] {
        refused(
            &format!("config.json, {arguments:?}, {flood:?}"),
            &home,
            arguments,
            Stdio::null(),
        );
    }
}

fn certificates(flood: Flood) {
    let token = ["token", "localhost:1", "--pull", "a/b"];
    let home = Home::new();
    let file = home.path().join("named");
    flood.put(&file);
    let case = format!("SSL_CERT_FILE, {flood:?}");
    let said = refused_with(&case, &home, &token, Stdio::null(), &[("SSL_CERT_FILE", &file)]);
    assert!(said.contains("named"), "{said}");
    settings(
        &home,
        &json!({ "registries": { "localhost:1": { "caFile": file } } }),
    );
    let said = refused(&format!("caFile, {flood:?}"), &home, &token, Stdio::null());
    assert!(said.contains("named"), "{said}");
    settings(&home, &json!({}));
    flood.put(&home.path().join(".config/docker/certs.d/localhost:1/ca.crt"));
    let said = refused(&format!("certs.d, {flood:?}"), &home, &token, Stdio::null());
    assert!(said.contains("ca.crt"), "{said}");
}

#[test]
fn a_program_that_prints_for_ever_is_cut_off() {
    let home = Home::new();
    let flood = home.write("flood", "#!/bin/sh\nexec cat /dev/zero\n");
    Command::new("chmod").arg("755").arg(&flood).status().unwrap();
    symlink(flood, home.bin().join("docker-credential-flood")).unwrap();
    for secret in [
        json!({ "command": ["cat", "/dev/zero"] }),
        json!({ "helper": "flood" }),
    ] {
        let credential = json!({ "server": "h", "username": "u", "secret": secret });
        settings(&home, &json!({ "credentials": [credential] }));
        let said = refused("a program", &home, &["get"], text("h"));
        assert!(said.ends_with("gave more than 1 MiB\n"), "{said}");
    }
}
