//! What Docker Hub says where it does nothing, in the shapes its API documents: `Error`, `ValueError` and `error`.

use serde_json::{Value, json};

/// A status, and the body that goes with it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Refusal {
    /// Nobody that is known: a secret or a bearer that is not good, or none at all.
    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::new(401, json!({ "detail": detail, "message": "unauthorized" }))
    }

    /// The password is good, and is not enough. Documented for `/v2/users/login`, and taken to be so here.
    pub(super) fn second_factor() -> Self {
        Self::new(
            401,
            json!({
                "detail": "Require secondary authentication on MFA enabled account",
                "login_2fa_token": "token-for-the-second-factor",
            }),
        )
    }

    /// Somebody that is known, and may not.
    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(403, json!({ "message": message, "errinfo": {} }))
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, json!({ "detail": "not found", "message": "not found" }))
    }

    /// Not as a field has to be.
    pub(super) fn invalid(field: &str, text: &str) -> Self {
        Self::new(400, json!({ "fields": { field: text }, "text": text }))
    }

    /// An account that has all the personal tokens it can have. Neither text nor status is documented: 400 is the only
    /// refusal that making one has, beside 401.
    pub(super) fn account_is_full(limit: usize) -> Self {
        let text = format!("maximum number of personal access tokens reached: {limit}");
        Self::new(400, json!({ "fields": {}, "text": text }))
    }

    /// An organization that has all the tokens it can have. Not documented either: 403, so that there are both.
    pub(super) fn organization_is_full(limit: usize) -> Self {
        Self::forbidden(&format!(
            "maximum number of organization access tokens reached: {limit}"
        ))
    }

    fn new(status: u16, body: Value) -> Self {
        Self { status, body }
    }
}
