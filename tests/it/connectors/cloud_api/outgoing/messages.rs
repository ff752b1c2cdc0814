//! Each kind of message on its way out, as Meta sees it.

use super::rig::{LINE, PHONE, Rig};
use crate::harness::{contract::assert_refused_with, graph::WABA_ID, http::Reply};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    connectors::Address,
    model::{clock::Clock as _, ids::InstanceId, phone::Phone},
};

fn assert_sent(reply: &Reply) {
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
}

#[tokio::test]
async fn a_text_is_sent_and_its_statuses_move_it_on() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.sent", "message.delivered", "message.read"]).await;
    let reply = rig.send("Your order #2041: https://shop.example/2041").await;
    assert_sent(&reply);
    let sent = rig.last();
    assert_eq!(sent.ours(), reply.json()["message_id"]);
    assert_eq!((&sent.body["to"], &sent.body["text"]["preview_url"]), (&json!("+966501234567"), &json!(false)));
    assert_eq!(rig.row(&reply).await["provider_message_id"], sent.id);
    for status in ["delivered", "sent", "read", "delivered", "read"] {
        rig.tell_status(&sent, status).await;
    }
    assert_eq!(rig.row(&reply).await["status"], "read");
    for name in ["message.sent", "message.delivered", "message.read"] {
        assert_eq!(rig.events(name, 1).await.len(), 1, "{name} once");
    }
    assert_eq!(rig.world.used().await, (1, 1));
    assert_eq!(sent.body.get("messaging_account_id"), None, "Meta knows who pays");
    rig.assert_good_manners();
}

#[tokio::test]
async fn a_status_that_overtakes_the_answer_is_not_lost() {
    let rig = Rig::start().await;
    rig.graph.hold_answers(true);
    let body = rig.message("Your order is ready.");
    let told = async {
        rig.until("Meta has it", async || !rig.graph.sent().is_empty()).await;
        rig.tell_status(&rig.last(), "delivered").await;
        rig.graph.hold_answers(false);
    };
    let (reply, ()) = tokio::join!(rig.world.send(&body), told);
    assert_sent(&reply);
    assert_eq!(rig.row(&reply).await["status"], "delivered");
    assert_eq!(rig.world.used().await, (1, 1));
}

#[tokio::test]
async fn an_answer_names_the_message_that_it_answers() {
    let rig = Rig::start_with(&[("messaging_account_id", "105500000000001")]).await;
    let first = rig.send("Your order is ready.").await;
    let mut body = rig.message("It waits at the counter.");
    body["reply_to"] = first.json()["message_id"].clone();
    assert_sent(&rig.world.send(&body).await);
    let sent = rig.graph.sent();
    assert!(sent.iter().all(|one| one.body["messaging_account_id"] == "105500000000001"), "who pays");
    assert_eq!(sent[1].body["context"], json!({"message_id": sent[0].id}));
    rig.assert_good_manners();
}

#[tokio::test]
async fn a_sign_on_a_message_has_metas_shape_and_needs_the_window() {
    let rig = Rig::start().await;
    let first = rig.send("Your order is ready.").await;
    let mut body = rig.message("");
    body.as_object_mut().expect("an object").remove("message");
    for (n, emoji) in ["👍", ""].into_iter().enumerate() {
        body["reaction"] = json!({"message_id": first.json()["message_id"], "emoji": emoji});
        assert_sent(&rig.world.send(&body).await);
        let sent = rig.graph.sent();
        let about = json!({"message_id": sent[0].id, "emoji": emoji});
        assert_eq!((&sent[n + 1].body["type"], &sent[n + 1].body["reaction"]), (&json!("reaction"), &about));
    }
    rig.world.later(Duration::from_secs(24 * 3600));
    assert_refused_with(&rig.world.send(&body).await, "conversation_window_closed", json!({}));
    rig.assert_good_manners();
}

#[tokio::test]
async fn a_file_is_brought_first_and_only_once() {
    let rig = Rig::start().await;
    let jpeg = [&[0xff, 0xd8, 0xff, 0xe0][..], &[0; 64], &[0xff, 0xd9]].concat();
    let pdf = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n".to_vec();
    let rows =
        [("a.jpg", "image/jpeg", "image", &jpeg, "Here it is"), ("bill.pdf", "application/pdf", "document", &pdf, "")];
    for (name, mime, kind, bytes, caption) in rows {
        let url = rig.files.put(name, mime, bytes);
        let mut body = rig.message(caption);
        (body["media_url"], body["media_type"]) = (json!(url), json!(kind));
        assert_sent(&rig.world.send(&body).await);
        let sent = rig.last();
        let content = &sent.body[kind];
        let id = content["id"].as_str().expect("an id").to_owned();
        assert_eq!(rig.graph.state().uploads[&id], (mime.to_owned(), bytes.clone()), "byte for byte");
        assert_eq!(content["caption"].as_str().unwrap_or_default(), caption);
        assert_eq!(content["filename"].as_str(), (kind == "document").then_some("bill.pdf"));
    }
    rig.assert_good_manners();
}

/// A file that did not get through is no message that may have got through: it is tried again, and failed.
#[tokio::test]
async fn a_file_that_does_not_get_through_is_tried_again() {
    use crate::harness::graph::Fault;
    let rig = Rig::start().await;
    let url = rig.files.put("a.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n");
    let mut body = rig.message("");
    (body["media_url"], body["media_type"]) = (json!(url), json!("document"));
    let faults = [Fault::Reset, Fault::Cut, Fault::TakenThen("502 Bad Gateway", "<html>".into())];
    rig.graph.state().upload_faults.extend(faults);
    let reply = rig.send_stepping(&body, &[100, 300, 900]).await;
    assert_sent(&reply);
    assert_eq!((rig.graph.sent().len(), rig.graph.asked("POST /v25.0/106540352242922/media")), (1, 4));

    rig.graph.state().upload_faults.push_back(Fault::code("400 Bad Request", 131_053));
    let url = rig.files.put("b.pdf", "application/pdf", b"%PDF-1.5\n%%EOF\n");
    body["media_url"] = json!(url);
    let reply = rig.world.send(&body).await;
    assert_eq!(reply.header("x-message-status"), Some("failed"), "{}", reply.body);
    assert_eq!((&rig.row(&reply).await["provider_code"], rig.graph.sent().len()), (&json!("131053"), 1));
    assert_eq!(rig.world.used().await, (1, 1));
}

fn template(name: &str, category: &str, components: Value) -> Value {
    json!({"name": name, "language": "he", "category": category, "status": "APPROVED", "id": "1",
           "components": components})
}

fn with_template(name: &str, variables: &[&str]) -> Value {
    json!({"instance_id": LINE, "phone": "+966509999999", "message_purpose": "transactional",
           "template": {"name": name, "language": "he", "variables": variables}})
}

#[tokio::test]
async fn a_template_goes_to_who_never_wrote_with_its_variables_in_their_places() {
    let rig = Rig::without_instance().await;
    let spread = json!([
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
        {"type": "BODY", "text": "Hello {{1}}, {{2}} is ready"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://shop.example/{{1}}"}]},
    ]);
    rig.graph.state().templates = vec![
        template("a", "UTILITY", json!([])),
        template(
            "picture",
            "UTILITY",
            json!([{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "{{1}}"}]),
        ),
        template("order_news", "UTILITY", spread),
        template("sale", "MARKETING", json!([{"type": "BODY", "text": "Only today"}])),
    ];
    rig.create_with(&rig.graph.settings()).await.expect("an instance");
    rig.until_looked(1).await;
    let pages = format!("GET /v25.0/{WABA_ID}/message_templates");
    rig.until("the second page was read", async || rig.graph.asked(&pages) == 2).await;

    let reply = rig.world.send(&with_template("order_news", &["2041", "Amal", "the lamp", "2041"])).await;
    assert_sent(&reply);
    let components = rig.last().body["template"]["components"].clone();
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    assert_eq!(components[0], json!({"type": "header", "parameters": text("2041")}));
    assert_eq!(components[1]["parameters"][1]["text"], "the lamp");
    assert_eq!(components[2], json!({"type": "button", "sub_type": "url", "index": "0", "parameters": text("2041")}));

    let picture = "https://shop.example/lamp.jpg";
    assert_sent(&rig.world.send(&with_template("picture", &[picture, "the lamp"])).await);
    let components = rig.last().body["template"]["components"].clone();
    let head = json!([{"type": "image", "image": {"link": picture}}]);
    assert_eq!(components[0], json!({"type": "header", "parameters": head}));
    assert_eq!(components[1], json!({"type": "body", "parameters": text("the lamp")}));

    // One that is not on the list has it read anew, once in a minute; Meta then says what it thinks of it.
    rig.world.later(Duration::from_secs(61));
    rig.graph.state().templates.push(template("fresh", "MARKETING", json!([])));
    let reply = rig.world.send(&with_template("fresh", &[])).await;
    assert_ne!(reply.status, 200, "made a marketing template since");
    assert_sent(&rig.world.send(&with_template("not_listed", &["x"])).await);
    assert_eq!(rig.last().body["template"]["components"][0]["type"], "body");
    rig.assert_good_manners();
}

#[tokio::test]
async fn outside_the_window_only_a_template_goes_and_the_accounts_own_is_offered() {
    let rig = Rig::start_with(&[("window_template", "order_news/he")]).await;
    assert_sent(&rig.send("Your order is ready.").await);
    rig.world.later(Duration::from_secs(24 * 3600));
    for phone in [PHONE, "+966509999999"] {
        let reply = rig.world.send(&rig.message_to(phone, "Your order is ready.")).await;
        let offered = json!({"name": "order_news", "language": "he"});
        assert_refused_with(&reply, "conversation_window_closed", json!({"template": offered}));
        assert_eq!(reply.header("x-message-status"), Some("blocked"));
    }
    assert_eq!((rig.graph.sent().len(), rig.world.used().await), (1, (1, 1)), "nothing more left, nothing more counts");
    rig.hears(PHONE).await;
    assert_sent(&rig.send("Your order is ready.").await);
    rig.set(&[("window_template", "")]).await;
    rig.world.later(Duration::from_secs(24 * 3600));
    let reply = rig.send("Your order is ready.").await;
    assert_eq!(reply.json()["details"], json!({"action": "block"}));
}

#[tokio::test]
async fn a_templates_text_and_its_buttons_offer_words() {
    let rig = Rig::without_instance().await;
    let buttons = json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Cancel"}]});
    rig.graph.state().templates = vec![
        template("told", "UTILITY", json!([{"type": "BODY", "text": "Your table, {{1}}: reply CANCEL to cancel it."}])),
        template("buttons", "UTILITY", json!([{"type": "BODY", "text": "Your table, {{1}}."}, buttons])),
        template("neither", "UTILITY", json!([{"type": "BODY", "text": "Your table, {{1}}."}])),
    ];
    rig.create_with(&rig.graph.settings()).await.expect("an instance");
    let listed = "SELECT count(*) FROM templates";
    rig.until("the templates were read", async || rig.world.number(listed).await == 3).await;
    let suppressed = "SELECT count(*) FROM suppressions WHERE lifted_at IS NULL";
    for (number, (name, opts_out)) in [("told", 0), ("buttons", 0), ("neither", 1)].into_iter().enumerate() {
        assert_sent(&rig.world.send(&with_template(name, &["Amal"])).await);
        let tapped = json!({"from": "966509999999", "id": format!("wamid.tap-{number}"), "type": "button",
                            "timestamp": rig.world.clock.now().seconds().to_string(), "button": {"text": "Cancel"}});
        rig.call(json!({"messages": [tapped]})).await;
        assert_eq!(rig.world.number(suppressed).await, opts_out, "{name}");
        rig.world.later(Duration::from_secs(60));
    }
}

/// A person whose number is hidden: their id with this business stands in its place.
#[tokio::test]
async fn a_hidden_number_is_reached_by_its_id() {
    let rig = Rig::start().await;
    let message = json!({"from_user_id": "US.13491208655302741918", "user_id": "US.13491208655302741918",
                         "id": "wamid.hidden", "timestamp": rig.world.clock.now().seconds().to_string(),
                         "type": "text", "text": {"body": "Hello"}});
    let contacts = json!([{"profile": {"name": "Amal"}, "user_id": "US.13491208655302741918"}]);
    rig.call(json!({"contacts": contacts, "messages": [message]})).await;
    let found = rig.world.gateway().store.read(|tx| {
        tx.one("SELECT contact_id FROM contact_identities WHERE kind = 'bsuid'", [], |r| r.get::<_, i64>(0))
    });
    let contact = found.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a contact");
    let reply = rig.world.send(&rig.message_to(&format!("contact:{contact}"), "Your order is ready.")).await;
    assert_sent(&reply);
    let sent = rig.last();
    assert_eq!((&sent.body["recipient"], sent.body.get("to")), (&json!("US.13491208655302741918"), None));
    rig.assert_good_manners();
}

#[tokio::test]
async fn read_marks_and_signs_of_writing_reach_meta() {
    let rig = Rig::start().await;
    let line = InstanceId::from_text(LINE);
    let chat = Address::Phone(Phone::parse(PHONE, None).expect("a phone"));
    let registry = &rig.world.gateway().registry;
    registry.mark_read(&line, &chat, &["wamid.1".into(), "wamid.2".into()]).await.expect("marked");
    registry.show_typing(&line, &chat, "wamid.2").await.expect("shown");
    let marks = rig.graph.state().marks.clone();
    assert_eq!(marks.len(), 2, "the last one stands for those before it: {marks:?}");
    assert_eq!((&marks[0]["message_id"], marks[0].get("typing_indicator")), (&json!("wamid.2"), None));
    assert_eq!(marks[1]["typing_indicator"], json!({"type": "text"}));
    rig.graph.state().refuses = Some(("400 Bad Request", crate::harness::graph::refusal(100, "unknown message")));
    let refused = registry.mark_read(&line, &chat, &["wamid.3".into()]).await.expect_err("refused");
    assert!(refused.to_string().contains("100"), "{refused}");
    rig.assert_good_manners();
}
