//! What goes wrong with a request, as a test says beforehand.

use std::time::Duration;

use super::super::fixture::answer::Answer;
use super::super::fixture::request::Request;

/// What happens in place of what should.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Nothing is done, and this is the status of an empty object.
    Status(u16),
    /// Nothing is done, and this is answered: garbage, a page, a byte a second.
    Answer(Answer),
    /// Nothing is done, and the connection hung up.
    DropBefore,
    /// It is done, and the connection hung up.
    DropAfter,
    /// It is done, and this is answered.
    DoneThen(Answer),
    /// It is done at once, and answered so much later.
    Late(Duration),
    /// It is done and answered, so much later.
    Slow(Duration),
    /// 429: not before so many seconds from now.
    TooMany(u32),
}

/// The faults that are still to come.
#[derive(Default)]
pub(super) struct Faults(Vec<Planned>);

struct Planned {
    method: String,
    path: String,
    /// Requests that are let through before.
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Faults {
    pub(super) fn plan(&mut self, method: &str, path: &str, skip: usize, times: usize, fault: Fault) {
        self.0.push(Planned {
            method: method.to_owned(),
            path: path.to_owned(),
            skip,
            times,
            fault,
        });
    }

    /// The first that is planned for such a request.
    pub(super) fn next(&mut self, request: &Request) -> Option<Fault> {
        let planned = self.0.iter_mut().find(|planned| {
            planned.times > 0
                && matches(&planned.method, &request.method)
                && matches(&planned.path, &request.path)
        })?;
        if planned.skip > 0 {
            planned.skip -= 1;
            return None;
        }
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// `*` stands for any text, also for none.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    (0..=rest.len()).any(|start| rest.get(start..).is_some_and(|rest| matches(after, rest)))
}
