//! `inspect`: what a token says of itself, and whether a registry would be content with that. The signature is not
//! checked, and nothing here repeats the token.

use anyhow::{Result, anyhow, bail};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::command::status::Format;
use crate::command::{Report, aligned, in_ascii, printable, rfc3339};
use crate::registry::{Claims, Scope, ScopeSet, TokenResponse};
use crate::secret::Secret;

/// The longest input that is read. Proxies and registries cap a header at 8 to 32 KiB, and a token has to fit into
/// one; a token server's answer may hold it twice.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// What a token is to satisfy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// The registry's service, which the token has to be for.
    pub service: Option<String>,
    /// What the token has to allow.
    pub scopes: ScopeSet,
}

impl Required {
    fn is_nothing(&self) -> bool {
        self.service.is_none() && self.scopes.is_empty()
    }

    /// The first thing a registry would object to, in the order of distribution's (`registry/auth/token/token.go`,
    /// `Verify`, then `accesscontroller.go`, `Authorized`). Unlike there no time is let pass: registries do not agree
    /// on how much.
    fn objection(&self, claims: Option<&Claims>, now: OffsetDateTime) -> Option<String> {
        let Some(claims) = claims else {
            return Some("the token is opaque and says nothing of itself".to_owned());
        };
        if let Some(service) = &self.service {
            if claims.audience.is_empty() {
                return Some(format!("names no audience, where {service} is required"));
            }
            if !claims.is_for(service) {
                return Some(format!(
                    "is for {}, not for {service}",
                    claims.audience.join(", ")
                ));
            }
        }
        // A claim that is missing is the year 1970 there, and so long past.
        let Some(expires) = claims.expires else {
            return Some("does not say when it expires".to_owned());
        };
        if expires <= now {
            return Some(format!(
                "expired {} ago, {}",
                length(now - expires),
                rfc3339(expires)
            ));
        }
        if let Some(start) = claims.not_before.filter(|start| *start > now) {
            return Some(format!(
                "is not valid yet, but in {}, {}",
                length(start - now),
                rfc3339(start)
            ));
        }
        let lacking = match &claims.access {
            Some(access) => access.lacking(&self.scopes),
            None => self.scopes.clone(),
        };
        (!lacking.is_empty()).then(|| format!("lacks {lacking}"))
    }
}

/// Shows what the token in `input` says, and whether it satisfies what is required.
pub fn inspect(input: &[u8], required: &Required, format: Format, now: OffsetDateTime) -> Result<Report> {
    let claims = Claims::read(&token(input)?);
    let verdict = (!required.is_nothing()).then(|| Verdict::of(required.objection(claims.as_ref(), now)));
    let mut report = Report {
        is_incomplete: verdict.as_ref().is_some_and(|verdict| !verdict.satisfied),
        ..Report::default()
    };
    match format {
        Format::Json => {
            let shown = Shown {
                signature_checked: false,
                opaque: claims.is_none(),
                claims: claims.as_ref().map(|claims| ShownClaims::of(claims, now)),
                verdict,
            };
            report.text = in_ascii(&serde_json::to_string_pretty(&shown)?) + "\n";
        }
        Format::Table => {
            match &claims {
                Some(claims) => show(claims, now, &mut report),
                None => report.say("opaque: says nothing of itself"),
            }
            if let Some(Verdict { reason, .. }) = verdict {
                report.say(reason.map_or("satisfied".to_owned(), |reason| {
                    format!("not satisfied: {reason}")
                }));
            }
        }
    }
    Ok(report)
}

/// Finds the token in what people paste: the token, the header it travels in, or the answer it came with.
fn token(input: &[u8]) -> Result<Secret> {
    let input = input.trim_ascii();
    if input.len() > MAX_TOKEN_BYTES {
        bail!("standard input: is longer than {} KiB", MAX_TOKEN_BYTES / 1024);
    }
    if input.starts_with(b"{") {
        return TokenResponse::read(input)
            .and_then(|response| response.access_token(None, OffsetDateTime::UNIX_EPOCH, None))
            .map(|access_token| access_token.token)
            .map_err(|error| anyhow!("standard input: the token server {error}"));
    }
    let input = without(b"authorization:", input).trim_ascii_start();
    let token = match without(b"bearer", input) {
        // `bearer` may be how a token begins.
        rest if rest.first().is_none_or(u8::is_ascii_whitespace) => rest.trim_ascii_start(),
        _ => input,
    };
    if token.is_empty() {
        bail!("standard input: is empty; give a token");
    }
    if !token.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'"') {
        bail!(
            "standard input: is no token: has a blank, '\"' or another character that no token has; give the token alone"
        );
    }
    Ok(Secret::new(std::str::from_utf8(token)?.to_owned()))
}

/// What follows a name that is written in any case, or all of it.
fn without<'a>(name: &[u8], text: &'a [u8]) -> &'a [u8] {
    match text.split_at_checked(name.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(name) => rest,
        _ => text,
    }
}

fn show(claims: &Claims, now: OffsetDateTime, report: &mut Report) {
    let Claims {
        issuer,
        subject,
        audience,
        issued,
        not_before,
        expires,
        access,
    } = claims;
    let or_not_stated = |text: Option<String>| text.unwrap_or_else(|| "not stated".to_owned());
    let time = |time: Option<OffsetDateTime>, beside: &dyn Fn(OffsetDateTime) -> String| {
        or_not_stated(time.map(|time| format!("{} ({})", rfc3339(time), beside(time))))
    };
    let nobody_or = |subject: &String| {
        if subject.is_empty() {
            "nobody (anonymous)".to_owned()
        } else {
            subject.clone()
        }
    };
    let lines = [
        ("issuer", or_not_stated(issuer.clone())),
        ("subject", or_not_stated(subject.as_ref().map(nobody_or))),
        (
            "audience",
            or_not_stated((!audience.is_empty()).then(|| audience.join(", "))),
        ),
        (
            "issued",
            time(*issued, &|issued| away(issued - now, "ago", "from now")),
        ),
        (
            "not before",
            time(*not_before, &|start| away(start - now, "ago", "from now")),
        ),
        (
            "expires",
            time(*expires, &|expires| match expires - now {
                left if left.is_positive() => format!("{} left", length(left)),
                over => format!("expired {} ago", length(over)),
            }),
        ),
        (
            "access",
            match access {
                None => "not stated".to_owned(),
                Some(access) if access.is_empty() => "none".to_owned(),
                Some(_) => "as follows".to_owned(),
            },
        ),
    ];
    report.say("signature not checked");
    report.text += &aligned(&lines.map(|(name, value)| [name.to_owned(), printable(&value)]));
    if let Some(access) = access.as_ref().filter(|access| !access.is_empty()) {
        let mut lines = vec![["", "TYPE", "CLASS", "NAME", "ACTIONS"].map(str::to_owned)];
        lines.extend(access.iter().map(|scope| {
            let resource = scope.resource();
            [
                "",
                resource.kind(),
                resource.class().unwrap_or("-"),
                resource.name(),
                &scope.actions().collect::<Vec<_>>().join(","),
            ]
            .map(printable)
        }));
        report.text += &aligned(&lines);
    }
}

fn away(from_now: Duration, past: &str, future: &str) -> String {
    let side = if from_now.is_positive() { future } else { past };
    format!("{} {side}", length(from_now))
}

/// A length of time in its two largest units, either side of zero.
fn length(duration: Duration) -> String {
    let mut rest = duration.whole_seconds().unsigned_abs();
    let parts = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        .map(|(seconds, name)| {
            let count = rest / seconds;
            rest %= seconds;
            (count, name)
        })
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect::<Vec<_>>();
    if parts.is_empty() {
        "less than 1 s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// What a program reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    signature_checked: bool,
    opaque: bool,
    #[serde(flatten)]
    claims: Option<ShownClaims>,
    #[serde(flatten)]
    verdict: Option<Verdict>,
}

#[derive(Serialize)]
struct Verdict {
    satisfied: bool,
    reason: Option<String>,
}

impl Verdict {
    fn of(objection: Option<String>) -> Self {
        Self {
            satisfied: objection.is_none(),
            reason: objection,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownClaims {
    issuer: Option<String>,
    subject: Option<String>,
    audience: Vec<String>,
    issued: Option<String>,
    not_before: Option<String>,
    expires: Option<String>,
    seconds_left: Option<i64>,
    access: Option<Vec<ShownScope>>,
}

impl ShownClaims {
    fn of(claims: &Claims, now: OffsetDateTime) -> Self {
        let Claims {
            issuer,
            subject,
            audience,
            issued,
            not_before,
            expires,
            access,
        } = claims;
        Self {
            issuer: issuer.clone(),
            subject: subject.clone(),
            audience: audience.clone(),
            issued: issued.map(rfc3339),
            not_before: not_before.map(rfc3339),
            expires: expires.map(rfc3339),
            seconds_left: expires.map(|expires| (expires - now).whole_seconds()),
            access: access
                .as_ref()
                .map(|access| access.iter().map(|scope| ShownScope::of(&scope)).collect()),
        }
    }
}

#[derive(Serialize)]
struct ShownScope {
    #[serde(rename = "type")]
    kind: String,
    class: Option<String>,
    name: String,
    actions: Vec<String>,
}

impl ShownScope {
    fn of(scope: &Scope) -> Self {
        let resource = scope.resource();
        Self {
            kind: resource.kind().to_owned(),
            class: resource.class().map(str::to_owned),
            name: resource.name().to_owned(),
            actions: scope.actions().map(str::to_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
