//! What is claimed of config.json, row by row.

use super::*;

fn read(text: &str) -> ConfigFile {
    ConfigFile::read(text.as_bytes()).unwrap()
}

fn text(file: &ConfigFile) -> &str {
    &file.text
}

fn of(registry: &str) -> Key {
    Key::CredHelpers(registry.to_owned())
}

#[test]
fn an_empty_file_becomes_what_docker_would_write() {
    for empty in ["", " \n", "{}"] {
        let mut file = read(empty);
        file.set_helper(&Key::CredsStore, "scoped").unwrap();
        assert_eq!(text(&file), "{\n\t\"credsStore\": \"scoped\"\n}");
    }
    let mut file = read("");
    file.set_helper(&of("ghcr.io"), "scoped").unwrap();
    assert_eq!(
        text(&file),
        "{\n\t\"credHelpers\": {\n\t\t\"ghcr.io\": \"scoped\"\n\t}\n}"
    );
    file.remove_helper(&of("ghcr.io")).unwrap();
    assert_eq!(text(&file), "{\n\t\"credHelpers\": {}\n}");
    file.remove_empty_cred_helpers().unwrap();
    assert!(file.is_empty());
}

#[test]
fn names_are_found_in_any_case_and_keep_theirs() {
    let mut file = read(r#"{"CREDSSTORE":"desktop","credhelpers":{"h":"x","H":"y"}}"#);
    assert_eq!(file.helper(&Key::CredsStore).as_deref(), Some("desktop"));
    assert_eq!(file.helper(&of("h")).as_deref(), Some("x"));
    file.set_helper(&Key::CredsStore, "scoped").unwrap();
    file.set_helper(&of("h"), "scoped").unwrap();
    assert_eq!(
        text(&file),
        r#"{"CREDSSTORE":"scoped","credhelpers":{"h":"scoped","H":"y"}}"#
    );
}

#[test]
fn null_and_the_empty_name_are_no_helper() {
    for none in [
        r#"{"credsStore":null}"#,
        r#"{"credsStore":""}"#,
        r#"{"credHelpers":null}"#,
    ] {
        assert_eq!(read(none).helper(&Key::CredsStore), None);
        assert_eq!(read(none).helper(&of("h")), None);
    }
}

#[test]
fn a_login_is_taken_out_and_its_mark_and_the_rest_stay() {
    let mut file = read(
        "{\"auths\": {\n\t\"h\": {\"auth\": \"dTpw\"},\n\t\"k\": {\"Auth\": \"dTpw\", \"email\": \"e\", \"registrytoken\": \"r\"}}}",
    );
    file.remove_login("h").unwrap();
    file.remove_login("k").unwrap();
    file.remove_login("absent").unwrap();
    assert_eq!(
        text(&file),
        "{\"auths\": {\n\t\"h\": {},\n\t\"k\": {\"email\": \"e\", \"registrytoken\": \"r\"}}}"
    );
}

#[test]
fn what_is_no_configuration_is_refused_with_its_place() {
    let table: &[(&[u8], &str)] = &[
        (
            b"\xef\xbb\xbf{}",
            "begins with a byte order mark, which docker does not read; save it as UTF-8 without one",
        ),
        (
            b"{\n\t\"a\": 1\n\t\"b\": 2\n}",
            "line 3 column 2: is not JSON: expected `,` or `}`",
        ),
        (
            b"{\"a\": 1",
            "line 1 column 7: is not JSON: EOF while parsing an object",
        ),
        (b"{} x", "line 1 column 4: is not JSON: trailing characters"),
        (
            b"{\"a\":\n \"\xff\"}",
            "line 2 column 3: is not JSON: a character is not UTF-8",
        ),
        (b"\"canary\"", "is not a JSON object"),
        (b"[1]", "is not a JSON object"),
        (
            b"{\n\"credsStore\": 7}",
            "line 2 column 1: \"credsStore\" must be a string",
        ),
        (
            b"{\"credHelpers\": \"canary\"}",
            "line 1 column 2: \"credHelpers\" must be an object",
        ),
        (
            b"{\"credHelpers\": {\"h\": {}}}",
            "line 1 column 2: \"credHelpers\" must be an object of strings",
        ),
        (b"{\"auths\": []}", "line 1 column 2: \"auths\" must be an object"),
        (
            b"{\"credsStore\": \"a\",\n \"CredsStore\": \"b\"}",
            "line 2 column 2: \"CredsStore\" is there twice; leave one",
        ),
        (
            b"{\"auths\":\n{\"h\": {},\n \"h\": {}}}",
            "line 3 column 2: \"h\" is there twice; leave one",
        ),
    ];
    for (bytes, expected) in table {
        let error = ConfigFile::read(bytes).err().unwrap();
        assert_eq!(error.to_string(), *expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_does_not_matter_here_may_be_there_twice() {
    let odd = r#"{"x":1,"x":2,"auths":{"h":{},"H":{}}}"#;
    assert_eq!(text(&read(odd)), odd);
}
