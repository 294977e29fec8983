//! The help of the commands: what `-h` and `--help` say, as somebody at a terminal reads it.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

use std::ffi::OsString;

use clap::{Command, CommandFactory as _};
use docker_credential_scoped::cli::CommandLine;

#[test]
fn each_long_help_begins_with_the_short_one() {
    for command in commands() {
        let about = command.get_about().expect("a line on what it does").to_string();
        assert!(!about.contains('\n'), "{}: {about}", command.get_name());
        if let Some(long) = command.get_long_about() {
            let long = long.to_string();
            let first = long.split("\n\n").next().expect("a paragraph").trim();
            assert_eq!(first.replace('\n', " "), about, "{}", command.get_name());
        }
    }
}

#[test]
fn no_line_of_a_long_help_is_wider_than_a_terminal() {
    for command in commands() {
        let Some(long) = command.get_long_about() else {
            continue;
        };
        for line in long.to_string().lines() {
            let name = command.get_name();
            assert!(line.chars().count() <= 80, "{name}: {line}");
            // The manual has what is between them in bold.
            assert!(line.matches('`').count() % 2 == 0, "{name}: {line}");
        }
    }
}

#[test]
fn the_short_help_of_a_command_fits_on_a_screen() {
    for mut command in commands() {
        let name = command.get_name().to_owned();
        assert!(command.render_help().to_string().lines().count() <= 40, "{name}");
    }
}

#[test]
fn what_the_readme_and_the_help_have_people_type_is_taken() {
    let mut texts = vec![include_str!("../README.md").to_owned()];
    texts.extend(
        commands()
            .iter()
            .filter_map(|command| Some(command.get_long_about()?.to_string())),
    );
    let typed: Vec<_> = texts.iter().flat_map(|text| typed(text)).collect();
    assert!(typed.len() > 30, "{}", typed.len());
    for words in typed {
        let arguments: Vec<_> = words.iter().map(OsString::from).collect();
        if let Err(refused) = CommandLine::read(&arguments) {
            panic!("{words:?}: {refused}");
        }
    }
}

/// The command lines of this program in the examples of a text, which are indented, word by word.
fn typed(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in text
        .replace("\\\n", "")
        .lines()
        .filter(|line| line.starts_with("    "))
    {
        let line = line.split(" #").next().unwrap_or(line);
        for command in line.split(['|', ';']).flat_map(|part| part.split("&&")) {
            let words: Vec<_> = command
                .split_whitespace()
                .map(|word| word.replace('\'', ""))
                .collect();
            if words
                .first()
                .is_some_and(|first| first == "docker-credential-scoped")
            {
                found.push(words);
            }
        }
    }
    found
}

/// All commands, and those below them; the whole first.
fn commands() -> Vec<Command> {
    let mut found = vec![CommandLine::command()];
    let mut next = 0;
    while let Some(command) = found.get(next) {
        let below: Vec<_> = command.get_subcommands().cloned().collect();
        found.extend(below);
        next += 1;
    }
    found
}
