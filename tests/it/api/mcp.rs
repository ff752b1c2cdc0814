//! The Model Context Protocol: what an assistant is told, which tools a key gives, that each passes the guard, and the
//! program's own end of it over stdin and stdout.

use super::lists::key;
use crate::harness::{
    http::{self, Reply},
    program::Place,
    world::{INSTANCE, PHONE, SPAM, World},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

async fn post(world: &World, key: &str, body: &Value, more: &[&str]) -> Reply {
    let mut headers = vec![
        format!("Authorization: Bearer {key}"),
        "Content-Type: application/json".to_owned(),
        "Accept: application/json, text/event-stream".to_owned(),
    ];
    headers.extend(more.iter().map(ToString::to_string));
    http::call(world.address(), "POST", "/mcp", &headers, body.to_string().as_bytes()).await
}

/// The result of a request.
async fn asked(world: &World, key: &str, method: &str, params: Value) -> Value {
    let reply = post(world, key, &json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.json();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    answer
}

/// What a tool answers, and whether it says that it is a refusal.
async fn call(world: &World, key: &str, name: &str, arguments: Value) -> (Value, bool) {
    let answer = asked(world, key, "tools/call", json!({"name": name, "arguments": arguments})).await;
    let result = &answer["result"];
    let told: Value = serde_json::from_str(result["content"][0]["text"].as_str().expect("a text")).expect("JSON");
    assert_eq!(told, result["structuredContent"], "the two say the same");
    (told, result["isError"].as_bool().expect("whether it is one"))
}

async fn tools(world: &World, key: &str) -> Vec<String> {
    let answer = asked(world, key, "tools/list", json!({})).await;
    let all = answer["result"]["tools"].as_array().expect("tools").clone();
    for tool in &all {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        for name in schema["required"].as_array().expect("a list") {
            assert!(schema["properties"][name.as_str().expect("a name")].is_object(), "{tool}");
        }
    }
    all.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn an_assistant_is_greeted_and_answered_as_the_protocol_says() {
    let world = World::start().await;
    let sender = &world.key;
    for (asked_for, spoken) in
        [("2025-06-18", "2025-06-18"), ("2024-11-05", "2024-11-05"), ("2026-07-28", "2025-11-25")]
    {
        let params =
            json!({"protocolVersion": asked_for, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let result = asked(&world, sender, "initialize", params).await["result"].clone();
        assert_eq!((&result["protocolVersion"], &result["serverInfo"]["name"]), (&json!(spoken), &json!("wa-gateway")));
        assert!(result["capabilities"]["tools"].is_object() && result["instructions"].is_string(), "{result}");
    }
    assert_eq!(asked(&world, sender, "ping", json!({})).await["result"], json!({}));
    let noted = post(&world, sender, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), &[]).await;
    assert_eq!((noted.status, noted.body.as_str()), (202, ""));
    assert_eq!(asked(&world, sender, "resources/list", json!({})).await["error"]["code"], -32601);
    assert_eq!(asked(&world, sender, "tools/call", json!({"name": "rm"})).await["error"]["code"], -32602);
    assert_eq!(asked(&world, sender, "tools/call", json!({"name": "message_status"})).await["error"]["code"], -32602);
    let broken = post(&world, sender, &json!("ping"), &[]).await.json();
    assert_eq!((&broken["error"]["code"], &broken["id"]), (&json!(-32600), &Value::Null), "JSON, and no request");
    let headers = [format!("Authorization: Bearer {sender}"), "Content-Type: application/json".to_owned()];
    let broken = http::call(world.address(), "POST", "/mcp", &headers, b"{").await.json();
    assert_eq!(broken["error"]["code"], -32700, "no JSON");
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(post(&world, sender, &ping, &["Origin: https://evil.example"]).await.status, 403);
    let unspoken = post(&world, sender, &ping, &["MCP-Protocol-Version: 1.0"]).await;
    let why = unspoken.json()["error"]["message"].to_string();
    assert!(unspoken.status == 400 && why.contains("2025-11-25"), "{}", unspoken.body);
    assert_eq!(post(&world, sender, &ping, &["MCP-Protocol-Version: 2025-06-18"]).await.status, 200);
    assert_eq!(post(&world, "wg_live_no", &ping, &[]).await.error(), "invalid_api_key");
    let got = http::call(world.address(), "GET", "/mcp", &[format!("Authorization: Bearer {sender}")], &[]).await;
    assert_eq!(got.status, 405, "no stream of our own");
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_what_asks_for_nothing_is_not_answered() {
    let world = World::start().await;
    for (message, id) in [
        (json!({"jsonrpc": "2.0", "id": null, "method": "ping"}), json!(null)),
        (json!({"jsonrpc": "2.0", "id": {}, "method": "ping"}), json!(null)),
        (json!({"jsonrpc": "2.0", "id": true, "method": "ping"}), json!(null)),
        (json!({"id": 3, "method": "ping"}), json!(3)),
        (json!({"jsonrpc": "1.0", "id": "a", "method": "ping"}), json!("a")),
        (json!({"method": "notifications/initialized"}), json!(null)),
        (json!({"jsonrpc": "2.0", "id": 3}), json!(3)),
        (json!({"jsonrpc": "2.0", "id": 3, "method": 7}), json!(3)),
        (json!({}), json!(null)),
    ] {
        let told = post(&world, &world.key, &message, &[]).await;
        assert_eq!(told.status, 200, "{message}: {}", told.body);
        let told = told.json();
        assert_eq!((&told["error"]["code"], &told["id"]), (&json!(-32600), &id), "{message}: {told}");
    }
    let params = json!({"jsonrpc": "2.0", "id": 3, "method": "ping", "params": "all"});
    assert_eq!(post(&world, &world.key, &params, &[]).await.json()["error"]["code"], -32602);
    for message in [
        json!({"jsonrpc": "2.0", "id": 9, "result": {}}),
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "?"}}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": null}),
    ] {
        let told = post(&world, &world.key, &message, &[]).await;
        assert_eq!((told.status, told.body.as_str()), (202, ""), "{message}");
    }
    world.stop().await;
}

/// Version 2025-03-26 has batches, and is what is meant by whoever names none; later ones have none.
#[tokio::test]
async fn several_messages_at_once_are_answered_as_their_version_says() {
    let world = World::start().await;
    let ping = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    let all = json!([ping(1), {"jsonrpc": "2.0", "method": "notifications/initialized"}, 1,
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "message_status", "arguments": {"log_id": 1}}},
        {"jsonrpc": "2.0", "id": 3, "method": "initialize", "params": {}}]);
    for header in [&[][..], &["MCP-Protocol-Version: 2025-03-26"][..]] {
        let told = post(&world, &world.key, &all, header).await.json();
        let ids: Vec<&Value> = told.as_array().expect("a list").iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, [&json!(1), &json!(null), &json!(2), &json!(3)], "{told}");
        assert_eq!((&told[0]["result"], &told[2]["result"]["isError"]), (&json!({}), &json!(true)));
        assert_eq!((&told[1]["error"]["code"], &told[3]["error"]["code"]), (&json!(-32600), &json!(-32600)));
    }
    let silent = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    assert_eq!(post(&world, &world.key, &silent, &[]).await.status, 202);
    for (wrong, header) in [
        (all, "MCP-Protocol-Version: 2025-06-18"),
        (json!([]), "X: y"),
        (json!((0..51).map(ping).collect::<Vec<_>>()), "X: y"),
    ] {
        let told = post(&world, &world.key, &wrong, &[header]).await.json();
        assert_eq!((&told["error"]["code"], &told["id"]), (&json!(-32600), &json!(null)), "{told}");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_argument_that_a_tool_does_not_have_is_refused_by_its_name() {
    let world = World::start().await;
    let all = key(&world, &["send", "read", "manage"], &[]).await;
    let message = |more: Value| {
        let mut all = json!({"instance_id": INSTANCE, "phone": PHONE, "message": "Your order #7 is ready.",
            "message_purpose": "transactional"});
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        all
    };
    for name in ["Idempotency-Key", "idempotencyKey", "sendAt", "bogus"] {
        let (told, is_refused) = call(&world, &all, "send_message", message(json!({name: "q"}))).await;
        assert!(is_refused && told["error"] == "validation_error", "{told}");
        assert!(told["details"].to_string().contains(name), "{told}");
    }
    for name in tools(&world, &all).await {
        let (told, is_refused) = call(&world, &all, &name, json!({"bogus": 1, "log_id": 1})).await;
        assert!(is_refused && told["error"] == "validation_error", "{name}: {told}");
        assert!(told["details"].to_string().contains("bogus"), "{name}: {told}");
    }
    assert_eq!(world.inbox().await.len(), 0, "nothing was sent");
    // Null stands for what is not there.
    let nulls = json!({"idempotency_key": null, "idempotency-key": null, "reference": null, "template": null, "send_at": null, "queue": null, "bogus": null});
    let (sent, is_refused) = call(&world, &all, "send_message", message(nulls)).await;
    assert!(!is_refused && sent["status"] == "sent", "{sent}");
    // What the operation takes, the tool takes; the key in both spellings, which are one.
    let place = json!({"message": null, "location": {"latitude": 24.7, "longitude": 46.7}, "idempotency_key": "k"});
    for more in [place.clone(), place] {
        let (sent, is_refused) = call(&world, &all, "send_message", message(more)).await;
        assert!(!is_refused && sent["status"] == "sent", "{sent}");
    }
    for spelt in ["idempotency_key", "idempotency-key"] {
        let (sent, _) = call(&world, &all, "send_message", message(json!({spelt: "q3", "message": "Order #9."}))).await;
        assert_eq!(sent["status"], "sent", "{sent}");
    }
    assert_eq!(world.inbox().await.len(), 3, "named twice, sent once");
    let two = message(json!({"idempotency_key": "a", "idempotency-key": "b"}));
    let refused = asked(&world, &all, "tools/call", json!({"name": "send_message", "arguments": two})).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    world.stop().await;
}

#[tokio::test]
async fn a_key_gives_the_tools_of_its_scopes_and_no_others() {
    let world = World::start().await;
    let (reader, manager) = (key(&world, &["read"], &[]).await, key(&world, &["manage"], &[]).await);
    let all = key(&world, &["send", "read", "manage"], &[]).await;
    assert_eq!(tools(&world, &world.key).await, ["send_message", "message_status", "cancel_message"]);
    assert_eq!(tools(&world, &manager).await, ["add_suppression", "lift_suppression"]);
    let reading = tools(&world, &reader).await;
    assert!(reading.len() == 9 && reading.contains(&"explain_message".to_owned()), "{reading:?}");
    assert_eq!(tools(&world, &all).await.len(), 14);
    for name in tools(&world, &all).await {
        let is_own = reading.contains(&name);
        let answer = asked(&world, &reader, "tools/call", json!({"name": name, "arguments": {"log_id": 1}})).await;
        assert_eq!(answer["error"].is_object(), !is_own, "{name}: {answer}");
    }
    world.stop().await;
}

#[tokio::test]
async fn tools_pass_the_guard_and_say_why_it_refuses() {
    let world = World::start().await;
    let all = key(&world, &["send", "read", "manage"], &[]).await;
    let message = |text: &str| {
        json!({"instance_id": INSTANCE, "phone": PHONE, "message": text,
        "message_purpose": "transactional", "idempotency_key": text})
    };
    let (sent, is_refused) = call(&world, &all, "send_message", message("Your order #7 is ready.")).await;
    assert!(!is_refused && sent["status"] == "sent", "{sent}");
    call(&world, &all, "send_message", message("Your order #7 is ready.")).await;
    assert_eq!(world.inbox().await.len(), 1, "named twice, sent once");
    let (status, _) = call(&world, &all, "message_status", json!({"log_id": sent["log_id"]})).await;
    assert_eq!(status["status"], "sent", "{status}");
    let (refused, is_refused) = call(&world, &all, "send_message", message(SPAM)).await;
    assert!(is_refused && refused["error"] == "policy_violation", "{refused}");
    let (why, _) = call(&world, &all, "explain_message", json!({"log_id": refused["log_id"]})).await;
    assert_eq!(why["decision"]["gate"], "content", "{why}");
    assert!(why["decision"]["signals"].as_array().is_some_and(|signals| !signals.is_empty()), "{why}");
    world.hears(PHONE, "Thanks").await;
    let (heard, _) = call(&world, &all, "list_inbound_messages", json!({"from": PHONE, "limit": 1})).await;
    assert_eq!(heard["data"][0]["message_text"], "Thanks", "{heard}");
    let (found, _) =
        call(&world, &all, "list_messages", json!({"q": "order #7", "since": "2026-06-01T00:00:00Z"})).await;
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{found}");
    for name in
        ["list_conversations", "list_contacts", "list_templates", "list_instances", "get_usage", "list_suppressions"]
    {
        let (listed, is_refused) = call(&world, &all, name, json!({})).await;
        assert!(!is_refused && listed.is_object(), "{name}: {listed}");
    }
    let (added, _) =
        call(&world, &all, "add_suppression", json!({"phone": PHONE, "reason": "asked by telephone"})).await;
    assert_eq!(added["added"], true, "{added}");
    let (refused, is_refused) = call(&world, &all, "send_message", message("Your order #8 is ready.")).await;
    assert!(is_refused && refused["error"] == "recipient_suppressed", "{refused}");
    // Another account's message is none.
    let other = world.new_account("Other", "scale").await;
    let make = wa_gateway::app::commands::KeyCreate {
        account: other,
        scopes: vec!["read".into(), "send".into()],
        ..Default::default()
    };
    let stranger = world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned();
    for name in ["message_status", "explain_message"] {
        let (told, is_refused) = call(&world, &stranger, name, json!({"log_id": sent["log_id"]})).await;
        assert!(is_refused && told["error"] == "not_found", "{told}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_key_for_one_instance_has_nothing_of_another_by_any_tool() {
    let world = World::start().await;
    world.new_instance(world.account, "second-line").await;
    let scopes = ["send", "read", "manage"];
    let (first, second) = (key(&world, &scopes, &[INSTANCE]).await, key(&world, &scopes, &["second-line"]).await);
    let message = |instance: &str, more: Value| {
        let mut all = json!({"instance_id": instance, "phone": PHONE, "message": "Your order #7 is ready.",
            "message_purpose": "transactional"});
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        all
    };
    let (sent, _) = call(&world, &first, "send_message", message(INSTANCE, json!({}))).await;
    let later = json!({"send_at": "2026-06-02T12:00:00Z"});
    let (waits, _) = call(&world, &first, "send_message", message(INSTANCE, later)).await;
    assert_eq!((&sent["status"], &waits["status"]), (&json!("sent"), &json!("accepted")), "{sent} {waits}");
    world.hears(PHONE, "Thanks").await;
    let (refused, is_refused) = call(&world, &second, "send_message", message(INSTANCE, json!({}))).await;
    assert!(is_refused && refused["error"] == "invalid_instance", "{refused}");
    for log_id in [&sent["log_id"], &waits["log_id"]] {
        for name in ["message_status", "explain_message", "cancel_message"] {
            let (told, is_refused) = call(&world, &second, name, json!({"log_id": log_id})).await;
            assert!(is_refused && told["error"] == "not_found", "{name} of {log_id}: {told}");
        }
    }
    let lists = ["list_messages", "list_inbound_messages", "list_conversations", "list_contacts", "list_instances"];
    for name in lists {
        for arguments in [json!({}), json!({"instance_id": INSTANCE})] {
            let (own, _) = call(&world, &first, name, arguments.clone()).await;
            assert!(own["data"].as_array().is_some_and(|rows| !rows.is_empty()), "{name} {arguments}: {own}");
            let (told, _) = call(&world, &second, name, arguments.clone()).await;
            assert!(
                !told.to_string().contains(PHONE) && !told.to_string().contains(INSTANCE),
                "{name} {arguments}: {told}"
            );
        }
    }
    let (own, _) = call(&world, &second, "list_instances", json!({})).await;
    assert_eq!(own["data"].as_array().map(Vec::len), Some(1), "{own}");
    // Its own line is its own, and what waits is still there for whose it is.
    let (sent, is_refused) =
        call(&world, &second, "send_message", message("second-line", json!({"message": "Order #8."}))).await;
    assert!(!is_refused && sent["status"] == "sent", "{sent}");
    let (cancelled, is_refused) = call(&world, &first, "cancel_message", json!({"log_id": waits["log_id"]})).await;
    assert!(!is_refused, "{cancelled}");
    world.stop().await;
}

#[test]
fn the_program_speaks_it_over_stdin_and_stdout() {
    let place = Place::new();
    let key = place.furnish(INSTANCE);
    let file = place.dir.path().join("assistant.key");
    std::fs::write(&file, format!("{key}\n")).expect("a file");
    let start = || {
        let mut command = place.program(&["mcp", "--key-file", file.to_str().expect("UTF-8")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command.spawn().expect("the program starts")
    };
    let serving = place.serve();
    let mut child = start();
    let (mut stdin, stdout) = (child.stdin.take().expect("stdin"), child.stdout.take().expect("stdout"));
    let mut lines = BufReader::new(stdout).lines();
    let mut ask = |message: Value| writeln!(stdin, "{message}").expect("it reads");
    ask(json!({"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}));
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    ask(json!({"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "send_message", "arguments": {
        "instance_id": INSTANCE, "phone": PHONE, "message": "Your order #9 is ready.", "message_purpose": "transactional"}}}));
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON") };
    let (greeted, sent) = (next(), next());
    assert_eq!((&greeted["id"], &greeted["result"]["protocolVersion"]), (&json!("a"), &json!("2025-06-18")));
    assert_eq!((&sent["id"], &sent["result"]["structuredContent"]["status"]), (&json!("b"), &json!("sent")), "{sent}");
    // The gateway goes away: the client is told, and the tools stay.
    serving.stop();
    ask(json!({"jsonrpc": "2.0", "id": "c", "method": "ping"}));
    let told = next();
    assert!(told["error"]["message"].as_str().is_some_and(|why| why.contains("is it running?")), "{told}");
    drop(stdin);
    assert!(child.wait().expect("its end").success());
    std::fs::write(&file, "").expect("a file");
    let refused = place.run(&["mcp", "--key-file", file.to_str().expect("UTF-8")]);
    assert_eq!(refused.code, 1);
    assert!(refused.line().contains("there is no key in it"), "{refused:?}");
}
