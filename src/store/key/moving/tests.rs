//! What a move and a reader do that come in each other's way.

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
