//! Refresh tokens that are good for one use, and many processes that have one in common.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "a test stops where it errs")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use docker_credential_scoped::credential::{AllowedScopes, Credential, KeptSecret, Kind, Origin, Profile};
use docker_credential_scoped::files::Location;
use docker_credential_scoped::registry::ServerUrl;
use docker_credential_scoped::secret::Secret;
use docker_credential_scoped::store::{CredentialStore, Slot};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use support::fixture::answer::Answer;
use support::fixture::request::Request;
use support::helper::Helper;
use support::home::HELPER;
use support::outcome::Outcome;
use support::scene::{REFRESH, Scene, command};
use time::OffsetDateTime;

/// A token server that takes each refresh token once. One that comes again is stolen, and nobody is believed after.
#[derive(Clone, Default)]
struct SingleUse(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// How often it has given out a new one.
    rotations: usize,
    is_revoked: bool,
}

impl SingleUse {
    /// The token to be used next, of a family that began with the one that is stored in the scene.
    fn next(&self) -> String {
        name(self.0.lock().expect("a state").rotations)
    }

    fn is_revoked(&self) -> bool {
        self.0.lock().expect("a state").is_revoked
    }

    fn answer(&self, request: &Request, life: u32) -> Answer {
        let mut state = self.0.lock().expect("a state");
        if request.value("refresh_token") != Some(name(state.rotations)) {
            state.is_revoked = true;
        }
        if state.is_revoked {
            return Answer::json(&json!({ "error": "invalid_grant" })).with_status(400);
        }
        state.rotations += 1;
        let scope = request.value("scope").expect("a scope");
        Answer::json(
            &json!({ "access_token": scope, "expires_in": life, "refresh_token": name(state.rotations) }),
        )
    }
}

fn name(number: usize) -> String {
    match number {
        0 => REFRESH.to_owned(),
        _ => format!("refresh-token-{number}"),
    }
}

/// A token server of that kind which takes that long.
fn stage(pause: Duration) -> (Scene, SingleUse) {
    let server = SingleUse::default();
    let behaviour = server.clone();
    let scene = Scene::usual(move |request| {
        let answer = behaviour.answer(request, 300);
        thread::sleep(pause);
        answer
    });
    (scene.with_refresh_token(), server)
}

fn start(scene: &Scene, repository: &str) -> Child {
    asking(scene, repository)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the helper")
}

fn asking(scene: &Scene, repository: &str) -> Command {
    let mut command = command(&scene.home, &scene.fixture.address());
    command.args(["--pull", repository]);
    command
}

#[track_caller]
fn succeeds(child: Child, repository: &str) {
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8(output.stdout).expect("text");
    let note = String::from_utf8(output.stderr).expect("text");
    assert_eq!(
        (said, note),
        (format!("repository:{repository}:pull\n"), String::new())
    );
}

/// One process for each of these, all at the same time.
#[track_caller]
fn all_succeed(scene: &Scene, repositories: impl Iterator<Item = String>) {
    let children: Vec<_> = repositories
        .map(|repository| (start(scene, &repository), repository))
        .collect();
    for (child, repository) in children {
        succeeds(child, &repository);
    }
}

/// Waits until the token server has given out that many.
fn wait_for_rotation(scene: &Scene, server: &SingleUse, rotations: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.next() != name(rotations) {
        assert!(Instant::now() < deadline, "{:?}", scene.asked());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn thirty_processes_use_each_refresh_token_once() {
    let (scene, server) = stage(Duration::from_millis(50));
    // Where the registry's tokens come from is known.
    asking(&scene, "a/first").output().expect("the helper");
    all_succeed(&scene, (0..30).map(|number| format!("a/{number}")));
    assert!(!server.is_revoked(), "one was used twice");
    assert_eq!(server.next(), name(31));
    assert_eq!(scene.stored(), Some(name(31)));
}

#[test]
fn thirty_processes_with_one_scope_make_one_exchange() {
    let (scene, server) = stage(Duration::from_millis(300));
    all_succeed(&scene, (0..30).map(|_| "a/b".to_owned()));
    assert!(!server.is_revoked(), "one was used twice");
    assert_eq!((scene.asked().len(), scene.stored()), (1, Some(name(1))));
}

#[test]
fn a_slow_token_server_is_waited_for_as_long_as_the_line_moves() {
    let (scene, server) = stage(Duration::from_secs(2));
    all_succeed(&scene, (0..7).map(|number| format!("a/{number}")));
    assert!(!server.is_revoked(), "one was used twice");
    assert_eq!(scene.stored(), Some(name(7)));
}

#[test]
fn a_process_that_is_killed_lets_the_next_one_have_its_turn_at_once() {
    let server = SingleUse::default();
    let behaviour = server.clone();
    let scene = Scene::usual(move |request| {
        if request.value("scope").as_deref() == Some("repository:a/stuck:pull") {
            thread::sleep(Duration::from_secs(9));
        }
        behaviour.answer(request, 300)
    })
    .with_refresh_token();
    asking(&scene, "a/first").output().expect("the helper");
    let mut stuck = start(&scene, "a/stuck");
    thread::sleep(Duration::from_millis(500));
    let waiting = start(&scene, "a/b");
    thread::sleep(Duration::from_millis(500));
    stuck.kill().expect("the process");
    stuck.wait().expect("an end");
    let killed = Instant::now();
    succeeds(waiting, "a/b");
    assert!(
        killed.elapsed() < Duration::from_secs(1),
        "{:?}",
        killed.elapsed()
    );
    assert_eq!(scene.stored(), Some(name(2)));
}

#[test]
fn a_process_that_is_stopped_is_not_waited_for_without_end() {
    let server = SingleUse::default();
    let (behaviour, gate) = (server.clone(), Arc::new(Mutex::new(())));
    let held_back = Arc::clone(&gate);
    let scene = Scene::usual(move |request| {
        let answer = behaviour.answer(request, 300);
        drop(held_back.lock());
        answer
    })
    .with_refresh_token();
    // Its answer comes only when it is stopped.
    let until_stopped = gate.lock().expect("a gate");
    let mut stopped = start(&scene, "a/stopped");
    wait_for_rotation(&scene, &server, 1);
    kill_process(Pid::from_child(&stopped), Signal::STOP).expect("the process");
    drop(until_stopped);
    let began = Instant::now();
    // What would be taken is in the other's hands, or on its way to it. This one is refused, but told so in time.
    let outcome = Outcome::of(&mut asking(&scene, "a/b"), b"").fails();
    assert!(
        outcome.stderr.contains("refused the credential (400)"),
        "{outcome:?}"
    );
    // Half a minute is what a call may take; of these two, one in 64 waits in the cache's line first.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    stopped.kill().expect("the process");
    stopped.wait().expect("an end");
    assert_eq!(scene.stored().as_deref(), Some(REFRESH), "it stays");
}

#[test]
fn who_logs_out_while_others_wait_for_their_turn_has_logged_out() {
    let (scene, server) = stage(Duration::from_millis(1500));
    let first = start(&scene, "a/first");
    wait_for_rotation(&scene, &server, 1);
    let waiting = start(&scene, "a/b");
    thread::sleep(Duration::from_millis(500));
    Helper::of(&scene.home)
        .ask("erase", &scene.fixture.address())
        .is("", "", 0);
    succeeds(first, "a/first");
    let output = waiting.wait_with_output().expect("an end");
    assert_eq!(
        scene.asked().last().expect("a request").value("refresh_token"),
        None,
        "{output:?}"
    );
    assert_eq!(scene.stored(), None);
}

#[test]
fn a_refresh_token_that_is_declared_is_renewed_by_its_owner_alone() {
    let (scene, server) = stage(Duration::ZERO);
    let address = scene.fixture.address();
    Helper::of(&scene.home).ask("erase", &address).is("", "", 0);
    let file = scene.home.write("refresh-token", REFRESH);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its owner's file");
    let credential = json!({ "server": address, "username": "<token>", "secret": { "file": file } });
    scene.home.write(
        ".config/docker-credential-scoped/settings.json",
        &json!({ "credentials": [credential] }).to_string(),
    );
    let warning = format!(
        "warning: the new refresh token for {address} was not kept, and the old one may be used up: only its owner can put \
         it where the old one is kept, {{\"file\":\"{}\"}}\n",
        file.display()
    );
    Outcome::of(&mut asking(&scene, "a/b"), b"").is("repository:a/b:pull\n", &warning, 0);
    assert_eq!(server.next(), name(1));
    assert_eq!(fs::read_to_string(&file).expect("the file"), REFRESH);
}

/// Tokens that are to be renewed after a second, of a token server that is slow with the second.
fn slow_with_the_second() -> (Scene, SingleUse) {
    let (server, asked) = (SingleUse::default(), AtomicUsize::new(0));
    let behaviour = server.clone();
    let scene = Scene::usual(move |request| {
        let answer = match request.value("refresh_token") {
            Some(_) => behaviour.answer(request, 2),
            None => Answer::json(&json!({ "token": "t", "expires_in": 2 })),
        };
        if asked.fetch_add(1, Ordering::Relaxed) > 0 {
            thread::sleep(Duration::from_secs(3));
        }
        answer
    });
    (scene, server)
}

/// Runs a command under such a token.
fn run_while_slow(with: fn(Scene) -> Scene, command: &str) -> (Scene, SingleUse, Outcome, Duration) {
    let (scene, server) = slow_with_the_second();
    let scene = with(scene);
    let began = Instant::now();
    let image = format!("{}/a/b", scene.fixture.address());
    let mut exec = scene.home.command(HELPER);
    exec.args(["exec", "--pull", &image, "--", "sh", "-c", command]);
    let outcome = Outcome::of(&mut exec, b"");
    (scene, server, outcome, began.elapsed())
}

#[test]
fn a_command_that_ends_while_its_token_is_renewed_loses_no_refresh_token() {
    let (scene, server, outcome, _) = run_while_slow(Scene::with_refresh_token, "sleep 2; exit 7");
    outcome.is("", "", 7);
    assert_eq!((server.next(), scene.stored()), (name(2), Some(name(2))));
}

#[test]
fn a_login_that_becomes_a_refresh_token_while_the_command_runs_is_not_lost_either() {
    let (scene, server) = slow_with_the_second();
    let scene = scene.with_password();
    let image = format!("{}/a/b", scene.fixture.address());
    let begun = scene.home.directory().join("begun");
    let mut exec = scene.home.command(HELPER);
    exec.args([
        "exec",
        "--pull",
        &image,
        "--",
        "sh",
        "-c",
        "touch \"$1\"; sleep 2; exit 7",
        "sh",
    ]);
    exec.arg(&begun);
    thread::scope(|scope| {
        let running = scope.spawn(move || Outcome::of(&mut exec, b""));
        while !begun.exists() {
            thread::sleep(Duration::from_millis(10));
        }
        Helper::of(&scene.home).store(&scene.fixture.address(), "<token>", &name(0));
        running.join().expect("an end").is("", "", 7);
    });
    assert_eq!((server.next(), scene.stored()), (name(1), Some(name(1))));
}

#[test]
fn a_command_that_ends_while_its_token_is_renewed_by_password_waits_for_nothing() {
    let (scene, _, outcome, took) = run_while_slow(Scene::with_password, "sleep 2; exit 7");
    outcome.is("", "", 7);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(scene.asked().len(), 1, "the second is not answered yet");
}

#[test]
fn who_logs_out_at_the_very_moment_of_a_rotation_has_logged_out() {
    let place = tempfile::tempdir().expect("a directory");
    let store = CredentialStore::at(Some(Location::new(place.path().join("data"), Path::new("/"))));
    let now = OffsetDateTime::UNIX_EPOCH;
    let server: ServerUrl = "h.example".parse().expect("a server");
    let slot = Slot::new(server.server().clone(), Profile::default());
    let credential = |secret: &str| Credential {
        server_url: server.clone(),
        account: "<token>".to_owned(),
        secret: KeptSecret::Here(Secret::new(secret.to_owned())),
        kind: Kind::IdentityToken,
        token_id: None,
        allowed: AllowedScopes::Unknown,
        expires: None,
        created: Some(now),
        origin: Origin::Client,
    };
    let (used, renewed) = (credential("used"), credential("renewed"));
    let renew = || store.renew(&slot, &used, &renewed, now).expect("a store");
    let log_out = || store.remove(&slot).expect("a store");
    let log_in = || store.put(&slot, &used, now).expect("a store");
    let is_logged_in = || store.get(&slot).expect("a store").is_some();

    log_in();
    assert!(renew());
    log_out();
    assert!(!is_logged_in());

    log_in();
    log_out();
    assert!(!renew());
    assert!(!is_logged_in());

    // Who comes first is for the machine to say, and each round gives the renewal a little more of a lead.
    for round in 0..400 {
        log_in();
        let together = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                renew();
            });
            together.wait();
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(round) {}
            log_out();
        });
        assert!(!is_logged_in());
    }
}

#[test]
fn a_password_takes_no_turn() {
    let scene = Scene::usual(|_| Answer::json(&json!({ "token": "t" }))).with_password();
    scene.token(&["--pull", "a/b"]).is("t\n", "", 0);
    let locks = fs::read_dir(scene.home.data().join("locks")).expect("a directory");
    let names: Vec<_> = locks.map(|lock| lock.expect("a file").file_name()).collect();
    assert_eq!(names, ["change"], "that of the login");
}

#[test]
fn where_locks_cannot_be_made_it_works_without() {
    let (scene, _) = stage(Duration::ZERO);
    fs::remove_dir_all(scene.home.data().join("locks")).expect("a directory");
    scene
        .home
        .write(".local/share/docker-credential-scoped/locks", "no directory");
    scene.token(&["--pull", "a/b"]).is("repository:a/b:pull\n", "", 0);
    assert_eq!(scene.stored(), Some(name(1)));
}

/// That of a line that is waited in.
const PATIENCE: Duration = Duration::from_millis(400);

#[test]
fn who_is_in_a_line_that_moves_waits_on_and_in_one_that_stands_gives_up() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = Location::new(place.path().join("locks"), Path::new("/"))
        .create()
        .expect("a directory");
    let end = Instant::now() + Duration::from_secs(60);
    let took_turns: Vec<Duration> = thread::scope(|scope| {
        let turns: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let began = Instant::now();
                    let turn = directory.line_up("0", PATIENCE, end).expect("a turn");
                    thread::sleep(PATIENCE / 2);
                    drop(turn);
                    began.elapsed()
                })
            })
            .collect();
        turns
            .into_iter()
            .map(|turn| turn.join().expect("a turn"))
            .collect()
    });
    assert!(
        took_turns.iter().max().expect("turns") >= &(PATIENCE * 2),
        "{took_turns:?}"
    );

    let stopped = directory.line_up("0", PATIENCE, end).expect("a turn");
    let began = Instant::now();
    assert!(directory.line_up("0", PATIENCE, end).is_none());
    assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
    let began = Instant::now();
    assert!(directory.line_up("0", PATIENCE, began).is_none());
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    drop(stopped);
    assert!(directory.line_up("0", PATIENCE, end).is_some());
}
