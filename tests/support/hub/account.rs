//! Who has tokens at Docker Hub: accounts, and organizations that are owned by accounts.

/// The most personal tokens and organization tokens that one owner can have, where nothing is said.
const MANY: usize = 10_000;

/// Somebody with a password, and with a namespace of that name.
#[derive(Clone)]
pub(crate) struct Account {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) limit: usize,
    pub(super) has_second_factor: bool,
}

impl Account {
    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            limit: MANY,
            has_second_factor: false,
        }
    }

    /// The same, which can make that many personal tokens. Those made by a browser login do not count.
    pub(crate) fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The same, whose password alone signs in nowhere.
    pub(crate) fn with_second_factor(self) -> Self {
        Self {
            has_second_factor: true,
            ..self
        }
    }
}

/// An organization. Its owners, and nobody else, manage its tokens.
#[derive(Clone)]
pub(crate) struct Organization {
    pub(super) name: String,
    pub(super) owners: Vec<String>,
    pub(super) limit: usize,
}

impl Organization {
    pub(crate) fn new(name: &str, owners: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            owners: owners.iter().map(|&owner| owner.to_owned()).collect(),
            limit: MANY,
        }
    }

    /// The same, which can have that many tokens: expired and inactive ones count.
    pub(crate) fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}
