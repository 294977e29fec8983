//! `hub token rotate`: another secret in place of a token's, wherever this machine holds it.
//!
//! The new token is made, proved by an exchange, and stored; only then the old one is revoked. Whenever it is interrupted
//! a token that works is in the slot, and what is stored was proved before.

use anyhow::{Error, Result, anyhow, bail};
use time::OffsetDateTime;

use super::create::may;
use super::{called, find, kind, whose};
use crate::activity_log::Action;
use crate::command::credentials::named;
use crate::command::hub::keep::{Place, longer, organization_option, take_back, which_is_kept};
use crate::command::hub::{Desk, HeldTokens, Manager};
use crate::command::obtain::proof;
use crate::command::{Report, quoted};
use crate::credential::{Credential, Kind, Profile, SecretAtHand};
use crate::hub::{Created, HubError, HubToken, NewToken, Owner};
use crate::registry::TokenServer;
use crate::store::Slot;

/// What is to be rotated.
#[derive(Debug)]
pub struct Request {
    /// Whose token.
    pub owner: Owner,
    /// The token, by its id or label.
    pub token: String,
    /// Where the new one is kept, if not in place of the old one.
    pub profile: Option<Profile>,
    /// Until when the new one is to be good, if not as long as the old one was.
    pub expires: Option<Option<OffsetDateTime>>,
    /// Whether the old one is revoked before the new one is made, where there may not be two.
    pub is_revoked_first: bool,
    /// Who manages them.
    pub account: Option<String>,
}

/// Puts a new token in the place of an old one.
pub fn rotate(request: &Request, desk: Desk<'_>) -> Result<Report> {
    let owner = &request.owner;
    let manager = Manager::choose(request.account.as_deref(), desk)?;
    let held = HeldTokens::read(desk)?;
    let old = find(&request.token, owner, Some(&held), &manager)?;
    let holding: Vec<_> = held.of(&old.id).map(|(slot, _)| slot.clone()).collect();
    let places = places(&old, &holding, request, desk)?;
    let Some((place, others)) = places.split_first() else {
        bail!(
            "{} is not held here; say with --profile NAME where the new one is to be kept",
            called(&old)
        );
    };
    let life = held
        .of(&old.id)
        .next()
        .and_then(|(_, held)| held.credential.created);
    let expires = match request.expires {
        Some(expires) => expires,
        // It has an end, and the new one would have none.
        None if !old.is_end_told => bail!(
            "until when {} is good is told in a way that is not understood here; say with --expires until when the new \
             one is to be",
            called(&old)
        ),
        None => as_long(&old, life, desk.now),
    };
    let rotation = Rotation {
        new: NewToken::like(&old, owner, &old.label, expires)?,
        // Before anything is made: where it is proved has to be known.
        token_server: proof::token_server(desk.registry(), desk.rooms)?,
        kind: held.of(&old.id).next().map_or(
            match owner {
                Owner::Account => Kind::PersonalAccessToken,
                Owner::Organization(_) => Kind::OrganizationAccessToken,
            },
            |(_, held)| held.credential.kind,
        ),
        old: &old,
        owner,
        place,
        others,
        holding: &holding,
        manager: &manager,
        desk,
    };
    if request.is_revoked_first {
        rotation.revoked_first()
    } else {
        rotation.revoked_last()
    }
}

/// The slots that hold the old one, and the one that is named, which has to be empty else.
fn places<'a>(old: &HubToken, holding: &[Slot], request: &Request, desk: Desk<'a>) -> Result<Vec<Place<'a>>> {
    let named_one = request.profile.as_ref().map(|profile| desk.slot(profile));
    let named_one = named_one.filter(|slot| !holding.contains(slot));
    let mut places = Vec::new();
    for slot in holding.iter().cloned().chain(named_one) {
        // The first one's turn is all of theirs: whoever waited for a second one would hold up who has that.
        let place = if places.is_empty() {
            Place::take(slot, desk)?
        } else {
            Place::beside(slot, desk)
        };
        match place.held()? {
            Some(found) if is_old(found.credential(), old) => {}
            // While the turn was waited for: somebody else has rotated it, most likely.
            _ if holding.contains(place.slot()) => {
                bail!("{}: was changed meanwhile; nothing was done", named(place.slot()));
            }
            Some(found) => bail!(
                "{} holds something else, the {} of {}; name another profile",
                named(place.slot()),
                found.credential().kind.name(),
                found.credential().known_account().unwrap_or("somebody")
            ),
            None => {}
        }
        places.push(place);
    }
    Ok(places)
}

fn is_old(held: &Credential, old: &HubToken) -> bool {
    held.token_id.as_ref() == Some(&old.id)
}

/// As long a life as the old one had, from now. Of one whose beginning nobody knows what is left.
fn as_long(old: &HubToken, kept: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let expires = old.expires?;
    match old.created.or(kept) {
        Some(created) if created < expires => {
            Some(now.saturating_add(expires - created).truncate_to_second())
        }
        Some(_) | None => Some(expires),
    }
}

struct Rotation<'a> {
    new: NewToken,
    token_server: TokenServer,
    kind: Kind,
    old: &'a HubToken,
    owner: &'a Owner,
    /// Where it is kept: the first of them has the turn.
    place: &'a Place<'a>,
    others: &'a [Place<'a>],
    /// Those that hold the old one.
    holding: &'a [Slot],
    manager: &'a Manager<'a>,
    desk: Desk<'a>,
}

impl Rotation<'_> {
    fn revoked_last(&self) -> Result<Report> {
        let created = self.make().map_err(|error| {
            let mend = match error {
                HubError::Limit { .. } => {
                    "; or have the old one revoked before the new one is made, so that for a moment there is none: \
                     --revoke-first"
                }
                _ => "",
            };
            anyhow!("{error}; the old one is as it was{mend}")
        })?;
        let undone = |why| self.undone(&created, &why, "the old one is as it was");
        // What it may do for longer is not what was asked for.
        if let Some(longer) = longer(&created) {
            return Err(undone(anyhow!(longer)));
        }
        let credential = self
            .credential(&created)
            .and_then(|credential| {
                self.prove(&credential, &created)?;
                Ok(credential)
            })
            .map_err(&undone)?;
        let mut report = Report::default();
        let kept = self.keep(&credential, &mut report);
        if kept.is_empty() {
            let left = format!("both are left, it and the old one, {}", called(self.old));
            return Err(self.unkept(&created, &report, &left, undone));
        }
        self.say(&created, &kept, &mut report);
        if report.is_incomplete {
            report.note(format_args!(
                "the old one, {}, is still good: revoke it when nobody needs it, {}",
                called(self.old),
                self.revoke_command(self.old)
            ));
        } else if let Err(error) = self.revoke_old() {
            report.fail(format_args!(
                "the old one, {}, could not be revoked: {error}; once more: {}",
                called(self.old),
                self.revoke_command(self.old)
            ));
        } else {
            report.say("The old one is revoked.");
        }
        Ok(report)
    }

    fn revoked_first(&self) -> Result<Report> {
        self.revoke_old()
            .map_err(|error| anyhow!("{error}; the old one is as it was"))?;
        let gone = || {
            format!(
                "the old one, {}, is revoked, and what is kept of it is good for nothing",
                called(self.old)
            )
        };
        let created = self.make().map_err(|error| {
            anyhow!(
                "{error}; {}; remove that, and make another: docker-credential-scoped hub token create",
                gone()
            )
        })?;
        let undone = |why| self.undone(&created, &why, &gone());
        let credential = self.credential(&created).map_err(&undone)?;
        let mut report = Report::default();
        let kept = self.keep(&credential, &mut report);
        if kept.is_empty() {
            let left = format!("it is left; the old one, {}, is revoked", called(self.old));
            return Err(self.unkept(&created, &report, &left, undone));
        }
        self.say(&created, &kept, &mut report);
        // It is kept all the same: there is no other any more.
        if let Some(longer) = longer(&created) {
            report.fail(format_args!(
                "{longer}; revoke it when nobody needs it: {}",
                self.revoke_command(&created.token)
            ));
        }
        if let Err(error) = self.prove(&credential, &created) {
            report.fail(format_args!(
                "the new one is kept, and was not taken yet: {error:#}; try it: docker-credential-scoped token {} \
                 --profile {}",
                quoted(&self.desk.registry().to_string()),
                self.place.slot().profile()
            ));
        }
        Ok(report)
    }

    /// Takes back what was made, and says so with what is left of the old one.
    fn undone(&self, created: &Created, why: &Error, left: &str) -> Error {
        let undone = take_back(
            &created.token,
            self.owner,
            self.place.slot(),
            self.manager,
            self.desk,
        );
        anyhow!("{why:#}; {undone}; {left}")
    }

    fn make(&self) -> Result<Created, HubError> {
        let created = self.manager.create(&self.new)?;
        self.record(Action::Create);
        Ok(created)
    }

    fn credential(&self, created: &Created) -> Result<Credential> {
        self.place
            .credential(created, self.owner, self.kind, self.manager)
    }

    fn prove(&self, credential: &Credential, created: &Created) -> Result<()> {
        let usable = credential.with_secret(SecretAtHand {
            secret: created.secret.clone(),
            reference: None,
        });
        proof::prove(
            &usable,
            self.place.slot(),
            self.desk.registry(),
            &self.token_server,
            self.desk.rooms,
            self.desk.now,
        )
        .map_err(|error| anyhow!("the new one is not taken: {error:#}"))
    }

    /// Stores it wherever the old one is, reads it again, and gives where it is now. What fails is in the report.
    fn keep(&self, credential: &Credential, report: &mut Report) -> Vec<String> {
        let mut kept = Vec::new();
        for place in std::iter::once(self.place).chain(self.others) {
            match self.keep_in(place, credential) {
                Ok(()) => kept.push(named(place.slot())),
                Err(error) => report.fail(format_args!("the new one is not kept: {error:#}")),
            }
        }
        kept
    }

    /// What there is to say where it is kept nowhere, as far as is known. It is undone unless a slot may hold it though
    /// storing it failed: revoked then, it would leave nothing there that works.
    fn unkept(
        &self,
        created: &Created,
        report: &Report,
        left: &str,
        undone: impl FnOnce(Error) -> Error,
    ) -> Error {
        let why = anyhow!(report.notes.trim_end().replace('\n', "; "));
        let new = &created.token;
        let mut places = std::iter::once(self.place).chain(self.others);
        if places.any(|place| place.may_hold(new)) {
            anyhow!(
                "{why}; the new one, {}, may be kept all the same: {left}; {}",
                new.id,
                which_is_kept(self.owner)
            )
        } else {
            undone(why)
        }
    }

    fn keep_in(&self, place: &Place<'_>, credential: &Credential) -> Result<()> {
        let mut credential = credential.clone();
        if let Some(found) = place.held()? {
            // It may do the same; somebody may have said that more narrowly.
            let before = found.credential();
            credential.server_url = before.server_url.clone();
            credential.allowed = before.allowed.clone();
        }
        if self.holding.contains(place.slot()) {
            place.replace(&credential, &|before| is_old(before, self.old))?;
        } else {
            place.keep(&credential, &|_| false)?;
        }
        place.ensure_holds(&credential)
    }

    fn revoke_old(&self) -> Result<(), HubError> {
        self.manager.revoke(self.owner, &self.old.id)?;
        self.record(Action::Revoke);
        Ok(())
    }

    fn say(&self, created: &Created, kept: &[String], report: &mut Report) {
        let token = &created.token;
        report.say(format_args!(
            "Rotated the {} {} of {}: {} takes its place, {}. It is kept for {}.",
            kind(self.owner),
            called(self.old),
            whose(self.owner, self.manager),
            token.id,
            may(token),
            kept.join("; ")
        ));
    }

    fn revoke_command(&self, token: &HubToken) -> String {
        format!(
            "docker-credential-scoped hub token revoke {}{}",
            token.id,
            organization_option(self.owner)
        )
    }

    fn record(&self, action: Action) {
        self.desk
            .record(action, self.place.slot(), Some(self.manager.account()));
    }
}
