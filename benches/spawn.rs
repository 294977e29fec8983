//! Times whole processes, from `posix_spawn` to `waitpid`, as docker meets a credential helper.
//!
//! `benches/run` prepares what is measured and calls this with what of it is to be done and a stage: a directory with
//! `server` and `message` (what `get` and `store` read on stdin) and `registry` (what `token` is asked about), and with
//! the `home`, `data`, `config`, `cache` and `runtime` directories of one person who has stored the same credentials in
//! each helper. In `of-100` is the data of somebody who has stored 100, in `cached-100` the runtime directory of somebody
//! with 100 tokens.
//!
//! The compared commands take turns, A B C A B C, so that a slow minute of the machine is everybody's slow minute. On
//! stdout, a line a command, as [`Case::line`] has it.

mod answer;
mod case;
#[path = "../tests/support/certificate.rs"]
#[expect(
    dead_code,
    clippy::expect_used,
    reason = "it is the tests', who need bad certificates, too"
)]
mod certificate;
mod exchange;
mod harness;
mod stage;

use std::io::{self, Write};

use anyhow::{Result, bail};
use case::{Case, Request};
use stage::Stage;

/// Turns of the round; a slow command sits most of them out.
const ROUNDS: usize = 2000;
/// A command through gpg or D-Bus takes 20 to 100 ms: in every twentieth round it still runs a hundred times.
const SLOW: usize = 20;
/// How many `get`s a build with many stages starts at once.
const PARALLEL: usize = 100;

fn main() -> Result<()> {
    let arguments = harness::arguments();
    let [what, stage, noop, programs @ ..] = arguments.as_slice() else {
        bail!("benches/run calls this, with: WHAT STAGE NOOP PROGRAM…");
    };
    let (stage, noop) = (Stage::new(stage, noop), noop.as_str());
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    let cases = match (what.as_str(), programs.as_slice()) {
        ("helpers", [musl, gnu, pass, secretservice, bus, empty_bus]) => {
            let mut cases = vec![Case::new("no-op", noop, Request::Get)];
            for (helper, program) in [("scoped", musl), ("scoped (glibc)", gnu)] {
                cases.extend(of_helper(&stage, &Case::new(helper, program, Request::Get))?);
            }
            for helper in peers(pass, secretservice, bus) {
                cases.extend(of_helper(&stage, &helper)?);
            }
            cases.extend(of_tokens(&stage, musl, gnu)?);
            cases.extend(of_keyrings(musl, bus, empty_bus));
            let mut cases = take_turns(&stage, cases)?;
            cases.extend(in_parallel(&stage, musl, pass)?);
            cases
        }
        ("hundred", [musl, pass, secretservice, bus]) => {
            let scoped = Case::new("scoped", musl, Request::Get).with_data("of-100");
            let mut cases = Vec::new();
            for helper in peers(pass, secretservice, bus)
                .into_iter()
                .chain([scoped.every(SLOW)])
            {
                stage.check(&helper)?;
                cases.push(helper.asked("get, of 100 registries", Request::Get));
                cases.push(helper.asked("list, of 100 registries", Request::List));
            }
            take_turns(&stage, cases)?
        }
        ("growth", [musl, numbers @ ..]) => take_turns(&stage, of_numbers(&stage, musl, numbers)?)?,
        ("exchange", [musl]) => exchange::time(&stage, musl)?,
        _ => bail!("benches/run says what there is to do, and with which programs; not: {what}"),
    };
    let mut stdout = io::stdout().lock();
    for case in cases {
        writeln!(stdout, "{}", case.line())?;
    }
    Ok(())
}

/// The other helpers, which take their time.
fn peers(pass: &str, secretservice: &str, bus: &str) -> [Case; 2] {
    [
        Case::new("pass", pass, Request::Get).every(SLOW),
        Case::new("secretservice", secretservice, Request::Get)
            .every(SLOW)
            .on_bus(bus),
    ]
}

/// What docker asks a helper.
fn of_helper(stage: &Stage, helper: &Case) -> Result<Vec<Case>> {
    stage.check(helper)?;
    // Who comes after those that wait for the disk is slower for it on a busy machine; that is nobody with a limit.
    let asked = [
        ("store, new", Request::StoreNew),
        ("erase", Request::Erase),
        ("store, same", Request::Store),
        ("list", Request::List),
        ("get", Request::Get),
    ];
    Ok(asked
        .into_iter()
        .map(|(name, request)| helper.asked(name, request))
        .collect())
}

fn of_tokens(stage: &Stage, musl: &str, gnu: &str) -> Result<[Case; 2]> {
    let token = Request::Token(stage.registry()?);
    Ok([("scoped", musl), ("scoped (glibc)", gnu)]
        .map(|(helper, program)| Case::new(format!("{helper} token, cached"), program, token.clone())))
}

/// A key that is had from the keyring, and the first credential of somebody who has none, and no key.
fn of_keyrings(musl: &str, bus: &str, empty_bus: &str) -> [Case; 3] {
    let first = |what: &str, bus| {
        Case::new(format!("scoped store, first, {what}"), musl, Request::StoreNew)
            .with_data("first")
            .with_runtime("session")
            .on_bus(bus)
            .without("first")
            .every(SLOW)
    };
    [
        Case::new("scoped get, key in the keyring", musl, Request::Get)
            .with_data("keyring")
            .with_runtime("session")
            .on_bus(bus)
            .without("session/docker-credential-scoped/keys")
            .every(SLOW),
        first("no bus", ""),
        first("no service", empty_bus),
    ]
}

/// What may grow with the number of what is stored, or cached. What a new one costs is measured of the same store again
/// and again, and of the same cache: that grows by the runs.
fn of_numbers(stage: &Stage, musl: &str, numbers: &[&str]) -> Result<Vec<Case>> {
    let registry = stage.registry()?;
    let mut cases = Vec::new();
    for number in numbers {
        for (what, request, every) in [
            ("get", Request::Get, 1),
            ("list", Request::List, SLOW),
            ("store, new", Request::StoreNew, SLOW),
        ] {
            cases.push(
                Case::new(format!("scoped {what}, of {number}"), musl, request)
                    .with_data(format!("of-{number}"))
                    .every(every),
            );
        }
        for (what, request, every) in [
            ("token, cached", Request::Token(registry.clone()), 1),
            ("token, new", Request::TokenNew(registry.clone()), SLOW),
        ] {
            cases.push(
                Case::new(format!("scoped {what}, of {number}"), musl, request)
                    .with_runtime(format!("cached-{number}"))
                    .every(every),
            );
        }
    }
    Ok(cases)
}

fn take_turns(stage: &Stage, mut cases: Vec<Case>) -> Result<Vec<Case>> {
    for round in 0..ROUNDS {
        for case in cases.iter_mut().filter(|case| round % case.every == 0) {
            stage.time(case)?;
        }
    }
    Ok(cases)
}

fn in_parallel(stage: &Stage, musl: &str, pass: &str) -> Result<Vec<Case>> {
    let token = Request::Token(stage.registry()?);
    let mut cases = Vec::new();
    for (name, program, request, times) in [
        ("scoped, 100 parallel get", musl, Request::Get, 100),
        ("scoped, 100 parallel token", musl, token, 100),
        ("pass, 100 parallel get", pass, Request::Get, 5),
    ] {
        let mut case = Case::new(name, program, request);
        for _ in 0..times {
            stage.time_parallel(&mut case, PARALLEL)?;
        }
        cases.push(case);
    }
    Ok(cases)
}
