//! The guarded API (contract 1).

use super::{
    Operation, event_feed, lists, manage,
    schema::{header, json_answer, json_body, named, object, other_answer, refusals},
};
use crate::{model::code::Code, sending::request::MAX_CHARS, web::problem};
use serde_json::{Value, json};

/// What `POST /api/send-message` refuses with.
const SEND: &[Code] = &[
    Code::UnsupportedMediaType,
    Code::InvalidApiKey,
    Code::RevokedApiKey,
    Code::AddressNotAllowed,
    Code::InsufficientScope,
    Code::InvalidJson,
    Code::PayloadTooLarge,
    Code::ValidationError,
    Code::ModuleNotEnabled,
    Code::ActivePlanRequired,
    Code::InvalidInstance,
    Code::MessagePurposeRequired,
    Code::MessagePurposeNotAllowed,
    Code::DailyMessageLimitExceeded,
    Code::MonthlyMessageLimitExceeded,
    Code::RecipientSuppressed,
    Code::SendingThrottled,
    Code::InstancePausedForReview,
    Code::PolicyViolation,
    Code::ConversationWindowClosed,
    Code::GatewaySendFailed,
    Code::IdempotencyKeyReused,
    Code::IdempotencyInProgress,
    Code::InternalError,
    Code::ServiceUnavailable,
];

const READ: &[Code] = &[
    Code::InvalidApiKey,
    Code::RevokedApiKey,
    Code::AddressNotAllowed,
    Code::InsufficientScope,
    Code::NotFound,
    Code::InternalError,
    Code::ServiceUnavailable,
];

pub fn operations() -> Vec<Operation> {
    let key = header(
        "Idempotency-Key",
        "Names this message: the same key is never sent twice within 24 hours.",
        json!({"type": "string", "minLength": 1, "maxLength": 255}),
    );
    let answered = |text: &str| {
        let mut answer = json_answer(text, named("Sent"));
        answer["headers"] = message_headers();
        answer
    };
    let mut answers = vec![
        (200, answered("The provider has it.")),
        (202, answered("The provider has it in hand; events tell the rest.")),
    ];
    answers.extend(refusals(SEND, problem::describe));
    let send = Operation {
        id: "send_message",
        method: "POST",
        path: "/api/send-message",
        security: &["bearer"],
        parameters: vec![key],
        body: Some(send_body()),
        answers,
    };
    let mut read_answers = vec![(200, json_answer("The message as it stands.", named("Message")))];
    read_answers.extend(refusals(READ, problem::describe));
    let read = Operation {
        id: "read_message",
        method: "GET",
        path: "/api/messages/{log_id}",
        security: &["bearer"],
        parameters: Vec::new(),
        body: None,
        answers: read_answers,
    };
    let mut media_answers = vec![
        (200, other_answer("The file.", "*/*")),
        (206, other_answer("The part of it that was asked for.", "*/*")),
        (410, json!({"description": "The file, or its address, is no longer good."})),
        (416, json!({"description": "The file has no such part."})),
    ];
    media_answers.extend(refusals(&[Code::NotFound, Code::InternalError, Code::ServiceUnavailable], problem::describe));
    let media = Operation {
        id: "read_media",
        method: "GET",
        path: "/media/{token}",
        security: &[],
        parameters: Vec::new(),
        body: None,
        answers: media_answers,
    };
    let mut all = vec![send, read, media];
    all.extend(lists::operations());
    all.push(event_feed::operation());
    all.extend(manage::operations());
    all.push(manage::mcp());
    all.push(cancel());
    all
}

fn cancel() -> Operation {
    let done = object(
        &["success", "status", "log_id"],
        json!({"success": {"const": true}, "status": {"const": "failed"}, "log_id": {"type": "integer"}}),
    );
    let mut answers = vec![(200, json_answer("It is not sent.", done))];
    answers.extend(refusals(
        &[
            Code::UnsupportedMediaType,
            Code::InvalidApiKey,
            Code::RevokedApiKey,
            Code::AddressNotAllowed,
            Code::InsufficientScope,
            Code::NotFound,
            Code::NotCancellable,
            Code::InternalError,
            Code::ServiceUnavailable,
        ],
        problem::describe,
    ));
    let (id, path) = ("cancel_message", "/api/messages/{log_id}/cancel");
    Operation { id, method: "POST", path, security: &["bearer"], parameters: Vec::new(), body: None, answers }
}

/// JSON, or a form with a file.
fn send_body() -> Value {
    let mut body = json_body(named("SendMessage"), example());
    body["content"]["multipart/form-data"] = json!({"schema": named("SendForm")});
    body
}

/// The form of `POST /api/send-message`: its fields as texts, and the file's bytes.
pub(super) fn send_form() -> Value {
    let text = || json!({"type": "string"});
    object(
        &["instance_id", "phone", "message_purpose", "file"],
        json!({
            "instance_id": text(), "phone": text(), "message": text(), "message_purpose": named("Purpose"),
            "file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "the file's bytes"},
            "media_type": {"type": "string", "enum": ["image", "video", "audio", "document", "voice", "sticker"]},
            "file_name": text(), "reference": text(), "reply_to": text(), "expires_at": text(),
            "queue": {"type": "string", "enum": ["false"], "description": "a message with a file in the request cannot wait"},
        }),
    )
}

/// The body of `POST /api/send-message`. Which of `message`, `template`, `media_url` and `reaction` it needs is said in
/// words: generators make nothing of alternatives that differ in their required members alone.
pub(in crate::api) fn send_message() -> Value {
    let mut request = object(
        &["instance_id", "phone", "message_purpose"],
        json!({
            "instance_id": {"type": "string", "minLength": 1},
            "phone": {"type": "string", "minLength": 1, "maxLength": 128, "description": "E.164 with +, or contact:ID"},
            "message": {"type": "string", "maxLength": MAX_CHARS, "description": "the text, or a file's caption"},
            "message_purpose": named("Purpose"),
            "reference": {"type": "string", "maxLength": 128},
            "media_url": {"type": "string", "maxLength": 2048},
            "media_type": {"type": "string", "enum": ["image", "video", "audio", "document", "voice", "sticker"]},
            "media_base64": {"type": "string", "minLength": 1, "contentEncoding": "base64", "description": "a file's bytes instead of media_url"},
            "file_name": {"type": "string", "maxLength": 255},
            "template": object(&["name", "language"], json!({
                "name": {"type": "string", "minLength": 1, "maxLength": 512},
                "language": {"type": "string", "minLength": 1, "maxLength": 16},
                "variables": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 1024}},
            })),
            "buttons": {"type": "array", "minItems": 1, "maxItems": 3, "items": object(&["title"], json!({
                "id": {"type": "string", "maxLength": 256},
                "title": {"type": "string", "minLength": 1, "maxLength": 20},
            }))},
            "list": list(),
            "link_button": object(&["title", "url"], json!({
                "title": {"type": "string", "minLength": 1, "maxLength": 20},
                "url": {"type": "string", "minLength": 1, "maxLength": 2000},
            })),
            "footer": {"type": "string", "maxLength": 60},
            "location": object(&["latitude", "longitude"], json!({
                "latitude": {"type": "number", "minimum": -90, "maximum": 90},
                "longitude": {"type": "number", "minimum": -180, "maximum": 180},
                "name": {"type": "string", "maxLength": 256},
                "address": {"type": "string", "maxLength": 256},
            })),
            "contact": object(&["name", "phone"], json!({
                "name": {"type": "string", "minLength": 1, "maxLength": 256},
                "phone": {"type": "string", "minLength": 1, "maxLength": 256},
                "organization": {"type": "string", "maxLength": 256},
                "email": {"type": "string", "maxLength": 256},
            })),
            "contact_request": {"type": "boolean", "not": {"const": false},
                                "description": "true beside message: a button that shares the reader's number"},
            "reply_to": {"type": "string", "maxLength": 256},
            "reaction": object(&["message_id", "emoji"], json!({
                "message_id": {"type": "string", "minLength": 1, "maxLength": 256, "description": "msg_…, inb_… or the provider's"},
                "emoji": {"type": "string", "description": "one emoji; empty takes back"},
            })),
            "edit": earlier("the message that says `message` from now on"),
            "delete": earlier("the message that is taken back"),
            "expires_at": {"type": "string", "format": "date-time"},
            "send_at": {"type": "string", "format": "date-time", "description": "Not before; answered with 202."},
            "queue": {"type": "boolean", "description": "Wait for limits, pace, pause and window instead of being refused; until expires_at, else for 24 hours."},
        }),
    );
    let what = "One of message, template, media_url, media_base64, reaction, delete, location and contact must be there; \
                media_url goes with media_type, and buttons, list, link_button and edit go with message. \
                An optional text that is empty counts as absent.";
    request["description"] = json!(what);
    request
}

/// The name of an earlier message of this number's own.
fn earlier(what: &str) -> Value {
    let id =
        json!({"type": "string", "minLength": 1, "maxLength": 256, "description": "msg_…, inb_… or the provider's"});
    let mut named = object(&["message_id"], json!({"message_id": id}));
    named["description"] = json!(what);
    named
}

/// A list of rows, one of which is the answer.
fn list() -> Value {
    let row = object(
        &["title"],
        json!({
            "id": {"type": "string", "maxLength": 200},
            "title": {"type": "string", "minLength": 1, "maxLength": 24},
            "description": {"type": "string", "maxLength": 72},
        }),
    );
    let section = object(
        &["rows"],
        json!({
            "title": {"type": "string", "maxLength": 24},
            "rows": {"type": "array", "minItems": 1, "maxItems": 10, "items": row},
        }),
    );
    object(
        &["button", "sections"],
        json!({
            "button": {"type": "string", "minLength": 1, "maxLength": 20},
            "sections": {"type": "array", "minItems": 1, "maxItems": 10, "items": section},
        }),
    )
}

fn example() -> Value {
    json!({
        "instance_id": "demo-support-line",
        "phone": "+966501234567",
        "message": "Your order 2041 has been shipped.",
        "message_purpose": "transactional",
    })
}

/// What `GET /api/messages/{log_id}` answers: [`crate::sending::log::LogEntry`].
pub(super) fn message() -> Value {
    let maybe = json!({"type": ["string", "null"]});
    object(
        &[
            "log_id",
            "message_id",
            "provider_message_id",
            "status",
            "reason",
            "retry",
            "instance_id",
            "reference",
            "created_at",
            "updated_at",
        ],
        json!({
            "log_id": {"type": "integer"},
            "message_id": {"type": "string"},
            "provider_message_id": maybe,
            "status": named("Status"),
            "reason": maybe,
            "retry": {"type": ["string", "null"], "enum": ["later", "never", null]},
            "instance_id": {"type": "string"},
            "reference": maybe,
            "created_at": {"type": "string", "format": "date-time"},
            "updated_at": {"type": "string", "format": "date-time"},
            "send_at": {"type": "string", "format": "date-time", "description": "of one that waits: when it is tried"},
            "phone_warning": {"type": "string"},
        }),
    )
}

fn message_headers() -> Value {
    json!({
        "X-Log-Id": {"required": true, "schema": {"type": "integer"}},
        "X-Message-Status": {"required": true, "schema": named("Status")},
        "X-Message-Retry": {"schema": {"type": "string", "enum": ["later", "never"]}},
        "RateLimit": {"schema": {"type": "string"}},
        "RateLimit-Policy": {"schema": {"type": "string"}},
        "X-Phone-Warning": {"schema": {"type": "string"}},
        "Idempotent-Replayed": {"schema": {"type": "string", "enum": ["true"]}},
    })
}
