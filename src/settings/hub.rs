//! Docker Hub: where its API is, and which registry its tokens log in to. Its own where settings.json says nothing else.

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use url::Url;

use crate::registry::{Realm, Registry};

/// Where Docker Hub is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSettings {
    /// What the paths of its API are joined to. Ends in `/`.
    pub api: Url,
    /// The registry that its tokens log in to.
    pub registry: Registry,
}

/// What settings.json says of it. The rest is made when it is needed, which is by no `get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with `api` and `registry`"
)]
pub(super) struct HubEntry {
    #[serde(deserialize_with = "api")]
    api: Option<Url>,
    #[serde(deserialize_with = "registry")]
    registry: Option<Registry>,
}

impl HubEntry {
    pub(super) fn settings(&self) -> HubSettings {
        let Self { api, registry } = self;
        HubSettings {
            api: api.clone().unwrap_or_else(docker_hub),
            registry: registry.clone().unwrap_or_else(Registry::docker_hub),
        }
    }

    /// Whoever names one of the two names the other: a password for the registry is sent to the API. Docker Hub's own
    /// goes with Docker Hub.
    fn check(&self) -> Result<(), Missing> {
        match (&self.api, &self.registry) {
            (Some(api), None) if *api != docker_hub() => Err(Missing::Registry),
            (None, Some(registry)) if *registry != Registry::docker_hub() => Err(Missing::Api),
            _ => Ok(()),
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant, which a test reads")]
fn docker_hub() -> Url {
    Url::parse("https://hub.docker.com/").expect("a URL")
}

pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<HubEntry>>, D::Error> {
    let entry = HubEntry::deserialize(deserializer)?;
    entry.check().map_err(de::Error::custom)?;
    Ok(Some(Box::new(entry)))
}

fn api<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_api(&text).map(Some).map_err(de::Error::custom)
}

fn registry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Registry>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

/// Reads where the API is. A password is sent there, so that it is read as strictly as where tokens come from.
fn read_api(text: &str) -> Result<Url, InvalidApi> {
    let realm: Realm = text.parse().map_err(|_| InvalidApi::Url)?;
    let mut url = realm.url().clone();
    if url.query().is_some() {
        return Err(InvalidApi::Url);
    }
    let is_loopback = || {
        url.host_str()
            .and_then(|host| host.parse::<Registry>().ok())
            .is_some_and(|host| host.is_loopback())
    };
    if url.scheme() != "https" && !is_loopback() {
        return Err(InvalidApi::PlainHttp);
    }
    // Else what is joined to it would stand in place of its last component.
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Why an API is not used. Never repeated: somebody may have written a password into it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum InvalidApi {
    #[error("hub.api: plain http is for this machine only; write https://")]
    PlainHttp,
    #[error("hub.api: write a URL without user, query and fragment, as in https://hub.docker.com")]
    Url,
}

/// What else would be Docker Hub's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum Missing {
    #[error("hub.api: missing beside hub.registry; passwords for that registry would be sent to Docker Hub")]
    Api,
    #[error("hub.registry: missing beside hub.api; Docker Hub's passwords would be sent to that API")]
    Registry,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn hub(text: &str) -> Result<(String, String), String> {
        let settings = Settings::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let HubSettings { api, registry } = settings.hub();
        Ok((api.to_string(), registry.to_string()))
    }

    #[test]
    fn docker_hub_is_where_docker_has_it_unless_the_settings_say_otherwise() {
        let docker = ("https://hub.docker.com/", "docker.io");
        for (text, api, registry) in [
            ("{}", docker.0, docker.1),
            (r#"{"hub": {}}"#, docker.0, docker.1),
            (
                r#"{"hub": {"api": "https://hub.docker.com"}}"#,
                docker.0,
                docker.1,
            ),
            (
                r#"{"hub": {"api": "https://Hub.example:443/docker", "registry": "Registry.example:5000"}}"#,
                "https://hub.example/docker/",
                "registry.example:5000",
            ),
            (
                r#"{"hub": {"api": "https://hub.example/docker/", "registry": "docker.io"}}"#,
                "https://hub.example/docker/",
                docker.1,
            ),
            (
                r#"{"hub": {"registry": "https://index.docker.io/v1/"}}"#,
                docker.0,
                docker.1,
            ),
            (
                r#"{"hub": {"api": "http://127.0.0.1:8080", "registry": "127.0.0.1:5000"}}"#,
                "http://127.0.0.1:8080/",
                "127.0.0.1:5000",
            ),
            (
                r#"{"hub": {"registry": "h.example", "api": "http://localhost/"}}"#,
                "http://localhost/",
                "h.example",
            ),
            (
                r#"{"hub": {"api": "http://[::1]:8080/v", "registry": "h.example"}}"#,
                "http://[::1]:8080/v/",
                "h.example",
            ),
        ] {
            assert_eq!(hub(text), Ok((api.to_owned(), registry.to_owned())), "{text}");
        }
        let HubSettings { api, .. } =
            Settings::parse(br#"{"hub": {"api": "https://h/docker", "registry": "h"}}"#)
                .unwrap()
                .hub();
        assert_eq!(
            api.join("v2/auth/token").unwrap().as_str(),
            "https://h/docker/v2/auth/token"
        );
    }

    #[test]
    fn an_api_that_is_none_is_refused_with_line_and_column_and_not_repeated() {
        let url = "hub.api: write a URL without user, query and fragment, as in https://hub.docker.com";
        let plain = "hub.api: plain http is for this machine only; write https://";
        for (value, expected) in [
            ("", url),
            ("canary", url),
            ("ftp://canary", url),
            ("https://", url),
            ("https://u:canary@h", url),
            ("https://u@h", url),
            ("https://h/?canary", url),
            ("https://h/?", url),
            ("https://h/#", url),
            ("https:/h", url),
            ("https://h\\n.example", url),
            ("http://h.example", plain),
            ("http://localhost.example", plain),
            ("http://10.0.0.1", plain),
        ] {
            let error = hub(&format!("{{\"hub\":\n {{\"api\": \"{value}\"}}}}")).unwrap_err();
            assert_eq!(
                error.split_once(" at line 2 column ").map(|(text, _)| text),
                Some(expected),
                "{value}: {error}"
            );
        }
        for (text, expected) in [
            (
                r#"{"hub": {"registry": "h/acme"}}"#,
                "hub.registry: names more than a host; write HOST or HOST:PORT at line 1 column 30",
            ),
            (
                "{\"hub\":\n {\"api\": \"https://h\"}}",
                "hub.registry: missing beside hub.api; Docker Hub's passwords would be sent to that API at line 2 column 22",
            ),
            (
                "{\"hub\":\n {\"registry\": \"h\"}}",
                "hub.api: missing beside hub.registry; passwords for that registry would be sent to Docker Hub at line 2 column 19",
            ),
            (
                r#"{"hub": {"api": "https://hub.docker.com/docker"}}"#,
                "hub.registry: missing beside hub.api; Docker Hub's passwords would be sent to that API at line 1 column 49",
            ),
            (
                r#"{"hub": {"url": "https://h"}}"#,
                "hub: unknown field `url`, expected `api` or `registry` at line 1 column 14",
            ),
            (
                r#"{"hub": null}"#,
                "hub: invalid type: null, expected an object with `api` and `registry` at line 1 column 12",
            ),
        ] {
            assert_eq!(hub(text), Err(expected.to_owned()), "{text}");
        }
    }
}
