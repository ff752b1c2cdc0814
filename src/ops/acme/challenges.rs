//! The proofs that are under way: what port 80 answers to a token, what certificate a validator of tls-alpn-01 is shown.
//! Both are empty but for the seconds in which an authority looks.

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

/// The protocol by which a validator makes itself known (RFC 8737).
pub const ACME_ALPN: &[u8] = b"acme-tls/1";

/// Proofs under way.
#[derive(Default)]
pub struct Challenges {
    http: Mutex<HashMap<String, String>>,
    alpn: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenges")
    }
}

impl Challenges {
    /// What is answered at the well-known address to `token`.
    pub fn http_answer(&self, token: &str) -> Option<String> {
        self.http.lock().expect("no holder panics").get(token).cloned()
    }

    /// Answers `token` with `proof` until [`Self::clear`].
    pub fn set_http(&self, token: &str, proof: &str) {
        self.http.lock().expect("no holder panics").insert(token.to_owned(), proof.to_owned());
    }

    /// Shows a validator of `domain` a certificate with this digest until [`Self::clear`].
    ///
    /// # Errors
    /// A name that fits in no certificate.
    pub fn set_alpn(&self, domain: &str, digest: &[u8]) -> Result<(), rcgen::Error> {
        let mut params = CertificateParams::new(vec![domain.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate()?;
        let made = params.self_signed(&key)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing = any_supported_type(&private).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        // Not checked as a pair: the proof is a critical extension, which only validators understand.
        let certified = CertifiedKey::new(vec![made.der().clone()], signing);
        self.alpn.lock().expect("no holder panics").insert(domain.to_ascii_lowercase(), Arc::new(certified));
        Ok(())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.http.lock().expect("no holder panics").clear();
        self.alpn.lock().expect("no holder panics").clear();
    }

    fn alpn_certificate(&self, domain: &str) -> Option<Arc<CertifiedKey>> {
        self.alpn.lock().expect("no holder panics").get(&domain.to_ascii_lowercase()).cloned()
    }
}

/// Shows validators their proof, and everybody else the usual certificate.
#[derive(Debug)]
pub struct ChallengeResolver {
    /// For everybody else.
    pub usual: Arc<CertifiedKey>,
    /// For validators.
    pub challenges: Arc<Challenges>,
}

impl ResolvesServerCert for ChallengeResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_validator = hello.alpn().is_some_and(|mut offered| offered.any(|name| name == ACME_ALPN));
        if is_validator {
            // Nobody else's certificate: a validator without a challenge under way is to be told so.
            return self.challenges.alpn_certificate(hello.server_name()?);
        }
        Some(self.usual.clone())
    }
}
