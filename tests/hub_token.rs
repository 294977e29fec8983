//! Docker Hub's tokens from the command line: list, create, update and revoke, and what a refused one may mean.

#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::io::read;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::hub::account::{Account, Organization};
use support::hub::fault::Fault;
use support::hub::token::Token;
use support::hub::{ANNA, BEN, Config};
use support::hub_scene::HubScene;
use support::outcome::Outcome;
use support::sessions::hold;
use time::OffsetDateTime;

const PERSONAL: &str = "/v2/access-tokens";
const OF_ACME: &str = "/v2/orgs/acme/access-tokens";
const NO_SUCH: &str = "docker-credential-scoped hub token list shows them";

/// anna's machine, with her password.
fn annas(config: Config) -> HubScene {
    let scene = HubScene::new(config);
    scene.log_in("anna", ANNA);
    scene
}

fn scene() -> HubScene {
    annas(Config::default())
}

/// The words of `hub token create` for a personal token that only reads.
fn create<'a>(label: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = ["hub", "token", "create", "--label", label, "--scope", "repo:read"];
    [&words[..], more].concat()
}

fn time(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).expect("a time")
}

/// The only token of an owner.
#[track_caller]
fn only(scene: &HubScene, owner: &str) -> Token {
    let tokens = scene.hub.tokens(owner);
    assert_eq!(tokens.len(), 1, "{owner}");
    tokens.into_iter().next().expect("a token")
}

fn failure(text: &str) -> String {
    format!("docker-credential-scoped: {text}\n")
}

#[test]
fn a_made_token_is_in_its_slot_and_nowhere_else() {
    let scene = scene();
    let until = ["--profile", "ci", "--expires", "2099-01-30"];
    scene.says(
        &create("ci", &until),
        "Made the personal access token ci (ID) of anna: repo:read, until DATE. It is kept for REGISTRY, profile ci.\n",
        "",
        0,
    );
    let token = only(&scene, "anna");
    // It is its last day.
    assert_eq!(token.expires, Some(time("2099-01-30T23:59:59Z")));
    let stored = scene.stored_in("ci").expect("a credential");
    assert_eq!(
        (stored.username.as_str(), &stored.secret),
        ("anna", &token.secret)
    );
    scene.keeps_secret("anna", &token.secret);
    let status: Value =
        serde_json::from_str(&scene.run(&["status", "--json"]).succeeds().stdout).expect("JSON");
    let row = &status[0];
    assert_eq!(row["kind"], "personal-access-token");
    assert_eq!(row["scopes"], json!(["repo:read"]));
    assert_eq!(row["expires"], "2099-01-30T23:59:59Z");
    assert_eq!(row["origin"], "hub");
    // docker's own stays.
    assert_eq!(scene.stored().expect("a credential").secret, ANNA);
}

#[test]
fn a_secret_is_printed_for_who_wants_it_only() {
    let scene = scene();
    let outcome = scene.run(&create("ci", &["--profile", "ci", "--print"]));
    let token = only(&scene, "anna");
    assert_eq!(outcome.stdout, format!("{}\n", token.secret));
    assert_eq!(
        scene.plain(&outcome.stderr),
        "Made the personal access token ci (ID) of anna: repo:read, no expiry. It is kept for REGISTRY, profile ci.\n"
    );
    assert!(!outcome.stderr.contains(&token.secret));
}

#[test]
fn an_organizations_token_is_for_what_is_named() {
    let scene = scene();
    scene.says(
        &[
            "hub", "token", "create", "--org", "acme", "--label", "ci", "--allow", "acme/app:pull,push",
            "--allow", "acme/base*:pull", "--allow-org", "scope-member-read", "--description", "for the robots",
            "--profile", "ci",
        ],
        "Made the organization access token ci (ID) of acme: acme/app:pull,push acme/base*:pull acme:scope-member-read, no expiry. It is kept for REGISTRY, profile ci.\n",
        "",
        0,
    );
    let token = only(&scene, "acme");
    assert_eq!(token.description, "for the robots");
    let stored = scene.stored_in("ci").expect("a credential");
    assert_eq!(
        (stored.username.as_str(), &stored.secret),
        ("acme", &token.secret)
    );
    let status: Value =
        serde_json::from_str(&scene.run(&["status", "--json"]).succeeds().stdout).expect("JSON");
    assert_eq!(status[0]["kind"], "organization-access-token");
    assert_eq!(
        status[0]["scopes"],
        json!(["repository:acme/app:pull,push", "repository:acme/base*:pull"])
    );
    // It is good for that, and is chosen for it.
    let registry = scene.registry();
    scene
        .run(&["token", &registry, "--push", "acme/app", "--profile", "ci"])
        .succeeds();
    scene
        .run(&["token", &registry, "--push", "acme/base1", "--profile", "ci"])
        .succeeds();
}

#[test]
fn what_docker_hub_would_not_take_is_not_asked() {
    let scene = scene();
    let acme = [
        "hub",
        "token",
        "create",
        "--label",
        "ci",
        "--profile",
        "ci",
        "--org",
    ];
    let long = "x".repeat(101);
    let session = "docker-credential-scoped/session/machine/ci";
    let no_session = "--label: is what session tokens are called, docker-credential-scoped session start makes them; write another";
    let table: [(Vec<&str>, &str); 11] = [
        (create(session, &["--profile", "ci"]), no_session),
        (
            ["hub", "token", "update", "ci", "--label", session].to_vec(),
            no_session,
        ),
        (
            create(&long, &["--profile", "ci"]),
            "label: write 1 to 100 characters, and no control characters",
        ),
        (
            ["hub", "token", "create", "--label", "ci", "--scope", "repo read"].to_vec(),
            "scope: write repo:public_read, repo:read, repo:write or repo:admin",
        ),
        (
            [&acme[..], &["acme"]].concat(),
            "an organization access token has to be for something: allow it one repository at least, as in acme/app:pull",
        ),
        (
            [&acme[..], &["Acme", "--allow", "acme/app:pull"]].concat(),
            "--org: an organization's name is lower-case letters, digits, '-' or '_', as in https://hub.docker.com/u/NAME",
        ),
        (
            [&acme[..], &["acme", "--allow", "acme/app"]].concat(),
            "--allow: write what is allowed behind a colon, as in acme/app:pull,push",
        ),
        (
            [&acme[..], &["acme", "--allow", "acme/app:fetch"]].concat(),
            "--allow: an action is pull, push, delete, or one of Docker Hub's own as in scope-tag-read",
        ),
        (
            [&acme[..], &["acme", "--allow-org", "read"]].concat(),
            "--allow-org: what is allowed of an organization is written as Docker Hub does, as in scope-member-read,scope-group-read",
        ),
        (
            create("ci", &["--profile", "ci", "--expires", "2001-01-01"]),
            "--expires: is over; name a time to come, or never",
        ),
        (
            create("ci", &["--profile", "ci", "--expires", "soon"]),
            "expires: write a date as in 2027-01-31, a time as in 2027-01-31T12:00:00Z, or a length as in 30d or 8h",
        ),
    ];
    for (arguments, why) in table {
        let outcome = scene.run(&arguments);
        assert_eq!(outcome.stderr, failure(why), "{arguments:?}");
        assert_eq!((outcome.stdout.as_str(), outcome.code), ("", Some(1)));
    }
    let fifty_one: Vec<_> = (0..51).map(|number| format!("acme/app{number}:pull")).collect();
    let allow = fifty_one.iter().flat_map(|text| ["--allow", text.as_str()]);
    scene.says(
        &acme
            .iter()
            .copied()
            .chain(["acme"])
            .chain(allow)
            .collect::<Vec<_>>(),
        "",
        &failure(
            "an organization access token can be for 50 repositories at most; write acme/* for all of them",
        ),
        1,
    );
    // What does not go together is clap's to say.
    for words in [
        vec!["hub", "token", "create", "--label", "ci"],
        create("ci", &["--org", "acme"]),
        create("ci", &["--allow", "acme/app:pull"]),
        create("ci", &["--description", "text"]),
        vec!["hub", "token", "update", "ci", "--active", "--inactive"],
        vec!["hub", "token", "revoke"],
        vec!["hub", "token"],
        vec!["hub"],
    ] {
        assert_eq!(scene.run(&words).code, Some(2), "{words:?}");
    }
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn what_is_in_a_slot_is_not_replaced() {
    let scene = scene();
    scene.says(
        &create("ci", &[]),
        "",
        &failure("REGISTRY holds the password of anna already; keep the new one elsewhere with --profile NAME, or remove that first"),
        1,
    );
    let mut settings = scene.settings();
    settings["credentials"] = json!([{
        "server": scene.registry(), "username": "robot", "secret": { "env": "PAT" }, "profile": "ci",
    }]);
    scene.settle_with(&settings);
    scene.says(
        &create("ci", &["--profile", "ci"]),
        "",
        &failure("REGISTRY, profile ci holds the password of robot already; keep the new one elsewhere with --profile NAME, or take that out of settings.json"),
        1,
    );
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn nothing_is_made_where_nothing_can_be_kept() {
    let scene = scene();
    let staging = scene.home.data().join("staging");
    fs::remove_dir_all(&staging).expect("a directory");
    let blocked = scene
        .home
        .write(".local/share/docker-credential-scoped/staging", "");
    let outcome = scene.run(&create("ci", &["--profile", "ci"])).fails();
    assert!(outcome.stderr.contains("staging"), "{}", outcome.stderr);
    fs::remove_file(blocked).expect("a file");
    scene.home.damage_key();
    scene.run(&create("ci", &["--profile", "ci"])).fails();
    assert_eq!(scene.asked(), [""; 0]);
}

#[test]
fn what_cannot_be_kept_is_revoked_again() {
    let scene = &scene();
    // Somebody logs in to the slot while the token is made.
    let meanwhile = |fault: Fault, profile: &str, then: &dyn Fn()| {
        scene.hub.fail("POST", PERSONAL, 1, fault);
        let before = scene.asked().len();
        thread::scope(|scope| {
            let words = create("ci", &["--profile", profile]);
            let making = scope.spawn(move || scene.run(&words));
            scene.hub.wait_for(
                "POST",
                PERSONAL,
                1 + count(&scene.asked()[..before], "POST /v2/access-tokens"),
            );
            thread::sleep(Duration::from_millis(100));
            let add = [
                "add",
                &scene.registry(),
                "--username",
                "anna",
                "--profile",
                profile,
            ];
            Outcome::of(&mut HubScene::command_at(&scene.home, &add), b"other").succeeds();
            then();
            making.join().expect("no panic")
        })
    };
    let late = Fault::Late(Duration::from_secs(4));
    let outcome = meanwhile(late.clone(), "one", &|| {});
    assert_eq!(
        scene.plain(&outcome.stderr),
        failure(
            "the new token could not be kept: REGISTRY, profile one: something else was put there meanwhile; it was revoked again"
        )
    );
    assert_eq!(scene.hub.tokens("anna").len(), 0);
    assert_eq!(scene.stored_in("one").expect("a credential").secret, "other");
    let outcome = meanwhile(late, "two", &|| {
        scene.hub.fail("DELETE", "*", 9, Fault::Status(403));
    });
    assert_eq!(
        scene.plain(&outcome.stderr),
        failure(
            "the new token could not be kept: REGISTRY, profile two: something else was put there meanwhile; and it could not be revoked again: HUB refuses it (403): the account may not manage tokens; ask who administers it; nobody has its secret, revoke it when that works: docker-credential-scoped hub token revoke ID (label ci)"
        )
    );
    let left = only(scene, "anna");
    assert!(outcome.stderr.contains(&left.id) && !outcome.stderr.contains(&left.secret));
}

fn count(asked: &[String], what: &str) -> usize {
    asked.iter().filter(|one| *one == what).count()
}

#[test]
fn why_no_token_was_made_is_said_and_nothing_is_kept() {
    let scene = scene();
    let unsure = "; the token may have been made all the same: look for its label in docker-credential-scoped hub token list, and revoke it";
    let table = [
        (
            Fault::Status(500),
            format!("HUB answered 500; try again later{unsure}"),
        ),
        (
            Fault::DropAfter,
            format!(
                "HUB: its answer is no HTTP, or was broken off; check that it is the server that is meant{unsure}"
            ),
        ),
        (
            Fault::DoneThen(Answer::json(
                &json!({ "uuid": "b30bbf97-506c-4ecd-aabc-842f3cb484fb" }),
            )),
            format!("HUB answered without the new token's secret; check hub.api in settings.json{unsure}"),
        ),
        (
            Fault::Status(403),
            "HUB refuses it (403): the account may not manage tokens; ask who administers it".to_owned(),
        ),
        (
            Fault::Status(400),
            "HUB does not take it (400): it does not say which part; check label, scopes and expiry"
                .to_owned(),
        ),
        (Fault::Status(418), "HUB answered 418; try again later".to_owned()),
        (
            Fault::TooMany(3600),
            "HUB answers too many requests (429); try again after TIME".to_owned(),
        ),
    ];
    for (fault, why) in table {
        scene.hub.fail("POST", PERSONAL, 1, fault);
        scene.says(&create("ci", &["--profile", "ci"]), "", &failure(&why), 1);
        assert!(scene.stored_in("ci").is_none());
    }
    // Of an organization it is another list.
    scene
        .hub
        .fail("POST", "/v2/orgs/acme/access-tokens", 1, Fault::Status(500));
    let of_acme = [
        "hub",
        "token",
        "create",
        "--org",
        "acme",
        "--label",
        "cd",
        "--allow",
        "acme/app:pull",
    ];
    scene.says(
        &[&of_acme[..], &["--profile", "cd"]].concat(),
        "",
        &failure("HUB answered 500; try again later; the token may have been made all the same: look for its label in docker-credential-scoped hub token list --org acme, and revoke it"),
        1,
    );
}

#[test]
fn a_limit_is_named_when_it_is_hit() {
    let scene = annas(Config {
        accounts: vec![Account::new("anna", ANNA).at_most(1)],
        organizations: vec![Organization::new("acme", &["anna"]).at_most(10)],
        ..Config::default()
    });
    scene.run(&create("one", &["--profile", "one"])).succeeds();
    scene.says(
        &create("two", &["--profile", "two"]),
        "",
        &failure("the account has as many access tokens as Docker Hub allows it (1); revoke one that is not needed (expired and inactive ones count, too), or have the plan changed"),
        1,
    );
    for number in 0..10 {
        let pull: &[(&str, &[&str])] = &[("acme/app", &["scope-image-pull"])];
        scene
            .hub
            .generate_for_organization("acme", &number.to_string(), pull);
    }
    let for_acme = [
        "hub",
        "token",
        "create",
        "--org",
        "acme",
        "--label",
        "ci",
        "--allow",
        "acme/app:pull",
        "--profile",
        "ci",
    ];
    scene.says(
        &for_acme,
        "",
        &failure("the organization acme has as many access tokens as Docker Hub allows it (10); revoke one that is not needed (expired and inactive ones count, too), or have the plan changed"),
        1,
    );
    // Where it does not say how many that is, the documentation does.
    let full = Answer::json(&json!({ "message": "token limit reached" })).with_status(400);
    scene.hub.fail("POST", OF_ACME, 1, Fault::Answer(full));
    scene.says(
        &for_acme,
        "",
        &failure("the organization acme has as many access tokens as Docker Hub allows it (10 with Docker Team, 100 with Docker Business); revoke one that is not needed (expired and inactive ones count, too), or have the plan changed"),
        1,
    );
}

#[test]
fn of_several_at_once_one_makes_a_token() {
    let scene = scene();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let run = || scene.run(&create("ci", &["--profile", "ci"]));
        let making: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        making
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    let made = outcomes.iter().filter(|outcome| outcome.has_succeeded()).count();
    assert_eq!(made, 1, "{outcomes:?}");
    let token = only(&scene, "anna");
    assert_eq!(scene.stored_in("ci").expect("a credential").secret, token.secret);
}

#[test]
fn an_organizations_tokens_are_for_its_owners() {
    let scene = HubScene::new(Config::default());
    scene.log_in("ben", BEN);
    scene.says(
        &["hub", "token", "list", "--org", "acme"],
        "",
        &failure("HUB refuses it (403): the tokens of acme are for its owners; sign in as one of them"),
        1,
    );
    scene.says(
        &["hub", "token", "list", "--org", "nobody"],
        "",
        &failure("HUB has no organization nobody, or it is not for this account (404); check its name and who is signed in"),
        1,
    );
}

#[test]
fn the_list_shows_what_there_is_and_what_is_held_here() {
    let scene = scene();
    let now = scene.hub.now();
    scene
        .run(&create(
            "ci",
            &["--profile", "ci", "--expires", "2099-01-31T00:00:00Z"],
        ))
        .succeeds();
    let old = scene
        .hub
        .generate("anna", "manual", "\u{1b}[31mold", now, Some(now));
    scene.hub.change(&old.id, |token| {
        token.expires = Some(time("2020-02-02T00:00:00Z"));
        token.is_active = false;
    });
    scene.hub.generate(
        "anna",
        "auto-generated",
        "Generated by Docker Desktop",
        now,
        Some(now),
    );
    scene.hub.generate("anna", "", "", now, None);
    scene.says(
        &["hub", "token", "list"],
        "LABEL                        SCOPES      SOURCE          CREATED     LAST USED   EXPIRES            ACTIVE  HERE  ID\n\
         -                            repo:admin  -               DATE  never       never              yes     -     ID\n\
         \\u{1b}[31mold                repo:admin  manual          DATE  DATE  DATE (over)  no      -     ID\n\
         Generated by Docker Desktop  repo:admin  auto-generated  DATE  DATE  never              yes     -     ID\n\
         ci                           repo:read   manual          DATE  never       DATE         yes     ci    ID\n",
        "",
        0,
    );
}

#[test]
fn a_list_is_for_programs_too() {
    let scene = scene();
    scene.says(&["hub", "token", "list", "--json"], "[]\n", "", 0);
    scene
        .run(&create(
            "ci",
            &["--profile", "ci", "--expires", "2099-01-31T00:00:00Z"],
        ))
        .succeeds();
    let token = only(&scene, "anna");
    let listed = scene.run(&["hub", "token", "list", "--json"]).succeeds().stdout;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let created = listed[0]["created"].clone();
    assert_eq!(
        listed,
        json!([{
            "id": token.id, "label": "ci", "scopes": ["repo:read"], "description": null, "source": "manual",
            "created": created, "lastUsed": null, "expires": "2099-01-31T00:00:00Z", "isActive": true,
            "held": [{ "server": scene.registry(), "profile": "ci" }],
        }])
    );
}

#[test]
fn a_long_list_is_read_to_its_end() {
    let scene = scene();
    let now = scene.hub.now();
    for number in 0..250 {
        scene
            .hub
            .generate("anna", "manual", &format!("{number:03}"), now, None);
    }
    let outcome = scene.run(&["hub", "token", "list"]).succeeds();
    assert_eq!(outcome.stdout.lines().count(), 251);
    // There is no terminal to show how far it is.
    assert_eq!(outcome.stderr, "");
    assert_eq!(count(&scene.asked(), "GET /v2/access-tokens"), 3);
}

#[test]
fn who_waits_at_a_terminal_sees_how_far_it_is() {
    let scene = scene();
    let now = scene.hub.now();
    let seen = |count: usize| {
        for _ in scene.hub.tokens("anna").len()..count {
            scene.hub.generate("anna", "manual", "one", now, None);
        }
        let mut terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("a terminal");
        unlockpt(&terminal).expect("a terminal");
        let name = ptsname(&terminal, Vec::new()).expect("a terminal");
        let inside = fs::File::options()
            .write(true)
            .open(name.to_str().expect("a path"));
        let mut command = HubScene::command_at(&scene.home, &["hub", "token", "list"]);
        let output = command.stderr(inside.expect("a terminal")).output();
        assert_eq!(
            output
                .expect("a program")
                .stdout
                .split(|byte| *byte == b'\n')
                .count(),
            count + 2
        );
        // Nobody has the other end any more.
        drop(command);
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = read(&mut terminal, &mut part) {
            text.extend_from_slice(&part[..length]);
        }
        String::from_utf8(text).expect("text")
    };
    assert_eq!(seen(100), "");
    assert_eq!(
        seen(250),
        "\rread 100 of 250\rread 200 of 250\rread 250 of 250\r\u{1b}[K"
    );
}

#[test]
fn label_and_whether_it_is_taken_can_be_changed() {
    let scene = scene();
    scene.run(&create("ci", &["--profile", "ci"])).succeeds();
    let token = only(&scene, "anna");
    let update = |more: &[&'static str]| [&["hub", "token", "update"], more].concat();
    scene.says(
        &update(&["ci", "--inactive"]),
        "Changed ci (ID): inactive.\n",
        "",
        0,
    );
    assert!(!scene.hub.token(&token.id).expect("a token").is_active);
    scene.says(
        &update(&["ci", "--active", "--label", "cd"]),
        "Changed cd (ID): active.\n",
        "",
        0,
    );
    scene.says(
        &["hub", "token", "update", &token.id, "--label", "ce"],
        "Changed ce (ID): active.\n",
        "",
        0,
    );
    assert_eq!(scene.hub.token(&token.id).expect("a token").label, "ce");
    scene.says(
        &update(&["ce"]),
        "",
        &failure("nothing to change: say a new label, or whether the token is to be active"),
        1,
    );
    scene.says(
        &update(&["ci", "--active"]),
        "",
        &failure(&format!(
            "anna has no personal access token with the id or label ci; {NO_SUCH}"
        )),
        1,
    );
    let twin = scene.hub.generate("anna", "manual", "ce", scene.hub.now(), None);
    scene.says(
        &update(&["ce", "--active"]),
        "",
        &failure("2 personal access tokens of anna have the label ce; name one by its id: ID, ID"),
        1,
    );
    scene.says(
        &["hub", "token", "update", &twin.id, "--inactive"],
        "Changed ce (ID): inactive.\n",
        "",
        0,
    );
}

#[test]
fn a_secret_in_the_place_of_a_name_is_neither_sent_nor_repeated() {
    let scene = scene();
    scene.run(&create("ci", &["--profile", "ci"])).succeeds();
    let before = scene.asked().len();
    let secret = only(&scene, "anna").secret;
    for words in [
        &["hub", "token", "revoke", &secret][..],
        &["hub", "token", "revoke", "--", &secret],
        &["hub", "token", "list", "--account", &secret],
        &[
            "hub",
            "token",
            "create",
            "--label",
            &secret,
            "--scope",
            "repo:read",
            "--profile",
            "new",
        ],
        &["hub", "token", "rotate", &secret],
        &["hub", "token", "update", &secret, "--active"],
    ] {
        scene.says(
            words,
            "",
            "error: an argument is a token's secret, or has one in it: secrets are read from standard input, and others can see what is on a command line; revoke it if somebody may have\n",
            2,
        );
    }
    assert_eq!(scene.asked().len(), before);
}

#[test]
fn a_revoked_token_is_gone_here_too() {
    let scene = scene();
    scene.run(&create("ci", &["--profile", "ci"])).succeeds();
    let token = only(&scene, "anna");
    let registry = scene.registry();
    scene.run(&["token", &registry, "--profile", "ci"]).succeeds();
    scene.says(
        &["hub", "token", "revoke", "ci"],
        "ci (ID): revoked; removed here: REGISTRY, profile ci\n",
        "",
        0,
    );
    assert!(!scene.hub.is_good("anna", &token.secret));
    assert!(scene.stored_in("ci").is_none());
    // What it got is not handed out any more, either.
    let left = scene.run(&["cache"]).succeeds().stdout;
    assert_eq!(left.lines().count(), 2, "{left}");
    // By its id it can be done again.
    scene.says(
        &["hub", "token", "revoke", &token.id],
        "ID: was gone already, or is none of anna\n",
        "",
        0,
    );
}

#[test]
fn several_are_revoked_each_by_itself() {
    let scene = scene();
    for label in ["one", "two", "three"] {
        scene.run(&create(label, &["--profile", label])).succeeds();
    }
    let two = scene.stored_in("two").expect("a credential").secret;
    let two = scene.hub.token_of("anna", &two).expect("a token");
    scene
        .hub
        .fail("DELETE", &format!("{PERSONAL}/{}", two.id), 1, Fault::Status(403));
    scene.says(
        &["hub", "token", "revoke", "one", "two", "four", "three"],
        "one (ID): revoked; removed here: REGISTRY, profile one\n\
         three (ID): revoked; removed here: REGISTRY, profile three\n",
        &format!(
            "two (ID): not revoked: HUB refuses it (403): the account may not manage tokens; ask who administers it; once more: docker-credential-scoped hub token revoke ID\n\
             four: not revoked: anna has no personal access token with the id or label four; {NO_SUCH}\n"
        ),
        1,
    );
    // It is kept so that it can be tried again.
    assert!(scene.stored_in("two").is_some());
    assert_eq!(only(&scene, "anna").id, two.id);
    // The list was had once.
    assert_eq!(count(&scene.asked(), "GET /v2/access-tokens"), 1);
}

#[test]
fn an_organizations_token_is_revoked_by_label_or_id() {
    let scene = scene();
    let pull: &[(&str, &[&str])] = &[("acme/app", &["scope-image-pull"])];
    let one = scene.hub.generate_for_organization("acme", "one", pull);
    scene.hub.generate_for_organization("acme", "two", pull);
    scene.says(
        &["hub", "token", "revoke", "--org", "acme", "two", &one.id],
        "two (ID): revoked\nID: revoked\n",
        "",
        0,
    );
    scene
        .hub
        .fail("DELETE", &format!("{OF_ACME}/*"), 1, Fault::Status(403));
    let three = scene.hub.generate_for_organization("acme", "three", pull);
    scene.says(
        &["hub", "token", "revoke", "--org", "acme", &three.id],
        "",
        "ID: not revoked: HUB refuses it (403): the tokens of acme are for its owners; sign in as one of them; once more: docker-credential-scoped hub token revoke ID --org acme\n",
        1,
    );
}

#[test]
fn an_id_of_somebody_elses_is_not_taken_for_one_that_is_gone() {
    let scene = scene();
    let registry = scene.registry();
    let deploy = ["--org", "acme", "--allow", "acme/app:pull", "--profile", "deploy"];
    let made = [&["hub", "token", "create", "--label", "deploy"], &deploy[..]].concat();
    scene.run(&made).succeeds();
    let acmes = only(&scene, "acme");
    scene.says(
        &["hub", "token", "revoke", &acmes.id],
        "",
        "ID: not revoked: REGISTRY, profile deploy holds it as the organization access token of acme; say so with --org acme\n",
        1,
    );
    let bens = scene
        .hub
        .generate("ben", "manual", "ben", OffsetDateTime::now_utc(), None);
    hold(&scene.home, &registry, "bens", &bens, OffsetDateTime::now_utc());
    scene.says(
        &["hub", "token", "revoke", &bens.id],
        "",
        "ID: not revoked: REGISTRY, profile bens holds it as the session token of ben; say so with --account ben\n",
        1,
    );
    assert!(scene.stored_in("deploy").is_some() && scene.stored_in("bens").is_some());
    assert!(scene.hub.is_good("acme", &acmes.secret) && scene.hub.is_good("ben", &bens.secret));
    let is_revocation = |asked: &String| asked.starts_with("DELETE ");
    assert!(!scene.asked().iter().any(is_revocation));
    // What Docker Hub knows as the account's is that, whatever name it is held under.
    let own = scene
        .hub
        .generate("anna", "manual", "own", OffsetDateTime::now_utc(), None);
    let by_address = Token {
        owner: "anna@example.com".to_owned(),
        ..own.clone()
    };
    hold(
        &scene.home,
        &registry,
        "own",
        &by_address,
        OffsetDateTime::now_utc(),
    );
    scene.says(
        &["hub", "token", "revoke", &own.id],
        "ID: revoked; removed here: REGISTRY, profile own\n",
        "",
        0,
    );
    // And of one that is held as the owner's it is believed that it is gone.
    scene.hub.revoke(&acmes.id);
    scene.says(
        &["hub", "token", "revoke", "--org", "acme", &acmes.id],
        "ID: was gone already; removed here: REGISTRY, profile deploy\n",
        "",
        0,
    );
}

#[test]
fn a_page_of_a_proxy_revokes_nothing() {
    let scene = scene();
    scene.run(&create("ci", &["--profile", "ci"])).succeeds();
    let token = only(&scene, "anna");
    for (status, said) in [
        (404, "that there is nothing (404), and not as Docker Hub does"),
        (200, "the revocation with something that is not Docker Hub's"),
    ] {
        scene
            .hub
            .fail("DELETE", "*", 1, Fault::Answer(Answer::page(status)));
        scene.says(
            &["hub", "token", "revoke", &token.id],
            "",
            &format!(
                "ID: not revoked: HUB answered {said}; check hub.api in settings.json; once more: docker-credential-scoped hub token revoke ID\n"
            ),
            1,
        );
        assert!(scene.stored_in("ci").is_some());
    }
}

#[test]
fn a_token_that_is_good_for_longer_than_was_asked_is_revoked_again() {
    let later = json!({ "expires_at": "2100-01-01T00:00:00Z" });
    for (more, told) in [
        (
            later,
            "the new token is good for longer than was asked for, until TIME",
        ),
        (
            json!({ "expires_at": null }),
            "the new token was to end, and does not",
        ),
    ] {
        let scene = scene();
        let id = "b30bbf97-506c-4ecd-aabc-842f3cb484fb";
        let mut answer =
            json!({ "uuid": id, "token": "dckr_pat_new", "token_label": "ci", "scopes": ["repo:read"] });
        answer["expires_at"] = more["expires_at"].clone();
        scene
            .hub
            .fail("POST", PERSONAL, 1, Fault::Answer(Answer::json(&answer)));
        scene.says(
            &create(
                "ci",
                &["--profile", "ci", "--expires", "2099-01-31T00:00:00Z", "--print"],
            ),
            "",
            &format!("docker-credential-scoped: {told}; it was revoked again\n"),
            1,
        );
        assert_eq!(scene.stored_in("ci"), None);
        let asked = scene.asked();
        assert!(asked.contains(&format!("DELETE {PERSONAL}/{id}")), "{asked:?}");
    }
}

#[test]
fn a_token_that_is_refused_is_told_with_what_it_may_mean() {
    let scene = scene();
    scene.run(&create("ci", &["--profile", "ci"])).succeeds();
    let token = only(&scene, "anna");
    scene.hub.revoke(&token.id);
    let registry = scene.registry();
    let ask = ["token", &registry, "--pull", "anna/app", "--profile", "ci"];
    let refused = "http://TOKENS refused the credential (401)";
    let meaning = "the token may have been revoked or made inactive, or have expired: see whether ID is among docker-credential-scoped hub token list; if it is not, remove what is kept for REGISTRY, profile ci, docker-credential-scoped remove REGISTRY --profile ci, and make another with docker-credential-scoped hub token create";
    scene.says(&ask, "", &failure(&format!("{refused}; {meaning}")), 1);
    scene.says(
        &ask,
        "",
        &failure(&format!(
            "{refused}; not asked again for half a minute; {meaning}"
        )),
        1,
    );
    let image = format!("{registry}/anna/app");
    scene.says(
        &["exec", "--pull", &image, "--profile", "ci", "--", "true"],
        "",
        &failure(&format!(
            "no token for REGISTRY: {refused}; not asked again for half a minute; {meaning}"
        )),
        125,
    );
    // Of a password there is nothing more to say.
    Helper::of(&scene.home).store(&registry, "anna", "wrong");
    scene.says(
        &["token", &registry, "--pull", "anna/app", "--profile", "default"],
        "",
        &failure(&format!(
            "{refused}: it is wrong, expired or revoked; log in again"
        )),
        1,
    );
}

#[test]
fn what_expires_is_told_with_the_command_that_renews_it() {
    let scene = scene();
    scene
        .run(&create("ci", &["--profile", "ci", "--expires", "2d"]))
        .succeeds();
    let token = only(&scene, "anna");
    assert_eq!(
        scene.plain(&scene.run(&["status"]).stderr),
        "REGISTRY: the credential of anna expires TIME, in 2 days; renew it: docker-credential-scoped hub token rotate ID\n"
    );
    scene
        .run(&["hub", "token", "rotate", &token.id, "--expires", "30d"])
        .succeeds();
    assert_eq!(scene.run(&["status"]).stderr, "");
    scene
        .run(&[
            "hub",
            "token",
            "create",
            "--org",
            "acme",
            "--label",
            "ci",
            "--allow",
            "acme/app:pull",
            "--profile",
            "deploy",
            "--expires",
            "2d",
        ])
        .succeeds();
    let warned = scene.run(&["status"]).stderr;
    assert!(warned.trim_end().ends_with(" --org acme"), "{warned}");
}

#[test]
fn the_session_token_of_a_browser_login_that_is_refused_is_told_with_what_it_may_mean() {
    let scene = HubScene::new(Config::default());
    let login = scene.browser_login("anna");
    scene.hub.revoke(&login.token.id);
    scene.says(
        &["token", &scene.registry(), "--pull", "anna/app"],
        "",
        &failure("http://TOKENS refused the credential (401); the session token may have been revoked, have expired, or have been pruned, since of an account's the five most recently used are kept; log in again: docker login"),
        1,
    );
}

#[test]
fn what_is_made_rotated_and_revoked_is_written_down() {
    let scene = scene();
    let mut settings = scene.settings();
    settings["activityLog"] = true.into();
    scene.settle_with(&settings);
    scene.run(&create("ci", &["--profile", "ci"])).succeeds();
    scene.run(&["hub", "token", "rotate", "ci"]).succeeds();
    scene.run(&["hub", "token", "revoke", "ci"]).succeeds();
    let lines = scene.run(&["log", "--json"]).succeeds().stdout;
    let done: Vec<_> = lines
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(
                (&event["account"], &event["profile"]),
                (&json!("anna"), &json!("ci"))
            );
            event["action"].as_str().expect("a word").to_owned()
        })
        .collect();
    assert_eq!(
        done,
        [
            "create", "add", "create", "exchange", "add", "revoke", "revoke", "remove"
        ]
    );
}
