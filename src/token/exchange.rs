//! Exchange: a credential for an access token, as the registry token specification has it (distribution
//! `docs/content/spec/auth/token.md` and `oauth.md`). Knows nothing of caches.

use thiserror::Error;
use time::OffsetDateTime;

use crate::http::{Authorization, Field, Http, HttpError, Method, Request, Response};
use crate::registry::{AccessToken, InvalidTokenResponse, ScopeSet, TokenResponse, TokenServer};
use crate::secret::Secret;
use crate::token::GrantError;
use crate::token::patience::{MAX_ATTEMPTS, is_passing, patiently, was_not_used};

/// What we call ourselves where the specification wants a name "to allow auditing" (RFC 6749 appendix A.1).
const CLIENT_ID: &str = "docker-credential-scoped";

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Credentials<'a> {
    /// Nobody: what is public can be pulled so.
    Anonymous,
    /// A user name with a password or a token in its place.
    Password {
        /// The account.
        account: &'a str,
        /// The password.
        password: &'a Secret,
    },
    /// A refresh token (docker: identity token). For the token server only, never for a registry.
    RefreshToken(&'a Secret),
}

/// What is asked for, of whom.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Who asks.
    pub credentials: Credentials<'a>,
    /// What for; empty for a token that tells who somebody is and allows nothing.
    pub scope: &'a ScopeSet,
    /// The token server, with the audience the token is to be for.
    pub token_server: &'a TokenServer,
    /// Whether a refresh token is wanted besides.
    pub wants_refresh_token: bool,
    /// Whether the realm may be plain http: it is judged already.
    pub allows_plain_http: bool,
}

/// What was had.
#[derive(Debug)]
pub struct Exchanged {
    /// The access token, or what is wrong with it: the refresh token beside it is good all the same, and the one that
    /// was used may be used up.
    pub access_token: Result<AccessToken, ExchangeError>,
    /// A refresh token, where one was wanted, or the one that was used was rotated.
    pub refresh_token: Option<Secret>,
}

impl Exchange<'_> {
    /// Asks the token server.
    ///
    /// A user with a password asks with GET, one `scope` parameter a resource: Quay, GHCR, GitLab, Harbor, GCR and
    /// Gitea know nothing else, and some read only the first of several scopes in one parameter. Where GET is not
    /// served (405), the `OAuth2` password grant is tried. A refresh token goes by POST, the only way there is.
    pub fn make(&self, http: &Http, now: OffsetDateTime) -> Result<Exchanged, ExchangeError> {
        let mut attempts = MAX_ATTEMPTS;
        let (response, is_grant) = match self.credentials {
            Credentials::Anonymous | Credentials::Password { .. } => {
                let response = patiently(http, &mut attempts, is_passing, || self.get(http))?;
                match (response.status, self.credentials) {
                    (405, Credentials::Password { account, password }) if attempts > 0 => {
                        let grant = [
                            ("grant_type", Field::Text("password")),
                            ("username", Field::Text(account)),
                            ("password", Field::Secret(password)),
                        ];
                        let response =
                            patiently(http, &mut attempts, is_passing, || self.post(&grant, http))?;
                        (response, true)
                    }
                    _ => (response, false),
                }
            }
            Credentials::RefreshToken(token) => {
                let grant = [
                    ("grant_type", Field::Text("refresh_token")),
                    ("refresh_token", Field::Secret(token)),
                ];
                let response = patiently(http, &mut attempts, was_not_used, || self.post(&grant, http))?;
                if matches!(response.status, 404 | 405) {
                    // Others try the refresh token as a password then. It is not one, and may not be shown around.
                    return Err(ExchangeError::NoOAuth {
                        server: self.server(),
                        status: response.status,
                    });
                }
                (response, true)
            }
        };
        // RFC 6749 section 5.2: 400 with a code, or 401 where it is the client that is not known.
        if is_grant && matches!(response.status, 400 | 401) {
            let server = self.server();
            match (response.status, GrantError::read(&response.body)) {
                (400, GrantError::InvalidGrant) => {
                    return Err(ExchangeError::Refused { server, status: 400 });
                }
                (400, why) | (_, why @ GrantError::InvalidClient) => {
                    return Err(ExchangeError::Declined { server, why });
                }
                _ => {}
            }
        }
        self.read(&response, now)
    }

    fn read(&self, response: &Response, now: OffsetDateTime) -> Result<Exchanged, ExchangeError> {
        let server = self.server();
        match response.status {
            200..=299 => {}
            401 | 403 if matches!(self.credentials, Credentials::Anonymous) => {
                return Err(ExchangeError::Anonymous {
                    server,
                    status: response.status,
                });
            }
            401 | 403 => {
                return Err(ExchangeError::Refused {
                    server,
                    status: response.status,
                });
            }
            429 => return Err(ExchangeError::Busy { server }),
            status => return Err(ExchangeError::Status { server, status }),
        }
        let invalid = |why| ExchangeError::Answer {
            server: self.server(),
            why,
        };
        let mut answer = TokenResponse::read(&response.body).map_err(invalid)?;
        let refresh_token = answer.refresh_token.take();
        let access_token = answer
            .access_token(self.token_server.service.as_deref(), now, response.server_time())
            .map_err(invalid);
        Ok(Exchanged {
            access_token,
            refresh_token,
        })
    }

    fn get(&self, http: &Http) -> Result<Response, HttpError> {
        let Self {
            credentials,
            scope,
            token_server,
            wants_refresh_token,
            allows_plain_http,
        } = self;
        // A realm may come with a query of its own; what is asked is added to it.
        let mut url = token_server.realm.url().clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = &token_server.service {
                query.append_pair("service", service);
            }
            for scope in scope.iter() {
                query.append_pair("scope", &scope.to_string());
            }
            if let Credentials::Password { account, .. } = credentials {
                query.append_pair("account", account);
            }
            if *wants_refresh_token {
                query
                    .append_pair("offline_token", "true")
                    .append_pair("client_id", CLIENT_ID);
            }
        }
        let authorization = match credentials {
            Credentials::Password { account, password } => Authorization::Basic {
                user: account,
                password,
            },
            Credentials::Anonymous | Credentials::RefreshToken(_) => Authorization::None,
        };
        http.send(&Request {
            method: Method::Get,
            url: &url,
            authorization,
            allows_plain_http: *allows_plain_http,
        })
    }

    fn post(&self, grant: &[(&str, Field<'_>)], http: &Http) -> Result<Response, HttpError> {
        let scope = self.scope.to_string();
        let mut fields = grant.to_vec();
        if let Some(service) = &self.token_server.service {
            fields.push(("service", Field::Text(service)));
        }
        fields.push(("client_id", Field::Text(CLIENT_ID)));
        if !self.scope.is_empty() {
            fields.push(("scope", Field::Text(&scope)));
        }
        if self.wants_refresh_token {
            fields.push(("access_type", Field::Text("offline")));
        }
        http.send(&Request {
            method: Method::PostForm(&fields),
            url: self.token_server.realm.url(),
            authorization: Authorization::None,
            allows_plain_http: self.allows_plain_http,
        })
    }

    fn server(&self) -> String {
        self.token_server.realm.origin()
    }
}

/// Why there is no token. Texts name the server and never what it said.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// It gives nothing to nobody in particular.
    #[error("{server} wants to know who asks ({status}), and nothing is stored for the registry; log in")]
    Anonymous {
        /// Scheme, host and port.
        server: String,
        /// 401 or 403.
        status: u16,
    },
    /// The answer holds no token that could be used.
    #[error("{server} {why}")]
    Answer {
        /// Scheme, host and port.
        server: String,
        /// What is wrong with it.
        why: InvalidTokenResponse,
    },
    /// It has too much to do, for longer than is waited.
    #[error("{server} answers too many requests (429); try again later")]
    Busy {
        /// Scheme, host and port.
        server: String,
    },
    /// It did not take the grant, for a reason that is not the credential. Nothing to be remembered.
    #[error("{server} {why}")]
    Declined {
        /// Scheme, host and port.
        server: String,
        /// What it said, by its code.
        why: GrantError,
    },
    /// There was no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It takes no refresh tokens.
    #[error(
        "{server} takes no refresh tokens, and one is stored for it; log in again with a password or token"
    )]
    NoOAuth {
        /// Scheme, host and port.
        server: String,
        /// 404 where nothing is there, which may be so of the whole token server, or 405.
        status: u16,
    },
    /// It knows the credential not, or not any more. To be remembered, so that it is not hammered.
    #[error(
        "{server} refused the credential ({status}): it {}",
        if *status == 403 { "is wrong, or may not do that" } else { "is wrong, expired or revoked; log in again" }
    )]
    Refused {
        /// Scheme, host and port.
        server: String,
        /// 401, 403, or 400 where the grant itself is said to be invalid.
        status: u16,
    },
    /// It failed, or did not understand.
    #[error(
        "{server} answered {status}{}",
        // RFC 9110 section 15.4.5: an answer to a question that was not put.
        if *status == 304 { " (not modified), as if it had been asked before; check the cache or proxy before it" } else { "" }
    )]
    Status {
        /// Scheme, host and port.
        server: String,
        /// The status.
        status: u16,
    },
}
