//! The one path of a token server: what a request says, whichever way it came, and how the answer is spelt.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::authority::{Authority, Refusal};

pub(super) fn router(authority: Arc<Mutex<Authority>>) -> Router {
    Router::new()
        .route("/token", get(by_get).post(by_post))
        .with_state(authority)
}

type Parameters = Vec<(String, String)>;

/// `GET realm?service=S&scope=…&scope=…[&offline_token=true][&client_id=X][&account=U]`
async fn by_get(
    State(authority): State<Arc<Mutex<Authority>>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Response {
    let asked = Asked {
        method: "GET",
        service: value(&parameters, "service").to_owned(),
        client: value(&parameters, "client_id").to_owned(),
        scopes: parameters
            .iter()
            .filter(|(name, _)| name == "scope")
            .map(|(_, v)| v.clone())
            .collect(),
        offline: value(&parameters, "offline_token") == "true",
        claimed: match headers.get(header::AUTHORIZATION) {
            None => Claim::Nobody,
            Some(basic) => basic
                .to_str()
                .ok()
                .and_then(Claim::from_basic)
                .unwrap_or(Claim::Unreadable),
        },
    };
    respond(&authority, &asked)
}

/// `grant_type=password|refresh_token&service=S&client_id=X&scope=A B[&access_type=offline]`, form-encoded.
async fn by_post(
    State(authority): State<Arc<Mutex<Authority>>>,
    Form(parameters): Form<Parameters>,
) -> Response {
    let asked = Asked {
        method: "POST",
        service: value(&parameters, "service").to_owned(),
        client: value(&parameters, "client_id").to_owned(),
        // One parameter, its scopes separated by spaces; containers/image repeats the parameter instead.
        scopes: parameters
            .iter()
            .filter(|(name, _)| name == "scope")
            .flat_map(|(_, scopes)| scopes.split_whitespace().map(str::to_owned))
            .collect(),
        offline: value(&parameters, "access_type") == "offline",
        claimed: match value(&parameters, "grant_type") {
            "password" => Claim::Password {
                user: value(&parameters, "username").to_owned(),
                password: value(&parameters, "password").to_owned(),
            },
            "refresh_token" => Claim::RefreshToken(value(&parameters, "refresh_token").to_owned()),
            _ => Claim::Unreadable,
        },
    };
    respond(&authority, &asked)
}

fn respond(authority: &Mutex<Authority>, asked: &Asked) -> Response {
    match authority
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .decide(asked)
    {
        Ok(body) => axum::Json(body).into_response(),
        Err(Refusal {
            status,
            code,
            message,
        }) => {
            let body = match asked.method {
                "GET" => json!({ "errors": [{ "code": code.to_uppercase(), "message": message }] }),
                _ => json!({ "error": code, "error_description": message }),
            };
            (StatusCode::from_u16(status).expect("a status"), axum::Json(body)).into_response()
        }
    }
}

fn value<'a>(parameters: &'a Parameters, name: &str) -> &'a str {
    parameters
        .iter()
        .find(|(found, _)| found == name)
        .map_or("", |(_, value)| value)
}

/// A request, whichever way it came.
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) service: String,
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
    pub(super) offline: bool,
    pub(super) claimed: Claim,
}

/// Who the caller says to be.
pub(super) enum Claim {
    Nobody,
    Password { user: String, password: String },
    RefreshToken(String),
    Unreadable,
}

impl Claim {
    fn from_basic(header: &str) -> Option<Self> {
        let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
        let pair = String::from_utf8(decoded).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some(Self::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }
}
