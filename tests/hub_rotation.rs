//! Rotating a token of Docker Hub: whatever goes wrong, and whenever it is killed, a token that works is kept.

#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;
use support::fixture::answer::Answer;
use support::helper::{Helper, message};
use support::hub::account::Account;
use support::hub::fault::Fault;
use support::hub::token::{Reach, Token};
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;

const PERSONAL: &str = "/v2/access-tokens";
const ONE: &str = "/v2/access-tokens/*";
const ROTATE: [&str; 4] = ["hub", "token", "rotate", "ci"];
const ROTATED: &str = "Rotated the personal access token ci (ID) of anna: ID takes its place, repo:write, no expiry. It is kept for REGISTRY, profile ci.\n";
const REVOKED: &str = "The old one is revoked.\n";

/// anna's machine, which holds a token in the profile `ci`, and has asked for nothing but that.
struct Rotation {
    scene: HubScene,
    old: Token,
}

impl Rotation {
    fn new() -> Self {
        Self::with(Config::default(), &[])
    }

    fn with(config: Config, more: &[&str]) -> Self {
        let scene = HubScene::new(config);
        scene.log_in("anna", ANNA);
        let create = [
            "hub",
            "token",
            "create",
            "--label",
            "ci",
            "--scope",
            "repo:write",
            "--profile",
            "ci",
        ];
        scene.run(&[&create[..], more].concat()).succeeds();
        let old = scene.hub.tokens("anna").remove(0);
        Self { scene, old }
    }

    /// What is in the slot, as Docker Hub knows it. It must be good, and a token must be had with it.
    #[track_caller]
    fn kept(&self) -> Token {
        let stored = self.scene.stored_in("ci").expect("a credential");
        assert!(
            self.scene.hub.is_good("anna", &stored.secret),
            "a token that works is kept"
        );
        self.scene
            .run(&[
                "token",
                &self.scene.registry(),
                "--pull",
                "anna/app",
                "--profile",
                "ci",
            ])
            .succeeds();
        self.scene.keeps_secret("anna", &stored.secret);
        self.scene.hub.token_of("anna", &stored.secret).expect("a token")
    }

    /// It went wrong, said so, and changed nothing: neither here nor at Docker Hub.
    #[track_caller]
    fn leaves_all_as_it_was(&self, words: &[&str], why: &str) {
        self.scene.says(words, "", &failure(why), 1);
        assert_eq!(self.kept().id, self.old.id);
        assert_eq!(self.scene.hub.tokens("anna").len(), 1);
    }

    /// Starts it, and kills it once `is_there` returns.
    fn kill(&self, words: &[&str], is_there: &dyn Fn()) {
        let mut command = HubScene::command_at(&self.scene.home, words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("a program that starts");
        is_there();
        child.kill().expect("a child to be killed");
        child.wait().expect("a child to wait for");
    }
}

fn failure(text: &str) -> String {
    format!("docker-credential-scoped: {text}\n")
}

#[test]
fn what_may_do_nobody_knows_what_is_not_made_again() {
    let rotation = Rotation::new();
    let Rotation { scene, old } = &rotation;
    let list = json!({ "results": [{ "uuid": old.id, "token_label": "ci", "scopes": ["repo:write", { "new": 1 }] }] });
    scene
        .hub
        .fail("GET", PERSONAL, 1, Fault::Answer(Answer::json(&list)));
    rotation.leaves_all_as_it_was(
        &ROTATE,
        "what the token may do is not told, or not in a way that is understood here; make another by hand with \
         docker-credential-scoped hub token create",
    );
}

#[test]
fn whose_end_nobody_understands_is_not_made_again_without_one() {
    let rotation = Rotation::new();
    let Rotation { scene, old } = &rotation;
    let odd = || {
        let list = json!({ "results": [{ "uuid": old.id, "token_label": "ci", "scopes": ["repo:write"],
                                         "expires_at": "some day" }] });
        scene
            .hub
            .fail("GET", PERSONAL, 1, Fault::Answer(Answer::json(&list)));
    };
    odd();
    rotation.leaves_all_as_it_was(
        &ROTATE,
        "until when ci (ID) is good is told in a way that is not understood here; say with --expires until when the new \
         one is to be",
    );
    odd();
    scene
        .run(&[&ROTATE[..], &["--expires", "2d"]].concat())
        .succeeds();
    let new = rotation.kept();
    assert!(new.id != old.id && new.expires.is_some());
}

#[test]
fn a_new_token_takes_the_place_of_the_old_one_which_is_revoked_last() {
    let rotation = Rotation::new();
    let before = rotation.scene.asked().len();
    rotation
        .scene
        .says(&ROTATE, &format!("{ROTATED}{REVOKED}"), "", 0);
    let new = rotation.kept();
    assert_ne!(new.id, rotation.old.id);
    assert_eq!(rotation.scene.hub.tokens("anna").len(), 1);
    let id = &rotation.old.id;
    assert_eq!(
        rotation.scene.asked().split_off(before),
        [
            format!("GET {PERSONAL}"),
            format!("POST {PERSONAL}"),
            format!("DELETE {PERSONAL}/{id}")
        ]
    );
    // It was used at the token server before that.
    assert!(new.last_used.is_some());
    assert!(!rotation.scene.hub.is_good("anna", &rotation.old.secret));
}

#[test]
fn the_new_one_may_do_the_same_for_as_long() {
    let rotation = Rotation::with(Config::default(), &["--expires", "30d"]);
    let day = time::Duration::DAY;
    // It takes less than half a day.
    let days = |token: &Token| {
        let life = token.expires.expect("an end") - token.created;
        (life + time::Duration::hours(12)).whole_days()
    };
    // Of its life, a part is over.
    rotation.scene.hub.change(&rotation.old.id, |token| {
        token.created -= day * 20;
        token.expires = token.expires.map(|expires| expires - day * 20);
    });
    rotation.scene.run(&ROTATE).succeeds();
    let new = rotation.kept();
    assert_eq!(new.label, "ci");
    assert_eq!(days(&new), 30);
    // As it is said, where it is.
    rotation
        .scene
        .run(&["hub", "token", "rotate", "ci", "--expires", "2d"])
        .succeeds();
    assert_eq!(days(&rotation.kept()), 2);
    rotation
        .scene
        .run(&["hub", "token", "rotate", "ci", "--expires", "never"])
        .succeeds();
    assert_eq!(rotation.kept().expires, None);
}

#[test]
fn what_it_may_do_is_asked_for_as_it_is_written_at_docker_hub() {
    let scene = HubScene::new(Config::default());
    scene.log_in("anna", ANNA);
    let old = scene.hub.generate_for_organization(
        "acme",
        "ci",
        &[
            ("acme/app", &["scope-image-pull", "scope-something-new"]),
            ("acme/*", &["scope-image-pull"]),
        ],
    );
    let rotate = ["hub", "token", "rotate", "--org", "acme", "ci"];
    scene.says(
        &rotate,
        "",
        &failure("ci (ID) is not held here; say with --profile NAME where the new one is to be kept"),
        1,
    );
    scene.says(
        &[&rotate[..], &["--profile", "ci"]].concat(),
        "Rotated the organization access token ci (ID) of acme: ID takes its place, acme/app:pull,scope-something-new acme/*:pull, no expiry. It is kept for REGISTRY, profile ci.\nThe old one is revoked.\n",
        "",
        0,
    );
    let tokens = scene.hub.tokens("acme");
    let [new] = tokens.as_slice() else {
        panic!("one token");
    };
    let resources = |token: &Token| match &token.reach {
        Reach::Organization(resources) => resources
            .iter()
            .map(|resource| (resource.path.clone(), resource.scopes.clone()))
            .collect::<Vec<_>>(),
        Reach::Personal(_) => Vec::new(),
    };
    assert_eq!(resources(new), resources(&old));
    assert_eq!(scene.stored_in("ci").expect("a credential").secret, new.secret);
}

#[test]
fn what_was_said_of_the_old_one_here_is_true_of_the_new_one() {
    let rotation = Rotation::new();
    let (scene, scope) = (&rotation.scene, "repository:anna/*:pull");
    let registry = scene.registry();
    scene
        .run(&["add", &registry, "--profile", "ci", "--scope", scope])
        .succeeds();
    scene.says(&ROTATE, &format!("{ROTATED}{REVOKED}"), "", 0);
    assert!(scene.run(&["status"]).succeeds().stdout.contains(scope));
    scene.says(&ROTATE, &format!("{ROTATED}{REVOKED}"), "", 0);
    rotation.kept();
}

#[test]
fn wherever_the_old_one_is_held_the_new_one_takes_its_place() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    let both = "Rotated the personal access token ci (ID) of anna: ID takes its place, repo:write, no expiry. It is kept for REGISTRY, profile ci; REGISTRY, profile two.\nThe old one is revoked.\n";
    scene.says(&[&ROTATE[..], &["--profile", "two"]].concat(), both, "", 0);
    scene.says(&ROTATE, both, "", 0);
    let stored = rotation.kept();
    assert_eq!(
        scene.stored_in("two").expect("a credential").secret,
        stored.secret
    );
    assert_eq!(scene.hub.tokens("anna").len(), 1);
    // What is there is not replaced by something else.
    scene.says(
        &[&ROTATE[..], &["--profile", "default"]].concat(),
        "",
        &failure("REGISTRY holds something else, the password of anna; name another profile"),
        1,
    );
    assert_eq!(rotation.kept().id, stored.id);
}

#[test]
fn where_nothing_can_be_read_or_kept_nothing_is_made() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    scene.hub.fail("GET", PERSONAL, 9, Fault::Status(403));
    rotation.leaves_all_as_it_was(
        &ROTATE,
        "HUB refuses it (403): the account may not manage tokens; ask who administers it",
    );
    scene.hub.mend();
    rotation.leaves_all_as_it_was(
        &["hub", "token", "rotate", "cd"],
        "anna has no personal access token with the id or label cd; docker-credential-scoped hub token list shows them",
    );
    let staging = scene.home.data().join("staging");
    fs::remove_dir_all(&staging).expect("a directory");
    scene
        .home
        .write(".local/share/docker-credential-scoped/staging", "");
    let outcome = scene.run(&ROTATE).fails();
    assert!(outcome.stderr.contains("staging"), "{}", outcome.stderr);
    fs::remove_file(&staging).expect("a file");
    rotation.kept();
    let made = scene
        .asked()
        .into_iter()
        .filter(|asked| asked.starts_with("POST /v2/access"));
    assert_eq!(made.count(), 1);
}

#[test]
fn where_none_is_made_the_old_one_stays() {
    let rotation = Rotation::new();
    let unsure = "; the token may have been made all the same: look for its label in docker-credential-scoped hub token list, and revoke it";
    for (fault, why) in [
        (
            Fault::Status(500),
            format!("HUB answered 500; try again later{unsure}"),
        ),
        (
            Fault::DropBefore,
            format!(
                "HUB: its answer is no HTTP, or was broken off; check that it is the server that is meant{unsure}"
            ),
        ),
        (
            Fault::Status(403),
            "HUB refuses it (403): the account may not manage tokens; ask who administers it".to_owned(),
        ),
    ] {
        rotation.scene.hub.fail("POST", PERSONAL, 1, fault);
        rotation.leaves_all_as_it_was(&ROTATE, &format!("{why}; the old one is as it was"));
    }
    // One that was made, and whose secret nobody knows, is left to be revoked; the one that is held is the one that is meant.
    rotation.scene.hub.fail("POST", PERSONAL, 1, Fault::DropAfter);
    rotation.scene.run(&ROTATE).fails();
    assert_eq!(rotation.kept().id, rotation.old.id);
    assert_eq!(rotation.scene.hub.tokens("anna").len(), 2);
    rotation
        .scene
        .says(&ROTATE, &format!("{ROTATED}{REVOKED}"), "", 0);
    assert_eq!(rotation.scene.hub.tokens("anna").len(), 2);
}

#[test]
fn at_the_limit_the_old_one_is_revoked_first_only_if_that_is_said() {
    let config = || Config {
        accounts: vec![Account::new("anna", ANNA).at_most(1)],
        ..Config::default()
    };
    let rotation = Rotation::with(config(), &[]);
    rotation.leaves_all_as_it_was(
        &ROTATE,
        "the account has as many access tokens as Docker Hub allows it (1); revoke one that is not needed (expired and inactive ones count, too), or have the plan changed; the old one is as it was; or have the old one revoked before the new one is made, so that for a moment there is none: --revoke-first",
    );
    let first = [&ROTATE[..], &["--revoke-first"]].concat();
    rotation.scene.says(&first, ROTATED, "", 0);
    assert_ne!(rotation.kept().id, rotation.old.id);
    assert_eq!(rotation.scene.hub.tokens("anna").len(), 1);
}

#[test]
fn one_that_is_not_taken_is_revoked_again() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    scene.hub.refuse_logins(true);
    let refused = "the new one is not taken: http://TOKENS refused the credential (401): it is wrong, expired or revoked; log in again; ";
    scene.says(
        &ROTATE,
        "",
        &failure(&format!(
            "{refused}it was revoked again; the old one is as it was"
        )),
        1,
    );
    assert_eq!(scene.hub.tokens("anna").len(), 1);
    scene.hub.fail("DELETE", ONE, 9, Fault::Status(403));
    scene.says(
        &ROTATE,
        "",
        &failure(&format!("{refused}and it could not be revoked again: HUB refuses it (403): the account may not manage tokens; ask who administers it; nobody has its secret, revoke it when that works: docker-credential-scoped hub token revoke ID (label ci); the old one is as it was")),
        1,
    );
    scene.hub.refuse_logins(false);
    assert_eq!(rotation.kept().id, rotation.old.id);
}

#[test]
fn one_that_is_good_for_longer_than_it_is_to_be_is_no_new_one() {
    let rotation = Rotation::new();
    let (scene, hub) = (&rotation.scene, &rotation.scene.hub);
    let unending = || {
        let made = hub.generate("anna", "manual", "ci", hub.now(), None);
        let answer = json!({ "uuid": made.id, "token": made.secret, "token_label": "ci", "scopes": ["repo:write"],
                             "expires_at": null });
        hub.fail("POST", PERSONAL, 1, Fault::Answer(Answer::json(&answer)));
        made
    };
    let rotate = ["hub", "token", "rotate", &rotation.old.id, "--expires", "2d"];
    unending();
    rotation.leaves_all_as_it_was(
        &rotate,
        "the new token was to end, and does not; it was revoked again; the old one is as it was",
    );
    // There is no other any more.
    let made = unending();
    scene.says(
        &[&rotate[..], &["--revoke-first"]].concat(),
        ROTATED,
        "the new token was to end, and does not; revoke it when nobody needs it: docker-credential-scoped hub token revoke ID\n",
        1,
    );
    assert_eq!(rotation.kept().id, made.id);
}

#[test]
fn who_logs_in_or_out_meanwhile_keeps_what_is_there() {
    let meanwhile = |verb: &str, message: &dyn Fn(&str) -> String| {
        let rotation = Rotation::new();
        let scene = &rotation.scene;
        scene
            .hub
            .fail("POST", PERSONAL, 1, Fault::Late(Duration::from_secs(4)));
        let outcome = thread::scope(|scope| {
            let rotating = scope.spawn(|| scene.run(&ROTATE));
            scene.hub.wait_for("POST", PERSONAL, 2);
            scene.stored_in("ci");
            let helper = Helper::for_profile(&scene.home, "ci");
            helper.ask(verb, &message(&scene.registry())).succeeds();
            rotating.join().expect("no panic")
        });
        // Neither was the old one revoked, nor is a new one left.
        assert!(scene.hub.is_good("anna", &rotation.old.secret));
        assert_eq!(scene.hub.tokens("anna").len(), 1);
        let kept = scene.stored_in("ci").map(|credential| credential.secret);
        (scene.plain(&outcome.stderr), kept)
    };
    let undone = "; it was revoked again; the old one is as it was";
    let (said, kept) = meanwhile("store", &|registry| message(registry, "ben", "other"));
    assert_eq!(
        said,
        failure(&format!(
            "the new one is not kept: REGISTRY, profile ci: something else was put there meanwhile{undone}"
        ))
    );
    assert_eq!(kept.as_deref(), Some("other"));
    let (said, kept) = meanwhile("erase", &|registry| registry.to_owned());
    assert_eq!(
        said,
        failure(&format!(
            "the new one is not kept: REGISTRY, profile ci: was emptied meanwhile{undone}"
        ))
    );
    assert_eq!(kept, None);
}

#[test]
fn where_the_new_one_cannot_be_written_the_old_one_stays() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    scene
        .hub
        .fail("POST", PERSONAL, 1, Fault::Late(Duration::from_secs(4)));
    let staging = scene.home.data().join("staging");
    let outcome = thread::scope(|scope| {
        let rotating = scope.spawn(|| scene.run(&ROTATE));
        scene.hub.wait_for("POST", PERSONAL, 2);
        fs::remove_dir_all(&staging).expect("a directory");
        scene
            .home
            .write(".local/share/docker-credential-scoped/staging", "");
        rotating.join().expect("no panic")
    });
    let said = scene.plain(&outcome.stderr);
    assert!(
        said.starts_with("docker-credential-scoped: the new one is not kept: ")
            && said.ends_with("; it was revoked again; the old one is as it was\n"),
        "{said}"
    );
    fs::remove_file(&staging).expect("a file");
    assert_eq!(rotation.kept().id, rotation.old.id);
    assert_eq!(scene.hub.tokens("anna").len(), 1);
}

#[test]
fn where_there_is_no_token_server_the_old_one_stays() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    let mut settings = scene.settings();
    *settings
        .pointer_mut(&format!("/registries/{}/realm", scene.registry()))
        .expect("a realm") = "http://127.0.0.1:1/token".into();
    scene.settle_with(&settings);
    scene.says(
        &ROTATE,
        "",
        &failure("the new one is not taken: cannot connect to 127.0.0.1:1: connection refused; check the name, the port and the network; it was revoked again; the old one is as it was"),
        1,
    );
    scene.settle_with(&scene.settings());
    assert_eq!(rotation.kept().id, rotation.old.id);
    assert_eq!(scene.hub.tokens("anna").len(), 1);
}

#[test]
fn an_old_one_that_cannot_be_revoked_is_named() {
    let rotation = Rotation::new();
    rotation.scene.hub.fail("DELETE", ONE, 1, Fault::Status(403));
    rotation.scene.says(
        &ROTATE,
        ROTATED,
        "the old one, ci (ID), could not be revoked: HUB refuses it (403): the account may not manage tokens; ask who administers it; once more: docker-credential-scoped hub token revoke ID\n",
        1,
    );
    let new = rotation.kept();
    assert_ne!(new.id, rotation.old.id);
    assert!(rotation.scene.hub.is_good("anna", &rotation.old.secret));
    // One whose answer was lost is asked for again, and is gone then.
    rotation.scene.hub.fail("DELETE", ONE, 1, Fault::DropAfter);
    let id = new.id.as_str();
    rotation.scene.says(
        &["hub", "token", "rotate", id],
        &format!("{ROTATED}{REVOKED}"),
        "",
        0,
    );
    assert_ne!(rotation.kept().id, new.id);
}

#[test]
fn what_is_left_is_said_where_the_old_one_was_revoked_first() {
    let first = [&ROTATE[..], &["--revoke-first"]].concat();
    let rotation = Rotation::new();
    let hub = &rotation.scene.hub;
    hub.fail("DELETE", ONE, 1, Fault::Status(403));
    rotation.leaves_all_as_it_was(
        &first,
        "HUB refuses it (403): the account may not manage tokens; ask who administers it; the old one is as it was",
    );
    hub.refuse_logins(true);
    rotation.scene.says(
        &first,
        ROTATED,
        "the new one is kept, and was not taken yet: the new one is not taken: http://TOKENS refused the credential (401): it is wrong, expired or revoked; log in again; try it: docker-credential-scoped token REGISTRY --profile ci\n",
        1,
    );
    hub.refuse_logins(false);
    rotation.kept();
    hub.fail("POST", PERSONAL, 1, Fault::Status(403));
    rotation.scene.says(
        &first,
        "",
        &failure("HUB refuses it (403): the account may not manage tokens; ask who administers it; the old one, ci (ID), is revoked, and what is kept of it is good for nothing; remove that, and make another: docker-credential-scoped hub token create"),
        1,
    );
}

#[test]
fn killed_at_any_request_it_leaves_a_token_that_works() {
    let slow = || Fault::Slow(Duration::from_secs(2));
    let late = || Fault::Late(Duration::from_secs(2));
    for (method, path, fault) in [
        ("POST", "/v2/auth/token", slow()),
        ("GET", PERSONAL, slow()),
        ("POST", PERSONAL, slow()),
        ("POST", PERSONAL, late()),
        ("DELETE", ONE, slow()),
        ("DELETE", ONE, late()),
    ] {
        let rotation = Rotation::new();
        let hub = &rotation.scene.hub;
        if path == "/v2/auth/token" {
            rotation.scene.run(&["cache", "--clear"]).succeeds();
        }
        let before = hub.arrived(method, path);
        hub.fail(method, path, 1, fault);
        rotation.kill(&ROTATE, &|| {
            while hub.arrived(method, path) == before {
                thread::sleep(Duration::from_millis(2));
            }
            thread::sleep(Duration::from_millis(100));
        });
        hub.mend();
        let kept = rotation.kept();
        assert_eq!(kept.id != rotation.old.id, method == "DELETE", "{method} {path}");
        // Nothing is left that would keep the next one from it.
        rotation
            .scene
            .run(&["hub", "token", "rotate", &kept.id])
            .succeeds();
        assert_ne!(rotation.kept().id, kept.id);
    }
}

#[test]
fn killed_while_the_new_one_is_proved_it_leaves_the_old_one() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut settings = scene.settings();
    let realm = format!("http://{}/token", silent.local_addr().expect("an address"));
    *settings
        .pointer_mut(&format!("/registries/{}/realm", scene.registry()))
        .expect("a realm") = realm.into();
    scene.settle_with(&settings);
    let (connected, is_connected) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let (stream, _) = silent.accept().expect("a connection");
        connected.send(()).expect("somebody waits");
        stream
    });
    rotation.kill(&ROTATE, &|| is_connected.recv().expect("a connection"));
    drop(waiting.join().expect("no panic"));
    scene.settle_with(&scene.settings());
    assert_eq!(rotation.kept().id, rotation.old.id);
    // One is left that nobody has.
    assert_eq!(scene.hub.tokens("anna").len(), 2);
    scene.says(&ROTATE, &format!("{ROTATED}{REVOKED}"), "", 0);
    rotation.kept();
}

#[test]
fn of_several_at_once_one_rotates_at_a_time() {
    let rotation = Rotation::new();
    let scene = &rotation.scene;
    let outcomes: Vec<_> = thread::scope(|scope| {
        let rotating: Vec<_> = (0..8).map(|_| scope.spawn(|| scene.run(&ROTATE))).collect();
        rotating
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    assert!(outcomes.iter().any(support::outcome::Outcome::has_succeeded));
    rotation.kept();
    assert_eq!(scene.hub.tokens("anna").len(), 1, "{outcomes:?}");
}
