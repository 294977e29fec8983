//! Clients that cannot log in with a registry token from a file, and what they can.

use std::ffi::OsStr;
use std::path::Path;

/// Why a program cannot be run like this, and the way that works for it; `None` for any other program.
///
/// containers/image reads accounts, passwords and identity tokens from its auth file (`dockerAuthConfig`), nerdctl the
/// same from docker's config.json (`dockerconfigresolver`): with a `registrytoken` both would go on as nobody.
pub(super) fn way_for(program: &OsStr) -> Option<String> {
    let name = Path::new(program).file_name()?.to_string_lossy();
    let name = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(&name);
    Some(match name {
        "skopeo" => "takes a registry token on its command line only: skopeo inspect --registry-token \
             \"$(docker-credential-scoped token HOST --pull REPOSITORY)\" docker://HOST/REPOSITORY \
             (copy: --src-registry-token, --dest-registry-token)"
            .to_owned(),
        "buildah" | "podman" => format!(
            "takes accounts and passwords, no registry tokens; let it ask this helper (docker-credential-scoped \
             configure --podman) and store a token for it that may do no more than {name} needs to, or copy the image \
             with skopeo --src-registry-token"
        ),
        "nerdctl" => "takes accounts and passwords, no registry tokens; let it ask this helper \
             (docker-credential-scoped configure --profile NAME) and store a token in that profile that may do no more \
             than nerdctl needs to"
            .to_owned(),
        _ => return None,
    })
}
