//! Certificates: whose are believed, and the TLS that is spoken. Knows nothing of HTTP.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, version,
};
use rustls_platform_verifier::Verifier;

use super::{CertificateFile, HttpError, Trust};

/// TLS 1.2 or 1.3 with servers whose certificates are trusted; with none at all where there is no `trust`, and
/// then no file is read.
pub(super) fn tls(trust: Option<&Trust>) -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|_| HttpError::Start)?;
    let mut config = match trust {
        None => builder.with_root_certificates(RootCertStore::empty()),
        Some(trust) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Trusted::new(trust, provider)?)),
    }
    .with_no_client_auth();
    // A server of another protocol with a certificate of the same name cannot be passed off as this one (ALPACA).
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The platform's judgement, and one more rule: a certificate that was given to us is trusted for itself.
///
/// docker's page on insecure registries tells people to make one with `openssl req -x509`, and to copy it to
/// `certs.d`. That is a certificate authority, which webpki takes from no server; Go does.
#[derive(Debug)]
struct Trusted {
    platform: Verifier,
    given: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self, HttpError> {
        let mut given = Vec::new();
        for file in &trust.files {
            given.extend(read(file)?);
        }
        let platform = if cfg!(windows) && given.is_empty() {
            // There the system is asked first, and what is given is asked in an engine of its own.
            Verifier::new(provider)
        } else {
            Verifier::new_with_extra_roots(given.iter().cloned(), provider)
        };
        Ok(Self {
            // Without a file of ours the only thing to fail is that the system has none.
            platform: platform.map_err(|_| HttpError::NoRoots)?,
            given,
        })
    }
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judgement =
            self.platform
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match judgement {
            // webpki looks at this after the dates and before anything else (`check_issuer_independent_properties`).
            Err(Error::InvalidCertificate(CertificateError::Other(reason)))
                if reason.0.to_string() == "CaUsedAsEndEntity" && self.given.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judgement => judgement,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

/// The certificates in a file, each of which can be a root. A file that was given for nothing is a mistake to tell.
fn read(file: &CertificateFile) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let unfit = || HttpError::CertificateFile {
        path: file.path.clone(),
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&file.pem)
        .collect::<Result<_, _>>()
        .map_err(|_| unfit())?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|_| unfit())?;
    }
    if certificates.is_empty() {
        return Err(unfit());
    }
    Ok(certificates)
}
