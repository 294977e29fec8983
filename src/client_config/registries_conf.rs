//! registries.conf of podman, skopeo and buildah: the line that names credential helpers. Knows nothing of where
//! the file is.
//!
//! containers-registries.conf(5): `credential-helpers` is asked in its order, and a login goes to the first that
//! takes it; `containers-auth.json` stands for the auth files. Of several files that set it, the last one read
//! wins, and what it replaces is forgotten.

/// A drop-in for registries.conf.d that names this helper, alone.
///
/// With `containers-auth.json` behind it, a login that the helper cannot store is written to the auth file in
/// plain text, and said to have succeeded (tried with podman 4.3, skopeo 1.9 and buildah 1.28).
#[must_use]
pub fn registries_drop_in(helper: &str) -> String {
    format!(
        "# Made by docker-credential-scoped configure --podman; configure --undo removes it.\n\
         # With \"containers-auth.json\" behind it, a login that cannot be stored would be kept in plain text.\n\
         credential-helpers = [\"{helper}\"]\n"
    )
}

/// The line of a registries.conf that names credential helpers, if it has one. The key stands at the top level
/// and nowhere else, so a line is enough to tell.
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
            Some(r#"credential-helpers = ["scoped-ci"]"#)
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
