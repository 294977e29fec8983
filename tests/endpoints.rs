//! Servers that fail, at every endpoint that something is asked of: registries, token servers and Docker Hub's API. Each
//! call ends in time and memory, after three attempts at most, with one safe line, and with nothing changed of what is
//! stored.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

#[path = "support/fault_rows.rs"]
#[expect(dead_code, reason = "what is said of each is another test's")]
mod fault_rows;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use fault_rows::{Row, SPOILT, rows};
use support::bounds::{Bounded, MOST_RESIDENT};
use support::fixture::Fixture;
use support::fixture::answer::Answer;
use support::home::{Home, contents};
use support::hub::fault::Fault;
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;
use support::rounds::rounds;
use support::scene::{PASSWORD, REFRESH, Scene, set};

/// What a call may take, and a little for a machine that has sixty of them to do.
const LONGEST: Duration = Duration::from_secs(12);

/// How many calls are made of an endpoint at a time: most of those that last only wait.
const AT_A_TIME: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Endpoint {
    // A registry, and its token server.
    Probe,
    Get,
    Password,
    Refresh,
    IdentityToken,
    // Docker Hub's API.
    SignIn,
    List,
    ListForOrganization,
    One,
    Create,
    CreateForOrganization,
    Update,
    UpdateForOrganization,
    Revoke,
    RevokeForOrganization,
}

use Endpoint::{
    Create, CreateForOrganization, Get, IdentityToken, List, ListForOrganization, One, Password, Probe,
    Refresh, Revoke, RevokeForOrganization, SignIn, Update, UpdateForOrganization,
};

impl Endpoint {
    fn is_of_a_registry(self) -> bool {
        matches!(self, Probe | Get | Password | Refresh | IdentityToken)
    }
}

const ENDPOINTS: [Endpoint; 15] = [
    Probe,
    Get,
    Password,
    Refresh,
    IdentityToken,
    SignIn,
    List,
    ListForOrganization,
    One,
    Create,
    CreateForOrganization,
    Update,
    UpdateForOrganization,
    Revoke,
    RevokeForOrganization,
];

/// Somebody who asks, of whom nothing changes however often they do, and servers of which one fails.
struct Play {
    endpoint: Endpoint,
    servers: Servers,
    arguments: Vec<String>,
    input: String,
    second: Fixture,
}

enum Servers {
    Registry { scene: Scene, fault: Arc<Mutex<Answer>> },
    Hub(HubScene),
}

impl Play {
    fn of(endpoint: Endpoint) -> Self {
        let second = Fixture::start(|_| Answer::json(&json!({ "token": "of-the-second" })));
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        let (servers, arguments, input) = match endpoint {
            Probe | Get | Password | Refresh | IdentityToken => {
                let fault = Arc::new(Mutex::new(Answer::page(500)));
                let scene = registry(endpoint, Arc::clone(&fault));
                let address = scene.fixture.address();
                let (arguments, input) = match endpoint {
                    IdentityToken => (words("get"), address),
                    _ => (words(&format!("token {address} --pull team/app")), String::new()),
                };
                (Servers::Registry { scene, fault }, arguments, input)
            }
            _ => {
                let (scene, id) = docker_hub(endpoint);
                let arguments = match endpoint {
                    ListForOrganization => words("hub token list --org acme"),
                    One => words(&format!("hub token rotate {id}")),
                    Create => words("hub token create --label new --scope repo:read --profile new"),
                    CreateForOrganization => {
                        words("hub token create --org acme --label new --allow acme/app:pull --profile new")
                    }
                    Update => words(&format!("hub token update {id} --inactive")),
                    UpdateForOrganization => words(&format!("hub token update {id} --inactive --org acme")),
                    Revoke => words(&format!("hub token revoke {id}")),
                    RevokeForOrganization => words(&format!("hub token revoke {id} --org acme")),
                    _ => words("hub token list"),
                };
                (Servers::Hub(scene), arguments, String::new())
            }
        };
        Self {
            endpoint,
            servers,
            arguments,
            input,
            second,
        }
    }

    fn home(&self) -> &Home {
        match &self.servers {
            Servers::Registry { scene, .. } => &scene.home,
            Servers::Hub(scene) => &scene.home,
        }
    }

    /// Where the endpoint is.
    fn path(&self) -> (&'static str, &'static str) {
        match self.endpoint {
            Probe => ("GET", "/v2/"),
            Get | IdentityToken => ("GET", "/token"),
            Password | Refresh => ("POST", "/token"),
            SignIn => ("POST", "/v2/auth/token"),
            List => ("GET", "/v2/access-tokens"),
            ListForOrganization => ("GET", "/v2/orgs/acme/access-tokens"),
            One => ("GET", "/v2/access-tokens/*"),
            Create => ("POST", "/v2/access-tokens"),
            CreateForOrganization => ("POST", "/v2/orgs/acme/access-tokens"),
            Update => ("PATCH", "/v2/access-tokens/*"),
            UpdateForOrganization => ("PATCH", "/v2/orgs/acme/access-tokens/*"),
            Revoke => ("DELETE", "/v2/access-tokens/*"),
            RevokeForOrganization => ("DELETE", "/v2/orgs/acme/access-tokens/*"),
        }
    }

    /// From now on the endpoint answers this.
    fn fail(&self, answer: Answer) {
        let second = format!("http://{}", self.second.address());
        let answer = answer.filled("{second}", &second);
        match &self.servers {
            Servers::Registry { fault, .. } => *fault.lock().unwrap() = answer,
            Servers::Hub(scene) => {
                let answer = answer.filled("{here}", &scene.hub.api());
                let (method, path) = self.path();
                scene.hub.mend();
                scene.hub.fail(method, path, usize::MAX, Fault::Answer(answer));
            }
        }
    }

    /// How often the endpoint was asked so far.
    fn asked(&self) -> usize {
        let (method, path) = self.path();
        match &self.servers {
            Servers::Registry { scene, .. } => {
                let requests = scene.fixture.requests();
                requests
                    .iter()
                    .filter(|one| one.method == method && one.path == path)
                    .count()
            }
            Servers::Hub(scene) => scene.hub.arrived(method, path),
        }
    }

    /// What is wrong with how the helper takes this, if anything is, and whether that may be the machine's fault.
    fn play(&self, row: &Row) -> Result<(), (String, bool)> {
        self.fail(row.answer.clone());
        let (before, asked) = (contents(&self.home().data()), self.asked());
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        let run = Bounded::of(self.home(), &arguments, &self.input);
        let asked = self.asked() - asked;
        let changed = contents(&self.home().data()) != before;
        // What is remembered of a refusal would be the next answer.
        forget(&self.home().runtime());
        let outcome = &run.outcome;
        let wrong = |what: &str| {
            Err((
                format!("{what}: {:?}", (outcome.code, &outcome.stdout, &outcome.stderr)),
                false,
            ))
        };
        if run.took > LONGEST {
            return Err((format!("took {:?}", run.took), true));
        }
        let said = match self.endpoint {
            IdentityToken => (&outcome.stdout, &outcome.stderr),
            _ => (&outcome.stderr, &outcome.stdout),
        };
        if !is_line(said.0) || !said.1.is_empty() || outcome.code != Some(1) {
            return wrong("no one safe line and exit code 1");
        }
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        if [SPOILT, PASSWORD, REFRESH, ANNA]
            .iter()
            .any(|secret| told.contains(secret))
        {
            return wrong("tells of a secret, or of the answer");
        }
        if !(1..=3).contains(&asked) {
            return wrong(&format!("asked {asked} times"));
        }
        if changed {
            return wrong("what is stored was changed");
        }
        if run.resident > MOST_RESIDENT {
            return wrong(&format!("{} KiB", run.resident));
        }
        if !self.second.requests().is_empty() {
            return wrong("the second server was asked");
        }
        Ok(())
    }
}

/// Answers by which a token is revoked: a success without a body, or with an object.
const REVOKED: &[&str] = &[
    "204",
    "a key twice",
    "a line break in a refresh token",
    "a line break in a token",
    "a list for a token",
    "a number for a token",
    "a refresh token alone",
    "an empty body",
    "an empty token",
    "an error with 200",
    "an escape in a token",
    "another audience",
    "deep JSON as a time",
    "half a pair",
    "letters in a token",
    "no UTF-8",
    "no token",
    "null for a token",
    "two tokens",
];

/// A registry and its token server in one, and a credential that is shown in the way of the endpoint.
fn registry(endpoint: Endpoint, fault: Arc<Mutex<Answer>>) -> Scene {
    let answer = move |here: &str| fault.lock().unwrap().clone().filled("{here}", here);
    let home = Home::new();
    let scene = Scene {
        fixture: Fixture::start(move |request| {
            let here = format!("http://{}", request.host());
            match (endpoint, request.method.as_str(), request.path.as_str()) {
                (Probe, "GET", "/v2/") => answer(&here),
                (_, _, "/v2/") => {
                    Answer::challenge(&[format!("Bearer realm=\"{here}/token\",service=\"registry\"")])
                }
                (Password, "GET", _) => Answer::page(405),
                _ => answer(&here),
            }
        }),
        home,
    };
    let scene = match endpoint {
        Refresh => scene.with_refresh_token(),
        _ => scene.with_password(),
    };
    let address = scene.fixture.address();
    let realm = format!("http://{address}/token");
    match endpoint {
        Probe => {}
        IdentityToken => set(
            &scene.home,
            &address,
            &json!({ "handOut": "identity-token", "realm": realm, "service": "registry" }),
        ),
        _ => set(
            &scene.home,
            &address,
            &json!({ "realm": realm, "service": "registry" }),
        ),
    }
    scene
}

/// anna's machine with her password, and a token of the kind that the endpoint is for, which is held here.
fn docker_hub(endpoint: Endpoint) -> (HubScene, String) {
    let scene = HubScene::new(Config::default());
    scene.log_in("anna", ANNA);
    match endpoint {
        UpdateForOrganization | RevokeForOrganization => {
            let words = ["--org", "acme", "--allow", "acme/app:pull"];
            scene
                .run(
                    &[
                        &["hub", "token", "create", "--label", "ci", "--profile", "ci"],
                        &words[..],
                    ]
                    .concat(),
                )
                .succeeds();
            let id = scene.hub.tokens("acme").remove(0).id;
            (scene, id)
        }
        _ => {
            let words = ["--scope", "repo:read"];
            scene
                .run(
                    &[
                        &["hub", "token", "create", "--label", "ci", "--profile", "ci"],
                        &words[..],
                    ]
                    .concat(),
                )
                .succeeds();
            forget(&scene.home.runtime());
            let id = scene.hub.tokens("anna").remove(0).id;
            (scene, id)
        }
    }
}

#[test]
fn whatever_any_endpoint_answers_a_call_ends_in_time_with_one_safe_line_and_nothing_changed() {
    let wrong = Mutex::new(Vec::new());
    let late = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for endpoint in ENDPOINTS {
            let mut rows: Vec<_> = rows()
                .into_iter()
                .enumerate()
                .filter(|(number, row)| is_played(endpoint, *number, row))
                .map(|(_, row)| row)
                .collect();
            assert!(rows.len() >= 45, "{endpoint:?}: {}", rows.len());
            // What lasts begins first: calls are taken from the end.
            rows.sort_by_key(|row| row.lasts);
            let rows = Arc::new(Mutex::new(rows));
            for _ in 0..AT_A_TIME {
                let rows = Arc::clone(&rows);
                let (wrong, late) = (&wrong, &late);
                scope.spawn(move || {
                    let play = Play::of(endpoint);
                    loop {
                        let Some(row) = rows.lock().unwrap().pop() else {
                            return;
                        };
                        match play.play(&row) {
                            Ok(()) => {}
                            Err((_, true)) => late.lock().unwrap().push((endpoint, row)),
                            Err((what, false)) => {
                                wrong
                                    .lock()
                                    .unwrap()
                                    .push(format!("{endpoint:?}, {}: {what}", row.name));
                            }
                        }
                    }
                });
            }
        }
    });
    // Once more, where the machine had too many others to run.
    thread::scope(|scope| {
        for (endpoint, row) in late.into_inner().unwrap() {
            let wrong = &wrong;
            scope.spawn(move || {
                if let Err((what, _)) = Play::of(endpoint).play(&row) {
                    wrong
                        .lock()
                        .unwrap()
                        .push(format!("{endpoint:?}, {}: {what}", row.name));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is a fault there, but for what Docker Hub is waited for as long as it asks, a minute. The short rounds play two
/// of three rows, other ones at each endpoint.
fn is_played(endpoint: Endpoint, number: usize, row: &Row) -> bool {
    let place = ENDPOINTS.iter().position(|one| *one == endpoint).unwrap();
    let is_fault = match endpoint {
        Revoke | RevokeForOrganization => !REVOKED.contains(&row.name.as_str()),
        _ => true,
    };
    let is_short = endpoint.is_of_a_registry() || row.name != "503, retry after a minute";
    is_fault && is_short && (number + place) % 3 < rounds(2, 3) as usize
}

fn is_line(text: &str) -> bool {
    let line = text.strip_suffix('\n').unwrap_or("\n");
    !line.is_empty() && !line.chars().any(char::is_control) && line.len() < 1024
}

/// Removes what is in a directory.
fn forget(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.unwrap();
    }
}
