//! The 3CX middleware (contract 2).

use super::EventType;
use crate::api::openapi::{
    Operation,
    schema::{json_answer, json_body, object, other_answer, refusals},
};
use crate::{model::code::Code, web::problem};
use serde_json::{Value, json};

const WEBHOOK: &[Code] = &[
    Code::Invalid3cxWebhook,
    Code::PayloadTooLarge,
    Code::WebhookRateLimited,
    Code::InvalidJson,
    Code::ModuleNotEnabled,
    Code::ActivePlanRequired,
    Code::UnsupportedEventType,
    Code::OutboundDisabled,
    Code::CallEventsDisabled,
    Code::MissingPhone,
    Code::MissingMessageText,
    Code::ValidationError,
    Code::MessagePurposeNotAllowed,
    Code::ConversationWindowClosed,
    Code::InvalidInstance,
    Code::DailyMessageLimitExceeded,
    Code::MonthlyMessageLimitExceeded,
    Code::RecipientSuppressed,
    Code::SendingThrottled,
    Code::InstancePausedForReview,
    Code::PolicyViolation,
    Code::GatewaySendFailed,
    Code::InternalError,
    Code::ServiceUnavailable,
];

pub fn operations() -> Vec<Operation> {
    let mut answers = vec![(200, json_answer("Done, or recorded.", answer()))];
    answers.extend(refusals(WEBHOOK, problem::describe_threecx));
    let webhook = Operation {
        id: "threecx_webhook",
        method: "POST",
        path: "/integrations/3cx/webhook/{integration_id}",
        security: &["threecx", "bearer"],
        parameters: Vec::new(),
        body: Some(json_body(
            request(),
            json!({
                "event_type": "outbound_message",
                "to": "+966501234567",
                "message_text": "We have found your parcel; it comes tomorrow.",
                "message_purpose": "support",
                "agent_extension": "101",
            }),
        )),
        answers,
    };
    let template = Operation {
        id: "threecx_template",
        method: "GET",
        path: "/integrations/3cx/{integration_id}/template.xml",
        security: &["session"],
        parameters: Vec::new(),
        body: None,
        answers: vec![
            (200, other_answer("The CRM template.", "application/xml")),
            (303, json!({"description": "Nobody is logged in: to the login."})),
            (404, json!({"description": "No such integration."})),
        ],
    };
    vec![webhook, sms(), template]
}

fn sms() -> Operation {
    let text = json!({"type": "string"});
    let sent = object(&["data"], json!({"data": object(&["id"], json!({"id": text}))}));
    let mut answers = vec![(200, json_answer("On its way.", sent))];
    for (status, answer) in refusals(WEBHOOK, problem::describe_threecx) {
        // An agent reads these: a short text, and never a status that the telephone system would repeat by itself.
        let answer = if status == 401 { answer } else { other_answer("Why it did not go.", "text/plain") };
        if status < 500 {
            answers.push((status, answer));
        }
    }
    Operation {
        id: "threecx_sms",
        method: "POST",
        path: "/integrations/3cx/sms/{integration_id}/messages",
        security: &["bearer", "threecx"],
        parameters: Vec::new(),
        body: Some(json_body(
            object(&["to", "text"], json!({"from": text, "to": text, "text": text})),
            json!({"from": "+966112345678", "to": "+966501234567", "text": "We have found your parcel."}),
        )),
        answers,
    }
}

fn request() -> Value {
    let names: Vec<&str> = EventType::ALL.iter().map(|e| e.as_str()).collect();
    let text = json!({"type": "string"});
    object(
        &["event_type"],
        json!({
            "event_type": {"type": "string", "enum": names},
            "to": text, "from": text, "customer_phone": text, "caller": text, "phone": text,
            "message_text": text,
            "message_purpose": {"$ref": "#/components/schemas/Purpose"},
            "conversation_id": text, "agent_extension": text, "queue": text, "call_time": text,
        }),
    )
}

fn answer() -> Value {
    let names: Vec<&str> = EventType::ALL.iter().map(|e| e.as_str()).collect();
    object(
        &["success", "status", "event_type"],
        json!({
            "success": {"const": true},
            "status": {"type": "string", "enum": ["sent", "accepted", "recorded", "skipped", "ok"]},
            "event_type": {"type": "string", "enum": names},
            "message_id": {"type": "string"},
            "log_id": {"type": "integer"},
            "reason": {"type": "string", "enum": ["cooldown", "template_disabled"]},
            "integration": {"type": "object"},
        }),
    )
}
