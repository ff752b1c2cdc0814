//! TLS for a client that is handed an address and would take that for the name of whom it calls: the certificate is judged
//! by the name that led there.
//!
//! It knows nothing of which addresses are allowed.

use super::{EgressError, line::server_name, target::Host};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::sync::Arc;

/// A client's configuration with which only somebody passes whose certificate one of `trusted` gave to `host`.
///
/// # Errors
/// [`EgressError::Tls`]: a host that no certificate can name, or nobody is trusted.
pub fn config(trusted: &Arc<RootCertStore>, host: &Host) -> Result<ClientConfig, EgressError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(trusted.clone(), provider.clone())
        .build()
        .map_err(|e| EgressError::Tls(e.to_string()))?;
    let verifier = Arc::new(NamedVerifier { name: server_name(host)?, inner });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| EgressError::Tls(e.to_string()))?;
    // "Dangerous" is what rustls calls any verifier that is not its own; the judgement in ours is its own.
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The usual judgement, by one name only.
#[derive(Debug)]
struct NamedVerifier {
    name: ServerName<'static>,
    inner: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for NamedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _called: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use std::net::Ipv4Addr;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// Whether a client that is to meet `host`, and was handed an address, talks to whoever has `certificate`.
    async fn meets(
        host: &str,
        CertifiedKey { cert, signing_key }: &CertifiedKey<rcgen::KeyPair>,
    ) -> Result<(), String> {
        let mut trusted = RootCertStore::empty();
        trusted.add(cert.der().clone()).expect("a root");
        let client = config(&Arc::new(trusted), &Host::Name(host.to_owned())).expect("a name");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|it| it.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
            .expect("a server");
        let (here, there) = tokio::io::duplex(64 * 1024);
        let called = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let (met, _) = tokio::join!(
            TlsConnector::from(Arc::new(client)).connect(called, here),
            TlsAcceptor::from(Arc::new(server)).accept(there)
        );
        met.map(drop).map_err(|e| e.to_string())
    }

    #[tokio::test]
    async fn a_certificate_is_judged_by_the_name_and_not_by_the_address() {
        let its = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            generate_simple_self_signed(names).expect("a certificate")
        };
        let broker = its(&["broker.example"]);
        meets("broker.example", &broker).await.expect("it names the host");
        let why = meets("other.example", &broker).await.expect_err("another's");
        assert!(why.contains("other.example"), "{why}");
        let address = its(&["127.0.0.1"]);
        meets("broker.example", &address).await.expect_err("it names the address alone");
    }
}
