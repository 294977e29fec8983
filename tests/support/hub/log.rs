//! What a Docker Hub remembers of a request: never a secret, never a bearer.

/// One request, as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// The account or organization that signs in, or whose bearer was shown; nobody where it is not known.
    pub(crate) who: Option<String>,
    pub(crate) proof: Proof,
    /// Nothing where the connection was hung up.
    pub(crate) status: Option<u16>,
}

/// What a caller showed to be somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Nothing,
    /// A password or a token, to be given a bearer for it.
    Secret,
    /// A bearer that was made from a password.
    Password,
    /// The bearer of docker's browser login.
    BrowserLogin,
    /// A bearer that was made from a personal token or an organization token.
    Token,
    /// Something else that is no bearer.
    Unknown,
}
