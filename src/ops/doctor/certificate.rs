//! The public listener's certificate, as its files say.

use super::{CheckStatus, Finding, fail, finding as found, ok, warn};
use crate::{
    config::{Config, TlsMode},
    model::clock::Time,
    ops::{
        acme::{self, AcmeFailure},
        keeper::{days_until, ends_soon},
        tls,
        x509::{self, CertificateFacts},
    },
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::path::{Path, PathBuf};

const CHECK: &str = "certificate";

pub(super) fn finding(config: &Config, now: Time) -> Finding {
    if config.listen.public.is_none() {
        return ok(CHECK, "no public listener, so none is needed");
    }
    let (dir, mode) = (&config.data_dir, config.tls.mode);
    let issued = acme::issued_file(dir);
    let path: PathBuf = match (mode, &config.tls.certificate) {
        (TlsMode::Files, Some(chain)) => chain.clone(),
        (TlsMode::Acme, _) if issued.exists() => issued,
        (TlsMode::Acme, _) => return not_issued(acme::failure_of(dir).as_ref()),
        _ => tls::self_signed_file(dir),
    };
    if mode == TlsMode::SelfSigned && !path.exists() {
        return ok(CHECK, "the gateway makes its own at its first start");
    }
    match facts_of(&path) {
        Err(e) => fail(CHECK, format!("{}: {e}", path.display())),
        Ok(facts) => judge(facts, mode, now, acme::failure_of(dir).filter(|_| mode == TlsMode::Acme).as_ref()),
    }
}

/// Whether the authority of Meta's client certificates is one that can still vouch for one.
pub(super) fn of_meta(config: &Config, now: Time) -> Option<Finding> {
    const CHECK: &str = "tls.meta_client_ca";
    let file = config.tls.meta_client_ca.as_ref()?;
    let ends = tls::certificates(file).map(|all| all.iter().filter_map(|one| Some(x509::facts(one)?.not_after)).max());
    Some(match ends {
        Err(e) => fail(CHECK, e.to_string()),
        Ok(None) => fail(CHECK, format!("{}: its certificates cannot be read", file.display())),
        Ok(Some(end)) if end <= now => {
            fail(CHECK, format!("it ended at {end}: get Meta's new one (its page on webhooks), and reload the gateway"))
        }
        Ok(Some(end)) => ok(CHECK, format!("calls of Meta need a certificate of it; good until {end}")),
    })
}

fn facts_of(path: &Path) -> Result<CertificateFacts, String> {
    let leaf = CertificateDer::from_pem_file(path).map_err(|e| format!("no certificate can be read from it: {e}"))?;
    x509::facts(&leaf).ok_or_else(|| "its certificate cannot be read".to_owned())
}

/// What the authority last said, when it is asked again, and how to ask now.
fn said(failure: Option<&AcmeFailure>) -> String {
    failure.map_or_else(String::new, |failure| {
        let AcmeFailure { said, again_at } = failure;
        format!("; the authority last said: {said} (next try {again_at}; at once: systemctl reload wa-gateway)")
    })
}

fn not_issued(failure: Option<&AcmeFailure>) -> Finding {
    let problem = said(failure);
    fail(
        CHECK,
        format!(
            "none has been issued yet, a self-signed one is shown meanwhile{problem}. The names in tls.acme_domains must \
             lead here, and port 443 (tls-alpn-01) or 80 (http-01) must be open to the world"
        ),
    )
}

fn judge(facts: CertificateFacts, mode: TlsMode, now: Time, failure: Option<&AcmeFailure>) -> Finding {
    let days = days_until(facts.not_after, now);
    let until = format!("good until {} ({days} days)", facts.not_after);
    let advice = match mode {
        TlsMode::Files => "put the new files in their place and run: systemctl reload wa-gateway",
        TlsMode::Acme => "look at the log for what the authority says",
        TlsMode::SelfSigned => "a running gateway makes a new one",
    };
    let problem = said(failure);
    if now < facts.not_before {
        return fail(CHECK, format!("it is good only from {}: is the clock right?", facts.not_before));
    }
    if now >= facts.not_after {
        return fail(CHECK, format!("it ended at {}{problem}: {advice}", facts.not_after));
    }
    if ends_soon(&facts, now) {
        return warn(CHECK, format!("{until}{problem}: {advice}"));
    }
    let (status, note) = match facts.self_issued {
        true => {
            (CheckStatus::Warn, ", self-signed: browsers warn and providers do not call; set tls.mode to acme or files")
        }
        false => (CheckStatus::Ok, ""),
    };
    found(CHECK, status, format!("{until}{note}{problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(from: &str, until: &str, self_issued: bool) -> CertificateFacts {
        let time = |day: &str| Time::parse(&format!("{day}T00:00:00Z")).expect("a time");
        CertificateFacts { not_before: time(from), not_after: time(until), self_issued }
    }

    #[test]
    fn a_certificate_is_judged_by_its_dates_and_its_issuer() {
        let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        let rows = [
            (facts("2026-05-01", "2026-07-30", false), CheckStatus::Ok, "58 days"),
            (facts("2026-05-01", "2026-07-30", true), CheckStatus::Warn, "self-signed"),
            (facts("2026-03-15", "2026-06-13", false), CheckStatus::Warn, "reload"),
            (facts("2026-03-01", "2026-05-30", false), CheckStatus::Fail, "it ended"),
            (facts("2026-06-02", "2026-08-30", false), CheckStatus::Fail, "clock"),
        ];
        for (facts, status, said) in rows {
            let judged = judge(facts, TlsMode::Files, now, None);
            assert!(judged.status == status && judged.text.contains(said), "{facts:?}: {judged:?}");
        }
        let failure =
            AcmeFailure { said: "rate limited".into(), again_at: now.plus(std::time::Duration::from_secs(900)) };
        let renewing = judge(facts("2026-03-15", "2026-06-13", false), TlsMode::Acme, now, Some(&failure));
        assert!(renewing.text.contains("next try 2026-") && renewing.text.contains("systemctl reload"), "{renewing:?}");
        assert!(renewing.text.contains("rate limited"), "{renewing:?}");
    }
}
