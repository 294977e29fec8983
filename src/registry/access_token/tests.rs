//! Answers as token servers give them, and what is made of them.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::registry::claims::tests::token;

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW + seconds).unwrap()
}

fn life(body: &Value, server_time: Option<i64>) -> i64 {
    let response = TokenResponse::read(body.to_string().as_bytes()).unwrap();
    let token = response.access_token(None, at(0), server_time.map(at)).unwrap();
    assert_eq!(token.issued, at(0));
    (token.expires - token.issued).whole_seconds()
}

#[test]
fn a_life_is_the_least_of_what_speaks_of_it_and_never_raised() {
    let jwt = |iat: i64, exp: i64| {
        token(&json!({"iat": NOW + iat, "exp": NOW + exp}))
            .expose()
            .to_owned()
    };
    let issued = |seconds: i64| at(seconds).format(&Rfc3339).unwrap();
    let table = [
        ("nothing speaks", json!({"token": "t"}), None, 60),
        ("expires_in", json!({"token": "t", "expires_in": 300}), None, 300),
        (
            "below the specification's least",
            json!({"token": "t", "expires_in": 5}),
            None,
            5,
        ),
        ("as text", json!({"token": "t", "expires_in": "300"}), None, 300),
        (
            "as a float",
            json!({"token": "t", "expires_in": 300.7}),
            None,
            300,
        ),
        (
            "zero is no time",
            json!({"token": "t", "expires_in": 0}),
            None,
            60,
        ),
        (
            "nor is a negative one",
            json!({"token": "t", "expires_in": -5}),
            None,
            60,
        ),
        (
            "nor a word",
            json!({"token": "t", "expires_in": "soon"}),
            None,
            60,
        ),
        (
            "a year is a day",
            json!({"token": "t", "expires_in": 31_536_000}),
            None,
            86400,
        ),
        (
            "a number beyond all",
            json!({"token": "t", "expires_in": 1e300}),
            None,
            86400,
        ),
        ("the claims alone", json!({"token": jwt(-10, 290)}), None, 300),
        (
            "the claims speak of less",
            json!({"token": jwt(0, 120), "expires_in": 300}),
            None,
            120,
        ),
        (
            "the answer speaks of less",
            json!({"token": jwt(0, 900), "expires_in": 300}),
            None,
            300,
        ),
        (
            "a clock ten years off says the same",
            json!({"token": jwt(-315_360_000, -315_359_700)}),
            None,
            300,
        ),
        (
            "half used by the server's clock",
            json!({"token": jwt(-200, 100)}),
            Some(0),
            100,
        ),
        (
            "half used by issued_at",
            json!({"token": "t", "expires_in": 300, "issued_at": issued(-200)}),
            Some(0),
            100,
        ),
        (
            "issued_at counts by the server's clock only",
            json!({"token": "t", "expires_in": 300, "issued_at": issued(-86400)}),
            None,
            300,
        ),
        (
            "issued in the future",
            json!({"token": "t", "expires_in": 300, "issued_at": issued(500)}),
            Some(0),
            300,
        ),
    ];
    for (what, body, server_time, expected) in table {
        assert_eq!(life(&body, server_time), expected, "{what}");
    }
}

#[test]
fn token_and_access_token_are_one() {
    let read = |body: Value| {
        TokenResponse::read(body.to_string().as_bytes()).map(|read| read.token.expose().to_owned())
    };
    assert_eq!(read(json!({"token": "t"})), Ok("t".into()));
    assert_eq!(read(json!({"access_token": "t"})), Ok("t".into()));
    assert_eq!(read(json!({"token": "t", "access_token": "t"})), Ok("t".into()));
    assert_eq!(read(json!({"token": "", "access_token": "t"})), Ok("t".into()));
    assert_eq!(
        read(json!({"token": "t", "access_token": "u"})),
        Err(InvalidTokenResponse::TwoTokens)
    );
    assert_eq!(read(json!({"token": ""})), Err(InvalidTokenResponse::NoToken));
    assert_eq!(read(json!({"errors": []})), Err(InvalidTokenResponse::NoToken));
    assert_eq!(
        read(json!({"token": "a\r\nX-Evil: b"})),
        Err(InvalidTokenResponse::NotVisible)
    );
    assert_eq!(
        read(json!({"token": "t", "refresh_token": "a\nb"})),
        Err(InvalidTokenResponse::NotVisible)
    );
    assert_eq!(read(json!({"token": 7})), Err(InvalidTokenResponse::Json));
    assert_eq!(
        TokenResponse::read(b"<html>").unwrap_err(),
        InvalidTokenResponse::Json
    );
    assert_eq!(TokenResponse::read(b"").unwrap_err(), InvalidTokenResponse::Json);
}

#[test]
fn a_token_that_has_expired_is_refused() {
    let ask = |claims: Value, server_time: Option<i64>| {
        let body = json!({"token": token(&claims).expose()}).to_string();
        let response = TokenResponse::read(body.as_bytes()).unwrap();
        response
            .access_token(None, at(0), server_time.map(at))
            .map(|_| ())
    };
    let used_up = json!({"iat": NOW - 400, "exp": NOW - 100});
    assert_eq!(ask(used_up.clone(), Some(0)), Err(InvalidTokenResponse::Expired));
    assert_eq!(ask(used_up, None), Ok(()), "whose clock is wrong is not known");
    let backwards = json!({"iat": NOW, "exp": NOW - 1});
    assert_eq!(ask(backwards, None), Err(InvalidTokenResponse::Expired));
}

#[test]
fn an_odd_claim_hides_neither_the_audience_nor_that_nothing_is_allowed() {
    let ask = |claims: Value| {
        let body = json!({"token": token(&claims).expose()}).to_string();
        let response = TokenResponse::read(body.as_bytes()).unwrap();
        response
            .access_token(Some("registry"), at(0), None)
            .map(|token| token.granted.map(|it| it.to_string()))
    };
    let nothing = Ok(Some(String::new()));
    assert_eq!(
        ask(json!({"aud": "other", "iat": "soon"})),
        Err(InvalidTokenResponse::OtherAudience)
    );
    assert_eq!(ask(json!({"aud": 7})), Err(InvalidTokenResponse::OtherAudience));
    assert_eq!(
        ask(json!({"aud": ["registry"], "exp": "soon", "access": []})),
        nothing
    );
    assert_eq!(ask(json!({"access": "all"})), nothing);
    assert_eq!(
        ask(json!({"access": [{"type": "repository", "name": "a", "actions": "pull"}]})),
        nothing
    );
}

#[test]
fn a_token_for_another_audience_is_refused() {
    let ask = |service: Option<&str>, claims: Value| {
        let body = json!({"token": token(&claims).expose()}).to_string();
        TokenResponse::read(body.as_bytes())
            .unwrap()
            .access_token(service, at(0), None)
            .map(|_| ())
    };
    assert_eq!(ask(Some("registry"), json!({"aud": "registry"})), Ok(()));
    assert_eq!(
        ask(Some("registry"), json!({"aud": ["other", "registry"]})),
        Ok(())
    );
    assert_eq!(ask(Some("registry"), json!({})), Ok(()));
    assert_eq!(ask(None, json!({"aud": "other"})), Ok(()));
    assert_eq!(
        ask(Some("registry"), json!({"aud": "other"})),
        Err(InvalidTokenResponse::OtherAudience)
    );
}

#[test]
fn what_is_granted_is_what_the_token_says_before_what_the_answer_says() {
    let granted = |body: Value| {
        let response = TokenResponse::read(body.to_string().as_bytes()).unwrap();
        response
            .access_token(None, at(0), None)
            .unwrap()
            .granted
            .map(|granted| granted.to_string())
    };
    let access = json!([{"type": "repository", "name": "a", "actions": ["pull"]}]);
    let jwt = token(&json!({"access": access})).expose().to_owned();
    assert_eq!(
        granted(json!({"token": jwt, "scope": "repository:a:*"})),
        Some("repository:a:pull".into())
    );
    assert_eq!(
        granted(json!({"token": "t", "scope": "repository:a:pull"})),
        Some("repository:a:pull".into())
    );
    assert_eq!(
        granted(json!({"token": token(&json!({"access": []})).expose()})),
        Some(String::new())
    );
    assert_eq!(granted(json!({"token": "t"})), None);
}

#[test]
fn a_token_is_handed_out_while_half_its_life_or_five_minutes_are_left() {
    let table = [
        (0, 0, false),
        (1, 0, true),
        (1, 1, false),
        (100, -1, false),
        (100, 0, true),
        (100, 50, true),
        (100, 51, false),
        (600, 300, true),
        (600, 301, false),
        (3600, 3300, true),
        (3600, 3301, false),
    ];
    for (life, age, expected) in table {
        let token = AccessToken {
            token: Secret::new("t".into()),
            granted: None,
            issued: at(0),
            expires: at(life),
        };
        assert_eq!(token.is_fresh(at(age)), expected, "{age} of {life} seconds");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(10_000)))]

    /// What is handed out has the lesser of five minutes and half its life left.
    #[test]
    fn what_is_handed_out_has_enough_left(life in 0_i64..100_000, age in -100_000_i64..100_000) {
        let token = AccessToken { token: Secret::new("t".into()), granted: None, issued: at(0), expires: at(life) };
        let left = life - age;
        let enough = left > 0 && age >= 0 && 2 * left >= life.min(600);
        prop_assert_eq!(token.is_fresh(at(age)), enough);
    }
}
