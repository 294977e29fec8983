//! What a move and a reader do that come in each other's way, and what is written down meanwhile.

use std::ffi::OsString;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::files::Location;
use crate::store::key::Keys;

struct Scene {
    _directory: TempDir,
    location: Location,
    root: PrivateDirectory,
    staging: PrivateDirectory,
}

impl Scene {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let location = Location::new(directory.path().join("data"), directory.path());
        let root = location.create().unwrap();
        let staging = root.create_below("staging").unwrap();
        Self {
            _directory: directory,
            location,
            root,
            staging,
        }
    }

    fn store(&self) -> CredentialStore {
        CredentialStore::at(Some(self.location.clone()))
    }

    fn write(&self, record: &Record) {
        self.root
            .replace(NAME, record.line().unwrap().as_bytes(), &self.staging)
            .unwrap();
    }
}

#[test]
fn a_key_that_was_changed_since_it_was_opened_is_not_overwritten() {
    let scene = Scene::new();
    let (one, other) = (Key::from_bytes([7; 32]), Key::from_bytes([8; 32]));
    for changed in [
        Record::Embedded(other.clone()),
        Record::Elsewhere(Elsewhere::of(&other, Place::Environment)),
    ] {
        scene.write(&Record::Embedded(one.clone()));
        let store = scene.store();
        assert!(store.open_key().unwrap());
        scene.write(&changed);
        let line = changed.line().unwrap();
        let passphrase = Secret::new("correct horse".to_owned());
        for home in [Home::KeyFile, Home::Passphrase(&passphrase)] {
            let error = store.move_key(home).unwrap_err();
            assert_eq!(error.to_string(), "the key was changed meanwhile; try again");
            let there = scene.root.read(NAME, 1024).unwrap().unwrap();
            assert_eq!(there.bytes, line.as_bytes());
        }
    }
}

#[test]
fn a_reader_follows_a_key_that_is_moved_while_it_is_opened() {
    let scene = Scene::new();
    let key = Key::from_bytes([7; 32]);
    let before = Elsewhere::of(&key, Place::Environment);
    let keys = Keys::default();
    scene.write(&Record::Elsewhere(before.clone()));
    let error = keys.open_or_follow(before.clone(), &scene.root).unwrap_err();
    assert!(matches!(error, KeyError::VariableMissing), "{error}");
    scene.write(&Record::Embedded(key.clone()));
    let opened = keys.open_or_follow(before, &scene.root).unwrap();
    assert_eq!(opened.bytes(), key.bytes());
}

/// A key in the environment, which is moved each time that somebody looks there, so often.
fn open_while_it_is_moved(times: usize) -> (Result<Key, KeyError>, usize) {
    let scene = Scene::new();
    let (key, digits) = (Key::from_bytes([7; 32]), "07".repeat(32));
    let moved = |number: usize| {
        let other = Key::from_bytes([u8::try_from(number + 8).unwrap(); 32]);
        let key = if number == times { &key } else { &other };
        Elsewhere::of(key, Place::Environment)
    };
    let records: Vec<_> = (0..=times).map(moved).collect();
    scene.write(&Record::Elsewhere(records[0].clone()));
    let looks: &'static Mutex<usize> = Box::leak(Box::default());
    let (location, written) = (scene.location.clone(), records.clone());
    let variable = move |_: &str| {
        let root = location.create().unwrap();
        let staging = root.create_below("staging").unwrap();
        let mut looks = looks.lock().unwrap();
        *looks += 1;
        assert!(*looks < 9, "it is looked at without end");
        if let Some(record) = written.get(*looks) {
            let line = Record::Elsewhere(record.clone()).line().unwrap();
            root.replace(NAME, line.as_bytes(), &staging).unwrap();
        }
        Some(OsString::from(&digits))
    };
    let keys = Keys::with_places(KeyPlaces {
        variable: Box::leak(Box::new(variable)),
        ..KeyPlaces::nowhere()
    });
    let opened = keys.open_or_follow(records[0].clone(), &scene.root);
    let looks = *looks.lock().unwrap();
    (opened, looks)
}

#[test]
fn a_key_that_is_moved_again_and_again_is_followed_twice() {
    for moves in 0..=2 {
        let (opened, looks) = open_while_it_is_moved(moves);
        assert_eq!((opened.unwrap().bytes(), looks), (&[7; 32], moves + 1));
    }
    let (opened, looks) = open_while_it_is_moved(3);
    let error = opened.unwrap_err();
    assert!(matches!(error, KeyError::Other { .. }) && looks == 3, "{error}");
}

#[test]
fn another_key_is_looked_at_once_where_it_stays() {
    let scene = Scene::new();
    let elsewhere = Elsewhere::of(&Key::from_bytes([8; 32]), Place::Environment);
    scene.write(&Record::Elsewhere(elsewhere.clone()));
    let looks: &'static Mutex<usize> = Box::leak(Box::default());
    let variable = move |_: &str| {
        *looks.lock().unwrap() += 1;
        Some(OsString::from("07".repeat(32)))
    };
    let keys = Keys::with_places(KeyPlaces {
        variable: Box::leak(Box::new(variable)),
        ..KeyPlaces::nowhere()
    });
    let error = keys.open_or_follow(elsewhere, &scene.root).unwrap_err();
    assert!(matches!(error, KeyError::Other { .. }), "{error}");
    assert_eq!(*looks.lock().unwrap(), 1);
}

#[test]
fn what_may_be_left_over_is_told_until_it_is_settled() {
    let Scene { root, staging, .. } = &Scene::new();
    let key = Key::from_bytes([7; 32]);
    let embedded = Record::Embedded(key.clone());
    let id = |digit: &str| digit.repeat(32);
    let (one, other) = (id("1"), id("2"));
    let left = || journal::left_over(root, &embedded);
    assert!(left().is_empty() && !journal::is_there(root));
    journal::add(root, staging, &one, false).unwrap();
    journal::add(root, staging, &other, true).unwrap();
    assert!(journal::is_there(root) && journal::path_in(root).exists());
    assert_eq!(left(), [&*one, &other]);
    journal::add(root, staging, &one, true).unwrap();
    assert_eq!(left(), [&*other, &one], "each is there once");
    let used = Record::Elsewhere(Elsewhere::of(&key, Place::Keyring { id: one.clone() }));
    assert_eq!(
        journal::left_over(root, &used),
        [&*other],
        "what is in use is not left over"
    );
    let turn = journal::turn(root, journal::PATIENCE, || false).unwrap();
    assert!(turn.is_some() && left().is_empty(), "somebody is busy with it");
    drop(turn);
    journal::settle(root, staging, &[]).unwrap();
    assert_eq!(left(), [&*other, &one]);
    journal::settle(root, staging, &[&other]).unwrap();
    assert_eq!(left(), [&*one]);
    journal::sweep(root, staging, Some(&used)).unwrap();
    assert!(
        left().is_empty() && !journal::is_there(root),
        "what is in use stays where it is"
    );
    let many: Vec<_> = (0..64).map(|number| format!("{number:032x}")).collect();
    for id in &many {
        journal::add(root, staging, id, false).unwrap();
    }
    assert_eq!(left(), many);
}
