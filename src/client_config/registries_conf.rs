//! registries.conf of podman, skopeo and buildah: the line that names credential helpers. Knows nothing of where
//! the file is.
//!
//! containers-registries.conf(5): `credential-helpers` is asked in its order, and a login goes to the first that
//! takes it. `containers-auth.json` stands for the auth files. Of several files that set it, the last one read
//! wins, and what it replaces is forgotten.

/// A drop-in for registries.conf.d: this helper, then the auth files as before.
#[must_use]
pub fn registries_drop_in(helper: &str) -> String {
    format!(
        "# Made by docker-credential-scoped configure --podman; configure --undo removes it.\n\
         # podman, skopeo and buildah ask in this order, and log in to the first that takes it.\n\
         credential-helpers = [\"{helper}\", \"containers-auth.json\"]\n"
    )
}

/// The line of a registries.conf that names credential helpers, if it has one. Comments and tables go first in
/// no such file: the key belongs to the top level, and a line is enough to find it.
#[must_use]
pub fn credential_helpers_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| {
        line.strip_prefix("credential-helpers")
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_where_it_is_no_comment() {
        let drop_in = registries_drop_in("scoped-ci");
        assert_eq!(
            credential_helpers_line(&drop_in),
            Some(r#"credential-helpers = ["scoped-ci", "containers-auth.json"]"#)
        );
        assert_eq!(
            credential_helpers_line("a = 1\n  credential-helpers=[]"),
            Some("credential-helpers=[]")
        );
        for text in ["", "# credential-helpers = []", "credential-helpers-x = []"] {
            assert_eq!(credential_helpers_line(text), None, "{text}");
        }
    }
}
