//! TLS: handshakes that never end, HTTP/2, and certificates that change under open connections.

use super::{
    quick,
    rig::{Rig, connect, get, send, soon, until_closed},
};
use crate::harness::clock::TestClock;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use wa_gateway::{model::clock::Clock, ops::tls::Certificate, web::server::ServerLimits};

const NOW: &str = "2026-06-01T08:00:00Z";

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn self_signed(dir: &Path, now: &str) -> Certificate {
    Certificate::self_signed(dir, &names(&["localhost", "127.0.0.1"]), &TestClock::at(now)).expect("a certificate")
}

/// The certificate on disk.
fn on_disk(dir: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(dir.join("tls/self-signed.pem")).expect("a certificate")
}

/// A connection on which only the certificate in `dir` is believed, with one protocol.
async fn open(rig: &Rig, dir: &Path, alpn: &[u8]) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(on_disk(dir)).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    // The machine's time, not the test's: the certificates' years are wide enough around both.
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    soon(TlsConnector::from(Arc::new(config)).connect(name, connect(rig.address, 1).await)).await
}

async fn http2(rig: &Rig, dir: &Path) -> SendRequest<Full<Bytes>> {
    let stream = open(rig, dir, b"h2").await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = shaken.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// Status and body, or how it failed.
async fn ask(client: &mut SendRequest<Full<Bytes>>, request: http::request::Builder, body: Vec<u8>) -> (u16, String) {
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    let answer = soon(client.send_request(request)).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = soon(answer.into_body().collect()).await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_handshake_that_is_none_is_closed_in_time() {
    let dir = TempDir::new().expect("a directory");
    let limits = ServerLimits { idle: Duration::from_secs(600), header: Duration::from_secs(600), ..quick() };
    let rig = Rig::start_with(limits, Some(self_signed(dir.path(), NOW).server_config())).await;
    // Nothing, plain HTTP, noise, and the first bytes of a real hello that goes no further.
    for start in [&b""[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[0xff; 600], b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut stream = connect(rig.address, 1).await;
        send(&mut stream, start).await;
        let said = until_closed(&mut stream).await;
        assert!(!said.starts_with(b"HTTP"), "{start:?}");
    }
    let mut good = open(&rig, dir.path(), b"http/1.1").await.expect("a handshake");
    assert_eq!(get(&mut good, "/hello").await.body, "hello");
}

#[tokio::test]
async fn a_header_over_tls_has_its_time_too() {
    let dir = TempDir::new().expect("a directory");
    let rig = Rig::start_with(quick(), Some(self_signed(dir.path(), NOW).server_config())).await;
    for alpn in [&b"http/1.1"[..], b"h2"] {
        let mut silent = open(&rig, dir.path(), alpn).await.expect("a handshake");
        until_closed(&mut silent).await;
    }
}

#[tokio::test]
async fn http2_is_served_within_the_same_bounds() {
    let dir = TempDir::new().expect("a directory");
    let mut rig = Rig::start_with(quick(), Some(self_signed(dir.path(), NOW).server_config())).await;
    let mut client = http2(&rig, dir.path()).await;
    let to = |method: &str, path: &str| http::Request::builder().method(method).uri(format!("https://localhost{path}"));
    assert_eq!(ask(&mut client, to("GET", "/hello"), vec![]).await, (200, "hello".into()));
    let large = vec![b'a'; 2 << 20];
    assert_eq!(ask(&mut client, to("POST", "/read"), large.clone()).await, (200, large.len().to_string()));
    assert_eq!(ask(&mut client, to("POST", "/small"), large.clone()).await.0, 413);
    assert_eq!(ask(&mut client, to("POST", "/unread"), large).await.0, 401);
    let many = (0..70).fold(to("GET", "/hello"), |r, n| r.header(format!("x-{n}"), "y"));
    assert_eq!(ask(&mut client, many, vec![]).await.0, 431);
    assert_eq!(ask(&mut client, to("GET", "/drip"), vec![]).await, (200, ".".repeat(15)));
    // A stop lets what is under way finish.
    let mut second = client.clone();
    let waiting = tokio::spawn(async move { ask(&mut second, to("GET", "/wait"), vec![]).await });
    rig.wait_for(1).await;
    rig.tell_to_stop();
    rig.gate.add_permits(1);
    assert_eq!(soon(waiting).await.expect("no panic"), (200, "waited".into()));
    rig.stopped().await;
}

#[tokio::test]
async fn a_new_certificate_holds_for_new_connections() {
    let (old, new) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    let _old = self_signed(old.path(), NOW);
    let _new = self_signed(new.path(), NOW);
    let files = TempDir::new().expect("a directory");
    let (chain, key) = (files.path().join("chain.pem"), files.path().join("key.pem"));
    let install = |from: &TempDir| {
        fs::copy(from.path().join("tls/self-signed.pem"), &chain).expect("a copy");
        fs::copy(from.path().join("tls/self-signed.key"), &key).expect("a copy");
    };
    install(&old);
    let certificate = Certificate::from_files(&chain, &key).expect("a certificate");
    let rig =
        Rig::start_with(ServerLimits { idle: Duration::from_secs(600), ..quick() }, Some(certificate.server_config()));
    let rig = rig.await;
    let mut kept = open(&rig, old.path(), b"http/1.1").await.expect("the old one");
    assert!(open(&rig, new.path(), b"http/1.1").await.is_err());
    let clock = TestClock::at(NOW);
    fs::write(&key, "broken").expect("a file");
    assert!(certificate.reload(&clock).is_err());
    assert!(open(&rig, old.path(), b"http/1.1").await.is_ok(), "a broken one leaves the old in place");
    install(&new);
    certificate.reload(&clock).expect("the new one");
    assert!(open(&rig, old.path(), b"http/1.1").await.is_err());
    let mut fresh = open(&rig, new.path(), b"http/1.1").await.expect("the new one");
    assert_eq!(get(&mut fresh, "/hello").await.body, "hello");
    assert_eq!(get(&mut kept, "/hello").await.body, "hello", "who was connected stays so");
}

#[test]
fn a_self_signed_certificate_is_kept_until_there_is_a_reason() {
    let dir = TempDir::new().expect("a directory");
    let dir = dir.path();
    let certificate = self_signed(dir, NOW);
    let first = on_disk(dir);
    for name in ["key", "pem", "until"] {
        let mode = fs::metadata(dir.join("tls/self-signed").with_extension(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    self_signed(dir, "2028-07-01T08:00:00Z");
    assert_eq!(on_disk(dir), first, "used again");
    self_signed(dir, "2028-08-10T08:00:00Z");
    let renewed = on_disk(dir);
    assert_ne!(renewed, first, "30 days before its end");
    let late = TestClock::at("2030-11-01T08:00:00Z");
    certificate.reload(&late).expect("a certificate");
    let reloaded = on_disk(dir);
    assert_ne!(reloaded, renewed, "a reload renews, too");
    fs::remove_file(dir.join("tls/self-signed.key")).expect("it was there");
    self_signed(dir, &late.now().rfc3339());
    let repaired = on_disk(dir);
    assert_ne!(repaired, reloaded, "half of a pair is no certificate");
    Certificate::self_signed(dir, &names(&["localhost", "wa.example.com"]), &late).expect("a certificate");
    assert_ne!(on_disk(dir), repaired, "a new name");
    Certificate::self_signed(dir, &names(&["löcal host"]), &late).expect("an odd name does not matter");
}

#[test]
fn a_wrong_file_is_named_with_what_is_wrong() {
    let dir = TempDir::new().expect("a directory");
    let other = TempDir::new().expect("a directory");
    self_signed(dir.path(), NOW);
    self_signed(other.path(), NOW);
    let file = |name: &str| dir.path().join("tls").join(name);
    let (chain, key) = (file("self-signed.pem"), file("self-signed.key"));
    let empty = file("empty.pem");
    fs::write(&empty, "").expect("a file");
    let locked = file("locked.pem");
    fs::write(&locked, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
        .expect("a");
    let noise = file("noise.pem");
    fs::write(&noise, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("a file");
    let foreign = other.path().join("tls/self-signed.key");
    let rows = [
        (&file("none.pem"), &key, "none.pem: there is no such file"),
        (&chain, &file("none.key"), "none.key: there is no such file"),
        (&dir.path().join("tls"), &key, "tls: "),
        (&empty, &key, "empty.pem: holds no certificate"),
        (&key, &key, "self-signed.key: holds no certificate"),
        (&noise, &key, "noise.pem: its first certificate cannot be read"),
        (&chain, &chain, "self-signed.pem: holds no private key"),
        (&chain, &locked, "locked.pem: holds an encrypted private key"),
        (&chain, &foreign, "self-signed.key: does not belong to the certificate in "),
    ];
    for (chain, key, expected) in rows {
        let error = Certificate::from_files(chain, key).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains(expected) && !error.contains('\n'), "{expected:?}: {error}");
    }
    assert!(Certificate::from_files(&chain, &key).is_ok());
}
