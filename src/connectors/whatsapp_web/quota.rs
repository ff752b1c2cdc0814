//! What WhatsApp says of the new chats that the number may begin: a lock with an end, and a quota for a cycle. It is asked
//! when the connection stands, after a refusal, and when somebody looks and the last answer is old.

use super::{WebInner, sending::ASK_WITHIN, wire::in_time, work::Wish};
use crate::{
    connectors::new_chats::{NewChatAllowance, NewChatQuota},
    model::clock::Time,
};
use serde_json::{Value, json};
use std::time::Duration;
use whatsapp_rust::{
    MexRequest,
    prelude::Client,
    wacore::iq::mex_operations::{fetch_new_chat_message_capping_info as capping, fetch_reachout_timelock as timelock},
};

/// How long an answer holds for somebody who looks.
const HOLDS: Duration = Duration::from_secs(10 * 60);

/// What was told last.
#[derive(Clone, Copy, Default)]
pub(super) struct ToldAllowance {
    now: NewChatAllowance,
    /// When it was asked for.
    asked_at: Option<Time>,
}

impl WebInner {
    /// What was told last; one that is old is asked for anew meanwhile.
    pub(super) fn allowance(&self) -> Option<NewChatAllowance> {
        let now = self.clock.now();
        let is_connected = self.client().is_some_and(|client| client.is_logged_in());
        let mut told = self.allowance.lock().expect("no holder panics");
        if is_connected && told.asked_at.is_none_or(|at| now.since(at) >= HOLDS) {
            told.asked_at = Some(now);
            // The task asks: whoever looks may be no task at all.
            let _ = self.wishes.send(Wish::AskAllowance);
        }
        told.now.at(now)
    }

    /// Asks for both; none: WhatsApp did not say whether there is a lock.
    pub(super) async fn ask_allowance(&self, client: &Client) -> Option<NewChatAllowance> {
        let lock = self.ask_mex(client, timelock::NAME, timelock::DOC_ID, json!({})).await?;
        let about = json!({"input": {"type": "INDIVIDUAL_NEW_CHAT_MSG"}});
        let cap = self.ask_mex(client, capping::NAME, capping::DOC_ID, about).await.unwrap_or_default();
        let now = read(&lock, &cap);
        *self.allowance.lock().expect("no holder panics") = ToldAllowance { now, asked_at: Some(self.clock.now()) };
        Some(now)
    }

    async fn ask_mex(&self, client: &Client, name: &'static str, id: &'static str, about: Value) -> Option<Value> {
        let mex = client.mex();
        let asked = mex.query(MexRequest::new(name, id, about));
        in_time(&*self.clock, ASK_WITHIN, asked).await?.ok()?.data
    }
}

/// Both answers in our words. WhatsApp spells its figures as numbers or as texts.
fn read(lock: &Value, cap: &Value) -> NewChatAllowance {
    let lock = &lock["xwa2_fetch_account_reachout_timelock"];
    let cap = &cap["xwa2_message_capping_info"];
    let count = |name: &str| figure(&cap[name]).and_then(|n| u32::try_from(n).ok());
    let quota = count("total_quota").filter(|total| *total > 0).map(|total| NewChatQuota {
        total,
        used: count("used_quota").unwrap_or(0),
        until: moment(&cap["cycle_end_timestamp"]),
    });
    let is_locked = lock["is_active"] == true;
    NewChatAllowance { is_locked, locked_until: moment(&lock["time_enforcement_ends"]).filter(|_| is_locked), quota }
}

fn figure(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Seconds, or a date; 0 is none.
fn moment(value: &Value) -> Option<Time> {
    let seconds = figure(value).filter(|s| *s > 0).map(|s| Time::from_millis(s.saturating_mul(1000)));
    seconds.or_else(|| Time::parse(value.as_str()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_all_their_forms() {
        let lock = |active: Value, ends: Value| json!({"xwa2_fetch_account_reachout_timelock": {"is_active": active, "time_enforcement_ends": ends}});
        let cap = |total: Value, used: Value, end: Value| json!({"xwa2_message_capping_info": {"total_quota": total, "used_quota": used, "cycle_end_timestamp": end}});
        let at = Time::parse("2026-06-02T08:00:00Z").ok();
        for ends in [json!("1780387200"), json!(1_780_387_200), json!("2026-06-02T08:00:00Z")] {
            let read = read(&lock(json!(true), ends.clone()), &cap(json!("50"), json!("12"), ends));
            assert_eq!((read.is_locked, read.locked_until), (true, at));
            assert_eq!(read.quota, Some(NewChatQuota { total: 50, used: 12, until: at }));
        }
        for ends in [json!(null), json!(""), json!("0"), json!("soon"), json!("-5")] {
            let read = read(&lock(json!(true), ends.clone()), &cap(json!(9), json!(null), ends));
            assert_eq!((read.is_locked, read.locked_until), (true, None));
            assert_eq!(read.quota, Some(NewChatQuota { total: 9, used: 0, until: None }));
        }
        for (active, total) in [(json!(false), json!(0)), (json!(null), json!("-1")), (json!("true"), json!(null))] {
            let read = read(&lock(active, json!("1780387200")), &cap(total, json!(1), json!(1)));
            assert_eq!(read, NewChatAllowance::default());
        }
        assert_eq!(read(&Value::Null, &Value::Null), NewChatAllowance::default());
    }
}
