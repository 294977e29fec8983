//! Times `prune` where it has most to do: of 1,000 tokens that Docker Hub lists 990 are sessions that this machine
//! holds, and 985 of them go, here and there.
//!
//! `benches/run` calls this with the program. Docker Hub is the tests' own, on loopback. On stdout: the milliseconds from
//! the start of the process to its end, Docker Hub's part in them.

mod harness;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{self, Write};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;
use support::outcome::Outcome;
use support::sessions::{MACHINE, ago, held, hold, session_of};

const SESSIONS: i64 = 990;
const BY_HAND: i64 = 10;
const PAGES: usize = 10;
const PRUNED: usize = 985;

fn main() -> Result<()> {
    let arguments = harness::arguments();
    let [program] = arguments.as_slice() else {
        bail!("benches/run calls this, with the program");
    };
    let scene = HubScene::new(Config::default());
    scene.log_in("anna", ANNA);
    for number in 0..BY_HAND {
        let label = format!("by-hand-{number}");
        scene.hub.generate("anna", "manual", &label, ago(99_999), None);
    }
    let registry = scene.registry();
    for number in 0..SESSIONS {
        let (profile, used) = (format!("s{number}"), ago(2000 - number));
        let token = session_of(&scene, "bench", &profile, used);
        hold(&scene.home, &registry, &profile, &token, used);
    }
    let mut command = scene.home.command(program);
    command.arg("prune").env(MACHINE, "bench");
    let start = Instant::now();
    let outcome = Outcome::of(&mut command, b"");
    let whole = start.elapsed();
    ensure!(outcome.has_succeeded(), "{}", outcome.stderr);
    let asked = scene.asked();
    let count = |method: &str| asked.iter().filter(|asked| asked.starts_with(method)).count();
    ensure!(
        (count("GET "), count("DELETE ")) == (PAGES, PRUNED),
        "one pass over the pages, and then what goes is revoked"
    );
    ensure!(
        held(&scene.home).len() == 5,
        "the five that were used last are held, and no other"
    );
    writeln!(io::stdout(), "{:.0}", harness::milliseconds(whole))?;
    Ok(())
}
