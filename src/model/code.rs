//! The catalogue of stable codes with which a request is refused, and the details that go with them.
//!
//! A slice names a code; `web/problem.rs` alone knows its HTTP status and its text.

use crate::model::{plan::Module, string_enum::string_enum};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

string_enum! {
    /// Why a request was refused: the 18 codes of contract 1 in their order, then ours.
    Code {
        /// The content type is not application/json.
        UnsupportedMediaType = "unsupported_media_type",
        /// No key, or none that is known and in force.
        InvalidApiKey = "invalid_api_key",
        /// A known key that was revoked.
        RevokedApiKey = "revoked_api_key",
        /// No JSON object.
        InvalidJson = "invalid_json",
        /// Fields are missing or malformed.
        ValidationError = "validation_error",
        /// The account does not have the module.
        ModuleNotEnabled = "module_not_enabled",
        /// The account has no plan, or it has run out.
        ActivePlanRequired = "active_plan_required",
        /// No such instance for this key.
        InvalidInstance = "invalid_instance",
        /// No purpose given.
        MessagePurposeRequired = "message_purpose_required",
        /// Not one of the five purposes.
        MessagePurposeNotAllowed = "message_purpose_not_allowed",
        /// The day's limit is used up.
        DailyMessageLimitExceeded = "daily_message_limit_exceeded",
        /// The month's limit is used up.
        MonthlyMessageLimitExceeded = "monthly_message_limit_exceeded",
        /// The recipient is not to be written to.
        RecipientSuppressed = "recipient_suppressed",
        /// Too fast, or behaving like bulk.
        SendingThrottled = "sending_throttled",
        /// The instance waits for a person.
        InstancePausedForReview = "instance_paused_for_review",
        /// The content policy refuses the text.
        PolicyViolation = "policy_violation",
        /// The provider refused it, or nobody knows.
        GatewaySendFailed = "gateway_send_failed",
        InternalError = "internal_error",
        /// The key is not good for that.
        InsufficientScope = "insufficient_scope",
        /// The key is not good from there.
        AddressNotAllowed = "address_not_allowed",
        /// The body is over 256 KiB.
        PayloadTooLarge = "payload_too_large",
        /// Free text outside the provider's 24 hours.
        ConversationWindowClosed = "conversation_window_closed",
        /// The same Idempotency-Key with another request.
        IdempotencyKeyReused = "idempotency_key_reused",
        /// It does not wait (any more).
        NotCancellable = "not_cancellable",
        /// The same Idempotency-Key, still under way.
        IdempotencyInProgress = "idempotency_in_progress",
        /// The database cannot be written, or the gateway is stopping.
        ServiceUnavailable = "service_unavailable",
        /// No such route or thing.
        NotFound = "not_found",
        /// The route does not take this method.
        MethodNotAllowed = "method_not_allowed",
        /// Too many requests from one place.
        RateLimited = "rate_limited",
        /// 3CX: whatever is wrong before it is known who asks.
        Invalid3cxWebhook = "invalid_3cx_webhook",
        /// 3CX: more than 60 requests in a minute for the integration.
        WebhookRateLimited = "webhook_rate_limited",
        /// 3CX: none of the ten event types.
        UnsupportedEventType = "unsupported_event_type",
        /// 3CX: the integration does not send agents' replies.
        OutboundDisabled = "outbound_disabled",
        /// 3CX: the integration does not answer call events.
        CallEventsDisabled = "call_events_disabled",
        /// 3CX: no customer's number in it.
        MissingPhone = "missing_phone",
        /// 3CX: a reply without a text.
        MissingMessageText = "missing_message_text",
    }
}

/// What the guard does with a request; `details.action`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// This one is refused.
    Block,
    /// Too fast: later it may pass.
    Throttle,
    /// The whole instance waits for a person.
    PauseInstance,
}

impl Action {
    /// As it is spelt in answers and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Throttle => "throttle",
            Self::PauseInstance => "pause_instance",
        }
    }
}

/// The `details` of a refusal. An empty one is an empty array, as the documents have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Details {
    /// `[]`
    None,
    /// The fields that are missing or malformed, in the documented order.
    Fields(Vec<&'static str>),
    /// The same, and a plain sentence about what is wrong with them.
    FieldsBecause(Vec<&'static str>, String),
    /// What the key would have to be good for.
    Scope(&'static str),
    /// A module that the account lacks.
    Module {
        module: Module,
        /// `not_in_plan`: not on the account's list; `disabled`: switched off.
        status: &'static str,
    },
    /// What the guard does and how sure it is.
    Guard {
        /// What it does.
        action: Action,
        /// 0 to 100.
        risk_score: u8,
        extra: Extra,
    },
    /// What the guard does, where no score is documented.
    Action(Action),
    /// The recipient's window is closed: refused, and what may be sent instead, where its account has set that.
    Window {
        /// A template's name and language.
        template: Option<Box<(String, String)>>,
    },
}

/// Further members of the guard's details.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extra {
    /// None.
    None,
    /// A limit and what is used of it.
    Limit {
        /// The limit that holds.
        limit: u64,
        /// All but what was given back.
        used: u64,
    },
    /// The ids of the signals that made the score.
    Signals(Vec<String>),
    /// Which rate was too fast.
    Rate(&'static str),
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let members: Vec<(&str, Value)> = match self {
            Self::None => return Value::Array(Vec::new()).serialize(s),
            Self::Fields(fields) => vec![("fields", json!(fields))],
            Self::FieldsBecause(fields, why) => vec![("fields", json!(fields)), ("reason", json!(why))],
            Self::Scope(scope) => vec![("scope", json!(scope))],
            Self::Module { module, status } => vec![("module", json!(module)), ("status", json!(status))],
            Self::Action(action) => vec![("action", json!(action.as_str()))],
            Self::Window { template } => {
                let mut all = vec![("action", json!(Action::Block.as_str()))];
                all.extend(template.iter().map(|named| ("template", json!({"name": named.0, "language": named.1}))));
                all
            }
            Self::Guard { action, risk_score, extra } => {
                let mut all = vec![("action", json!(action.as_str())), ("risk_score", json!(risk_score))];
                match extra {
                    Extra::None => {}
                    Extra::Limit { limit, used } => all.extend([("limit", json!(limit)), ("used", json!(used))]),
                    Extra::Signals(ids) => all.push(("signals", json!(ids))),
                    Extra::Rate(rate) => all.push(("rate", json!(rate))),
                }
                all
            }
        };
        let mut map = s.serialize_map(Some(members.len()))?;
        for (name, value) in members {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_written_as_documented() {
        let text = |d: Details| serde_json::to_string(&d).expect("json");
        assert_eq!(text(Details::None), "[]");
        assert_eq!(text(Details::Fields(vec!["phone"])), r#"{"fields":["phone"]}"#);
        assert_eq!(
            text(Details::Guard {
                action: Action::Block,
                risk_score: 90,
                extra: Extra::Limit { limit: 100, used: 100 }
            }),
            r#"{"action":"block","risk_score":90,"limit":100,"used":100}"#
        );
        assert_eq!(text(Details::Window { template: None }), r#"{"action":"block"}"#);
        assert_eq!(
            text(Details::Window { template: Some(Box::new(("order_news".into(), "he".into()))) }),
            r#"{"action":"block","template":{"name":"order_news","language":"he"}}"#
        );
        assert_eq!(
            text(Details::Module { module: Module::ApiAccess, status: "not_in_plan" }),
            r#"{"module":"api_access","status":"not_in_plan"}"#
        );
    }
}
