//! What a token server remembers of a request: never a password, never a token.

/// One request, as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// What the caller showed.
    pub(crate) proof: Proof,
    /// The user that was shown, also where it was refused. Nobody for an anonymous request.
    pub(crate) account: Option<String>,
    pub(crate) service: String,
    /// The `client_id`.
    pub(crate) client: String,
    /// As asked for, one by one.
    pub(crate) scopes: Vec<String>,
    /// Whether a refresh token was asked for.
    pub(crate) offline: bool,
    pub(crate) status: u16,
}

impl Request {
    /// How it came, what was shown and of whom, and for which service.
    pub(crate) fn shown(&self) -> (&str, Proof, Option<&str>, &str) {
        (self.method, self.proof, self.account.as_deref(), &self.service)
    }
}

/// What a caller showed to be somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Nothing,
    Password,
    RefreshToken,
    Unreadable,
}
