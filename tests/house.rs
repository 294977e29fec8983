//! The house's import rule: rooms use what is below them, pure rooms use pure rooms, and outside things know
//! nothing of each other, save that the store and the token cache use files.

#![expect(clippy::unwrap_used, reason = "a test stops where it errs")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import. A room that is not here is refused, so that a new one has to be decided on.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    // Pure: no file, environment, network, clock or standard stream.
    ("secret", &[]),
    ("seal", &[]),
    ("registry", &["secret"]),
    ("credential", &["registry", "secret"]),
    ("protocol", &["credential", "registry", "secret"]),
    ("client_config", &["secret"]),
    // Of the process as a whole: who waits says so.
    ("deadline", &[]),
    // One outside thing each.
    ("settings", &["credential", "protocol", "registry", "secret"]),
    ("files", &["deadline", "secret"]),
    ("process", &["deadline"]),
    ("http", &["deadline", "secret"]),
    ("secret_source", &["credential", "deadline", "protocol", "secret"]),
    (
        "store",
        &[
            "credential",
            "deadline",
            "files",
            "protocol",
            "registry",
            "seal",
            "secret",
        ],
    ),
    ("token_cache", &["files", "registry", "seal", "secret"]),
    ("activity_log", &["files"]),
    // Services: a remote's language over http.
    ("token", &["http", "registry", "secret"]),
    ("hub", &["credential", "http", "registry", "secret"]),
    // The use cases.
    (
        "command",
        &[
            "activity_log",
            "client_config",
            "credential",
            "files",
            "http",
            "hub",
            "process",
            "protocol",
            "registry",
            "seal",
            "secret",
            "secret_source",
            "settings",
            "store",
            "token",
            "token_cache",
        ],
    ),
    // The composition root and the command line, which only it knows.
    ("cli", &["credential", "registry"]),
    (
        "app",
        &[
            "activity_log",
            "cli",
            "command",
            "credential",
            "deadline",
            "files",
            "protocol",
            "registry",
            "seal",
            "secret",
            "settings",
            "store",
            "token_cache",
        ],
    ),
];

/// What only these files may name: each outside thing has one importer.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("argon2", &["store/key/passphrase.rs"]),
    ("chacha20poly1305", &["seal.rs"]),
    (
        "clap",
        &[
            "cli.rs",
            "cli/hub.rs",
            "cli/key.rs",
            "cli/plain/tests.rs",
            "cli/prune.rs",
            "cli/session.rs",
        ],
    ),
    ("directories", &["settings/base_directories.rs"]),
    ("keyring::v1", &["store/key/keyring.rs"]),
    (
        "reqwest",
        &[
            "http.rs",
            "http/failure.rs",
            "http/request.rs",
            "http/response.rs",
        ],
    ),
    ("rpassword", &["process/prompt.rs"]),
    (
        "rustix",
        &[
            "files/access.rs",
            "process.rs",
            "process/awaited.rs",
            "process/caller.rs",
            "process/child.rs",
            "process/host.rs",
            "process/prompt.rs",
            "secret_source/output.rs",
            "secret_source/program.rs",
            "settings.rs",
        ],
    ),
    ("rustls", &["http/certificates.rs", "http/failure.rs"]),
    (
        "secret_service",
        &["store/key/keyring.rs", "store/key/keyring/secret_service.rs"],
    ),
    (
        "signal_hook",
        &[
            "process/child.rs",
            "process/prompt.rs",
            "secret_source/program.rs",
        ],
    ),
    ("std::env::args", &["main.rs"]),
    ("std::env::var", &["main.rs", "settings/base_directories.rs"]),
    ("std::env::current", &["settings/environment.rs"]),
    (
        "tempfile",
        &[
            "files.rs",
            "files/private_directory.rs",
            "files/run_directory.rs",
            "store/key/moving/tests.rs",
        ],
    ),
    ("zbus", &["store/key/keyring/secret_service.rs"]),
];

#[test]
fn imports_run_downwards_only() {
    for (path, text) in sources() {
        let room = room_of(&path);
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{}: a room that the house does not know", path.display()));
        for used in imports(&text, "crate::") {
            assert!(
                used == room || allowed.contains(&used.as_str()),
                "{}: {room} may not import {used}",
                path.display()
            );
        }
    }
}

#[test]
fn each_outside_thing_has_one_importer() {
    for (path, text) in sources() {
        for (thing, files) in ONLY_IN {
            let named = code_lines(&text).any(|line| {
                line.match_indices(thing).any(|(start, _)| {
                    let after = line.get(start + thing.len()..).unwrap();
                    !line.get(..start).unwrap().ends_with(['_', ':', '.'])
                        && after.starts_with([':', ';', '_', '(', '{'])
                })
            });
            assert!(
                !named || files.iter().any(|file| path.ends_with(file)),
                "{}: names {thing}, which is for {files:?}",
                path.display()
            );
        }
    }
}

/// What of the standard library reaches outside, and the files that are for it.
const OUTSIDE: &[(&str, &[&str])] = &[
    (
        "fs",
        &[
            "files.rs",
            "files/access.rs",
            "files/access/windows.rs",
            "files/foreign.rs",
            "files/growing_file.rs",
            "files/lock.rs",
            "files/private_directory.rs",
            "files/run_directory.rs",
            "process.rs",
            "process/caller.rs",
            "process/child.rs",
            "process/prompt.rs",
            "secret_source/text.rs",
            "settings.rs",
        ],
    ),
    (
        "os",
        &[
            "files/access.rs",
            "files/access/windows.rs",
            "files/foreign.rs",
            "process.rs",
            "process/awaited.rs",
            "process/child.rs",
            "secret_source/program.rs",
            "settings.rs",
        ],
    ),
];

#[test]
fn files_and_environment_are_reached_from_their_rooms_only() {
    for (path, text) in sources() {
        let used = imports(&text, "std::");
        for (module, files) in OUTSIDE {
            assert!(
                !used.contains(*module) || files.iter().any(|file| path.ends_with(file)),
                "{}: uses std::{module}, which is for {files:?}",
                path.display()
            );
        }
    }
}

#[test]
fn pure_rooms_reach_nothing_outside() {
    for (path, text) in sources() {
        if !matches!(
            room_of(&path).as_str(),
            "secret" | "seal" | "registry" | "credential" | "protocol" | "client_config"
        ) {
            continue;
        }
        let used = imports(&text, "std::");
        for module in ["env", "fs", "io", "os", "process", "thread", "time"] {
            assert!(!used.contains(module), "{}: uses std::{module}", path.display());
        }
        for name in ["SystemTime", "Instant", "now_utc", "TcpStream", "UdpSocket"] {
            assert!(
                !code_lines(&text).any(|line| line.contains(name)),
                "{}: names {name}",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_says_first_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn the_rule_sees_an_import_however_it_is_written() {
    let text = "use crate::store::{Slot};\n    use crate::{files, registry::Server};\nlet x = crate::app::run();\n// crate::cli";
    let wanted = ["app", "files", "registry", "store"].map(str::to_owned);
    assert_eq!(imports(text, "crate::"), BTreeSet::from(wanted));
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 10);
    found
}

/// The first folder below src, or the file itself.
fn room_of(path: &Path) -> String {
    let below = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap())
}

/// Every name right behind `crate::` or `std::`, in a `use` or in a path.
fn imports(text: &str, root: &str) -> BTreeSet<String> {
    let code: String = code_lines(text).collect::<Vec<_>>().join("\n");
    let word = |text: &str| {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut rooms = BTreeSet::new();
    for rest in code.split(root).skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (place, character) in group.char_indices() {
                    if depth == 0 && start && !character.is_whitespace() {
                        rooms.insert(word(group.get(place..).unwrap()));
                        start = false;
                    }
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        _ => {}
                    }
                }
            }
            None => {
                rooms.insert(word(rest));
            }
        }
    }
    rooms.remove("");
    rooms
}
