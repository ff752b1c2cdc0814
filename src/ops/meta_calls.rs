//! Calls of Meta with a client certificate ("mTLS for webhooks"; Meta's Graph API, "Getting started with webhooks"): who
//! switched that on for an app can have it checked in the TLS handshake, before a byte of a call is read.
//!
//! The signature of a call is checked all the same. Others come without a certificate to the same listener.

use super::x509;
use crate::model::clock::Time;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

/// The common name of Meta's certificate.
const META: &str = "client.webhooks.fbclientcerts.com";
/// How often it is told that calls are refused, in milliseconds: strangers call, too.
const TOLD_EVERY: i64 = 60_000;

/// Who must call with Meta's certificate.
#[derive(Debug, Default)]
pub struct MetaCalls(Seldom);

impl MetaCalls {
    /// Whether a call is taken that came with this certificate in DER, which its handshake has proved; none: with none.
    /// What is refused is told once a minute.
    pub fn takes(&self, certificate: Option<&[u8]>, now: Time) -> bool {
        let is_meta = certificate.and_then(x509::common_name) == Some(META);
        if !is_meta && self.0.is_due(now.millis()) {
            tracing::warn!(
                "calls to /hooks/cloud-api/ come without Meta's certificate and are refused: tls.meta_client_ca is set; is \
                 mutual TLS switched on at Meta?"
            );
        }
        is_meta
    }
}

/// Verifies clients' certificates by these authorities; who has none is let in without.
///
/// # Errors
/// What is wrong with one of them; none at all.
pub(super) fn verifier(authorities: Vec<CertificateDer<'static>>) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|e| format!("holds a certificate that cannot be used: {e}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
    let strict = builder.allow_unauthenticated().build().map_err(|e| e.to_string())?;
    Ok(Arc::new(TellingVerifier { strict, told: Seldom::default() }))
}

/// Tells what it refuses: Meta's authority changed once already, and nothing else would say why Meta is not heard.
#[derive(Debug)]
struct TellingVerifier {
    strict: Arc<dyn ClientCertVerifier>,
    told: Seldom,
}

impl ClientCertVerifier for TellingVerifier {
    fn offer_client_auth(&self) -> bool {
        self.strict.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.strict.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.strict.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.strict.verify_client_cert(leaf, between, now);
        if let Err(e) = &verified
            && self.told.is_due(i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000))
        {
            let name = x509::common_name(leaf).unwrap_or("no name");
            tracing::warn!(
                "a client's certificate ({name:?}) is refused, tls.meta_client_ca does not vouch for it: {e}"
            );
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

/// When something was last told, in milliseconds since 1970; 0: never.
#[derive(Debug, Default)]
struct Seldom(AtomicI64);

impl Seldom {
    fn is_due(&self, now: i64) -> bool {
        let told_at = self.0.load(Relaxed);
        // A clock that was ahead does not keep it silent.
        let is_due = told_at == 0 || now < told_at || now - told_at >= TOLD_EVERY;
        is_due && self.0.compare_exchange(told_at, now, Relaxed, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_cause_is_told_once_a_minute() {
        let told = Seldom::default();
        let due: Vec<bool> = [5, 6, 60_004, 60_005, 60_006, 3, 4].map(|now| told.is_due(now)).to_vec();
        assert_eq!(due, [true, false, false, true, false, true, false]);
    }
}
