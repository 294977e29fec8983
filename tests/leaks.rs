//! Secrets that are looked for everywhere: each command is run, and run again where it has to fail, and what left its
//! process is read. A secret is in the answer that is for it and in the request to its own server, and nowhere else.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use support::canaries::{Run, files_with};
use support::fixture::Fixture;
use support::fixture::answer::{Answer, jwt};
use support::fixture::request::Request;
use support::helper::message;
use support::home::Home;
use support::hub::{ANNA, Config};
use support::hub_scene::HubScene;
use support::peer;

const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";

const PASSWORD: &str = "canary-of-a-stored-password";
const PERSONAL: &str = "dckr_pat_canary-of-a-personal-token";
const ORGANIZATION: &str = "dckr_oat_canary-of-an-organization";
const REFRESH: &str = "canary-of-a-refresh-token";
const ROTATED: &str = "canary-of-the-next-refresh-token";
const HANDED: &str = "canary-of-an-identity-token";
const VARIABLE: &str = "canary-of-a-variable";
const FILE: &str = "canary-of-a-file";
const COMMAND: &str = "canary-of-a-command";
const OTHER_HELPER: &str = "canary-of-another-helper";
const IMPORTED: &str = "canary-of-an-import";
const PASSPHRASE: &str = "canary-of-a-passphrase";
const SETTING: &str = "canary-of-a-setting";
const BODY: &str = "canary-of-an-answer";

/// What is asked of all that is kept, and again where it cannot be had.
const AGAIN: &[&str] = &[
    "status",
    "status --json",
    "explain {A}/team/app",
    "doctor",
    "token {A} --pull team/app",
    "token {B} --pull team/app",
    "exec --pull {A}/team/app -- true",
    "cache",
    "cache --json",
    "import",
    "configure --dry-run",
    "hub status",
    "hub token list",
    "hub token create --label x --scope repo:read --profile x",
    "session list",
    "session start",
    "prune --dry-run",
    "key status",
    "key move --to environment",
    "unlock",
    "log",
    "log --json",
    "remove nothing.example",
];

/// Somebody who keeps all kinds of secrets, the servers that these are for, and what was run so far.
struct Tour {
    scene: HubScene,
    password: Fixture,
    refresh: Fixture,
    access: String,
    runs: Vec<Run>,
}

impl Tour {
    fn new() -> Self {
        let access = jwt(&json!({ "aud": "registry", "jti": "canary-of-an-access-token" }));
        let served = |access: String| {
            move |request: &Request| match request.path.as_str() {
                "/v2/" => Answer::challenge(&[format!(
                    "Bearer realm=\"http://{}/token\",service=\"registry\"",
                    request.host()
                )]),
                _ if format!("{request:?}").contains("refused") => {
                    Answer::json(&json!({ "error": BODY, "error_description": BODY })).with_status(401)
                }
                _ if request.shows(REFRESH) => {
                    Answer::json(&json!({ "access_token": access, "refresh_token": ROTATED }))
                }
                _ if format!("{request:?}").contains("offline") => {
                    Answer::json(&json!({ "token": access, "refresh_token": HANDED }))
                }
                _ => Answer::json(&json!({ "token": access })),
            }
        };
        let scene = HubScene::new(Config::default());
        let tour = Self {
            scene,
            password: Fixture::start(served(access.clone())),
            refresh: Fixture::start(served(access.clone())),
            access,
            runs: Vec::new(),
        };
        tour.settle();
        let home = tour.home();
        home.write("secret", FILE);
        home.write("secret-of-a-command", COMMAND);
        home.write("secret-of-a-helper", OTHER_HELPER);
        let auth = json!({ "auths": { "imported.example": { "username": "u", "password": IMPORTED } } });
        home.write(".docker/config.json", &auth.to_string());
        let other = home.write(
            "../bin/docker-credential-other",
            "#!/bin/sh\nprintf '{\"Username\":\"u\",\"Secret\":\"'; cat ~/secret-of-a-helper; printf '\"}'\n",
        );
        fs::set_permissions(other, fs::Permissions::from_mode(0o755)).unwrap();
        tour
    }

    fn settle(&self) {
        let mut settings = self.scene.settings();
        let secrets = [
            json!({ "env": "A_VARIABLE" }),
            json!({ "file": self.home().path().join("secret") }),
            json!({ "command": ["cat", self.home().path().join("secret-of-a-command")] }),
            json!({ "helper": "other" }),
        ];
        let names = ["env.example", "file.example", "command.example", "helper.example"];
        let declared: Vec<_> = names
            .iter()
            .zip(secrets)
            .map(|(name, secret)| json!({ "server": name, "username": "u", "secret": secret }))
            .collect();
        settings.as_object_mut().unwrap().extend([
            ("activityLog".to_owned(), json!(true)),
            ("credentials".to_owned(), json!(declared)),
        ]);
        self.scene.settle_with(&settings);
    }

    fn home(&self) -> &Home {
        &self.scene.home
    }

    fn words(&self, words: &str) -> String {
        words
            .replace("{A}", &self.password.address())
            .replace("{B}", &self.refresh.address())
            .replace("{R}", &self.scene.registry())
    }

    /// Runs it with this input; it may print these.
    fn run(&mut self, words: &str, input: &str, answers: &[&str]) -> i32 {
        let words = self.words(words);
        let words: Vec<_> = words.split(' ').collect();
        let variables = [("A_VARIABLE", VARIABLE)];
        let run = Run::of(self.home(), &words, &self.words(input), &variables, answers);
        let code = run.outcome.code.unwrap();
        self.runs.push(run);
        code
    }

    /// The same, which has to go well.
    #[track_caller]
    fn done(&mut self, words: &str, input: &str, answers: &[&str]) {
        let code = self.run(words, input, answers);
        assert_eq!(code, 0, "{}", self.runs.last().unwrap().told());
        for answer in answers {
            let told = &self.runs.last().unwrap().outcome.stdout;
            assert!(told.contains(answer), "{words}: {told}");
        }
    }

    /// The same, which must not.
    #[track_caller]
    fn refused(&mut self, words: &str, input: &str) {
        let code = self.run(words, input, &[]);
        assert_ne!(code, 0, "{}", self.runs.last().unwrap().told());
    }

    /// Everything once more. What can be had may be answered.
    fn again(&mut self) {
        let access = self.access.clone();
        for words in AGAIN {
            self.run(words, "", &[&access]);
        }
        for (server, secret) in [
            ("{A}", PASSWORD),
            ("{B}", ROTATED),
            ("h.example", PERSONAL),
            ("file.example", FILE),
            ("command.example", COMMAND),
            ("helper.example", OTHER_HELPER),
            ("env.example", VARIABLE),
        ] {
            self.run("get", server, &[secret]);
        }
        self.run("list", "", &[]);
        self.run("store", &message("s.example", "u", PASSWORD), &[]);
        self.run("erase", "s.example", &[]);
    }

    /// Fails where a secret is where it is not to be; and where it is told nowhere, if it is to be told at all.
    fn look_for(&self, secret: &str, planted: &[&str], is_told: bool) {
        let port = |address: &str| {
            address
                .rsplit_once(':')
                .unwrap()
                .1
                .trim_end_matches("/token")
                .to_owned()
        };
        let ports = [
            port(&self.password.address()),
            port(&self.refresh.address()),
            port(&self.scene.hub.api()),
            port(&self.scene.hub.realm()),
        ];
        let leaks: Vec<_> = self
            .runs
            .iter()
            .flat_map(|run| run.leaks(secret, &ports, planted))
            .collect();
        assert!(leaks.is_empty(), "{secret}: {}", leaks.join("\n"));
        let files = files_with(self.home().directory(), secret);
        let stray = files
            .iter()
            .filter(|file| !planted.iter().any(|name| file.ends_with(name)));
        assert_eq!(stray.count(), 0, "{secret}: {files:?}");
        let is_seen = |run: &Run| run.sends(secret, &ports) || run.outcome.stdout.contains(secret);
        assert!(
            self.runs.iter().any(is_seen) || !is_told,
            "{secret}: was nowhere at all, so nothing is proved"
        );
    }
}

#[test]
fn no_secret_is_anywhere_but_in_its_answer_and_at_its_server() {
    if !peer::can(
        "strace",
        &["--seccomp-bpf", "-f", "-qq", "-o", "/dev/null", "true"],
    ) {
        return;
    }
    let mut tour = Tour::new();
    let access = tour.access.clone();
    clients(&mut tour);
    people(&mut tour, &access);
    let (mut hub_secrets, bearer) = docker_hub(&mut tour);
    let key = keys(&mut tour);
    tour.again();
    failures(&mut tour);

    hub_secrets.retain(|secret| !secret.is_empty());
    assert!(hub_secrets.len() >= 3, "{}", hub_secrets.len());
    let told = [
        PASSWORD, PERSONAL, REFRESH, ROTATED, HANDED, ANNA, VARIABLE, &access, &bearer,
    ];
    let kept = [ORGANIZATION, IMPORTED, PASSPHRASE, BODY];
    for secret in told {
        tour.look_for(secret, &[], true);
    }
    for secret in kept.into_iter().chain(hub_secrets.iter().map(String::as_str)) {
        tour.look_for(secret, &[], false);
    }
    // The key file is the place of the key.
    tour.look_for(&key, &["/.local/share/docker-credential-scoped/staging/"], false);
    tour.look_for(FILE, &["home/secret"], true);
    tour.look_for(COMMAND, &["home/secret-of-a-command"], true);
    tour.look_for(OTHER_HELPER, &["home/secret-of-a-helper"], true);
    tour.look_for(SETTING, &[SETTINGS], false);
}

/// What docker and others ask.
fn clients(tour: &mut Tour) {
    let store = |server: &str, user: &str, secret: &str| message(server, user, secret);
    tour.done("store", &store("{A}", "user", PASSWORD), &[]);
    tour.done("get", "{A}", &[PASSWORD]);
    tour.done("store", &store("{B}", "<token>", REFRESH), &[]);
    tour.done("get", "{B}", &[REFRESH]);
    tour.done("store", &store("gone.example", "user", PASSWORD), &[]);
    tour.done("erase", "gone.example", &[]);
    tour.done("list", "", &[]);
    tour.done("version", "", &[]);
    for (server, secret) in [
        ("env.example", VARIABLE),
        ("file.example", FILE),
        ("command.example", COMMAND),
        ("helper.example", OTHER_HELPER),
    ] {
        tour.done("get", server, &[secret]);
    }
    tour.refused("get", "nothing.example");
    tour.refused("get", &format!("https://user:{PASSWORD}@h.example"));
    tour.refused(
        "store",
        &format!("{{\"ServerURL\":\"h\",\"Username\":5,\"Secret\":\"{PASSWORD}\"}}"),
    );
    tour.refused(
        "store",
        &format!("{{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"{PASSWORD}"),
    );
}

/// What people ask, of registries and of what is kept.
fn people(tour: &mut Tour, access: &str) {
    tour.done("add h.example --username u", PERSONAL, &[]);
    tour.done("get", "h.example", &[PERSONAL]);
    tour.done("add o.example --username acme", ORGANIZATION, &[]);
    tour.done("add h.example --expires 30d", "", &[]);
    tour.refused("add p.example", PERSONAL);
    tour.done("token {A} --pull team/app", "", &[access]);
    tour.done("token {A} --pull team/app --output json", "", &[access]);
    tour.done("token {A} --pull team/other --output header", "", &[access]);
    tour.refused("token {A} --pull refused/app", "");
    tour.done("token {B} --pull team/app", "", &[access]);
    tour.refused("token {B} --pull refused/app", "");
    tour.done("get", "{B}", &[ROTATED]);
    tour.done("inspect", access, &[]);
    tour.refused("inspect --service other", access);
    tour.done("inspect", PASSWORD, &[]);
    tour.done("exec --pull {A}/team/app -- sh -c true", "", &[]);
    tour.done("configure --dry-run", "", &[]);
    tour.done("configure", "", &[]);
    tour.done("configure --registry {A} --hand-out identity-token", "", &[]);
    tour.done("get", "{A}", &[HANDED]);
    tour.done("configure --registry {A} --hand-out secret", "", &[]);
    tour.done("import --dry-run", "", &[]);
    tour.done("import", "", &[]);
    tour.done("configure --undo", "", &[]);
    tour.done("remove o.example", "", &[]);
}

/// What is asked of Docker Hub's API; all tokens it had, and what it was asked with.
fn docker_hub(tour: &mut Tour) -> (Vec<String>, String) {
    let registry = tour.scene.registry();
    let mut secrets = Vec::new();
    tour.done("store", &message(&registry, "anna", ANNA), &[]);
    tour.done("hub status", "", &[]);
    let create = "hub token create --scope repo:read --label";
    tour.done(&format!("{create} one --profile one"), "", &[]);
    tour.done(
        "hub token create --org acme --allow acme/app:pull --label two --profile two",
        "",
        &[],
    );
    secrets.extend(["anna", "acme"].map(|owner| tour.scene.hub.tokens(owner).pop().unwrap().secret));
    // Its secret is not known before it is printed.
    tour.done(&format!("{create} three --profile three --print"), "", &[]);
    let printed = tour.scene.hub.tokens("anna").pop().unwrap().secret;
    tour.runs.last_mut().unwrap().may_print(&printed);
    secrets.push(printed);
    for words in [
        "hub token list",
        "hub token list --json",
        "hub token update one --inactive",
        "hub token update one --active",
        "hub token rotate one",
        "hub token revoke three",
        "hub token revoke two --org acme",
        "session start",
        "session list",
        "prune --dry-run",
        "prune",
    ] {
        tour.done(words, "", &[]);
        secrets.extend(
            tour.scene
                .hub
                .tokens("anna")
                .into_iter()
                .map(|token| token.secret),
        );
    }
    tour.done("session end", "", &[]);
    secrets.sort();
    secrets.dedup();
    let bearer = tour.runs.iter().find_map(Run::bearer).unwrap();
    (secrets, bearer)
}

/// What becomes of the key; and the key.
fn keys(tour: &mut Tour) -> String {
    let key = fs::read_to_string(tour.home().data().join("key"))
        .unwrap()
        .trim()
        .to_owned();
    let lines = |count: usize| format!("{PASSPHRASE}\n").repeat(count);
    tour.done("key status", "", &[]);
    tour.done("key move --to passphrase", &lines(1), &[]);
    tour.done("lock", "", &[]);
    tour.refused("get", "{A}");
    tour.refused("unlock", "another passphrase\n");
    tour.done("unlock", &lines(1), &[]);
    tour.done("get", "{A}", &[PASSWORD]);
    tour.refused(&format!("unlock {PASSPHRASE}"), "");
    // What stands among the arguments was put there by who started it.
    tour.runs.pop();
    tour.done("key move --to key-file", &lines(1), &[]);
    key
}

/// What cannot be had any more: damaged credentials, settings that cannot be read, a key that is none.
fn failures(tour: &mut Tour) {
    for slot in fs::read_dir(tour.home().slots()).unwrap() {
        let name = slot.unwrap().file_name().into_string().unwrap();
        tour.home().damage_file(&name);
    }
    tour.again();
    tour.home().write(
        SETTINGS,
        &json!({ "hub": { "password": SETTING }, "onUnavailable": SETTING }).to_string(),
    );
    tour.again();
    tour.settle();
    tour.home().damage_key();
    tour.again();
}
