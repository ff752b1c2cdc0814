//! Certificates of the public listener: self-signed at first start, or the admin's own files; read again without a
//! restart. ring is the only provider.

use crate::model::clock::{Clock, Time};
use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long a self-signed certificate is good, and when a start makes a new one.
const LIFE: Duration = Duration::from_secs(825 * 24 * 3600);
const RENEW_WITHIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why there is no certificate; one line that names the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// The certificate in use.
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: Arc<ArcSwap<ServerConfig>>,
}

impl Certificate {
    /// The admin's own files, in PEM.
    ///
    /// # Errors
    /// A file that is missing, holds no certificate or key, or a key that does not belong to the certificate.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = Arc::new(ArcSwap::new(load(chain, key)?));
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current })
    }

    /// A self-signed one in `<data_dir>/tls`, made where it is missing or near its end.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn self_signed(data_dir: &Path, names: &[String], clock: &dyn Clock) -> Result<Self, TlsError> {
        let dir = data_dir.join("tls");
        let (chain, key, until) =
            (dir.join("self-signed.pem"), dir.join("self-signed.key"), dir.join("self-signed.until"));
        let now = clock.now();
        let good_until = fs::read_to_string(&until).ok().and_then(|text| Time::parse(text.trim()).ok());
        let is_good = good_until.is_some_and(|end| end > now.plus(RENEW_WITHIN)) && chain.exists() && key.exists();
        if !is_good {
            make(&dir, [&chain, &key, &until], names, now)?;
        }
        Self::from_files(&chain, &key)
    }

    /// What the listener reads anew for each connection.
    pub fn server_config(&self) -> Arc<ArcSwap<ServerConfig>> {
        self.current.clone()
    }

    /// Reads the files again. Connections that are open keep the old certificate.
    ///
    /// # Errors
    /// As at the start; then the old one stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(load(&self.chain, &self.key)?);
        Ok(())
    }
}

fn load(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |path: &Path, what: String| TlsError(format!("{}: {what}", path.display()));
    let read = |path: &Path| fs::read(path).map_err(|e| wrong(path, e.to_string()));
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(chain)?)
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(chain, format!("is no PEM file: {e}")))?;
    if certificates.is_empty() {
        return Err(wrong(chain, "holds no certificate (-----BEGIN CERTIFICATE-----)".into()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|e| wrong(key, format!("holds no private key in PEM: {e}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|e| wrong(key, format!("does not belong to the certificate in {}: {e}", chain.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn make(dir: &Path, [chain, key, until]: [&PathBuf; 3], names: &[String], now: Time) -> Result<(), TlsError> {
    let failed =
        |e: &dyn std::fmt::Display| TlsError(format!("no certificate could be made in {}: {e}", dir.display()));
    if !dir.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| failed(&e))?;
    }
    let pair = KeyPair::generate().map_err(|e| failed(&e))?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(|e| failed(&e))?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names.first().map_or("wa-gateway", String::as_str));
    params.distinguished_name = subject;
    let end = now.plus(LIFE);
    // A day of slack: the clocks of phones are not always right.
    let date = |t: Time| {
        let day = t.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    params.not_before = date(now.minus(Duration::from_secs(24 * 3600)));
    params.not_after = date(end);
    let certificate = params.self_signed(&pair).map_err(|e| failed(&e))?;
    write_private(key, &pair.serialize_pem()).map_err(|e| failed(&e))?;
    write_private(chain, &certificate.pem()).map_err(|e| failed(&e))?;
    write_private(until, &end.rfc3339()).map_err(|e| failed(&e))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
