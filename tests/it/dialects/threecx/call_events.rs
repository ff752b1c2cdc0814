//! Call events and templates: when one is answered, with which words, how often; and whose hours the window is.

use crate::harness::{
    pbx::{call, reply_to},
    world::{INSTANCE, PHONE, SPAM, World},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::{SandboxCall, ThreecxSettings, ThreecxTemplate};

const BADR: &str = "+966501234569";

#[tokio::test]
async fn the_window_is_of_the_instance_and_strict_mode_is_an_admins() {
    let world = World::start_with(|config| config.guard.recipient_per_minute = 0).await;
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    world.new_instance(world.account, "other-line").await;
    let other = world.another_pbx("other-line", ThreecxSettings::default()).await;
    world.template(&pbx, "after_hours", None).await;
    world.hears(PHONE, "Hello?").await;
    assert_eq!(world.event(&other, &reply_to(PHONE)).await.error(), "conversation_window_closed", "another number");
    // A call over WhatsApp opens the window, as a message does.
    assert_eq!(world.event(&pbx, &reply_to(BADR)).await.error(), "conversation_window_closed");
    let rings = SandboxCall { instance: INSTANCE.into(), from: BADR.into(), missed: true };
    world.command(rings).await.expect("recorded");
    assert_eq!(world.event(&pbx, &reply_to(BADR)).await.status, 200);
    // The hours are a setting, to the second.
    world.set_pbx(&pbx, ThreecxSettings { window_hours: Some(2), ..Default::default() }).await;
    world.later(Duration::from_secs(2 * 3600 - 1));
    assert_eq!(world.event(&pbx, &reply_to(PHONE)).await.status, 200);
    world.later(Duration::from_secs(1));
    assert_eq!(world.event(&pbx, &reply_to(PHONE)).await.error(), "conversation_window_closed");
    assert_eq!(world.event(&pbx, &call("after_hours", PHONE)).await.error(), "conversation_window_closed");
    // Without the strict mode, call events write to whom they like; agents' replies do not.
    world.set_pbx(&pbx, ThreecxSettings { strict: Some(false), ..Default::default() }).await;
    assert_eq!(world.event(&pbx, &call("after_hours", BADR)).await.json()["status"], "sent");
    assert_eq!(world.event(&pbx, &reply_to(BADR)).await.error(), "conversation_window_closed");
    let text = world.inbox().await.last().expect("a message")["text"].clone();
    assert!(text.as_str().is_some_and(|t| t.contains("Shop will answer")), "{text}");
    world.stop().await;
}

#[tokio::test]
async fn each_call_event_has_its_template_and_its_own_cooldown() {
    let world = World::start_with(|config| config.guard.recipient_per_minute = 0).await;
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    for phone in [PHONE, BADR] {
        world.hears(phone, "Hello?").await;
    }
    for event in ["missed_call", "voicemail", "call_ended", "queue_callback", "after_hours"] {
        let off = world.event(&pbx, &call(event, PHONE)).await.json();
        let expected =
            json!({"success": true, "status": "skipped", "event_type": event, "reason": "template_disabled"});
        assert_eq!(off, expected);
        world.template(&pbx, event, Some("Q {{queue}} at {{call_time}} by {{agent_extension}}, ok.")).await;
        for (phone, status) in [(PHONE, "sent"), (PHONE, "skipped"), (BADR, "sent"), (BADR, "skipped")] {
            let reply = world.event(&pbx, &call(event, phone)).await.json();
            assert_eq!((&reply["status"], &reply["event_type"]), (&json!(status), &json!(event)), "{phone}");
        }
    }
    let texts: Vec<Value> = world.inbox().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, vec![json!("Q Sales at 10:15 by 101, ok."); 10]);
    // Of many at once, one is sent.
    world.later(Duration::from_secs(15 * 60));
    let many = (0..10).map(|_| async { world.event(&pbx, &call("missed_call", PHONE)).await });
    let replies = futures_util::future::join_all(many).await;
    assert_eq!(replies.iter().filter(|r| r.json()["status"] == "sent").count(), 1);
    // What certainly did not go starts no cooldown; what may have gone does.
    world.later(Duration::from_secs(15 * 60));
    world.sandbox("fail", "refuse").await;
    assert_eq!(world.event(&pbx, &call("missed_call", PHONE)).await.error(), "gateway_send_failed");
    world.sandbox("fail", "").await;
    assert_eq!(world.event(&pbx, &call("missed_call", PHONE)).await.json()["status"], "sent");
    world.stop().await;
}

#[tokio::test]
async fn templates_are_judged_when_they_are_saved() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let save = async |event: &str, text: &str| {
        let (id, event, text) = (pbx.id.clone(), event.to_owned(), Some(text.to_owned()));
        world.command(ThreecxTemplate { id, event, text, ..Default::default() }).await
    };
    for (event, text, word) in [
        ("missed_call", "Hi {{name}}", "is no variable"),
        ("missed_call", SPAM, "content policy"),
        ("missed_call", "", "text of its own"),
        ("call_started", "Hello", "has no template"),
        ("dial", "Hello", "no event"),
    ] {
        let refused = save(event, text).await.expect_err(text);
        assert!(refused.contains(word), "{refused}");
    }
    let saved = save("voicemail", "We will listen to it.").await.expect("saved");
    let expected = json!({"event_type": "voicemail", "enabled": false, "text": "We will listen to it."});
    assert_eq!(saved, expected);
    let values =
        wa_gateway::dialects::threecx::template::TemplateValues { queue: "Sales".into(), ..Default::default() };
    let threecx = &world.gateway().threecx;
    assert_eq!(threecx.preview("You called {{queue}}.", &values).expect("a preview"), "You called Sales.");
    assert!(threecx.preview("You called {{nobody}}.", &values).is_err());
    world.stop().await;
}

#[tokio::test]
async fn a_template_is_judged_by_its_own_words_and_not_by_the_names_of_its_variables() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let all = "We missed your call {{customer_phone}} {{agent_extension}} {{queue}} {{call_time}} {{business_name}}";
    for text in ["{{business_name}}: {{queue}} {{agent_extension}} {{call_time}} {{customer_phone}}", all] {
        world.template(&pbx, "missed_call", Some(text)).await;
    }
    world.stop().await;
}
