//! What is claimed of the docker protocol, row by row.

use super::*;

fn read(text: &str) -> (String, String, String) {
    let message = StoreMessage::read(text.as_bytes()).unwrap();
    (
        message.server_url.as_str().to_owned(),
        message.account,
        message.secret.expose().to_owned(),
    )
}

#[test]
fn a_store_message_is_read_as_go_reads_it() {
    let wanted = ("h".to_owned(), "u".to_owned(), "s".to_owned());
    for text in [
        r#"{"ServerURL":"h","Username":"u","Secret":"s"}"#,
        r#"{"serverurl":"h","username":"u","secret":"s"}"#,
        r#"{"SERVERURL":" h\n","uSeRnAmE":"u","Secret":"s"}"#,
        r#"{"ServerURL":"h","Username":"u","Secret":"s","Extra":{"deep":[1,2,{"x":null}]}}"#,
        r#"{"ServerURL":"old","ServerURL":"h","Username":"u","Secret":"s","Secret":null}"#,
        "\r\n {\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"s\"}\r\n",
        r#"{"ServerURL":"h","Username":"u","Secret":"s"}garbage"#,
        r#"{"ServerURL":"h","Username":"u","Secret":"s"}{"ServerURL":"other"}"#,
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
}

#[test]
fn a_secret_may_be_empty_or_absent_or_hold_anything_json_can_write() {
    assert_eq!(read(r#"{"ServerURL":"h","Username":"u","Secret":""}"#).2, "");
    assert_eq!(read(r#"{"ServerURL":"h","Username":"u"}"#).2, "");
    let odd = "line\nbreak \"quote\" \u{1f511} \u{0} <&>";
    let text = serde_json::json!({"ServerURL": "h", "Username": "\u{fc}ser", "Secret": odd}).to_string();
    assert_eq!(read(&text), ("h".into(), "\u{fc}ser".into(), odd.into()));
}

#[test]
fn bad_messages_are_refused_by_their_field() {
    let table: &[(&[u8], &str)] = &[
        (b"", "no credentials server URL"),
        (b" \n", "no credentials server URL"),
        (b"{}", "no credentials server URL"),
        (br#"{"Username":"u","Secret":"s"}"#, "no credentials server URL"),
        (br#"{"ServerURL":"h","Secret":"s"}"#, "no credentials username"),
        (
            br#"{"ServerURL":"h","Username":"","Secret":"s"}"#,
            "no credentials username",
        ),
        (
            br#"{"ServerURL":"h","Username":"a\nb","Secret":"s"}"#,
            "Username: has a line break or control character inside",
        ),
        (
            br#"{"ServerURL":"u:p@h","Username":"u"}"#,
            "server URL: has user information before '@'; give the host only",
        ),
        (
            br#"{"ServerURL":"h","Username":"u","Secret":7}"#,
            "store message: line 1 column 42: ServerURL, Username and Secret of one object must be strings",
        ),
        (
            b"[]",
            "store message: line 1 column 0: ServerURL, Username and Secret of one object must be strings",
        ),
        (
            b"null",
            "store message: line 1 column 4: ServerURL, Username and Secret of one object must be strings",
        ),
        (b"canary", "store message: line 1 column 1: is not JSON"),
        (
            b"{\"ServerURL\":\"h\",",
            "store message: line 1 column 17: is not JSON",
        ),
        (
            b"{\"ServerURL\":\"\xff\"}",
            "store message: line 1 column 15: is not JSON",
        ),
    ];
    for (bytes, expected) in table {
        let error = StoreMessage::read(bytes).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_store_message_of_256_kib_is_the_longest() {
    let of = |length: usize| {
        let start = br#"{"ServerURL":"h","Username":"u"}"#;
        let mut bytes = start.to_vec();
        bytes.resize(length, b' ');
        StoreMessage::read(&bytes)
    };
    assert!(of(262_144).is_ok());
    for length in [262_145, 262_146, 1_000_000] {
        assert_eq!(of(length).unwrap_err(), InvalidStoreMessage::TooLong, "{length}");
    }
}

#[test]
fn a_verb_is_one_of_these_words_and_no_other() {
    let table = [
        ("get", Some(Verb::Get)),
        ("store", Some(Verb::Store)),
        ("erase", Some(Verb::Erase)),
        ("list", Some(Verb::List)),
        ("version", Some(Verb::Version)),
        ("--version", Some(Verb::Version)),
        ("-v", Some(Verb::Version)),
        ("GET", None),
        ("get ", None),
        ("", None),
        ("--help", None),
    ];
    for (word, verb) in table {
        assert_eq!(Verb::parse(word), verb, "{word}");
    }
}

#[test]
fn usage_and_version_are_said_as_the_reference_says_them() {
    assert_eq!(usage("p"), "Usage: p <store|get|erase|list|version>");
    assert_eq!(unknown_action("p", "x"), "p: unknown action: x");
    let version = version("p");
    assert!(version.starts_with("p (docker-credential-scoped) v"), "{version}");
    assert!(version.ends_with(env!("CARGO_PKG_VERSION")), "{version}");
}

#[test]
fn another_helpers_answers_are_read_as_docker_reads_them() {
    let (account, secret) = read_answer(br#"{"ServerURL":"h","Username":"u","Secret":"s"}"#)
        .unwrap()
        .unwrap();
    assert_eq!((account.as_str(), secret.expose()), ("u", "s"));
    assert!(read_answer(br#"{"Username":"","Secret":""}"#).unwrap().is_none());
    for (text, account, secret) in [
        (r#"{"Username":"u","Secret":""}"#, "u", ""),
        (r#"{"Username":"","Secret":"s"}"#, "", "s"),
    ] {
        let (said, told) = read_answer(text.as_bytes()).unwrap().unwrap();
        assert_eq!((said.as_str(), told.expose()), (account, secret), "{text}");
    }
    assert_eq!(read_answer(b"canary").unwrap_err(), UnknownAnswer);
    assert_eq!(read_listing(b"null\n").unwrap(), BTreeMap::new());
    let listing = read_listing(br#"{"h":"u","a":"v"}"#).unwrap();
    assert_eq!(listing.into_iter().next(), Some(("a".into(), "v".into())));
    assert_eq!(read_listing(br#"{"h":7}"#), Err(UnknownAnswer));
}

#[test]
fn answers_are_one_compact_object() {
    let asked: ServerUrl = "https://h/".parse().unwrap();
    let answer = answer(&asked, "<token>", &Secret::new("a\"b\n".into())).unwrap();
    assert_eq!(
        answer.expose(),
        "{\"ServerURL\":\"https://h/\",\"Username\":\"<token>\",\"Secret\":\"a\\\"b\\n\"}\n"
    );
    assert_eq!(listing([]).unwrap(), "{}");
    assert_eq!(listing([("z", "u"), ("a", "v")]).unwrap(), r#"{"z":"u","a":"v"}"#);
}
