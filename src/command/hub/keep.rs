//! Keep: a token that was made at Docker Hub goes into its slot at once. Its secret is told once; what cannot be kept is
//! revoked again.

use std::time::Instant;

use anyhow::{Error, Result, anyhow, bail, ensure};

use super::{Desk, Manager};
use crate::activity_log::Action;
use crate::command::credentials::{Found, named};
use crate::command::{forget_tokens, printable, rfc3339};
use crate::credential::{AllowedScope, AllowedScopes, Credential, KeptSecret, Kind, Origin};
use crate::files::Lock;
use crate::hub::{Created, HubToken, NewToken, Owner, Permissions, ResourceKind};
use crate::registry::ServerUrl;
use crate::store::Slot;

/// A slot that a token is to be made for.
pub struct Place<'a> {
    desk: Desk<'a>,
    slot: Slot,
    /// Held until the token is there: two commands make none for one slot at the same time.
    _turn: Option<Lock>,
}

/// A token that was made, and kept.
#[derive(Debug)]
pub struct Kept {
    /// What Docker Hub tells of it.
    pub token: HubToken,
    /// What is in the slot now.
    pub credential: Credential,
    /// What was in it.
    pub replaced: Option<Credential>,
}

impl<'a> Place<'a> {
    /// Takes the slot's turn, and sees that something can be written: before a token is made that would be lost.
    pub fn take(slot: Slot, desk: Desk<'a>) -> Result<Self> {
        let store = desk.rooms.credentials.store;
        store.prepare(desk.now)?;
        let turn = store.turn(&slot, Instant::now())?;
        Ok(Self {
            desk,
            slot,
            _turn: turn,
        })
    }

    /// Another slot for the same token, without a turn of its own.
    #[must_use]
    pub fn beside(slot: Slot, desk: Desk<'a>) -> Self {
        Self {
            desk,
            slot,
            _turn: None,
        }
    }

    /// The slot.
    #[must_use]
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// What is in it now, stored or declared.
    pub fn held(&self) -> Result<Option<Found>> {
        Ok(self.desk.rooms.credentials.get(&self.slot)?)
    }

    /// What is kept of a token that was made.
    pub fn credential(
        &self,
        created: &Created,
        owner: &Owner,
        kind: Kind,
        manager: &Manager<'_>,
    ) -> Result<Credential> {
        let Created { token, secret, .. } = created;
        Ok(Credential {
            server_url: self.slot.server().to_string().parse::<ServerUrl>()?,
            account: match owner {
                Owner::Account => manager.account().to_owned(),
                Owner::Organization(organization) => organization.to_string(),
            },
            secret: KeptSecret::Here(secret.clone()),
            kind,
            token_id: Some(token.id.clone()),
            allowed: allowed(&token.permissions),
            expires: token.expires,
            created: Some(self.desk.now),
            origin: Origin::Hub,
        })
    }

    /// Puts a credential into the slot, if it is empty or `may_replace` says so of what is there; gives what was there,
    /// whose tokens are forgotten.
    pub fn keep(
        &self,
        credential: &Credential,
        may_replace: &dyn Fn(&Credential) -> bool,
    ) -> Result<Option<Credential>> {
        self.put(credential, &|before| before.is_none_or(may_replace))
    }

    /// The same only in place of what is meant: who has logged out meanwhile meant that.
    pub fn replace(&self, credential: &Credential, is_meant: &dyn Fn(&Credential) -> bool) -> Result<()> {
        self.put(credential, &|before| before.is_some_and(is_meant))
            .map(drop)
    }

    fn put(
        &self,
        credential: &Credential,
        may: &dyn Fn(Option<&Credential>) -> bool,
    ) -> Result<Option<Credential>> {
        let credentials = self.desk.rooms.credentials;
        let (_, replaced) = credentials
            .store
            .change(&self.slot, self.desk.now, |before| match before {
                before if may(before) => Ok::<_, Error>(credential.clone()),
                Some(_) => Err(anyhow!(
                    "{}: something else was put there meanwhile",
                    named(&self.slot)
                )),
                None => Err(anyhow!("{}: was emptied meanwhile", named(&self.slot))),
            })?;
        credentials.record(Action::Add, &self.slot, Some(&credential.account), self.desk.now);
        if let Some(replaced) = &replaced {
            forget_tokens(&self.slot, replaced, &(self.desk.caches)());
        }
        Ok(replaced)
    }

    /// Reads the slot again: whether what was kept is there.
    pub fn ensure_holds(&self, credential: &Credential) -> Result<()> {
        let is_there = self
            .held()?
            .is_some_and(|found| found.credential().secret.is_same_as(&credential.secret));
        ensure!(is_there, "{}: what was stored is not there", named(&self.slot));
        Ok(())
    }

    /// Whether a token is there, or may be: writing may have failed after it was done. Only a slot that is read and has
    /// something else, or nothing, surely does not hold it.
    #[must_use]
    pub fn may_hold(&self, token: &HubToken) -> bool {
        match self.desk.rooms.credentials.store.get(&self.slot) {
            Ok(Some(held)) => held.credential.token_id.as_ref() == Some(&token.id),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Has a token made and keeps it. One that is surely not kept is revoked again.
    pub fn make(
        &self,
        new: &NewToken,
        kind: Kind,
        may_replace: &dyn Fn(&Credential) -> bool,
        manager: &Manager<'_>,
    ) -> Result<(Kept, Created)> {
        let before = self.held()?.and_then(|found| found.credential().token_id.clone());
        let created = manager.create(new)?;
        self.desk
            .record(Action::Create, &self.slot, Some(manager.account()));
        // What it may do for longer is not what was asked for.
        if let Some(longer) = longer(&created) {
            bail!(
                "{longer}; {}",
                take_back(&created.token, new.owner(), &self.slot, manager, self.desk)
            );
        }
        let kept = self
            .credential(&created, new.owner(), kind, manager)
            .and_then(|credential| Ok((self.keep(&credential, may_replace)?, credential)));
        match kept {
            Ok((replaced, credential)) => {
                let kept = Kept {
                    token: created.token.clone(),
                    credential,
                    replaced,
                };
                Ok((kept, created))
            }
            Err(error) if self.may_hold(&created.token) => Err(anyhow!(
                "the new token, {}, may be kept or not: {error:#}; {} revoked; {}",
                created.token.id,
                before.map_or_else(
                    || "it is not".to_owned(),
                    |before| format!("neither it nor the one that was kept there, {before}, is")
                ),
                which_is_kept(new.owner())
            )),
            Err(error) => Err(anyhow!(
                "the new token could not be kept: {error:#}; {}",
                take_back(&created.token, new.owner(), &self.slot, manager, self.desk)
            )),
        }
    }
}

/// What who asked for an end has to know where the token has another one.
#[must_use]
pub fn longer(created: &Created) -> Option<String> {
    created.is_longer.then(|| match created.token.expires {
        Some(expires) => format!(
            "the new token is good for longer than was asked for, until {}",
            rfc3339(expires)
        ),
        None => "the new token was to end, and does not".to_owned(),
    })
}

/// How somebody finds out what is kept, and what there is to do then.
#[must_use]
pub fn which_is_kept(owner: &Owner) -> String {
    let organization = organization_option(owner);
    format!(
        "docker-credential-scoped hub token list{organization} shows which is held here; revoke what is not: \
         docker-credential-scoped hub token revoke ID{organization}"
    )
}

/// Revokes a token that was just made and is of no use, and says what came of it.
pub fn take_back(
    token: &HubToken,
    owner: &Owner,
    slot: &Slot,
    manager: &Manager<'_>,
    desk: Desk<'_>,
) -> String {
    match manager.revoke(owner, &token.id) {
        Ok(_) => {
            desk.record(Action::Revoke, slot, Some(manager.account()));
            "it was revoked again".to_owned()
        }
        Err(error) => format!(
            "and it could not be revoked again: {error}; nobody has its secret, revoke it when that works: \
             docker-credential-scoped hub token revoke {}{} (label {})",
            token.id,
            organization_option(owner),
            printable(&token.label)
        ),
    }
}

/// What a command line says of whose tokens are meant.
#[must_use]
pub fn organization_option(owner: &Owner) -> String {
    match owner {
        Owner::Account => String::new(),
        Owner::Organization(organization) => format!(" --org {organization}"),
    }
}

/// What a token may do at the registry. A scope that nobody knows makes it unknown, which counts as the widest; of an
/// organization's token only what is about images counts there.
#[must_use]
pub fn allowed(permissions: &Permissions) -> AllowedScopes {
    match permissions {
        Permissions::Untold => AllowedScopes::Unknown,
        Permissions::Scopes(scopes) => scopes
            .iter()
            .map(|scope| scope.parse::<AllowedScope>().ok())
            .collect::<Option<AllowedScopes>>()
            .unwrap_or_default(),
        Permissions::Resources(resources) => resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Repository)
            .filter_map(|resource| {
                let is_of_image = |scope: &&String| scope.starts_with("scope-image-");
                let scopes: Vec<_> = resource.scopes.iter().filter(is_of_image).cloned().collect();
                (!scopes.is_empty()).then(|| {
                    format!("{}:{}", resource.path, scopes.join(","))
                        .parse::<AllowedScope>()
                        .ok()
                })
            })
            .collect::<Option<AllowedScopes>>()
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_may_do_at_the_registry_is_known_where_all_of_it_is() {
        let scopes = |texts: &[&str]| {
            let texts = texts.iter().map(ToString::to_string).collect();
            allowed(&Permissions::Scopes(texts)).to_string()
        };
        assert_eq!(scopes(&["repo:read"]), "repo:read");
        assert_eq!(scopes(&["repo:read", "repo:later"]), "unknown");
        let resources = |texts: &[&str]| {
            let texts = texts.iter().map(|text| text.parse().unwrap()).collect();
            allowed(&Permissions::Resources(texts)).to_string()
        };
        assert_eq!(
            resources(&["acme/app:pull,push", "acme/*:pull,scope-tag-read"]),
            "repository:acme/*:pull repository:acme/app:pull,push"
        );
        // Nothing of images: it logs in, and no more.
        assert_eq!(resources(&["acme/app:scope-tag-read"]), "none");
        assert_eq!(allowed(&Permissions::Untold), AllowedScopes::Unknown);
    }
}
