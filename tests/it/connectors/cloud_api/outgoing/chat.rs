//! The chat page over a number of Meta's: the window of 24 hours and what goes when it is closed.

use super::rig::{LINE, PHONE, Rig};
use crate::harness::visitor::Visitor;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn when_free_text_is_over_the_approved_templates_are_offered_and_sent() {
    let rig = Rig::without_instance().await;
    let template = |name: &str, category: &str, status: &str| {
        json!({"id": name, "name": name, "language": "he", "status": status, "category": category, "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
            {"type": "BODY", "text": "Hello {{1}}, {{2}} is <ready>"},
        ]})
    };
    rig.graph.state().templates = vec![
        template("order_news", "UTILITY", "APPROVED"),
        template("sale", "MARKETING", "APPROVED"),
        template("not_yet", "UTILITY", "PENDING"),
    ];
    rig.create_with(&rig.graph.settings()).await.expect("an instance");
    rig.until_looked(1).await;
    rig.hears(PHONE).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let chat = format!("/chat?instance={LINE}&chat=c1");
    let page = owner.get(&chat).await.body;
    assert!(page.contains("Free text can be sent until") && !page.contains("order_news"));
    rig.world.later(Duration::from_secs(24 * 3600));
    // A day later nobody is logged in any more.
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&chat).await.body;
    assert!(page.contains("more than 24 hours old") && page.contains("order_news"), "{page}");
    assert!(!page.contains("not_yet/he") && !page.contains("sale/he"), "neither what waits nor what is advertising");
    assert!(page.contains("Hello {{1}}, {{2}} is &#60;ready&#62;"), "its text, escaped");
    assert_eq!(page.matches("name=\"variable\"").count(), 3);
    let mut viewer = Visitor::logged_in(&rig.world, "viewer").await;
    assert!(!viewer.get(&chat).await.body.contains("order_news"));

    let path = format!("/chat/{LINE}/c1/send");
    let form = |template: &'static str, variables: &[&'static str]| {
        let mut fields = vec![("nonce", "n-1"), ("template", template)];
        fields.extend(variables.iter().map(|text| ("variable", *text)));
        fields
    };
    for (template, variables) in [
        ("order_news/he", &["2041", "Amal"][..]),
        ("order_news/he", &["2041", "Amal", " "]),
        ("sale/he", &["2041", "Amal", "the lamp"]),
        ("order_news/en", &["2041", "Amal", "the lamp"]),
    ] {
        assert_eq!(owner.post(&path, &form(template, variables)).await.status, 422, "{template} {variables:?}");
    }
    assert!(rig.graph.sent().is_empty());
    let reply = owner.post(&path, &form("order_news/he", &["2041", "Amal", "the lamp"])).await;
    assert_eq!(reply.header("location"), Some(chat.as_str()), "{}", reply.body);
    let sent = rig.last().body["template"].clone();
    assert_eq!(sent["name"], "order_news");
    assert_eq!(sent["components"][1]["parameters"][1]["text"], "the lamp");
    let page = owner.get(&chat).await.body;
    assert!(page.contains("Hello Amal, the lamp is &#60;ready&#62;"), "it stands in the conversation: {page}");
    rig.assert_good_manners();
}

#[tokio::test]
async fn reading_and_writing_are_told_to_meta() {
    let rig = Rig::start().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    for what in ["typing", "read"] {
        let before = rig.graph.state().marks.len();
        assert!(owner.post(&format!("/chat/{LINE}/c1/{what}"), &[]).await.status < 400);
        rig.until("Meta was told", async || rig.graph.state().marks.len() > before).await;
    }
    let marks = rig.graph.state().marks.clone();
    assert_eq!((&marks[0]["status"], &marks[0]["typing_indicator"]), (&json!("read"), &json!({"type": "text"})));
    assert_eq!((&marks[1]["message_id"], marks[1].get("typing_indicator")), (&marks[0]["message_id"], None));
}
