//! Obtain: an access token for a registry and a scope, from the cache or by an exchange. What `token` prints and what
//! `exec` hands to its command.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use time::OffsetDateTime;

use crate::credential::{Credential, Kind, Profile};
use crate::files::foreign;
use crate::http::{BUDGET, CertificateFile, Http, HttpError, Trust};
use crate::registry::{AccessToken, Realm, Registry, ScopeSet, Server, TokenServer};
use crate::settings::{self, RegistrySettings, Settings};
use crate::store::{CredentialStore, Slot, TokenServers};
use crate::token::{self, ContactError, Credentials, Exchange, ExchangeError};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The registry that is to take the token.
    pub registry: Registry,
    /// What it is to allow.
    pub scope: ScopeSet,
    /// Another audience than the registry's own, of the same token server.
    pub service: Option<String>,
    /// Whose credential is used.
    pub profile: Profile,
    /// The realm that the user confirms for the registry.
    pub confirmed: Option<Realm>,
}

/// What is kept where.
#[derive(Clone, Copy)]
pub struct Rooms<'a> {
    /// The credentials.
    pub credentials: &'a CredentialStore,
    /// What is recorded of registries.
    pub token_servers: &'a TokenServers,
    /// What the user has written down of them.
    pub settings: &'a Settings,
}

/// A token, and how it came about.
#[derive(Debug)]
pub struct Obtained {
    /// The token.
    pub access_token: AccessToken,
    /// Who gave it, and for whom it is.
    pub token_server: TokenServer,
    /// The account it was had for; `None` for nobody.
    pub account: Option<String>,
}

/// Obtains a token.
pub fn obtain(wanted: &Wanted, rooms: Rooms<'_>, now: OffsetDateTime) -> Result<Obtained> {
    let registry = &wanted.registry;
    let own = rooms.settings.registry(registry);
    let deadline = Instant::now() + BUDGET;
    let mut token_server = find_token_server(wanted, &own, rooms, deadline)?;
    if let Some(why) = token_server.refusal(registry, own.insecure) {
        bail!(
            "{}: tokens for {registry} are not asked for there: {why}",
            token_server.realm.origin()
        );
    }
    if wanted.service.is_some() {
        token_server.service.clone_from(&wanted.service);
    }
    let server = Server::Registry(registry.clone());
    let held = rooms.credentials.find(&server, &wanted.profile)?;
    let credential = held.as_ref().map(|held| &held.credential);
    let http = Http::new(
        trust(&[registry.to_string(), host(&token_server.realm)], &own)?,
        deadline,
    );
    let exchange = Exchange {
        credentials: credential.map_or(Credentials::Anonymous, credentials),
        scope: &wanted.scope,
        token_server: &token_server,
        wants_refresh_token: false,
        allows_plain_http: token_server.realm.url().scheme() == "http",
    };
    let exchanged = match exchange.make(&http, now) {
        Ok(exchanged) => exchanged,
        Err(error) => return Err(explain(error, wanted, &own, &token_server, deadline)),
    };
    if let (Some(credential), Some(secret)) = (credential, exchanged.refresh_token)
        && credential.kind == Kind::IdentityToken
        && !secret.is_same_as(&credential.secret)
    {
        // Rotated: the one that was used may be good for nothing any more.
        let slot = Slot::new(server, wanted.profile.clone());
        let renewed = Credential {
            secret,
            ..credential.clone()
        };
        rooms
            .credentials
            .put(&slot, &renewed, now)
            .context("the token server's new refresh token was not kept")?;
    }
    if let Some(held) = &held {
        held.mark_used(now);
    }
    let account = credential.map(|credential| credential.account.clone());
    Ok(Obtained {
        access_token: exchanged.access_token,
        token_server,
        account,
    })
}

fn credentials(credential: &Credential) -> Credentials<'_> {
    match credential.kind {
        Kind::IdentityToken => Credentials::RefreshToken(&credential.secret),
        Kind::OrganizationAccessToken | Kind::Password | Kind::PersonalAccessToken => Credentials::Password {
            account: &credential.account,
            password: &credential.secret,
        },
    }
}

/// Where the registry's tokens come from: as the user wrote it down, as it was recorded, as it is documented; else
/// it is asked, and what it says is recorded.
fn find_token_server(
    wanted: &Wanted,
    own: &RegistrySettings,
    rooms: Rooms<'_>,
    deadline: Instant,
) -> Result<TokenServer> {
    let registry = &wanted.registry;
    let recorded = rooms.token_servers.get(registry)?;
    let known = || TokenServer::known(registry);
    if wanted.confirmed.is_none() {
        let found = recorded.clone().or_else(known);
        if let Some(realm) = &own.realm {
            let same = found
                .filter(|found| found.realm == *realm)
                .and_then(|found| found.service);
            return Ok(TokenServer {
                realm: realm.clone(),
                service: own.service.clone().or(same),
            });
        }
        if let Some(found) = found {
            return Ok(TokenServer {
                service: own.service.clone().or(found.service),
                ..found
            });
        }
    }
    let http = Http::new(trust(&[registry.to_string()], own)?, deadline);
    let asked = token::ask_registry(registry, own.insecure, wanted.confirmed.as_ref(), &http)?;
    if let Some(confirmed) = &wanted.confirmed
        && asked.realm != *confirmed
    {
        bail!(
            "{registry} wants its tokens to be had from {}, not from {confirmed}",
            asked.realm
        );
    }
    rooms.token_servers.put(registry, &asked)?;
    Ok(TokenServer {
        service: own.service.clone().or(asked.service),
        ..asked
    })
}

/// Where a token server is gone, the registry may have another by now. That is said, with both names, and left to
/// the user: it is also what an attack looks like.
fn explain(
    error: ExchangeError,
    wanted: &Wanted,
    own: &RegistrySettings,
    token_server: &TokenServer,
    deadline: Instant,
) -> anyhow::Error {
    let is_gone = matches!(
        error,
        ExchangeError::Status {
            status: 404 | 410,
            ..
        } | ExchangeError::Http(
            HttpError::Connect { .. } | HttpError::Dns { .. } | HttpError::Redirect { .. }
        )
    );
    if !is_gone {
        return error.into();
    }
    let registry = &wanted.registry;
    let Ok(trust) = trust(&[registry.to_string()], own) else {
        return error.into();
    };
    let named = match token::ask_registry(registry, own.insecure, None, &Http::new(trust, deadline)) {
        Ok(asked) => asked.realm,
        Err(ContactError::Unconfirmed { realm, .. }) => realm,
        Err(_) => return error.into(),
    };
    if named == token_server.realm {
        return error.into();
    }
    anyhow::anyhow!(
        "{registry} had its tokens from {} and now names {named}; if that is right, confirm it: \
         docker-credential-scoped token {registry} --trust-realm '{named}'",
        token_server.realm
    )
}

/// The certificates to believe in beside the system's: docker's own for these hosts, and the settings' file.
fn trust(hosts: &[String], own: &RegistrySettings) -> Result<Trust> {
    let mut paths: Vec<_> = hosts
        .iter()
        .flat_map(|host| settings::certificate_directories(host))
        .flat_map(|directory| foreign::files_ending_in(".crt", &directory))
        .collect();
    paths.extend(own.ca_file.clone());
    let mut files = Vec::new();
    for path in paths {
        let pem = foreign::read(&path)?.with_context(|| format!("{}: is not there", path.display()))?;
        files.push(CertificateFile { path, pem });
    }
    Ok(Trust { files })
}

/// Host and port, as docker names the directory of its certificates.
fn host(realm: &Realm) -> String {
    let url = realm.url();
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
