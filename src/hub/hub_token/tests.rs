//! What is read of a token: as documented, with what is odd in it, and with what is missing.

use serde_json::json;

use super::*;

fn read(entry: &Value) -> Option<HubToken> {
    HubToken::read(entry.to_string().as_bytes())
}

#[test]
fn a_personal_token_is_read_as_documented() {
    let token = read(&json!({
        "uuid": "b30bbf97-506c-4ecd-aabc-842f3cb484fb", "client_id": "HUB", "creator_ip": "127.0.0.1",
        "creator_ua": "some user agent", "created_at": "2021-07-20T12:00:00.000000Z", "last_used": null,
        "generated_by": "manual", "is_active": true, "token": "", "token_label": "My read only token",
        "scopes": ["repo:read", "repo:new"], "expires_at": "2021-10-28T18:30:19.520861Z"
    }))
    .unwrap();
    assert_eq!(token.id.as_str(), "b30bbf97-506c-4ecd-aabc-842f3cb484fb");
    assert_eq!(token.label, "My read only token");
    assert_eq!(token.permissions.to_string(), "repo:read repo:new");
    assert_eq!(token.source, Source::Manual);
    assert_eq!(token.created.unwrap().unix_timestamp(), 1_626_782_400);
    assert_eq!(token.last_used, None);
    assert!(token.expires.is_some() && token.is_active);
}

#[test]
fn an_organizations_token_is_read_with_or_without_its_resources() {
    let mut entry = json!({
        "id": "a7a5ef25-8889-43a0-8cc7-f2a94268e861", "label": "ci", "created_by": "johndoe", "is_active": false,
        "created_at": "2022-05-20T00:54:18Z", "expires_at": null, "last_used_at": "2022-06-15T12:30:45Z",
        "description": "robots"
    });
    let token = read(&entry).unwrap();
    assert_eq!(token.permissions, Permissions::Untold);
    assert_eq!(
        (token.source, token.expires, token.is_active),
        (Source::Untold, None, false)
    );
    assert_eq!(token.last_used.unwrap().unix_timestamp(), 1_655_296_245);
    assert_eq!(token.description.as_deref(), Some("robots"));
    entry["resources"] =
        json!([{"type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"], "new": 1}]);
    assert_eq!(read(&entry).unwrap().permissions.to_string(), "acme/app:pull");
}

#[test]
fn what_is_odd_is_as_good_as_absent() {
    let token = read(&json!({
        "id": 7, "label": null, "created_at": "0001-01-01T00:00:00Z", "last_used": null, "expires_at": 5,
        "generated_by": 5, "is_active": "yes", "description": []
    }))
    .unwrap();
    assert_eq!((token.id.as_str(), token.label.as_str()), ("7", ""));
    assert_eq!(token.permissions, Permissions::Untold);
    assert_eq!(
        (token.created, token.last_used, token.expires),
        (None, None, None)
    );
    assert_eq!(
        (token.source, token.description, token.is_active),
        (Source::Untold, None, true)
    );
    let source = read(&json!({"uuid": "a", "generated_by": "docker desktop"}))
        .unwrap()
        .source;
    assert_eq!(source, Source::Other("docker desktop".into()));
}

#[test]
fn permissions_of_which_a_part_cannot_be_read_are_untold_and_not_narrower() {
    let resource = json!({"type": "TYPE_REPO", "path": "acme/app", "scopes": ["scope-image-pull"]});
    for rest in [
        json!({"scopes": ["repo:read", null]}),
        json!({"scopes": ["repo:read", 1]}),
        json!({"scopes": ["repo:read", ""]}),
        json!({"scopes": ["repo:read", {}]}),
        json!({"scopes": "repo:read"}),
        json!({"scopes": null}),
        json!({"scopes": ["repo:read"], "resources": {}}),
        json!({"resources": [resource, 1]}),
        json!({"resources": [resource, {"type": "TYPE_REPO", "path": "acme/app"}]}),
        json!({"resources": [resource, {"type": "TYPE_REPO", "path": "acme/app", "scopes": null}]}),
        json!({"resources": [resource, {"type": "TYPE_REPO", "path": "acme/app", "scopes": ["a", 1]}]}),
        json!({"resources": [resource, {"path": "acme/app", "scopes": ["a"]}]}),
    ] {
        let mut entry = rest.clone();
        entry["uuid"] = json!("a");
        assert_eq!(read(&entry).unwrap().permissions, Permissions::Untold, "{rest}");
    }
    let token = read(&json!({"uuid": "a", "scopes": ["repo:read"], "resources": null})).unwrap();
    assert_eq!(token.permissions.to_string(), "repo:read");
}

#[test]
fn a_token_is_dated_where_all_that_is_told_of_its_times_can_be_read() {
    let made = "2026-11-22T08:00:00Z";
    for (entry, is_dated) in [
        (json!({"created_at": made}), true),
        (json!({"created_at": made, "last_used": null}), true),
        (json!({"created_at": made, "last_used": ""}), true),
        (
            json!({"created_at": made, "last_used": "0001-01-01T00:00:00Z"}),
            true,
        ),
        (json!({"created_at": made, "last_used_at": made}), true),
        (json!({"created_at": made, "last_used": "yesterday"}), false),
        (json!({"created_at": made, "last_used_at": 1_800_000_000}), false),
        (json!({"created_at": made, "last_used": "2026-11-22"}), false),
        (json!({"created_at": null, "last_used": made}), false),
        (json!({"created_at": "yesterday"}), false),
        (json!({}), false),
    ] {
        let mut of = entry.clone();
        of["uuid"] = json!("a");
        let token = read(&of).unwrap();
        assert_eq!(token.is_dated(), is_dated, "{entry}");
        assert!(token.is_use_told || token.last_used.is_none(), "{entry}");
    }
}

#[test]
fn an_end_that_cannot_be_read_is_not_the_absence_of_one() {
    for (end, is_told) in [
        (json!("2027-01-31T12:00:00Z"), true),
        (json!(null), true),
        (json!(""), true),
        (json!("0001-01-01T00:00:00Z"), true),
        // In UTC it is in the year 10000, which no calendar here has.
        (json!("9999-12-31T23:59:59-05:00"), false),
        (json!("some day"), false),
        (json!("2027-01-31"), false),
        (json!(1_800_000_000), false),
        (json!({}), false),
    ] {
        let token = read(&json!({ "uuid": "a", "expires_at": end })).unwrap();
        assert_eq!(token.is_end_told, is_told, "{end}");
    }
    assert!(read(&json!({ "uuid": "a" })).unwrap().is_end_told);
}

#[test]
fn what_has_no_id_that_could_be_asked_for_is_no_token() {
    for entry in [
        json!({}),
        json!({"uuid": ""}),
        json!({"uuid": "../users"}),
        json!({"uuid": ["a"]}),
        json!([]),
        json!("a"),
    ] {
        assert_eq!(read(&entry), None, "{entry}");
    }
}
