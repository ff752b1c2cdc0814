//! Certificates of the public listener: self-signed at first start, or the admin's own files; read again without a
//! restart. ring is the only provider, given explicitly: nothing here depends on a process-wide default.
//!
//! It knows nothing of the configuration, and not who listens with what it makes.

use crate::model::clock::{Clock, Time};
use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a self-signed certificate is good: phones refuse more than 825 days, the day of slack counted.
const LIFE: Duration = Duration::from_secs(820 * DAY.as_secs());
/// How long before its end a new one is made.
const RENEW_WITHIN: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Why there is no certificate; one line that names the file and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// The certificate in use.
pub struct Certificate {
    source: Source,
    current: Arc<ArcSwap<ServerConfig>>,
}

enum Source {
    Files { chain: PathBuf, key: PathBuf },
    SelfSigned { dir: PathBuf, names: Vec<String> },
}

impl Certificate {
    /// The admin's own files, in PEM.
    ///
    /// # Errors
    /// A file that is missing or unreadable, holds no certificate or key, or a key that does not belong to the
    /// certificate.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = Arc::new(ArcSwap::new(load(chain, key)?));
        Ok(Self { source: Source::Files { chain: chain.to_owned(), key: key.to_owned() }, current })
    }

    /// A self-signed one in `<data_dir>/tls`, for `names` and this machine's own addresses. It is kept until it is
    /// near its end, broken, or one of `names` is new.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn self_signed(data_dir: &Path, names: &[String], clock: &dyn Clock) -> Result<Self, TlsError> {
        let dir = data_dir.join("tls");
        let current = Arc::new(ArcSwap::new(load_or_make(&dir, names, clock.now())?));
        Ok(Self { source: Source::SelfSigned { dir, names: names.to_vec() }, current })
    }

    /// What the listener reads anew for each connection.
    pub fn server_config(&self) -> Arc<ArcSwap<ServerConfig>> {
        self.current.clone()
    }

    /// Reads the files again, or makes a new self-signed one where it is time. Connections that are open keep the old
    /// certificate.
    ///
    /// # Errors
    /// As at the start; then the old one stays.
    pub fn reload(&self, clock: &dyn Clock) -> Result<(), TlsError> {
        self.current.store(match &self.source {
            Source::Files { chain, key } => load(chain, key)?,
            Source::SelfSigned { dir, names } => load_or_make(dir, names, clock.now())?,
        });
        Ok(())
    }
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> TlsError {
    TlsError(format!("{}: {what}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => wrong(path, "there is no such file"),
        io::ErrorKind::PermissionDenied => wrong(path, "may not be read by the user that the gateway runs as"),
        _ => wrong(path, e),
    })
}

fn load(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(chain)?)
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(chain, format_args!("is no PEM file: {e}")))?;
    if certificates.is_empty() {
        return Err(wrong(chain, "holds no certificate (-----BEGIN CERTIFICATE-----)"));
    }
    let private = private_key(key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => {
                wrong(key, format_args!("does not belong to the certificate in {}", chain.display()))
            }
            rustls::Error::InvalidCertificate(e) => {
                wrong(chain, format_args!("its first certificate cannot be read: {e:?}"))
            }
            e => wrong(key, format_args!("holds a private key that cannot be used: {e}")),
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|e| {
        // What was read is secret: nothing of it goes into a message.
        if pem.windows(9).any(|w| w == b"ENCRYPTED") {
            wrong(path, "holds an encrypted private key: store it without a passphrase")
        } else if matches!(e, rustls::pki_types::pem::Error::NoItemsFound) {
            wrong(path, "holds no private key (-----BEGIN PRIVATE KEY-----)")
        } else {
            wrong(path, "is no PEM file")
        }
    })
}

/// The files of a self-signed certificate.
struct Files {
    chain: PathBuf,
    key: PathBuf,
    /// When it ends, and a line for each name that was asked for.
    record: PathBuf,
}

fn load_or_make(dir: &Path, names: &[String], now: Time) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |name: &str| dir.join(name);
    let files =
        Files { chain: file("self-signed.pem"), key: file("self-signed.key"), record: file("self-signed.until") };
    if is_good(&files.record, names, now) {
        match load(&files.chain, &files.key) {
            Ok(config) => return Ok(config),
            // It is ours, so it can be made again: a file was removed, or a power cut left half of a pair.
            Err(e) => tracing::warn!("a new self-signed certificate is made: {e}"),
        }
    }
    make(dir, &files, names, now).map_err(|e| wrong(dir, format_args!("no certificate can be made here: {e}")))?;
    load(&files.chain, &files.key)
}

fn is_good(record: &Path, names: &[String], now: Time) -> bool {
    let Ok(text) = fs::read_to_string(record) else { return false };
    let mut lines = text.lines();
    let end = lines.next().and_then(|line| Time::parse(line).ok());
    let made_for: Vec<&str> = lines.collect();
    end.is_some_and(|end| end > now.plus(RENEW_WITHIN)) && names.iter().all(|n| made_for.contains(&n.as_str()))
}

fn make(dir: &Path, files: &Files, names: &[String], now: Time) -> Result<(), Box<dyn std::error::Error>> {
    if !dir.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let pair = KeyPair::generate()?;
    let end = now.plus(LIFE);
    let certificate = parameters(names, now, end).self_signed(&pair)?;
    write_private(&files.key, &pair.serialize_pem())?;
    write_private(&files.chain, &certificate.pem())?;
    // The last one says that the others are there.
    write_private(&files.record, &format!("{}\n{}\n", end.rfc3339(), names.join("\n")))?;
    Ok(())
}

fn parameters(names: &[String], now: Time, end: Time) -> CertificateParams {
    let mut params = CertificateParams::default();
    for name in names {
        // A machine's name may be anything; one that fits in no certificate must not keep the gateway from starting.
        match CertificateParams::new([name.clone()]) {
            Ok(one) => params.subject_alt_names.extend(one.subject_alt_names),
            Err(e) => tracing::warn!("the certificate is made without the name {name:?}: {e}"),
        }
    }
    for address in own_addresses().into_iter().map(SanType::IpAddress) {
        if !params.subject_alt_names.contains(&address) {
            params.subject_alt_names.push(address);
        }
    }
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names.first().map_or("wa-gateway", String::as_str));
    params.distinguished_name = subject;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let date = |t: Time| {
        let day = t.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    // A day of slack: the clocks of phones are not always right.
    params.not_before = date(now.minus(DAY));
    params.not_after = date(end);
    params
}

/// The addresses from which this machine would talk to the world. Connecting a UDP socket asks the routing table and
/// sends nothing.
fn own_addresses() -> Vec<IpAddr> {
    let documentation = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let ways: [(IpAddr, IpAddr); 2] = [
        (Ipv4Addr::UNSPECIFIED.into(), documentation.0.into()),
        (Ipv6Addr::UNSPECIFIED.into(), documentation.1.into()),
    ];
    let asked = ways.into_iter().filter_map(|(from, to)| {
        let socket = UdpSocket::bind(SocketAddr::new(from, 0)).ok()?;
        socket.connect(SocketAddr::new(to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    asked.filter(|ip| !ip.is_loopback() && !ip.is_unspecified()).collect()
}

/// Writes beside and renames, so that no reader and no power cut sees half of it.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
