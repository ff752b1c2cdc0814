//! Keeps the public listener's certificate good while the gateway runs: renews it, takes it up without a restart, and
//! says in time when it will end. A job of the scheduler.

use super::{
    acme::{Acme, AcmeError, AcmeFailure, AcmeStep},
    tls::{Certificate, TlsError},
    x509::CertificateFacts,
};
use crate::model::clock::{Clock, Time};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// From here on the log says each day that it will end; of a short-lived one, from the last quarter of its life.
const SAID_WITHIN: Duration = Duration::from_secs(21 * DAY.as_secs());

/// The listener's certificate, and who renews it.
pub struct Keeper {
    certificate: Arc<Certificate>,
    acme: Option<Arc<Acme>>,
    clock: Arc<dyn Clock>,
    /// One step at a time: the first is taken at the start, the others by the scheduler.
    stepping: tokio::sync::Mutex<()>,
    /// When the log last said that it will end.
    said: Mutex<Option<Time>>,
}

/// Why the certificate could not be renewed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// By the authority.
    #[error(transparent)]
    Acme(#[from] AcmeError),
    /// By the disk.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Keeper {
    /// Of this certificate.
    pub fn new(certificate: Arc<Certificate>, acme: Option<Arc<Acme>>, clock: Arc<dyn Clock>) -> Self {
        Self { certificate, acme, clock, stepping: tokio::sync::Mutex::default(), said: Mutex::new(None) }
    }

    /// What is shown to clients right now.
    pub const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// What the authority last said, when that was no certificate.
    pub fn last_error(&self) -> Option<String> {
        self.failure().map(|failure| failure.said)
    }

    /// The same, and when it is asked again.
    pub fn failure(&self) -> Option<AcmeFailure> {
        self.acme.as_ref().and_then(|acme| acme.failure())
    }

    /// Asks the authority now, whatever the pause after a failure says.
    ///
    /// # Errors
    /// As [`Keeper::step`].
    pub async fn try_now(&self) -> Result<(), KeepError> {
        if let Some(acme) = &self.acme {
            acme.forget_pause()?;
        }
        self.step().await
    }

    /// Whole days until the certificate in use ends, 0 on its last day, negative after it; none when its dates cannot
    /// be read.
    pub fn days_left(&self) -> Option<i64> {
        self.certificate.facts().map(|facts| days_until(facts.not_after, self.clock.now()))
    }

    /// Renews what it is time to renew.
    ///
    /// # Errors
    /// Why it could not be; the old one serves on, and the next step tries again when it is time.
    pub async fn step(&self) -> Result<(), KeepError> {
        let _one = self.stepping.lock().await;
        let renewed = self.renew().await;
        self.say_when_it_ends();
        renewed
    }

    async fn renew(&self) -> Result<(), KeepError> {
        if let Some(acme) = &self.acme
            && acme.step().await? == AcmeStep::Issued
        {
            self.certificate.reload(&*self.clock)?;
            tracing::info!("there is a new certificate; it is in use");
        }
        if self.certificate.is_own_and_old(self.clock.now()) {
            self.certificate.reload(&*self.clock)?;
            tracing::info!("the self-signed certificate was renewed");
        }
        Ok(())
    }

    fn say_when_it_ends(&self) {
        let now = self.clock.now();
        let Some(facts) = self.certificate.facts().filter(|facts| ends_soon(facts, now)) else { return };
        let mut said = self.said.lock().expect("no holder panics");
        if said.is_some_and(|at| at <= now && now.since(at) < DAY) {
            return;
        }
        *said = Some(now);
        let left = facts.not_after.since(now);
        tracing::warn!(
            until = %facts.not_after,
            days = left.as_secs() / DAY.as_secs(),
            "the certificate {} and has not been renewed",
            if left.is_zero() { "has ended" } else { "will end" },
        );
    }
}

/// Whole days from `now` to `end`, rounded down: negative once it is over.
pub fn days_until(end: Time, now: Time) -> i64 {
    let day = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    end.millis().saturating_sub(now.millis()).div_euclid(day)
}

/// Whether it is time that somebody does something about it.
pub fn ends_soon(facts: &CertificateFacts, now: Time) -> bool {
    let within = SAID_WITHIN.min(facts.not_after.since(facts.not_before) / 4);
    facts.not_after.since(now) < within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_go_below_zero() {
        let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        for (end, left) in [
            ("2026-06-22T08:00:00Z", 21),
            ("2026-06-22T07:59:59Z", 20),
            ("2026-06-01T09:00:00Z", 0),
            ("2026-06-01T07:59:59Z", -1),
            ("2026-05-30T08:00:00Z", -2),
        ] {
            assert_eq!(days_until(Time::parse(end).expect("a time"), now), left, "{end}");
        }
    }
}
