//! Every command that changes something, what it is run on, and what has to hold of that whatever stops it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use docker_credential_scoped::credential::KeptSecret;
use serde_json::json;
use tempfile::TempDir;

use super::fixture::answer::Answer;
use super::helper::{Helper, message};
use super::home::{HELPER, Home};
use super::hub::{ANNA, Config};
use super::hub_scene::HubScene;
use super::key::{forget, rested};
use super::outcome::Outcome;
use super::scene::Scene;
use super::sessions::{ago, hold, session_of, store};
use super::strace::Call;

/// What is said of it where something does not hold.
pub(crate) type Held = Result<(), String>;

const PASSPHRASE: &str = "correct horse battery staple\n";
const CONFIG: &str = "{\"auths\": {\"imported\": {\"auth\": \"dTpw\"}}, \"n\": 1e400}";
const TOKEN: &str = "a-token-of-the-scene";

/// A command that changes something.
pub(crate) struct Change {
    pub(crate) name: &'static str,
    stage: fn() -> Stage,
    words: &'static [&'static str],
    input: fn(&Stage) -> String,
    /// What has to hold afterwards: what was is there or what was asked for, and the latter where it was claimed.
    holds: fn(&Stage, &Outcome) -> Held,
    /// Below `HOME` and `XDG_RUNTIME_DIR`, what it does as well without.
    unneeded: &'static [&'static str],
}

/// What it is run on.
pub(crate) struct Stage {
    peer: Peer,
    /// The home as it was, to begin anew with; where there is a Docker Hub, that one has changed too.
    before: Option<TempDir>,
}

enum Peer {
    Alone(Home),
    Server(Scene),
    Hub(HubScene),
}

impl Change {
    pub(crate) fn stage(&self) -> Stage {
        let mut stage = (self.stage)();
        if !matches!(stage.peer, Peer::Hub(_)) {
            let before = tempfile::tempdir().expect("a directory");
            copy(stage.home().directory(), before.path());
            stage.before = Some(before);
        }
        stage
    }

    /// As it was before.
    pub(crate) fn reset(&self, stage: Stage) -> Stage {
        match &stage.before {
            None => (self.stage)(),
            Some(before) => {
                for directory in [stage.home().path(), stage.home().runtime()] {
                    fs::remove_dir_all(directory).expect("a directory");
                }
                copy(before.path(), stage.home().directory());
                stage
            }
        }
    }

    /// Runs it by this program with these words before its own.
    pub(crate) fn run(&self, stage: &Stage, program: &str, words: &[&str]) -> Outcome {
        let mut command = stage.home().command(program);
        command.args(words);
        if program != HELPER {
            command.arg(HELPER);
        }
        let server = stage.server();
        command.args(self.words.iter().map(|word| word.replace("{server}", &server)));
        Outcome::of(&mut command, (self.input)(stage).as_bytes())
    }

    /// What has to hold of each: it does not panic, does not claim what is not so, has touched nothing else, and the
    /// next command works and leaves nothing of this one lying about.
    pub(crate) fn holds(&self, stage: &Stage, outcome: &Outcome) -> Held {
        check(!outcome.stderr.contains("panicked"), || outcome.stderr.clone())?;
        (self.holds)(stage, outcome)?;
        is(held(stage, "default", "other")?.as_deref(), &[Some("o")])?;
        stage.age();
        let stored = Helper::of(stage.home()).ask("store", &message("again.example", "u", "a"));
        check(stored.has_succeeded(), || format!("the next store: {stored:?}"))?;
        is(held(stage, "default", "again.example")?.as_deref(), &[Some("a")])?;
        let left = names(&stage.home().data().join("staging"));
        check(left.is_empty(), || format!("left over: {left:?}"))
    }

    /// Below these paths a failure is none of the command.
    pub(crate) fn can_do_without(&self, home: &Home) -> Vec<PathBuf> {
        self.unneeded
            .iter()
            .map(|path| home.directory().join(path))
            .collect()
    }

    /// How many of so many runs there is time for: to wrap a key, or to start a Docker Hub, takes time.
    pub(crate) fn enough_of(&self, count: u32, stage: &Stage) -> u32 {
        if stage.is_hub() || self.name.ends_with("lock") {
            count / 3 + 2
        } else {
            count
        }
    }
}

impl Stage {
    fn on(peer: Peer) -> Self {
        let stage = Self { peer, before: None };
        Helper::of(stage.home()).store("other", "u", "o");
        stage
    }

    pub(crate) fn home(&self) -> &Home {
        match &self.peer {
            Peer::Alone(home) => home,
            Peer::Server(scene) => &scene.home,
            Peer::Hub(scene) => &scene.home,
        }
    }

    fn is_hub(&self) -> bool {
        matches!(self.peer, Peer::Hub(_))
    }

    fn server(&self) -> String {
        match &self.peer {
            Peer::Alone(_) => "h".to_owned(),
            Peer::Server(scene) => scene.fixture.address(),
            Peer::Hub(scene) => scene.registry(),
        }
    }

    fn hub(&self) -> &HubScene {
        match &self.peer {
            Peer::Hub(scene) => scene,
            Peer::Alone(_) | Peer::Server(_) => panic!("a Docker Hub"),
        }
    }

    fn then(&self, words: &[&str], input: &str) -> Outcome {
        Outcome::of(self.home().command(HELPER).args(words), input.as_bytes())
    }

    /// What a killed process has left was left long ago.
    fn age(&self) {
        let old = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        for staging in [
            self.home().data().join("staging"),
            self.home().runtime().join("docker-credential-scoped/staging"),
            self.home().path().join(".docker"),
        ] {
            for name in names(&staging) {
                if name.contains("new-") {
                    let file = File::open(staging.join(name)).expect("a file");
                    file.set_modified(old).expect("a file of ours");
                }
            }
        }
    }
}

/// `cp -a` keeps times and modes, which are of account here.
fn copy(from: &Path, to: &Path) {
    for part in ["home", "run"] {
        let copied = Command::new("cp")
            .arg("-aT")
            .arg(from.join(part))
            .arg(to.join(part))
            .status();
        assert!(copied.expect("cp").success());
    }
}

fn check(is_so: bool, otherwise: impl FnOnce() -> String) -> Held {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

fn is(found: Option<&str>, expected: &[Option<&str>]) -> Held {
    check(expected.contains(&found), || {
        format!("{found:?}, and not one of {expected:?}")
    })
}

/// The first where it was claimed, else one of the two.
fn became(found: Option<&str>, new: Option<&str>, old: Option<&str>, outcome: &Outcome) -> Held {
    if outcome.has_succeeded() {
        is(found, &[new])
    } else {
        is(found, &[old, new])
    }
}

/// The same of the slot that there is from the beginning.
fn h_became(stage: &Stage, new: Option<&str>, outcome: &Outcome) -> Held {
    became(held(stage, "default", "h")?.as_deref(), new, Some("old"), outcome)
}

/// The secret in a slot, which has to open if it is there.
fn held(stage: &Stage, profile: &str, server: &str) -> Result<Option<String>, String> {
    let entries = store(stage.home()).entries().map_err(|error| error.to_string())?;
    for entry in entries {
        let held = entry.held.map_err(|error| error.to_string())?;
        if entry.server == server && entry.profile.as_str() == profile {
            return match held.credential.secret {
                KeptSecret::Here(secret) => Ok(Some(secret.expose().to_owned())),
                KeptSecret::Elsewhere(_) => Err("it is elsewhere".to_owned()),
            };
        }
    }
    Ok(None)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| name != "lock")
        .collect()
}

fn config(stage: &Stage) -> Option<String> {
    fs::read_to_string(stage.home().path().join(".docker/config.json")).ok()
}

fn nothing(_: &Stage) -> String {
    String::new()
}

fn alone() -> Stage {
    let home = Home::new();
    Helper::of(&home).store("h", "u", "old");
    Stage::on(Peer::Alone(home))
}

fn with_config() -> Stage {
    let stage = alone();
    stage.home().write(".docker/config.json", CONFIG);
    stage
}

fn configured() -> Stage {
    let stage = with_config();
    stage.then(&["configure"], "").succeeds();
    stage
}

fn sealed() -> Stage {
    let stage = alone();
    stage
        .then(&["key", "move", "--to", "passphrase"], PASSPHRASE)
        .succeeds();
    stage
}

fn locked() -> Stage {
    let stage = sealed();
    stage.then(&["lock"], "").succeeds();
    stage
}

fn served() -> Stage {
    let answer = json!({ "token": TOKEN, "refresh_token": "a-refresh-token", "expires_in": 3600 });
    let scene = Scene::usual(move |_| Answer::json(&answer)).with_password();
    // Where its tokens are had is known then, and nothing is remembered.
    scene.token(&["--pull", "a/b"]).succeeds();
    let stage = Stage::on(Peer::Server(scene));
    stage.then(&["cache", "--clear"], "").succeeds();
    stage
}

fn remembered() -> Stage {
    let stage = served();
    stage
        .then(&["token", &stage.server(), "--pull", "a/b"], "")
        .succeeds();
    stage
}

fn handing_out() -> Stage {
    let stage = served();
    Helper::of(stage.home()).hand_out_identity_tokens(&stage.server());
    stage.then(&["cache", "--clear"], "").succeeds();
    stage
}

fn hub() -> Stage {
    let scene = HubScene::new(Config::default());
    scene.log_in("anna", ANNA);
    // The bearer is remembered then.
    scene.run(&["hub", "token", "list"]).succeeds();
    Stage::on(Peer::Hub(scene))
}

fn created() -> Stage {
    let stage = hub();
    stage.hub().run(CREATE).succeeds();
    stage
}

fn started() -> Stage {
    let stage = hub();
    stage.hub().run(&["session", "start"]).succeeds();
    stage
}

fn seven_sessions() -> Stage {
    let stage = hub();
    let scene = stage.hub();
    for number in 0..7 {
        let (profile, used) = (format!("p{number}"), ago(60 * (20 - number)));
        let token = session_of(scene, "laptop", &profile, used);
        hold(&scene.home, &scene.registry(), &profile, &token, used);
    }
    stage
}

/// Whether Docker Hub takes what is kept for a profile; `None` where nothing is kept.
fn is_good(stage: &Stage, profile: &str) -> Result<Option<bool>, String> {
    let secret = held(stage, profile, &stage.server())?;
    Ok(secret.map(|secret| stage.hub().hub.is_good("anna", &secret)))
}

fn works(found: Option<bool>, expected: &[Option<bool>]) -> Held {
    check(expected.contains(&found), || {
        format!("what is kept works: {found:?}")
    })
}

const CREATE: &[&str] = &[
    "hub",
    "token",
    "create",
    "--label",
    "ci",
    "--scope",
    "repo:read",
    "--profile",
    "ci",
];

/// All of them but the moves of the key, each of which is another.
pub(crate) const CHANGES: &[Change] = &[
    Change {
        name: "store",
        stage: alone,
        words: &["store"],
        input: |_| message("h", "u", "new"),
        holds: |stage, outcome| h_became(stage, Some("new"), outcome),
        unneeded: &["run"],
    },
    Change {
        name: "erase",
        stage: alone,
        words: &["erase"],
        input: |_| "h".to_owned(),
        holds: |stage, outcome| h_became(stage, None, outcome),
        unneeded: &["run"],
    },
    Change {
        name: "add",
        stage: alone,
        words: &[
            "add",
            "h",
            "--username",
            "u",
            "--scope",
            "repository:a/b:pull",
            "--from",
            "stdin",
        ],
        input: |_| "new\n".to_owned(),
        holds: |stage, outcome| h_became(stage, Some("new"), outcome),
        unneeded: &["run"],
    },
    Change {
        name: "remove",
        stage: alone,
        words: &["remove", "h"],
        input: nothing,
        holds: |stage, outcome| h_became(stage, None, outcome),
        unneeded: &["run"],
    },
    Change {
        name: "import",
        stage: with_config,
        words: &["import"],
        input: nothing,
        holds: |stage, outcome| {
            let left = config(stage).ok_or("no config.json")?;
            check(
                left == CONFIG || left == CONFIG.replace("\"auth\": \"dTpw\"", ""),
                || left.clone(),
            )?;
            let stored = held(stage, "default", "imported")?;
            is(
                stored.as_deref(),
                if left == CONFIG {
                    &[None, Some("p")]
                } else {
                    &[Some("p")]
                },
            )?;
            check(!outcome.has_succeeded() || left != CONFIG, || {
                format!("claimed: {left}")
            })
        },
        unneeded: &["run"],
    },
    Change {
        name: "configure",
        stage: with_config,
        words: &["configure"],
        input: nothing,
        holds: |stage, outcome| {
            let left = config(stage);
            let is_new = left
                .as_ref()
                .is_some_and(|text| text.contains("\"credsStore\": \"scoped\""));
            check(
                is_new || left.as_deref() == Some(CONFIG) && !outcome.has_succeeded(),
                || format!("{left:?}"),
            )?;
            // It can be had again, and taken back.
            stage.age();
            stage.then(&["configure"], "").succeeds();
            stage.then(&["configure", "--undo"], "").succeeds();
            is(config(stage).as_deref(), &[Some(CONFIG)])?;
            let left = names(&stage.home().path().join(".docker"));
            check(left.iter().all(|name| !name.contains("new-")), || {
                format!("left over: {left:?}")
            })
        },
        unneeded: &["run"],
    },
    Change {
        name: "configure --undo",
        stage: configured,
        words: &["configure", "--undo"],
        input: nothing,
        holds: |stage, outcome| {
            let left = config(stage);
            let is_old = left.as_deref() == Some(CONFIG);
            let is_set = left
                .as_ref()
                .is_some_and(|text| text.contains("\"credsStore\": \"scoped\""));
            check(is_old || is_set && !outcome.has_succeeded(), || {
                format!("{left:?}")
            })?;
            stage.then(&["configure", "--undo"], "").succeeds();
            is(config(stage).as_deref(), &[Some(CONFIG)])
        },
        unneeded: &["run"],
    },
    Change {
        name: "cache --clear",
        stage: remembered,
        words: &["cache", "--clear"],
        input: nothing,
        holds: |stage, outcome| {
            let listed = stage.then(&["cache"], "").succeeds().stdout;
            let is_empty = listed == "Nothing is remembered.\n";
            check(!outcome.stdout.starts_with('1') || is_empty, || {
                format!("claimed: {listed}")
            })?;
            has_token(stage)
        },
        unneeded: &[],
    },
    Change {
        name: "token",
        stage: served,
        words: &["token", "{server}", "--pull", "a/b"],
        input: nothing,
        holds: |stage, outcome| {
            check(
                !outcome.has_succeeded() || outcome.stdout == format!("{TOKEN}\n"),
                || outcome.stdout.clone(),
            )?;
            has_token(stage)
        },
        unneeded: &["run"],
    },
    Change {
        name: "get that exchanges",
        stage: handing_out,
        words: &["get"],
        input: Stage::server,
        holds: |stage, outcome| {
            let is_answered =
                |outcome: &Outcome| outcome.stdout.contains("\"Secret\":\"a-refresh-token\"}\n");
            check(!outcome.has_succeeded() || is_answered(outcome), || {
                outcome.stdout.clone()
            })?;
            let again = Helper::of(stage.home()).ask("get", &stage.server());
            check(again.has_succeeded() && is_answered(&again), || {
                format!("{again:?}")
            })
        },
        unneeded: &["run"],
    },
    Change {
        name: "unlock",
        stage: locked,
        words: &["unlock"],
        input: |_| PASSPHRASE.to_owned(),
        holds: |stage, outcome| {
            let answer = Helper::of(stage.home()).ask("get", "h").stdout;
            check(
                if outcome.has_succeeded() {
                    answer.contains("\"old\"")
                } else {
                    answer.contains("\"old\"") || answer.contains("locked")
                },
                || answer.clone(),
            )?;
            stage.then(&["lock"], "").succeeds();
            let left = names(&stage.home().runtime().join("docker-credential-scoped/new-keys"));
            check(left.is_empty(), || format!("a key is left: {left:?}"))?;
            back_to_a_file(stage)
        },
        unneeded: &[],
    },
    Change {
        name: "lock",
        stage: sealed,
        words: &["lock"],
        input: nothing,
        holds: |stage, outcome| {
            check(
                !outcome.has_succeeded() || rested(stage.home()).is_empty(),
                || "a key rests".to_owned(),
            )?;
            forget(stage.home());
            back_to_a_file(stage)
        },
        unneeded: &[],
    },
    Change {
        name: "session start",
        stage: started,
        words: &["session", "start"],
        input: nothing,
        holds: |stage, _| works(is_good(stage, "session")?, &[Some(true)]),
        unneeded: &[],
    },
    Change {
        name: "session end",
        stage: started,
        words: &["session", "end"],
        input: nothing,
        holds: |stage, outcome| {
            let kept = is_good(stage, "session")?;
            let is_over = kept.is_none() && stage.hub().hub.tokens("anna").is_empty();
            check(!outcome.has_succeeded() || is_over, || {
                format!("claimed: {kept:?}")
            })?;
            // What is left is found by the next one, here or there.
            if kept.is_some() {
                stage.hub().run(&["session", "end"]).succeeds();
            }
            works(is_good(stage, "session")?, &[None])
        },
        unneeded: &[],
    },
    Change {
        name: "prune",
        stage: seven_sessions,
        words: &["prune"],
        input: nothing,
        holds: |stage, outcome| {
            let tokens = stage.hub().hub.tokens("anna").len();
            check(tokens >= 5 && (tokens == 5 || !outcome.has_succeeded()), || {
                format!("{tokens} are left")
            })?;
            for number in 2..7 {
                works(is_good(stage, &format!("p{number}"))?, &[Some(true)])?;
            }
            stage.hub().run(&["prune"]).succeeds();
            check(stage.hub().hub.tokens("anna").len() == 5, || {
                "the next one leaves more".to_owned()
            })?;
            for number in 0..2 {
                works(is_good(stage, &format!("p{number}"))?, &[None])?;
            }
            Ok(())
        },
        unneeded: &[],
    },
    Change {
        name: "hub token create",
        stage: hub,
        words: CREATE,
        input: nothing,
        holds: |stage, outcome| {
            let kept = is_good(stage, "ci")?;
            works(
                kept,
                if outcome.has_succeeded() {
                    &[Some(true)]
                } else {
                    &[None, Some(true)]
                },
            )
        },
        unneeded: &[],
    },
    Change {
        name: "hub token rotate",
        stage: created,
        words: &["hub", "token", "rotate", "ci"],
        input: nothing,
        holds: |stage, outcome| {
            works(is_good(stage, "ci")?, &[Some(true)])?;
            let count = stage.hub().hub.tokens("anna").len();
            check(!outcome.has_succeeded() || count == 1, || {
                format!("claimed, and {count} are there")
            })
        },
        unneeded: &[],
    },
    Change {
        name: "hub token revoke",
        stage: created,
        words: &["hub", "token", "revoke", "ci"],
        input: nothing,
        holds: |stage, outcome| {
            let count = stage.hub().hub.tokens("anna").len();
            check(!outcome.has_succeeded() || count == 0, || {
                format!("claimed, and {count} are there")
            })
        },
        unneeded: &[],
    },
];

fn has_token(stage: &Stage) -> Held {
    let token = stage.then(&["token", &stage.server(), "--pull", "a/b"], "");
    check(
        token.has_succeeded() && token.stdout == format!("{TOKEN}\n"),
        || format!("then: {token:?}"),
    )
}

/// The rest is looked at as everywhere else, which needs the key.
fn back_to_a_file(stage: &Stage) -> Held {
    let moved = stage.then(&["key", "move", "--to", "key-file"], PASSPHRASE);
    check(moved.has_succeeded(), || format!("{moved:?}"))?;
    is(held(stage, "default", "h")?.as_deref(), &[Some("old")])
}
