//! Pages: a list that comes in parts, read to its end. Knows nothing of how a page is asked for.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::hub::HubToken;
use crate::hub::hub_token::Wire;

/// How many tokens a page is asked to have.
pub(super) const PAGE_SIZE: u64 = 100;

/// How many pages are read at most. Nobody has ten thousand tokens.
const MAX_PAGES: u64 = 100;

/// A part of a list.
pub struct Page {
    /// The tokens in it.
    pub tokens: Vec<HubToken>,
    /// How many the whole list has, as far as it says.
    pub of: Option<u64>,
    /// Whether there is another after it.
    pub has_next: bool,
}

impl Page {
    /// `None` where it is no list of tokens.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Raw {
            count: Option<Value>,
            total: Option<Value>,
            next: Option<Value>,
            // It has to be there, and servers in Go write null where it is empty.
            #[serde(deserialize_with = "nullable")]
            results: Vec<Wire>,
        }
        fn nullable<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Wire>, D::Error> {
            Ok(Option::deserialize(input)?.unwrap_or_default())
        }
        let Raw {
            count,
            total,
            next,
            results,
        } = serde_json::from_slice(body).ok()?;
        Some(Self {
            tokens: results.into_iter().map(Wire::token).collect::<Option<_>>()?,
            of: count.or(total).as_ref().and_then(Value::as_u64),
            // Where it is, is never asked: it could be anywhere.
            has_next: next
                .as_ref()
                .and_then(Value::as_str)
                .is_some_and(|next| !next.is_empty()),
        })
    }
}

/// What a list came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum List {
    /// It ended.
    Whole(Vec<HubToken>),
    /// There is none.
    Absent,
    /// It did not end.
    Endless,
}

/// Asks for page after page, by our own count, and tells after each how many tokens were read, and of how many.
///
/// Tokens may come and go meanwhile: one that moves from a page to the next is seen twice and counted once, and a
/// page that is not there any more (`None`) is the end.
pub(super) fn follow<E>(
    mut ask: impl FnMut(u64) -> Result<Option<Page>, E>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<List, E> {
    let mut tokens: Vec<HubToken> = Vec::new();
    let mut ids = BTreeSet::new();
    for number in 1..=MAX_PAGES {
        let page = match ask(number)? {
            Some(page) => page,
            None if number == 1 => return Ok(List::Absent),
            None => return Ok(List::Whole(tokens)),
        };
        let before = tokens.len();
        tokens.extend(
            page.tokens
                .into_iter()
                .filter(|token| ids.insert(token.id.clone())),
        );
        progress(tokens.len() as u64, page.of);
        if !page.has_next || tokens.len() == before {
            return Ok(List::Whole(tokens));
        }
    }
    Ok(List::Endless)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::json;

    use super::*;

    fn page(ids: &[&str], next: &Value) -> Option<Page> {
        let results: Vec<_> = ids.iter().map(|id| json!({"uuid": id})).collect();
        Page::read(
            json!({"count": 5, "next": next, "results": results})
                .to_string()
                .as_bytes(),
        )
    }

    /// The ids that were read, how many pages were asked for, and what was told.
    fn read(pages: &[Option<(&[&str], Value)>]) -> (Option<Vec<String>>, u64, Vec<u64>) {
        let (mut asked, mut told) = (0, Vec::new());
        let list = follow::<Infallible>(
            |number| {
                asked = number;
                let found = &pages[usize::try_from(number).unwrap() - 1];
                Ok(found.as_ref().map(|(ids, next)| page(ids, next).unwrap()))
            },
            &mut |read, of| {
                assert_eq!(of, Some(5));
                told.push(read);
            },
        )
        .unwrap();
        let ids = match list {
            List::Whole(tokens) => Some(tokens.iter().map(|token| token.id.to_string()).collect()),
            List::Absent => None,
            List::Endless => panic!("endless"),
        };
        (ids, asked, told)
    }

    fn whole(ids: &[&str], asked: u64, told: &[u64]) -> (Option<Vec<String>>, u64, Vec<u64>) {
        (
            Some(ids.iter().map(ToString::to_string).collect()),
            asked,
            told.to_vec(),
        )
    }

    #[test]
    fn pages_are_read_until_there_is_no_next() {
        let next = || json!("https://elsewhere.example/v2/access-tokens?page=9");
        let several = [Some((&["a", "b"][..], next())), Some((&["c"], Value::Null))];
        assert_eq!(read(&several), whole(&["a", "b", "c"], 2, &[2, 3]));
        assert_eq!(read(&[Some((&["a"], json!("")))]), whole(&["a"], 1, &[1]));
        assert_eq!(read(&[Some((&[], Value::Null))]), whole(&[], 1, &[0]));
        assert_eq!(read(&[None]), (None, 1, vec![]));
    }

    #[test]
    fn a_list_that_changes_meanwhile_ends_all_the_same() {
        let next = || json!("?page=2");
        // A token moved to the next page, and the last page went away.
        let moved = [Some((&["a", "b"][..], next())), Some((&["b", "c"], next())), None];
        assert_eq!(read(&moved), whole(&["a", "b", "c"], 3, &[2, 3]));
        // The same page again and again.
        let stuck = [Some((&["a"][..], next())), Some((&["a"], next()))];
        assert_eq!(read(&stuck), whole(&["a"], 2, &[1, 1]));
    }

    #[test]
    fn a_list_without_an_end_is_left() {
        let list = follow::<Infallible>(
            |number| Ok(page(&[&number.to_string()], &json!("more"))),
            &mut |_, _| {},
        );
        assert_eq!(list, Ok(List::Endless));
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_an_empty_one() {
        let read = |text: &str| Page::read(text.as_bytes()).map(|page| page.tokens.len());
        assert_eq!(read(r#"{"results":null}"#), Some(0));
        assert_eq!(read(r#"{"total":1,"results":[{"id":"a"}],"new":{}}"#), Some(1));
        for text in [
            "",
            "[]",
            "null",
            "{}",
            "<html>",
            r#"{"count":0}"#,
            r#"{"results":{}}"#,
            r#"{"results":[{}]}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
