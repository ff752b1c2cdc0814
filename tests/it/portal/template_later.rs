//! Templates on the page Scheduled: kept for their time, shown there before and after; what could not be read when it is due
//! is refused at once.

use super::{
    scheduled::scheduled_until,
    template_send::{ORDER, form, rig, text},
};
use crate::{
    connectors::cloud_api::outgoing::rig::{LINE, PHONE, Rig},
    harness::visitor::Visitor,
};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_template_waits_for_its_time() {
    let rig = rig().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get("/scheduled").await.body;
    assert!(page.contains("<optgroup label=\"Cloud line\">") && page.contains("value=\"cloud-line/order_news/en\""));
    let page = owner.get("/scheduled?template=cloud-line/order_news/en").await.body;
    assert!(
        page.contains("value=\"cloud-line/order_news/en\" selected")
            && !page[page.find("id=\"add\"").expect("the form")..].contains("value=\"shop-line\"")
    );
    let mut fields = form("order_news/en", &ORDER);
    fields.extend([("instance", LINE), ("at", "2026-06-01T09:00"), ("do", "preview")]);
    let looked = owner.post("/scheduled", &fields).await;
    assert!(looked.status == 200 && text(&looked.body).contains("Hello Amal &#38; co, the lamp <is> ready."));
    assert!(looked.body.contains("value=\"2026-06-01T09:00\""), "what was typed stays");
    assert_eq!(rig.world.number("SELECT count(*) FROM schedules").await, 0);
    fields.pop();
    assert_eq!(owner.post("/scheduled", &fields).await.header("location"), Some("/scheduled?done=scheduled"));
    let shown = |page: &str| {
        let read = text(page);
        assert!(read.contains("Hello Amal &#38; co, the lamp <is> ready.") && read.contains("order_news en"), "{read}");
    };
    let page = owner.get("/scheduled").await.body;
    shown(&page);
    assert!(page.contains("state pending"));

    rig.world.later(Duration::from_secs(3600));
    rig.world.gateway().schedules.step().await.expect("a step");
    let page = scheduled_until(&mut owner, "state sent").await;
    assert!(page.contains("state sent"), "{page}");
    shown(&page);
    assert_eq!(rig.last().body["template"]["components"][1]["parameters"][1]["text"], "the lamp");
    assert_eq!(rig.graph.sent().len(), 1);
    shown(&owner.get("/message-logs/1").await.body);
    rig.assert_good_manners();
}

/// What the guarded API keeps for later is shown there in the same way.
#[tokio::test]
async fn a_template_of_the_api_that_waits_is_shown_as_one() {
    let rig = rig().await;
    let body = json!({"instance_id": LINE, "phone": PHONE, "message_purpose": "transactional", "send_at": "2026-06-01T09:00:00Z",
                      "template": {"name": "order_news", "language": "en", "variables": ["1", "Amal", "the lamp", "1"]}});
    assert_eq!(rig.world.send(&body).await.status, 202);
    let read = text(&Visitor::logged_in(&rig.world, "owner").await.get("/scheduled").await.body);
    assert!(read.contains("order_news en") && read.contains("Hello Amal, the lamp <is> ready."), "{read}");
}

/// Has a template say `body` at Meta, and the same by `sql` here.
async fn edit(rig: &Rig, body: &str, sql: &'static str) {
    rig.graph.state().templates[0]["components"][1]["text"] = json!(body);
    rig.world.sql(sql).await;
}

/// It is edited while two messages wait, one of a person's and one of the API's, and again once both were sent.
#[tokio::test]
async fn a_template_says_what_it_said_when_it_was_sent() {
    let rig = rig().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let body = json!({"instance_id": LINE, "phone": PHONE, "message_purpose": "transactional", "send_at": "2026-06-01T09:10:00Z",
                      "template": {"name": "order_news", "language": "en", "variables": ["1", "Sami", "the desk", "1"]}});
    assert_eq!(rig.world.send(&body).await.status, 202);
    let mut fields = form("order_news/en", &ORDER);
    fields.extend([("instance", LINE), ("at", "2026-06-01T09:00"), ("do", "send")]);
    assert_eq!(owner.post("/scheduled", &fields).await.status, 303);
    let sql = "UPDATE templates SET body = 'Second for {{1}}: {{2}}' WHERE name = 'order_news'";
    edit(&rig, "Second for {{1}}: {{2}}", sql).await;
    let waits = text(&owner.get("/scheduled").await.body);
    assert!(waits.contains("Second for Amal") && waits.contains("Second for Sami"), "as it would be sent: {waits}");

    for (count, pause) in [(1, 3600), (2, 600)] {
        rig.world.later(Duration::from_secs(pause));
        rig.world.gateway().schedules.step().await.expect("a step");
        let sql = "SELECT count(*) FROM messages m JOIN schedules s ON s.log_id = m.id WHERE m.status = 'sent'";
        rig.until("it is sent", async || rig.world.number(sql).await == count).await;
    }
    let sql = "UPDATE templates SET body = 'Third for {{1}}: {{2}}' WHERE name = 'order_news'";
    edit(&rig, "Third for {{1}}: {{2}}", sql).await;
    let (amal, sami) = ("Second for Amal &#38; co: the lamp", "Second for Sami: the desk");
    let chat = format!("/chat?instance={LINE}&chat=c1");
    for (path, said) in [
        ("/scheduled", &[amal, sami][..]),
        ("/message-logs", &[amal, sami]),
        ("/message-logs/1", &[sami]),
        ("/message-logs/2", &[amal]),
        (&chat, &[amal, sami]),
    ] {
        let read = text(&owner.get(path).await.body);
        assert!(said.iter().all(|words| read.contains(words)), "{path}: {read}");
        for other in ["Hello Amal", "Hello Sami", "Third for Amal", "Third for Sami"] {
            assert!(!read.contains(other), "{path} says {other}: {read}");
        }
    }
    // Once the log keeps its words no more, nobody invents them.
    rig.world.sql("UPDATE messages SET body = '', content = NULL").await;
    let read = text(&owner.get("/scheduled").await.body);
    assert!(read.contains("order_news") && !read.contains("Third for"), "{read}");
}

/// It is kept as the guarded API would take it, so that nothing is refused for its form when it is due.
#[tokio::test]
async fn what_could_not_be_read_when_it_is_due_is_refused_at_once() {
    let rig = rig().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let later = [("instance", LINE), ("at", "2026-06-01T09:00"), ("do", "send")];
    let blanks = [("variable", "https://shop.example/bill.pdf"), ("variable", "7"), ("file_name", "of/June\u{202e} 7")];
    let bill = [&form("bill/en", &blanks)[..], &later].concat();
    assert_eq!(owner.post("/scheduled", &bill).await.status, 303);
    let kept = "SELECT count(*) FROM schedules WHERE json_extract(request, '$.file_name') = 'June 7'";
    assert_eq!(rig.world.number(kept).await, 1);
    // A language that no request can name.
    rig.world.sql("UPDATE templates SET language = 'en_and_all_others' WHERE name = 'order_news'").await;
    let order = [&form("order_news/en_and_all_others", &ORDER)[..], &later].concat();
    let refused = owner.post("/scheduled", &order).await;
    let read = text(&refused.body);
    assert!(refused.status == 422 && read.contains("Missing or malformed: template."), "{} {read}", refused.status);
    assert!(refused.body.contains("value=\"the lamp\""), "what was typed stays");
    assert_eq!(rig.world.number("SELECT count(*) FROM schedules").await, 1);
}
