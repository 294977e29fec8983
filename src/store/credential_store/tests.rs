//! What is one login.

use super::*;
use crate::credential::{AllowedScopes, KeptSecret, Kind, Origin};
use crate::secret::Secret;

#[test]
fn a_login_is_an_account_with_its_secret_whatever_else_is_known() {
    let login = |account: &str, secret: &str| Credential {
        server_url: "h".parse().unwrap(),
        account: account.to_owned(),
        secret: KeptSecret::Here(Secret::new(secret.to_owned())),
        kind: Kind::Password,
        token_id: None,
        allowed: AllowedScopes::Unknown,
        expires: None,
        created: None,
        origin: Origin::Client,
    };
    let added = Credential {
        origin: Origin::Add,
        allowed: AllowedScopes::from_iter([]),
        ..login("u", "s")
    };
    assert!(is_same_login(&login("u", "s"), &added));
    for (account, secret) in [("u", "t"), ("v", "s"), ("v", "t")] {
        assert!(
            !is_same_login(&added, &login(account, secret)),
            "{account} {secret}"
        );
    }
}
