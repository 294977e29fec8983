//! JSON text: set or remove a field of an object and leave every other byte as it is. Knows nothing of what the
//! fields mean.
//!
//! A document model would not do: other programs' numbers may be larger than ours, and people keep these files in
//! version control, where a change of a space is a change.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What docker indents its config.json with (docker/cli `configfile.SaveToWriter`, `MarshalIndent`).
const DEFAULT_INDENT: &str = "\t";

/// A field of an object, as it stands in the text.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// The name, escapes undone.
    pub(super) name: String,
    /// The value as it is written.
    pub(super) value: &'a str,
    /// Where the name begins, in bytes from the beginning of the text.
    pub(super) start: usize,
    value_start: usize,
}

impl Field<'_> {
    fn end(&self) -> usize {
        self.value_start + self.value.len()
    }
}

/// The fields of the object that `text` is, in their order.
pub(super) fn fields(text: &str) -> Result<Vec<Field<'_>>, serde_json::Error> {
    let mut after_last = text.find('{').map_or(0, |brace| brace + 1);
    Ok(serde_json::from_str::<Pairs<'_>>(text)?
        .0
        .into_iter()
        .map(|(name, raw)| {
            let value = raw.get();
            let gap = text.get(after_last..).unwrap_or_default();
            let start = after_last + gap.find('"').unwrap_or_default();
            let value_start = value.as_ptr().addr() - text.as_ptr().addr();
            after_last = value_start + value.len();
            Field {
                name,
                value,
                start,
                value_start,
            }
        })
        .collect())
}

/// `text` with `value`, which is JSON, at the end of `path`. Objects on the way are made where there are none or
/// `null`.
pub(super) fn set(text: &str, path: &[&str], value: &str) -> Result<String, serde_json::Error> {
    set_below(text, path, value, &Style::of(text)?, 0)
}

/// `text` without what stands at the end of `path`.
pub(super) fn remove(text: &str, path: &[&str]) -> Result<String, serde_json::Error> {
    let fields = fields(text)?;
    let Some((index, (name, rest))) = path.split_first().and_then(|(name, rest)| {
        let index = fields.iter().position(|field| field.name == *name)?;
        Some((index, (name, rest)))
    }) else {
        return Ok(text.to_owned());
    };
    let Some(field) = fields.get(index) else {
        return Ok(text.to_owned());
    };
    if !rest.is_empty() {
        debug_assert_eq!(field.name, *name);
        let inner = remove(field.value, rest)?;
        return Ok(splice(text, field.value_start, field.end(), &inner));
    }
    let previous = index.checked_sub(1).and_then(|previous| fields.get(previous));
    let (start, end) = match (previous, fields.get(index + 1)) {
        (Some(previous), _) => (previous.end(), field.end()),
        (None, Some(next)) => (field.start, next.start),
        (None, None) => (
            text.find('{').map_or(0, |brace| brace + 1),
            text.rfind('}').unwrap_or(text.len()),
        ),
    };
    Ok(splice(text, start, end, ""))
}

/// The line and column of a byte of `text`, both from 1.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
    (line, column)
}

fn set_below(
    text: &str,
    path: &[&str],
    value: &str,
    style: &Style,
    depth: usize,
) -> Result<String, serde_json::Error> {
    let Some((name, rest)) = path.split_first() else {
        return Ok(value.to_owned());
    };
    let fields = fields(text)?;
    if let Some(field) = fields.iter().find(|field| field.name == *name) {
        let inside = if field.value == "null" && !rest.is_empty() {
            "{}"
        } else {
            field.value
        };
        let inner = set_below(inside, rest, value, style, depth + 1)?;
        return Ok(splice(text, field.value_start, field.end(), &inner));
    }
    let inner = if rest.is_empty() {
        value.to_owned()
    } else {
        set_below("{}", rest, value, style, depth + 1)?
    };
    let name = serde_json::to_string(name)?;
    let brace = text.find('{').map_or(0, |brace| brace + 1);
    let Some(last) = fields.last() else {
        let end = text.rfind('}').unwrap_or(text.len());
        let (open, close) = (style.line(depth + 1), style.line(depth));
        let field = format!("{open}{name}{}{inner}{close}", style.colon);
        return Ok(splice(text, brace, end, &field));
    };
    let between = match fields.iter().rev().nth(1) {
        Some(before) => text.get(before.end()..last.start).unwrap_or(",").to_owned(),
        None => format!(",{}", text.get(brace..last.start).unwrap_or_default()),
    };
    let field = format!("{between}{name}{}{inner}", style.colon);
    Ok(splice(text, last.end(), last.end(), &field))
}

/// How a text is laid out.
struct Style {
    /// What a line begins with, once for each object around it; `None` where all is on one line.
    indent: Option<String>,
    line_end: &'static str,
    colon: String,
}

impl Style {
    fn of(text: &str) -> Result<Self, serde_json::Error> {
        let fields = fields(text)?;
        let Some(first) = fields.first() else {
            return Ok(Self {
                indent: Some(DEFAULT_INDENT.to_owned()),
                line_end: "\n",
                colon: ": ".to_owned(),
            });
        };
        let brace = text.find('{').map_or(0, |brace| brace + 1);
        let gap = text.get(brace..first.start).unwrap_or_default();
        let name = text.get(first.start..first.value_start).unwrap_or_default();
        Ok(Self {
            indent: gap.rsplit_once('\n').map(|(_, indent)| indent.to_owned()),
            line_end: if gap.contains("\r\n") { "\r\n" } else { "\n" },
            // Nothing but blanks and the colon stands between the name's last quotation mark and the value.
            colon: name.rsplit_once('"').map_or(":", |(_, colon)| colon).to_owned(),
        })
    }

    fn line(&self, depth: usize) -> String {
        match &self.indent {
            Some(indent) => self.line_end.to_owned() + &indent.repeat(depth),
            None => String::new(),
        }
    }
}

fn splice(text: &str, start: usize, end: usize, replacement: &str) -> String {
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    [before, replacement, after].concat()
}

struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_is_set_and_every_other_byte_stays() {
        let table: &[(&str, &[&str], &str)] = &[
            ("{}", &["a"], "{\n\t\"a\": 1\n}"),
            (" { } \n", &["a"], " {\n\t\"a\": 1\n} \n"),
            ("{}", &["a", "b"], "{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}"),
            ("{\"z\":2}", &["a"], "{\"z\":2,\"a\":1}"),
            ("{ \"z\": 2 }", &["a"], "{ \"z\": 2, \"a\": 1 }"),
            (
                "{\"z\": 2, \"y\": 3}",
                &["a", "b"],
                "{\"z\": 2, \"y\": 3, \"a\": {\"b\": 1}}",
            ),
            (
                "{\n  \"z\" : 1e400,\n  \"y\": [1,\n2]\n}\n",
                &["a"],
                "{\n  \"z\" : 1e400,\n  \"y\": [1,\n2],\n  \"a\" : 1\n}\n",
            ),
            (
                "{\r\n    \"z\": {}\r\n}",
                &["z", "b"],
                "{\r\n    \"z\": {\r\n        \"b\": 1\r\n    }\r\n}",
            ),
            ("{\"a\":null,\"z\":2}", &["a", "b"], "{\"a\":{\"b\":1},\"z\":2}"),
            ("{\"z\":2,\"a\": \"\\u0061\" }", &["a"], "{\"z\":2,\"a\": 1 }"),
            ("{\"\\u0061\":0}", &["a"], "{\"\\u0061\":1}"),
            (
                "{\"q\":\"},{\\\"a\\\":\",\"z\":2}",
                &["a"],
                "{\"q\":\"},{\\\"a\\\":\",\"z\":2,\"a\":1}",
            ),
        ];
        for (text, path, expected) in table {
            assert_eq!(set(text, path, "1").unwrap(), *expected, "{text}");
        }
    }

    #[test]
    fn a_field_is_removed_with_its_comma() {
        let table: &[(&str, &[&str], &str)] = &[
            ("{\n\t\"a\": 1\n}", &["a"], "{}"),
            ("{\n\t\"a\": 1,\n\t\"b\": 2\n}\n", &["a"], "{\n\t\"b\": 2\n}\n"),
            ("{\n\t\"a\": 1,\n\t\"b\": 2\n}\n", &["b"], "{\n\t\"a\": 1\n}\n"),
            ("{\"a\":1,\"b\":2,\"c\":3}", &["b"], "{\"a\":1,\"c\":3}"),
            ("{\"a\":{\"x\":1,\"y\":2}}", &["a", "x"], "{\"a\":{\"y\":2}}"),
            ("{\"a\":1}", &["b"], "{\"a\":1}"),
            ("{\"a\":{}}", &["a", "x"], "{\"a\":{}}"),
            ("{}", &[], "{}"),
        ];
        for (text, path, expected) in table {
            assert_eq!(remove(text, path).unwrap(), *expected, "{text}");
        }
    }

    #[test]
    fn places_are_counted_from_one() {
        assert_eq!(line_and_column("ab\ncd", 0), (1, 1));
        assert_eq!(line_and_column("ab\ncd", 4), (2, 2));
    }

    proptest! {
        #[test]
        fn what_was_set_is_there_and_removing_it_gives_the_text_back(
            names in proptest::collection::btree_set("[a-f\"\\\\{},: ]{1,4}", 1..6),
            name in "[g-k\"{}]{1,4}",
            indent in "[ \t]{0,3}",
        ) {
            prop_assume!(!names.contains(&name));
            let lines: Vec<_> = names
                .iter()
                .map(|name| format!("{indent}{}: {{\"x\": [1, 2]}}", serde_json::to_string(name).unwrap()))
                .collect();
            let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
            let changed = set(&text, &[&name, "inner"], "true").unwrap();
            let value: serde_json::Value = serde_json::from_str(&changed).unwrap();
            prop_assert_eq!(&value[&name]["inner"], &serde_json::Value::Bool(true));
            prop_assert_eq!(remove(&changed, &[&name]).unwrap(), text);
        }
    }
}
