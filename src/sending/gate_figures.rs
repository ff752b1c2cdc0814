//! What each gate saw of a message, as it is kept beside the guard's decision: for the message's timeline, and for whoever
//! asks why. A row is written for each message, and the names took most of it: so the figures stand in a fixed order.

use super::{facts::Facts, refusal::Refusal};
use serde_json::{Map, Value, json};

/// The names, in the order in which the figures are kept; `health` is sent, failed and opted out.
const NAMES: [&str; 7] = ["daily", "monthly", "wait_ms", "same_text_to", "strangers", "crowd", "health"];

/// As kept: a JSON list, with a refusal's reason at its end.
pub(super) fn kept(facts: &Facts, refusal: Option<&Refusal>) -> String {
    let limits = facts.limits.map(|l| (l.daily, l.monthly)).unwrap_or_default();
    let pace = &facts.pace;
    let figures = (
        (facts.usage.day, limits.0),
        (facts.usage.month, limits.1),
        u64::try_from(pace.wait().as_millis()).unwrap_or(u64::MAX),
        pace.same_text_to,
        pace.strangers,
        facts.crowd,
        (pace.sent, pace.failed, pace.opted_out),
    );
    match refusal {
        None => json_text(&figures),
        Some(refusal) => {
            let (daily, monthly, wait, same, strangers, crowd, health) = figures;
            json_text(&(daily, monthly, wait, same, strangers, crowd, health, &refusal.reason))
        }
    }
}

/// Of a request that no gate saw: the reason alone.
pub(super) fn kept_reason(refusal: &Refusal) -> String {
    json!({"why": refusal.reason}).to_string()
}

fn json_text(figures: &impl serde::Serialize) -> String {
    serde_json::to_string(figures).expect("numbers and texts are JSON")
}

/// As an object, whose members are `NAMES` and, for a refusal, `why`; null: damaged. Rows of earlier versions hold the
/// object itself.
pub(super) fn named(kept: &str) -> Value {
    match serde_json::from_str(kept).unwrap_or_default() {
        Value::Array(figures) => {
            let names = NAMES.into_iter().chain(["why"]).map(str::to_owned);
            Value::Object(names.zip(figures).collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_with_its_names_and_so_is_what_earlier_versions_kept() {
        let all = r#"{"daily":[1,500],"monthly":[2,9000],"wait_ms":0,"same_text_to":3,"strangers":4,"crowd":5,"health":[6,7,8]}"#;
        let refused = all.replace('}', r#","why":"too fast"}"#);
        let reason = r#"{"why":"no phone"}"#;
        for (kept, read) in [
            ("[[1,500],[2,9000],0,3,4,5,[6,7,8]]", all),
            (r#"[[1,500],[2,9000],0,3,4,5,[6,7,8],"too fast"]"#, &refused),
            (all, all),
            (&refused, &refused),
            (reason, reason),
            ("[[1,", "null"),
        ] {
            assert_eq!(named(kept).to_string(), read, "{kept}");
        }
    }
}
