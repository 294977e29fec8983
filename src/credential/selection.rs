//! Selection: which of several credentials of a registry is used for a request: the one that may do least beside it.
//! Knows nothing of where credentials are kept.
//!
//! A credential is a candidate where it covers all that is requested; one whose scopes nobody knows counts as the
//! widest. Of the candidates none is chosen that may do all that another may and more. Among those that are left the
//! longer prefix is chosen, then the earlier expiry, then the default profile, then the name.
//!
//! One that reads what is public only is a candidate of last resort: what is public only the registry knows.

use std::cmp::Reverse;

use time::OffsetDateTime;

use crate::credential::{AllowedScopes, Grant, Profile};
use crate::registry::{Scope, ScopePattern, ScopeSet, Server};

/// A credential that may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The registry, or the part of it, that it is for.
    pub server: &'a Server,
    /// The profile it is kept under.
    pub profile: &'a Profile,
    /// What it may do.
    pub allowed: &'a AllowedScopes,
    /// When it ends to be good for anything.
    pub expires: Option<OffsetDateTime>,
}

/// What came of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is used.
    Chosen,
    /// It is used, and of some use only if what is requested is public.
    ChosenIfPublic,
    /// It has expired.
    Expired(OffsetDateTime),
    /// It may not do this.
    Lacks(ScopeSet),
    /// It may do all that the chosen one may, and more.
    Wider,
    /// It is not wider than the chosen one; that one is for a longer prefix, expires earlier or is named first.
    Later,
    /// It is of some use only if what is requested is public, and another surely is.
    OnlyPublic,
}

impl Verdict {
    /// Whether it is the one that is used.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        match self {
            Self::Chosen | Self::ChosenIfPublic => true,
            Self::Expired(_) | Self::Lacks(_) | Self::Later | Self::OnlyPublic | Self::Wider => false,
        }
    }
}

/// Judges all candidates, in their order. At most one is chosen.
#[must_use]
pub fn select(request: &ScopeSet, candidates: &[Candidate<'_>], now: OffsetDateTime) -> Vec<Verdict> {
    let reaches: Vec<_> = candidates.iter().map(Reach::of).collect();
    let lacking = |public| move |reach: &Reach| reach.lacking(request, public);
    let is_live = |candidate: &Candidate<'_>| candidate.expires.is_none_or(|expires| expires > now);
    let covering = |public: bool| -> Vec<usize> {
        let covers = |(_, (candidate, reach)): &(usize, (&Candidate<'_>, &Reach))| {
            is_live(candidate) && lacking(public)(reach).is_empty()
        };
        let all = candidates.iter().zip(&reaches).enumerate();
        all.filter(covers).map(|(place, _)| place).collect()
    };
    let surely = covering(false);
    let (covering, verdict) = if surely.is_empty() {
        (covering(true), Verdict::ChosenIfPublic)
    } else {
        (surely, Verdict::Chosen)
    };
    let chosen = least(&covering, candidates, &reaches);
    let judge = |(place, (candidate, reach)): (usize, (&Candidate<'_>, &Reach))| {
        if chosen == Some(place) {
            return verdict.clone();
        }
        if let Some(expires) = candidate.expires.filter(|_| !is_live(candidate)) {
            return Verdict::Expired(expires);
        }
        let lacks = lacking(true)(reach);
        if !lacks.is_empty() {
            return Verdict::Lacks(lacks);
        }
        if !covering.contains(&place) {
            return Verdict::OnlyPublic;
        }
        match chosen.and_then(|chosen| reaches.get(chosen)) {
            Some(chosen) if reach.covers(chosen) && !chosen.covers(reach) => Verdict::Wider,
            Some(_) | None => Verdict::Later,
        }
    };
    candidates.iter().zip(&reaches).enumerate().map(judge).collect()
}

/// The first of those that are not wider than another.
fn least(covering: &[usize], candidates: &[Candidate<'_>], reaches: &[Reach]) -> Option<usize> {
    let is_wider = |one: &usize, other: &usize| match (reaches.get(*one), reaches.get(*other)) {
        (Some(one), Some(other)) => one.covers(other) && !other.covers(one),
        _ => false,
    };
    covering
        .iter()
        .filter(|one| !covering.iter().any(|other| is_wider(one, other)))
        .copied()
        .min_by_key(|place| candidates.get(*place).map(preference))
}

/// The smaller the better: the longer prefix, the earlier expiry, the default profile, the name; then the prefix
/// itself, so that no two are alike.
fn preference<'a>(candidate: &Candidate<'a>) -> impl Ord + use<'a> {
    let Candidate {
        server,
        profile,
        allowed: _,
        expires,
    } = *candidate;
    (
        Reverse(prefix(server).map_or(0, str::len)),
        expires.is_none(),
        expires,
        !profile.is_default(),
        profile,
        server,
    )
}

fn prefix(server: &Server) -> Option<&str> {
    match server {
        Server::Prefix { path, .. } => Some(path),
        Server::HubSession(_) | Server::Registry(_) | Server::UnknownScheme(_) => None,
    }
}

/// What a credential may do in its slot: what it may do at all, within the prefix that it is kept for.
#[derive(Debug)]
enum Reach {
    Everything,
    Grants(Vec<Grant>),
}

impl Reach {
    fn of(candidate: &Candidate<'_>) -> Self {
        let grants = candidate.allowed.grants();
        let Some(path) = prefix(candidate.server) else {
            return grants.map_or(Self::Everything, Self::Grants);
        };
        let everything = || ScopePattern::of_repository("*", "*").ok().map(Grant::of);
        let grants = grants.unwrap_or_else(|| everything().into_iter().collect());
        let within = grants.iter().flat_map(|Grant { pattern, only_public }| {
            pattern.within(path).into_iter().map(|pattern| Grant {
                pattern,
                only_public: *only_public,
            })
        });
        Self::Grants(within.collect())
    }

    /// What of a request it may not do, where all of it is public or need not be.
    fn lacking(&self, request: &ScopeSet, is_public: bool) -> ScopeSet {
        let Self::Grants(grants) = self else {
            return ScopeSet::default();
        };
        let is_lacking = |scope: Scope| {
            let resource = scope.resource().clone();
            scope.with_actions(|action| {
                !grants
                    .iter()
                    .any(|grant| (is_public || !grant.only_public) && grant.pattern.allows(&resource, action))
            })
        };
        request.iter().filter_map(is_lacking).collect()
    }

    /// Whether it may do all that another may.
    fn covers(&self, other: &Self) -> bool {
        let (grants, others) = match (self, other) {
            (Self::Everything, _) => return true,
            (Self::Grants(_), Self::Everything) => return false,
            (Self::Grants(grants), Self::Grants(others)) => (grants, others),
        };
        others.iter().all(|other| {
            other.pattern.actions().all(|action| {
                grants.iter().any(|grant| {
                    (!grant.only_public || other.only_public)
                        && grant.pattern.allows(other.pattern.resource(), action)
                })
            })
        })
    }
}

#[cfg(test)]
mod tests;
