//! The paths of Docker Hub's API: who may ask there, and what is done and answered.

use serde_json::{Value, json};

use super::super::fixture::request::Request;
use super::bearer::{Bearer, Origin};
use super::log::Proof;
use super::page::Page;
use super::records::Records;
use super::refusal::Refusal;
use super::token::{Reach, Token};
use super::wire::{self, Wanted};

/// A status, and the body that goes with it, if there is one.
pub(super) type Reply = (u16, Option<Value>);

/// Where somebody signs in.
const SIGN_IN: &str = "/v2/auth/token";

/// Whose tokens a path is about.
#[derive(Clone, Copy)]
enum Owner<'a> {
    Account(&'a str),
    Organization(&'a str),
}

impl<'a> Owner<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Account(name) | Self::Organization(name) => name,
        }
    }

    fn has(self, token: &Token) -> bool {
        token.owner == self.name() && token.is_personal() == matches!(self, Self::Account(_))
    }

    /// By itself.
    fn show(self, token: &Token) -> Value {
        match self {
            Self::Account(_) => wire::personal_token(token, ""),
            Self::Organization(_) => wire::organization_token_in_full(token),
        }
    }
}

/// Who asks, as far as it is known, and what they show for it.
pub(super) fn caller(records: &Records, request: &Request) -> (Option<String>, Proof) {
    if request.path == SIGN_IN {
        let asked: Result<wire::SignIn, _> = wire::read(&request.body);
        return (asked.ok().map(|asked| asked.identifier), Proof::Secret);
    }
    let Some(bearer) = bearer(records, request) else {
        let shown = request.header("authorization");
        return (None, shown.map_or(Proof::Nothing, |_| Proof::Unknown));
    };
    let proof = match bearer.origin {
        Origin::Password => Proof::Password,
        Origin::BrowserLogin => Proof::BrowserLogin,
        Origin::PersonalToken(_) | Origin::OrganizationToken(_) => Proof::Token,
    };
    (Some(bearer.name.clone()), proof)
}

fn bearer<'a>(records: &'a Records, request: &Request) -> Option<&'a Bearer> {
    let header = request.header("authorization")?;
    records.bearer(header.strip_prefix("Bearer ")?)
}

/// Does what a request is for. `here` is where the API is reached.
pub(super) fn answer(records: &mut Records, request: &Request, here: &str) -> Reply {
    let done = if request.path == SIGN_IN {
        sign_in(records, request)
    } else {
        manage(records, request, here)
    };
    done.unwrap_or_else(|refusal| (refusal.status, Some(refusal.body)))
}

fn sign_in(records: &mut Records, request: &Request) -> Result<Reply, Refusal> {
    if request.method != "POST" {
        return Ok((405, None));
    }
    let asked: wire::SignIn = wire::read(&request.body)?;
    let bearer = records.sign_in(&asked.identifier, &asked.secret)?;
    Ok((200, Some(json!({ "access_token": bearer }))))
}

/// What is for bearers only.
fn manage(records: &mut Records, request: &Request, here: &str) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = request.path.split('/').skip(1).collect();
    let (organization, rest) = match segments.as_slice() {
        ["v2", "access-tokens", rest @ ..] => (None, rest),
        ["v2", "orgs", name, "access-tokens", rest @ ..] => (Some(*name), rest),
        _ => return Err(Refusal::not_found()),
    };
    let bearer = bearer(records, request)
        .filter(|bearer| records.is_good(bearer))
        .cloned()
        .ok_or_else(|| {
            Refusal::unauthorized("Authentication credentials were not provided or are invalid")
        })?;
    let owner = owner(records, &bearer, organization)?;
    match (request.method.as_str(), rest) {
        ("POST", []) => create(records, request, owner, &bearer.name),
        ("GET", []) => list(records, request, owner, here),
        ("POST", ["desktop-generate"]) if organization.is_none() => generate(records, &bearer),
        ("GET", [id]) => Ok((200, Some(owner.show(find(records, owner, id)?)))),
        ("PATCH", [id]) => change(records, request, owner, id),
        ("DELETE", [id]) => {
            find(records, owner, id)?;
            records.remove(id);
            Ok((204, None))
        }
        (_, [] | [_]) => Ok((405, None)),
        _ => Err(Refusal::not_found()),
    }
}

/// Whose tokens a bearer manages there. One that was made from a token manages none at all.
fn owner<'a>(
    records: &Records,
    bearer: &'a Bearer,
    organization: Option<&'a str>,
) -> Result<Owner<'a>, Refusal> {
    match bearer.origin {
        Origin::Password | Origin::BrowserLogin => {}
        Origin::PersonalToken(_) => {
            return Err(Refusal::forbidden(
                "token issued from personal access token is not allowed",
            ));
        }
        Origin::OrganizationToken(_) => {
            return Err(Refusal::forbidden(
                "token issued from organization access token is not allowed",
            ));
        }
    }
    let Some(name) = organization else {
        return Ok(Owner::Account(&bearer.name));
    };
    let known = records.organization(name).ok_or_else(Refusal::not_found)?;
    if !known.owners.contains(&bearer.name) {
        return Err(Refusal::forbidden("access to the resource is forbidden"));
    }
    Ok(Owner::Organization(name))
}

fn create(
    records: &mut Records,
    request: &Request,
    owner: Owner<'_>,
    creator: &str,
) -> Result<Reply, Refusal> {
    let now = records.now();
    let wanted = match owner {
        Owner::Account(name) => {
            let wanted = wire::read::<wire::NewPersonalToken>(&request.body)?.check(now)?;
            let limit = records.account(name).map_or(0, |account| account.limit);
            if !records.has_room(name, limit) {
                return Err(Refusal::account_is_full(limit));
            }
            wanted
        }
        Owner::Organization(name) => {
            let wanted = wire::read::<wire::NewOrganizationToken>(&request.body)?.check(name, now)?;
            let limit = records
                .organization(name)
                .map_or(0, |organization| organization.limit);
            if !records.has_room(name, limit) {
                return Err(Refusal::organization_is_full(limit));
            }
            wanted
        }
    };
    let Wanted {
        label,
        description,
        reach,
        expires,
    } = wanted;
    let token = records.add(owner.name(), &label, reach);
    creator.clone_into(&mut token.creator);
    token.description = description;
    token.expires = expires;
    let mut body = owner.show(token);
    body["token"] = json!(token.secret);
    Ok((201, Some(body)))
}

/// A page. The order is not documented: the newest first, as on Docker Hub's own pages.
fn list(records: &Records, request: &Request, owner: Owner<'_>, here: &str) -> Result<Reply, Refusal> {
    let page = Page::of(request, records.config.page_cap)?;
    let tokens: Vec<&Token> = records
        .tokens_of(owner.name())
        .filter(|token| owner.has(token))
        .rev()
        .collect();
    let leaf = page.cut(&tokens, &format!("{here}{}", request.path))?;
    let body = match owner {
        Owner::Account(_) => {
            let active = tokens.iter().filter(|token| token.is_active).count();
            leaf.of_personal_tokens(tokens.len(), active, |token| wire::personal_token(token, ""))
        }
        Owner::Organization(_) => {
            leaf.of_organization_tokens(tokens.len(), |token| wire::organization_token(token))
        }
    };
    Ok((200, Some(body)))
}

/// What docker's browser login asks for, with the bearer that it has from there. Of other bearers nothing is
/// documented: 403.
fn generate(records: &mut Records, bearer: &Bearer) -> Result<Reply, Refusal> {
    if bearer.origin != Origin::BrowserLogin {
        return Err(Refusal::forbidden("access to the resource is forbidden"));
    }
    let token = records.add_generated(&bearer.name);
    Ok((201, Some(json!({ "data": { "token": token.secret } }))))
}

fn change(records: &mut Records, request: &Request, owner: Owner<'_>, id: &str) -> Result<Reply, Refusal> {
    find(records, owner, id)?;
    let token = records.token_mut(id).ok_or_else(Refusal::not_found)?;
    match token.reach {
        Reach::Personal(_) => wire::read::<wire::PersonalChange>(&request.body)?.apply(token)?,
        Reach::Organization(_) => wire::read::<wire::OrganizationChange>(&request.body)?.apply(token)?,
    }
    Ok((200, Some(owner.show(token))))
}

fn find<'a>(records: &'a Records, owner: Owner<'_>, id: &str) -> Result<&'a Token, Refusal> {
    records
        .token(id)
        .filter(|token| owner.has(token))
        .ok_or_else(Refusal::not_found)
}
