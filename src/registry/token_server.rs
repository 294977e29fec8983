//! Token server: where a registry's tokens come from, and for whom they are. Knows nothing of how it was learnt.

use serde::{Deserialize, Serialize};

use crate::registry::{Judgement, Realm, RefusedRealm, Registry};

/// The realm and the service that a registry names in its challenge.
///
/// Recorded for the registry at first contact and not asked for again: a registry that could name another realm with
/// every answer could have its users' credentials sent anywhere (CVE-2020-15157, and a dozen clients since).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenServer {
    /// Where tokens are asked for.
    pub realm: Realm,
    /// The audience of the registry's tokens; some registries name none (`OpenShift`).
    pub service: Option<String>,
}

impl TokenServer {
    /// That of a registry whose challenge is documented, so that none has to be asked for.
    #[must_use]
    pub fn known(registry: &Registry) -> Option<Self> {
        Realm::known(registry).map(|(realm, service)| Self {
            realm,
            service: Some(service),
        })
    }

    /// Whether the registry's credential must not go there, whatever was recorded or configured: an address inside
    /// the network, or plain http that the settings do not allow (any more).
    #[must_use]
    pub fn refusal(&self, registry: &Registry, is_insecure: bool) -> Option<RefusedRealm> {
        match self.realm.judge(registry, is_insecure) {
            Judgement::Refused(why) => Some(why),
            Judgement::Trusted | Judgement::NeedsConfirmation => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(realm: &str) -> TokenServer {
        TokenServer {
            realm: realm.parse().unwrap(),
            service: None,
        }
    }

    #[test]
    fn a_documented_registry_has_its_token_server_and_no_other_has_one() {
        let hub = TokenServer::known(&Registry::docker_hub()).unwrap();
        assert_eq!(hub.realm.to_string(), "https://auth.docker.io/token");
        assert_eq!(hub.service.as_deref(), Some("registry.docker.io"));
        assert_eq!(TokenServer::known(&"r.example".parse().unwrap()), None);
    }

    #[test]
    fn what_was_recorded_is_judged_again() {
        let registry: Registry = "r.example:5000".parse().unwrap();
        let table = [
            ("https://r.example/token", false, None),
            ("https://auth.example/token", false, None),
            ("https://127.0.0.1/token", true, Some(RefusedRealm::Address)),
            (
                "http://r.example:5000/token",
                false,
                Some(RefusedRealm::PlainHttp),
            ),
            ("http://r.example:5000/token", true, None),
            ("http://auth.example/token", true, Some(RefusedRealm::PlainHttp)),
        ];
        for (realm, is_insecure, why) in table {
            assert_eq!(
                server(realm).refusal(&registry, is_insecure),
                why,
                "{realm} {is_insecure}"
            );
        }
    }

    #[test]
    fn what_is_written_down_is_read_again_and_nothing_else_is() {
        let written = serde_json::to_string(&server("https://auth.example/token?a=b")).unwrap();
        assert_eq!(
            written,
            r#"{"realm":"https://auth.example/token?a=b","service":null}"#
        );
        let read = |text: &str| serde_json::from_str::<TokenServer>(text);
        assert_eq!(read(&written).unwrap(), server("https://auth.example/token?a=b"));
        for text in [
            r#"{"realm":"https://user@auth.example/","service":null}"#,
            r#"{"realm":"ftp://auth.example/","service":null}"#,
            r#"{"realm":"https://auth.example/","service":null,"only":"pull"}"#,
            r#"{"service":null}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
