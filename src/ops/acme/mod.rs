//! Certificates from an authority that speaks ACME, such as Let's Encrypt.
//!
//! - [`Acme::step`] looks whether it is time, and then asks for a certificate once. It is a job of the scheduler; tests
//!   call it themselves.
//! - It is time when there is no certificate, when the names have changed, and when a third of its life is left, less
//!   some chance, so that the world does not ask at once. After a failure it is time again later and later (15 minutes
//!   to 12 hours, with chance): authorities lock out who hurries.
//! - Everything lies in `<data_dir>/tls/acme` (0600): the account with its key, the certificate with its key in one
//!   file, so that no power cut leaves half of a pair, and when it is next time.
//! - The authority is reached through egress; proofs are shown by port 80 or by the TLS listener (`challenges.rs`).
//!
//! Whoever listens reads the certificate through [`Acme::issued`]; until there is one, and while the authority is down,
//! the one before serves on.

mod challenges;
mod client;
mod order;

pub use challenges::{ACME_ALPN, ChallengeResolver, Challenges};

use super::{tls, x509};
use crate::{
    config::AcmeChallenge,
    egress::Egress,
    model::{
        clock::{Clock, Time},
        random::Random,
    },
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// After the first failure, doubled with each further one.
const RETRY_FIRST: Duration = Duration::from_secs(15 * 60);
const RETRY_MOST: Duration = Duration::from_secs(12 * 3600);
/// Nothing is renewed sooner than this after it was issued, whatever its dates say: an authority whose clock is ahead must
/// not be asked again and again.
const RENEW_AT_LEAST: Duration = Duration::from_secs(10 * 60);

/// What is asked for, and of whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// All go into one certificate.
    pub domains: Vec<String>,
    /// Where the authority writes to; may be empty.
    pub email: String,
    /// The authority's directory.
    pub directory: String,
    /// How a name is proved.
    pub challenge: AcmeChallenge,
}

impl Settings {
    /// The address that a configured directory stands for.
    pub fn directory_of(configured: &str) -> String {
        match configured {
            "" => LETS_ENCRYPT.to_owned(),
            "staging" => LETS_ENCRYPT_STAGING.to_owned(),
            address => address.to_owned(),
        }
    }
}

/// Why there is no new certificate; one line each.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// It cannot be reached, or says something else than the protocol.
    #[error("the certificate authority: {0}")]
    Authority(String),
    /// It looked, and did not find the proof.
    #[error(
        "the certificate authority does not believe that the names are ours: {0}. Does each name lead to this machine, \
         and can the port be reached from the internet (443 for tls-alpn-01, 80 for http-01)?"
    )]
    Refused(String),
    /// The data directory.
    #[error("{}: {problem}", path.display())]
    File {
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// What it issued cannot be used.
    #[error("the certificate that was issued cannot be used: {0}")]
    Unusable(String),
}

impl From<instant_acme::Error> for AcmeError {
    fn from(e: instant_acme::Error) -> Self {
        Self::Authority(e.to_string())
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcmeStep {
    /// It is not time.
    NotDue,
    /// There is a new certificate.
    Issued,
}

/// When it is next time; beside the certificate, so that a restart asks nobody.
#[derive(Default, Serialize, Deserialize)]
struct Schedule {
    /// Milliseconds since the epoch; when the certificate is renewed.
    renew_at_ms: i64,
    /// Nothing is tried before.
    retry_at_ms: i64,
    /// In a row.
    failures: u32,
    /// What the last one said.
    last_error: Option<String>,
    /// For whom the certificate was asked, and of whom.
    domains: Vec<String>,
    directory: String,
}

/// The certificate from the authority: kept, renewed.
pub struct Acme {
    settings: Settings,
    dir: PathBuf,
    egress: Egress,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    challenges: Arc<Challenges>,
}

impl Acme {
    /// Keeps its files in `<data_dir>/tls/acme`.
    pub fn new(
        settings: Settings,
        data_dir: &Path,
        egress: Egress,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let dir = dir_in(data_dir);
        Self { settings, dir, egress, clock, random, challenges: Arc::default() }
    }

    /// The proofs under way, for whoever listens.
    pub fn challenges(&self) -> Arc<Challenges> {
        self.challenges.clone()
    }

    /// The file with the certificate's chain and its key; none before the first was issued.
    pub fn issued(&self) -> Option<PathBuf> {
        let file = self.dir.join(ISSUED);
        file.exists().then_some(file)
    }

    /// How the last try failed, if it did.
    pub fn failure(&self) -> Option<AcmeFailure> {
        self.schedule().failure()
    }

    /// Asks for a certificate if it is time; one caller at a time. After [`AcmeStep::Issued`] the listener is to be given [`Self::issued`].
    ///
    /// # Errors
    /// Why there is none; the next step tries again when it is time for that.
    pub async fn step(&self) -> Result<AcmeStep, AcmeError> {
        let now = self.clock.now();
        let mut schedule = self.schedule();
        if !self.is_due(&schedule, now) {
            return Ok(AcmeStep::NotDue);
        }
        match self.order(now).await {
            Ok(next) => {
                self.keep(&next)?;
                Ok(AcmeStep::Issued)
            }
            Err(e) => {
                schedule.failures = schedule.failures.saturating_add(1);
                schedule.retry_at_ms = now.plus(self.pause(schedule.failures)).millis();
                schedule.last_error = Some(e.to_string());
                self.keep(&schedule)?;
                Err(e)
            }
        }
    }

    /// Whether it may try at once, whatever the pause after a failure says; for an admin who has mended the cause.
    ///
    /// # Errors
    /// The disk's.
    pub fn forget_pause(&self) -> Result<(), AcmeError> {
        let schedule = self.schedule();
        if schedule.retry_at_ms == 0 {
            return Ok(());
        }
        self.keep(&Schedule { retry_at_ms: 0, ..schedule })
    }

    fn is_due(&self, schedule: &Schedule, now: Time) -> bool {
        let is_ours = schedule.domains == self.settings.domains && schedule.directory == self.settings.directory;
        // A clock that was set back does not put a try off for longer than the longest pause.
        let longest = now.plus(RETRY_MOST + RETRY_MOST / 4).millis();
        let may_try = now.millis() >= schedule.retry_at_ms || schedule.retry_at_ms > longest;
        let is_needed = self.issued().is_none() || !is_ours || now.millis() >= schedule.renew_at_ms;
        may_try && is_needed
    }

    async fn order(&self, now: Time) -> Result<Schedule, AcmeError> {
        make_dir(&self.dir)?;
        let account = self.dir.join("account.json");
        let issued = order::issue(&self.settings, &self.egress, &account, &self.challenges).await?;
        let leaf = CertificateDer::from_pem_slice(issued.chain.as_bytes());
        let facts = leaf.ok().and_then(|leaf| x509::facts(&leaf));
        let facts = facts.ok_or_else(|| AcmeError::Unusable("its dates cannot be read".into()))?;
        let text = format!("{}\n{}", issued.chain.trim_end(), issued.key);
        tls::check_pair(&text).map_err(|e| AcmeError::Unusable(e.to_string()))?;
        write(&self.dir.join(ISSUED), &text)?;
        let life = facts.not_after.since(facts.not_before);
        Ok(Schedule {
            renew_at_ms: renew_at(&facts, self.share(life / 30), now).millis(),
            retry_at_ms: 0,
            failures: 0,
            last_error: None,
            domains: self.settings.domains.clone(),
            directory: self.settings.directory.clone(),
        })
    }

    /// How long is waited after so many failures.
    fn pause(&self, failures: u32) -> Duration {
        let pause = RETRY_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(RETRY_MOST);
        pause + self.share(pause / 5)
    }

    /// A random part of `most`.
    fn share(&self, most: Duration) -> Duration {
        let ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.random.u64() % ms.max(1))
    }

    fn schedule(&self) -> Schedule {
        let text = fs::read(self.dir.join("schedule.json"));
        text.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn keep(&self, schedule: &Schedule) -> Result<(), AcmeError> {
        make_dir(&self.dir)?;
        let text = serde_json::to_string_pretty(schedule).map_err(|e| AcmeError::Authority(e.to_string()))?;
        write(&self.dir.join("schedule.json"), &text)
    }
}

/// At two thirds of its life, whatever its length, and somewhat earlier by chance: a day's certificate after 16 hours.
fn renew_at(facts: &x509::CertificateFacts, chance: Duration, now: Time) -> Time {
    let life = facts.not_after.since(facts.not_before);
    facts.not_after.minus(life / 3 + chance).max(now.plus(RENEW_AT_LEAST))
}

/// The certificate with its key, in the authority's directory.
const ISSUED: &str = "certificate.pem";

fn dir_in(data_dir: &Path) -> PathBuf {
    data_dir.join("tls").join("acme")
}

/// Where the certificate of a gateway with this data directory lies, once there is one.
pub fn issued_file(data_dir: &Path) -> PathBuf {
    dir_in(data_dir).join(ISSUED)
}

/// A try that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcmeFailure {
    /// What the authority said.
    pub said: String,
    /// When it is tried again.
    pub again_at: Time,
}

/// How the last try of the gateway with this data directory failed, if it did.
pub fn failure_of(data_dir: &Path) -> Option<AcmeFailure> {
    let text = fs::read(dir_in(data_dir).join("schedule.json")).ok()?;
    serde_json::from_slice::<Schedule>(&text).ok()?.failure()
}

impl Schedule {
    fn failure(self) -> Option<AcmeFailure> {
        Some(AcmeFailure { said: self.last_error?, again_at: Time::from_millis(self.retry_at_ms) })
    }
}

fn make_dir(dir: &Path) -> Result<(), AcmeError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|problem| AcmeError::File { path: dir.to_owned(), problem })
}

fn write(path: &Path, text: &str) -> Result<(), AcmeError> {
    tls::write_private(path, text).map_err(|problem| AcmeError::File { path: path.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_renewed_at_two_thirds_of_its_life_whatever_its_length() {
        let now = Time::from_millis(1_800_000_000_000);
        let hour = Duration::from_secs(3600);
        for (hours, after) in [(24, 16), (6 * 24, 4 * 24), (45 * 24, 30 * 24), (90 * 24, 60 * 24), (3, 2)] {
            let facts =
                x509::CertificateFacts { not_before: now, not_after: now.plus(hours * hour), self_issued: false };
            assert_eq!(renew_at(&facts, Duration::ZERO, now), now.plus(after * hour), "{hours} h");
        }
        let over = x509::CertificateFacts { not_before: now, not_after: now, self_issued: false };
        assert_eq!(renew_at(&over, Duration::ZERO, now), now.plus(RENEW_AT_LEAST), "one that has ended already");
    }
}
