//! Grant: what the command may do at one registry, and the token that lets it, renewed before it expires.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use time::OffsetDateTime;

use crate::command::exec::Obtain;
use crate::command::obtain::{Obtained, Wanted};
use crate::command::recorder::Recorder;
use crate::registry::{AccessToken, Registry, ScopeSet};
use crate::secret::Secret;

/// How long is waited after a failure. Doubled with each, up to a minute: a token server that is gone for an hour is
/// not to be asked for by every job each second, and one that is back is to be found before a token expires.
const FIRST_PAUSE: time::Duration = time::Duration::SECOND;
const LONGEST_PAUSE: time::Duration = time::Duration::MINUTE;

/// A registry's token.
#[derive(Debug)]
pub(super) struct Grant {
    wanted: Wanted,
    token: AccessToken,
    renewal: Renewal,
    /// What the token server gave beyond what was asked for.
    more: ScopeSet,
    /// What the user has to know of how the first token was had.
    warning: Option<String>,
}

#[derive(Debug)]
enum Renewal {
    /// To be asked for when the token is not fresh any more.
    Due,
    /// Was asked for and failed. The pause before the next time, and when that is.
    Failed(time::Duration, OffsetDateTime),
    /// Is being asked for. The pause after the last failure.
    UnderWay(Option<time::Duration>),
}

impl Grant {
    /// Obtains the first token. Without it the command is not run.
    pub(super) fn first(wanted: Wanted, obtain: &Obtain, now: OffsetDateTime) -> Result<Self> {
        let registry = &wanted.registry;
        let obtained = obtain(&wanted, now).with_context(|| format!("no token for {registry}"))?;
        let (token, more, warning) = check(&wanted, obtained)?;
        Ok(Self {
            wanted,
            token,
            renewal: Renewal::Due,
            more,
            warning,
        })
    }

    /// What the user should know of it.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let more = (!self.more.is_empty()).then(|| {
            format!(
                "note: {} granted more than was asked for: {}",
                self.wanted.registry, self.more
            )
        });
        more.into_iter().chain(self.warning.clone())
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.wanted.registry
    }

    pub(super) fn token(&self) -> &Secret {
        &self.token.token
    }

    /// What is to be asked for now, if anything is.
    pub(super) fn begin_renewal(&mut self, now: OffsetDateTime) -> Option<Wanted> {
        let pause = match self.renewal {
            Renewal::Due if !self.token.is_fresh(now) => None,
            Renewal::Failed(pause, next) if next <= now => Some(pause),
            Renewal::Due | Renewal::Failed(..) | Renewal::UnderWay(_) => return None,
        };
        self.renewal = Renewal::UnderWay(pause);
        Some(self.wanted.clone())
    }

    /// What is being asked for, if anything is.
    pub(super) fn under_way(&self) -> Option<&Wanted> {
        matches!(self.renewal, Renewal::UnderWay(_)).then_some(&self.wanted)
    }

    /// How long nothing has to be done; `None` while an answer is waited for.
    pub(super) fn wait(&self, now: OffsetDateTime) -> Option<Duration> {
        let next = match self.renewal {
            // It is fresh up to that moment, and with it.
            Renewal::Due => self.token.fresh_until() + time::Duration::MILLISECOND,
            Renewal::Failed(_, next) => next,
            Renewal::UnderWay(_) => return None,
        };
        Some(Duration::try_from(next - now).unwrap_or_default())
    }

    /// Takes the new token. A failure is told of once in a row; the old token is as good as it was.
    pub(super) fn renew(&mut self, answer: Result<Obtained>, now: OffsetDateTime) -> Option<String> {
        match answer.and_then(|obtained| check(&self.wanted, obtained)) {
            Ok((token, _, warning)) if token.is_fresh(now) => {
                self.token = token;
                self.renewal = Renewal::Due;
                warning
            }
            // With an answer that took half of the token's life, the next is asked for after a pause, too.
            Ok((token, _, warning)) => {
                self.token = token;
                self.renewal = Renewal::Failed(FIRST_PAUSE, now + FIRST_PAUSE);
                warning
            }
            Err(error) => {
                let earlier = match self.renewal {
                    Renewal::UnderWay(pause) => pause,
                    Renewal::Due | Renewal::Failed(..) => None,
                };
                let pause = earlier.map_or(FIRST_PAUSE, |pause| LONGEST_PAUSE.min(pause.saturating_mul(2)));
                self.renewal = Renewal::Failed(pause, now + pause);
                earlier.is_none().then(|| {
                    format!(
                        "warning: the token for {} was not renewed, and expires in {} s; trying again: {error:#}",
                        self.wanted.registry,
                        (self.token.expires - now).whole_seconds().max(0)
                    )
                })
            }
        }
    }
}

/// The token, if it is for what was asked for, and what it is for beyond.
fn check(wanted: &Wanted, obtained: Obtained) -> Result<(AccessToken, ScopeSet, Option<String>)> {
    suffices(wanted, &obtained)?;
    let Obtained {
        access_token,
        warning,
        ..
    } = obtained;
    let granted = access_token.granted.as_ref();
    let more = granted.map_or_else(ScopeSet::default, |granted| wanted.scope.lacking(granted));
    Ok((access_token, more, warning))
}

/// Writes down that a token was had for the command, which is given none that is not for all that was asked for.
pub fn record(wanted: &Wanted, obtained: &Obtained, recorder: &Recorder, now: OffsetDateTime) {
    obtained.record(suffices(wanted, obtained).is_ok(), wanted, recorder, now);
}

/// Whether a token is for all that was asked for.
fn suffices(wanted: &Wanted, obtained: &Obtained) -> Result<()> {
    let Obtained {
        access_token,
        token_server,
        account,
        ..
    } = obtained;
    let (registry, origin) = (&wanted.registry, token_server.realm.origin());
    let lacking = access_token
        .granted
        .as_ref()
        .map_or_else(ScopeSet::default, |granted| granted.lacking(&wanted.scope));
    let is_pull = || {
        wanted
            .scope
            .iter()
            .all(|scope| scope.actions().all(|action| action == "pull"))
    };
    match account {
        // Where a token does not say what it is for, the public may pull with it at most.
        None if !lacking.is_empty() || access_token.granted.is_none() && !is_pull() => bail!(
            "nothing is stored for {registry} (docker login {registry}), and {origin} does not grant everybody {}",
            if lacking.is_empty() {
                &wanted.scope
            } else {
                &lacking
            },
        ),
        Some(account) if !lacking.is_empty() => {
            bail!("{origin} does not grant {account} {lacking} at {registry}")
        }
        None | Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::credential::Profile;
    use crate::registry::{Server, TokenServer};
    use crate::store::Slot;

    const LIFE: i64 = 20;

    fn obtained(now: OffsetDateTime) -> Obtained {
        Obtained {
            access_token: AccessToken {
                token: Secret::new(now.unix_timestamp().to_string()),
                granted: None,
                issued: now,
                expires: now + time::Duration::seconds(LIFE),
            },
            token_server: TokenServer {
                realm: "https://h/token".parse().unwrap(),
                service: None,
            },
            slot: Slot::new(Server::Registry("h".parse().unwrap()), Profile::default()),
            account: Some("alice".to_owned()),
            warning: None,
        }
    }

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second)
    }

    fn grant() -> Grant {
        let wanted = Wanted {
            registry: "h".parse().unwrap(),
            scope: "repository:a/b:pull".parse().unwrap(),
            service: None,
            profile: None,
            confirmed: None,
        };
        let obtain: Obtain = Arc::new(|_, now| Ok(obtained(now)));
        Grant::first(wanted, &obtain, at(0)).unwrap()
    }

    #[test]
    fn a_token_is_renewed_when_half_of_its_life_is_over() {
        let mut grant = grant();
        assert_eq!(grant.wait(at(0)).unwrap().as_secs(), 10);
        assert!(grant.begin_renewal(at(10)).is_none());
        assert!(grant.begin_renewal(at(11)).is_some());
        assert!(grant.begin_renewal(at(12)).is_none(), "once at a time");
        assert_eq!(grant.wait(at(12)), None);
        assert_eq!(grant.renew(Ok(obtained(at(11))), at(12)), None);
        assert_eq!(grant.token().expose(), "11");
        assert_eq!(grant.wait(at(12)).unwrap().as_secs(), 9);
    }

    #[test]
    fn a_failure_is_told_of_once_and_tried_again_with_growing_pauses() {
        let mut grant = grant();
        let mut now = 11;
        let mut told = 0;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(grant.begin_renewal(at(now)).is_some());
            told += usize::from(grant.renew(Err(anyhow::anyhow!("gone")), at(now)).is_some());
            assert_eq!(grant.token().expose(), "0", "the old one is kept");
            assert_eq!(grant.wait(at(now)).unwrap().as_secs(), pause);
            assert!(grant.begin_renewal(at(now)).is_none());
            now += i64::try_from(pause).unwrap();
        }
        assert_eq!(told, 1);
        assert!(grant.begin_renewal(at(now)).is_some());
        assert_eq!(grant.renew(Ok(obtained(at(now))), at(now)), None);
        assert!(grant.begin_renewal(at(now + 11)).is_some());
        assert!(grant.renew(Err(anyhow::anyhow!("gone")), at(now + 11)).is_some());
    }
}
