//! Texts after the recipient's 24 hours, of which Meta makes templates: only what was asked for goes so, and it ends here
//! before Meta ends it.

use super::rig::{LINE, Rig};
use crate::harness::{contract::assert_refused, graph::Fault};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::store::StoreError;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An instance that may, and a customer whose window is closed.
async fn rig() -> Rig {
    let rig = Rig::start_with(&[("direct_send", "on")]).await;
    rig.world.later(DAY);
    rig
}

fn with(rig: &Rig, members: &Value) -> Value {
    let mut body = rig.message("Your order 2041 has been shipped.");
    body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    body
}

async fn is_off(rig: &Rig) -> bool {
    let status = rig.status().await;
    status["settings"]["direct_send"].is_null()
}

/// What the owner was told.
async fn notices(rig: &Rig) -> Vec<String> {
    let read = rig.world.gateway().store.read(|tx| {
        tx.list("SELECT parameters FROM notices WHERE kind = 'provider_news' ORDER BY id", [], |r| r.get(0))
    });
    read.await.map_err(|e: StoreError| e.to_string()).expect("notices")
}

#[tokio::test]
async fn a_text_that_was_asked_for_goes_after_the_window_and_within_it_as_ever() {
    let rig = rig().await;
    for members in [
        json!({}),
        json!({"message_purpose": "operational", "message": "Your table for two is booked for nine."}),
        json!({"message": "Is nine good?", "buttons": [{"title": "Yes"}]}),
        json!({"message": "Your invoice 2041.", "link_button": {"title": "Open", "url": "https://shop.example/2041"}}),
    ] {
        rig.world.later(Duration::from_secs(60));
        let reply = rig.world.send(&with(&rig, &members)).await;
        assert_eq!(reply.status, 200, "{members}: {}", reply.body);
        assert_eq!(rig.last().body["category"], "utility", "{members}");
    }
    rig.hears(super::rig::PHONE).await;
    assert_eq!(rig.send("Your order 2042 has been shipped.").await.status, 200);
    assert!(rig.last().body.get("category").is_none(), "an answer is none");
    rig.assert_good_manners();
}

#[tokio::test]
async fn what_is_no_such_text_stays_here() {
    let rig = rig().await;
    for members in [
        json!({"message_purpose": "support"}),
        json!({"message_purpose": "internal_team"}),
        json!({"message_purpose": "authentication", "message": "Your code is 123456."}),
        json!({"message": "x".repeat(1025)}),
        json!({"message": null, "location": {"latitude": 1, "longitude": 1}}),
    ] {
        let mut body = with(&rig, &members);
        if body["message"].is_null() {
            body.as_object_mut().expect("an object").remove("message");
        }
        assert_refused(&rig.world.send(&body).await, "conversation_window_closed");
    }
    assert_eq!(rig.send("MEGA SALE!!! 70% OFF everything, buy now, limited offer").await.error(), "policy_violation");
    assert!(rig.graph.sent().is_empty());
    rig.set(&[("direct_send", "off")]).await;
    assert_refused(&rig.send("Your order 2041 has been shipped.").await, "conversation_window_closed");
}

#[tokio::test]
async fn the_first_refusal_ends_it_and_is_remembered() {
    for (code, details) in [
        (100, "Direct Send isn't enabled for this account"),
        (131_064, "too many utility messages"),
        (139_200, "blocked for misuse"),
    ] {
        let rig = rig().await;
        rig.graph.state().faults.push_back(Fault::Answer(
            "400 Bad Request".into(),
            crate::harness::graph::refusal(code, details).to_string(),
        ));
        let reply = rig.send("Your order 2041 has been shipped.").await;
        assert_eq!((reply.status, reply.header("x-message-status")), (502, Some("failed")), "{code}");
        assert!(is_off(&rig).await, "{code}");
        assert!(notices(&rig).await.iter().any(|told| told.contains("direct_send is off")), "{code}");
        assert_refused(&rig.send("Your order 2042 has been shipped.").await, "conversation_window_closed");
        assert_eq!(rig.status().await["state"], "open", "{code}: answers go on");
        // A person switches it on again.
        rig.set(&[("direct_send", "on")]).await;
        assert_eq!(rig.send("Your order 2043 has been shipped.").await.status, 200, "{code}");
    }
}

/// A request that is wrong for another reason says nothing of the account.
#[tokio::test]
async fn another_refusal_ends_nothing() {
    let rig = rig().await;
    rig.graph.state().faults.push_back(Fault::code("400 Bad Request", 100));
    assert_eq!(rig.send("Your order 2041 has been shipped.").await.status, 502);
    assert!(!is_off(&rig).await);
}

#[tokio::test]
async fn what_meta_tells_of_the_account_ends_it() {
    let told = [
        (
            "template_correct_category_detection",
            json!({"message_template_name": "auto_1", "correct_category": "MARKETING"}),
        ),
        (
            "account_update",
            json!({"event": "ACCOUNT_RESTRICTION", "violation_info": {"violation_type": "DIRECT_SEND_UTILITY_MISUSE"}}),
        ),
    ];
    for (field, value) in told {
        let rig = rig().await;
        assert_eq!(rig.graph.call_field(rig.world.address(), LINE, field, value).await, 200);
        assert!(is_off(&rig).await, "{field}");
        assert!(notices(&rig).await.iter().any(|told| told.contains("direct_send is off")), "{field}");
        assert_refused(&rig.send("Your order 2041 has been shipped.").await, "conversation_window_closed");
    }
    // A status tells what an answer did not.
    let rig = rig().await;
    assert_eq!(rig.send("Your order 2041 has been shipped.").await.status, 200);
    let mut failed = crate::harness::graph::Graph::status(&rig.last(), "failed", 1_780_400_000);
    failed["statuses"][0]["errors"] = json!([{"code": 139_200, "title": "blocked"}]);
    rig.call(failed).await;
    assert!(is_off(&rig).await);
}
