//! What is asked of Docker Hub, and what need not be.

use super::*;

#[test]
fn a_personal_token_is_asked_for_as_documented() {
    let expires = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let new = NewToken::personal(" ci ", vec!["repo:read".into()], Some(expires)).unwrap();
    assert_eq!(
        new.body(),
        br#"{"expires_at":"2027-01-15T08:00:00Z","scopes":["repo:read"],"token_label":"ci"}"#
    );
    let forever = NewToken::personal("ci", vec!["repo:read".into()], None).unwrap();
    assert_eq!(forever.body(), br#"{"scopes":["repo:read"],"token_label":"ci"}"#);
}

#[test]
fn an_organizations_token_is_asked_for_as_documented() {
    let of = |description| {
        NewToken::of_organization(
            "acme".parse().unwrap(),
            "ci",
            description,
            vec!["acme/app:pull".parse().unwrap()],
            None,
        )
        .unwrap()
        .body()
    };
    assert_eq!(
        of(Some("for the robots")),
        br#"{"description":"for the robots","label":"ci","resources":[{"path":"acme/app","scopes":["scope-image-pull"],"type":"TYPE_REPO"}]}"#
    );
    assert_eq!(
        of(Some(" ")),
        br#"{"label":"ci","resources":[{"path":"acme/app","scopes":["scope-image-pull"],"type":"TYPE_REPO"}]}"#
    );
}

#[test]
fn what_docker_hub_would_refuse_is_not_asked() {
    let personal = |label: &str, scopes: &[&str]| {
        NewToken::personal(label, scopes.iter().map(ToString::to_string).collect(), None).map(drop)
    };
    for label in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(101)] {
        assert_eq!(
            personal(label, &["repo:read"]),
            Err(InvalidNewToken::Label),
            "{label:?}"
        );
    }
    assert_eq!(personal(&"\u{e9}".repeat(100), &["repo:read"]), Ok(()));
    for scopes in [&[][..], &[""], &["repo read"]] {
        assert_eq!(personal("ci", scopes), Err(InvalidNewToken::Scopes), "{scopes:?}");
    }
    let organization = |description: Option<&str>, count: usize| {
        let resources = (0..count).map(|number| format!("acme/app{number}:pull").parse().unwrap());
        NewToken::of_organization(
            "acme".parse().unwrap(),
            "ci",
            description,
            resources.collect(),
            None,
        )
        .map(drop)
    };
    assert_eq!(organization(None, 0), Err(InvalidNewToken::NoResources));
    assert_eq!(organization(None, 50), Ok(()));
    assert_eq!(organization(None, 51), Err(InvalidNewToken::Repositories));
    assert_eq!(
        organization(Some(&"x".repeat(201)), 1),
        Err(InvalidNewToken::Description)
    );
    assert_eq!(Change::new(None, None), Err(InvalidNewToken::NoChange));
    assert_eq!(Change::new(Some(""), Some(true)), Err(InvalidNewToken::Label));
}

#[test]
fn a_token_like_another_may_do_the_same() {
    let read = |text: &str| HubToken::read(text.as_bytes()).unwrap();
    let organization = Owner::Organization("acme".parse().unwrap());
    let like =
        |token: &HubToken, owner: &Owner| NewToken::like(token, owner, "ci", None).map(|new| new.body());
    let personal = read(r#"{"uuid":"a","scopes":["repo:read"],"description":"x"}"#);
    assert_eq!(
        like(&personal, &Owner::Account).unwrap(),
        br#"{"scopes":["repo:read"],"token_label":"ci"}"#
    );
    let whole = read(
        r#"{"id":"a","description":"x","resources":[{"type":"TYPE_NEW","path":"acme","scopes":["s"]}]}"#,
    );
    assert_eq!(
        like(&whole, &organization).unwrap(),
        br#"{"description":"x","label":"ci","resources":[{"path":"acme","scopes":["s"],"type":"TYPE_NEW"}]}"#
    );
    assert_eq!(
        like(&read(r#"{"id":"a"}"#), &organization),
        Err(InvalidNewToken::Untold)
    );
    assert_eq!(like(&whole, &Owner::Account), Err(InvalidNewToken::Untold));
    let odd = read(r#"{"uuid":"a","scopes":["repo:read",1]}"#);
    assert_eq!(like(&odd, &Owner::Account), Err(InvalidNewToken::Untold));
}

#[test]
fn a_sessions_label_is_for_sessions() {
    let expires = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let scopes = || vec!["repo:read".to_owned()];
    let text = "docker-credential-scoped/session/laptop/session";
    let session = NewToken::session(&text.parse().unwrap(), scopes(), expires).unwrap();
    assert_eq!(
        session.body(),
        br#"{"expires_at":"2027-01-15T08:00:00Z","scopes":["repo:read"],"token_label":"docker-credential-scoped/session/laptop/session"}"#
    );
    let organization = || "acme".parse().unwrap();
    let resources = || vec!["acme/app:pull".parse().unwrap()];
    for label in [
        text,
        " docker-credential-scoped/session/",
        "docker-credential-scoped/session/x",
    ] {
        let refused = Some(InvalidNewToken::Reserved);
        assert_eq!(
            NewToken::personal(label, scopes(), None).err(),
            refused,
            "{label}"
        );
        let of = NewToken::of_organization(organization(), label, None, resources(), None);
        assert_eq!(of.err(), refused, "{label}");
        assert_eq!(Change::new(Some(label), None).err(), refused, "{label}");
    }
    for label in [
        "docker-credential-scoped/session",
        "docker-credential-scoped/ci",
        "session",
    ] {
        assert!(NewToken::personal(label, scopes(), None).is_ok(), "{label}");
    }
    // Another secret for a session is that session's still.
    let old = HubToken::read(br#"{"uuid":"a","scopes":["repo:read"]}"#).unwrap();
    let new = NewToken::like(&old, &Owner::Account, text, None).unwrap();
    assert_eq!(new.label(), text);
}

#[test]
fn a_change_says_only_what_changes() {
    let organization = Owner::Organization("acme".parse().unwrap());
    let change = Change::new(Some("new"), None).unwrap();
    assert_eq!(change.body(&Owner::Account), br#"{"token_label":"new"}"#);
    assert_eq!(change.body(&organization), br#"{"label":"new"}"#);
    let change = Change::new(None, Some(false)).unwrap();
    assert_eq!(change.body(&organization), br#"{"is_active":false}"#);
}
