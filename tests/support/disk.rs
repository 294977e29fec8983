//! A disk without power: what may be left of the calls that a process made, where a cut keeps what was synced and any
//! part of the rest.
//!
//! What was written to a file is kept once the file is synced, and a name once its directory is. Of all else some is
//! kept and some is not, in whatever order it was done: no file system is kinder than it says.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The calls that `strace -f -xx` is to record.
pub(crate) const RECORDED: &str = "trace=open,openat,close,write,pwrite64,writev,fsync,fdatasync,ftruncate,fallocate,rename,renameat,\
     renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat";

/// What was done to a disk, by the numbers of files.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Name {
        path: PathBuf,
        what: Option<Node>,
    },
    Write {
        file: usize,
        bytes: Vec<u8>,
    },
    SyncFile {
        file: usize,
    },
    SyncDirectory {
        path: PathBuf,
    },
    /// A command begins, or has said that it is done.
    Begins(usize),
    IsDone(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Node {
    Directory,
    File(usize),
}

/// What was done below a directory.
pub(crate) struct Recording {
    root: PathBuf,
    pub(crate) steps: Vec<Step>,
    names: BTreeMap<PathBuf, Node>,
    files: usize,
}

impl Recording {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            steps: Vec::new(),
            names: BTreeMap::from([(root.to_owned(), Node::Directory)]),
            files: 0,
        }
    }

    /// Adds what a command did, of which this is the trace.
    pub(crate) fn add(&mut self, command: usize, trace: &str) {
        self.steps.push(Step::Begins(command));
        let mut open = BTreeMap::new();
        for line in trace.lines() {
            let Some((_, call)) = line.split_once(' ') else {
                continue;
            };
            let call = call.trim_start();
            assert!(!call.contains("unfinished"), "one thread: {line}");
            let Some((name, rest)) = call.split_once('(') else {
                continue;
            };
            let (arguments, result) = rest.rsplit_once(" = ").unwrap_or_else(|| panic!("{line}"));
            let arguments = arguments.trim_end().trim_end_matches(')');
            if result.starts_with('-') {
                continue;
            }
            self.call(name, arguments, result, &mut open);
        }
        self.steps.push(Step::IsDone(command));
    }

    fn call(&mut self, name: &str, arguments: &str, result: &str, open: &mut BTreeMap<String, PathBuf>) {
        let texts = texts_in(arguments);
        let path = |number: usize| PathBuf::from(String::from_utf8(texts[number].clone()).expect("UTF-8"));
        let first = arguments.split(',').next().unwrap_or_default().to_owned();
        match name {
            "open" | "openat" => {
                let path = path(0);
                if path.starts_with(&self.root) {
                    assert!(!arguments.contains("O_TRUNC"), "{arguments}");
                    if arguments.contains("O_CREAT") && !self.names.contains_key(&path) {
                        self.files += 1;
                        self.name(&path, Some(Node::File(self.files)));
                    }
                    open.insert(result.split(' ').next().unwrap_or_default().to_owned(), path);
                }
            }
            "close" => drop(open.remove(&first)),
            "write" => {
                if let Some(file) = open.get(&first).map(|path| self.file(path)) {
                    let [bytes] = texts.try_into().expect("one text");
                    self.steps.push(Step::Write { file, bytes });
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(path) = open.get(&first).cloned() {
                    self.steps.push(match self.names.get(&path) {
                        Some(Node::Directory) => Step::SyncDirectory { path },
                        _ => Step::SyncFile {
                            file: self.file(&path),
                        },
                    });
                }
            }
            "mkdir" | "mkdirat" if path(0).starts_with(&self.root) => {
                self.name(&path(0), Some(Node::Directory));
            }
            "unlink" | "unlinkat" | "rmdir" if path(0).starts_with(&self.root) => self.name(&path(0), None),
            "rename" | "renameat" | "renameat2" | "link" | "linkat" if path(0).starts_with(&self.root) => {
                let file = self.file(&path(0));
                self.name(&path(1), Some(Node::File(file)));
                if name.starts_with("rename") {
                    // What is open goes by its new name from now on.
                    for open in open.values_mut().filter(|open| **open == path(0)) {
                        *open = path(1);
                    }
                    self.name(&path(0), None);
                }
            }
            "mkdir" | "mkdirat" | "unlink" | "unlinkat" | "rmdir" => {}
            _ => panic!("a call that the model does not know: {name}({arguments})"),
        }
    }

    fn file(&self, path: &Path) -> usize {
        match self.names.get(path) {
            Some(Node::File(file)) => *file,
            other => panic!("{}: {other:?}", path.display()),
        }
    }

    fn name(&mut self, path: &Path, what: Option<Node>) {
        match what {
            Some(node) => self.names.insert(path.to_owned(), node),
            None => self.names.remove(path),
        };
        self.steps.push(Step::Name {
            path: path.to_owned(),
            what,
        });
    }

    /// What is left of the first steps, laid out in an empty directory.
    pub(crate) fn cut(&self, after: usize, to: &Path, dice: &mut Dice) {
        let steps = &self.steps[..after];
        let luck = dice.below(4);
        let (mut names, mut contents) = (BTreeMap::new(), BTreeMap::<usize, Vec<u8>>::new());
        let (mut synced_files, mut synced_directories) = (BTreeMap::new(), BTreeMap::new());
        for (place, step) in steps.iter().enumerate() {
            match step {
                Step::SyncFile { file } => drop(synced_files.insert(*file, place)),
                Step::SyncDirectory { path } => drop(synced_directories.insert(path.as_path(), place)),
                Step::Name { .. } | Step::Write { .. } | Step::Begins(_) | Step::IsDone(_) => {}
            }
        }
        for (place, step) in steps.iter().enumerate() {
            // All of it, nothing, each by chance, or all up to some step.
            let is_lucky = match luck {
                0 => true,
                1 => false,
                2 => dice.below(2) == 0,
                _ => dice.below(steps.len() as u64) > place as u64,
            };
            match step {
                Step::Name { path, what } => {
                    let parent = path.parent().expect("a path below");
                    let is_synced = synced_directories
                        .get(parent)
                        .is_some_and(|synced| *synced > place);
                    if is_synced || is_lucky {
                        names.insert(path.clone(), *what);
                    }
                }
                Step::Write { file, bytes } => {
                    let is_synced = synced_files.get(file).is_some_and(|synced| *synced > place);
                    let length = match (is_synced, is_lucky) {
                        (true, _) => bytes.len(),
                        (false, true) => {
                            usize::try_from(dice.below(bytes.len() as u64 + 1)).expect("a length")
                        }
                        (false, false) => 0,
                    };
                    contents.entry(*file).or_default().extend(&bytes[..length]);
                }
                Step::SyncFile { .. } | Step::SyncDirectory { .. } | Step::Begins(_) | Step::IsDone(_) => {}
            }
        }
        // Sorted by their paths: a directory comes before what is in it. What is in none is not to be reached.
        for (path, what) in names {
            let to = to.join(path.strip_prefix(&self.root).expect("a path below"));
            match what {
                Some(Node::Directory) => drop(DirBuilder::new().mode(0o700).create(&to)),
                Some(Node::File(file)) if to.parent().is_some_and(Path::is_dir) => {
                    fs::write(&to, contents.get(&file).map_or(&[][..], Vec::as_slice)).expect("a file");
                    fs::set_permissions(&to, Permissions::from_mode(0o600)).expect("a file");
                }
                Some(Node::File(_)) | None => {}
            }
        }
    }
}

/// The texts among the arguments of a call, each byte of which is written `\x00`.
fn texts_in(arguments: &str) -> Vec<Vec<u8>> {
    let parts = arguments.split('"').skip(1).step_by(2);
    parts
        .map(|text| {
            let bytes = text.split("\\x").skip(1);
            bytes
                .map(|digits| u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{arguments}")))
                .collect()
        })
        .collect()
}

/// Chance that is the same in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// xorshift64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}
