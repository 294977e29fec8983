//! The plain reader beside clap: it reads what clap reads, or nothing.

use clap::Parser;
use proptest::prelude::*;

use super::*;
use crate::cli::{Command, CommandLine};

/// What clap reads behind the program's name.
fn by_clap(arguments: &[OsString]) -> Option<Token> {
    let program = OsString::from("docker-credential-scoped");
    match CommandLine::try_parse_from([&program].into_iter().chain(arguments))
        .ok()?
        .command
    {
        Command::Token(token) => Some(token),
        _ => None,
    }
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

#[test]
fn what_jobs_write_is_plain_and_read_as_clap_reads_it() {
    for line in [
        "token",
        "token ghcr.io --pull acme/app",
        "token --pull acme/app ghcr.io",
        "token ghcr.io --pull acme/app --pull acme/base --push acme/app",
        "token ghcr.io --scope repository:acme/app:pull --scope=registry:catalog:*",
        "token h:5000 --service=other --output json --profile ci",
        "token h --output=header --profile=ci --service other",
        "token h --trust-realm https://auth.h/token?a=b",
        "token h --trust-realm=https://auth.h/token?a=b",
        "token h --output yaml",
        "token h --pull=",
        "token h --pull=-x",
        "token h --service= --output=",
    ] {
        let arguments = words(line);
        let read = read(&arguments);
        assert!(read.is_some(), "{line}");
        assert_eq!(read, by_clap(&arguments), "{line}");
    }
}

#[test]
fn what_clap_has_to_say_something_about_is_left_to_it() {
    for line in [
        "status h",
        "token --help",
        "token -h",
        "token h -- i",
        "token h --",
        "token h -",
        "token h i",
        "token h --pul acme/app",
        "token h --pull",
        "token h --pull --push acme/app",
        "token h --pull -x",
        "token h --output raw --output json",
        "token h --service a --service=b",
        "token h --profile ci --profile ci",
        "token h --profile CI",
        "token h --=x",
        "token h --verbose=x",
    ] {
        assert_eq!(read(&words(line)), None, "{line}");
    }
    assert_eq!(read(&[]), None);
}

proptest! {
    #[test]
    fn nothing_is_read_otherwise_than_by_clap(
        tail in prop::collection::vec(
            prop_oneof![
                8 => prop::sample::select(vec![
                    "--scope", "--pull", "--push", "--service", "--profile", "--trust-realm", "--output",
                    "--scope=", "--pull=a", "--push==", "--service=s", "--profile=ci", "--profile=", "--output=json",
                    "ghcr.io", "acme/app", "raw", "ci", "", "-", "--", "-h", "--help", "--pul", "token", "help", "=",
                ]).prop_map(str::to_owned),
                1 => "[-=a-z ]{0,6}",
                1 => "--[a-z-]{0,8}(=[-=a-zA-Z]{0,3})?",
            ],
            0..7,
        ),
    ) {
        let arguments: Vec<_> = ["token".to_owned()].into_iter().chain(tail).map(OsString::from).collect();
        if let Some(token) = read(&arguments) {
            prop_assert_eq!(Some(token), by_clap(&arguments));
        }
    }
}
