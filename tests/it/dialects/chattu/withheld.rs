//! What an endpoint answers and nobody can be sent: whoever asks why finds it.

use super::{
    Shop,
    hooks::{call, inbox, quiet, reject_calls, texts},
};
use crate::harness::world::{PHONE, World};
use serde_json::json;
use std::time::Duration;
use wa_gateway::dialects::chattu::DEFAULT_REJECTION;

/// Why answers were withheld, oldest first.
async fn withheld(world: &World) -> Vec<String> {
    texts(world, "SELECT after FROM audit WHERE action = 'webhook.answer_withheld' ORDER BY id").await
}

/// Whoever wrote hears nothing then; a caller hears what the instance says.
#[tokio::test]
async fn an_answer_that_cannot_be_sent_is_told() {
    let (shop, receiver) = Shop::with_receiver().await;
    let rows = [
        (json!({"response": "x".repeat(5000)}), "its response has 5000 characters, and 4096 is the most"),
        (json!({"response": 5}), "its response is no text in quotes"),
        (json!({"response": "a\0b"}), "its response has the character U+0000, which no message can have"),
        (json!({"response": "x".repeat(70_000)}), "the answer has more than 64 KiB"),
    ];
    let mut expected = Vec::new();
    for (answer, why) in &rows {
        receiver.say_next(&answer.to_string());
        shop.world.hears(PHONE, "a question").await;
        expected.push(*why);
        quiet(&shop, &receiver, expected.len()).await;
        assert_eq!(withheld(&shop.world).await, expected);
    }
    receiver.say_next(r#"{"response":""}"#);
    shop.world.hears(PHONE, "a question").await;
    quiet(&shop, &receiver, rows.len() + 1).await;
    assert_eq!(withheld(&shop.world).await, expected, "an empty one says nothing");
    assert!(shop.world.inbox().await.is_empty());
    reject_calls(&shop.world, "").await;
    receiver.say_next(&json!({"rejectionMessage": "x".repeat(5000)}).to_string());
    call(&shop.world).await;
    assert_eq!(inbox(&shop.world, 1).await[0]["text"], DEFAULT_REJECTION);
    expected.push("its rejectionMessage has 5000 characters, and 4096 is the most");
    assert_eq!(withheld(&shop.world).await, expected);
    let log = shop.get("/api/logs").await.body;
    assert!(log.contains("webhook.answer_withheld") && log.contains("5000 characters"), "{log}");
    shop.world.stop().await;
}

/// A person's message may be answered freely for a day: what a later attempt brings then is not dropped in silence.
#[tokio::test]
async fn an_answer_that_comes_too_late_is_told() {
    let (shop, receiver) = Shop::with_receiver().await;
    receiver.answer_next("500 Internal Server Error");
    shop.world.hears(PHONE, "a question").await;
    quiet(&shop, &receiver, 1).await;
    receiver.say_next(r#"{"response":"at last"}"#);
    shop.world.later(Duration::from_secs(25 * 3600));
    quiet(&shop, &receiver, 2).await;
    assert_eq!(withheld(&shop.world).await, ["it is too old"]);
    assert!(shop.world.inbox().await.is_empty());
    shop.world.stop().await;
}
