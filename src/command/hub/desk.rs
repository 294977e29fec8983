//! Desk: what managing tokens works with, whoever does it.

use std::time::{Duration, Instant};

use anyhow::Result;
use time::OffsetDateTime;

use crate::activity_log::Action;
use crate::command::obtain::{Rooms, trust};
use crate::command::recorder::Activity;
use crate::credential::{Clocks, Profile};
use crate::http::{Http, authority};
use crate::hub::{Heard, Hub};
use crate::registry::{Registry, Server};
use crate::settings::{HubSettings, Settings};
use crate::store::Slot;
use crate::token_cache::TokenCache;

/// How long a command may go on. Each request has its own ten seconds; there may be a thousand of them, and pauses that
/// Docker Hub asks for.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Docker Hub as the settings have it, and the way there. Nothing is sent before something is asked.
pub struct Reach {
    /// When the time was looked at that commands go by.
    began: Instant,
    settings: HubSettings,
    http: Http,
}

impl Reach {
    /// The way there. What the settings say of certificates for the registry is for its Docker Hub, too.
    pub fn new(settings: &Settings) -> Result<Self> {
        let hub = settings.hub();
        let trust = trust(&[authority(&hub.api)], &settings.registry(&hub.registry))?;
        let began = Instant::now();
        Ok(Self {
            began,
            settings: hub,
            http: Http::new(trust, began + LONGEST),
        })
    }

    /// Where the API is, and which registry its tokens log in to.
    #[must_use]
    pub fn settings(&self) -> &HubSettings {
        &self.settings
    }

    /// Docker Hub, to be asked.
    #[must_use]
    pub fn hub(&self) -> Hub<'_> {
        Hub::new(&self.settings.api, &self.http)
    }
}

/// What managing tokens works with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What is held here.
    pub rooms: Rooms<'a>,
    /// Where tokens may be remembered that go when a credential goes.
    pub caches: &'a dyn Fn() -> Vec<TokenCache>,
    /// Docker Hub.
    pub reach: &'a Reach,
    /// Says to who waits how many were read, and of how many.
    pub progress: &'a dyn Fn(u64, Option<u64>),
    /// The time.
    pub now: OffsetDateTime,
}

impl Desk<'_> {
    /// The registry that the tokens log in to.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.reach.settings.registry
    }

    /// The slot of that registry in a profile.
    #[must_use]
    pub fn slot(&self, profile: &Profile) -> Slot {
        Slot::new(Server::Registry(self.registry().clone()), profile.clone())
    }

    /// How Docker Hub's clock stands to ours, as it said last; where it says nothing, they are taken to show the same.
    #[must_use]
    pub fn clocks(&self, heard: Option<Heard>) -> Clocks {
        heard.map_or(Clocks::new(self.now, self.now), |heard| {
            let since = heard.at.saturating_duration_since(self.reach.began);
            Clocks::new(self.now + since, heard.time)
        })
    }

    /// Writes down what was done at Docker Hub.
    pub fn record(&self, action: Action, slot: &Slot, account: Option<&str>) {
        let recorder = self.rooms.credentials.recorder;
        recorder.record(Activity::of(action, slot, account), self.now);
    }
}
