//! podman, skopeo and buildah in one home. They ignore docker's `credsStore`, and are told of a helper in files of
//! their own.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::home::{HELPER, Home};
use super::outcome::Outcome;

/// Where these programs can be told of a helper.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Configured {
    /// `credHelpers` in `$XDG_RUNTIME_DIR/containers/auth.json`, registry by registry.
    AuthFile,
    /// The same in the file that `REGISTRY_AUTH_FILE` names.
    NamedAuthFile,
    /// `credential-helpers` in `~/.config/containers/registries.conf.d/`, for all registries: the helper alone.
    /// (`XDG_CONFIG_HOME` is not asked: pkg/sysregistriesv2, `userRegistriesDir`.)
    DropIn,
    /// The same with the auth file behind the helper, which then takes what the helper does not
    /// (pkg/docker/config, `SetCredentials`).
    DropInBeforeAuthFile,
}

/// The three programs, each with its own image store in the home.
pub(crate) struct Containers<'a> {
    home: &'a Home,
    configured: Configured,
    /// Whether they run as a user without rights, in place of root.
    rootless: bool,
}

impl<'a> Containers<'a> {
    pub(crate) fn new(home: &'a Home, registry: &str, configured: Configured) -> Self {
        Self::asking(home, registry, configured, "scoped")
    }

    /// Told of the helper by the name it goes by for a profile.
    pub(crate) fn with_profile(home: &'a Home, registry: &str, profile: &str) -> Self {
        home.link_helper(&format!("{HELPER}-{profile}"));
        Self::asking(home, registry, Configured::AuthFile, &format!("scoped-{profile}"))
    }

    fn asking(home: &'a Home, registry: &str, configured: Configured, helper: &str) -> Self {
        let helpers = json!({ "credHelpers": { registry: helper } }).to_string();
        match configured {
            Configured::AuthFile => home.write_runtime(AUTH_FILE, &helpers),
            Configured::NamedAuthFile => home.write(NAMED_AUTH_FILE, &helpers),
            Configured::DropIn => home.write(DROP_IN, "credential-helpers = [\"scoped\"]\n"),
            Configured::DropInBeforeAuthFile => home.write(
                DROP_IN,
                "credential-helpers = [\"scoped\", \"containers-auth.json\"]\n",
            ),
        };
        let images = home.path().join(".images");
        home.write(
            STORAGE,
            &format!(
                "[storage]\ndriver = \"vfs\"\ngraphroot = {0:?}\nrunroot = {0:?}\n",
                images.display().to_string()
            ),
        );
        Self {
            home,
            configured,
            rootless: false,
        }
    }

    /// The same, run by nobody in particular. podman then runs the helper in a user namespace, as its root.
    pub(crate) fn rootless(mut self) -> Self {
        self.rootless = fs::metadata(self.home.path()).expect("a home").uid() == 0;
        if self.rootless {
            self.home.copy_helper();
            give_away(self.home.directory());
        }
        self
    }

    pub(crate) fn login(&self, program: &str, registry: &str, user: &str, password: &str) -> Outcome {
        let mut command = self.command(program);
        command.args([
            "login",
            "--tls-verify=false",
            "--username",
            user,
            "--password-stdin",
            registry,
        ]);
        Outcome::of(&mut command, password.as_bytes())
    }

    /// Any other command of a program.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(program).args(arguments), b"")
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = if self.rootless {
            let mut command = self.home.command("setpriv");
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", program]);
            command
        } else {
            self.home.command(program)
        };
        command.env("CONTAINERS_STORAGE_CONF", self.home.path().join(STORAGE));
        if let Configured::NamedAuthFile = self.configured {
            command.env("REGISTRY_AUTH_FILE", self.home.path().join(NAMED_AUTH_FILE));
        }
        command
    }
}

impl Drop for Containers<'_> {
    /// podman without root leaves a process that holds its user namespace open.
    fn drop(&mut self) {
        let pause = fs::read_to_string(self.home.runtime().join("libpod/tmp/pause.pid"));
        if let Some(pause) = pause.ok().and_then(|pid| Pid::from_raw(pid.trim().parse().ok()?)) {
            let _ = kill_process(pause, Signal::KILL);
        }
    }
}

/// Makes all below a directory, and itself, nobody's.
fn give_away(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).expect("root may give away");
    if path.symlink_metadata().expect("a file").is_dir() {
        for entry in fs::read_dir(path).expect("a readable directory") {
            give_away(&entry.expect("an entry").path());
        }
    }
}

const AUTH_FILE: &str = "containers/auth.json";
const DROP_IN: &str = ".config/containers/registries.conf.d/50-scoped.conf";
const NAMED_AUTH_FILE: &str = "ci/auth.json";
const STORAGE: &str = ".config/containers/storage.conf";
/// The user Linux maps to who has no user (kernel.overflowuid).
const NOBODY: u32 = 65534;
