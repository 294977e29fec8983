//! Any bytes as the activity log, as a full disk or another program leaves it: what is no line of it is passed over, and
//! what is written next is found behind it.

#![no_main]

#[path = "private.rs"]
mod private;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use docker_credential_scoped::activity_log::{Action, ActivityLog, Event};
use libfuzzer_sys::fuzz_target;
use time::OffsetDateTime;

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = private::directory("activity-log");
    ActivityLog::new(Some(private::location(&root))).record(event);
    root
});

fn event() -> Event {
    Event {
        time: "2027-01-01T00:00:00Z".to_owned(),
        action: Action::Store,
        server: "h".to_owned(),
        profile: "default".to_owned(),
        account: None,
        scope: None,
        granted: None,
        caller: None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let root = &*ROOT;
    fs::write(root.join("activity.jsonl"), bytes).expect("a file");
    let log = ActivityLog::new(Some(private::location(root)));
    let before = log.since(OffsetDateTime::UNIX_EPOCH).expect("a log");
    log.record(event);
    let after = log.since(OffsetDateTime::UNIX_EPOCH).expect("a log");
    assert_eq!(after.last(), Some(&event()));
    // A last line that lacks only its end is cut short, and one with it.
    assert!(after.len() == before.len() + 1 || (after.len() == before.len() && !bytes.ends_with(b"\n")));
});
