//! Certificates for servers in tests, good and bad.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The years in which a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) struct Years(pub(crate) i32, pub(crate) i32);

/// Now, and as long as these tests are run.
pub(crate) const VALID: Years = Years(2020, 4000);
pub(crate) const EXPIRED: Years = Years(2000, 2001);
pub(crate) const NOT_YET_VALID: Years = Years(3000, 4000);

/// A certificate authority of the tests' own.
pub(crate) struct Root(CertifiedIssuer<'static, KeyPair>);

impl Root {
    pub(crate) fn new(name: &str) -> Self {
        let mut root = parameters(&[], VALID);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(root, key()).expect("a root certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        pem(self.0.der())
    }

    /// A server's configuration with a certificate for this name.
    pub(crate) fn server(&self, name: &str, years: Years) -> Arc<ServerConfig> {
        self.server_with(&parameters(&[name], years))
    }

    /// The same, where the certificate is one by which clients sign in.
    pub(crate) fn server_as_client(&self, name: &str) -> Arc<ServerConfig> {
        let mut parameters = parameters(&[name], VALID);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.server_with(&parameters)
    }

    fn server_with(&self, parameters: &CertificateParams) -> Arc<ServerConfig> {
        let key = key();
        let leaf = parameters
            .signed_by(&key, &self.0)
            .expect("a certificate under the root");
        config(leaf.der(), &key)
    }
}

/// A server that signed its certificate itself, and the certificate in PEM. `is_authority` as `openssl req -x509`
/// makes them.
pub(crate) fn self_signed(name: &str, years: Years, is_authority: bool) -> (Arc<ServerConfig>, String) {
    let key = key();
    let mut parameters = parameters(&[name], years);
    if is_authority {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let certificate = parameters.self_signed(&key).expect("a certificate");
    (config(certificate.der(), &key), pem(certificate.der()))
}

fn parameters(names: &[&str], years: Years) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("names");
    parameters.not_before = date_time_ymd(years.0, 1, 1);
    parameters.not_after = date_time_ymd(years.1, 1, 1);
    parameters
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn config(certificate: &CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a certificate of this key");
    Arc::new(config)
}
