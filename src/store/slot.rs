//! Slot: the place of one credential, and the name of its file. Pure; knows nothing of what the file holds.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::credential::Profile;
use crate::registry::Server;

/// File names take 255 bytes, and on eCryptfs, which encrypts homes, 143; `@` and the longest profile take 33.
const MAX_SERVER_BYTES: usize = 110;

/// How much of a longer name stays readable in front of `~` and the 64 digits of its hash.
const READABLE_BYTES: usize = 45;

/// Where a credential is kept: a server (or a prefix of its repositories), and a profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    server: Server,
    profile: Profile,
}

impl Slot {
    /// The slot of a server in a profile.
    #[must_use]
    pub fn new(server: Server, profile: Profile) -> Self {
        Self { server, profile }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The file's name: `server@profile`, escaped so that equal names are equal slots, on file systems that
    /// ignore case too. A server whose name would be too long keeps its beginning and ends in `~` and its SHA-256.
    #[must_use]
    pub fn file_name(&self) -> String {
        let server = self.server.to_string();
        let mut name = escape(&server);
        if name.len() > MAX_SERVER_BYTES {
            // Not within an escape, or the name would be none of ours.
            let cut = match name
                .get(..READABLE_BYTES)
                .and_then(|readable| readable.rfind('%'))
            {
                Some(escape) if escape + 3 > READABLE_BYTES => escape,
                Some(_) | None => READABLE_BYTES,
            };
            name.truncate(cut);
            name.push('~');
            for byte in Sha256::digest(server.as_bytes()) {
                // Writing to a String cannot fail.
                let _ = write!(name, "{byte:02x}");
            }
        }
        format!("{name}@{}", self.profile)
    }
}

/// What a file name tells of its slot without being opened: the server as far as it is readable, and the
/// profile; `None` for a name this program does not give.
pub(super) fn read_file_name(name: &str) -> Option<(String, Profile)> {
    let (server, profile) = name.rsplit_once('@')?;
    Some((unescape(server)?, profile.parse().ok()?))
}

/// `%XX` for every byte but those of host names in lower case, `.` and `_`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => escaped.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut unescaped = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        unescaped.push(char::from(u8::from_str_radix(code, 16).ok()?));
        unescaped.push_str(rest);
    }
    Some(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ServerUrl;

    fn file_name(url: &str, profile: &str) -> String {
        Slot::new(
            url.parse::<ServerUrl>().unwrap().server().clone(),
            profile.parse().unwrap(),
        )
        .file_name()
    }

    #[test]
    fn a_slots_file_is_named_readably_after_it() {
        let table = [
            ("ghcr.io", "default", "ghcr.io@default"),
            ("https://index.docker.io/v1/", "ci", "docker.io@ci"),
            ("localhost:5000", "default", "localhost%3A5000@default"),
            ("ghcr.io/acme/App", "default", "ghcr.io%2Facme%2F%41pp@default"),
            ("[::1]:5000", "a", "%5B%3A%3A1%5D%3A5000@a"),
            (
                "https://index.docker.io/v1/access-token",
                "default",
                "https%3A%2F%2Findex.docker.io%2Fv1%2Faccess-token@default",
            ),
        ];
        for (url, profile, name) in table {
            assert_eq!(file_name(url, profile), name);
            assert_eq!(read_file_name(name).unwrap().1.as_str(), profile);
        }
        assert_eq!(read_file_name("ghcr.io%2Facme@ci").unwrap().0, "ghcr.io/acme");
        assert_eq!(read_file_name("notes.txt"), None);
        assert_eq!(read_file_name("a%zz@ci"), None);
    }

    #[test]
    fn a_long_server_name_stays_one_file_name_and_its_own() {
        let long = |end: &str| format!("other://h/{}{end}", "x".repeat(4000));
        let (one, other) = (long("a"), long("b"));
        let longest_profile = "p".repeat(32);
        assert!(file_name(&one, &longest_profile).len() <= 143);
        assert_ne!(file_name(&one, "ci"), file_name(&other, "ci"));
        assert!(file_name(&one, "ci").starts_with("other%3A%2F%2Fh%2Fxxx"));
    }

    /// A name that came out otherwise would be another slot, and what is kept there lost from sight.
    #[test]
    fn a_long_servers_file_is_named_by_what_fits_and_a_hash_and_always_the_same() {
        let xs = |count| "x".repeat(count);
        assert_eq!(file_name(&xs(110), "ci"), format!("{}@ci", xs(110)));
        let table = [
            (xs(111), format!("{}~5ba60613dba318e9", xs(45))),
            (
                format!("o://{}A{}", xs(31), xs(200)),
                format!("o%3A%2F%2F{}%41x~", xs(31)),
            ),
            (
                format!("o://{}A{}", xs(32), xs(200)),
                format!("o%3A%2F%2F{}%41~", xs(32)),
            ),
            (
                format!("o://{}A{}", xs(33), xs(200)),
                format!("o%3A%2F%2F{}~", xs(33)),
            ),
            (
                format!("other://hosts/{}", xs(200)),
                format!("other%3A%2F%2Fhosts%2F{}~", xs(23)),
            ),
        ];
        for (server, start) in table {
            let name = file_name(&server, "ci");
            assert!(name.starts_with(&start), "{name}");
            let (_, hash) = name.split_once('~').unwrap();
            assert_eq!(hash.len(), 64 + "@ci".len(), "{name}");
        }
    }

    #[test]
    fn a_slot_is_of_its_server_and_its_profile() {
        let server = "ghcr.io".parse::<ServerUrl>().unwrap().server().clone();
        let slot = Slot::new(server.clone(), "ci".parse().unwrap());
        assert_eq!((slot.server(), slot.profile().as_str()), (&server, "ci"));
    }

    #[test]
    fn a_cut_name_is_still_one_of_ours_wherever_it_is_cut() {
        for length in 0..READABLE_BYTES {
            let name = file_name(&format!("o://{}{}", "x".repeat(length), "A".repeat(200)), "ci");
            let (server, profile) = read_file_name(&name).expect("a name of ours");
            assert!(server.starts_with("o://") && profile.as_str() == "ci", "{name}");
        }
    }
}
