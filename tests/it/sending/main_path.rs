//! The main path: a request over HTTP to the sandbox's phone, and what is left of it in the log.

use crate::harness::{
    contract::log_id,
    world::{INSTANCE, PHONE, SPAM, World, message, message_with},
};
use serde_json::json;
use std::time::Duration;
use wa_gateway::store::StoreError;

#[tokio::test]
async fn a_message_reaches_the_phone_and_is_in_the_log() {
    let world = World::start().await;
    let reply = world.send(&message()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = reply.json();
    assert_eq!(body["success"], true);
    assert_eq!(body["status"], "sent");
    assert_eq!(reply.header("x-message-status"), Some("sent"));
    assert_eq!(reply.header("x-log-id"), Some(body["log_id"].to_string().as_str()));

    let inbox = world.inbox().await;
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0]["to"], PHONE);
    assert_eq!(inbox[0]["text"], "Your order #2041 has been shipped.");
    assert_eq!(inbox[0]["message_id"], body["message_id"]);

    let row = world.get(&format!("/api/messages/{}", body["log_id"])).await.json();
    assert_eq!(row["status"], "sent");
    assert_eq!(row["instance_id"], INSTANCE);
    assert_eq!(row["provider_message_id"], inbox[0]["provider_message_id"]);
    assert_eq!(world.used().await, (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_that_repeats_within_a_minute_is_counted_on_one_row() {
    let world = World::start().await;
    world.suppress(PHONE).await;
    let first = log_id(&world.send(&message()).await);
    assert_eq!(log_id(&world.send(&message()).await), first);
    world.later(Duration::from_secs(60));
    assert_ne!(log_id(&world.send(&message()).await), first);
    assert_eq!(world.row(&json!(first)).await["repeats"], 1);
    world.stop().await;
}

/// Whoever decides about what was refused for its words sees each of them.
#[tokio::test]
async fn another_refused_text_to_the_same_person_has_a_row_of_its_own() {
    let world = World::start_with(|config| config.guard.strikes = 0).await;
    let (one, other) = (SPAM.to_owned(), format!("{SPAM} And a prize for you!"));
    let [one, other] = [one, other].map(|text| message_with(json!({"message": text})));
    let first = log_id(&world.send(&one).await);
    assert_eq!(log_id(&world.send(&one).await), first, "the same again");
    assert_ne!(log_id(&world.send(&other).await), first);
    assert_eq!(world.row(&json!(first)).await["repeats"], 1);
    world.stop().await;
}

/// What was remembered of a refusal may never have come to be: its commit failed, and its number is another message's.
#[tokio::test]
async fn a_refusal_is_not_counted_on_a_row_that_is_another_messages() {
    let world = World::start().await;
    world.suppress(PHONE).await;
    let first = log_id(&world.send(&message()).await);
    let write = world.gateway().store.write(move |tx| {
        tx.execute("DELETE FROM policy_decisions WHERE log_id = ?1", [first])?;
        tx.execute("DELETE FROM messages WHERE id = ?1", [first])?;
        tx.execute("DELETE FROM sqlite_sequence WHERE name = 'messages'", [])?;
        Ok::<_, StoreError>(())
    });
    write.await.expect("as if it had never been committed");
    let mut other = message();
    other["phone"] = json!("+31612345678");
    assert_eq!(log_id(&world.send(&other).await), first, "the number is another message's");
    let again = log_id(&world.send(&message()).await);
    assert_ne!(again, first);
    assert_eq!(world.row(&json!(first)).await["repeats"], 0);
    let row = world.row(&json!(again)).await;
    assert_eq!((&row["status"], &row["reason"]), (&json!("blocked"), &json!("recipient_suppressed")));
    world.stop().await;
}
