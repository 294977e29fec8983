//! The key a token server signs with, and the certificates that make a registry trust it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

/// An ES256 key under a certificate that chains to a root. The root's own key is thrown away.
pub(super) struct SigningKey {
    key: EcdsaKeyPair,
    /// DER in base64, as the `x5c` header wants it.
    certificate: String,
    root_certificate: String,
}

impl SigningKey {
    pub(super) fn generate() -> Self {
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name
            .push(DnType::CommonName, "token server root");
        let root = CertifiedIssuer::self_signed(root, new_key()).expect("a root certificate");

        let key = new_key();
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name.push(DnType::CommonName, "token server");
        let leaf = leaf.signed_by(&key, &root).expect("a certificate under the root");

        Self {
            key: EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &key.serialize_der(),
                &SystemRandom::new(),
            )
            .expect("a P-256 key"),
            certificate: STANDARD.encode(leaf.der()),
            root_certificate: pem(root.der()),
        }
    }

    /// PEM, for a registry's `rootcertbundle`.
    pub(super) fn root_certificate(&self) -> &str {
        &self.root_certificate
    }

    /// A JWT, with the certificate in its header (RFC 7515, 4.1.6).
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [self.certificate] });
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a new P-256 key")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// RFC 7468 wants lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (index, character) in STANDARD.encode(der).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}
