//! Whether this machine's clock is right: WhatsApp says its own with every login and every answer. A clock that is wrong
//! keeps nothing from being sent, and makes every time, every limit and every schedule wrong: it is told as the reason of
//! an open instance.

use super::{WebInner, work::Wish};
use crate::{
    connectors::connection::CLOCK_WRONG,
    model::{clock::Time, instance::InstanceState},
};
use std::time::Duration;
use whatsapp_rust::wacore_binary::OwnedNodeRef;

/// So far it may be off: clocks that nobody keeps lose a minute in a month, and answers wait in queues.
const OFF_MAX: Duration = Duration::from_secs(5 * 60);

/// WhatsApp's clock, as a stanza from it says; none: it says none, or one of another moment.
pub(super) fn told(stanza: &OwnedNodeRef) -> Option<Time> {
    let is = |name: &str, value: &str| stanza.get_attr(name).is_some_and(|has| has.as_str() == value);
    let is_now = match stanza.tag() {
        "success" => true,
        "iq" => is("type", "result"),
        _ => false,
    };
    let seconds: i64 = stanza.get_attr("t").filter(|_| is_now)?.as_str().parse().ok()?;
    Some(Time::from_millis(seconds.checked_mul(1000)?))
}

/// Whether no connection came about because a certificate does not hold at this machine's time; in the words of the
/// TLS library, which has no other sign for it by then.
pub(super) fn is_about_time(why: &str) -> bool {
    why.contains("certificate expired") || why.contains("certificate not valid yet")
}

/// WhatsApp's clock, if ours is far from it.
fn judge(theirs: Time, ours: Time) -> Option<Time> {
    (theirs.since(ours) > OFF_MAX || ours.since(theirs) > OFF_MAX).then_some(theirs)
}

impl WebInner {
    /// WhatsApp told its clock: has the task say so if that is news.
    pub(super) fn compare_clocks(&self, theirs: Time) {
        let wrong = judge(theirs, self.clock.now());
        let before = std::mem::replace(&mut *self.right_time.lock().expect("no holder panics"), wrong);
        if before.is_some() != wrong.is_some() {
            let _ = self.wishes.send(Wish::ClockJudged);
        }
    }

    /// Open, with what is to be said of the clock.
    pub(super) async fn open_by_clock(&self, phone: Option<String>) {
        let wrong = *self.right_time.lock().expect("no holder panics");
        match wrong {
            None => self.line.open(phone).await,
            Some(theirs) => {
                let why = format!("{CLOCK_WRONG}: {theirs}");
                tracing::warn!(instance = %self.instance, "{why}");
                self.line.open_although(&why, phone).await;
            }
        }
    }

    /// The clock went wrong or was put right while the instance is open.
    pub(super) async fn tell_clock(&self) {
        if self.line.state() == InstanceState::Open {
            self.open_by_clock(None).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_from_more_than_five_minutes_on_either_way() {
        let ours = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        let theirs = |text: &str| Time::parse(text).expect("a time");
        for right in ["2026-06-01T08:00:00Z", "2026-06-01T07:55:00Z", "2026-06-01T08:05:00Z"] {
            assert_eq!(judge(theirs(right), ours), None, "{right}");
        }
        for wrong in ["2026-06-01T07:54:59Z", "2026-06-01T08:05:01Z", "1970-01-01T00:00:00Z"] {
            assert_eq!(judge(theirs(wrong), ours), Some(theirs(wrong)), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_of_another_time_is_told_from_a_wrong_one() {
        use rustls::{CertificateError, Error, pki_types::UnixTime};
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let (early, late) = (at(1_000), at(2_000));
        let said = |e| format!("no TLS connection: {}", Error::InvalidCertificate(e));
        assert!(is_about_time(&said(CertificateError::ExpiredContext { time: late, not_after: early })));
        assert!(is_about_time(&said(CertificateError::NotValidYetContext { time: early, not_before: late })));
        for other in [CertificateError::UnknownIssuer, CertificateError::NotValidForName] {
            assert!(!is_about_time(&said(other)));
        }
    }
}
