//! Who asks for a token on the stage, and shows it to the registry.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::helper::Helper;
use super::outcome::Outcome;
use super::peer;
use super::scene::token;
use super::stage::{ALICE, Stage};

impl Stage {
    /// Nothing where these programs are not there, or there is no registry.
    pub(crate) fn with(programs: &[&str]) -> Option<Self> {
        (peer::present(programs) && peer::present(&["docker-registry", "setpriv"])).then(Self::new)
    }

    /// The same, with alice's password stored.
    pub(crate) fn with_alice(programs: &[&str]) -> Option<Self> {
        let stage = Self::with(programs)?;
        Helper::of(&stage.home).store(stage.registry.address(), "alice", ALICE);
        Some(stage)
    }

    pub(crate) fn token(&self, arguments: &[&str]) -> Outcome {
        token(&self.home, self.registry.address(), arguments)
    }

    /// The token alone, of a call that has nothing to remark.
    #[track_caller]
    pub(crate) fn raw(&self, arguments: &[&str]) -> String {
        let outcome = self.token(arguments).succeeds();
        assert_eq!(outcome.stderr, "");
        let token = outcome.stdout.strip_suffix('\n').expect("a token");
        assert_eq!(token.split('.').count(), 3, "{token}");
        token.to_owned()
    }

    /// What the registry answers to the bearer of a token.
    pub(crate) fn status(&self, token: &str, method: &str, path: &str) -> String {
        let url = format!("http://{}/v2/{path}", self.registry.address());
        let header = format!("Authorization: Bearer {token}");
        let mut curl = self.home.command("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"])
            .args(["--request", method, "--header", &header, &url]);
        Outcome::of(&mut curl, b"").succeeds().stdout
    }
}

/// The claims of a token, read apart from the program.
pub(crate) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("a token")).expect("a token")
}
