//! Hub: the calls of Docker Hub's API that this program needs. Every one is for the owner that it names.

use std::cell::Cell;
use std::time::Instant;

use serde::de::IgnoredAny;
use time::OffsetDateTime;
use url::Url;

use crate::credential::TokenId;
use crate::http::{Authorization, Http, HttpError, Method, Request, Response, authority, is_loopback};
use crate::hub::pages::{List, PAGE_SIZE, Page, follow};
use crate::hub::patience::{Patience, busy_until};
use crate::hub::refusal::{Limit, Refusal};
use crate::hub::{Change, Created, HubError, HubToken, InvalidAnswer, NewToken, Owner, bearer};
use crate::registry::AccessToken;
use crate::secret::Secret;

/// Docker Hub, or a private deployment of it.
pub struct Hub<'a> {
    api: &'a Url,
    http: &'a Http,
    patience: Patience,
    heard: Cell<Option<Heard>>,
}

/// What time it was at Docker Hub when an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// By its own clock.
    pub time: OffsetDateTime,
    /// When that was, for who knows what our clock showed then.
    pub at: Instant,
}

/// What came of revoking a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It is not taken any more.
    Now,
    /// There was none by that id, or not any more.
    WasGone,
}

impl<'a> Hub<'a> {
    /// Nothing is sent yet. Of plain http only a server on this machine is asked.
    #[must_use]
    pub fn new(api: &'a Url, http: &'a Http) -> Self {
        Self {
            api,
            http,
            patience: Patience::default(),
            heard: Cell::new(None),
        }
    }

    /// What time it was there at its last answer that said so.
    #[must_use]
    pub fn heard(&self) -> Option<Heard> {
        self.heard.get()
    }

    /// Signs in with a password: what is answered is a bearer for the other calls. One that is made from a token is
    /// answered too, and good for none of them ([`crate::hub::HubClaims::may_manage`]).
    pub fn sign_in(
        &self,
        identifier: &str,
        secret: &Secret,
        now: OffsetDateTime,
    ) -> Result<AccessToken, HubError> {
        let body = bearer::request(identifier, secret);
        let url = self.url(&["v2", "auth", "token"])?;
        let response = self.send(Method::PostJson(&body), &url, Authorization::None)?;
        match response.status {
            200..=299 => bearer::read(&response.body, now, response.server_time())
                .map_err(|why| self.answer(InvalidAnswer::Bearer(why))),
            401 | 403 if Refusal::read(&response.body).wants_second_factor() => Err(HubError::SecondFactor {
                server: self.server(),
            }),
            400 | 401 | 403 => Err(HubError::SignIn {
                server: self.server(),
            }),
            _ => Err(self.refusal(&response, &Owner::Account)),
        }
    }

    /// All tokens of an owner. After each page `progress` hears how many were read, and of how many.
    pub fn tokens(
        &self,
        bearer: &Secret,
        owner: &Owner,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Vec<HubToken>, HubError> {
        let mut url = self.url(&owner.path())?;
        let ask = |number: u64| {
            url.query_pairs_mut()
                .clear()
                .append_pair("page", &number.to_string())
                .append_pair("page_size", &PAGE_SIZE.to_string());
            let response = self.send(Method::Get, &url, Authorization::Bearer(bearer))?;
            match response.status {
                200..=299 => Page::read(&response.body)
                    .map(Some)
                    .ok_or_else(|| self.answer(InvalidAnswer::List)),
                404 => self.absent(&response).map(|()| None),
                _ => Err(self.refusal(&response, owner)),
            }
        };
        match follow(ask, progress)? {
            List::Whole(tokens) => Ok(tokens),
            List::Absent => Err(HubError::NotFound {
                server: self.server(),
                owner: owner.clone(),
            }),
            List::Endless => Err(HubError::TooMany {
                server: self.server(),
            }),
        }
    }

    /// One token; `None` where there is none by that id.
    pub fn token(&self, bearer: &Secret, owner: &Owner, id: &TokenId) -> Result<Option<HubToken>, HubError> {
        self.one(Method::Get, bearer, owner, id)
    }

    /// Makes a token. What went wrong after it was asked for is [`HubError::Unsure`]: it is never asked for twice.
    pub fn create(&self, bearer: &Secret, new: &NewToken) -> Result<Created, HubError> {
        let url = self.url(&new.owner.path())?;
        let body = new.body();
        let response = self
            .send(Method::PostJson(&body), &url, Authorization::Bearer(bearer))
            .map_err(|error| match error {
                HubError::Http(
                    HttpError::Header { .. }
                    | HttpError::Incomplete { .. }
                    | HttpError::Timeout { .. }
                    | HttpError::TooLarge { .. },
                ) => unsure(error, new),
                _ => error,
            })?;
        match response.status {
            200..=299 => Created::read(&response.body, new).map_err(|why| unsure(self.answer(why), new)),
            400 | 402 | 403 | 409 | 422 => {
                let refusal = Refusal::read(&response.body);
                match refusal.limit() {
                    Some(Limit { most }) if refusal.not_for_management().is_none() => Err(HubError::Limit {
                        owner: new.owner.clone(),
                        most,
                    }),
                    _ => Err(self.refusal(&response, &new.owner)),
                }
            }
            500.. => Err(unsure(self.refusal(&response, &new.owner), new)),
            _ => Err(self.refusal(&response, &new.owner)),
        }
    }

    /// Changes a token; `None` where there is none by that id.
    pub fn update(
        &self,
        bearer: &Secret,
        owner: &Owner,
        id: &TokenId,
        change: &Change,
    ) -> Result<Option<HubToken>, HubError> {
        self.one(Method::PatchJson(&change.body(owner)), bearer, owner, id)
    }

    /// Revokes a token. One that is gone already is as good as revoked.
    pub fn revoke(&self, bearer: &Secret, owner: &Owner, id: &TokenId) -> Result<Revoked, HubError> {
        let url = self.url_of(owner, id)?;
        let response = self.send(Method::Delete, &url, Authorization::Bearer(bearer))?;
        match response.status {
            // Others answer 200 to everything, with a page of theirs.
            200..=299 if response.body.is_empty() || is_object(&response) => Ok(Revoked::Now),
            200..=299 => Err(self.answer(InvalidAnswer::Revocation)),
            404 | 410 => self.absent(&response).map(|()| Revoked::WasGone),
            _ => Err(self.refusal(&response, owner)),
        }
    }

    fn one(
        &self,
        method: Method<'_>,
        bearer: &Secret,
        owner: &Owner,
        id: &TokenId,
    ) -> Result<Option<HubToken>, HubError> {
        let url = self.url_of(owner, id)?;
        let response = self.send(method, &url, Authorization::Bearer(bearer))?;
        match response.status {
            200..=299 => HubToken::read(&response.body)
                .map(Some)
                .ok_or_else(|| self.answer(InvalidAnswer::Token)),
            404 => self.absent(&response).map(|()| None),
            _ => Err(self.refusal(&response, owner)),
        }
    }

    /// Whether it is Docker Hub that has it not. A proxy says so of any path, and so does Docker Hub of paths that are
    /// none of its API's: what is kept here would be taken for revoked.
    fn absent(&self, response: &Response) -> Result<(), HubError> {
        if is_object(response) {
            Ok(())
        } else {
            Err(self.answer(InvalidAnswer::Absence))
        }
    }

    fn send(
        &self,
        method: Method<'_>,
        url: &Url,
        authorization: Authorization<'_>,
    ) -> Result<Response, HubError> {
        let request = Request {
            method,
            url,
            authorization,
            allows_plain_http: is_loopback(url),
        };
        let response = self.patience.send(&request, self.http)?;
        if let Some(time) = response.server_time() {
            self.heard.set(Some(Heard {
                time,
                at: Instant::now(),
            }));
        }
        Ok(response)
    }

    /// What an answer means that did not do it, to whichever call.
    fn refusal(&self, response: &Response, owner: &Owner) -> HubError {
        let server = self.server();
        let owner = owner.clone();
        let refusal = Refusal::read(&response.body);
        match response.status {
            401 => HubError::Unauthorized {
                server,
                is_new: false,
            },
            // As a proxy says it that lets nobody revoke.
            403 if !is_object(response) => self.answer(InvalidAnswer::Refusal),
            403 => match refusal.not_for_management() {
                Some(why) => HubError::FromToken(why),
                None => HubError::Forbidden { server, owner },
            },
            404 if !is_object(response) => self.answer(InvalidAnswer::Absence),
            404 => HubError::NotFound { server, owner },
            429 => HubError::Busy {
                server,
                until: busy_until(response),
            },
            status @ (400 | 402 | 409 | 422) => HubError::Invalid {
                server,
                status,
                fields: refusal.fields(),
            },
            status => HubError::Status { server, status },
        }
    }

    fn answer(&self, why: InvalidAnswer) -> HubError {
        HubError::Answer {
            server: self.server(),
            why,
        }
    }

    fn url_of(&self, owner: &Owner, id: &TokenId) -> Result<Url, HubError> {
        let mut path = owner.path();
        path.push(id.as_str());
        self.url(&path)
    }

    /// A URL below the API's, which may have a path of its own.
    fn url(&self, path: &[&str]) -> Result<Url, HubError> {
        let mut url = self.api.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(path);
            }
            Err(()) => {
                return Err(HubError::Http(HttpError::Url {
                    server: self.server(),
                }));
            }
        }
        Ok(url)
    }

    fn server(&self) -> String {
        authority(self.api)
    }
}

/// Whether the body is one of an API's answers.
fn is_object(response: &Response) -> bool {
    let body = response.body.trim_ascii_start();
    body.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn unsure(why: HubError, new: &NewToken) -> HubError {
    HubError::Unsure {
        owner: new.owner.clone(),
        why: Box::new(why),
    }
}
