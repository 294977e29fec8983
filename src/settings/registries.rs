//! Registries: what settings.json says of each, one entry a registry however it is spelt.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};

use super::RegistrySettings;
use crate::registry::Registry;

/// Reads the entries. Two for one registry are refused: whichever were taken, the other would be thought to hold.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Registry, RegistrySettings>, D::Error> {
    deserializer.deserialize_map(Entries)
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = BTreeMap<Registry, RegistrySettings>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a registry for each key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(spelling) = entries.next_key::<String>()? {
            match found.entry(spelling.parse().map_err(A::Error::custom)?) {
                Entry::Vacant(entry) => entry.insert(entries.next_value()?),
                Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format_args!(
                        "registries: `{spelling}` is the registry {}, which is there already; keep one of them",
                        entry.key()
                    )));
                }
            };
        }
        Ok(found)
    }
}
