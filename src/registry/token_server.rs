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
