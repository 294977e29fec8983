//! Properties of the server URL type: one meaning however it is spelled, and no two servers in one slot.

use docker_credential_scoped::credential::Profile;
use docker_credential_scoped::registry::{Server, ServerUrl};
use docker_credential_scoped::store::Slot;
use proptest::prelude::*;

const HOST: &str = "[a-z0-9_-]{1,12}(\\.[a-z0-9_-]{1,12}){0,3}";
const PATH: &str = "(/[a-zA-Z0-9._~-]{1,10}[a-z]){0,4}|/[a-zA-Z0-9/]{60,140}";

/// Two texts that differ in one place: a character changed, put in or taken out, or the case turned.
fn alike() -> impl Strategy<Value = (String, String)> {
    (
        nearly(),
        any::<prop::sample::Index>(),
        "[a-zA-Z0-9/:@%._~-]?",
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(text, place, new, replaces, turns)| {
            let mut characters: Vec<char> = text.chars().collect();
            let place = place.index(characters.len() + 1);
            if turns && let Some(character) = characters.get_mut(place) {
                *character = if character.is_ascii_lowercase() {
                    character.to_ascii_uppercase()
                } else {
                    character.to_ascii_lowercase()
                };
            } else {
                let end = (place + usize::from(replaces)).min(characters.len());
                characters.splice(place..end, new.chars());
            }
            (text, characters.into_iter().collect())
        })
}

/// Text close to a server URL, so that a good part of it is one.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        "[hH][tT]{2}[pP][sS]?://"
            .prop_flat_map(|scheme| (Just(scheme), HOST, PATH).prop_map(|(s, h, p)| s + &h + &p)),
        (HOST, "(:[0-9]{1,5})?", PATH, "/{0,2}")
            .prop_map(|(host, port, path, end)| host + &port + &path + &end),
        "(docker\\.io|index\\.docker\\.io|registry-1\\.docker\\.io)(:443)?(/v[12])?/?",
        "[a-z]{1,5}://[ -~]{0,20}",
        "[ -~]{0,40}",
        "\\PC{0,20}",
    ]
}

fn file_name(url: &ServerUrl) -> String {
    Slot::new(url.server().clone(), Profile::default()).file_name()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is read keeps its text, and its canonical text means the same server.
    #[test]
    fn what_is_read_keeps_its_text_and_its_canonical_text_means_the_same(text in nearly()) {
        if let Ok(url) = text.parse::<ServerUrl>() {
            prop_assert_eq!(url.as_str(), text.trim_ascii());
            let canonical = url.server().to_string().parse::<ServerUrl>();
            prop_assert_eq!(canonical.as_ref().map(ServerUrl::server), Ok(url.server()));
            let listed = url.listed_as().parse::<ServerUrl>();
            prop_assert_eq!(listed.as_ref().map(ServerUrl::server), Ok(url.server()));
        }
    }

    /// Scheme, default port, case of the host and a slash at the end make no difference.
    #[test]
    fn spelling_makes_no_difference(host in HOST, path in PATH, scheme in "(https?://)?", port in "(:443)?", slash in "/?") {
        let plain = format!("{host}{path}").parse::<ServerUrl>();
        let spelled = format!("{scheme}{}{port}{path}{slash}", host.to_uppercase()).parse::<ServerUrl>();
        prop_assert_eq!(plain, spelled);
    }

    /// Two server URLs are equal if and only if they mean one server, and then they share a file.
    #[test]
    fn equal_servers_share_a_file_and_others_do_not((one, other) in alike()) {
        if let (Ok(one), Ok(other)) = (one.parse::<ServerUrl>(), other.parse::<ServerUrl>()) {
            prop_assert_eq!(one == other, one.server().to_string() == other.server().to_string());
            let names = (file_name(&one).to_lowercase(), file_name(&other).to_lowercase());
            prop_assert_eq!(one == other, names.0 == names.1, "also where a file system ignores case");
        }
    }

    /// A port that is not 443 is another server, and so is a host with anything before or after it.
    #[test]
    fn another_port_or_a_longer_host_is_another_server(host in HOST, port in 1..=65535_u16, more in "[a-z0-9]{1,5}") {
        let server = |text: String| text.parse::<ServerUrl>().expect("a server URL");
        let plain = server(host.clone());
        prop_assert_eq!(plain == server(format!("{host}:{port}")), port == 443);
        prop_assert_ne!(&plain, &server(format!("{host}.{more}")));
        prop_assert_ne!(&plain, &server(format!("{more}.{host}")));
        prop_assert_ne!(&plain, &server(format!("{host}{more}")));
    }

    /// A path is answered by prefixes of whole components only.
    #[test]
    fn a_path_is_answered_by_whole_components_only(host in HOST, path in "(/[a-z0-9]{1,8}){3,6}") {
        let url: ServerUrl = format!("{host}{path}").parse().expect("a server URL");
        let answers: Vec<String> = url.server().answered_by().map(|server| server.to_string()).collect();
        let asked = url.server().to_string();
        prop_assert_eq!(answers.len(), path.matches('/').count());
        for answer in answers {
            let rest = asked.strip_prefix(&answer).expect("a prefix");
            prop_assert!(rest.is_empty() || rest.starts_with('/'));
        }
    }

    /// The reader takes any bytes, and never repeats them in what it says of them.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        match ServerUrl::read(&bytes) {
            Ok(url) => prop_assert!(url.as_str().bytes().all(|byte| (b'!'..=b'~').contains(&byte))),
            Err(error) => prop_assert!(error.to_string().is_ascii()),
        }
    }

    /// No file name reaches out of its directory, however the server is written.
    #[test]
    fn a_file_name_is_one_plain_name(text in nearly()) {
        if let Ok(url) = text.parse::<ServerUrl>() {
            let name = file_name(&url);
            prop_assert!(name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']), "{}", name);
            let is_hub_token = matches!(url.server(), Server::HubSession(_));
            prop_assert_eq!(is_hub_token, name.starts_with("https%3A"));
        }
    }
}
