//! Case: one compared command, and how its runs went.

use std::path::PathBuf;
use std::time::Duration;

use crate::harness;

/// What a helper is asked.
#[derive(Clone)]
pub(crate) enum Request {
    Get,
    List,
    /// The credential that is already stored.
    Store,
    /// A credential whose secret was another the last time.
    StoreNew,
    /// That credential, which is stored anew before, on nobody's time.
    Erase,
    /// A token of `acme/app` for this registry.
    Token(String),
    /// A token for this registry that nobody had before.
    TokenNew(String),
}

#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) request: Request,
    /// Runs in every so many rounds.
    pub(crate) every: usize,
    /// Where what is stored is, on the stage.
    pub(crate) data: String,
    /// Where tokens and keys rest, on the stage.
    pub(crate) runtime: String,
    /// The address of a session bus; empty where there is none.
    pub(crate) bus: String,
    /// What is removed from the stage before each run.
    pub(crate) without: Vec<&'static str>,
    pub(crate) times: Vec<Duration>,
    /// Processes that did not end with success: peers do fail when many are asked at once.
    pub(crate) failed: usize,
    /// The most requests that one run made, where somebody counts them.
    pub(crate) requests: usize,
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, program: &str, request: Request) -> Self {
        Self {
            name: name.into(),
            program: PathBuf::from(program),
            request,
            every: 1,
            data: "data".to_owned(),
            runtime: "runtime".to_owned(),
            bus: String::new(),
            without: Vec::new(),
            times: Vec::new(),
            failed: 0,
            requests: 0,
        }
    }

    /// The same helper, asked for something.
    pub(crate) fn asked(&self, what: &str, request: Request) -> Self {
        Self {
            name: format!("{} {what}", self.name),
            request,
            times: Vec::new(),
            ..self.clone()
        }
    }

    pub(crate) fn every(self, every: usize) -> Self {
        Self { every, ..self }
    }

    pub(crate) fn with_data(self, data: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            ..self
        }
    }

    pub(crate) fn with_runtime(self, runtime: impl Into<String>) -> Self {
        Self {
            runtime: runtime.into(),
            ..self
        }
    }

    pub(crate) fn on_bus(self, bus: &str) -> Self {
        Self {
            bus: bus.to_owned(),
            ..self
        }
    }

    pub(crate) fn without(mut self, without: &'static str) -> Self {
        self.without.push(without);
        self
    }

    /// Name, runs, runs that failed, median and 99th percentile in ms, and requests, parted by tabs.
    pub(crate) fn line(mut self) -> String {
        self.times.sort_unstable();
        format!(
            "{}\t{}\t{}\t{:.3}\t{:.3}\t{}",
            self.name,
            self.times.len(),
            self.failed,
            self.percentile(50),
            self.percentile(99),
            self.requests
        )
    }

    /// In ms. The times are sorted by now.
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times
            .get(rank)
            .copied()
            .map_or(f64::NAN, harness::milliseconds)
    }
}
