//! Token config: a config.json of docker's that holds registry tokens and nothing else to log in with. Knows nothing
//! of where it is put.

use zeroize::Zeroizing;

use crate::client_config::ConfigFile;
use crate::client_config::json_text;
use crate::secret::Secret;

/// What is taken over from the user's own file: what decides which engine is spoken to, and how, and which command
/// is run. Whatever is not named here stays out: `auths`, `credsStore` and `credHelpers` lead to credentials,
/// `HttpHeaders` and `plugins` may hold some. A password in `proxies` is the proxy's, and docker hands it to every
/// container anyway; without it builds would find no network.
const TAKEN_OVER: [&str; 5] = [
    "aliases",
    "cliPluginsExtraDirs",
    "currentContext",
    "features",
    "proxies",
];

/// The settings beside the tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenConfig {
    settings: Vec<(&'static str, String)>,
}

impl TokenConfig {
    /// With the harmless settings of the user's own file.
    #[must_use]
    pub fn beside(own: &ConfigFile) -> Self {
        let taken_over = |name| own.value(name).map(|value| (name, value.to_owned()));
        Self {
            settings: TAKEN_OVER.into_iter().filter_map(taken_over).collect(),
        }
    }

    /// The file with these tokens, each under a key that docker or another looks its registry up by (docker/cli
    /// `types.AuthConfig`, `registrytoken`).
    pub fn with<'a>(
        &self,
        tokens: impl Iterator<Item = (&'a str, &'a Secret)>,
    ) -> Result<Zeroizing<String>, serde_json::Error> {
        let mut text = Zeroizing::new("{}".to_owned());
        for (name, value) in &self.settings {
            text = Zeroizing::new(json_text::set(&text, &[name], value)?);
        }
        for (key, token) in tokens {
            let value = Zeroizing::new(serde_json::to_string(token.expose())?);
            text = Zeroizing::new(json_text::set(&text, &["auths", key, "registrytoken"], &value)?);
        }
        *text += "\n";
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_token_config_holds_tokens_and_what_is_harmless() {
        let own = json!({
            "auths": {"h": {"auth": "canary"}},
            "credsStore": "canary",
            "credHelpers": {"g": "canary"},
            "HttpHeaders": {"X-Secret": "canary"},
            "plugins": {"p": {"token": "canary"}},
            "unknown": "canary",
            "currentcontext": "remote",
            "proxies": {"default": {"httpProxy": "http://proxy:3128"}},
        });
        let own = ConfigFile::read(own.to_string().as_bytes()).unwrap();
        let token = |text: &str| Secret::new(text.to_owned());
        let (one, two) = (token("one"), token("two"));
        let text = TokenConfig::beside(&own)
            .with([("h:5000", &one), ("https://index.docker.io/v1/", &two)].into_iter())
            .unwrap();
        assert!(!text.contains("canary"), "{}", *text);
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "auths": {
                    "h:5000": {"registrytoken": "one"},
                    "https://index.docker.io/v1/": {"registrytoken": "two"},
                },
                "currentContext": "remote",
                "proxies": {"default": {"httpProxy": "http://proxy:3128"}},
            })
        );
    }

    #[test]
    fn without_a_file_of_the_users_there_are_tokens_only() {
        let token = Secret::new("one".to_owned());
        let text = TokenConfig::default().with([("h", &token)].into_iter()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!({"auths": {"h": {"registrytoken": "one"}}}));
    }
}
