//! What bash, zsh and fish offer while somebody types: the commands of the definitions and the verbs of the helper
//! protocol, which are none of them.

use clap::{Arg, Command};
use clap_complete::{Shell, generate};

use crate::page::answering_version;

const PROGRAM: &str = env!("CARGO_PKG_NAME");

const VERBS: [(&str, &str); 5] = [
    (
        "get",
        "Answer docker with the credential for the server URL on standard input",
    ),
    (
        "store",
        "Keep the credential in docker's message on standard input",
    ),
    (
        "erase",
        "Forget the credential for the server URL on standard input",
    ),
    (
        "list",
        "Print server URL and account of all that is kept, as docker reads it",
    ),
    ("version", "Print name and version"),
];

/// What can stand behind an option: the definitions leave it text, since clap repeats what it refuses.
pub(crate) const VALUES: [(&[&str], &str, &[&str]); 5] = [
    (
        &["add"],
        "kind",
        &[
            "password",
            "personal-access-token",
            "organization-access-token",
            "identity-token",
        ],
    ),
    (&["configure"], "hand_out", &["identity-token", "secret"]),
    (
        &["key", "move"],
        "to",
        &["keyring", "key-file", "environment", "passphrase"],
    ),
    (
        &["session", "start"],
        "scopes",
        &["repo:admin", "repo:write", "repo:read", "repo:public_read"],
    ),
    (&["token"], "output", &["raw", "json", "header"]),
];

/// A file for each shell, called as that shell looks for it.
pub(crate) fn completions(command: Command) -> Vec<(String, Vec<u8>)> {
    let mut command = answering_version(command);
    for (verb, about) in VERBS {
        command = command.subcommand(Command::new(verb).about(about));
    }
    for (path, option, values) in VALUES {
        command = below(command, path, |command| {
            command.mut_arg(option, |option: Arg| option.value_parser(values.to_vec()))
        });
    }
    [
        (Shell::Bash, PROGRAM.to_owned()),
        (Shell::Fish, format!("{PROGRAM}.fish")),
        (Shell::Zsh, format!("_{PROGRAM}")),
    ]
    .into_iter()
    .map(|(shell, name)| {
        let mut text = Vec::new();
        generate(shell, &mut command.clone(), PROGRAM, &mut text);
        (name, mended(&String::from_utf8_lossy(&text)).into_bytes())
    })
    .collect()
}

/// What clap makes of a program with hyphens in its name, and of arguments that are there to be refused.
fn mended(text: &str) -> String {
    // In bash its cases are called otherwise than what is looked for: below a command nothing would be offered
    // (clap-rs/clap#6421).
    let text = text.replace(&PROGRAM.replace('-', "__subcmd__"), &PROGRAM.replace('-', "__"));
    // In zsh hidden ones are offered.
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with("'*::misplaced "))
        .collect()
}

/// The command with one of those below it changed.
fn below(command: Command, path: &[&str], change: impl FnOnce(Command) -> Command) -> Command {
    match path {
        [] => change(command),
        [next, rest @ ..] => command.mut_subcommand(*next, |command| below(command, rest, change)),
    }
}
