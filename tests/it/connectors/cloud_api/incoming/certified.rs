//! Calls of Meta with a client certificate, where the owner wants one: Meta's common name under the authority in the file,
//! over the gateway's own TLS, and nobody else.

use super::rig::{LINE, Rig, SECRET, SHEENA, change, contact, signed, text, value};
use crate::harness::{wire::Wire, world::World};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::json;
use std::{fs, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const META: &str = "client.webhooks.fbclientcerts.com";

/// An authority, and one below it that signs: Meta sends the latter along.
struct Authority {
    root_pem: String,
    below: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with what proves it.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no name");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

impl Authority {
    fn new(name: &str) -> Self {
        let signs = |name: String| {
            let mut params = named(&name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let root = CertifiedIssuer::self_signed(signs(name.to_owned()), key()).expect("an authority");
        let below = CertifiedIssuer::signed_by(signs(format!("{name}, below")), key(), &root).expect("one below");
        Self { root_pem: root.pem(), below }
    }

    fn vouches_for(&self, name: &str) -> Identity {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let pair = key();
        let leaf = params.signed_by(&pair, &self.below).expect("a certificate").der().clone();
        let private = PrivateKeyDer::try_from(pair.serialize_der()).expect("a key");
        (vec![leaf, self.below.der().clone()], private)
    }
}

/// Whoever calls with this certificate, or none. The same one takes its earlier sessions up again.
fn caller(world: &World, identity: Option<&Identity>, version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_file(world.dir.path().join("tls/self-signed.pem")).expect("a certificate");
    roots.add(own).expect("a usable one");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).expect("a version");
    let builder = builder.with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()).expect("they fit"),
        None => builder.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// What a call is answered: status and body; none: there was no connection.
async fn call(rig: &Rig, caller: &TlsConnector, request: &str) -> Option<(u16, String)> {
    let stream = TcpStream::connect(rig.world.running().public.expect("a public listener")).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut wire = Wire::over(caller.connect(name, stream).await.ok()?);
    wire.send(request).await;
    wire.answer().await.map(|reply| (reply.status, reply.body))
}

/// A rightly signed message as a request.
fn message(id: &str) -> String {
    let members =
        json!({"contacts": [contact("Sheena Nelson", SHEENA)], "messages": [text(id, SHEENA, 1_780_300_000, "hello")]});
    let body = change("messages", value(members)).to_string();
    let signature = signed(SECRET, body.as_bytes());
    format!(
        "POST /hooks/cloud-api/{LINE} HTTP/1.1\r\nHost: localhost\r\nX-Hub-Signature-256: {signature}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn rig(authorities: &Path) -> Rig {
    let world = World::start_with(|config| {
        config.listen.public = Some("127.0.0.1:0".parse().expect("an address"));
        config.tls.meta_client_ca = Some(authorities.to_owned());
    });
    Rig::in_world(world.await, &[]).await
}

#[tokio::test]
async fn meta_is_taken_with_its_certificate_and_nobody_without_it() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("authorities.pem");
    let (old, new) = (Authority::new("The old authority"), Authority::new("The new authority"));
    fs::write(&file, &old.root_pem).expect("written");
    let rig = rig(&file).await;
    let (v12, v13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    let (meta, other, of_new) = (old.vouches_for(META), old.vouches_for("shop.example"), new.vouches_for(META));

    for version in [v12, v13] {
        let caller = caller(&rig.world, Some(&meta), version);
        for turn in ["first", "taken up again"] {
            let id = format!("wamid.{:?}.{turn}", version.version);
            assert_eq!(call(&rig, &caller, &message(&id)).await.expect("an answer").0, 200, "{id}");
        }
    }
    assert_eq!(rig.rows("SELECT id FROM inbound_messages").await.len(), 4);

    let before = rig.counts().await;
    for (identity, why) in [(None, "no certificate"), (Some(&other), "somebody else's")] {
        let (status, body) =
            call(&rig, &caller(&rig.world, identity, v13), &message("wamid.no")).await.expect("an answer");
        assert!(status == 403 && body.contains("client_certificate_required"), "{why}: {status} {body}");
    }
    for version in [v12, v13] {
        let stranger = call(&rig, &caller(&rig.world, Some(&of_new), version), &message("wamid.no")).await;
        assert_eq!(stranger, None, "another authority's");
    }
    let plain = change("messages", value(json!({"contacts": [contact("Sheena Nelson", SHEENA)], "messages": []})));
    assert_eq!(rig.bring_bytes(plain.to_string().as_bytes()).await.status, 403, "past the TLS");
    assert_eq!(rig.counts().await, before);

    // Everybody else comes as before, and so does the question for the address.
    let nobody = caller(&rig.world, None, v13);
    let asked = format!(
        "GET /hooks/cloud-api/{LINE}?hub.mode=subscribe&hub.challenge=7&hub.verify_token=a-verify%2Btoken HTTP/1.1\r\n\
         Host: localhost\r\n\r\n"
    );
    assert_eq!(call(&rig, &nobody, &asked).await, Some((200, "7".into())));
    let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(call(&rig, &nobody, health).await.expect("an answer").0, 200);

    // The authority changes: a broken file leaves the old one, both hold while both are in it.
    fs::write(&file, "no certificate").expect("written");
    let problem = rig.world.running().reload_certificate().expect_err("a broken file").to_string();
    assert!(problem.contains("authorities.pem") && problem.contains("holds no certificate"), "{problem}");
    fs::write(&file, format!("{}{}", old.root_pem, new.root_pem)).expect("written");
    rig.world.running().reload_certificate().expect("both");
    for (identity, id) in [(&meta, "wamid.both.old"), (&of_new, "wamid.both.new")] {
        let answer = call(&rig, &caller(&rig.world, Some(identity), v13), &message(id)).await;
        assert_eq!(answer.expect("an answer").0, 200, "{id}");
    }
    fs::write(&file, &new.root_pem).expect("written");
    rig.world.running().reload_certificate().expect("the new one");
    assert_eq!(call(&rig, &caller(&rig.world, Some(&meta), v13), &message("wamid.no")).await, None);
    assert_eq!(rig.rows("SELECT id FROM inbound_messages").await.len(), 6);
    rig.world.stop().await;
}
