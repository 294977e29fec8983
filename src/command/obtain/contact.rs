//! Contact: where a registry's tokens come from, and how its servers are reached.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use time::OffsetDateTime;

use super::{Rooms, Wanted};
use crate::files::foreign;
use crate::http::{CertificateFile, Http, HttpError, Trust};
use crate::registry::{Judgement, Realm, Registry, TokenServer};
use crate::settings::{self, RegistrySettings};
use crate::store::{TokenServers, TokenServersError};
use crate::token::{self, ContactError, Exchange, ExchangeError, Exchanged};

/// Where the registry's tokens come from: as the user wrote it down, as it was recorded, as it is documented; else
/// it is asked, and what it says is recorded.
pub(crate) fn find_token_server(
    wanted: &Wanted,
    own: &RegistrySettings,
    rooms: Rooms<'_>,
    left: &Cell<Duration>,
) -> Result<TokenServer> {
    let registry = &wanted.registry;
    let known = known_token_server(registry, own, rooms.token_servers)?;
    if wanted.confirmed.is_none()
        && let Some(known) = known
    {
        if let Some(realm) = &own.realm
            && is_service_unknown(registry, own, &known, rooms.token_servers)?
        {
            let service = learn_service(realm, registry, own, rooms, left);
            return Ok(TokenServer { service, ..known });
        }
        return Ok(known);
    }
    if let (Some(realm), Some(confirmed)) = (&own.realm, &wanted.confirmed)
        && realm != confirmed
    {
        bail!("settings.json says that tokens for {registry} come from {realm}; change it there");
    }
    let http = Http::new(trust(&[registry.to_string()], own)?, Instant::now() + left.get());
    let asked = token::ask_registry(registry, own.insecure, wanted.confirmed.as_ref(), &http)?;
    left.set(http.remaining());
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

/// The same as far as it is known without asking anybody.
pub(crate) fn known_token_server(
    registry: &Registry,
    own: &RegistrySettings,
    token_servers: &TokenServers,
) -> Result<Option<TokenServer>, TokenServersError> {
    let found = recorded(registry, token_servers)?;
    Ok(match &own.realm {
        Some(realm) => {
            let same = found
                .filter(|found| found.realm == *realm)
                .and_then(|found| found.service);
            Some(TokenServer {
                realm: realm.clone(),
                service: own.service.clone().or(same),
            })
        }
        None => found.map(|found| TokenServer {
            service: own.service.clone().or(found.service),
            ..found
        }),
    })
}

/// Whether the registry is to be asked for the service of its own realm: the user wrote the realm down without one, and
/// none is recorded for it.
pub(crate) fn is_service_unknown(
    registry: &Registry,
    own: &RegistrySettings,
    known: &TokenServer,
    token_servers: &TokenServers,
) -> Result<bool, TokenServersError> {
    let Some(realm) = own.realm.as_ref().filter(|_| known.service.is_none()) else {
        return Ok(false);
    };
    Ok(recorded(registry, token_servers)?.is_none_or(|found| found.realm != *realm))
}

/// Nothing is asked for at a realm that gets no credential, whoever has named it.
pub(super) fn ensure_allowed(
    token_server: &TokenServer,
    registry: &Registry,
    own: &RegistrySettings,
) -> Result<()> {
    match token_server.refusal(registry, own.insecure) {
        Some(why) => bail!(
            "{}: tokens for {registry} are not asked for there: {why}",
            token_server.realm.origin()
        ),
        None => Ok(()),
    }
}

/// Asks the token server, within what time is `left`.
pub(super) fn send(
    exchange: &Exchange<'_>,
    registry: &Registry,
    own: &RegistrySettings,
    left: &Cell<Duration>,
    now: OffsetDateTime,
) -> Result<Exchanged> {
    let hosts = [registry.to_string(), host(&exchange.token_server.realm)];
    // From here: it may have waited for another process's exchange.
    let http = Http::new(trust(&hosts, own)?, Instant::now() + left.get());
    let exchanged = exchange.make(&http, now);
    left.set(http.remaining());
    Ok(exchanged?)
}

/// As it was recorded, or as it is documented.
fn recorded(
    registry: &Registry,
    token_servers: &TokenServers,
) -> Result<Option<TokenServer>, TokenServersError> {
    Ok(token_servers
        .get(registry)?
        .or_else(|| TokenServer::known(registry)))
}

/// The service that the registry names beside the realm which the user wrote down without one. It is recorded, and so
/// asked for once, also where there is none. What is written down stands without the registry too: one that names
/// another realm, or does not answer, has no say, and may take half of the time.
fn learn_service(
    realm: &Realm,
    registry: &Registry,
    own: &RegistrySettings,
    rooms: Rooms<'_>,
    left: &Cell<Duration>,
) -> Option<String> {
    if matches!(realm.judge(registry, own.insecure), Judgement::Refused(_)) {
        // Nothing is asked for there.
        return None;
    }
    let half = left.get() / 2;
    let http = Http::new(trust(&[registry.to_string()], own).ok()?, Instant::now() + half);
    let asked = token::ask_registry(registry, own.insecure, Some(realm), &http);
    left.set(half + http.remaining());
    let named = asked.ok().filter(|asked| asked.realm == *realm)?;
    // Where it cannot be kept it is asked for again.
    let _ = rooms.token_servers.put(registry, &named);
    named.service
}

/// Where a token server is gone, the registry may have another by now. That is said, with both names, and left to
/// the user: it is also what an attack looks like.
pub(super) fn explain(
    error: anyhow::Error,
    wanted: &Wanted,
    own: &RegistrySettings,
    token_server: &TokenServer,
    left: Duration,
) -> anyhow::Error {
    let is_gone = matches!(
        error.downcast_ref(),
        Some(
            ExchangeError::NoOAuth { status: 404, .. }
                | ExchangeError::Status {
                    status: 404 | 410,
                    ..
                }
                | ExchangeError::Http(
                    HttpError::Connect { .. } | HttpError::Dns { .. } | HttpError::Redirect { .. }
                )
        )
    );
    if !is_gone {
        return error;
    }
    let registry = &wanted.registry;
    let Ok(trust) = trust(&[registry.to_string()], own) else {
        return error;
    };
    let named = match token::ask_registry(
        registry,
        own.insecure,
        None,
        &Http::new(trust, Instant::now() + left),
    ) {
        Ok(asked) => asked.realm,
        Err(ContactError::Unconfirmed { realm, .. }) => realm,
        Err(_) => return error,
    };
    if named == token_server.realm {
        return error;
    }
    anyhow::anyhow!(
        "{registry} had its tokens from {} and now names {named}; if that is right, confirm it: \
         docker-credential-scoped token {registry} --trust-realm '{named}'",
        token_server.realm
    )
}

/// The certificates to believe in beside the system's: docker's own for these hosts, and the settings' file.
pub(crate) fn trust(hosts: &[String], own: &RegistrySettings) -> Result<Trust> {
    let mut paths: Vec<_> = hosts
        .iter()
        .flat_map(|host| settings::certificate_directories(host))
        .flat_map(|directory| foreign::files_ending_in(".crt", &directory))
        .collect();
    paths.extend(own.ca_file.clone());
    // It is read by a library, to its end.
    if let Some(roots) = settings::root_certificates() {
        foreign::ensure_it_ends(&roots).context("SSL_CERT_FILE")?;
    }
    let mut files = Vec::new();
    for path in paths {
        let is_ours = own.ca_file.as_ref() == Some(&path);
        let said_where = || {
            if is_ours {
                "caFile in settings.json"
            } else {
                "certificates"
            }
        };
        let pem = foreign::read(&path)
            .with_context(said_where)?
            .with_context(|| format!("{}: {}: is not there", said_where(), path.display()))?;
        files.push(CertificateFile { path, pem });
    }
    Ok(Trust { files })
}

/// Host and port, as docker names the directory of its certificates.
pub(crate) fn host(realm: &Realm) -> String {
    let url = realm.url();
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
