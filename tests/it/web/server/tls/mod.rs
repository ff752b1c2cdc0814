//! The public listener: its certificate from the first start to a live swap, ALPN, HTTP/2, and bad handshakes.

mod certificate;
mod http2;

use crate::harness::{wire::Wire, world::World};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    time_provider::TimeProvider,
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use wa_gateway::{config::Config, model::clock::Clock};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

pub fn public(config: &mut Config) {
    config.listen.public = Some("127.0.0.1:0".parse().expect("an address"));
}

/// The self-signed certificate that the gateway wrote.
pub fn written(world: &World) -> std::path::PathBuf {
    world.dir.path().join("tls/self-signed.pem")
}

/// The gateway's time, for the client's look at the certificate's dates.
#[derive(Debug)]
struct Now(u64);

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// A verified TLS connection to the public listener, trusting only what is in `root`.
pub async fn dial(world: &World, root: &Path, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).expect("a certificate")).expect("a usable one");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let now = Now(world.clock.now().timestamp().as_second().unsigned_abs());
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(now))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    let address = world.running().public.expect("a public listener");
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Whether somebody who trusts only `root` gets an answer.
async fn is_served(world: &World, root: &Path) -> bool {
    let Ok(stream) = dial(world, root, &[b"http/1.1"]).await else { return false };
    let mut wire = Wire::over(stream);
    wire.send(HEALTH).await && wire.answer().await.is_some_and(|r| r.status == 200)
}
