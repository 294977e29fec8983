//! Serving who manages Docker Hub's tokens: what managing works with, and who hears how far it is.

use std::cell::{Cell, RefCell};
use std::io::Write;

use anyhow::Result;

use super::super::Process;
use super::super::locations::token_caches;
use super::with_rooms;
use crate::cli::{Create, Hub, HubCommand, List, Revoke, Rotate, TokenCommand, Update};
use crate::command::Report;
use crate::command::add::read_expiry;
use crate::command::hub::token::{create, list, owner, revoke, rotate, update};
use crate::command::hub::{Desk, Reach, status};
use crate::settings;
use crate::store::CredentialStore;
use crate::token_cache;

/// Back to where the line begins, and nothing in it.
const CLEAR_LINE: &str = "\r\u{1b}[K";

/// Does what is asked of Docker Hub.
pub(super) fn hub(
    arguments: Hub,
    program: &str,
    store: &CredentialStore,
    process: &mut Process<'_>,
) -> Result<Report> {
    let now = process.now;
    match arguments.command {
        HubCommand::Status => with_desk(store, process, status::status),
        HubCommand::Token(token) => match token.command {
            TokenCommand::Create(Create {
                label,
                scopes,
                allow,
                allow_org,
                description,
                expires,
                profile,
                whose,
                print,
            }) => {
                let request = create::Request {
                    owner: owner(whose.org.as_deref())?,
                    label,
                    scopes,
                    allow,
                    allow_organization: allow_org,
                    description,
                    expires: expires
                        .map(|expires| read_expiry(&expires, now))
                        .transpose()?
                        .flatten(),
                    profile: profile.map_or_else(|| settings::profile(program, process.variables), Ok)?,
                    account: whose.account,
                    is_printed: print,
                };
                with_desk(store, process, |desk| create::create(&request, desk))
            }
            TokenCommand::List(List { whose, json }) => {
                let owner = owner(whose.org.as_deref())?;
                with_desk(store, process, |desk| {
                    list::list(&owner, whose.account.as_deref(), json, desk)
                })
            }
            TokenCommand::Revoke(Revoke { tokens, whose }) => {
                let request = revoke::Request {
                    owner: owner(whose.org.as_deref())?,
                    tokens,
                    account: whose.account,
                };
                with_desk(store, process, |desk| revoke::revoke(&request, desk))
            }
            TokenCommand::Rotate(Rotate {
                token,
                profile,
                expires,
                revoke_first,
                whose,
            }) => {
                let request = rotate::Request {
                    owner: owner(whose.org.as_deref())?,
                    token,
                    profile,
                    expires: expires.map(|expires| read_expiry(&expires, now)).transpose()?,
                    is_revoked_first: revoke_first,
                    account: whose.account,
                };
                with_desk(store, process, |desk| rotate::rotate(&request, desk))
            }
            TokenCommand::Update(Update {
                token,
                label,
                active,
                inactive,
                whose,
            }) => {
                let request = update::Request {
                    owner: owner(whose.org.as_deref())?,
                    token,
                    label,
                    is_active: (active || inactive).then_some(active),
                    account: whose.account,
                };
                with_desk(store, process, |desk| update::update(&request, desk))
            }
        },
    }
}

/// Does what takes Docker Hub. At a terminal, who waits for a long list sees how far it is.
pub(super) fn with_desk<Done>(
    store: &CredentialStore,
    process: &mut Process<'_>,
    work: impl FnOnce(Desk<'_>) -> Result<Done>,
) -> Result<Done> {
    with_desk_aloud(store, process, |desk, _| work(desk))
}

/// The same for what says each thing when it is done.
pub(super) fn with_desk_aloud<Done>(
    store: &CredentialStore,
    process: &mut Process<'_>,
    work: impl FnOnce(Desk<'_>, &mut dyn Write) -> Result<Done>,
) -> Result<Done> {
    let is_seen = (process.is_stderr_terminal)();
    let (variables, now) = (process.variables, process.now);
    let (stdout, stderr) = (&mut *process.stdout, RefCell::new(&mut *process.stderr));
    let is_line_begun = Cell::new(false);
    let say = |text: &str| {
        // Who cannot read it waits without.
        let _ = stderr.borrow_mut().write_all(text.as_bytes());
    };
    let progress = |read: u64, of: Option<u64>| {
        // A list of one page is there at once.
        let is_over = of.is_none_or(|of| read >= of);
        if is_seen && (is_line_begun.get() || !is_over) {
            let of = of.map_or_else(String::new, |of| format!(" of {of}"));
            say(&format!("\rread {read}{of}"));
            is_line_begun.set(!is_over);
            if is_over {
                // What is said next stands in its place.
                say(CLEAR_LINE);
            }
        }
    };
    let done = with_rooms(store, token_cache::make_key, variables, |rooms| {
        let desk = Desk {
            rooms,
            caches: &|| token_caches(store),
            reach: &Reach::new(rooms.credentials.settings)?,
            progress: &progress,
            now,
        };
        work(desk, stdout)
    });
    if is_line_begun.get() {
        say(CLEAR_LINE);
    }
    done
}
