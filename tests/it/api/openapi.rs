//! The OpenAPI document against the running gateway: every route is in it, everything in it is a route, and what the
//! gateway answers is what it says.

use super::schema::problems;
use crate::harness::{
    http::{self, Reply},
    pbx::{call, reply_to},
    visitor::Visitor,
    world::{PHONE, SPAM, World, message, message_with},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};
use wa_gateway::{
    api::openapi,
    app::{Access, commands::ThreecxSettings, interface::INTERFACE, routes::ROUTES},
    events::webhooks::EventName,
    model::code::Code,
    portal::docs::{catalogue, library, source},
    texts::locale::{self, Lang},
};

/// Operations whose good answers are tried here; whatever else is served must at least answer a stranger as documented.
const TRIED: [&str; 9] = [
    "send_message",
    "read_message",
    "threecx_webhook",
    "threecx_sms",
    "threecx_template",
    "service_status",
    "process_health",
    "readiness",
    "openapi",
];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.iter().map(|(method, o)| (method.to_ascii_uppercase(), path.clone(), o.clone()))
        })
        .collect()
}

/// The answer is one of the operation's, with its schema, its headers and its content type.
fn assert_documented(document: &Value, id: &str, reply: &Reply) {
    let all = operations(document);
    let (_, _, operation) = all.iter().find(|(_, _, o)| o["operationId"] == id).unwrap_or_else(|| panic!("no {id}"));
    let answer = &operation["responses"][reply.status.to_string()];
    assert!(answer.is_object(), "{id} does not say that it answers {}: {}", reply.status, reply.body);
    for (name, header) in answer["headers"].as_object().into_iter().flatten() {
        let value = reply.header(&name.to_ascii_lowercase());
        assert!(value.is_some() || header["required"] != true, "{id} {}: no {name}", reply.status);
    }
    let Some((kind, content)) = answer["content"].as_object().and_then(|all| all.iter().next()) else { return };
    let sent = reply.header("content-type").unwrap_or_default();
    assert!(kind == "*/*" || sent.starts_with(kind.as_str()), "{id} {}: {sent} and not {kind}", reply.status);
    if kind == "application/json" {
        let found = problems(document, &content["schema"], &reply.json());
        assert!(found.is_empty(), "{id} {}: {found:#?}\n{}", reply.status, reply.body);
    }
}

#[test]
fn every_route_of_the_interface_is_in_it_and_nothing_else() {
    let document = openapi::at(&INTERFACE, "");
    let documented: BTreeSet<(String, String)> =
        operations(&document).into_iter().map(|(method, path, _)| (method, openapi::unnamed(&path))).collect();
    let is_interface = |access: Access, path: &str| {
        matches!(access, Access::ApiKey | Access::Chattu(_) | Access::KeyInBody | Access::SignedAddress)
            || matches!(access, Access::Integration | Access::Health | Access::Metrics)
            || ["/api/", "/clients/", "/schedule-message", "/scheduled-messages", "/media/"]
                .iter()
                .any(|b| path.starts_with(b))
            || ["/", "/openapi.json"].contains(&path)
            || path.ends_with("/template.xml")
    };
    let routes = ROUTES.iter().filter(|r| is_interface(r.access, r.path));
    let served: BTreeSet<(String, String)> = routes.map(|r| (r.method.to_string(), openapi::unnamed(r.path))).collect();
    assert_eq!(documented, served);
    assert!(documented.len() >= 10);
}

#[test]
fn its_texts_are_there_in_every_language_and_its_references_lead_somewhere() {
    let document = openapi::at(&INTERFACE, "https://wa.example");
    assert_eq!(document["servers"], json!([{"url": "https://wa.example"}]));
    let mut ids = BTreeSet::new();
    for (_, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("an id").to_owned();
        for lang in Lang::ALL {
            assert!(locale::all(*lang).contains_key(&format!("operation.{id}")), "{path}: no text for {id} in {lang}");
        }
        assert!(ids.insert(id), "{path}: its id is not its own");
        for scheme in operation["security"].as_array().expect("a list") {
            let Some(name) = scheme.as_object().expect("a scheme").keys().next() else {
                // Another header does, too; it is described as a parameter.
                assert!(operation["parameters"].to_string().contains("x-api-key"), "{path}");
                continue;
            };
            assert!(document["components"]["securitySchemes"][name].is_object(), "{name}");
        }
    }
    let text = document.to_string();
    for name in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(name).is_some(), "{name} is not there");
    }
    for id in TRIED {
        assert!(ids.contains(id), "{id}");
    }
}

#[test]
fn every_code_of_the_catalogue_has_an_example_somewhere() {
    let text = openapi::at(&INTERFACE, "").to_string();
    // These two answer requests that are no operation; the last one is the Chattu dialect's and the portal's.
    let elsewhere = [Code::MethodNotAllowed, Code::NotFound, Code::RateLimited];
    for code in Code::ALL.iter().filter(|c| !elsewhere.contains(c)) {
        assert!(text.contains(&format!("\"error\":\"{code}\"")), "{code}");
    }
}

#[test]
fn its_own_examples_fit_its_schemas() {
    let document = openapi::at(&INTERFACE, "");
    let mut seen = 0;
    let events = document["webhooks"].as_object().expect("events").values().map(|event| event["post"].clone());
    for operation in operations(&document).into_iter().map(|(_, _, o)| o).chain(events) {
        let body = &operation["requestBody"]["content"]["application/json"];
        if body["example"].is_object() {
            seen += 1;
            let found = problems(&document, &body["schema"], &body["example"]);
            assert!(found.is_empty(), "{}: {found:#?}", operation["operationId"]);
        }
        for (status, answer) in operation["responses"].as_object().expect("answers") {
            let content = &answer["content"]["application/json"];
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                seen += 1;
                let found = problems(&document, &content["schema"], &example["value"]);
                assert!(found.is_empty(), "{} {status} {name}: {found:#?}", operation["operationId"]);
            }
        }
    }
    assert!(seen > 60, "examples are found");
}

/// What the page about receiving shows is what is sent.
#[test]
fn the_shown_events_are_those_of_the_code() {
    let document = openapi::at(&INTERFACE, "");
    // In the contract, and in none of the typed events yet.
    let promised = ["qr_image"];
    for name in EventName::ALL {
        let text =
            source::file(&format!("samples/events/{name}.json")).unwrap_or_else(|| panic!("no sample of {name}"));
        let shown: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let event = &document["webhooks"][name.as_str()]["post"]["requestBody"]["content"]["application/json"];
        let found = problems(&document, &event["schema"], &shown);
        assert!(found.is_empty(), "{name}: {found:#?}");
        let members = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
        let real = members(&event["example"]);
        let more: Vec<String> =
            members(&shown).difference(&real).filter(|m| !promised.contains(&m.as_str())).cloned().collect();
        assert!(more.is_empty(), "{name} has no {more:?}");
        assert!(real.is_subset(&members(&shown)), "{name} lacks {:?}", real.difference(&members(&shown)));
    }
}

#[tokio::test]
async fn the_guarded_api_answers_as_documented() {
    let world = World::start().await;
    let document = world.get("/openapi.json").await.json();
    let sent = world.send(&message()).await;
    assert_eq!(sent.status, 200);
    assert_documented(&document, "send_message", &sent);
    let path = format!("/api/messages/{}", sent.json()["log_id"]);
    assert_documented(&document, "read_message", &world.get(&path).await);
    assert_documented(&document, "read_message", &world.get("/api/messages/999999").await);
    let stranger = http::call(world.address(), "GET", &path, &[], &[]).await;
    assert_documented(&document, "read_message", &stranger);
    for (wrong, status) in [
        (json!({}), 422),
        (message_with(json!({"message_purpose": null})), 422),
        (message_with(json!({"message_purpose": "marketing"})), 422),
        (message_with(json!({"instance_id": "nobodys"})), 404),
        (message_with(json!({"message": SPAM})), 403),
    ] {
        let reply = world.send(&wrong).await;
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_documented(&document, "send_message", &reply);
    }
    let key = "Idempotency-Key: one";
    world.send_with(&world.key, &message(), &[key]).await;
    let replayed = world.send_with(&world.key, &message(), &[key]).await;
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
    assert_documented(&document, "send_message", &replayed);
    let reused = world.send_with(&world.key, &message_with(json!({"message": "Another"})), &[key]).await;
    assert_documented(&document, "send_message", &reused);
    assert_documented(&document, "send_message", &world.post_raw(&[], b"{").await);
    assert_documented(&document, "send_message", &world.send_with("wg_live_no", &message(), &[]).await);
    world.grant(Some(1), None).await;
    world.suppress(PHONE).await;
    assert_documented(&document, "send_message", &world.send(&message()).await);
    world.pause().await;
    assert_documented(&document, "send_message", &world.send(&message()).await);
    world.stop().await;
}

#[tokio::test]
async fn the_3cx_middleware_answers_as_documented() {
    let world = World::start().await;
    let document = openapi::at(&INTERFACE, "");
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    let closed = world.event(&pbx, &reply_to(PHONE)).await;
    assert_eq!(closed.error(), "conversation_window_closed");
    assert_documented(&document, "threecx_webhook", &closed);
    assert_documented(&document, "threecx_sms", &world.agent_writes(&pbx, PHONE, "Too late").await);
    world.hears(PHONE, "Hello?").await;
    world.template(&pbx, "missed_call", None).await;
    for (body, status) in [
        (reply_to(PHONE), 200),
        (json!({"event_type": "test"}), 200),
        (call("missed_call", PHONE), 200),
        (call("missed_call", PHONE), 200),
        (call("call_started", PHONE), 200),
        (json!({"event_type": "dance"}), 422),
        (json!({"event_type": "outbound_message"}), 422),
    ] {
        let reply = world.event(&pbx, &body).await;
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_documented(&document, "threecx_webhook", &reply);
    }
    let sent = world.agent_writes(&pbx, PHONE, "It is on its way.").await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert_documented(&document, "threecx_sms", &sent);
    let path = format!("/integrations/3cx/{}/template.xml", pbx.id);
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let template = owner.get(&path).await;
    assert_eq!(template.status, 200, "{}", template.body);
    assert_documented(&document, "threecx_template", &template);
    assert_documented(&document, "threecx_template", &Visitor::nobody(&world).get(&path).await);
    world.stop().await;
}

#[tokio::test]
async fn a_stranger_is_answered_as_documented_everywhere() {
    let world = World::start().await;
    let document = openapi::at(&INTERFACE, "");
    for (method, path, operation) in operations(&document) {
        let body = operation["requestBody"]["content"]["application/json"]["example"].to_string();
        let body = if operation["requestBody"].is_object() { body } else { String::new() };
        let mut headers = vec!["Accept: application/json".to_owned()];
        if !body.is_empty() {
            headers.push("Content-Type: application/json".to_owned());
        }
        let at = path.split('/').map(|s| if s.starts_with('{') { "1" } else { s }).collect::<Vec<_>>().join("/");
        let reply = http::call(world.address(), &method, &at, &headers, body.as_bytes()).await;
        let id = operation["operationId"].as_str().expect("an id");
        let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
        assert!(is_open || reply.status >= 300, "{id}: nobody proved anything, and was answered {}", reply.status);
        assert_documented(&document, id, &reply);
    }
    world.stop().await;
}

#[tokio::test]
async fn the_collection_has_every_operation() {
    let world = World::start().await;
    let collection = world.get("/docs/wa-gateway.postman_collection.json").await.json();
    assert_eq!(collection["info"]["schema"], "https://schema.getpostman.com/json/collection/v2.1.0/collection.json");
    let requests: usize =
        collection["item"].as_array().expect("folders").iter().map(|f| f["item"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(requests, operations(&openapi::at(&INTERFACE, "")).len());
    let send = &collection["item"][0]["item"][0]["request"];
    assert_eq!(send["url"]["raw"], "{{base_url}}/api/send-message");
    assert_eq!(send["auth"]["bearer"][0]["value"], "{{api_key}}");
    assert!(serde_json::from_str::<Value>(send["body"]["raw"].as_str().expect("a body")).is_ok());
    world.stop().await;
}

#[tokio::test]
async fn the_readable_page_names_every_operation() {
    let world = World::start().await;
    assert!(catalogue::find("/docs/openapi").and_then(|e| library::page(Lang::En, e)).is_some());
    for lang in Lang::ALL {
        let page = world.get(&format!("/docs/openapi?lang={lang}")).await.body;
        for (_, path, operation) in operations(&openapi::at(&INTERFACE, "")) {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(page.contains(&format!("<h3 id=\"{id}\">")) && page.contains(&path), "{id} in {lang}");
            let text = &locale::all(*lang)[&format!("operation.{id}")];
            assert!(page.contains(&format!("<p>{}</p>", text.replace('\'', "&#39;"))), "{id} in {lang}");
        }
    }
    world.stop().await;
}

#[test]
fn no_sample_file_is_idle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/docs");
    let mut pages = String::new();
    for entry in fs::read_dir(root.join("en")).expect("a directory").flatten() {
        pages += &fs::read_to_string(entry.path()).expect("a page");
    }
    for dir in ["samples", "samples/events"] {
        for entry in fs::read_dir(root.join(dir)).expect("a directory").flatten().filter(|e| e.path().is_file()) {
            let path = entry.path();
            let name = path.strip_prefix(root.join("samples")).expect("below").display().to_string();
            assert!(pages.contains(&format!("{{{{sample:{name}}}}}")), "{name} is in no page");
        }
    }
}

/// What the gateway refuses the document does not allow, and what it answers with the document knows.
#[test]
fn what_the_gateway_refuses_it_does_not_allow() {
    let document = openapi::at(&INTERFACE, "");
    let body_of = |id: &str| {
        let (_, _, operation) =
            operations(&document).into_iter().find(|(_, _, o)| o["operationId"] == id).expect("an operation");
        operation["requestBody"]["content"]["application/json"].clone()
    };
    for id in ["chattu_add_number", "chattu_reset_key", "chattu_send_group", "chattu_schedule", "chattu_update_webhook"]
    {
        let body = body_of(id);
        for (name, _) in body["example"].as_object().expect("an example") {
            for wrong in [json!(""), Value::Null, json!([1])] {
                // No webhook any more; a file without a caption.
                let may_be_empty = name == "webhookUrl" || (id == "chattu_send_group" && name == "message");
                if may_be_empty && wrong == "" {
                    continue;
                }
                let mut example = body["example"].clone();
                example[name] = wrong.clone();
                assert!(!problems(&document, &body["schema"], &example).is_empty(), "{id}: {name} may be {wrong}");
            }
        }
    }
    let due = body_of("chattu_schedule")["example"]["scheduleTime"].as_str().map(str::to_owned).expect("a time");
    assert!(due.as_str() > "2030", "an example that is refused because it is over: {due}");
    assert!(document.to_string().contains("SCHEDULE_NOT_FOUND"));
}

/// What stands for nobody and for nothing is null: a message to a group has no contact, most messages have no reactions.
#[test]
fn what_the_gateway_leaves_open_it_allows() {
    let document = openapi::at(&INTERFACE, "");
    for name in EventName::ALL.iter().filter(|name| name.as_str().starts_with("message.")) {
        let event = &document["webhooks"][name.as_str()]["post"]["requestBody"]["content"]["application/json"];
        let mut told = event["example"].clone();
        if told.get("log_id").is_some() {
            (told["to"], told["contact_id"]) = (Value::Null, Value::Null);
            let found = problems(&document, &event["schema"], &told);
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
    let messages = &document["paths"]["/api/chats/{clientId}/{chatId}/messages"]["get"]["responses"]["200"];
    let schema = &messages["content"]["application/json"]["schema"]["properties"]["messages"]["items"];
    assert_eq!(schema["properties"]["reactions"]["type"], json!(["array", "null"]), "{schema}");
    let form = &document["components"]["schemas"]["SendForm"]["properties"];
    assert_eq!(form["queue"]["enum"], json!(["false"]), "with a file in it, a request cannot wait");
}
