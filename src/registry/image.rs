//! Image: the registry and repository that an image's name stands for, by docker's grammar. Knows nothing of what is
//! behind the name.

use std::str::FromStr;

use thiserror::Error;

use crate::registry::{InvalidServerUrl, Registry};

/// The longest repository name, without the registry and with `library/` (distribution/reference
/// `RepositoryNameTotalLengthMax`).
const MAX_REPOSITORY_BYTES: usize = 255;

/// The longest tag (distribution/reference `tag`).
const MAX_TAG_BYTES: usize = 128;

/// What an image's name says of where it is. Tag and digest are read and dropped: a token is for a repository.
///
/// ```text
/// reference       := name [ ":" tag ] [ "@" digest ]
/// name            := [domain '/'] path-component ['/' path-component]*
/// path-component  := alpha-numeric [separator alpha-numeric]*
/// alpha-numeric   := /[a-z0-9]+/
/// separator       := /[_.]|__|[-]*/
/// tag             := /[\w][\w.-]{0,127}/
/// digest          := algorithm ":" /[0-9a-fA-F]{32,}/
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is; Docker Hub where the name does not say.
    pub registry: Registry,
    /// The registry as the name spells it, where it does: clients look their credentials up by that.
    pub spelling: Option<String>,
    /// The repository there, with the `library/` that docker's short names leave out.
    pub repository: String,
}

impl FromStr for Image {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        if !digest.is_none_or(is_digest) {
            return Err(InvalidImage::Digest);
        }
        let (domain, path) = split_domain(rest);
        let registry =
            Registry::parse(domain.unwrap_or(Registry::DOCKER_HUB)).map_err(InvalidImage::Domain)?;
        let (name, tag) = match path.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (path, None),
        };
        if !tag.is_none_or(is_tag) {
            return Err(InvalidImage::Tag);
        }
        let namespace = if registry.is_docker_hub() && !name.contains('/') {
            "library/"
        } else {
            ""
        };
        let repository = format!("{namespace}{name}");
        if repository.len() > MAX_REPOSITORY_BYTES || !name.split('/').all(is_path_component) {
            return Err(InvalidImage::Repository);
        }
        // docker takes what looks like the id of an image for one (distribution/reference `anchoredIdentifierRegexp`).
        if domain.is_none() && name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidImage::Identifier);
        }
        Ok(Self {
            registry,
            spelling: domain.map(str::to_owned),
            repository,
        })
    }
}

/// What stands before the first slash is a registry if no namespace of Docker Hub could be spelt like that
/// (distribution/reference `splitDockerDomain`).
fn split_domain(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.chars().any(|character| character.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        Some(_) | None => (None, name),
    }
}

fn is_path_component(component: &str) -> bool {
    let is_alpha_numeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |text: &str| {
        matches!(text, "." | "_" | "__") || !text.is_empty() && text.bytes().all(|byte| byte == b'-')
    };
    let ends = |place: Option<char>| place.is_some_and(is_alpha_numeric);
    ends(component.chars().next())
        && ends(component.chars().next_back())
        && component
            .split(is_alpha_numeric)
            .all(|between| between.is_empty() || is_separator(between))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= MAX_TAG_BYTES
        && tag.starts_with(is_word)
        && tag.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|c: char| c.is_ascii_alphabetic())
            && algorithm
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '_' | '-'))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Why a text is not an image's name. Texts never repeat it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidImage {
    /// What stands behind the `@` is no digest.
    #[error("image: the digest behind the '@' is not ALGORITHM:HEX, as in sha256:…")]
    Digest,
    /// What stands before the first slash is no host.
    #[error("image: {0}")]
    Domain(InvalidServerUrl),
    /// The id of an image, which says nothing of where it is.
    #[error("image: is an image's id; name the image as [HOST/]REPOSITORY")]
    Identifier,
    /// Not a repository's name.
    #[error(
        "image: write [HOST/]REPOSITORY[:TAG]; a repository is lower-case letters and digits, with single '.', '_' \
         or '-' between them, and '/'"
    )]
    Repository,
    /// What stands behind the colon is no tag.
    #[error("image: the tag behind the ':' is letters, digits, '_', '.' and '-', at most 128")]
    Tag,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_where_docker_looks_for_it() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let table = [
            ("alpine", "docker.io", "library/alpine"),
            ("alpine:3.20", "docker.io", "library/alpine"),
            ("acme/app", "docker.io", "acme/app"),
            ("docker.io/alpine", "docker.io", "library/alpine"),
            ("index.docker.io/acme/app", "docker.io", "acme/app"),
            ("ghcr.io/acme/app:v1", "ghcr.io", "acme/app"),
            ("ghcr.io/app", "ghcr.io", "app"),
            ("GHCR/app", "ghcr", "app"),
            ("localhost/app", "localhost", "app"),
            ("localhost:5000/a/b/c:latest", "localhost:5000", "a/b/c"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000", "app"),
            ("[::1]:5000/app:1", "[::1]:5000", "app"),
            ("registry:5000/app", "registry:5000", "app"),
            ("h.example:443/app", "h.example", "app"),
            ("a__b/c.d_e---f", "docker.io", "a__b/c.d_e---f"),
        ];
        for (text, registry, repository) in table {
            for text in [text.to_owned(), format!("{text}@{digest}")] {
                let image: Image = text.parse().unwrap();
                assert_eq!(image.registry.to_string(), registry, "{text}");
                assert_eq!(image.repository, repository, "{text}");
            }
        }
    }

    #[test]
    fn only_64_hexadecimal_digits_without_a_host_are_an_images_id() {
        let (digits, letters) = ("0a".repeat(32), "z".repeat(64));
        for name in [
            &format!("ghcr.io/{digits}"),
            &"0".repeat(63),
            &format!("{digits}0"),
            &letters,
        ] {
            assert!(name.parse::<Image>().is_ok(), "{name}");
        }
        assert_eq!(digits.parse::<Image>(), Err(InvalidImage::Identifier));
    }

    #[test]
    fn a_digest_is_an_algorithm_and_32_hexadecimal_digits_at_least() {
        let with_digest = |digest: &str| format!("acme/app@{digest}").parse::<Image>().map(drop);
        let digits = "0a".repeat(16);
        for algorithm in ["sha256", "SHA512", "sha512+b64u", "a.b_c-d"] {
            assert_eq!(
                with_digest(&format!("{algorithm}:{digits}")),
                Ok(()),
                "{algorithm}"
            );
        }
        for digest in [
            format!("sha256:{}", "0".repeat(31)),
            format!("sha256:{digits}g"),
            format!(":{digits}"),
            format!("256:{digits}"),
            format!("sha 256:{digits}"),
            digits,
        ] {
            assert_eq!(with_digest(&digest), Err(InvalidImage::Digest), "{digest}");
        }
    }

    /// What clients look an image's registry up by: docker 28 (`ParseRepositoryInfo`, `getAuthConfigKey`), the docker
    /// of after that (`reference.Domain`), buildkit (the host it connects to), go-containerregistry (`RegistryStr`).
    #[test]
    fn every_client_finds_the_key_of_an_image() {
        const INDEX: &str = "https://index.docker.io/v1/";
        let table: [(&str, &[&str]); 11] = [
            ("alpine", &[INDEX, "docker.io"]),
            ("docker.io/acme/app", &[INDEX, "docker.io"]),
            ("index.docker.io/acme/app", &[INDEX, "docker.io"]),
            ("registry-1.docker.io/acme/app", &[INDEX, "registry-1.docker.io"]),
            ("registry.hub.docker.com/acme/app", &["registry.hub.docker.com"]),
            ("ghcr.io/acme/app", &["ghcr.io", "ghcr.io:443"]),
            ("ghcr.io:443/acme/app", &["ghcr.io", "ghcr.io:443"]),
            ("GHCR.io/acme/app", &["GHCR.io", "ghcr.io"]),
            ("GHCR.io:443/acme/app", &["GHCR.io:443", "ghcr.io", "ghcr.io:443"]),
            ("Localhost:5000/app", &["Localhost:5000", "localhost:5000"]),
            ("[0:0::1]:5000/app", &["[0:0::1]:5000", "[::1]:5000"]),
        ];
        for (text, looked_up) in table {
            let image: Image = text.parse().unwrap();
            let mut keys = image.registry.auth_keys();
            keys.extend(image.spelling);
            for key in looked_up {
                assert!(keys.contains(*key), "{text}: {key} is not among {keys:?}");
            }
        }
        let keys = |text: &str| text.parse::<Registry>().unwrap().auth_keys();
        assert_eq!(keys("h:5000").into_iter().collect::<Vec<_>>(), ["h:5000"]);
        assert!(!keys("docker.io").contains("auth.docker.io"));
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        let table = [
            ("", InvalidImage::Repository),
            ("ghcr.io/", InvalidImage::Repository),
            ("Alpine", InvalidImage::Repository),
            ("acme/App", InvalidImage::Repository),
            ("acme//app", InvalidImage::Repository),
            ("acme/app/", InvalidImage::Repository),
            ("acme/-app", InvalidImage::Repository),
            ("acme/app.", InvalidImage::Repository),
            ("acme/a..b", InvalidImage::Repository),
            ("acme/a___b", InvalidImage::Repository),
            ("acme/a*", InvalidImage::Repository),
            ("acme/app:pull,push", InvalidImage::Tag),
            ("acme/app:", InvalidImage::Tag),
            ("acme/app:.a", InvalidImage::Tag),
            ("acme/app@sha256:12", InvalidImage::Digest),
            ("acme/app@latest", InvalidImage::Digest),
            (&"0a".repeat(32), InvalidImage::Identifier),
            (
                "https://ghcr.io/acme/app",
                InvalidImage::Domain(InvalidServerUrl::Port),
            ),
            ("h:0/app", InvalidImage::Domain(InvalidServerUrl::Port)),
            ("a..b/app", InvalidImage::Domain(InvalidServerUrl::Host)),
        ];
        for (text, why) in table {
            assert_eq!(text.parse::<Image>(), Err(why), "{text}");
        }
    }

    #[test]
    fn a_repository_is_255_bytes_with_the_library_that_its_short_name_leaves_out() {
        let (longest, longest_short) = ("a/".repeat(127) + "a", "a".repeat(247));
        for name in [&longest, &longest_short, &format!("ghcr.io/{}", "a".repeat(255))] {
            let repository = name.parse::<Image>().unwrap().repository;
            assert_eq!(repository.len(), 255, "{name}");
        }
        for name in [
            longest + "a",
            longest_short + "a",
            format!("ghcr.io/{}", "a".repeat(256)),
        ] {
            assert_eq!(name.parse::<Image>(), Err(InvalidImage::Repository), "{name}");
        }
    }
}
