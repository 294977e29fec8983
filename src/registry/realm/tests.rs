//! Whose realms are trusted, row by row: what registries send, what attackers sent, and what first fixes missed.

use proptest::prelude::*;

use super::Judgement::{NeedsConfirmation, Refused, Trusted};
use super::RefusedRealm::{Address, PlainHttp};
use super::*;

fn realm(text: &str) -> Realm {
    text.parse().unwrap()
}

fn registry(text: &str) -> Registry {
    text.parse().unwrap()
}

/// Registry, realm, judgement, and why.
const JUDGED: &str = "
# Known.
docker.io                https://auth.docker.io/token                     trusted  Docker Hub's
registry-1.docker.io     https://auth.docker.io/token                     trusted  by another of its names
docker.io                https://auth.docker.io/token?x=1                 trusted  with a query of its own
docker.io                https://registry-1.docker.io/auth                trusted  each of its names is its own host
docker.io                https://auth.docker.io.evil.example/token        asks     only begins like it
docker.io                https://hub.docker.com/token                     asks     the web site is not the registry
docker.io                http://auth.docker.io/token                      plain    the same, but in the clear
evil.example             https://auth.docker.io/token                     asks     known, but for another registry
docker.io:5000           https://auth.docker.io/token                     asks     a port of Docker Hub's is not Docker Hub
registry.gitlab.com      https://gitlab.com/jwt/auth                      trusted  on another host, as documented
registry.gitlab.com      https://gitlab.com/evil/pages                    asks     that host serves everybody's things
registry.gitlab.com      https://gitlab.com/jwt/auth/../../evil           asks     dots do not help
registry.gitlab.com      https://gitlab.com:444/jwt/auth                  asks     another port of another host
registry.gitlab.com      http://gitlab.com/jwt/auth                       plain    known is the https one
docker.elastic.co        https://docker-auth.elastic.co/auth              trusted  on another host, as documented
registry.digitalocean.com https://api.digitalocean.com/v2/registry/auth    trusted  on another host
gitlab.com               https://registry.gitlab.com/jwt/auth             asks     the other way round is not documented
# The registry's own host.
ghcr.io                  https://ghcr.io/token                            trusted  its own host
ghcr.io                  HTTPS://GHCR.IO/token                            trusted  in other letters
ghcr.io                  https://%67hcr.io/token                          trusted  in an escape that the client undoes
r.example                https://r.example:8443/a                         trusted  at another port: the certificate is for the host
r.example:5000           https://r.example/a                              trusted  and back
r.example                https://r.example./a                             asks     a dot at the end is another name to a resolver
r.example                https://auth.r.example/a                         asks     a neighbour by name is none by trust
a.github.io              https://b.github.io/a                            asks     names below one suffix have many owners
r.example                https://r.example.evil.example/a                 asks     begins with the registry's name
r.example                https://evil.example/r.example/a                 asks     the registry's name in the path
r.example                https://xn--r-xja.example/a                      asks     a look-alike in its xn-- form
my_registry              https://my_registry/a                            trusted  an underscore, as compose names have
r.example                http://r.example/a                               plain    https is not given up
r.example:5000           http://r.example:5000/a                          plain    nor at the registry's port
# Loopback.
localhost:5000           http://localhost:5001/a                          trusted  a token server beside it
127.0.0.1:5000           http://localhost/a                               trusted  by another of its names
localhost:5000           http://127.9.9.9:1/a                             trusted  all of 127.0.0.0/8
[::1]:5000               http://127.0.0.1:5001/a                          trusted  from IPv6 to IPv4
127.0.0.1                https://[::1]:5001/a                             trusted  and back, with https
localhost:5000           http://0x7f.1:5001/a                             trusted  127.0.0.1 in hexadecimal
2130706433:5000          http://localhost/a                               trusted  a registry that is 127.0.0.1 in one number
localhost:5000           https://auth.example/a                           asks     from here to elsewhere
localhost:5000           http://auth.example/a                            plain    in the clear
localhost:5000           http://10.0.0.1/a                                inside   a neighbour is not this machine
localhost:5000           http://0.0.0.0:5001/a                            inside   unspecified is not loopback
localhost:5000           https://x.localhost/a                            inside   a resolver may ask the network for it
localhost.evil.example   http://localhost/a                               inside   a registry that only begins like it
# Addresses, for a registry that is elsewhere.
r.example                https://127.0.0.1/a                              inside   loopback
r.example                https://localhost:8080/a                         inside   loopback by name
r.example                https://localhost./a                             inside   with a dot at the end
r.example                https://a.b.localhost/a                          inside   and below it
r.example                https://0x7f.1/a                                 inside   loopback in hexadecimal
r.example                https://0177.0.0.1/a                             inside   in octal
r.example                https://2130706433/a                             inside   in one number
r.example                https://127.1/a                                  inside   in short
r.example                https://%31%32%37.1/a                            inside   in escapes
r.example                https://[::1]/a                                  inside   in IPv6
r.example                https://[::ffff:127.0.0.1]/a                     inside   mapped into IPv6
r.example                https://[::ffff:8.8.8.8]/a                       inside   any mapped one: nobody needs it
r.example                https://[::7f00:1]/a                             inside   compatible with IPv4
r.example                https://[64:ff9b::a9fe:a9fe]/a                   inside   through NAT64
r.example                https://[2002:7f00:1::]/a                        inside   through 6to4
r.example                https://[2001:0:1::]/a                           inside   through Teredo
r.example                https://0.0.0.0/a                                inside   unspecified, which connects to this machine
r.example                https://0/a                                      inside   in short
r.example                https://[::]/a                                   inside   in IPv6
r.example                http://169.254.169.254/latest/meta-data          inside   the metadata service
r.example                https://169.254.169.254/a                        inside   by https
r.example                https://[fd00:ec2::254]/a                        inside   by IPv6
r.example                https://100.100.100.200/a                        inside   another cloud's
r.example                https://192.0.0.192/a                            inside   and another's
r.example                https://10.1.2.3/a                               inside   private
r.example                https://172.31.255.255/a                         inside   private
r.example                https://192.168.0.1/a                            inside   private
r.example                https://[fd12::1]/a                              inside   unique local
r.example                https://[fe80::1]/a                              inside   link-local
r.example                https://224.0.0.1/a                              inside   multicast
r.example                https://[ff02::1]/a                              inside   multicast in IPv6
r.example                https://255.255.255.255/a                        inside   broadcast
r.example                https://198.18.0.1/a                             inside   benchmarks
r.example                https://192.0.2.1/a                              inside   documentation
r.example                https://[2001:db8::1]/a                          inside   documentation in IPv6
r.example                https://[2001:1ff::1]/a                          inside   protocol assignments
r.example                https://[2001:200::1]/a                          asks     just beyond them
r.example                https://8.8.8.8/a                                asks     an address that is the same for everybody
r.example                https://[2606:4700::1111]/a                      asks     and in IPv6
r.example                https://172.32.0.1/a                             asks     just beyond private
# Addresses that are the registry's own: private registries must stay usable (go-containerregistry#2258).
10.0.0.1:5000            https://10.0.0.1/a                               trusted  its own address
10.0.0.1:5000            https://0xa.1/a                                  trusted  in another spelling
[fd12::1]:5000           https://[fd12:0::1]:5001/a                       trusted  in IPv6
10.0.0.1:5000            https://10.0.0.2/a                               inside   its neighbour's
10.0.0.1:5000            http://10.0.0.1:5000/a                           plain    in the clear
0.0.0.0:5000             http://localhost:5001/a                          inside   unspecified is not loopback
";

/// The same where the settings call the registry insecure.
const JUDGED_INSECURE: &str = "
r.example:5000           http://r.example:5000/a                          trusted  its own host and port
r.example                http://r.example/a                               trusted  no port is 80 with http
http://r.example:80      http://r.example/a                               trusted  and 80 is none
10.0.0.1:5000            http://10.0.0.1:5000/a                           trusted  an address
r.example:5000           http://r.example:5001/a                          asks     the port may be anybody's
r.example:5000           http://r.example/a                               asks     80 is another port, too
r.example:5000           https://r.example:5001/a                         trusted  https needs no leave
r.example:5000           http://auth.example:5000/a                       plain    another host
r.example:5000           http://127.0.0.1:5000/a                          inside   this machine
r.example:5000           https://127.0.0.1/a                              inside   by https
registry.gitlab.com      http://gitlab.com/jwt/auth                       plain    known is the https one
r.example:5000           https://auth.example/a                           asks     it says nothing about other hosts
";

#[test]
fn a_realm_is_judged_by_its_registry() {
    assert_judged(JUDGED, false, 90);
}

#[test]
fn insecure_opens_plain_http_on_the_registrys_own_host_and_nothing_else() {
    assert_judged(JUDGED_INSECURE, true, 12);
}

fn assert_judged(table: &str, insecure: bool, count: usize) {
    let rows: Vec<_> = table
        .lines()
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
        .collect();
    assert_eq!(rows.len(), count);
    for row in rows {
        let words: Vec<_> = row.split_ascii_whitespace().collect();
        let expected = match words[2] {
            "trusted" => Trusted,
            "asks" => NeedsConfirmation,
            "inside" => Refused(Address),
            "plain" => Refused(PlainHttp),
            other => panic!("{other}: no judgement"),
        };
        assert!(words.len() > 3, "{row}: says no why");
        assert_eq!(
            realm(words[1]).judge(&registry(words[0]), insecure),
            expected,
            "{row}"
        );
    }
}

#[test]
fn what_is_no_realm_is_refused_by_its_part() {
    let table = [
        ("", InvalidRealm::NotAbsolute),
        ("/token", InvalidRealm::NotAbsolute),
        ("//auth.example/token", InvalidRealm::NotAbsolute),
        ("auth.example/token", InvalidRealm::NotAbsolute),
        ("ftp://auth.example/", InvalidRealm::NotAbsolute),
        ("file:///etc/passwd", InvalidRealm::NotAbsolute),
        ("javascript:alert(1)", InvalidRealm::NotAbsolute),
        ("https:auth.example", InvalidRealm::NotAbsolute),
        ("https:/auth.example", InvalidRealm::NotAbsolute),
        ("https:///auth.example", InvalidRealm::Host),
        ("https://", InvalidRealm::Host),
        ("https://?a", InvalidRealm::Host),
        ("https://:443/", InvalidRealm::Host),
        ("https://h:0/", InvalidRealm::Host),
        ("https://h:65536/", InvalidRealm::Host),
        ("https://h:x/", InvalidRealm::Host),
        ("https://256.1/", InvalidRealm::Host),
        ("https://[::1/", InvalidRealm::Host),
        ("https://[fe80::1%25eth0]/", InvalidRealm::Host),
        ("https://a%00b/", InvalidRealm::Host),
        ("https://a%2fb/", InvalidRealm::Host),
        ("https://a;b/", InvalidRealm::Host),
        ("https://$(id).example/", InvalidRealm::Host),
        ("https://%22a/", InvalidRealm::Host),
        ("https://%24a/", InvalidRealm::Host),
        ("https://a<b/", InvalidRealm::Character),
        ("https://h/'$(id)'", InvalidRealm::Character),
        ("https://h/?\"`id`", InvalidRealm::Character),
        ("https://user@h/", InvalidRealm::UserInfo),
        ("https://user:pw@h/", InvalidRealm::UserInfo),
        ("https://@h/", InvalidRealm::UserInfo),
        ("https://h/#f", InvalidRealm::Fragment),
        ("https://h#", InvalidRealm::Fragment),
        ("https://good.example\\@evil.example/", InvalidRealm::Character),
        ("https:\\\\h/", InvalidRealm::Character),
        ("https://h/a b", InvalidRealm::Character),
        (" https://h/", InvalidRealm::Character),
        ("https://h\n.evil.example/", InvalidRealm::Character),
        ("https://h/\t", InvalidRealm::Character),
        ("https://h\0/", InvalidRealm::Character),
        ("https://h\u{ff0e}example/", InvalidRealm::Character),
    ];
    for (text, error) in table {
        assert_eq!(text.parse::<Realm>(), Err(error), "{text:?}");
    }
    let long = format!("https://h/{}", "a".repeat(MAX_REALM_BYTES - 10));
    assert!(long.parse::<Realm>().is_ok());
    assert_eq!(format!("{long}a").parse::<Realm>(), Err(InvalidRealm::TooLong));
    // `0x7f.1` is written as `127.0.0.1`.
    let longer = format!("https://0x7f.1/{}", "a".repeat(MAX_REALM_BYTES - 16));
    assert_eq!(longer.len(), MAX_REALM_BYTES - 1);
    assert_eq!(longer.parse::<Realm>(), Err(InvalidRealm::TooLong));
}

#[test]
fn a_realm_shows_itself_and_its_origin() {
    for (text, shown, origin) in [
        (
            "https://auth.docker.io/token",
            "https://auth.docker.io/token",
            "https://auth.docker.io",
        ),
        ("HTTPS://H.example:443", "https://h.example/", "https://h.example"),
        (
            "http://h:5001/a?account=x",
            "http://h:5001/a?account=x",
            "http://h:5001",
        ),
        ("https://[0:0::1]:1/", "https://[::1]:1/", "https://[::1]:1"),
        ("https://0x7f.1/", "https://127.0.0.1/", "https://127.0.0.1"),
        ("https://h/a@b/../c?d@e", "https://h/c?d@e", "https://h"),
    ] {
        let realm = realm(text);
        assert_eq!(
            (realm.to_string(), realm.origin()),
            (shown.to_owned(), origin.to_owned()),
            "{text}"
        );
        assert_eq!(realm.url().as_str(), shown);
    }
}

#[test]
fn known_registries_need_no_ping() {
    for (name, url, service) in [
        (
            "https://index.docker.io/v1/",
            "https://auth.docker.io/token",
            "registry.docker.io",
        ),
        ("ghcr.io", "https://ghcr.io/token", "ghcr.io"),
        (
            "registry.gitlab.com",
            "https://gitlab.com/jwt/auth",
            "container_registry",
        ),
        ("quay.io", "https://quay.io/v2/auth", "quay.io"),
        ("eu.gcr.io", "https://eu.gcr.io/v2/token", "eu.gcr.io"),
        (
            "europe-west1-docker.pkg.dev",
            "https://europe-west1-docker.pkg.dev/v2/token",
            "europe-west1-docker.pkg.dev",
        ),
        (
            "acme.azurecr.io",
            "https://acme.azurecr.io/oauth2/token",
            "acme.azurecr.io",
        ),
        (
            "public.ecr.aws",
            "https://public.ecr.aws/token/",
            "public.ecr.aws",
        ),
    ] {
        assert_eq!(
            Realm::known(&registry(name)),
            Some((realm(url), service.to_owned())),
            "{name}"
        );
    }
    for name in [
        "r.example",
        "ghcr.io:5000",
        "evil-ghcr.io",
        "ghcr.io.evil.example",
        "azurecr.io",
        "localhost:5000",
    ] {
        assert_eq!(Realm::known(&registry(name)), None, "{name}");
    }
}

#[test]
fn the_whole_table_is_trusted_by_whom_it_is_for_and_its_wildcards_stay_at_home() {
    for row in KNOWN {
        let own = registry(&row.registry.replace('*', "x"));
        let (known, _) = Realm::known(&own).unwrap();
        assert_eq!(known.judge(&own, false), Trusted, "{}", row.registry);
        assert_eq!(
            known.judge(&registry("r.example"), true),
            NeedsConfirmation,
            "{}",
            row.registry
        );
        assert!(
            !row.registry.contains('*') || row.realm.starts_with("https://{host}/"),
            "{}",
            row.registry
        );
    }
}

fn any_host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}\\.(example|docker\\.io|gitlab\\.com|gcr\\.io|localhost)",
        "(docker|ghcr|gcr|quay)\\.io|auth\\.docker\\.io|(registry\\.)?gitlab\\.com|localhost|localhost\\.",
        any::<Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| format!("[{address}]")),
        any::<u32>().prop_map(|number| format!("{number:#x}")),
        Just("127.0.0.1".to_owned()),
        Just("[::1]".to_owned()),
    ]
}

fn any_port() -> impl Strategy<Value = String> {
    prop::option::of(prop_oneof![Just(80_u16), Just(443), 1_u16..])
        .prop_map(|port| port.map(|port| format!(":{port}")).unwrap_or_default())
}

proptest! {
    #[test]
    fn nothing_is_trusted_but_the_registrys_own_host_its_row_and_loopback(
        scheme in "https?", host in any_host(), port in any_port(), path in "/(token|jwt/auth|x)?",
        own in any_host(), own_port in any_port(), insecure: bool,
    ) {
        let Ok(registry) = format!("{own}{own_port}").parse::<Registry>() else { return Ok(()) };
        let realm = realm(&format!("{scheme}://{host}{port}{path}"));
        let judgement = realm.judge(&registry, insecure);
        let at = realm.url().host_str().unwrap();
        let own: Vec<_> = registry.hosts().filter_map(|name| Host::parse(name).ok()).map(|own| own.to_string()).collect();
        let is_here = |host: &str| host == "localhost" || host == "[::1]" || host.starts_with("127.");
        let both_here = is_here(at) && own.iter().any(|own| is_here(own));
        if judgement == Trusted && !own.iter().any(|own| own == at) && !both_here {
            let (known, _) = Realm::known(&registry).unwrap();
            prop_assert_eq!(known.url().as_str(), realm.url().as_str());
        }
        if scheme == "http" && !both_here && !insecure {
            prop_assert!(matches!(judgement, Refused(_)), "{} {} {:?}", registry, realm, judgement);
        }
        // A setting may only ever open more.
        if realm.judge(&registry, false) == Trusted {
            prop_assert_eq!(realm.judge(&registry, true), Trusted);
        }
    }

    #[test]
    fn every_registry_trusts_its_own_host_over_https(own in any_host(), port in any_port(), other in any_port()) {
        // A name that is a number beyond 32 bits and the like is none to the HTTP client either.
        let Ok(registry) = format!("{own}{port}").parse::<Registry>() else { return Ok(()) };
        let realm = realm(&format!("https://{own}{other}/token"));
        prop_assert_eq!(realm.judge(&registry, false), Trusted);
    }

    #[test]
    fn text_and_realm_are_each_others_inverse(text in "https?://[!-~]{1,20}/[!-~]{0,20}") {
        if let Ok(realm) = text.parse::<Realm>() {
            prop_assert_eq!(realm.to_string().parse::<Realm>(), Ok(realm.clone()));
            prop_assert!(realm.to_string().starts_with(&realm.origin()));
            prop_assert!(!realm.origin().contains(['@', '#', '\\', '?', '$', ';']));
            prop_assert!(!realm.to_string().contains(['\'', '"', '`']));
        }
    }

    #[test]
    fn the_reader_takes_anything(text in any::<String>()) {
        let _ = text.parse::<Realm>();
        let _ = format!("https://{text}").parse::<Realm>();
    }
}
