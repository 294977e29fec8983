//! What a token server decides and remembers. It knows nothing of HTTP.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Config;
use super::endpoint::{Asked, Claim};
use super::request::{Proof, Request};
use super::scope::Scope;
use super::signing_key::SigningKey;
use super::user::{User, covers};

/// The state of one token server.
pub(super) struct Authority {
    config: Config,
    directory: Box<Directory>,
    key: SigningKey,
    refused: HashSet<String>,
    refresh_tokens: HashMap<String, RefreshToken>,
    requests: Vec<Request>,
}

/// Who else is known: the user whose name and password these are now.
pub(super) type Directory = dyn Fn(&str, &str) -> Option<User> + Send;

/// A refresh token is for one subject and one service.
struct RefreshToken {
    user: User,
    service: String,
}

/// A request that gets no token, and why.
pub(super) struct Refusal {
    pub(super) status: u16,
    /// In the words of RFC 6749, 5.2.
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl Authority {
    pub(super) fn new(config: Config, directory: Box<Directory>) -> Self {
        Self {
            config,
            directory,
            key: SigningKey::generate(),
            refused: HashSet::new(),
            refresh_tokens: HashMap::new(),
            requests: Vec::new(),
        }
    }

    /// The body of the answer. Every request is noted, however it ends.
    pub(super) fn decide(&mut self, asked: &Asked) -> Result<Value, Refusal> {
        let decided = self.identify(asked).and_then(|user| self.grant(asked, user));
        self.requests.push(Request {
            method: asked.method,
            proof: match asked.claimed {
                Claim::Nobody => Proof::Nothing,
                Claim::Password { .. } => Proof::Password,
                Claim::RefreshToken(_) => Proof::RefreshToken,
                Claim::Unreadable => Proof::Unreadable,
            },
            account: match &asked.claimed {
                Claim::Password { user, .. } => Some(user.clone()),
                Claim::RefreshToken(token) => {
                    self.refresh_tokens.get(token).map(|held| held.user.name.clone())
                }
                Claim::Nobody | Claim::Unreadable => None,
            },
            service: asked.service.clone(),
            client: asked.client.clone(),
            scopes: asked.scopes.clone(),
            offline: asked.offline,
            status: decided.as_ref().map_or_else(|refusal| refusal.status, |_| 200),
        });
        decided
    }

    pub(super) fn refuse(&mut self, user: &str) {
        self.refused.insert(user.to_owned());
    }

    pub(super) fn set_refresh_tokens(&mut self, on: bool) {
        self.config.refresh_tokens = on;
    }

    pub(super) fn issuer(&self) -> &str {
        &self.config.issuer
    }

    pub(super) fn root_certificate(&self) -> &str {
        self.key.root_certificate()
    }

    pub(super) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Who asks; nobody in particular is `None`.
    fn identify(&self, asked: &Asked) -> Result<Option<User>, Refusal> {
        if asked.method == "POST" && !self.config.oauth {
            return Err(Refusal {
                status: 404,
                code: "not_found",
                message: "no such page",
            });
        }
        if asked.method == "POST" && asked.client.is_empty() {
            return Err(Refusal {
                status: 400,
                code: "invalid_request",
                message: "client_id is required",
            });
        }
        if !self.config.services.contains(&asked.service) {
            return Err(Refusal {
                status: 400,
                code: "invalid_request",
                message: "unknown service",
            });
        }
        // A password and a refresh token that are not good are one answer: 401, as distribution's own server says.
        let (user, wrong) = match &asked.claimed {
            Claim::Nobody => return Ok(None),
            Claim::Password { user, password } => (
                self.known(user, password),
                Refusal {
                    status: 401,
                    code: "unauthorized",
                    message: "incorrect username or password",
                },
            ),
            Claim::RefreshToken(token) => (
                self.refresh_tokens
                    .get(token)
                    .filter(|held| held.service == asked.service)
                    .and_then(|held| self.known(&held.user.name, &held.user.password)),
                Refusal {
                    status: 401,
                    code: "invalid_grant",
                    message: "not a refresh token for this service",
                },
            ),
            Claim::Unreadable => {
                return Err(Refusal {
                    status: 400,
                    code: "unsupported_grant_type",
                    message: "not understood",
                });
            }
        };
        user.filter(|user| !self.refused.contains(&user.name))
            .map(Some)
            .ok_or(wrong)
    }

    /// A refresh token is good for as long as the password that it was given for.
    fn known(&self, name: &str, password: &str) -> Option<User> {
        self.config
            .users
            .iter()
            .find(|known| known.name == name && known.password == password)
            .cloned()
            .or_else(|| (self.directory)(name, password))
    }

    /// A token for what is both asked for and allowed, which may be nothing at all.
    fn grant(&mut self, asked: &Asked, user: Option<User>) -> Result<Value, Refusal> {
        let scopes: Vec<Scope> = asked
            .scopes
            .iter()
            .map(|text| Scope::parse(text))
            .collect::<Option<_>>()
            .ok_or(Refusal {
                status: 400,
                code: "invalid_scope",
                message: "not a scope",
            })?;
        let access: Vec<Scope> = scopes
            .iter()
            .filter_map(|scope| self.allowed(scope, user.as_ref()))
            .collect();
        let now = OffsetDateTime::now_utc();
        let token = self.key.sign(&json!({
            "iss": self.config.issuer,
            "sub": user.as_ref().map_or("", |user| &user.name),
            "aud": asked.service,
            "exp": now.unix_timestamp() + i64::from(self.config.expires_in),
            "nbf": now.unix_timestamp(),
            "iat": now.unix_timestamp(),
            "jti": random(),
            "access": access.iter().map(Scope::to_claim).collect::<Vec<_>>(),
        }));
        let mut body = serde_json::Map::new();
        if asked.method == "GET" {
            body.insert("token".to_owned(), json!(token));
        } else {
            let granted: Vec<_> = access.iter().map(Scope::to_string).collect();
            body.insert("scope".to_owned(), json!(granted.join(" ")));
        }
        body.insert("access_token".to_owned(), json!(token));
        body.insert("expires_in".to_owned(), json!(self.config.expires_in));
        body.insert(
            "issued_at".to_owned(),
            json!(now.format(&Rfc3339).expect("a time of this era")),
        );
        if let Some(user) = user.filter(|_| asked.offline && self.config.refresh_tokens) {
            body.insert("refresh_token".to_owned(), json!(self.refresh_token(asked, user)));
        }
        Ok(Value::Object(body))
    }

    fn allowed(&self, scope: &Scope, user: Option<&User>) -> Option<Scope> {
        scope.keep(|action| {
            let public = action == "pull"
                && self
                    .config
                    .public
                    .iter()
                    .any(|pattern| covers(pattern, &scope.name));
            public || user.is_some_and(|user| user.is_allowed(action, &scope.name))
        })
    }

    /// Offline access with the refresh grant answers the same token again, not a new one.
    fn refresh_token(&mut self, asked: &Asked, user: User) -> String {
        if let Claim::RefreshToken(token) = &asked.claimed {
            return token.clone();
        }
        let token = random();
        self.refresh_tokens.insert(
            token.clone(),
            RefreshToken {
                user,
                service: asked.service.clone(),
            },
        );
        token
    }
}

/// 256 random bits in text.
fn random() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}
