//! The pages of a list: which of it a request is for, and where the others are.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::fixture::request::Request;
use super::refusal::Refusal;

/// How many are on a page where nothing is asked for.
const DEFAULT_SIZE: usize = 10;

/// The page that a request is for.
pub(super) struct Page {
    number: usize,
    size: usize,
}

/// One page of a list.
pub(super) struct Leaf<'a, T> {
    results: &'a [T],
    next: Option<String>,
    previous: Option<String>,
}

impl Page {
    /// No page has more than `cap`, whatever is asked for.
    pub(super) fn of(request: &Request, cap: usize) -> Result<Self, Refusal> {
        let value = |name: &str, default: usize| {
            form_urlencoded::parse(request.query.as_bytes())
                .find(|(found, _)| found == name)
                .map_or(Some(default), |(_, value)| value.parse().ok())
                .filter(|&number| number > 0)
                .ok_or_else(|| Refusal::invalid(name, "must be a number above 0"))
        };
        Ok(Self {
            number: value("page", 1)?,
            size: value("page_size", DEFAULT_SIZE)?.min(cap),
        })
    }

    /// The first page is there even where nothing is on it. What is behind the last is not documented: 404, as for
    /// whatever else is not there.
    pub(super) fn cut<'a, T>(&self, all: &'a [T], url: &str) -> Result<Leaf<'a, T>, Refusal> {
        let start = (self.number - 1).saturating_mul(self.size);
        if self.number > 1 && start >= all.len() {
            return Err(Refusal::not_found());
        }
        let end = all.len().min(start + self.size);
        let link = |number: usize| format!("{url}?page={number}&page_size={}", self.size);
        Ok(Leaf {
            results: &all[start..end],
            next: (end < all.len()).then(|| link(self.number + 1)),
            previous: (self.number > 1).then(|| link(self.number - 1)),
        })
    }
}

impl<T> Leaf<'_, T> {
    /// As personal tokens are listed.
    pub(super) fn of_personal_tokens(
        self,
        count: usize,
        active: usize,
        show: impl FnMut(&T) -> Value,
    ) -> Value {
        json!({
            "count": count,
            "next": self.next,
            "previous": self.previous,
            "active_count": active,
            "results": self.results.iter().map(show).collect::<Vec<_>>(),
        })
    }

    /// As organization tokens are listed. What there is where no page follows is not documented: an empty text.
    pub(super) fn of_organization_tokens(self, total: usize, show: impl FnMut(&T) -> Value) -> Value {
        json!({
            "total": total,
            "next": self.next.unwrap_or_default(),
            "previous": self.previous.unwrap_or_default(),
            "results": self.results.iter().map(show).collect::<Vec<_>>(),
        })
    }
}
