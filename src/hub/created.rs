//! Created: a token that was made, and what it is used with. That is told this once.

use serde::Deserialize;
use time::Duration;

use crate::hub::{HubToken, InvalidAnswer, NewToken};
use crate::secret::Secret;

/// A token that was made, with its secret.
#[derive(Debug)]
pub struct Created {
    /// What Docker Hub tells of it.
    pub token: HubToken,
    /// What it is used with.
    pub secret: Secret,
    /// Whether it is good for longer than was asked: who asked for an end has to know.
    pub is_longer: bool,
}

impl Created {
    /// Until when it is good is as it was asked for where that is not answered. What is answered stands: be it for ever,
    /// or what cannot be read.
    pub fn read(body: &[u8], new: &NewToken) -> Result<Self, InvalidAnswer> {
        #[derive(Deserialize)]
        struct Wire {
            token: Option<String>,
        }
        let (mut token, says_when) = HubToken::read_new(body).ok_or(InvalidAnswer::Token)?;
        if !says_when {
            token.expires = new.expires;
        }
        let is_longer = new.expires.is_some_and(|asked| {
            // Docker Hub need not keep parts of a second.
            token.expires.is_none_or(|told| told - asked >= Duration::SECOND)
        });
        let secret = serde_json::from_slice(body)
            .ok()
            .and_then(|Wire { token }| token)
            .map(Secret::new)
            // What goes into a header: a token with a line break would write further headers.
            .filter(|secret| {
                !secret.expose().is_empty() && secret.expose().bytes().all(|byte| byte.is_ascii_graphic())
            })
            .ok_or(InvalidAnswer::Secret)?;
        Ok(Self {
            token,
            secret,
            is_longer,
        })
    }
}
