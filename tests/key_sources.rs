//! What is promised of the key wherever it lives: one contract, kept by each place.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test stops where it errs, and writes files plainly"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use support::helper::{MISS, found, message};
use support::home::{HELPER, Home};
use support::key::{files, forget, source};
use support::keyring::GnomeKeyring;
use support::outcome::Outcome;

const VARIABLE: &str = "DOCKER_CREDENTIAL_SCOPED_KEY";
const SETTINGS: &str = ".config/docker-credential-scoped/settings.json";
const PASSPHRASE: &str = "correct horse battery";

/// A place that the key can live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The store's own key file.
    Embedded,
    /// The one that settings.json names.
    Named,
    Variable,
    Keyring,
    Passphrase,
}

impl Place {
    const ALL: [Self; 5] = [
        Self::Embedded,
        Self::Named,
        Self::Variable,
        Self::Keyring,
        Self::Passphrase,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Embedded | Self::Named => "key-file",
            Self::Variable => "environment",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }
}

/// A person's home, and all the places that the person has.
struct Scene {
    home: Home,
    /// Until it is ended; `None` where there is no gnome-keyring.
    keyring: Option<GnomeKeyring>,
    digits: String,
    variable: RefCell<Option<String>>,
    place: Cell<Place>,
}

impl Scene {
    /// With two credentials, and the key in this place; `None` where the machine has no such place.
    fn at(place: Place) -> Option<Self> {
        let home = Home::new();
        // Before there is a keyring, which would be taken.
        Outcome::of(
            home.command(HELPER).arg("store"),
            message("h", "u", "s").as_bytes(),
        )
        .is("", "", 0);
        let digits = fs::read_to_string(home.data().join("key")).unwrap();
        let keyring = GnomeKeyring::unlocked(&home);
        if place == Place::Keyring && keyring.is_none() {
            return None;
        }
        let scene = Self {
            home,
            keyring,
            digits: digits.trim().to_owned(),
            variable: RefCell::new(None),
            place: Cell::new(Place::Embedded),
        };
        scene.go(place);
        scene.ask("store", &message("i", "v", "t")).is("", "", 0);
        Some(scene)
    }

    fn has(&self, place: Place) -> bool {
        place != Place::Keyring || self.keyring.is_some()
    }

    fn run(&self, words: &[&str], input: &str) -> Outcome {
        let mut command = self.home.command(HELPER);
        command.args(words);
        if let Some(variable) = &*self.variable.borrow() {
            command.env(VARIABLE, variable);
        }
        Outcome::of(&mut command, input.as_bytes())
    }

    fn ask(&self, verb: &str, input: &str) -> Outcome {
        self.run(&[verb], input)
    }

    /// Moves the key to a place, which it then is in.
    #[track_caller]
    fn go(&self, place: Place) {
        match (self.place.get(), place) {
            // The settings say which of both is meant, and the one has to be named until the key is out of it.
            (Place::Named, Place::Embedded) => {
                self.go(Place::Passphrase);
                self.name_no_file();
            }
            (_, Place::Embedded) => self.name_no_file(),
            (_, Place::Named) => {
                let path = self.named();
                self.home
                    .write(SETTINGS, &serde_json::json!({ "keyFile": path }).to_string());
            }
            (_, Place::Variable) => self.set(Some(&self.digits)),
            (_, Place::Keyring | Place::Passphrase) => {}
        }
        fs::create_dir_all(self.home.path().join("secrets")).unwrap();
        self.run(&["key", "move", "--to", place.word()], PASSPHRASE)
            .succeeds();
        assert_eq!(source(&self.home), place.word());
        self.place.set(place);
    }

    fn name_no_file(&self) {
        self.home.write(SETTINGS, "{}");
    }

    fn named(&self) -> PathBuf {
        self.home.path().join("secrets/key")
    }

    fn set(&self, variable: Option<&str>) {
        *self.variable.borrow_mut() = variable.map(str::to_owned);
    }

    /// Has the key out of reach where it is, in this of the ways there are; `false` where there is no such way.
    fn close(&self, way: usize) -> bool {
        let another = "0".repeat(64);
        match (self.place.get(), way) {
            (Place::Embedded, 0) => fs::remove_file(self.home.data().join("key")).unwrap(),
            (Place::Embedded, 1) => fs::write(self.home.data().join("key"), &another).unwrap(),
            (Place::Embedded, 2) => fs::write(self.home.data().join("key"), "{\"format\":2}").unwrap(),
            (Place::Named, 0) => fs::remove_file(self.named()).unwrap(),
            (Place::Named, 1) => fs::write(self.named(), &another).unwrap(),
            (Place::Named, 2) => fs::write(self.named(), "no key").unwrap(),
            (Place::Named, 3) => self.name_no_file(),
            (Place::Variable, 0) => self.set(None),
            (Place::Variable, 1) => self.set(Some(&another)),
            (Place::Variable, 2) => self.set(Some("no key")),
            (Place::Keyring, 0) => self.keyring().lock(),
            (Place::Passphrase, 0) => {}
            _ => return false,
        }
        forget(&self.home);
        true
    }

    /// Puts it back.
    fn open(&self) {
        match self.place.get() {
            Place::Embedded => {
                let key = self.home.data().join("key");
                fs::write(&key, &self.digits).unwrap();
                fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
            }
            Place::Named => {
                fs::write(self.named(), &self.digits).unwrap();
                let path = self.named();
                self.home
                    .write(SETTINGS, &serde_json::json!({ "keyFile": path }).to_string());
            }
            Place::Variable => self.set(Some(&self.digits)),
            Place::Keyring => self.keyring().unlock(),
            Place::Passphrase => {
                self.run(&["unlock"], PASSPHRASE).succeeds();
            }
        }
    }

    fn keyring(&self) -> &GnomeKeyring {
        self.keyring.as_ref().unwrap()
    }

    #[track_caller]
    fn gives_both(&self) {
        self.ask("get", "h").is(&found("h", "u", "s"), "", 0);
        self.ask("get", "i").is(&found("i", "v", "t"), "", 0);
        self.ask("list", "").is("{\"h\":\"u\",\"i\":\"v\"}\n", "", 0);
    }

    /// What is held is not given, and not called absent, and nothing of it changes.
    #[track_caller]
    fn gives_none(&self) {
        let before = files(&self.home.slots());
        for (verb, input) in [("get", "h".to_owned()), ("store", message("h", "u", "new"))] {
            let answer = self.ask(verb, &input);
            assert_eq!((answer.code, answer.stderr.as_str()), (Some(1), ""), "{verb}");
            assert_ne!(answer.stdout, MISS, "{verb}");
            assert_eq!(answer.stdout.lines().count(), 1, "{verb}: {}", answer.stdout);
            assert!(!answer.stdout.contains(&self.digits));
        }
        self.ask("list", "").is("{}\n", "", 0);
        self.ask("get", "nothing.example").is(MISS, "", 1);
        assert_eq!(files(&self.home.slots()), before);
    }
}

fn is_kept_by(place: Place) {
    let Some(scene) = Scene::at(place) else { return };
    scene.gives_both();
    let holds_the_key = scene.home.files_with("", &scene.digits);
    let expected = match place {
        Place::Embedded => vec![scene.home.data().join("key")],
        Place::Named => vec![scene.named()],
        Place::Variable | Place::Keyring | Place::Passphrase => Vec::new(),
    };
    assert_eq!(holds_the_key, expected);

    for other in Place::ALL {
        if other != place && scene.has(other) {
            scene.go(other);
            scene.gives_both();
            scene.go(place);
            scene.gives_both();
        }
    }

    let key = fs::read(scene.home.data().join("key")).unwrap();
    for way in 0.. {
        if !scene.close(way) {
            break;
        }
        scene.gives_none();
        scene.open();
        if place == Place::Embedded {
            fs::write(scene.home.data().join("key"), &key).unwrap();
        }
        assert_eq!(fs::read(scene.home.data().join("key")).unwrap(), key);
        scene.gives_both();
    }

    assert!(scene.close(0));
    scene.ask("erase", "h").is("", "", 0);
    scene.ask("get", "h").is(MISS, "", 1);
    scene.open();
    scene.ask("get", "h").is(MISS, "", 1);
    scene.ask("get", "i").is(&found("i", "v", "t"), "", 0);
}

#[test]
fn the_stores_own_key_file_can_be_named_and_is_no_other() {
    let Some(scene) = Scene::at(Place::Embedded) else {
        return;
    };
    let own = scene.home.data().join("key");
    let link = scene.home.path().join("link");
    symlink(&own, &link).unwrap();
    let around = scene.home.data().join("slots/../key");
    for path in [&own, &link, &around] {
        name(&scene.home, path);
        for place in ["key-file", "passphrase", "key-file"] {
            scene.run(&["key", "move", "--to", place], PASSPHRASE).succeeds();
            scene.gives_both();
        }
        assert_eq!(fs::read_to_string(&own).unwrap().trim(), scene.digits);
    }
}

#[test]
fn the_stores_own_key_file_is_none_other_before_there_is_one() {
    for way in ["plain", "a link", "around", "through a link"] {
        let home = Home::new();
        let own = home.data().join("key");
        let path = match way {
            "a link" => {
                symlink(&own, home.path().join("link")).unwrap();
                home.path().join("link")
            }
            "around" => home
                .path()
                .join(".local/../.local/share/docker-credential-scoped/key"),
            "through a link" => {
                symlink(home.data(), home.path().join("data")).unwrap();
                home.path().join("data/key")
            }
            _ => own.clone(),
        };
        name(&home, &path);
        let ask = |verb: &str, input: &str| Outcome::of(home.command(HELPER).arg(verb), input.as_bytes());
        ask("store", &message("h", "u", "s")).is("", "", 0);
        assert_eq!(fs::read(&own).unwrap().len(), 65, "{way}");
        ask("get", "h").is(&found("h", "u", "s"), "", 0);
    }
}

#[test]
fn a_hard_link_to_the_stores_own_key_file_holds_the_key_by_itself() {
    let Some(scene) = Scene::at(Place::Embedded) else {
        return;
    };
    let link = scene.home.path().join("link");
    fs::hard_link(scene.home.data().join("key"), &link).unwrap();
    name(&scene.home, &link);
    for place in ["key-file", "passphrase", "key-file"] {
        scene.run(&["key", "move", "--to", place], PASSPHRASE).succeeds();
        scene.gives_both();
        assert_eq!(fs::read_to_string(&link).unwrap().trim(), scene.digits);
    }
}

#[test]
fn no_other_file_of_the_stores_own_directory_is_taken_for_a_key_file() {
    let Some(scene) = Scene::at(Place::Embedded) else {
        return;
    };
    let link = scene.home.path().join("link");
    symlink(scene.home.data().join("slots/x"), &link).unwrap();
    let below = |file: &str| scene.home.data().join(file);
    for path in [
        below("key.moving"),
        below("slots/x"),
        below("staging/new-x"),
        below("a/b"),
        link,
    ] {
        name(&scene.home, &path);
        let refused = format!(
            "keyFile: {} is in the store's own directory; name a file elsewhere, or take keyFile out\n",
            path.display()
        );
        let before = files(&scene.home.data());
        let told = format!("docker-credential-scoped: {refused}");
        scene
            .run(&["key", "move", "--to", "key-file"], "")
            .is("", &told, 1);
        assert_eq!(files(&scene.home.data()), before);
        scene.gives_both();

        let new = Home::new();
        let path = new.data().join("slots/x");
        name(&new, &path);
        let answer = Outcome::of(
            new.command(HELPER).arg("store"),
            message("h", "u", "s").as_bytes(),
        );
        assert!(answer.stdout.starts_with("keyFile: "), "{answer:?}");
        assert!(files(&new.data()).is_empty());
    }
}

#[test]
fn a_key_file_that_can_be_none_is_told_as_that() {
    let Some(scene) = Scene::at(Place::Embedded) else {
        return;
    };
    let at = |path: &str| scene.home.path().join(path);
    symlink(at("nowhere"), at("link")).unwrap();
    let no_file = |path: &PathBuf| {
        format!(
            "keyFile: {} leads to no file; name a file in keyFile",
            path.display()
        )
    };
    let cases = [
        (at("link"), no_file(&at("link"))),
        (at("new/"), no_file(&at("new/"))),
        (at("new/key/.."), no_file(&at("new/key/.."))),
        (
            at("new/key"),
            format!(
                "keyFile: there is no directory {}; make it, for you alone, or name a file elsewhere",
                at("new").display()
            ),
        ),
    ];
    for (path, expected) in cases {
        name(&scene.home, &path);
        let told = format!("docker-credential-scoped: {expected}\n");
        scene
            .run(&["key", "move", "--to", "key-file"], "")
            .is("", &told, 1);
        assert!(!at("new").exists() && !at("nowhere").exists());
        scene.gives_both();
    }
}

#[test]
fn settings_that_cannot_be_read_do_not_pass_for_naming_no_key_file() {
    let Some(scene) = Scene::at(Place::Named) else {
        return;
    };
    scene.home.write(SETTINGS, "{");
    let answer = scene.ask("get", "h");
    assert_eq!(answer.code, Some(1));
    assert!(
        answer.stdout.contains("settings.json") && !answer.stdout.contains("names none"),
        "{answer:?}"
    );
    let told = scene.run(&["key", "status"], "");
    assert!(
        told.stderr.contains("settings.json") && !told.stderr.contains("names none"),
        "{told:?}"
    );
}

/// Has the settings name a key file.
fn name(home: &Home, path: &std::path::Path) {
    home.write(SETTINGS, &serde_json::json!({ "keyFile": path }).to_string());
}

#[test]
fn a_key_in_the_stores_own_file_keeps_the_contract() {
    is_kept_by(Place::Embedded);
}

#[test]
fn a_key_in_a_file_that_the_settings_name_keeps_the_contract() {
    is_kept_by(Place::Named);
}

#[test]
fn a_key_in_the_environment_keeps_the_contract() {
    is_kept_by(Place::Variable);
}

#[test]
fn a_key_in_the_keyring_keeps_the_contract() {
    is_kept_by(Place::Keyring);
}

#[test]
fn a_key_under_a_passphrase_keeps_the_contract() {
    is_kept_by(Place::Passphrase);
}
