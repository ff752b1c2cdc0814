//! Direct Send: a text outside the recipient's 24 hours, of which Meta makes a template by itself (its pages on Direct
//! Send, GA since 2026-07-31). Only accounts that Meta lets do it, and only for what people asked for: an account that
//! sends other things loses the right for days or for good. So it ends here at the first sign of trouble, before Meta
//! ends it, and a person switches it on again.

use super::CloudInner;
use crate::connectors::{EventKind, SendError, inbound_event::ProviderNews};
use serde_json::json;
use std::sync::atomic::Ordering;

/// The setting.
const SETTING: &str = "direct_send";
/// Codes of Meta's that say that such messages are not wanted: the cap for misuse, and the block.
pub(super) const ENDING: [i64; 2] = [131_064, 139_200];

/// Whether Meta refused a message because the account may not send so. For an account that may not, its code is that of
/// any request, and its words name the reason.
pub(super) fn is_refusal(error: &SendError) -> bool {
    let code = error.code.parse().unwrap_or_default();
    let says = error.reason.to_ascii_lowercase();
    ENDING.contains(&code) || (code == 100 && says.contains("direct send"))
}

/// Whether news of the account say that such messages are not wanted, and in which words.
pub(super) fn ends(news: &ProviderNews) -> Option<&'static str> {
    match news.kind.as_str() {
        "template_correct_category_detection" => Some("Meta holds a message that was sent so for advertising"),
        "account_update" if news.raw.contains("DIRECT_SEND") => {
            Some("Meta has restricted the account for such messages")
        }
        _ => None,
    }
}

impl CloudInner {
    pub(super) fn sends_directly(&self) -> bool {
        self.direct_send.load(Ordering::Acquire)
    }

    /// No text goes so any more, before a person has switched it on again; the owner is told why, once.
    pub(super) async fn end_direct_send(&self, why: &str) {
        if !self.direct_send.swap(false, Ordering::AcqRel) {
            return;
        }
        let now = self.clock.now();
        let notice = format!("texts outside the 24 hours go no more, direct_send is off: {why}");
        let raw = json!({"why": why, "at": now.millis()}).to_string();
        let then = vec![EventKind::SettingEnded(SETTING)];
        let news = ProviderNews { kind: "direct_send_ended".into(), raw, notice: Some(notice), then };
        if let Err(e) = self.line.tell(now, EventKind::News(news)).await {
            // The next message that Meta refuses says it again.
            self.direct_send.store(true, Ordering::Release);
            tracing::warn!(instance = %self.instance, "the end of direct_send could not be recorded: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_any_other() {
        let refused = |code: &str, reason: &str| is_refusal(&SendError::permanent(code, reason));
        assert!(refused("100", "Meta does not take the request (100): Direct Send isn't enabled for this account"));
        assert!(refused("139200", "") && refused("131064", ""));
        assert!(!refused("100", "Invalid parameter") && !refused("131026", "Direct Send") && !refused("not_open", ""));
        let news = |kind: &str, raw: &str| {
            ends(&ProviderNews { kind: kind.into(), raw: raw.into(), notice: None, then: Vec::new() }).is_some()
        };
        assert!(news("template_correct_category_detection", "{}"));
        assert!(news("account_update", r#"{"violation_info":{"violation_type":"DIRECT_SEND_UTILITY_MISUSE"}}"#));
        assert!(!news("account_update", r#"{"event":"PARTNER_ADDED"}"#) && !news("security", "DIRECT_SEND"));
    }
}
