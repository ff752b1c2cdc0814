//! The clock: signatures of webhooks, second factors and certificates all depend on it.

use super::{Finding, ok, warn};
use crate::model::clock::Time;

pub(super) fn finding(now: Time) -> Finding {
    judge(is_synchronised(), now)
}

fn judge(synchronised: Option<bool>, now: Time) -> Finding {
    match synchronised {
        Some(true) => ok("clock", format!("{now}, kept by a time service")),
        Some(false) => warn(
            "clock",
            format!(
                "{now}, and no time service keeps it: install one (apt install systemd-timesyncd), for second factors, \
                 signatures and certificates are judged by it"
            ),
        ),
        None => ok("clock", format!("{now}; whether a time service keeps it cannot be told here")),
    }
}

/// What the kernel says; none where it may not be asked.
fn is_synchronised() -> Option<bool> {
    /// The clock is not kept by anybody (adjtimex(2)).
    const TIME_ERROR: libc::c_int = 5;
    #[expect(unsafe_code, reason = "the kernel's own question, for which there is no safe wrapper here")]
    // SAFETY: zeros are a valid `timex`, whose `modes` of 0 changes nothing (adjtimex(2)); the pointer is to it.
    let state = unsafe {
        let mut asked: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut asked)
    };
    match state {
        ..0 => None,
        TIME_ERROR => Some(false),
        _ => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::CheckStatus, *};

    #[test]
    fn a_clock_that_nobody_keeps_is_said() {
        let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        assert_eq!(judge(Some(true), now).status, CheckStatus::Ok);
        assert_eq!(judge(None, now).status, CheckStatus::Ok);
        let warned = judge(Some(false), now);
        assert!(warned.status == CheckStatus::Warn && warned.text.contains("timesyncd"), "{warned:?}");
    }
}
