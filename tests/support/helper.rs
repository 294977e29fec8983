//! The helper under test, asked as docker asks it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::home::{HELPER, Home};
use super::outcome::Outcome;

/// What a miss says, word for word (docker-credential-helpers, credentials/error.go).
pub(crate) const MISS: &str = "credentials not found in native keychain\n";

/// What `store` reads.
pub(crate) fn message(server: &str, account: &str, secret: &str) -> String {
    json!({ "ServerURL": server, "Username": account, "Secret": secret }).to_string()
}

/// What `get` answers, byte for byte.
pub(crate) fn found(server: &str, account: &str, secret: &str) -> String {
    let (server, account, secret) = (json!(server), json!(account), json!(secret));
    format!("{{\"ServerURL\":{server},\"Username\":{account},\"Secret\":{secret}}}\n")
}

/// Asks the helper by the name that docker has for it.
pub(crate) fn ask(home: &Home, verb: &str, input: &(impl AsRef<[u8]> + ?Sized)) -> Outcome {
    Outcome::of(home.command(HELPER).arg(verb), input.as_ref())
}

/// One helper program in one home.
pub(crate) struct Helper<'a> {
    home: &'a Home,
    program: String,
}

/// What `get` answers.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Credential {
    pub(crate) username: String,
    pub(crate) secret: String,
}

impl<'a> Helper<'a> {
    pub(crate) fn of(home: &'a Home) -> Self {
        Self {
            home,
            program: HELPER.to_owned(),
        }
    }

    /// The same program under the name it goes by for a profile.
    pub(crate) fn for_profile(home: &'a Home, profile: &str) -> Self {
        Self {
            home,
            program: format!("{HELPER}-{profile}"),
        }
    }

    /// The credential, or nothing where there is a miss. Anything else fails the test.
    #[track_caller]
    pub(crate) fn get(&self, server: &str) -> Option<Credential> {
        let outcome = self.ask("get", server);
        if outcome.stdout == MISS {
            outcome.fails();
            return None;
        }
        let outcome = outcome.succeeds();
        assert_eq!(outcome.stderr, "", "a successful get is silent");
        Some(serde_json::from_str(&outcome.stdout).expect("one JSON object"))
    }

    #[track_caller]
    pub(crate) fn store(&self, server: &str, username: &str, secret: &str) {
        self.ask("store", &message(server, username, secret)).succeeds();
    }

    /// Has identity tokens handed out for a server, in place of what is stored.
    #[track_caller]
    pub(crate) fn hand_out_identity_tokens(&self, server: &str) {
        let mut configure = self.home.command(&self.program);
        configure.args(["configure", "--registry", server, "--hand-out", "identity-token"]);
        Outcome::of(&mut configure, b"").succeeds();
    }

    /// Servers, each with its user.
    #[track_caller]
    pub(crate) fn list(&self) -> BTreeMap<String, String> {
        serde_json::from_str(&self.ask("list", "unused").succeeds().stdout).expect("one JSON object")
    }

    pub(crate) fn ask(&self, verb: &str, input: &str) -> Outcome {
        Outcome::of(self.home.command(&self.program).arg(verb), input.as_bytes())
    }
}
