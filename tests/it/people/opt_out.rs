//! Opt-out and opt-in through the whole gateway: what counts, what does not, and who may lift what. The lists
//! themselves are judged beside the code.

use crate::harness::{
    http,
    wait::until,
    world::{INSTANCE, PHONE, World, message, message_with},
};
use serde_json::json;
use std::time::Duration;
use wa_gateway::{
    app::commands::{SuppressAdd, SuppressRemove},
    connectors::inbound_event::{InboundMessage, RemoteParty, Told},
    model::ids::InstanceId,
};

const MINUTE: Duration = Duration::from_secs(60);

async fn is_suppressed(world: &World) -> bool {
    world.send(&message()).await.error() == "recipient_suppressed"
}

#[tokio::test]
async fn stop_in_each_language_and_in_disguise_suppresses_and_start_lifts() {
    let world = World::start().await;
    let words = [
        "STOP",
        "s t o p",
        "ＳＴＯＰ",
        "ЅТОР",
        "\u{202b}توقف\u{202c}",
        "توقـــف",
        "הסר",
        "baja",
        "sair",
        "désabonnement",
        "abmelden",
        "dur",
        "berhenti",
        "basta",
        "стоп",
        "रोकें",
        "روکیں",
        "Unsubscribe!",
        "remove me 🛑",
        "opt-out",
        "un-subscribe",
        "בטל הרשמה",
        "הורידו אותי",
        "disiscriviti",
    ];
    for word in words {
        world.hears(PHONE, word).await;
        assert!(is_suppressed(&world).await, "{word}");
        world.hears(PHONE, "start").await;
        // The pace for one recipient.
        world.later(std::time::Duration::from_secs(60));
        assert!(!is_suppressed(&world).await, "START after {word}");
    }
    for sentence in
        ["Please stop by tomorrow", "Where is the bus stop?", "I want to cancel my order 1001", "لا تلغي الطلب"]
    {
        world.hears(PHONE, sentence).await;
        world.later(std::time::Duration::from_secs(60));
        assert!(!is_suppressed(&world).await, "{sentence}");
    }
}

#[tokio::test]
async fn an_offered_cancel_is_an_answer_and_stop_never_is() {
    let world = World::start().await;
    world.send(&message_with(json!({"message": "Your table is at 8 tonight. Reply YES or CANCEL."}))).await;
    world.hears(PHONE, "Cancel").await;
    assert!(!is_suppressed(&world).await, "an answer to our question");
    world.later(std::time::Duration::from_secs(25 * 3600));
    world.hears(PHONE, "Cancel").await;
    assert!(is_suppressed(&world).await, "a day later nobody asked");
    world.hears(PHONE, "start").await;
    world.send(&message_with(json!({"message": "Reply YES, or STOP to end messages."}))).await;
    world.hears(PHONE, "stop").await;
    assert!(is_suppressed(&world).await);
}

const OFFER: &str = "Your table is at 8 tonight. Reply YES or CANCEL.";

#[tokio::test]
async fn a_message_that_did_not_go_offers_nothing() {
    let world = World::start().await;
    let offered_at = |send_at: &str| message_with(json!({"message": OFFER, "send_at": send_at}));
    assert_eq!(world.send(&message()).await.status, 200);
    world.sandbox("fail", "refuse").await;
    world.later(MINUTE);
    let failed = world.send(&message_with(json!({"message": OFFER}))).await;
    assert_eq!(failed.header("x-message-status"), Some("failed"), "{}", failed.body);
    world.sandbox("fail", "none").await;
    world.hears(PHONE, "Cancel").await;
    assert!(is_suppressed(&world).await, "it failed");
    world.hears(PHONE, "start").await;
    world.later(MINUTE);
    let waits = world.send(&offered_at("2026-06-03T08:00:00Z")).await;
    assert_eq!(waits.status, 202, "{}", waits.body);
    world.hears(PHONE, "Cancel").await;
    assert!(is_suppressed(&world).await, "it waits");
    world.hears(PHONE, "start").await;
    let cancel = format!("/api/messages/{}/cancel", waits.json()["log_id"]);
    let headers = [format!("Authorization: Bearer {}", world.key)];
    assert_eq!(http::call(world.address(), "POST", &cancel, &headers, b"").await.status, 200);
    world.hears(PHONE, "Cancel").await;
    assert!(is_suppressed(&world).await, "it was cancelled");
    world.stop().await;
}

#[tokio::test]
async fn an_offer_counts_from_when_it_went() {
    let world = World::start().await;
    let offer = json!({"message": OFFER, "send_at": "2026-06-04T08:00:00Z"});
    assert_eq!(world.send(&message_with(offer)).await.status, 202);
    world.later(MINUTE);
    assert_eq!(world.send(&message()).await.status, 200, "put in later, and gone before");
    world.later(3 * 24 * 60 * MINUTE);
    until("it goes", async || world.inbox().await.len() == 2).await;
    world.settle().await;
    world.hears(PHONE, "Cancel").await;
    world.later(MINUTE);
    assert!(!is_suppressed(&world).await, "put in three days ago, and gone a moment ago");
    world.stop().await;
}

#[tokio::test]
async fn a_sign_of_ours_takes_no_offer_back() {
    let world = World::start().await;
    world.hears(PHONE, "A table for two, please").await;
    let heard = world.number("SELECT max(id) FROM inbound_messages").await;
    assert_eq!(world.send(&message_with(json!({"message": OFFER}))).await.status, 200);
    world.later(MINUTE);
    let sign = json!({"instance_id": INSTANCE, "phone": PHONE, "message_purpose": "support",
                      "reaction": {"message_id": format!("inb_{heard}"), "emoji": "👍"}});
    assert_eq!(world.send(&sign).await.status, 200);
    world.hears(PHONE, "Cancel").await;
    world.later(MINUTE);
    assert!(!is_suppressed(&world).await);
    world.stop().await;
}

#[tokio::test]
async fn a_templates_quick_reply_opts_out_and_what_is_chosen_from_a_list_does_not() {
    let world = World::start().await;
    let says = async |provider_message_id: &str, may_opt_out: bool, (title, payload): (&str, Option<&str>)| {
        let sandbox = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("the sandbox");
        let message = InboundMessage {
            provider_message_id: provider_message_id.into(),
            from: RemoteParty { phone: Some(PHONE.into()), ..RemoteParty::default() },
            group: None,
            kind: if may_opt_out { "button" } else { "interactive" }.into(),
            text: Some(title.into()),
            reply_to: None,
            may_opt_out,
            payload: payload.map(str::to_owned),
            media: None,
            raw: None,
            told: Told::Live,
        };
        sandbox.receive_message(message).await.expect("recorded");
    };
    says("in_1", false, ("STOP", Some("STOP"))).await;
    assert!(!is_suppressed(&world).await, "an answer of a menu");
    for (id, title, payload) in [
        ("in_2", "Stop the order", None),
        ("in_3", "Not now", Some("CANCEL")),
        ("in_8", "The lamp", Some("remove")),
        ("in_4", "Yes", Some("START")),
    ] {
        says(id, true, (title, payload)).await;
        assert!(!is_suppressed(&world).await, "{title} {payload:?}");
    }
    says("in_5", true, ("STOP", None)).await;
    assert!(is_suppressed(&world).await, "a template's quick reply");
    says("in_6", true, ("Yes, please", Some("START"))).await;
    assert!(is_suppressed(&world).await, "what a program calls its button lifts nothing");
    world.hears(PHONE, "START").await;
    says("in_7", true, ("No more of these", Some("STOP"))).await;
    assert!(is_suppressed(&world).await, "a quick reply that stands for the word");
}

#[tokio::test]
async fn start_never_lifts_what_was_blocked_by_hand() {
    let world = World::start().await;
    let (account, phone) = (world.account, PHONE.to_owned());
    let add = SuppressAdd { account, phone: phone.clone(), reason: Some("moved away".into()) };
    world.command(add).await.expect("added");
    world.hears(PHONE, "STOP").await;
    world.hears(PHONE, "START").await;
    assert!(is_suppressed(&world).await, "still blocked by hand");
    world.command(SuppressRemove { account, phone }).await.expect("lifted");
    assert!(!is_suppressed(&world).await);
}
