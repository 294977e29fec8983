//! Token server: where a registry's tokens come from, and for whom they are. Knows nothing of how it was learnt.

use serde::{Deserialize, Serialize};

use crate::registry::Realm;

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
