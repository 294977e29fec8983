//! Serving who manages Docker Hub's tokens: what managing works with, and who hears how far it is.

use std::cell::{Cell, RefCell};

use anyhow::Result;

use super::super::Process;
use super::super::locations::token_caches;
use super::with_rooms;
use crate::command::hub::{Desk, Reach};
use crate::store::CredentialStore;
use crate::token_cache;

/// Does what takes Docker Hub. At a terminal, who waits for a long list sees how far it is.
pub(super) fn with_desk<Done>(
    store: &CredentialStore,
    process: &mut Process<'_>,
    work: impl FnOnce(Desk<'_>) -> Result<Done>,
) -> Result<Done> {
    let is_seen = (process.is_stderr_terminal)();
    let (variables, now) = (process.variables, process.now);
    let stderr = RefCell::new(&mut *process.stderr);
    let is_line_begun = Cell::new(false);
    let say = |text: &str| {
        // Who cannot read it waits without.
        let _ = stderr.borrow_mut().write_all(text.as_bytes());
    };
    let progress = |read: u64, of: Option<u64>| {
        // A list of one page is there at once.
        let is_over = of.is_none_or(|of| read >= of);
        if is_seen && (is_line_begun.get() || !is_over) {
            is_line_begun.set(true);
            let of = of.map_or_else(String::new, |of| format!(" of {of}"));
            say(&format!("\rread {read}{of}"));
        }
    };
    let done = with_rooms(store, token_cache::make_key, variables, |rooms| {
        work(Desk {
            rooms,
            caches: &|| token_caches(store),
            reach: &Reach::new(rooms.credentials.settings)?,
            progress: &progress,
            now,
        })
    });
    if is_line_begun.get() {
        // The answer stands in its place.
        say("\r\u{1b}[K");
    }
    done
}
