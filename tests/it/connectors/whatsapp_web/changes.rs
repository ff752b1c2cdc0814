//! What is changed after it was written, and what is written on the number's own phone.

use super::rig::{CUSTOMER, OWN, Rig};
use crate::harness::whatsapp::{Fault, attribute};
use serde_json::{Value, json};
use wa_gateway::store::StoreError;
use whatsapp_rust::{
    prelude::MessageField,
    waproto::whatsapp::{self as wa, message::protocol_message::Type},
};

fn text(words: &str) -> wa::Message {
    wa::Message { conversation: Some(words.to_owned()), ..Default::default() }
}

/// An edit in the two forms that there are, or a deletion.
fn change(about: &str, words: Option<&str>, is_wrapped: bool) -> wa::Message {
    let told = wa::message::ProtocolMessage {
        key: MessageField::some(wa::MessageKey { id: Some(about.to_owned()), ..Default::default() }),
        r#type: Some(if words.is_some() { Type::MESSAGE_EDIT } else { Type::REVOKE }),
        edited_message: words.map_or_else(MessageField::none, |words| MessageField::some(text(words))),
        ..Default::default()
    };
    let told = wa::Message { protocol_message: MessageField::some(told), ..Default::default() };
    if !is_wrapped {
        return told;
    }
    let wrapped = wa::message::FutureProofMessage { message: MessageField::some(told) };
    wa::Message { edited_message: MessageField::some(wrapped), ..Default::default() }
}

/// Kind, words and writer of what the chat holds.
async fn rows(rig: &Rig) -> Vec<(String, String, Option<String>)> {
    let rows = rig.world.gateway().store.read(|tx| {
        tx.list("SELECT kind, body, origin FROM inbound_messages ORDER BY id", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })
    });
    rows.await.map_err(|e: StoreError| e.to_string()).expect("rows")
}

fn row(kind: &str, words: &str, origin: Option<&str>) -> (String, String, Option<String>) {
    (kind.to_owned(), words.to_owned(), origin.map(str::to_owned))
}

#[tokio::test]
async fn edits_and_deletions_change_the_message_that_they_name() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    rig.service.write(CUSTOMER, OWN, "3AONE", &text("2 pieces"));
    rig.service.write(CUSTOMER, OWN, "3ATWO", &change("3AONE", Some("3 pieces"), true));
    rig.service.write(CUSTOMER, OWN, "3ATHREE", &change("3AONE", Some("4 pieces"), false));
    rig.service.write(CUSTOMER, OWN, "3AFOUR", &change("3AONE", None, false));
    rig.until("all of it is heard", async || rows(&rig).await.len() >= 4).await;
    let expected = [
        row("text", "2 pieces", None),
        row("edit", "3 pieces", None),
        row("edit", "4 pieces", None),
        row("revoke", "", None),
    ];
    assert_eq!(rows(&rig).await, expected);
    let told = rig.events("message.received", 4).await;
    let changed: Vec<&Value> = told.iter().map(|event| &event["changed_provider_message_id"]).collect();
    assert_eq!(changed, [&Value::Null, &json!("3AONE"), &json!("3AONE"), &json!("3AONE")], "{told:?}");

    // An edit to STOP is an opt-out.
    rig.service.write(CUSTOMER, OWN, "3AFIVE", &text("STUP"));
    rig.service.write(CUSTOMER, OWN, "3ASIX", &change("3AFIVE", Some("STOP"), true));
    rig.until("it is heard", async || rows(&rig).await.len() >= 6).await;
    let refused = rig.send("Your order is ready.").await;
    assert_eq!(refused.error(), "recipient_suppressed", "{}", refused.body);
    assert!(rig.service.taken().is_empty());
    rig.until("all is acknowledged", async || rig.service.kept(OWN) == 0).await;
}

/// The owner answers on the phone: the chat has both sides, programs are told, nothing is sent or judged.
#[tokio::test]
async fn what_is_written_on_the_phone_stands_in_the_chat() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.sent", "message.received"]).await;
    rig.service.write(CUSTOMER, OWN, "3AASK", &text("Are you open?"));
    rig.events("message.received", 1).await;
    rig.service.write_on_phone(OWN, CUSTOMER, "3AHOME", text("Until six."));
    rig.service.write_on_phone(OWN, CUSTOMER, "3AMEND", change("3AHOME", Some("Until seven."), true));
    // A note to oneself is nobody's chat.
    rig.service.write_on_phone(OWN, OWN, "3ANOTE", text("buy milk"));
    rig.until("all is acknowledged", async || rig.service.kept(OWN) == 0).await;
    let expected = [
        row("text", "Are you open?", None),
        row("text", "Until six.", Some("phone")),
        row("edit", "Until seven.", Some("phone")),
    ];
    assert_eq!(rows(&rig).await, expected);
    let told = rig.events("message.sent", 2).await;
    assert_eq!((&told[0]["source"], &told[0]["to"]), (&json!("phone"), &json!(rig.customer.phone())), "{told:?}");
    assert!(rig.service.taken().is_empty());
}

/// A change of our own message, as a program asks for it.
fn wanted(rig: &Rig, about: &Value, text: Option<&str>) -> Value {
    let field = if text.is_some() { "edit" } else { "delete" };
    json!({"instance_id": super::rig::LINE, "phone": rig.customer.phone(), "message": text,
           "message_purpose": "transactional", field: {"message_id": about}})
}

#[tokio::test]
async fn our_own_messages_are_edited_and_taken_back_on_the_other_phone() {
    let rig = Rig::start().await;
    let ours = rig.send("2 pieces are on their way.").await.json();
    let id = rig.last_id();
    for (text, kind) in [(Some("3 pieces are on their way."), "edit"), (None, "revoke")] {
        let reply = rig.world.send(&wanted(&rig, &ours["message_id"], text)).await;
        assert_eq!((reply.status, reply.header("x-message-status")), (200, Some("sent")), "{}", reply.body);
        let got = rig.customer.got(&rig.last_id()).await;
        let got = (got.kind.as_str(), got.text.as_deref(), got.reply_to.as_deref());
        assert_eq!(got, (kind, text, Some(id.as_str())));
        rig.until("it is delivered", async || rig.row(&reply).await["status"] == "delivered").await;
    }
    // By a stanza of its own, with WhatsApp's word for it.
    let edits: Vec<String> = rig.service.seen("message").iter().map(|m| attribute(m, "edit")).collect();
    assert_eq!(edits.iter().filter(|edit| !edit.is_empty()).collect::<Vec<_>>(), ["1", "7"]);
    let refused = rig.world.send(&wanted(&rig, &ours["message_id"], Some("4 pieces"))).await;
    assert_eq!(refused.status, 422, "what was taken back is not edited: {}", refused.body);
}

/// WhatsApp refuses the change: nothing was changed.
#[tokio::test]
async fn a_change_that_is_refused_is_failed() {
    let rig = Rig::start().await;
    let ours = rig.send("2 pieces are on their way.").await.json();
    rig.service.fault_next(Fault::Nack("403"));
    let reply = rig.world.send(&wanted(&rig, &ours["message_id"], Some("3 pieces are on their way."))).await;
    assert_eq!(rig.row(&reply).await["status"], "failed", "{}", reply.body);
    assert_eq!(rig.customer.messages().len(), 1);
}
