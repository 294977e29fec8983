//! The process: its arguments, environment, streams and clock, and nothing else.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::SystemTime;

use docker_credential_scoped::app::{self, Process};
use docker_credential_scoped::process::{self, Awaited, Unbuffered};
use time::OffsetDateTime;

/// musl's own allocator takes more than twice as many instructions, and was a fifth of those of a `get`.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the environment is real"
)]
fn main() -> ExitCode {
    process::keep_memory_private();
    process::end_panics_in_one_line();
    app::run(Process {
        arguments: std::env::args_os().collect(),
        variables: &|name| std::env::var_os(name),
        variable_names: &|| std::env::vars_os().map(|(name, _)| name).collect(),
        stdin: &mut Awaited::new(Unbuffered(io::stdin())),
        stdout: &mut Unbuffered(io::stdout()),
        // Not locked for all that time: that there is no answer is said from another thread.
        stderr: &mut io::stderr(),
        is_interactive: &|| io::stdin().is_terminal() && io::stderr().is_terminal(),
        is_stdin_terminal: &|| io::stdin().is_terminal(),
        is_stdout_terminal: &|| io::stdout().is_terminal(),
        is_stderr_terminal: &|| io::stderr().is_terminal(),
        prompt: &process::prompt,
        now: clock(),
        clock,
    })
}

#[expect(clippy::disallowed_methods, reason = "the one place where the clock is real")]
fn clock() -> OffsetDateTime {
    SystemTime::now().into()
}
