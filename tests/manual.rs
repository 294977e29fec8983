//! The manual and the shells' completions, as packages have them: made from the definitions of the commands.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect, and reads PATH to find its peers"
)]

#[path = "../packaging/manual/completion.rs"]
mod completion;
#[path = "../packaging/manual/page.rs"]
mod page;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "each test crate uses a part of it")]
mod peer;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory as _;
use docker_credential_scoped::cli::CommandLine;
use tempfile::TempDir;

const PROGRAM: &str = "docker-credential-scoped";

#[test]
fn each_command_has_a_page_with_all_its_arguments() {
    let pages = pages();
    let mut below = vec![definitions()];
    let mut seen = 0;
    while let Some(command) = below.pop() {
        let name = format!("{}.1", command.get_display_name().unwrap_or(PROGRAM));
        let page = pages.get(&name).unwrap_or_else(|| panic!("{name}: no such page"));
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let word = argument.get_long().map_or_else(
                || argument.get_value_names().unwrap()[0].to_string(),
                |long| format!("--{long}"),
            );
            assert!(page.contains(&word.replace('-', r"\-")), "{name}: {word}");
        }
        seen += 1;
        below.extend(command.get_subcommands().cloned());
    }
    let of_commands = pages.keys().filter(|name| name.ends_with(".1")).count();
    assert_eq!(of_commands, seen, "{:?}", pages.keys());
}

#[test]
fn pages_are_formatted_without_a_warning() {
    if !peer::present(&["groff"]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    for (name, text) in pages() {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        // As man does it (man-db, `man --warnings`).
        let formatted = Command::new("groff")
            .args(["-mandoc", "-ww", "-Tutf8", "-z", "-rLL=80n"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(formatted.status.success());
        assert_eq!(
            String::from_utf8_lossy(&formatted.stderr),
            "",
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_page_by_hand_that_no_command_has_is_refused() {
    let written = BTreeMap::from([(format!("{PROGRAM}-frobnicate.1"), ".SH NOTES\n".to_owned())]);
    let error = page::pages(CommandLine::command(), "2026-11-22", &written).unwrap_err();
    assert_eq!(
        error.to_string(),
        "docker-credential-scoped-frobnicate.1: no command has that page"
    );
}

#[test]
fn the_main_page_names_the_verbs_and_every_variable_that_is_ours() {
    let pages = pages();
    let page = &pages["docker-credential-scoped.1"];
    for verb in ["store", "get", "erase", "list"] {
        assert!(page.contains(&format!("\n.TP\n.B {verb}\n")), "{verb}");
    }
    assert!(page.contains(".BR version "));
    let prefix = "DOCKER_CREDENTIAL_SCOPED_";
    let mut variables = BTreeSet::new();
    for text in sources() {
        for (_, rest) in text.match_indices(prefix).map(|(place, _)| text.split_at(place)) {
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
            variables.insert(rest.get(..end.unwrap_or(rest.len())).unwrap().to_owned());
        }
    }
    variables.remove(prefix);
    // Ours alone: helpers that ask each other in a circle are told by it.
    assert!(variables.remove("DOCKER_CREDENTIAL_SCOPED_DEPTH"));
    assert!(variables.len() >= 5, "{variables:?}");
    for variable in variables {
        assert!(page.contains(&format!("\n.B {variable}\n")), "{variable}");
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    if !peer::present(&["bash"]) {
        return;
    }
    let script = r#"
        source "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _docker__credential__scoped "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let completed = |words: &[&str]| {
        let directory = completions();
        let output = Command::new("bash")
            .args(["--norc", "-c", script])
            .arg(directory.path().join(PROGRAM))
            .arg(PROGRAM)
            .args(words)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed(&["prun"]), "prune\n");
    assert_eq!(completed(&["eras"]), "erase\n");
    assert_eq!(completed(&["hub", "token", "cr"]), "create\n");
    assert_eq!(completed(&["hub", "token", "create", "--lab"]), "--label\n");
    assert_eq!(completed(&["key", "move", "--to", "key"]), "keyring\nkey-file\n");
}

#[test]
fn zsh_and_fish_read_their_files_and_offer_nothing_that_is_hidden() {
    let directory = completions();
    let hidden = |name: &str| {
        fs::read_to_string(directory.path().join(name))
            .unwrap()
            .contains("misplaced")
    };
    assert!(!hidden("_docker-credential-scoped"));
    assert!(!hidden("docker-credential-scoped.fish"));
    if peer::present(&["zsh"]) {
        let path = directory.path().join("_docker-credential-scoped");
        assert_eq!(said(Command::new("zsh").arg("-n").arg(path)), "");
    }
    if peer::present(&["fish"]) {
        let script = format!(
            "source {}; complete -C '{PROGRAM} hub token cr'",
            directory.path().join("docker-credential-scoped.fish").display()
        );
        let home = TempDir::new().unwrap();
        let offered = said(
            Command::new("fish")
                .args(["--no-config", "-c", &script])
                .env("HOME", home.path()),
        );
        assert_eq!(offered, "create\tHave a token made, and keep it at once\n");
    }
}

#[test]
fn each_value_that_a_shell_offers_is_named_by_its_option() {
    for (path, option, values) in completion::VALUES {
        let command = path.iter().fold(definitions(), |command, name| {
            command.find_subcommand(name).unwrap().clone()
        });
        let argument = command
            .get_arguments()
            .find(|argument| argument.get_id() == option)
            .unwrap();
        let help = argument.get_help().unwrap().to_string();
        for value in values {
            assert!(help.contains(value), "{path:?} {option}: {value}");
        }
    }
}

/// As the pages are made from.
fn definitions() -> clap::Command {
    let mut command = page::answering_version(CommandLine::command());
    command.build();
    command
}

fn pages() -> BTreeMap<String, String> {
    let written = page::written().unwrap();
    let pages = page::pages(CommandLine::command(), "2026-11-22", &written).unwrap();
    pages
        .into_iter()
        .map(|(name, text)| (name, String::from_utf8(text).unwrap()))
        .collect()
}

fn completions() -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, text) in completion::completions(CommandLine::command()) {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// What a command that succeeds says.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

/// The text of every file of the program.
fn sources() -> Vec<String> {
    let mut texts = Vec::new();
    let mut directories: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}
