//! Certificates of the public listener: self-signed at first start, the admin's own files, or an authority's; read
//! again without a restart. ring is the only provider, given explicitly: nothing here depends on a process-wide default.
//!
//! It knows nothing of the configuration, and not who listens with what it makes.

use super::{
    acme::{self, ACME_ALPN, Acme, Challenges},
    meta_calls,
    x509::{self, CertificateFacts},
};
use crate::{
    model::clock::{Clock, Time},
    store,
};
use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
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
    source: CertificateSource,
    /// Whose certificates clients may come with.
    client_ca: Option<PathBuf>,
    current: Arc<ArcSwap<ServerConfig>>,
    facts: ArcSwap<CertificateInfo>,
}

enum CertificateSource {
    Files { chain: PathBuf, key: PathBuf },
    SelfSigned { dir: PathBuf, names: Vec<String> },
    Acme { acme: Arc<Acme>, is_test: bool, dir: PathBuf, names: Vec<String> },
}

/// What is known of the certificate that clients are shown.
struct CertificateInfo {
    facts: Option<CertificateFacts>,
    is_trusted: bool,
    is_own: bool,
}

impl Certificate {
    /// The admin's own files, in PEM.
    ///
    /// # Errors
    /// A file that is missing or unreadable, holds no certificate or key, or a key that does not belong to the
    /// certificate.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        // No clock is asked: these files are nobody's to renew.
        Self::of(CertificateSource::Files { chain: chain.to_owned(), key: key.to_owned() }, Time::from_millis(0))
    }

    /// A self-signed one in `<data_dir>/tls`, for `names` and this machine's own addresses. It is kept until it is
    /// near its end, broken, or one of `names` is new.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn self_signed(data_dir: &Path, names: &[String], clock: &dyn Clock) -> Result<Self, TlsError> {
        Self::of(CertificateSource::SelfSigned { dir: data_dir.join("tls"), names: names.to_vec() }, clock.now())
    }

    /// The one that `acme` keeps; a self-signed one as above for as long as there is none. `is_test`: of an authority
    /// that nobody trusts.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn acme(
        data_dir: &Path,
        names: &[String],
        acme: Arc<Acme>,
        is_test: bool,
        clock: &dyn Clock,
    ) -> Result<Self, TlsError> {
        Self::of(
            CertificateSource::Acme { acme, is_test, dir: data_dir.join("tls"), names: names.to_vec() },
            clock.now(),
        )
    }

    fn of(source: CertificateSource, now: Time) -> Result<Self, TlsError> {
        let (config, shown) = source.load(None, now)?;
        let (current, facts) = (Arc::new(ArcSwap::new(config)), ArcSwap::from_pointee(shown));
        Ok(Self { source, client_ca: None, current, facts })
    }

    /// The same, where clients are asked for certificates of the authorities in `client_ca` (PEM), and may have none.
    ///
    /// # Errors
    /// A file that is missing or unreadable, or holds no certificate.
    pub fn asking_clients(mut self, client_ca: &Path, clock: &dyn Clock) -> Result<Self, TlsError> {
        self.client_ca = Some(client_ca.to_owned());
        self.reload(clock)?;
        Ok(self)
    }

    /// What the listener reads anew for each connection.
    pub fn server_config(&self) -> Arc<ArcSwap<ServerConfig>> {
        self.current.clone()
    }

    /// When it is good; none when that cannot be read.
    pub fn facts(&self) -> Option<CertificateFacts> {
        self.facts.load().facts
    }

    /// Whether browsers can be expected to trust it, so that they may be told never to come without TLS again.
    pub fn is_trusted(&self) -> bool {
        self.facts.load().is_trusted
    }

    /// Whether it was made here and is to be made anew.
    pub fn is_own_and_old(&self, now: Time) -> bool {
        let shown = self.facts.load();
        shown.is_own
            && shown.facts.is_some_and(|facts| facts.not_before > now || facts.not_after.since(now) < RENEW_WITHIN)
    }

    /// Reads the files again, or makes a new self-signed one where it is time. Connections that are open keep the old
    /// certificate.
    ///
    /// # Errors
    /// As at the start; then the old one stays.
    pub fn reload(&self, clock: &dyn Clock) -> Result<(), TlsError> {
        let (config, shown) = self.source.load(self.client_ca.as_deref(), clock.now())?;
        self.current.store(config);
        self.facts.store(Arc::new(shown));
        Ok(())
    }
}

impl CertificateSource {
    fn load(&self, client_ca: Option<&Path>, now: Time) -> Result<(Arc<ServerConfig>, CertificateInfo), TlsError> {
        let (key, is_trusted, is_own, challenges) = match self {
            Self::Files { chain, key } => (load(chain, key)?, true, false, None),
            Self::SelfSigned { dir, names } => (load_or_make(dir, names, now)?, false, true, None),
            Self::Acme { acme, is_test, dir, names } => {
                let issued = acme.issued().and_then(|file| match load(&file, &file) {
                    Ok(key) => Some(key),
                    Err(e) => {
                        tracing::warn!("the issued certificate cannot be used: {e}");
                        None
                    }
                });
                let is_own = issued.is_none();
                let key = issued.map_or_else(|| load_or_make(dir, names, now), Ok)?;
                (key, !is_own && !is_test, is_own, Some(acme.challenges()))
            }
        };
        let facts = key.cert.first().and_then(|leaf| x509::facts(leaf));
        let is_trusted = is_trusted && facts.is_some_and(|facts| !facts.self_issued);
        let clients = match client_ca {
            Some(file) => meta_calls::verifier(certificates(file)?).map_err(|e| wrong(file, e))?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        Ok((configured(key, challenges, clients)?, CertificateInfo { facts, is_trusted, is_own }))
    }
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> TlsError {
    TlsError(format!("{}: {what}", path.display()))
}

/// The certificates of a PEM file: one at least.
///
/// # Errors
/// A file that is missing or unreadable, or holds no certificate.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(path, format_args!("is no PEM file: {e}")))?;
    if found.is_empty() {
        return Err(wrong(path, "holds no certificate (-----BEGIN CERTIFICATE-----)"));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => wrong(path, "there is no such file"),
        io::ErrorKind::PermissionDenied => wrong(path, "may not be read by the user that the gateway runs as"),
        _ => wrong(path, e),
    })
}

fn load(chain: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificates = certificates(chain)?;
    let private = private_key(key)?;
    let loaded = CertifiedKey::from_der(certificates, private, &default_provider());
    loaded.map(Arc::new).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            wrong(key, format_args!("does not belong to the certificate in {}", chain.display()))
        }
        rustls::Error::InvalidCertificate(e) => {
            wrong(chain, format_args!("its first certificate cannot be read: {e:?}"))
        }
        e => wrong(key, format_args!("holds a private key that cannot be used: {e}")),
    })
}

fn configured(
    key: Arc<CertifiedKey>,
    challenges: Option<Arc<Challenges>>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let resolver: Arc<dyn ResolvesServerCert> = match challenges {
        None => Arc::new(SingleCertAndKey::from(key)),
        Some(challenges) => {
            protocols.push(ACME_ALPN.to_vec());
            Arc::new(acme::ChallengeResolver { usual: key, challenges })
        }
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError(e.to_string()))?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(resolver);
    config.alpn_protocols = protocols;
    Ok(Arc::new(config))
}

/// Whether a text in PEM holds a chain and the key that belongs to it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_pair(pem: &str) -> Result<(), rustls::Error> {
    let bad = |_| rustls::Error::General("it is no PEM".into());
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(bad)?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(bad)?;
    CertifiedKey::from_der(chain, key, &default_provider()).map(drop)
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

const SELF_SIGNED: &str = "self-signed.pem";

/// Where the self-signed certificate of a gateway with this data directory lies, once there is one.
pub fn self_signed_file(data_dir: &Path) -> PathBuf {
    data_dir.join("tls").join(SELF_SIGNED)
}

/// The files of a self-signed certificate.
struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    /// When it ends, and a line for each name that was asked for.
    record: PathBuf,
}

fn load_or_make(dir: &Path, names: &[String], now: Time) -> Result<Arc<CertifiedKey>, TlsError> {
    let file = |name: &str| dir.join(name);
    let files =
        CertificateFiles { chain: file(SELF_SIGNED), key: file("self-signed.key"), record: file("self-signed.until") };
    if is_good(&files.record, names, now) {
        match load(&files.chain, &files.key) {
            Ok(key) => return Ok(key),
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
    // One that a clock that was ahead has made is not good yet.
    let is_good = |end: Time| end > now.plus(RENEW_WITHIN) && end <= now.plus(LIFE);
    end.is_some_and(is_good) && names.iter().all(|n| made_for.contains(&n.as_str()))
}

fn make(dir: &Path, files: &CertificateFiles, names: &[String], now: Time) -> Result<(), Box<dyn std::error::Error>> {
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
pub fn own_addresses() -> Vec<IpAddr> {
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
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    store::sync_dir(path.parent().unwrap_or(Path::new(".")))
}
