//! Error: why Docker Hub did not do as it was asked, in words that are ours. Never what it said.

use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::http::HttpError;
use crate::hub::{NotForManagement, Owner};
use crate::registry::InvalidTokenResponse;

/// Why it was not done, by what there is to do.
#[derive(Debug, Error)]
pub enum HubError {
    /// It was done, or not, and the answer cannot be read.
    #[error("{server} answered {why}; check hub.api in settings.json")]
    Answer {
        /// Who answered.
        server: String,
        /// What is wrong with it.
        why: InvalidAnswer,
    },
    /// It has too much to do, for longer than is waited.
    #[error(
        "{server} answers too many requests (429); try again {}",
        until.and_then(|until| until.format(&Rfc3339).ok()).map_or_else(|| "later".to_owned(), |until| format!("after {until}"))
    )]
    Busy {
        /// Who answered.
        server: String,
        /// Until when, where it says so.
        until: Option<OffsetDateTime>,
    },
    /// The account may not.
    #[error("{server} refuses it (403): {}", match owner {
        Owner::Account => "the account may not manage tokens; ask who administers it".to_owned(),
        Owner::Organization(name) => format!("the tokens of {name} are for its owners; sign in as one of them"),
    })]
    Forbidden {
        /// Who answered.
        server: String,
        /// Whose tokens were meant.
        owner: Owner,
    },
    /// The bearer was made from a token, which manages nothing.
    #[error(transparent)]
    FromToken(#[from] NotForManagement),
    /// There was no answer, and nothing was made.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It does not take what was asked.
    #[error(
        "{server} does not take it ({status}): {}",
        if fields.is_empty() { "it does not say which part; check label, scopes and expiry".to_owned() } else { format!("check {}", fields.join(", ")) }
    )]
    Invalid {
        /// Who answered.
        server: String,
        /// 400, or one like it.
        status: u16,
        /// What it complains of, as far as it says.
        fields: Vec<&'static str>,
    },
    /// There are as many tokens as there may be.
    #[error(
        "{} has as many access tokens as Docker Hub allows it{}; revoke one that is not needed (expired and inactive ones \
         count, too), or have the plan changed",
        match owner { Owner::Account => "the account".to_owned(), Owner::Organization(name) => format!("the organization {name}") },
        match (most, owner) {
            (Some(most), _) => format!(" ({most})"),
            (None, Owner::Account) => String::new(),
            (None, Owner::Organization(_)) => " (10 with Docker Team, 100 with Docker Business)".to_owned(),
        }
    )]
    Limit {
        /// Whose.
        owner: Owner,
        /// How many, where it says so.
        most: Option<u64>,
    },
    /// There are no tokens to be seen, of this owner.
    #[error("{server} has no {} (404); check {}", match owner {
        Owner::Account => "access tokens there".to_owned(),
        Owner::Organization(name) => format!("organization {name}, or it is not for this account"),
    }, match owner {
        Owner::Account => "hub.api in settings.json",
        Owner::Organization(_) => "its name and who is signed in",
    })]
    NotFound {
        /// Who answered.
        server: String,
        /// Whose tokens were meant.
        owner: Owner,
    },
    /// A password is not enough.
    #[error(
        "{server} wants a second factor, and that cannot be given here; sign in with docker login in a browser instead"
    )]
    SecondFactor {
        /// Who answered.
        server: String,
    },
    /// It does not know the account, or not with this secret.
    #[error(
        "{server} refuses the sign-in: account or password is wrong; where an organization enforces single sign-on, sign in with \
         docker login in a browser"
    )]
    SignIn {
        /// Who answered.
        server: String,
    },
    /// It failed.
    #[error("{server} answered {status}; try again later")]
    Status {
        /// Who answered.
        server: String,
        /// The status.
        status: u16,
    },
    /// The list does not end.
    #[error("{server} lists more than 10000 tokens, and all of them have to be known; revoke some there")]
    TooMany {
        /// Who answered.
        server: String,
    },
    /// The bearer is not taken any more, or never was.
    #[error("{server} {}", if *is_new {
        "does not take the sign-in that it has just given for the password (401); try again later, or sign in with docker \
         login in a browser"
    } else {
        "takes the sign-in no more (401): it has expired or was ended; sign in again with docker login"
    })]
    Unauthorized {
        /// Who answered.
        server: String,
        /// Whether it was had for a password just now.
        is_new: bool,
    },
    /// A token was asked for, and whether it was made is not known. If it was, its secret is lost.
    #[error(
        "{why}; the token may have been made all the same: look for its label in docker-credential-scoped hub token list{}, \
         and revoke it",
        match owner { Owner::Account => String::new(), Owner::Organization(name) => format!(" --org {name}") }
    )]
    Unsure {
        /// Whose it would be.
        owner: Owner,
        /// What came in between.
        why: Box<Self>,
    },
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidAnswer {
    /// To a question for what it has not.
    #[error("that there is nothing (404), and not as Docker Hub does")]
    Absence,
    /// To a sign-in.
    #[error("the sign-in with something else than a token: it {0}")]
    Bearer(InvalidTokenResponse),
    /// To a list.
    #[error("something that is no list of tokens")]
    List,
    /// To anything, by who is not Docker Hub.
    #[error("that it is forbidden (403), and not as Docker Hub does")]
    Refusal,
    /// To the revoking of a token.
    #[error("the revocation with something that is not Docker Hub's")]
    Revocation,
    /// To the making of a token.
    #[error("without the new token's secret")]
    Secret,
    /// To a question for one.
    #[error("something that is no token")]
    Token,
}
