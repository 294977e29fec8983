//! The harness of a test program with a `main` of its own, which its tests start as another process too: as much of the
//! usual one as cargo and nextest ask for. One test runs after another.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::thread;

use clap::Parser;

/// A test and its name.
pub(crate) type Test = (&'static str, fn());

/// These functions as tests, each by its name.
macro_rules! tests {
    ($($(#[$where:meta])* $test:ident),* $(,)?) => {
        &[$($(#[$where])* (stringify!($test), $test as fn())),*]
    };
}
pub(crate) use tests;

#[derive(Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the usual harness"
)]
struct Arguments {
    /// Parts of the names of those that are run; all without
    names: Vec<String>,
    /// Whole names
    #[arg(long)]
    exact: bool,
    /// Lists them, and runs none
    #[arg(long)]
    list: bool,
    /// How they are listed: a line each in any case
    #[arg(long)]
    format: Option<String>,
    /// Those that are ignored: none is
    #[arg(long)]
    ignored: bool,
    /// What a test says is shown in any case
    #[arg(long)]
    nocapture: bool,
    /// It is one in any case
    #[arg(long)]
    test_threads: Option<usize>,
}

/// Runs what the command line asks for.
pub(crate) fn run(tests: &[Test]) -> ExitCode {
    let arguments = Arguments::parse();
    let is_named = |test: &str| {
        arguments.names.is_empty()
            || arguments.names.iter().any(|name| {
                if arguments.exact {
                    test == name
                } else {
                    test.contains(name)
                }
            })
    };
    let mut said = io::stdout();
    let mut failed = 0;
    for (name, test) in tests {
        if arguments.ignored || !is_named(name) {
            continue;
        }
        if arguments.list {
            writeln!(said, "{name}: test").expect("a standard output");
            continue;
        }
        let running = thread::Builder::new().name((*name).to_owned()).spawn(*test);
        // Why it failed it has said.
        let has_failed = running.expect("a thread").join().is_err();
        failed += u8::from(has_failed);
        let word = if has_failed { "FAILED" } else { "ok" };
        writeln!(said, "test {name} ... {word}").expect("a standard output");
    }
    ExitCode::from(failed)
}
