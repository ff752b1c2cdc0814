//! The Chattu-style dialect (contract 3). Its answers are described by examples of their shape.

use super::openapi_schema::{answered, posted, sent_message, with_file};
use crate::api::openapi::{
    ANOTHER_HEADER, Operation,
    schema::{header, json_answer, named, other_answer},
};
use serde_json::{Value, json};

/// A time that is still to come, so that the example can be sent as it is.
const DUE: &str = "2036-05-08T18:30:00Z";
const KEY: &[&str] = &["chattu"];
const LOGIN: &[&str] = &["session"];
const EITHER: &[&str] = &["session", "chattu"];

pub fn operations() -> Vec<Operation> {
    let mut all = numbers();
    all.extend(scheduled());
    all.extend(logs());
    all.extend(chats());
    all.extend(groups());
    all
}

/// Puts this dialect's form beside that of the guarded API, where both share a route: the header decides.
pub fn share(send: &mut Operation) {
    send.security = &["bearer", ANOTHER_HEADER];
    let what = "A key of the Chattu dialect, instead of Authorization: the body is then a ChattuMessage.";
    send.parameters.push(header("x-api-key", what, json!({"type": "string", "minLength": 1})));
    if let Some(content) = send.body.as_mut().and_then(|body| body.pointer_mut("/content/application~1json")) {
        let ours = content["schema"].take();
        content["schema"] = json!({"anyOf": [ours, named("ChattuMessage")]});
    }
    // This dialect answers 200 where the other one says 202.
    for (status, answer) in send.answers.iter_mut().filter(|(status, _)| *status != 202) {
        let beside = named(if *status == 200 { "ChattuSent" } else { "ChattuError" });
        if let Some(schema) = answer.pointer_mut("/content/application~1json/schema") {
            let ours = schema.take();
            *schema = json!({"anyOf": [ours, beside]});
        }
    }
}

fn numbers() -> Vec<Operation> {
    let done = || json!({"message": "Client deleted successfully."});
    vec![
        Operation {
            body: posted(json!({"clientId": "shop", "phoneNumber": "966112345678"})),
            ..operation(
                "chattu_add_number",
                "POST",
                "/api/add-number",
                KEY,
                answered(&json!({
                "status": "pending_auth", "message": "Scan the code.", "qrCode": "data:image/png;base64,…",
                "apiKey": "client key"})),
            )
        },
        operation("chattu_qr", "GET", "/api/qr/{clientId}", KEY, other_answer("The code.", "image/png")),
        operation(
            "chattu_clients",
            "GET",
            "/api/clients",
            KEY,
            answered(&json!([{
            "clientId": "shop", "phoneNumber": "966112345678", "apiKey": "client key",
            "connectedNumber": "966112345678@c.us", "status": "Authenticated"}])),
        ),
        operation(
            "chattu_profile",
            "GET",
            "/api/profile",
            KEY,
            answered(&json!({
            "username": "shop", "role": "owner", "apiKey": "account key", "clientCount": 1})),
        ),
        Operation {
            body: posted(json!({"password": "your password"})),
            ..operation("chattu_delete_client", "DELETE", "/clients/{clientId}", LOGIN, answered(&done()))
        },
        Operation {
            body: posted(json!({"clientId": "shop", "webhookUrl": "https://shop.example.com/hook"})),
            ..operation("chattu_update_webhook", "POST", "/api/update-webhook", KEY, answered(&done()))
        },
        Operation {
            body: posted(json!({"username": "shop", "currentApiKey": "account key"})),
            ..operation(
                "chattu_reset_key",
                "POST",
                "/api/reset-api-key",
                &[],
                answered(&json!({
                "message": "Done.", "newApiKey": "account key"})),
            )
        },
    ]
}

fn scheduled() -> Vec<Operation> {
    let entry = json!({
        "id": 1, "clientId": "shop", "recipient": "+966501234567", "message": "Your table is ready.",
        "scheduleTime": "2026-05-08T18:30:00Z", "status": "pending", "createdAt": "2026-05-08T17:30:00Z",
        "sentTime": "2026-05-08T18:30:01Z"});
    let mut create = Operation {
        body: posted(json!({
            "clientId": "shop", "number": "966501234567", "message": "Your table is ready.",
            "scheduleTime": DUE})),
        ..operation("chattu_schedule", "POST", "/schedule-message", EITHER, answered(&entry))
    };
    if let Some((status, _)) = create.answers.first_mut() {
        *status = 201;
    }
    vec![
        create,
        operation("chattu_scheduled", "GET", "/scheduled-messages", EITHER, answered(&json!([entry]))),
        operation(
            "chattu_cancel_scheduled",
            "DELETE",
            "/scheduled-messages/{id}",
            EITHER,
            answered(&json!({"message": "Cancelled."})),
        ),
    ]
}

fn logs() -> Vec<Operation> {
    let calls = json!({"status": "success", "calls": [{
        "id": 1, "client_id": "shop", "call_from": "966501234567@c.us", "is_video": false,
        "start_time": "2026-05-08T10:00:00Z", "end_time": "2026-05-08T10:00:30Z", "duration": 30,
        "created_at": "2026-05-08T10:00:00Z"}]});
    vec![
        operation(
            "chattu_sent",
            "GET",
            "/api/sent-messages",
            KEY,
            answered(&json!([{
            "id": 1, "clientId": "shop", "senderNumber": "966112345678", "recipient": "966501234567",
            "message": "Hello", "status": "sent", "sentAt": "2026-05-08T10:00:00Z"}])),
        ),
        operation(
            "chattu_received",
            "GET",
            "/api/received-messages/{clientId}",
            KEY,
            answered(&json!({
            "status": "success", "messages": [{
                "id": 1, "client_id": "shop", "sender": "966501234567", "message": "Hello",
                "received_at": "2026-05-08T10:00:00Z"}]})),
        ),
        operation("chattu_incoming_calls", "GET", "/api/incoming-calls/{clientId}", KEY, answered(&calls)),
        operation("chattu_call_logs", "GET", "/api/call-logs", KEY, answered(&calls)),
        operation(
            "chattu_logs",
            "GET",
            "/api/logs",
            KEY,
            answered(&json!([{
            "id": 1, "level": "info", "event": "message_sent", "message": "Sent.",
            "createdAt": "2026-05-08T10:00:00Z"}])),
        ),
    ]
}

fn chats() -> Vec<Operation> {
    let last = json!({"body": "Hello", "timestamp": 1_778_234_400, "fromMe": false});
    let text = || posted(json!({"message": "Hello! How can we help?"}));
    vec![
        operation(
            "chattu_chats",
            "GET",
            "/api/chats/{clientId}",
            LOGIN,
            answered(&json!({"chats": [{
            "id": {"_serialized": "966501234567@c.us"}, "name": "Noura", "profilePic": "https://…",
            "lastMessage": last, "timestamp": 1_778_234_400, "unreadCount": 1, "isMuted": false,
            "pinned": false}]})),
        ),
        operation(
            "chattu_chat_messages",
            "GET",
            "/api/chats/{clientId}/{chatId}/messages",
            LOGIN,
            answered(&json!({
            "messages": [{
                "id": {"_serialized": "3EB0C767F26AFC1F8B"}, "body": "Hello", "fromMe": false,
                "timestamp": 1_778_234_400, "type": "chat", "hasMedia": false, "hasReaction": true,
                "reactions": [{"reaction": "👍", "senderId": "966501234567@c.us"}], "ack": 3,
                "filename": "photo.jpg"}]})),
        ),
        Operation {
            body: text(),
            ..operation(
                "chattu_chat_send",
                "POST",
                "/api/chats/{clientId}/{chatId}/send",
                LOGIN,
                answered(&json!({
                "success": true,
                "message": {"id": {"_serialized": "3EB0C767F26AFC1F8B"}, "body": "Hello", "timestamp": 1}})),
            )
        },
        operation(
            "chattu_chat_read",
            "POST",
            "/api/chats/{clientId}/{chatId}/read",
            LOGIN,
            answered(&json!({"success": true})),
        ),
        operation(
            "chattu_chat_media",
            "GET",
            "/api/chats/{clientId}/media/{messageId}",
            LOGIN,
            other_answer("The file.", "*/*"),
        ),
    ]
}

fn groups() -> Vec<Operation> {
    let channel = json!({
        "id": "120363000000000001@newsletter", "name": "News", "description": "What is new", "profilePic": "https://…",
        "lastMessage": {"body": "Hello", "timestamp": 1, "fromMe": false}, "timestamp": 1, "unreadCount": 0,
        "isMuted": false, "pinned": false, "isReadOnly": false, "type": "channel"});
    let mut group = channel.clone();
    group["participants"] = json!(15);
    group["owner"] = json!("966112345678@c.us");
    group["createdAt"] = json!(1_778_234_400);
    group["type"] = json!("group");
    let mut sent = sent_message();
    sent["groupId"] = json!("120363000000000000@g.us");
    sent["groupName"] = json!("Warehouse");
    vec![
        operation(
            "chattu_groups",
            "GET",
            "/api/groups/{clientId}",
            EITHER,
            answered(&json!({
            "groups": [group], "channels": [channel], "total": 2})),
        ),
        Operation {
            body: with_file(posted(json!({
                "clientId": "shop", "groupId": "120363000000000000@g.us", "message": "Pallet 7 has arrived."}))),
            ..operation("chattu_send_group", "POST", "/api/send-group-message", KEY, answered(&sent))
        },
        Operation {
            body: with_file(posted(json!({"message": "Pallet 7 has arrived."}))),
            ..operation(
                "chattu_group_send",
                "POST",
                "/api/groups/{clientId}/{groupId}/send",
                LOGIN,
                answered(&sent_message()),
            )
        },
    ]
}

/// An operation with its good answer and the dialect's refusals.
fn operation(
    id: &'static str,
    method: &'static str,
    path: &'static str,
    security: &'static [&'static str],
    good: Value,
) -> Operation {
    let mut answers = vec![(200, good)];
    for status in [400, 401, 403, 404, 429, 500, 502, 503] {
        answers.push((status, json_answer("Refused; `code` says why.", named("ChattuError"))));
    }
    Operation { id, method, path, security, parameters: Vec::new(), body: None, answers }
}
