//! Certificates: made, kept, renewed, swapped, refused.

use super::{HEALTH, dial, is_served, public, written};
use crate::harness::{wire::Wire, world::World};
use rcgen::{CertificateParams, KeyPair};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use wa_gateway::{config::TlsMode, ops::tls::Certificate};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A certificate of the admin's own for localhost, in these two files.
fn issue(chain: &Path, key: &Path) {
    let pair = KeyPair::generate().expect("a key");
    let made = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name").self_signed(&pair);
    fs::write(chain, made.expect("a certificate").pem()).expect("written");
    fs::write(key, pair.serialize_pem()).expect("written");
}

fn files(dir: &TempDir, name: &str) -> (PathBuf, PathBuf) {
    let (chain, key) = (dir.path().join(format!("{name}.pem")), dir.path().join(format!("{name}.key")));
    issue(&chain, &key);
    (chain, key)
}

#[tokio::test]
async fn the_first_start_makes_a_certificate_that_later_starts_keep_until_it_is_old() {
    let mut world = World::start_with(public).await;
    assert!(is_served(&world, &written(&world)).await);
    let dir = world.dir.path().join("tls");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let all: Vec<_> = fs::read_dir(&dir).expect("a directory").map(|e| e.expect("an entry").path()).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    for path in all {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let first = fs::read(written(&world)).expect("a certificate");

    world.restart().await;
    assert_eq!(fs::read(written(&world)).expect("a certificate"), first, "kept");
    assert!(is_served(&world, &written(&world)).await);

    world.later(DAY * 800);
    world.restart().await;
    assert_ne!(fs::read(written(&world)).expect("a certificate"), first, "made anew near its end");
    assert!(is_served(&world, &written(&world)).await);
    world.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_live_and_a_broken_one_is_not() {
    let dir = TempDir::new().expect("a directory");
    let (old, _) = files(&dir, "old");
    let (new, new_key) = files(&dir, "new");
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    fs::copy(&old, &chain).expect("copied");
    fs::copy(dir.path().join("old.key"), &key).expect("copied");
    let world = World::start_with(|c| {
        public(c);
        c.tls.mode = TlsMode::Files;
        (c.tls.certificate, c.tls.key) = (Some(chain.clone()), Some(key.clone()));
    });
    let world = world.await;
    assert!(is_served(&world, &old).await);
    assert!(!is_served(&world, &new).await, "the client does verify");
    let mut kept = Wire::over(dial(&world, &old, &[b"http/1.1"]).await.expect("a handshake"));

    // Half of the new pair: the old one stays, and the error names the file that does not fit.
    fs::copy(&new, &chain).expect("copied");
    let problem = world.running().reload_certificate().expect_err("they do not belong together").to_string();
    assert!(problem.contains("key.pem") && problem.contains("chain.pem"), "{problem}");
    assert!(is_served(&world, &old).await);

    fs::copy(&new_key, &key).expect("copied");
    assert!(is_served(&world, &old).await, "nothing changes by itself");
    world.running().reload_certificate().expect("a good pair");
    assert!(is_served(&world, &new).await);
    assert!(!is_served(&world, &old).await);
    assert!(kept.send(HEALTH).await);
    assert_eq!(kept.answer().await.expect("open connections stay").status, 200);

    fs::write(&chain, "no certificate").expect("written");
    let problem = world.running().reload_certificate().expect_err("it is broken").to_string();
    assert!(problem.contains("chain.pem"), "{problem}");
    assert!(is_served(&world, &new).await);
    world.stop().await;
}

#[test]
fn what_is_wrong_with_a_file_is_said_in_one_line_with_its_name() {
    let dir = TempDir::new().expect("a directory");
    let (chain, key) = files(&dir, "good");
    let (_, other_key) = files(&dir, "other");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    let empty = write("empty.pem", "");
    let text = write("text.pem", "not a PEM file at all\n");
    let cut = write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
    let no_der = write("no-der.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let no_key = write("no-key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let missing = dir.path().join("missing.pem");
    for (chain, key, named) in [
        (&missing, &key, "missing.pem: "),
        (&empty, &key, "empty.pem: holds no certificate"),
        (&text, &key, "text.pem: holds no certificate"),
        (&cut, &key, "cut.pem: "),
        (&no_der, &key, "no-der.pem"),
        (&key, &key, "good.key: holds no certificate"),
        (&chain, &missing, "missing.pem: "),
        (&chain, &empty, "empty.pem: holds no private key"),
        (&chain, &text, "text.pem: holds no private key"),
        (&chain, &no_key, "no-key.pem: "),
        (&chain, &chain, "good.pem: holds no private key"),
        (&chain, &other_key, "other.key: does not belong to the certificate in "),
    ] {
        let Err(problem) = Certificate::from_files(chain, key) else { panic!("{named} was taken") };
        let problem = problem.to_string();
        assert!(problem.contains(named) && !problem.contains('\n'), "{named}: {problem}");
    }
    // The control.
    assert!(Certificate::from_files(&chain, &key).is_ok());
}

#[tokio::test]
async fn bad_handshakes_end_in_their_time() {
    let world = World::start_with(|c| {
        public(c);
        c.limits.handshake_timeout = Duration::from_millis(300);
        c.limits.header_timeout = Duration::from_secs(600);
        c.limits.idle_timeout = Duration::from_secs(600);
    });
    let world = world.await;
    let address = world.running().public.expect("a public listener");
    let hello_begins = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let garbage = [0xa5; 5000];
    for said in [&b""[..], HEALTH.as_bytes(), hello_begins, &garbage] {
        let mut wire = Wire::open(address).await;
        wire.send(said).await;
        let answer = wire.rest().await;
        assert!(!answer.contains("HTTP/1.1") && answer.len() < 100, "{said:?}: {answer}");
    }
    assert!(is_served(&world, &written(&world)).await);
    world.stop().await;
}
