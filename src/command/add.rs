//! `add`: keep a credential with what is known of it, or change what is named of one that is kept.

use anyhow::{Error, Result, anyhow, bail};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::activity_log::Action;
use crate::command::credentials::{Credentials, Found, named, said_expiry, time_left};
use crate::command::{Report, aligned, forget_tokens, printable};
use crate::credential::{
    AllowedScope, AllowedScopes, Credential, Expiry, IDENTITY_TOKEN_ACCOUNT, KeptSecret, Kind, Origin,
    Profile, SecretReference,
};
use crate::registry::ServerUrl;
use crate::secret::Secret;
use crate::secret_source::from_person;
use crate::store::Slot;
use crate::token_cache::TokenCache;

pub use crate::secret_source::MAX_SECRET_BYTES;

/// What is named of a credential. What is not stays as it is.
#[derive(Debug)]
pub struct Request {
    /// What it is for.
    pub server_url: ServerUrl,
    /// The profile it is kept under.
    pub profile: Profile,
    /// The account.
    pub account: Option<String>,
    /// The kind of secret.
    pub kind: Option<Kind>,
    /// What it may do.
    pub allowed: Option<AllowedScopes>,
    /// When it ends to be good for anything; or that nobody knows.
    pub expires: Option<Option<OffsetDateTime>>,
    /// Where its secret is, if it is not given.
    pub reference: Option<SecretReference>,
    /// Whether a new secret is given though something else is named of one that is kept. Without that word standard
    /// input is left alone: in a script it holds what comes next.
    pub is_secret_given: bool,
}

impl Request {
    /// Whether something else than its secret is to be changed.
    fn names_more_than_its_slot(&self) -> bool {
        let Self {
            server_url: _,
            profile: _,
            account,
            kind,
            allowed,
            expires,
            reference,
            is_secret_given,
        } = self;
        if *is_secret_given {
            return false;
        }
        account.is_some() || kind.is_some() || allowed.is_some() || expires.is_some() || reference.is_some()
    }
}

/// What was given for a secret, as it came.
#[derive(Debug)]
pub enum Given {
    /// On standard input.
    Piped(Zeroizing<Vec<u8>>),
    /// At a prompt.
    Typed(Zeroizing<String>),
}

/// Reads the kind of a secret, in the words of settings.json.
pub fn read_kind(text: &str) -> Result<Kind> {
    // Not repeated: somebody may write a token in its place.
    serde_json::from_value(text.into())
        .ok()
        // What somebody adds he made himself, and it is not to go when there are newer ones.
        .filter(|kind| *kind != Kind::SessionToken)
        .ok_or_else(|| {
            anyhow!("--kind: is password, personal-access-token, organization-access-token or identity-token")
        })
}

/// Reads what a credential may do; `unknown` is that nobody knows.
pub fn read_scopes(texts: &[String]) -> Result<Option<AllowedScopes>> {
    match texts {
        [] => Ok(None),
        [only] if only == "unknown" => Ok(Some(AllowedScopes::Unknown)),
        texts => texts
            .iter()
            .map(|text| text.parse::<AllowedScope>())
            .collect::<Result<_, _>>()
            .map(|scopes| Some(AllowedScopes::Known(scopes)))
            .map_err(Error::from),
    }
}

/// Reads when a credential ends to be good; `never` is that nobody knows.
pub fn read_expiry(text: &str, now: OffsetDateTime) -> Result<Option<OffsetDateTime>> {
    if text == "never" {
        return Ok(None);
    }
    let expires = text.parse::<Expiry>()?.from(now);
    if expires <= now {
        bail!("--expires: is over; name a time to come, or never");
    }
    Ok(Some(expires))
}

/// Keeps what is named in its slot.
pub fn add(
    request: Request,
    ask: &mut dyn FnMut(&str) -> Result<Given>,
    credentials: Credentials<'_>,
    caches: &dyn Fn() -> Vec<TokenCache>,
    now: OffsetDateTime,
) -> Result<Report> {
    let slot = Slot::new(request.server_url.server().clone(), request.profile.clone());
    let held = credentials.store.get(&slot)?.map(|held| held.credential);
    // Before anybody is asked for the secret: that this will fail can be known now.
    check_account(&request, held.as_ref())?;
    let secret = match (&request.reference, &held) {
        (Some(_), _) => None,
        (None, Some(_)) if request.names_more_than_its_slot() => None,
        (None, held) => {
            let account = request.account.as_deref();
            let account = account.or(held.as_ref().map(|held| held.account.as_str()));
            let question = printable(&format!(
                "Secret of {} for {}: ",
                account.unwrap_or(IDENTITY_TOKEN_ACCOUNT),
                slot.server()
            ));
            let Some(secret) = given(ask(&question)?)? else {
                bail!("secret: give it on standard input, or say with --from where it is");
            };
            Some(secret)
        }
    };
    let mut notes = Report::default();
    let (credential, replaced) = credentials.store.change(&slot, now, |before| {
        changed(request, secret, before, now, &mut notes)
    })?;
    let declared = credentials.declared(&slot);
    if declared.is_some() {
        notes.note(format_args!(
            "{} is declared in settings.json, too; what is stored now stands over that",
            slot.server()
        ));
    }
    credentials.record(Action::Add, &slot, Some(&credential.account), now);
    let what = if replaced.is_some() { "changed" } else { "added" };
    // What the other one got is not for this one, and may allow more than this one is to.
    for gone in [replaced.as_ref(), declared.as_ref().map(Found::credential)]
        .into_iter()
        .flatten()
    {
        forget_tokens(&slot, gone, &caches());
    }
    Ok(Report {
        text: format!("{}: {what}\n", named(&slot)) + &facts(&credential, now),
        ..notes
    })
}

/// What is kept: what was before, with what is named.
fn changed(
    request: Request,
    secret: Option<Secret>,
    before: Option<&Credential>,
    now: OffsetDateTime,
    notes: &mut Report,
) -> Result<Credential> {
    check_account(&request, before)?;
    let Request {
        server_url,
        profile: _,
        account,
        kind,
        allowed,
        expires,
        reference,
        is_secret_given: _,
    } = request;
    let is_new_secret = secret.is_some() || reference.is_some();
    let secret = match (secret, reference, before) {
        (Some(secret), _, _) => KeptSecret::Here(secret),
        (None, Some(reference), _) => KeptSecret::Elsewhere(reference),
        (None, None, Some(before)) => before.secret.clone(),
        (None, None, None) => bail!("secret: give it on standard input, or say with --from where it is"),
    };
    let is_same_secret = before.is_some_and(|before| before.secret.is_same_as(&secret));
    let token_id = before
        .filter(|_| is_same_secret)
        .and_then(|before| before.token_id.clone());
    let account = account
        .or_else(|| before.map(|before| before.account.clone()))
        .or_else(|| (kind == Some(Kind::IdentityToken)).then(|| IDENTITY_TOKEN_ACCOUNT.to_owned()))
        .unwrap_or_default();
    if account.is_empty() && !matches!(secret, KeptSecret::Elsewhere(SecretReference::Helper(_))) {
        bail!("--username: name the account; only a helper knows it by itself");
    }
    let told = match &secret {
        KeptSecret::Here(secret) => Kind::of(&account, secret),
        KeptSecret::Elsewhere(_) => Kind::of_account(&account),
    };
    // Of another secret that is not true.
    let is_told = |kind| matches!(kind, Kind::IdentityToken | Kind::SessionToken);
    let kind = match (kind, before) {
        (Some(kind), _) => kind,
        (None, Some(before)) if before.kind == Kind::SessionToken && is_same_secret => before.kind,
        // What its text does not tell was said before.
        (None, Some(before)) if told == Kind::Password && !is_told(before.kind) => before.kind,
        (None, _) => told,
    };
    if (kind == Kind::IdentityToken) != (account == IDENTITY_TOKEN_ACCOUNT) {
        bail!("--kind: identity-token and the username {IDENTITY_TOKEN_ACCOUNT} go together");
    }
    let kept = before.and_then(|before| before.expires);
    let expires = match expires {
        Some(expires) => expires,
        // That was when the other one ended; a new one would not be handed out at all.
        None if is_new_secret && kept.is_some_and(|kept| kept <= now) => {
            notes.note(format_args!(
                "{}: nobody knows when the new secret expires; say so with --expires",
                server_url.server()
            ));
            None
        }
        None => {
            if is_new_secret && kept.is_some() {
                notes.note(format_args!(
                    "{}: is still said to expire when the old secret does; change that with --expires",
                    server_url.server()
                ));
            }
            kept
        }
    };
    Ok(Credential {
        server_url: before.map_or(server_url, |before| before.server_url.clone()),
        account,
        secret,
        kind,
        token_id,
        allowed: allowed
            .or_else(|| before.map(|before| before.allowed.clone()))
            .unwrap_or_default(),
        expires,
        created: if is_new_secret {
            Some(now)
        } else {
            before.and_then(|before| before.created)
        },
        origin: Origin::Add,
    })
}

/// Whether there will be an account, and one that can be shown.
fn check_account(request: &Request, before: Option<&Credential>) -> Result<()> {
    let Request {
        account,
        kind,
        reference,
        ..
    } = request;
    match account {
        Some(account) if account.is_empty() || account.chars().any(char::is_control) => {
            bail!("--username: is empty or has a control character")
        }
        None if before.is_none()
            && *kind != Some(Kind::IdentityToken)
            && !matches!(reference, Some(SecretReference::Helper(_))) =>
        {
            bail!("--username: name the account; only a helper knows it by itself")
        }
        Some(_) | None => Ok(()),
    }
}

fn given(given: Given) -> Result<Option<Secret>> {
    Ok(match given {
        Given::Piped(bytes) if bytes.is_empty() => None,
        Given::Piped(bytes) => Some(from_person("standard input", &bytes)?),
        Given::Typed(text) => Some(from_person("secret", text.as_bytes())?),
    })
}

fn facts(credential: &Credential, now: OffsetDateTime) -> String {
    let account = credential.known_account().unwrap_or("as the helper says");
    let lines = [
        ("account", account.to_owned()),
        ("kind", credential.kind.name().to_owned()),
        ("allowed", credential.allowed.to_string()),
        (
            "expires",
            credential.expires.map_or("unknown".to_owned(), |expires| {
                format!("{}, in {}", said_expiry(expires), time_left(expires, now))
            }),
        ),
        (
            "secret",
            match &credential.secret {
                KeptSecret::Here(_) => "kept here, sealed".to_owned(),
                KeptSecret::Elsewhere(reference) => {
                    format!("{reference}; fetched when it is needed, and never written down")
                }
            },
        ),
    ];
    aligned(&lines.map(|(name, value)| [String::new(), name.to_owned(), printable(&value)]))
}
