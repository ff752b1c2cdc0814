//! Certificates from an authority, against a real one (pebble): issued, kept, renewed, swapped while clients are served;
//! and when the authority does not believe us or is gone, what was there serves on.

use crate::harness::{
    clock::TestClock,
    http,
    pebble::{Gate, Pebble},
    world::World,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use wa_gateway::{
    config::{AcmeChallenge, Config, TlsMode},
    model::clock::{Clock, SystemClock},
    ops::{keeper::KeepError, x509},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);
const NAMES: [&str; 2] = ["shop.example.com", "wa.shop.example.com"];

/// Takes any certificate: these tests look at what is shown, not at whether it is trusted.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

async fn dial(address: std::net::SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    let name = ServerName::try_from(NAMES[0]).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
}

/// A gateway with an authority that may not be there yet.
struct Place {
    world: World,
    gate: Gate,
}

impl Place {
    async fn new(challenge: AcmeChallenge) -> Self {
        let gate = Gate::new();
        let change = |c: &mut Config| {
            let any = "127.0.0.1:0".parse().expect("an address");
            (c.listen.public, c.listen.http) = (Some(any), Some(any));
            c.tls.mode = TlsMode::Acme;
            c.tls.acme_domains = NAMES.map(str::to_owned).to_vec();
            c.tls.acme_email = "owner@shop.example.com".into();
            c.tls.acme_directory = gate.directory();
            c.tls.acme_root = Some(gate.root());
            c.tls.acme_challenge = challenge;
            c.egress.allow = vec![gate.authority().parse().expect("an entry")];
        };
        // The authority writes real dates.
        let world = World::start_at(&SystemClock.now().rfc3339(), change).await;
        Self { world, gate }
    }

    fn authority(&self) -> Pebble {
        let port = |a: Option<std::net::SocketAddr>| a.expect("a listener").port();
        self.gate.start(port(self.world.running().public), port(self.world.running().http))
    }

    async fn step(&self) -> Result<(), KeepError> {
        self.world.gateway().keeper.get().expect("a certificate is kept").step().await
    }

    /// What a client is shown.
    async fn leaf(&self) -> CertificateDer<'static> {
        let stream = dial(self.world.running().public.expect("a listener")).await.expect("a handshake");
        stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
    }

    async fn is_self_issued(&self) -> bool {
        x509::facts(&self.leaf().await).expect("a certificate").self_issued
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world.dir.path().join("tls/acme").join(name)
    }

    fn schedule(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file("schedule.json")).expect("a schedule")).expect("JSON")
    }

    /// The header that tells browsers to come with TLS alone.
    async fn strict_transport(&self) -> Option<String> {
        let answer = ask(self.world.running().public.expect("a listener")).await.expect("an answer");
        let head = answer.to_ascii_lowercase();
        let found = head.split("strict-transport-security: ").nth(1)?;
        found.lines().next().map(str::to_owned)
    }
}

async fn ask(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = dial(address).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    // An end without TLS's own goodbye is an end.
    let _ = stream.read_to_string(&mut text).await;
    Ok(text)
}

fn pass(clock: &TestClock, by: Duration) {
    clock.advance(by);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_issued_kept_and_renewed_over_the_tls_listener() {
    let mut place = Place::new(AcmeChallenge::TlsAlpn01).await;
    // The authority was not there at the start: TLS works all the same, and it is tried again later.
    let _ = place.step().await;
    assert!(place.is_self_issued().await);
    assert_eq!(place.strict_transport().await, None, "nobody trusts it yet");
    assert_eq!(place.schedule()["failures"], 1);
    let _authority = place.authority();
    pass(&place.world.clock, MINUTE * 14);
    place.step().await.expect("it is not time");
    assert!(place.is_self_issued().await, "not before its time");
    pass(&place.world.clock, MINUTE * 5);
    place.step().await.expect("a certificate");
    let first = place.leaf().await;
    let facts = x509::facts(&first).expect("a certificate");
    assert!(!facts.self_issued);
    for name in NAMES {
        assert!(first.windows(name.len()).any(|w| w == name.as_bytes()), "{name}");
    }
    assert_eq!(place.strict_transport().await.as_deref(), Some("max-age=31536000"));
    for name in ["account.json", "certificate.pem", "schedule.json"] {
        assert_eq!(fs::metadata(place.file(name)).expect(name).permissions().mode() & 0o777, 0o600, "{name}");
    }
    let account = fs::read(place.file("account.json")).expect("an account");

    // A restart asks nobody.
    place.gate.set_open(false);
    place.world.restart().await;
    place.step().await.expect("it is not time");
    assert_eq!(place.leaf().await, first);
    place.gate.set_open(true);

    // A third of its life before its end, less up to three days of chance.
    let now = place.world.clock.now();
    let renew_at = place.schedule()["renew_at_ms"].as_i64().expect("a time");
    let early = facts.not_after.millis() - renew_at;
    let day = i64::try_from(DAY.as_millis()).expect("a day");
    assert!((29 * day..34 * day).contains(&early), "{early}");
    let wait = Duration::from_millis(u64::try_from(renew_at - now.millis()).expect("later"));
    pass(&place.world.clock, wait - MINUTE);
    place.step().await.expect("it is not time");
    assert_eq!(place.leaf().await, first);
    // Nobody else has the new ports: the authority still looks at the old ones of the listener before the restart.
    drop(_authority);
    let _authority = place.authority();
    fs::remove_file(place.file("account.json")).expect("the new authority does not know it");
    pass(&place.world.clock, MINUTE);
    place.step().await.expect("renewed");
    assert_ne!(place.leaf().await, first);
    assert_ne!(fs::read(place.file("account.json")).expect("an account"), account);
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_issued_over_port_80_and_swapped_while_clients_are_served() {
    let place = Place::new(AcmeChallenge::Http01).await;
    let _authority = place.authority();
    pass(&place.world.clock, MINUTE * 20);
    place.step().await.expect("a certificate");
    let account = fs::read(place.file("account.json")).expect("an account");
    let first = place.leaf().await;
    let address = place.world.running().public.expect("a listener");
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, served) = (stop.clone(), served.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = ask(address).await.map_err(|e| e.to_string())?;
                    if !answer.starts_with("HTTP/1.1 200") {
                        return Err(answer);
                    }
                    served.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            })
        })
        .collect();
    let mut leaves = vec![first];
    for _ in 0..3 {
        let before = served.load(Ordering::SeqCst);
        while served.load(Ordering::SeqCst) < before + 8 {
            tokio::task::yield_now().await;
        }
        pass(&place.world.clock, DAY * 70);
        place.step().await.expect("renewed");
        let leaf = place.leaf().await;
        assert!(!leaves.contains(&leaf), "a new one");
        leaves.push(leaf);
    }
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("no panic").expect("each was served");
    }
    assert!(served.load(Ordering::SeqCst) >= 24);
    assert_eq!(fs::read(place.file("account.json")).expect("an account"), account, "the account is kept");
    // Port 80 knows no proof any more, and sends people on.
    let http = place.world.running().http.expect("a listener");
    let token = http::call(http, "GET", "/.well-known/acme-challenge/x", &[], &[]).await;
    assert_eq!(token.status, 404);
    let page = http::call(http, "GET", "/login?x=1", &[], &[]).await;
    assert_eq!(page.status, 307);
    assert_eq!(page.header("location").map(|l| l.ends_with("/login?x=1") && l.starts_with("https://")), Some(true));
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_prove_its_names_is_told_why_and_serves_on() {
    let place = Place::new(AcmeChallenge::TlsAlpn01).await;
    let _ = place.step().await;
    // Somebody else's TLS port, as when a name leads to another machine.
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = elsewhere.local_addr().expect("an address").port();
    let _authority = place.gate.start(port, port);
    drop(elsewhere);
    let shown = place.leaf().await;
    pass(&place.world.clock, MINUTE * 20);
    let problem = place.step().await.expect_err("no proof").to_string();
    assert!(problem.contains("shop.example.com") && problem.contains("443"), "{problem}");
    assert!(!problem.contains('\n'), "{problem}");
    assert_eq!(place.leaf().await, shown, "the old one serves on");
    assert_eq!(place.schedule()["failures"], 2);
    assert_eq!(place.world.gateway().keeper.get().expect("a keeper").last_error(), Some(problem));
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_authority_is_down_the_old_certificate_serves_and_it_is_asked_seldom() {
    let place = Place::new(AcmeChallenge::TlsAlpn01).await;
    let _authority = place.authority();
    pass(&place.world.clock, MINUTE * 20);
    place.step().await.expect("a certificate");
    let shown = place.leaf().await;
    place.gate.set_open(false);
    pass(&place.world.clock, DAY * 70);
    let mut tries = 0;
    // An hour, as the scheduler steps.
    for _ in 0..12 {
        tries += usize::from(place.step().await.is_err());
        assert_eq!(place.leaf().await, shown, "the old one serves on");
        pass(&place.world.clock, MINUTE * 5);
    }
    assert!((2..=3).contains(&tries), "{tries} tries in an hour");
    assert_eq!(place.schedule()["failures"], tries);
    place.gate.set_open(true);
    pass(&place.world.clock, DAY);
    place.step().await.expect("renewed when it is back");
    assert_ne!(place.leaf().await, shown);
    assert_eq!((&place.schedule()["failures"], &place.schedule()["last_error"]), (&0.into(), &Value::Null));
    place.world.stop().await;
}
