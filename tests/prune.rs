//! `prune`: which session tokens of a Docker Hub account go, and what is left where one cannot, against a Docker Hub on
//! loopback.

mod support;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Output, Stdio};
use std::thread;
use std::time::Duration;

use docker_credential_scoped::command::rfc3339;
use serde_json::json;
use support::fixture::answer::Answer;
use support::helper::Helper;
use support::hub::fault::Fault;
use support::hub::token::Token;
use support::hub::{ANNA, BEN, Config};
use support::hub_scene::{ACCESS_TOKEN, HubScene};
use support::sessions::{
    ago, called, command_on, held, hold, label, last_used, run_on, session_of, use_held,
};

/// A Docker Hub where anna's password is kept, and these many of her session tokens: the first was used a day ago, each
/// other an hour later, and every second one is held here, in the profile `p` with its number.
fn scene_with(count: i64) -> (HubScene, Vec<Token>) {
    scene_of(Config::default(), count)
}

fn scene_of(config: Config, count: i64) -> (HubScene, Vec<Token>) {
    let scene = HubScene::new(config);
    scene.log_in("anna", ANNA);
    let tokens = (0..count)
        .map(|number| {
            let (profile, used) = (format!("p{number}"), used(number));
            let token = session_of(&scene, "laptop", &profile, used);
            if number % 2 == 0 {
                hold(&scene.home, &scene.registry(), &profile, &token, used);
            }
            token
        })
        .collect();
    (scene, tokens)
}

fn used(number: i64) -> time::OffsetDateTime {
    ago(24 * 60 - 60 * number)
}

/// The ids of all tokens that an account has.
fn ids(scene: &HubScene, account: &str) -> BTreeSet<String> {
    scene
        .hub
        .tokens(account)
        .into_iter()
        .map(|token| token.id)
        .collect()
}

fn ids_of(tokens: &[Token]) -> BTreeSet<String> {
    tokens.iter().map(|token| token.id.clone()).collect()
}

fn place(scene: &HubScene, number: i64) -> String {
    format!("{}, profile p{number}", scene.registry())
}

/// What Docker Hub was asked to do, without the questions.
fn done(scene: &HubScene) -> Vec<String> {
    let is_done = |asked: &String| !asked.starts_with("GET ") && !asked.starts_with("POST /v2/auth/token");
    scene.asked().into_iter().filter(is_done).collect()
}

#[test]
fn the_plan_is_shown_and_nothing_is_changed() {
    let (scene, tokens) = scene_with(7);
    let line = |word: &str, number: usize| {
        let number_here = i64::try_from(number).unwrap();
        let here = if number.is_multiple_of(2) {
            format!("; here: {}", place(&scene, number_here))
        } else {
            String::new()
        };
        format!("{word} {}{here}\n", called(&tokens[number]))
    };
    let plan = (2..7)
        .rev()
        .map(|number| line("Would keep ", number))
        .chain((0..2).map(|number| line("Would prune", number)))
        .collect::<String>();
    let (before, held_before) = (ids(&scene, "anna"), held(&scene.home));
    run_on(&scene.home, "laptop", &["prune", "--dry-run"]).is(
        &format!("{plan}anna: 5 would be kept, 2 would be pruned; nothing was changed\n"),
        "",
        0,
    );
    assert_eq!((ids(&scene, "anna"), held(&scene.home)), (before, held_before));
    assert_eq!(done(&scene), [""; 0]);
}

#[test]
fn the_five_most_recently_used_are_kept_here_and_there() {
    let (scene, tokens) = scene_with(7);
    run_on(&scene.home, "laptop", &["prune"]).is(
        &format!(
            "Pruned {}; removed here: {}; revoked\nPruned {}; revoked\nanna: 5 session tokens kept, 2 pruned\n",
            called(&tokens[0]),
            place(&scene, 0),
            called(&tokens[1]),
        ),
        "",
        0,
    );
    assert_eq!(ids(&scene, "anna"), ids_of(&tokens[2..]));
    assert_eq!(
        held(&scene.home),
        [2, 4, 6].map(|number: usize| tokens[number].id.clone())
    );
    run_on(&scene.home, "laptop", &["prune"]).is("anna: 5 session tokens kept, 0 pruned\n", "", 0);
}

#[test]
fn what_is_used_here_counts_as_what_docker_hub_has_noticed() {
    let (scene, tokens) = scene_with(7);
    // Docker Hub has not noticed that the first was used here; and the third not for a day, though it was there.
    use_held(&scene.home, &scene.registry(), "p0", ago(5));
    use_held(&scene.home, &scene.registry(), "p2", ago(2 * 24 * 60));
    run_on(&scene.home, "laptop", &["prune"]).succeeds();
    let kept = [0, 3, 4, 5, 6].map(|number: usize| tokens[number].id.clone());
    assert_eq!(ids(&scene, "anna"), BTreeSet::from(kept));
}

#[test]
fn one_that_was_never_used_counts_from_when_it_was_made() {
    let (scene, tokens) = scene_with(5);
    let new = scene
        .hub
        .generate("anna", "manual", &label("desk", "session"), ago(1), None);
    let old = scene
        .hub
        .generate("anna", "manual", &label("desk", "old"), ago(48 * 60), None);
    run_on(&scene.home, "laptop", &["prune"]).is(
        &format!(
            "Pruned {} ({}), never used since {}; revoked\nPruned {}; removed here: {}; revoked\nanna: 5 session tokens \
             kept, 2 pruned\n",
            old.label,
            old.id,
            rfc3339(old.created),
            called(&tokens[0]),
            place(&scene, 0),
        ),
        "",
        0,
    );
    assert!(ids(&scene, "anna").contains(&new.id));
}

#[test]
fn as_many_are_kept_as_is_said() {
    let (scene, tokens) = scene_with(4);
    run_on(&scene.home, "laptop", &["prune", "--keep", "1"]).succeeds();
    assert_eq!(ids(&scene, "anna"), ids_of(&tokens[3..]));
    let none = run_on(&scene.home, "laptop", &["prune", "--keep", "0"]).succeeds();
    assert!(
        none.stdout.ends_with("anna: 0 session tokens kept, 1 pruned\n"),
        "{none:?}"
    );
    assert_eq!((ids(&scene, "anna").len(), held(&scene.home).len()), (0, 0));
    run_on(&scene.home, "laptop", &["prune", "--keep", "some"]).fails();
}

#[test]
fn no_token_that_cannot_be_told_is_touched() {
    let (scene, _) = scene_with(0);
    let old = ago(300 * 24 * 60);
    let alien = [
        ("manual", "ci"),
        ("manual", "docker-credential-scoped/session/"),
        ("manual", "docker-credential-scoped/session/laptop"),
        ("manual", "Docker-Credential-Scoped/session/laptop/a"),
        ("manual", "docker-credential-scoped/session/laptop/a/b"),
        ("auto-generated", "Generated by Docker Desktop for CLI usage"),
        ("", ""),
        ("unknown", "?"),
    ];
    for (source, label) in alien {
        scene.hub.generate("anna", source, label, old, None);
    }
    scene
        .hub
        .generate("ben", "manual", &label("laptop", "a"), old, None);
    let before = (ids(&scene, "anna"), ids(&scene, "ben"));
    run_on(&scene.home, "laptop", &["prune", "--keep", "0"]).is(
        "anna: 0 session tokens kept, 0 pruned\n",
        "",
        0,
    );
    assert_eq!((ids(&scene, "anna"), ids(&scene, "ben")), before);
    // All that is automatic is what Docker Hub says is: nothing that it does not.
    run_on(&scene.home, "laptop", &["prune", "--keep", "0", "--all-auto"]).succeeds();
    let left: Vec<_> = scene
        .hub
        .tokens("anna")
        .into_iter()
        .map(|token| token.source)
        .collect();
    assert_eq!(
        left,
        ["manual", "manual", "manual", "manual", "manual", "", "unknown"]
    );
}

#[test]
fn a_token_of_somebody_else_that_is_held_here_stays() {
    let (scene, _) = scene_with(0);
    let bens = scene
        .hub
        .generate("ben", "manual", &label("laptop", "bens"), ago(900), None);
    hold(&scene.home, &scene.registry(), "bens", &bens, ago(900));
    run_on(&scene.home, "laptop", &["prune", "--keep", "0"]).is(
        "anna: 0 session tokens kept, 0 pruned\n",
        "",
        0,
    );
    assert_eq!(held(&scene.home), [bens.id]);
    let mut add = command_on(
        &scene.home,
        "laptop",
        &["add", &scene.registry(), "--profile", "ben", "--username", "ben"],
    );
    support::outcome::Outcome::of(&mut add, BEN.as_bytes()).succeeds();
    run_on(
        &scene.home,
        "laptop",
        &["prune", "--keep", "0", "--account", "ben"],
    )
    .succeeds();
    assert_eq!((held(&scene.home).len(), ids(&scene, "ben").len()), (0, 0));
}

#[test]
fn one_that_was_renamed_is_known_by_its_id_while_it_is_held() {
    let (scene, tokens) = scene_with(1);
    scene
        .hub
        .change(&tokens[0].id, |token| "mine".clone_into(&mut token.label));
    run_on(&scene.home, "laptop", &["prune", "--keep", "0"]).is(
        &format!(
            "Pruned mine ({}), last used {}; removed here: {}; revoked\nanna: 0 session tokens kept, 1 pruned\n",
            tokens[0].id,
            rfc3339(tokens[0].last_used.unwrap()),
            place(&scene, 0)
        ),
        "",
        0,
    );
}

#[test]
fn what_docker_hub_has_no_more_is_removed_here() {
    let (scene, tokens) = scene_with(3);
    scene.hub.revoke(&tokens[0].id);
    run_on(&scene.home, "laptop", &["prune", "--dry-run"]).succeeds();
    let would = run_on(&scene.home, "laptop", &["prune", "--dry-run"])
        .succeeds()
        .stdout;
    let line = format!(
        "Would remove {}, which Docker Hub has no more; here: {}\n",
        tokens[0].id,
        place(&scene, 0)
    );
    assert!(would.contains(&line), "{would}");
    assert_eq!(held(&scene.home).len(), 2);
    run_on(&scene.home, "laptop", &["prune"]).is(
        &format!(
            "{}: Docker Hub has it no more; removed here: {}\nanna: 2 session tokens kept, 0 pruned\n",
            tokens[0].id,
            place(&scene, 0)
        ),
        "",
        0,
    );
    assert_eq!(held(&scene.home), [tokens[2].id.clone()]);
}

#[test]
fn one_that_goes_meanwhile_is_as_good_as_revoked() {
    let (scene, tokens) = scene_with(6);
    scene.hub.fail("DELETE", "*", 1, Fault::Status(404));
    run_on(&scene.home, "laptop", &["prune"]).is(
        &format!(
            "Pruned {}; removed here: {}; Docker Hub had it no more\nanna: 5 session tokens kept, 1 pruned\n",
            called(&tokens[0]),
            place(&scene, 0)
        ),
        "",
        0,
    );
}

#[test]
fn what_comes_before_the_plan_and_fails_changes_nothing() {
    let faults = [
        ("POST", "/v2/auth/token", 0),
        ("GET", "/v2/access-tokens", 0),
        ("GET", "/v2/access-tokens", 2),
        // Of one that is held here and not on the list.
        ("GET", "/v2/access-tokens/*", 0),
    ];
    for (method, path, after) in faults {
        for fault in [Fault::Status(403), Fault::Status(400)] {
            let config = Config {
                page_cap: 3,
                ..Config::default()
            };
            let (scene, tokens) = scene_of(config, 8);
            scene.hub.revoke(&tokens[6].id);
            let before = (ids(&scene, "anna"), held(&scene.home));
            scene.hub.fail_later(method, path, after, 9, fault);
            let failed = run_on(&scene.home, "laptop", &["prune"]);
            assert_eq!(
                (failed.stdout.as_str(), failed.code),
                ("", Some(1)),
                "{method} {path}"
            );
            assert!(
                failed.stderr.starts_with("docker-credential-scoped: "),
                "{failed:?}"
            );
            assert_eq!(
                (ids(&scene, "anna"), held(&scene.home)),
                before,
                "{method} {path}"
            );
            assert_eq!(done(&scene), [""; 0]);
            scene.hub.mend();
            // That the password was refused is remembered for a while.
            run_on(&scene.home, "laptop", &["cache", "--clear"]).succeeds();
            run_on(&scene.home, "laptop", &["prune"]).succeeds();
            let kept = [2, 3, 4, 5, 7].map(|number: usize| tokens[number].id.clone());
            assert_eq!(ids(&scene, "anna"), BTreeSet::from(kept));
        }
    }
}

#[test]
fn one_that_cannot_be_revoked_leaves_the_others_done() {
    let (scene, tokens) = scene_with(8);
    scene.hub.fail_later("DELETE", "*", 1, 1, Fault::Status(403));
    let gone = |number: usize, here: &str| format!("Pruned {}{here}; revoked\n", called(&tokens[number]));
    run_on(&scene.home, "laptop", &["prune"]).is(
        &format!(
            "{}{}anna: 5 session tokens kept, 2 pruned\n",
            gone(0, &format!("; removed here: {}", place(&scene, 0))),
            gone(2, &format!("; removed here: {}", place(&scene, 2))),
        ),
        &format!(
            "{}; not revoked: {} refuses it (403): the account may not manage tokens; ask who administers it; revoke it: \
             docker-credential-scoped hub token revoke {}\n",
            called(&tokens[1]),
            scene.hub.api().replace("http://", ""),
            tokens[1].id
        ),
        1,
    );
    assert_eq!(
        held(&scene.home),
        [4, 6].map(|number: usize| tokens[number].id.clone())
    );
    run_on(&scene.home, "laptop", &["prune"]).succeeds();
    assert_eq!(ids(&scene, "anna"), ids_of(&tokens[3..]));
}

#[test]
fn where_the_sign_in_ends_or_docker_hub_is_not_to_be_had_the_others_stay_here_too() {
    for fault in [
        // Neither this bearer is taken, nor the next.
        Fault::Status(401),
        Fault::Status(503),
        Fault::DropBefore,
        // As of a network that wants somebody to sign in first.
        Fault::Answer(Answer::page(200)),
        Fault::Answer(Answer::page(403)),
        Fault::Answer(Answer::page(405)),
    ] {
        let (scene, tokens) = scene_with(8);
        // The one before is revoked.
        scene.hub.fail_later("DELETE", "*", 1, 9, fault);
        let ended = run_on(&scene.home, "laptop", &["prune"]).fails();
        assert!(
            ended
                .stderr
                .starts_with(&format!("{}; not revoked: ", called(&tokens[1])))
                && ended
                    .stderr
                    .ends_with("\n1 more are left; once more: docker-credential-scoped prune\n"),
            "{ended:?}"
        );
        assert!(
            ended.stdout.ends_with("anna: 5 session tokens kept, 1 pruned\n"),
            "{ended:?}"
        );
        assert_eq!(
            held(&scene.home),
            [2, 4, 6].map(|number: usize| tokens[number].id.clone())
        );
        scene.hub.mend();
        run_on(&scene.home, "laptop", &["prune"]).succeeds();
        assert_eq!(ids(&scene, "anna"), ids_of(&tokens[3..]));
    }
}

#[test]
fn one_that_is_removed_here_and_not_revoked_is_found_again() {
    for fault in [Fault::Status(403), Fault::DropBefore, Fault::DropAfter] {
        let (scene, tokens) = scene_with(6);
        scene.hub.fail("DELETE", "*", 9, fault);
        let failed = run_on(&scene.home, "laptop", &["prune"]);
        let line = format!(
            "{}; removed here: {}; not revoked: ",
            called(&tokens[0]),
            place(&scene, 0)
        );
        // Asked again, what was done without an answer is gone.
        assert!(
            failed.stderr.starts_with(&line) || failed.stdout.contains("had it no more"),
            "{failed:?}"
        );
        assert_eq!(
            held(&scene.home),
            [2, 4].map(|number: usize| tokens[number].id.clone())
        );
        scene.hub.mend();
        run_on(&scene.home, "laptop", &["prune"]).succeeds();
        assert_eq!(ids(&scene, "anna"), ids_of(&tokens[1..]));
    }
}

/// Prunes, and does this when the first token, of `p0`, is gone from here and is being revoked.
fn pruned_while(scene: &HubScene, then: impl FnOnce()) -> std::io::Result<Output> {
    scene
        .hub
        .fail("DELETE", "*", 1, Fault::Slow(Duration::from_secs(4)));
    let running = command_on(&scene.home, "laptop", &["prune"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let name = format!("{}@p0", scene.registry().replace(':', "%3A"));
    while scene.home.slots().join(&name).exists() {
        thread::sleep(Duration::from_millis(1));
    }
    then();
    running.wait_with_output()
}

#[test]
fn one_that_cannot_be_removed_here_is_not_revoked() {
    let (scene, tokens) = scene_with(8);
    let name = format!("{}@p2", scene.registry().replace(':', "%3A"));
    let slots = ".local/share/docker-credential-scoped/slots";
    let output = pruned_while(&scene, || {
        scene.home.write(&format!("{slots}/{name}"), "damaged");
    })
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let line = format!(
        "{}: is left, since it could not be removed from {}: ",
        called(&tokens[2]),
        place(&scene, 2)
    );
    assert!(said.starts_with(&line), "{said}");
    assert_eq!(
        ids(&scene, "anna"),
        ids_of(&tokens[2..]),
        "the one before and the one after are gone"
    );
}

#[test]
fn one_that_is_used_or_replaced_meanwhile_stays_here() {
    let (scene, tokens) = scene_with(10);
    let mut put = None;
    let output = pruned_while(&scene, || {
        use_held(&scene.home, &scene.registry(), "p2", ago(0));
        let other = session_of(&scene, "laptop", "p4", ago(0));
        hold(&scene.home, &scene.registry(), "p4", &other, ago(0));
        put = Some(other);
    })
    .unwrap();
    let other = put.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("{}: was used meanwhile, and is left\n", called(&tokens[2]))
    );
    let left = ids(&scene, "anna");
    assert!(left.contains(&tokens[2].id) && left.contains(&other.id));
    assert!(
        !left.contains(&tokens[4].id),
        "it was not used, and is not there any more"
    );
    assert!(held(&scene.home).contains(&other.id));
}

#[test]
fn one_that_is_used_meanwhile_in_one_of_its_places_stays_in_all() {
    let (scene, tokens) = scene_with(8);
    hold(&scene.home, &scene.registry(), "q2", &tokens[2], used(2));
    let output = pruned_while(&scene, || {
        use_held(&scene.home, &scene.registry(), "q2", ago(0));
    })
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("{}: was used meanwhile, and is left\n", called(&tokens[2]))
    );
    assert_eq!(
        held(&scene.home),
        [2, 4, 6, 2].map(|number: usize| tokens[number].id.clone())
    );
    assert_eq!(ids(&scene, "anna"), ids_of(&tokens[2..]));
}

#[test]
fn who_is_killed_in_between_leaves_what_the_next_one_prunes() {
    for after in 0..3 {
        let (scene, tokens) = scene_with(8);
        scene
            .hub
            .fail_later("DELETE", "*", after, 1, Fault::Slow(Duration::from_secs(3)));
        let mut running = command_on(&scene.home, "laptop", &["prune"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // What the request is for is removed here before it is sent.
        while ids(&scene, "anna").len() > 8 - after
            || (after != 1 && held(&scene.home).contains(&tokens[after].id))
        {
            thread::sleep(Duration::from_millis(1));
        }
        running.kill().unwrap();
        running.wait().unwrap();
        scene.hub.mend();
        run_on(&scene.home, "laptop", &["prune"]).succeeds();
        assert_eq!(ids(&scene, "anna"), ids_of(&tokens[3..]), "after {after}");
        assert_eq!(
            held(&scene.home),
            [4, 6].map(|number: usize| tokens[number].id.clone())
        );
    }
}

/// What docker's browser login stores on the laptop, in the profile `browser`.
fn browser_login(scene: &HubScene) -> (Token, Helper<'_>) {
    stored_beside_a_browser_login(scene, None)
}

/// The same, where somebody logs in with a token of his own a moment later.
fn stored_beside_a_browser_login<'a>(scene: &'a HubScene, own: Option<&Token>) -> (Token, Helper<'a>) {
    scene.home.link_helper("docker-credential-scoped-browser");
    let helper = Helper::for_profile(&scene.home, "browser");
    let login = scene.hub.browser_login("anna");
    helper.store(ACCESS_TOKEN, "anna", &login.access_token);
    let stored = own.cloned().unwrap_or(login.token);
    helper.store(&scene.registry(), "anna", &stored.secret);
    (stored, helper)
}

/// How often somebody signed in.
fn sign_ins(scene: &HubScene) -> usize {
    let asked = scene.asked().into_iter();
    asked
        .filter(|asked| asked.starts_with("POST /v2/auth/token"))
        .count()
}

#[test]
fn which_a_browser_login_stored_is_asked_once_and_then_it_is_a_session_token_like_others() {
    let (scene, tokens) = scene_with(5);
    let (browser, helper) = browser_login(&scene);
    use_held(&scene.home, &scene.registry(), "browser", ago(60));
    let used = last_used(&scene.home, &scene.registry(), "browser");
    run_on(&scene.home, "laptop", &["prune"]).is(
        &format!(
            "Pruned {}; removed here: {}; revoked\nanna: 5 session tokens kept, 1 pruned\n",
            called(&tokens[0]),
            place(&scene, 0)
        ),
        "",
        0,
    );
    assert!(held(&scene.home).contains(&browser.id), "it is written down");
    assert_eq!(
        last_used(&scene.home, &scene.registry(), "browser"),
        used,
        "to be asked for is no use"
    );
    assert_eq!(sign_ins(&scene), 1);
    run_on(&scene.home, "laptop", &["prune"]).is("anna: 5 session tokens kept, 0 pruned\n", "", 0);
    assert_eq!(sign_ins(&scene), 1);

    let none = run_on(&scene.home, "laptop", &["prune", "--keep", "0"])
        .succeeds()
        .stdout;
    assert!(
        none.contains(&format!("Pruned {} ({}), last used ", browser.label, browser.id))
            && none.contains(&format!(
                "; removed here: {}, profile browser; revoked\n",
                scene.registry()
            )),
        "{none}"
    );
    assert_eq!(
        (ids(&scene, "anna").len(), helper.get(&scene.registry())),
        (0, None)
    );
}

#[test]
fn where_all_that_is_automatic_is_meant_a_browser_logins_token_counts_once() {
    let (scene, _) = scene_with(4);
    let (browser, helper) = browser_login(&scene);
    scene
        .hub
        .generate("anna", "auto-generated", "docker", ago(99_999), None);
    let plan = run_on(&scene.home, "laptop", &["prune", "--all-auto", "--dry-run"])
        .succeeds()
        .stdout;
    let not_asked = format!(
        "{}, profile browser: left, and not counted: which of Docker Hub's tokens it is cannot be told: a dry run does not \
         sign in with it, which Docker Hub would count as a use\n",
        scene.registry()
    );
    assert!(
        plan.contains(&not_asked)
            && plan.ends_with("anna: 4 would be kept, 0 would be pruned; nothing was changed\n"),
        "{plan}"
    );
    assert!(!held(&scene.home).contains(&browser.id), "nothing was changed");
    let of_browser = |token: &Token| token.id == browser.id;
    let listed = scene.hub.tokens("anna").into_iter().find(of_browser);
    assert!(
        listed.is_some_and(|token| token.last_used.is_none()),
        "a dry run is no use"
    );
    let told = run_on(&scene.home, "laptop", &["prune", "--all-auto"])
        .succeeds()
        .stdout;
    assert!(
        told.ends_with("anna: 5 session tokens kept, 1 pruned\n"),
        "{told}"
    );
    assert!(told.starts_with("Pruned docker ("), "{told}");
    assert!(helper.get(&scene.registry()).is_some() && ids(&scene, "anna").contains(&browser.id));
}

#[test]
fn one_that_was_made_by_hand_is_never_pruned_though_it_was_taken_for_a_browser_logins() {
    for all_auto in [false, true] {
        let (scene, _) = scene_with(0);
        let own = scene.hub.generate("anna", "manual", "ci", ago(99_999), None);
        let (_, helper) = stored_beside_a_browser_login(&scene, Some(&own));
        use_held(&scene.home, &scene.registry(), "browser", ago(99_998));
        let mut arguments = vec!["prune", "--keep", "0"];
        arguments.extend(all_auto.then_some("--all-auto"));
        let told = run_on(&scene.home, "laptop", &arguments).succeeds().stdout;
        let left = format!(
            "{}, profile browser: left: ci ({}) was made by hand, and is no session token\n",
            scene.registry(),
            own.id
        );
        assert!(told.contains(&left), "{told}");
        assert!(helper.get(&scene.registry()).is_some() && ids(&scene, "anna").contains(&own.id));
        let status = scene.run(&["status"]).succeeds().stdout;
        assert!(
            status.contains(" PAT ") && !status.contains("session"),
            "{status}"
        );
        // It is known for what it is from now on.
        run_on(&scene.home, "laptop", &arguments).is("anna: 0 session tokens kept, 0 pruned\n", "", 0);
        assert!(helper.get(&scene.registry()).is_some());
    }
}

#[test]
fn a_browser_logins_token_that_nobody_can_tell_is_left_with_all_that_it_may_be() {
    let unlisted = "is not in the list";
    for (what, why) in [
        ("refused", "takes it no more; remove it with docker logout"),
        ("down", "answered 500; try again later"),
        ("unlisted", unlisted),
    ] {
        let (scene, tokens) = scene_with(2);
        let (browser, helper) = browser_login(&scene);
        let auto = scene
            .hub
            .generate("anna", "auto-generated", "docker", ago(99_999), None);
        match what {
            "refused" => scene.hub.change(&browser.id, |token| token.is_active = false),
            "down" => scene.hub.fail("POST", "/v2/auth/token", 9, Fault::Status(500)),
            // Made after the list was.
            _ => {
                let before = scene.hub.tokens("anna").into_iter();
                let entry = |token: Token| {
                    json!({ "uuid": token.id, "token_label": token.label, "generated_by": token.source,
                            "created_at": rfc3339(token.created), "last_used": null })
                };
                let entries: Vec<_> = before.filter(|token| token.id != browser.id).map(entry).collect();
                let list = Fault::Answer(Answer::json(&json!({ "results": entries })));
                scene.hub.fail("GET", "/v2/access-tokens", 1, list);
            }
        }
        let told = run_on(&scene.home, "laptop", &["prune", "--keep", "0", "--all-auto"]).succeeds();
        let here = format!(
            "{}, profile browser: left, and not counted: which of Docker Hub's tokens it is cannot be told: ",
            scene.registry()
        );
        assert!(
            told.stdout.contains(&here) && told.stdout.contains(&format!("{why}\n")),
            "{what}: {told:?}"
        );
        // What is known to be another is not left.
        let may_be = why != unlisted;
        let line = format!("docker ({}): left, since it may be that one\n", auto.id);
        assert_eq!(told.stdout.contains(&line), may_be, "{what}: {told:?}");
        assert_eq!(ids(&scene, "anna").contains(&auto.id), may_be, "{what}");
        assert!(!ids(&scene, "anna").contains(&tokens[0].id), "{what}");
        assert!(helper.get(&scene.registry()).is_some(), "{what}");
        assert_eq!(held(&scene.home), [""; 0]);
    }
}

#[test]
fn what_nobody_says_when_it_was_made_or_used_is_left() {
    let (scene, tokens) = scene_with(2);
    let entry = |number: usize, used: &str| {
        let Token { id, label, .. } = &tokens[number];
        json!({ "uuid": id, "token_label": label, "created_at": "2026-01-01T00:00:00Z", "last_used": used,
                "generated_by": "manual", "scopes": ["repo:read"] })
    };
    let unmade = json!({ "uuid": "unmade", "token_label": label("desk", "unmade"), "created_at": null,
                         "last_used": "2026-01-01T00:00:00Z" });
    let list = json!({ "results": [entry(0, "yesterday"), entry(1, "2026-01-01T00:00:00Z"), unmade] });
    scene
        .hub
        .fail("GET", "/v2/access-tokens", 1, Fault::Answer(Answer::json(&list)));
    let told = run_on(&scene.home, "laptop", &["prune", "--keep", "0"])
        .succeeds()
        .stdout;
    let left = |name: &str, id: &str| {
        format!(
            "{name} ({id}): left, and not counted: Docker Hub does not tell when it was made or used in a way that is \
             understood here\n"
        )
    };
    assert!(
        told.contains(&left(&tokens[0].label, &tokens[0].id))
            && told.contains(&left(&label("desk", "unmade"), "unmade")),
        "{told}"
    );
    assert!(
        told.ends_with("anna: 0 session tokens kept, 1 pruned\n"),
        "{told}"
    );
    assert_eq!(ids(&scene, "anna"), ids_of(&tokens[..1]));
    assert_eq!(held(&scene.home), [tokens[0].id.clone()]);
}

#[test]
fn a_machine_whose_clock_is_wrong_prunes_by_docker_hubs() {
    for hours in [-3, 0, 1] {
        let scene = HubScene::new(Config::default());
        scene.hub.advance(time::Duration::hours(hours));
        scene.log_in("anna", ANNA);
        let there = |minutes: i64| ago(minutes - 60 * hours);
        let here = session_of(&scene, "laptop", "here", there(90));
        scene
            .hub
            .change(&here.id, |token| token.last_used = Some(there(600)));
        hold(&scene.home, &scene.registry(), "here", &here, ago(90));
        let others: Vec<_> = [30, 40, 50, 60, 100]
            .iter()
            .map(|minutes| session_of(&scene, "desk", &format!("p{minutes}"), there(*minutes)))
            .collect();
        run_on(&scene.home, "laptop", &["prune"]).succeeds();
        assert!(!ids(&scene, "anna").contains(&others[4].id), "{hours}");
        assert!(ids(&scene, "anna").contains(&here.id), "{hours}");
        run_on(&scene.home, "laptop", &["prune", "--keep", "4"]).succeeds();
        assert_eq!(ids(&scene, "anna"), ids_of(&others[..4]), "{hours}");
    }
}

#[test]
fn two_machines_and_eight_pruners_leave_the_five_most_recently_used() {
    let scene = HubScene::new(Config::default());
    let desk = scene.other_machine();
    let mut sessions = Vec::new();
    for (home, machine) in [(&scene.home, "laptop"), (&desk, "desk")] {
        Helper::of(home).store(&scene.registry(), "anna", ANNA);
        for number in 0..8 {
            let used = ago(if machine == "desk" { 30 } else { 0 } + 60 * (number + 1));
            let profile = format!("p{number}");
            let token = session_of(&scene, machine, &profile, used);
            hold(home, &scene.registry(), &profile, &token, used);
            sessions.push((used, token));
        }
    }
    let manual: Vec<_> = (0..20)
        .map(|number| {
            scene
                .hub
                .generate("anna", "manual", &format!("ci-{number}"), ago(99_999), None)
        })
        .collect();
    sessions.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
    let kept: Vec<Token> = sessions.into_iter().take(5).map(|(_, token)| token).collect();
    let running: Vec<_> = (0..8)
        .map(|number| {
            let (home, machine) = if number % 2 == 0 {
                (&scene.home, "laptop")
            } else {
                (&desk, "desk")
            };
            command_on(home, machine, &["prune"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.is_empty(), "{told}");
    }
    let mut wanted = ids_of(&kept);
    wanted.extend(ids_of(&manual));
    assert_eq!(ids(&scene, "anna"), wanted);
    // Each machine has what it had of the five: three that were used on the hour, and two between.
    let here: BTreeSet<_> = held(&scene.home).into_iter().chain(held(&desk)).collect();
    for token in &kept {
        assert!(here.contains(&token.id), "{}", token.label);
    }
    for home in [&scene.home, &desk] {
        run_on(home, "laptop", &["prune"]).succeeds();
    }
    let here: BTreeSet<_> = held(&scene.home).into_iter().chain(held(&desk)).collect();
    assert_eq!(here, ids_of(&kept));
}

#[test]
fn sessions_that_start_while_others_prune_end_up_as_five_and_nothing_dead_is_held() {
    let scene = HubScene::new(Config::default());
    let desk = scene.other_machine();
    let machines = [(&scene.home, "laptop"), (&desk, "desk")];
    for (home, machine) in machines {
        Helper::of(home).store(&scene.registry(), "anna", ANNA);
        let old = session_of(&scene, machine, "old", ago(600));
        hold(home, &scene.registry(), "old", &old, ago(600));
    }
    let manual = scene.hub.generate("anna", "manual", "ci", ago(99_999), None);
    let running: Vec<_> = (0..12)
        .map(|number: usize| {
            let (home, machine) = machines[number % 2];
            let profile = format!("s{number}");
            let start = ["session", "start", "--profile", &profile];
            let arguments: &[&str] = if number < 8 { &start } else { &["prune"] };
            command_on(home, machine, arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.is_empty(), "{told}");
    }
    for (home, machine) in machines.into_iter().chain(machines) {
        run_on(home, machine, &["prune"]).succeeds();
    }
    let mut started = scene.hub.tokens("anna");
    started.retain(|token| token.id != manual.id);
    assert_eq!(started.len(), 5);
    assert!(
        started.iter().all(|token| !token.label.ends_with("/old")),
        "{started:?}"
    );
    let here: BTreeSet<_> = held(&scene.home).into_iter().chain(held(&desk)).collect();
    assert_eq!(here, ids_of(&started));
    assert!(scene.hub.token(&manual.id).is_some());
}

#[test]
fn a_thousand_tokens_are_read_once_and_only_what_goes_is_revoked() {
    let scene = HubScene::new(Config::default());
    scene.log_in("anna", ANNA);
    let mut kept = Vec::new();
    for number in 0..955 {
        kept.push(
            scene
                .hub
                .generate("anna", "manual", &format!("ci-{number}"), ago(99_999), None),
        );
    }
    let sessions: Vec<_> = (0..45)
        .map(|number| {
            let (profile, used) = (format!("p{number}"), ago(100 - number));
            let token = session_of(&scene, "laptop", &profile, used);
            hold(&scene.home, &scene.registry(), &profile, &token, used);
            token
        })
        .collect();
    kept.extend_from_slice(&sessions[40..]);
    run_on(&scene.home, "laptop", &["prune"]).succeeds();
    let here: BTreeSet<_> = held(&scene.home).into_iter().collect();
    assert_eq!(here, ids_of(&sessions[40..]));
    let mut asked = vec!["POST /v2/auth/token".to_owned()];
    asked.extend(vec!["GET /v2/access-tokens".to_owned(); 10]);
    asked.extend(
        sessions[..40]
            .iter()
            .map(|token| format!("DELETE /v2/access-tokens/{}", token.id)),
    );
    assert_eq!(scene.asked(), asked);
    let pages: Vec<_> = scene
        .hub
        .requests()
        .iter()
        .filter(|request| request.method == "GET")
        .map(|request| request.query.clone())
        .collect();
    let each = (1..=10).map(|page| format!("page={page}&page_size=100"));
    assert_eq!(pages, each.collect::<Vec<_>>());
    assert_eq!(ids(&scene, "anna"), ids_of(&kept));
}

#[test]
fn what_is_done_is_said_when_it_is_done() {
    let (scene, tokens) = scene_with(7);
    scene
        .hub
        .fail_later("DELETE", "*", 1, 1, Fault::Slow(Duration::from_secs(3)));
    let mut running = command_on(&scene.home, "laptop", &["prune"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = std::io::BufReader::new(running.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.contains(&tokens[0].id), "{line}");
    assert!(
        ids(&scene, "anna").contains(&tokens[1].id),
        "the second is still to come"
    );
    running.kill().unwrap();
    running.wait().unwrap();
    std::io::stdout().flush().unwrap();
}

#[test]
fn who_cannot_manage_prunes_nothing() {
    let scene = HubScene::new(Config::default());
    let token = session_of(&scene, "laptop", "p0", ago(60));
    hold(&scene.home, &scene.registry(), "p0", &token, ago(60));
    run_on(&scene.home, "laptop", &["prune", "--keep", "0"]).is(
        "",
        &format!(
            "docker-credential-scoped: nobody can manage tokens from here: {}, profile p0, session token: Docker Hub lets no \
             personal access token manage tokens; sign in with docker login in a browser, or with a password\n",
            scene.registry()
        ),
        1,
    );
    assert_eq!(held(&scene.home), [token.id]);
    assert_eq!(scene.asked(), [""; 0]);
}
