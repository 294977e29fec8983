//! The activity log: whole lines of many at once, in a file that is ours alone.

use std::fs;

use docker_credential_scoped::files::Location;

#[test]
fn lines_of_many_at_once_stand_whole_and_the_last_are_kept() {
    let home = tempfile::tempdir().unwrap();
    let directory = Location::new(home.path().join("log"), home.path())
        .create()
        .unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let directory = &directory;
            scope.spawn(move || {
                for number in 0..200 {
                    let line = format!("{writer} {number} {}\n", "x".repeat(100));
                    directory.append("lines", line.as_bytes(), 50_000).unwrap();
                }
            });
        }
    });
    let bytes = directory.read_grown("lines", 100_000).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.len() > 50_000 && text.len() <= 101_000, "{}", text.len());
    for line in text.lines() {
        assert!(
            line.ends_with(&"x".repeat(100)) && line.matches(' ').count() == 2,
            "{line}"
        );
    }
    for writer in 0..8 {
        assert!(text.contains(&format!("{writer} ")));
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_or_open_to_others_is_not_written_to() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = tempfile::tempdir().unwrap();
    let directory = Location::new(home.path().join("log"), home.path())
        .create()
        .unwrap();
    directory.append("lines", b"one\n", 100).unwrap();
    let path = directory.path().join("lines");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(directory.append("lines", b"two\n", 100).is_err());
    fs::remove_file(&path).unwrap();
    let target = home.path().join("target");
    symlink(&target, &path).unwrap();
    assert!(directory.append("lines", b"two\n", 100).is_err());
    assert!(!target.exists());
}
