//! The process: its arguments, environment, streams and clock, and nothing else.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use docker_credential_scoped::app::{self, Process};

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where environment and clock are real"
)]
fn main() -> ExitCode {
    app::run(Process {
        arguments: std::env::args_os().collect(),
        variables: &|name| std::env::var_os(name),
        stdin: &mut io::stdin().lock(),
        stdout: &mut io::stdout().lock(),
        stderr: &mut io::stderr().lock(),
        is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        now: std::time::SystemTime::now().into(),
    })
}
