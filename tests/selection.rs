//! Which of several credentials `token` and `exec` use, as the token server sees it; and those that are declared, used
//! by clients of it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use serde_json::{Value, json};

use support::bearer::claims;
use support::helper::Helper;
use support::home::{HELPER, Home};
use support::outcome::Outcome;
use support::peer;
use support::registry::Registry;
use support::scene::is_refused;
use support::token_server::request::{Proof, Request};
use support::token_server::{Config, TokenServer, User};

const READ: &str = "password-that-reads";
const WRITE: &str = "password-that-writes";
const ACME: &str = "password-for-acme";

/// A registry whose token server knows three passwords, with different rights.
struct Stage {
    token_server: TokenServer,
    registry: Registry,
    home: Home,
}

impl Stage {
    /// Where there is all that is needed, with no credential anywhere.
    fn new() -> Option<Self> {
        if !peer::present(&["docker-registry", "setpriv"]) {
            return None;
        }
        let token_server = TokenServer::start(Config {
            users: vec![
                User::new("reader", READ).may(&["pull"], "*"),
                User::new("writer", WRITE).may(&["pull", "push"], "*"),
                User::new("acme", ACME).may(&["pull", "push"], "acme/*"),
            ],
            public: vec!["public/*".to_owned()],
            ..Config::default()
        })
        .unwrap();
        Some(Self {
            registry: Registry::start("registry", &token_server),
            home: Home::new(),
            token_server,
        })
    }

    /// The same with credentials declared, `{here}` being the registry.
    fn with(credentials: &Value) -> Option<Self> {
        let stage = Self::new()?;
        stage.declare(credentials);
        Some(stage)
    }

    fn declare(&self, credentials: &Value) {
        let settings = json!({ "credentials": credentials }).to_string();
        self.home.write(
            ".config/docker-credential-scoped/settings.json",
            &settings.replace("{here}", self.registry.address()),
        );
    }

    fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let mut command = self.home.command(program);
        command
            .args(arguments)
            .envs([("READ", READ), ("WRITE", WRITE), ("ACME", ACME)])
            .envs(variables.iter().copied());
        Outcome::of(&mut command, b"")
    }

    fn token(&self, arguments: &[&str]) -> Outcome {
        let token = ["token", self.registry.address()];
        self.run(HELPER, &[token.as_slice(), arguments].concat(), &[])
    }

    /// The request that a command made.
    fn asked(&self, act: impl FnOnce() -> Outcome) -> Request {
        let before = self.token_server.requests().len();
        act().succeeds();
        let mut asked = self.token_server.requests().split_off(before);
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    /// Whom the token server saw; nobody's name is empty.
    fn asker(&self, arguments: &[&str]) -> String {
        self.asked(|| self.token(arguments)).account.unwrap_or_default()
    }
}

fn reader_and_writer() -> Value {
    json!([
        { "server": "{here}", "profile": "read", "username": "reader", "secret": { "env": "READ" },
          "scopes": ["repository:*:pull"] },
        { "server": "{here}", "profile": "write", "username": "writer", "secret": { "env": "WRITE" },
          "scopes": ["repository:*:pull,push"] },
    ])
}

#[test]
fn the_one_that_may_do_least_is_asked_with() {
    let Some(stage) = Stage::with(&reader_and_writer()) else {
        return;
    };
    assert_eq!(stage.asker(&["--pull", "acme/app"]), "reader");
    assert_eq!(stage.asker(&["--push", "acme/app"]), "writer");
    assert_eq!(
        stage.asker(&["--pull", "acme/app", "--push", "acme/other"]),
        "writer"
    );

    // What is stored without any scopes may do everything, as far as anybody knows.
    Helper::of(&stage.home).store(stage.registry.address(), "acme", ACME);
    assert_eq!(stage.asker(&["--pull", "acme/second"]), "reader");
    assert_eq!(stage.asker(&["--push", "acme/second"]), "writer");
    let delete = ["--scope", "repository:acme/app:delete"];
    // It is asked for, and the server says that acme may not.
    let outcome = stage.token(&delete);
    assert!(is_refused(&outcome).contains("granted nothing of"), "{outcome:?}");
    assert_eq!(
        stage.token_server.requests().last().unwrap().account.as_deref(),
        Some("acme")
    );
}

#[test]
fn exec_chooses_for_each_registry_and_gives_the_command_no_secret() {
    let Some(stage) = Stage::with(&reader_and_writer()) else {
        return;
    };
    let image = stage.registry.image("acme/app");
    let script = "cat \"$DOCKER_CONFIG/config.json\"; env";
    for (option, expected) in [("--pull", "reader"), ("--push", "writer")] {
        let mut said = None;
        let asked = stage.asked(|| {
            let outcome = stage.run(HELPER, &["exec", option, &image, "--", "sh", "-c", script], &[]);
            said = Some(outcome.stdout.clone());
            outcome
        });
        assert_eq!(asked.account.as_deref(), Some(expected), "{option}");
        let said = said.unwrap();
        let config: Value = serde_json::Deserializer::from_str(&said)
            .into_iter()
            .next()
            .unwrap()
            .unwrap();
        let token = &config["auths"][stage.registry.address()]["registrytoken"];
        assert_eq!(claims(token.as_str().unwrap())["sub"], json!(expected));
        for secret in [READ, WRITE] {
            assert!(
                !said.contains(secret),
                "the variable of a declared credential: {said}"
            );
        }
        assert!(said.contains(ACME), "another variable stays: {said}");
    }
}

#[test]
fn in_a_profile_that_is_named_only_its_own_is_asked_with() {
    let Some(stage) = Stage::with(&reader_and_writer()) else {
        return;
    };
    let pull = ["--pull", "acme/app"];
    let named = [pull.as_slice(), &["--profile", "write"]].concat();
    assert_eq!(stage.asker(&named), "writer");

    stage.home.link_helper("docker-credential-scoped-write");
    let arguments = ["token", stage.registry.address(), "--pull", "acme/second"];
    let asked = stage.asked(|| stage.run("docker-credential-scoped-write", &arguments, &[]));
    assert_eq!(asked.account.as_deref(), Some("writer"));
    let arguments = ["token", stage.registry.address(), "--pull", "acme/third"];
    let variable = [("DOCKER_CREDENTIAL_SCOPED_PROFILE", "write")];
    let asked = stage.asked(|| stage.run(HELPER, &arguments, &variable));
    assert_eq!(asked.account.as_deref(), Some("writer"));

    // It is what its owner chose: what it may do the registry says.
    let outcome = stage
        .token(&["--push", "acme/app", "--profile", "read"])
        .succeeds();
    assert!(outcome.stderr.contains("did not grant"), "{outcome:?}");
    assert_eq!(
        stage.token_server.requests().last().unwrap().account.as_deref(),
        Some("reader")
    );
    // And it is never another's.
    let asked = stage.asked(|| stage.token(&["--pull", "public/app", "--profile", "none"]));
    assert_eq!(asked.proof, Proof::Nothing);
    let refused = stage.token(&["--pull", "acme/app", "--profile", "none"]);
    assert!(!refused.has_succeeded(), "{refused:?}");
    assert_eq!(
        stage.token_server.requests().last().unwrap().proof,
        Proof::Nothing
    );
}

#[test]
fn where_none_covers_the_request_each_ones_lack_is_told_and_nobody_is_asked() {
    let Some(stage) = Stage::with(&json!([
        { "server": "{here}", "profile": "read", "username": "reader", "secret": { "env": "READ" },
          "scopes": ["repository:*:pull"] },
        { "server": "{here}/acme", "username": "acme", "secret": { "env": "ACME" } },
        { "server": "{here}", "profile": "old", "username": "writer", "secret": { "env": "WRITE" },
          "expires": "2020-01-01T00:00:00Z" },
    ])) else {
        return;
    };
    let here = stage.registry.address();
    let outcome = stage.token(&["--push", "acme/app", "--push", "other/app"]);
    assert_eq!(
        is_refused(&outcome),
        format!(
            "docker-credential-scoped: {here}: no stored credential may do repository:acme/app:pull,push \
             repository:other/app:pull,push: profile read lacks repository:acme/app:push \
             repository:other/app:push; profile default for acme lacks repository:other/app:pull,push; \
             profile old expired 2020-01-01T00:00:00Z (renew it, and say in settings.json until when it is good)"
        )
    );
    let image = stage.registry.image("other/app");
    let outcome = stage.run(HELPER, &["exec", "--push", &image, "--", "true"], &[]);
    assert_eq!(outcome.code, Some(125));
    assert!(
        outcome
            .stderr
            .contains("profile read lacks repository:other/app:push"),
        "{outcome:?}"
    );
    assert_eq!(stage.token_server.requests(), []);
}

#[test]
fn an_expired_one_is_never_used() {
    let Some(stage) = Stage::with(&json!([
        { "server": "{here}", "profile": "read", "username": "reader", "secret": { "env": "READ" },
          "scopes": ["repository:*:pull"], "expires": "2020-01-01T00:00:00Z" },
        { "server": "{here}", "username": "writer", "secret": { "env": "WRITE" } },
    ])) else {
        return;
    };
    assert_eq!(stage.asker(&["--pull", "acme/app"]), "writer");
    let asked = stage.token_server.requests().len();
    let outcome = stage.token(&["--pull", "acme/app", "--profile", "read"]);
    let named = format!(
        "docker-credential-scoped: {}: the credential of reader expired 2020-01-01T00:00:00Z; ",
        stage.registry.address()
    );
    assert!(
        is_refused(&outcome).starts_with(&named),
        "with the mend behind it: {outcome:?}"
    );
    assert_eq!(stage.token_server.requests().len(), asked);
}

#[test]
fn what_is_kept_for_a_part_of_a_registry_is_used_for_that_part_only() {
    let Some(stage) = Stage::with(&json!([
        { "server": "{here}/acme", "username": "acme", "secret": { "env": "ACME" } },
    ])) else {
        return;
    };
    assert_eq!(stage.asker(&["--push", "acme/app"]), "acme");
    for other in ["public/app", "public/acme"] {
        let asked = stage.asked(|| stage.token(&["--pull", other]));
        assert_eq!((asked.proof, asked.account), (Proof::Nothing, None), "{other}");
    }
    for other in ["acmeister/app", "other/acme/app"] {
        let outcome = stage.token(&["--pull", other]);
        is_refused(&outcome);
        assert_eq!(
            stage.token_server.requests().last().unwrap().proof,
            Proof::Nothing,
            "{other}"
        );
    }
    // Without a scope it is the registry as a whole that is asked.
    assert_eq!(stage.asked(|| stage.token(&[])).proof, Proof::Nothing);
}

#[test]
fn a_declared_secret_is_fetched_for_a_token_wherever_it_is() {
    let Some(stage) = Stage::new() else { return };
    let file = stage.home.write("secret", &format!("{READ}\n"));
    let helper = stage.home.write(
        "answer",
        &json!({ "ServerURL": "", "Username": "reader", "Secret": READ }).to_string(),
    );
    install(
        &stage.home,
        "docker-credential-other",
        &format!("cat '{}'", helper.display()),
    );
    for (place, secret) in [
        json!({ "env": "READ" }),
        json!({ "file": file }),
        json!({ "command": ["cat", file] }),
        json!({ "helper": "other" }),
    ]
    .into_iter()
    .enumerate()
    {
        stage.declare(&json!([{ "server": "{here}", "username": "reader", "secret": secret }]));
        assert_eq!(
            stage.asker(&["--pull", &format!("acme/app-{place}")]),
            "reader",
            "{secret}"
        );
        let image = stage.registry.image(&format!("acme/exec-{place}"));
        let asked = stage.asked(|| stage.run(HELPER, &["exec", "--pull", &image, "--", "true"], &[]));
        assert_eq!(asked.account.as_deref(), Some("reader"), "{secret}");
    }
    assert!(!stage.home.slots().exists(), "nothing is stored");
}

#[test]
fn in_a_profile_that_is_named_the_longest_prefix_is_asked_with() {
    let Some(stage) = Stage::with(&json!([
        { "server": "{here}/acme", "profile": "p", "username": "acme", "secret": { "env": "ACME" } },
        { "server": "{here}", "profile": "p", "username": "reader", "secret": { "env": "READ" } },
    ])) else {
        return;
    };
    for (requested, expected) in [
        (["--pull", "acme/app", "--pull", "acme/lib"], "acme"),
        (["--pull", "acme/app", "--pull", "other/lib"], "reader"),
        (["--pull", "other/app", "--pull", "other/lib"], "reader"),
    ] {
        let named = [requested.as_slice(), &["--profile", "p"]].concat();
        assert_eq!(stage.asker(&named), expected, "{requested:?}");
    }
}

#[test]
fn a_token_is_remembered_for_the_secret_that_it_was_had_with() {
    let Some(stage) = Stage::new() else { return };
    let file = stage.home.write("secret", READ);
    stage.declare(&json!([{ "server": "{here}", "username": "reader", "secret": { "file": file } }]));
    let token = || stage.token(&["--pull", "acme/app"]);
    assert_eq!(stage.asked(token).account.as_deref(), Some("reader"));
    token().succeeds();
    assert_eq!(stage.token_server.requests().len(), 1, "it is remembered");

    stage.home.write("secret", "another");
    token().fails();
    let asked = stage.token_server.requests();
    assert_eq!(
        (asked.len(), asked[1].status),
        (2, 401),
        "the new secret is asked with"
    );
    stage.home.write("secret", READ);
    token().succeeds();
    assert_eq!(
        stage.token_server.requests().len(),
        2,
        "and the old one remembered"
    );

    // To log out forgets the tokens, though the credential stays.
    Helper::of(&stage.home)
        .ask("erase", stage.registry.address())
        .succeeds();
    assert_eq!(stage.asked(token).account.as_deref(), Some("reader"));
}

#[test]
fn an_identity_token_of_a_declared_credential_is_not_stored_over_it() {
    let Some(stage) = Stage::new() else { return };
    stage.token_server.set_refresh_tokens(true);
    let file = stage.home.write("secret", READ);
    let here = stage.registry.address();
    let settings = json!({
        "credentials": [{ "server": here, "username": "reader", "secret": { "file": file } }],
        "registries": { here: {
            "handOut": "identity-token", "realm": stage.token_server.realm(), "service": "registry",
        } },
    });
    stage.home.write(
        ".config/docker-credential-scoped/settings.json",
        &settings.to_string(),
    );
    let helper = Helper::of(&stage.home);
    let answered = helper.get(here).unwrap();
    assert_eq!(answered.username, "<token>");
    assert_eq!(helper.get(here), Some(answered));
    assert_eq!(stage.token_server.requests().len(), 1);
    let answered = helper.get(here).unwrap();
    helper.store(here, &answered.username, &answered.secret);
    assert!(!stage.home.slots().exists(), "nothing is stored");
}

#[test]
fn a_secret_that_is_not_there_is_said_and_nobody_is_asked() {
    let Some(stage) = Stage::new() else { return };
    install(
        &stage.home,
        "docker-credential-other",
        "echo 'credentials not found in native keychain'; exit 1",
    );
    for (secret, why) in [
        (
            json!({ "env": "NOT_SET" }),
            "environment variable NOT_SET: is not set".to_owned(),
        ),
        (
            json!({ "helper": "other" }),
            format!(
                "{}: credentials not found in native keychain",
                stage.registry.address()
            ),
        ),
    ] {
        stage.declare(&json!([{ "server": "{here}", "username": "reader", "secret": secret }]));
        let outcome = stage.token(&["--pull", "acme/app"]);
        assert_eq!(is_refused(&outcome), format!("docker-credential-scoped: {why}"));
    }
    assert_eq!(stage.token_server.requests(), []);
}

/// A program on the PATH of a home.
fn install(home: &Home, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    let path = home.write(&format!("../bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
