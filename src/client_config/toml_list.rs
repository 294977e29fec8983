//! TOML list: the texts that a key of somebody's TOML is set to. Knows nothing of which program reads it.
//!
//! As much of TOML as such a line needs: the lists we look into hold plain names, one behind the other or one a line.

/// The texts in the list that `key` is set to, for each place where it is set.
#[must_use]
pub fn toml_lists(text: &str, key: &str) -> Vec<Vec<String>> {
    let mut lists = Vec::new();
    let mut lines = text.lines().map(without_comment);
    while let Some(line) = lines.next() {
        let value = line
            .trim()
            .strip_prefix(key)
            .and_then(|rest| rest.trim_start().strip_prefix('='));
        let Some(value) = value else { continue };
        let mut list = value.to_owned();
        while !list.contains(']')
            && let Some(more) = lines.next()
        {
            list.push_str(more);
        }
        lists.push(texts(&list));
    }
    lists
}

/// A `#` in one of the names that are meant here would be wrong anyway.
fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

fn texts(list: &str) -> Vec<String> {
    let within = list.split(']').next().unwrap_or_default();
    within
        .split(['[', ','])
        .map(|text| text.trim().trim_matches(['"', '\'']))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_however_it_is_written() {
        let table: [(&str, &[&[&str]]); 9] = [
            ("", &[]),
            ("names = []", &[&[]]),
            ("names = [\"a\"]", &[&["a"]]),
            ("  names=['a' , \"b\"] # and c", &[&["a", "b"]]),
            (
                "names = [\n  \"a\", # the first\n  \"b\",\n]\nx = [\"c\"]",
                &[&["a", "b"]],
            ),
            ("# names = [\"a\"]", &[]),
            ("names-of = [\"a\"]", &[]),
            ("x = \"names = a\"", &[]),
            (
                "[[r]]\nnames = [\"a\"]\n[[r]]\nnames = [\"b\"]",
                &[&["a"], &["b"]],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(toml_lists(text, "names"), expected, "{text}");
        }
    }
}
