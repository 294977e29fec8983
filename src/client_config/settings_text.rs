//! Settings text: our own settings.json, changed as the clients' files are. Knows nothing of where it is, or of what
//! else may stand in it.

use crate::client_config::json_text;

const REGISTRIES: &str = "registries";
const HAND_OUT: &str = "handOut";

/// The text with this `handOut` of a registry, or with none. `is_it` knows the registry by whatever name it has there;
/// `name` is what it is called where it has none.
pub fn set_hand_out(
    text: &str,
    name: &str,
    is_it: impl Fn(&str) -> bool,
    word: Option<&str>,
) -> Result<String, serde_json::Error> {
    let there = fields_of(text, &[REGISTRIES])?
        .into_iter()
        .find(|other| is_it(other));
    let name = there.as_deref().unwrap_or(name);
    let path = [REGISTRIES, name, HAND_OUT];
    let Some(word) = word else {
        let mut text = json_text::remove(text, &path)?;
        // What is left empty says nothing.
        for path in [&path[..2], &path[..1]] {
            if fields_of(&text, path)?.is_empty() {
                text = json_text::remove(&text, path)?;
            }
        }
        return Ok(text);
    };
    json_text::set(text, &path, &serde_json::to_string(word)?)
}

/// The names in the object at the end of a path; none where there is nothing.
fn fields_of(text: &str, path: &[&str]) -> Result<Vec<String>, serde_json::Error> {
    let fields = json_text::fields(text)?;
    let Some((name, rest)) = path.split_first() else {
        return Ok(fields.into_iter().map(|field| field.name).collect());
    };
    match fields.iter().find(|field| field.name == *name) {
        Some(field) => fields_of(field.value, rest),
        None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, word: Option<&str>) -> String {
        set_hand_out(text, "h", |name| matches!(name, "h" | "https://h"), word).unwrap()
    }

    #[test]
    fn a_word_is_set_for_a_registry_and_nothing_else_is_touched() {
        let word = r#""identity-token""#;
        let table = [
            (
                "{}\n",
                format!(
                    "{{\n\t\"registries\": {{\n\t\t\"h\": {{\n\t\t\t\"handOut\": {word}\n\t\t}}\n\t}}\n}}\n"
                ),
            ),
            (
                r#"{ "onUnavailable": "miss" }"#,
                format!(r#"{{ "onUnavailable": "miss", "registries": {{"h": {{"handOut": {word}}}}} }}"#),
            ),
            (
                "{\"registries\": {\"g\":{}, \"https://h\" : { \"insecure\" :true }}}",
                format!(
                    "{{\"registries\": {{\"g\":{{}}, \"https://h\" : {{ \"insecure\" :true, \"handOut\": {word} }}}}}}"
                ),
            ),
            (
                r#"{"registries":{"h":{"handOut":"secret"}}}"#,
                format!(r#"{{"registries":{{"h":{{"handOut":{word}}}}}}}"#),
            ),
        ];
        for (before, after) in table {
            let text = set(before, Some("identity-token"));
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                serde_json::from_str::<serde_json::Value>(&after).unwrap()
            );
            assert_eq!(
                text.replace([' ', '\t', '\n'], ""),
                after.replace([' ', '\t', '\n'], "")
            );
            assert_eq!(set(&text, Some("identity-token")), text);
        }
    }

    #[test]
    fn without_it_the_text_is_what_it_was() {
        for text in [
            "{}\n",
            "{ \"onUnavailable\": \"miss\" }",
            "{\n  \"registries\": {\n    \"h\": {\n      \"insecure\": true\n    }\n  }\n}\n",
            "{\n  \"registries\": {\n    \"g\": { \"insecure\": true }\n  },\n  \"onUnavailable\": \"error\"\n}\n",
        ] {
            let changed = set(text, Some("identity-token"));
            assert_ne!(changed, text);
            assert_eq!(set(&changed, None).trim_end(), text.trim_end());
            assert_eq!(set(text, None), text);
        }
    }
}
