//! The events as programs read them.

use super::{
    Operation,
    lists::{REFUSED, instance, query},
    schema::{header, json_answer, object, refusals},
};
use crate::{
    api::guarded::{
        events::WAIT_MAX,
        paging::{LIMIT, LIMIT_MAX},
    },
    events::webhooks::EventName,
    model::code::Code,
    web::problem,
};
use serde_json::json;

pub(super) fn operation() -> Operation {
    let text = || json!({"type": "string"});
    let names: Vec<&str> = EventName::ALL.iter().filter(|n| **n != EventName::Test).map(|n| n.as_str()).collect();
    let limit = json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT});
    let wait = json!({"type": "integer", "minimum": 0, "maximum": WAIT_MAX, "default": 0});
    let parameters = vec![
        query("cursor", "next_cursor of the answer before, or the id of the last event that you have.", text()),
        query(
            "since",
            "Where there is no cursor: from this moment on; without both from now on.",
            json!({"type": "string", "format": "date-time"}),
        ),
        query("event", "Of these names alone, with commas between them.", json!({"type": "string", "examples": names})),
        instance(),
        query("limit", "Events of an answer at most.", limit),
        query("wait", "Seconds to wait for a first event.", wait),
        header("Last-Event-ID", "What a reader of server-sent events names when it comes again.", text()),
        header("If-None-Match", "The ETag of an answer that you have.", text()),
    ];
    // The members of each are in `webhooks`.
    let event = object(
        &["event", "event_id", "instance_id", "instance_name", "timestamp"],
        json!({
            "event": {"type": "string", "enum": names}, "event_id": text(), "instance_id": text(),
            "instance_name": text(), "timestamp": {"type": "string", "format": "date-time"},
        }),
    );
    let page = json!({"data": {"type": "array", "items": event}, "next_cursor": text()});
    let mut found = json_answer("In their order, the oldest first.", object(&["data", "next_cursor"], page));
    found["content"]["text/event-stream"] = json!({"schema": text()});
    let mut answers = vec![(200, found), (304, json!({"description": "It is the one that you have."}))];
    let codes: Vec<Code> = REFUSED.iter().copied().chain([Code::RateLimited]).collect();
    answers.extend(refusals(&codes, problem::describe));
    let (id, method, path) = ("list_events", "GET", "/api/events");
    Operation { id, method, path, security: &["bearer"], parameters, body: None, answers }
}
